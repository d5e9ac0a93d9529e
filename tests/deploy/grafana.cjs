// Every query in Grafana's files by the grammar of its language, every dashboard by Grafana's own types.
const fs = require("fs");
const path = require("path");
const ts = require("typescript");

const [, , deploy, modules] = process.argv;
const load = (name) => import(require.resolve(name));
const folder = path.join(deploy, "kubernetes/backends/grafana");
const faults = [];

// What Grafana puts in the place of its variables.
const filled = (query) => query
    .replaceAll("$$", "$")
    .replace(/\$\{?__rate_interval\}?|\$__range/g, "5m")
    .replace(/\$\{__tags\}|\$__tags/g, 'service_name="hello"')
    .replace(/\$\{__trace\.traceId\}/g, "0af7651916cd43dd8448eb211c80319c")
    .replace(/\$(job|instance|route|service)\b/g, "x");

async function main() {
    const grammars = {
        prometheus: (await load("@prometheus-io/lezer-promql")).parser,
        loki: (await load("@grafana/lezer-logql")).parser,
        tempo: (await load("@grafana/lezer-traceql")).parser,
    };
    let queries = 0;
    const judge = (language, query, where) => {
        queries += 1;
        const text = filled(query);
        grammars[language].parse(text).iterate({
            enter(node) {
                if (node.type.isError) faults.push(`${where}: ${text}: at ${node.from}`);
            },
        });
    };

    const dashboards = fs.readdirSync(path.join(folder, "dashboards"));
    const uids = new Set();
    for (const name of dashboards) {
        const dashboard = JSON.parse(fs.readFileSync(path.join(folder, "dashboards", name)));
        if (uids.has(dashboard.uid)) faults.push(`${name}: its uid is another's`);
        uids.add(dashboard.uid);
        const ids = dashboard.panels.map((panel) => panel.id);
        if (new Set(ids).size !== ids.length) faults.push(`${name}: two panels have one id`);
        for (const panel of dashboard.panels) {
            for (const target of panel.targets ?? []) {
                judge(target.datasource.uid, target.expr ?? target.query, `${name}: ${panel.title}`);
            }
        }
    }
    const sources = fs.readFileSync(path.join(folder, "datasources.yaml"), "utf8");
    for (const [, query] of sources.matchAll(/^\s+query: '(.*)'$/gm)) {
        judge(query.includes("trace_id=") ? "loki" : "prometheus", query, "datasources.yaml");
    }
    console.log(`${queries} queries by the grammars of Prometheus, Loki and Tempo`);

    // A grammar that takes everything would say nothing.
    for (const [language, query] of [["prometheus", "sum(rate(x[5m])"], ["loki", '{a="b"} |'], ["tempo", "{ status = }"]]) {
        const before = faults.length;
        judge(language, query, "");
        if (faults.length === before) faults.push(`the grammar of ${language} takes ${query}`);
        else faults.length = before;
    }

    const program = path.join(fs.mkdtempSync(path.join(require("os").tmpdir(), "dashboards-")), "dashboards.ts");
    const typed = dashboards.map((name, number) =>
        `const d${number}: Dashboard = ${fs.readFileSync(path.join(folder, "dashboards", name))};\nd${number};\n`);
    // JSON has the words of an enumeration, not its members.
    const head = `import type { Dashboard as Typed } from "@grafana/schema";
        type Plain<T> = T extends string ? \`\${T}\` : T extends object ? { [K in keyof T]: Plain<T[K]> } : T;
        type Dashboard = Plain<Typed>;\n`;
    fs.writeFileSync(program, head + typed.join(""));
    const options = {
        noEmit: true, strict: true, skipLibCheck: true, types: [], baseUrl: modules, paths: { "*": ["*"] },
        module: ts.ModuleKind.ESNext, moduleResolution: ts.ModuleResolutionKind.Bundler, target: ts.ScriptTarget.ES2022,
    };
    for (const found of ts.getPreEmitDiagnostics(ts.createProgram([program], options))) {
        const place = found.file?.getLineAndCharacterOfPosition(found.start);
        faults.push(`dashboards: line ${place?.line}: ${ts.flattenDiagnosticMessageText(found.messageText, "\n")}`);
    }
    fs.rmSync(path.dirname(program), { recursive: true });
    console.log(`${dashboards.length} dashboards by the types of Grafana`);
    for (const fault of faults) console.log(fault);
    process.exit(faults.length ? 1 : 0);
}
main();
