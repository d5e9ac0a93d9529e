//! The configurations of `deploy/` start, and carry a trace and its log line through both tiers.

use super::*;
use crate::support::{PATIENCE, gateway::Authority, peer};
use opentelemetry_proto::tonic::{
    collector::metrics::v1::ExportMetricsServiceRequest,
    logs::v1::{LogRecord, ResourceLogs, ScopeLogs},
    metrics::v1::{
        Gauge, Metric, NumberDataPoint, ResourceMetrics, ScopeMetrics, metric::Data, number_data_point::Value,
    },
};
use throughline::sender::{Destination, Limits, Protocol, Remote, Request, Sender};

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

/// The same without what that build has not: extensions, and what names one.
fn without_extensions(text: &str) -> String {
    let (_, behind) = text.split_once("\nreceivers:\n").unwrap();
    let is_of_none = |line: &&str| {
        let names = ["  extensions: [", "    sending_queue: { storage: ", "        auth: { authenticator: "];
        !names.iter().any(|name| line.starts_with(name))
    };
    let lines: String = behind.lines().filter(is_of_none).map(|line| format!("{line}\n")).collect();
    // Its own measurements have a port that others want too.
    let own = "service:\n  telemetry: { metrics: { level: none } }\n";
    format!("receivers:\n{}", lines.replace("service:\n", own))
}

/// A request of each signal, with one of its items.
fn bodies() -> [(Signal, Bytes); 3] {
    let point = NumberDataPoint { value: Some(Value::AsInt(1)), time_unix_nano: 1, ..Default::default() };
    let data = Some(Data::Gauge(Gauge { data_points: vec![point] }));
    let metrics = vec![Metric { name: "seats".into(), data, ..Default::default() }];
    let scope_metrics = vec![ScopeMetrics { metrics, ..Default::default() }];
    let measured = ExportMetricsServiceRequest {
        resource_metrics: vec![ResourceMetrics { scope_metrics, ..Default::default() }],
    };
    let scope_logs = vec![ScopeLogs { log_records: vec![LogRecord::default()], ..Default::default() }];
    let logged =
        ExportLogsServiceRequest { resource_logs: vec![ResourceLogs { scope_logs, ..Default::default() }] };
    [
        (Signal::Traces, spans(1..2)),
        (Signal::Metrics, measured.encode_to_vec().into()),
        (Signal::Logs, logged.encode_to_vec().into()),
    ]
}

#[tokio::test]
async fn the_configurations_of_otlp_alone_carry_all_signals_in_the_opentelemetry_collector_too() {
    let remedy =
        "an OpenTelemetry Collector with otlp receiver, batch, memory_limiter, otlp_grpc and otlp_http";
    let Some(otelcol) = peer("the OTLP pipelines of deploy/", "THROUGHLINE_TEST_OTELCOL", remedy) else {
        return;
    };
    for file in ["compose/agent.yaml", "kubernetes/gateway/gateway.yaml"] {
        let (directory, tempo, at) = (Directory::new(), Receiver::start(), address_of_pod());
        let [loki, prometheus] =
            ["/otlp", "/api/v1/otlp"].map(|path| Receiver::setup().base_path(path).start());
        secrets(&directory, &at);
        let path = configured(&directory, file, &[("0.0.0.0", &at)]);
        fs::write(&path, without_extensions(&fs::read_to_string(&path).unwrap())).unwrap();
        let [grpc, logs, metrics] =
            [tempo.grpc_address(), loki.http_address(), prometheus.http_address()].map(|to| to.to_string());
        let variables = [("MY_POD_IP", &*at), ("TEMPO", &grpc), ("LOKI", &logs), ("PROMETHEUS", &metrics)];
        let mut collector = Process::start(&otelcol, &["--config", &path], &variables);
        collector.line(&["Everything is ready"]).await;

        let is_encrypted = file.contains("gateway");
        let scheme = if is_encrypted { "https" } else { "http" };
        let mut remote = Remote::new(Protocol::Grpc, format!("{scheme}://{at}:4317").parse().unwrap());
        remote.tls.certificate = is_encrypted.then(|| directory.path("ca.crt").into());
        for (signal, body) in bodies() {
            let sender =
                Sender::start(signal, Destination::Remote(remote.clone()), Limits::default()).unwrap();
            sender.send(Request { items: 1, body });
            assert!(sender.flush(PATIENCE).await.is_ok(), "{file}: {:#?}", collector.lines());
        }
        let arrived = || [&tempo, &prometheus, &loki].map(|to| Signal::ALL.map(|signal| to.items(signal)));
        until("each signal where it belongs", || async {
            (arrived() == [[1, 0, 0], [0, 1, 0], [0, 0, 1]]).then_some(())
        })
        .await;
        collector.terminate();
        collector.ended().await;
    }
}
