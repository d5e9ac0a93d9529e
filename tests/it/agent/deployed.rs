//! The configurations of `deploy/` start, and carry a trace and its log line through both tiers.

use super::*;
use crate::support::gateway::Authority;

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const SPAN: &str = "00f067aa0ba902b7";

/// A file of `deploy/` with the paths of a test instead of those of a container.
fn configured(directory: &Directory, file: &str, more: &[(&str, &str)]) -> String {
    let path = format!("{}/deploy/{file}", env!("CARGO_MANIFEST_DIR"));
    let mut text = fs::read_to_string(&path).unwrap_or_else(|fault| panic!("{path}: {fault}"));
    let state = directory.path(&format!("state-{}", file.replace('/', "-")));
    fs::create_dir_all(&state).unwrap();
    let own = [
        ("/var/lib/collector", &*state),
        ("/var/lib/otelcol", &state),
        ("/var/log/pods", &directory.path("pods")),
        ("/etc/gateway-tls/", &directory.path("")),
        ("/etc/gateway-secret/", &directory.path("")),
        ("/etc/gateway/", &directory.path("")),
    ];
    for (there, here) in own.iter().chain(more) {
        text = text.replace(there, here);
    }
    let path = directory.path(&file.replace('/', "-"));
    fs::write(&path, text).unwrap();
    path
}

/// What the gateway and its agents know each other by, as `secrets` makes it.
fn secrets(directory: &Directory, gateway: &str) {
    let authority = Authority::new();
    let identity = authority.identity(gateway);
    fs::write(directory.path("ca.crt"), authority.pem()).unwrap();
    fs::write(directory.path("tls.crt"), &identity.certificate).unwrap();
    fs::write(directory.path("tls.key"), &identity.key).unwrap();
    fs::write(directory.path("htpasswd"), "agent:s3cret\n").unwrap();
}

#[tokio::test]
async fn every_configuration_of_the_manifests_can_be_used_as_it_is() {
    let directory = Directory::new();
    secrets(&directory, "localhost");
    let variables = [
        ("MY_POD_IP", &*address_of_pod()),
        ("K8S_NODE_NAME", "node"),
        ("OTEL_K8S_NODE_NAME", "node"),
        ("GATEWAY_PASSWORD", "s3cret"),
    ];
    for file in [
        "kubernetes/agent/agent.yaml",
        "kubernetes/gateway/gateway.yaml",
        "kubernetes/variants/two-tier/agent/agent.yaml",
        "compose/agent.yaml",
        "helm/opentelemetry-collector.yaml",
    ] {
        let path = configured(&directory, file, &[]);
        let mut check = collect(&path, &["--check"], &variables);
        assert!(check.ended().await.success(), "{file}: {:#?}", check.lines());
        let lines = check.lines().join("\n");
        for signal in ["traces", "metrics", "logs"] {
            assert!(lines.contains(&format!("pipeline {signal}: ")), "{file}: {lines}");
        }
    }
}

#[tokio::test]
async fn a_trace_and_its_log_line_go_through_both_tiers_with_tls_and_a_password() {
    let (directory, backend) = (Directory::new(), Receiver::start());
    let (http, grpc) = (backend.http_address().to_string(), backend.grpc_address().to_string());
    let (gateway_at, agent_at) = (address_of_pod(), address_of_pod());
    secrets(&directory, &gateway_at);
    // The receiver of the tests has the paths of OTLP alone.
    let paths = [("/api/v1/otlp\n", "\n"), ("/otlp\n", "\n")];
    let file = configured(&directory, "kubernetes/gateway/gateway.yaml", &paths);
    let variables = [("MY_POD_IP", &*gateway_at), ("TEMPO", &grpc), ("LOKI", &http), ("PROMETHEUS", &http)];
    let mut gateway = collect(&file, &["--view", "off"], &variables);
    gateway.line(&["takes", "4317"]).await;

    let there = format!("static: {{ hostnames: [\"{gateway_at}:4317\"] }}");
    let more = [("dns: { hostname: gateway, port: 4317 }", &*there)];
    let file = configured(&directory, "kubernetes/variants/two-tier/agent/agent.yaml", &more);
    let pod = directory.path("pods/default_hello-0_01234567-89ab-cdef-0123-456789abcdef/hello");
    fs::create_dir_all(&pod).unwrap();
    let line = format!(
        "2026-11-21T20:44:30.123456789Z stdout F 2026-11-21T20:44:30.123456Z  WARN trace_id={TRACE} span_id={SPAN} cart: empty\n"
    );
    fs::write(format!("{pod}/0.log"), line).unwrap();
    let variables = [("MY_POD_IP", &*agent_at), ("K8S_NODE_NAME", "node"), ("GATEWAY_PASSWORD", "s3cret")];
    let mut agent = collect(&file, &["--view", "off"], &variables);
    assert_eq!(post(&format!("{agent_at}:4318"), Signal::Traces, spans(1..101)).await, 200);

    until("all spans, and the line", || async {
        (backend.items(Signal::Traces) >= 100 && backend.items(Signal::Logs) >= 1).then_some(())
    })
    .await;
    assert_eq!(taken(&backend).len(), 100);
    let body = backend.bodies(Signal::Logs).remove(0);
    let logs = ExportLogsServiceRequest::decode(body).unwrap().resource_logs.remove(0);
    let record = &logs.scope_logs[0].log_records[0];
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    assert_eq!((hex(&record.trace_id), hex(&record.span_id)), (TRACE.to_owned(), SPAN.to_owned()));
    assert_eq!((record.severity_number, &*record.severity_text), (13, "WARN"));
    let resource = pairs(&logs.resource.unwrap().attributes);
    for pair in
        ["k8s.pod.name=hello-0", "k8s.namespace.name=default", "k8s.node.name=node", "service.name=hello"]
    {
        assert!(resource.contains(pair), "{resource}");
    }
    for process in [&mut agent, &mut gateway] {
        process.terminate();
        assert!(process.ended().await.success(), "{:#?}", process.lines());
    }
}
