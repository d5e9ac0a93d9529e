//! A service between services of other languages: one trace, the right parents, the right ids in all log lines.

use crate::support::{child::Process, free_port, get, peer, until};
use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    process::Command,
};
use throughline_collector::{Collector, Config, trace::Span};

/// What the caller is part of.
const CALLER: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

fn script(name: &str) -> String {
    format!("{}/examples/languages/{name}", env!("CARGO_MANIFEST_DIR"))
}

/// Python and Node with what their scripts need, or a line that says what is missing.
fn peers() -> Option<(String, String)> {
    let test = "one call through three languages";
    let python = peer(test, "THROUGHLINE_TEST_PYTHON", "a Python with FastAPI and OpenTelemetry")?;
    let node =
        peer(test, "THROUGHLINE_TEST_NODE", "Node beside a node_modules with Express and OpenTelemetry")?;
    let imports = "import fastapi, uvicorn, opentelemetry.instrumentation.fastapi, opentelemetry.instrumentation.logging";
    let has_python = Command::new(&python).args(["-c", imports]).output().unwrap().status.success();
    let modules = Path::new(&node).parent().unwrap().join("node_modules/@opentelemetry/sdk-node");
    if !has_python || !modules.exists() {
        use std::io::Write;
        let line = format!("DID NOT RUN: {test}: FastAPI, Express or their OpenTelemetry is not installed");
        let _ = writeln!(std::io::stderr().lock(), "{line}");
        return None;
    }
    Some((python, node))
}

fn start_collector() -> Collector {
    let any = Some(([127, 0, 0, 1], 0).into());
    let mut config = Config::default();
    (config.grpc, config.http, config.view) = (any, any, None);
    Collector::start(config).unwrap()
}

#[tokio::test]
async fn one_call_through_three_languages_is_one_trace_with_the_right_parents_and_ids() {
    let Some((python, node)) = peers() else { return };
    let collector = start_collector();
    let http = format!("http://{}", collector.http_address().unwrap());
    let grpc = format!("http://{}", collector.grpc_address().unwrap());

    let port = free_port().to_string();
    let app = ["-m", "uvicorn", "--app-dir", &script(""), "back:app", "--port", &port];
    let variables = [("OTEL_EXPORTER_OTLP_ENDPOINT", &*grpc), ("OTEL_SERVICE_NAME", "back")];
    let mut back = Process::start(&python, &app, &variables);
    back.line(&["Uvicorn running"]).await;

    let to_collector = ("OTEL_EXPORTER_OTLP_ENDPOINT", &*http);
    let target = format!("http://127.0.0.1:{port}");
    let variables = [to_collector, ("OTEL_SERVICE_NAME", "middle"), ("OTEL_METRICS_EXPORTER", "none")];
    let mut middle = Process::example("languages", &["127.0.0.1:0", &target], &variables);
    let listens = middle.line(&["listening on"]).await;
    let target = format!("http://{}", listens.rsplit(' ').next().unwrap());

    let modules = Path::new(&node).parent().unwrap().join("node_modules").display().to_string();
    let variables = [
        to_collector,
        ("NODE_PATH", &*modules),
        ("OTEL_SERVICE_NAME", "front"),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf"),
        ("OTEL_METRICS_EXPORTER", "none"),
        ("OTEL_LOGS_EXPORTER", "none"),
        ("OTEL_NODE_RESOURCE_DETECTORS", "env"),
    ];
    let mut front = Process::start(&node, &[&script("front.cjs"), "0", &target], &variables);
    let listens = front.line(&["listening on"]).await;
    let url = format!("http://127.0.0.1:{}/hello/ada", listens.rsplit(' ').next().unwrap());

    let (status, body) = get(&url, &[("traceparent", CALLER)]).await.unwrap();
    assert_eq!((status, &*body), (200, "bonjour, ada"));
    for service in [&mut front, &mut middle, &mut back] {
        service.terminate();
        service.ended().await;
    }

    // What is between them, without the spans that the instrumentations of Express and ASGI have beside those.
    let trace = until("spans of all three", || async {
        let trace = collector.trace(TRACE)?;
        let services: BTreeSet<_> = trace.spans.iter().map(|span| span.service.clone()).collect();
        (services.len() == 3).then_some(trace)
    })
    .await;
    let by_id: BTreeMap<_, _> = trace.spans.iter().map(|span| (&*span.span_id, span)).collect();
    let exchanges = |kind: &str, service: &str| {
        let mut spans =
            trace.spans.iter().filter(|span| span.kind.name() == kind && &*span.service == service);
        let span = spans.next().unwrap_or_else(|| panic!("no {kind} of {service}\n{trace}"));
        assert!(spans.next().is_none(), "two {kind} of {service}\n{trace}");
        span
    };
    // The nearest span around that is an exchange.
    let around = |span: &Span| {
        let mut parent = span.parent_span_id.as_deref();
        while let Some(found) = parent.and_then(|id| by_id.get(id)) {
            if found.kind.name() != "INTERNAL" {
                return found.span_id.clone();
            }
            parent = found.parent_span_id.as_deref();
        }
        parent.unwrap_or_default().to_owned()
    };
    let chain = [
        ("SERVER", "front"),
        ("CLIENT", "front"),
        ("SERVER", "middle"),
        ("CLIENT", "middle"),
        ("SERVER", "back"),
    ];
    let mut parent = "00f067aa0ba902b7".to_owned();
    for (kind, service) in chain {
        let span = exchanges(kind, service);
        assert_eq!(around(span), parent, "{kind} of {service}\n{trace}");
        parent = span.span_id.clone();
    }
    let names: Vec<_> = chain.iter().map(|(kind, service)| &*exchanges(kind, service).name).collect();
    assert_eq!(names, ["GET /hello/:name", "GET", "GET /greet/{name}", "GET", "GET /word/{kind}"]);

    // The line of each has the trace's id, and the id of a span of its own service.
    for (service, process, words) in [
        ("front", &front, "greeting ada"),
        ("middle", &middle, "asking for a word"),
        ("back", &back, "looking up a greeting"),
    ] {
        let lines = process.lines();
        let line = lines.iter().find(|line| line.contains(words)).unwrap_or_else(|| panic!("{lines:#?}"));
        let is_in = |id: &str| line.contains(id);
        assert!(is_in(TRACE), "{line}");
        let spans: Vec<_> = trace.spans.iter().filter(|span| is_in(&span.span_id)).collect();
        let [span] = &spans[..] else { panic!("{line}\n{trace}") };
        assert_eq!(&*span.service, service, "{line}");
    }
    let records: Vec<_> =
        trace.logs.iter().map(|record| (&*record.service, record.span_id.as_deref())).collect();
    assert_eq!(records, [("middle", Some(&*exchanges("SERVER", "middle").span_id))]);
}
