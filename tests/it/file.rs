//! A program goes by its configuration file, or does not start.

use crate::{
    lifecycle::record,
    support::{
        PATIENCE,
        child::Process,
        receiver::{Decoded, Receiver, attributes},
        until,
    },
};
use opentelemetry::metrics::MeterProvider;
use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};
use throughline::{Config, Telemetry, sender::Signal, testing::Arrival};

/// A file of the test; it goes with the test.
struct File(PathBuf);

impl File {
    fn new(name: &str, content: impl AsRef<[u8]>) -> Self {
        let path = std::env::temp_dir().join(format!("throughline-{}-{name}.yaml", std::process::id()));
        std::fs::write(&path, content).unwrap();
        File(path)
    }
}

impl Drop for File {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

const SERVICE: &str = r#"
file_format: "1.1"
resource:
  attributes_list: ${OTEL_RESOURCE_ATTRIBUTES}
  attributes:
    - name: shop.shard
      value: ${SHARD}
      type: int
propagator: {composite: [{tracecontext: }, {baggage: }]}
tracer_provider:
  processors:
    - batch:
        schedule_delay: 50
        exporter:
          otlp_http:
            endpoint: ${COLLECTOR:-http://localhost:4318}/v1/traces
            headers: [{name: x-from, value: the file}]
logger_provider:
  processors:
    - batch:
        schedule_delay: 50
        exporter: {otlp_grpc: {endpoint: "${COLLECTOR_GRPC}", tls: {insecure: true}}}
"#;

// B-091, O-101
#[tokio::test]
async fn a_service_sends_where_its_file_says_and_other_variables_of_the_standard_are_ignored() {
    let (receiver, ignored) = (Receiver::start(), Receiver::start());
    let file = File::new("service", SERVICE);
    let chain = Process::example(
        "chain",
        &["127.0.0.1:0"],
        &[
            ("OTEL_CONFIG_FILE", file.0.to_str().unwrap()),
            ("COLLECTOR", &receiver.http_endpoint()),
            ("COLLECTOR_GRPC", &receiver.grpc_address().to_string()),
            ("SHARD", "3"),
            ("OTEL_RESOURCE_ATTRIBUTES", "shop.region=north"),
            ("OTEL_EXPORTER_OTLP_ENDPOINT", &ignored.http_endpoint()),
            // These the SDK would read.
            ("OTEL_TRACES_SAMPLER", "always_off"),
            ("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", "0"),
            ("OTEL_SERVICE_NAME", "ignored"),
            ("OTEL_LOGS_EXPORTER", "none"),
            ("NODE_IP", "127.0.0.1"),
        ],
    );
    chain
        .line(&["sends traces to", "/v1/traces (OTEL_CONFIG_FILE), metrics to nowhere (OTEL_CONFIG_FILE)"])
        .await;
    chain.line(&["GET http://", "answered 200"]).await;
    until("the spans of both services and a log record", || async {
        (receiver.spans().len() >= 4 && !receiver.logs().is_empty()).then_some(())
    })
    .await;
    for (resource, span) in receiver.spans() {
        assert_eq!((span.attributes.is_empty(), span.dropped_attributes_count), (false, 0));
        let attributes = attributes(&resource.attributes);
        assert_ne!(attributes["service.name"], "\"ignored\"");
        assert_eq!(
            (attributes["shop.shard"].as_str(), attributes["shop.region"].as_str()),
            ("3", "\"north\"")
        );
    }
    let from = |arrival: Arrival| (arrival.path, arrival.headers.get("x-from").is_some());
    let requests: BTreeSet<_> = receiver.requests().into_iter().map(from).collect();
    assert_eq!(
        requests,
        BTreeSet::from([
            ("/v1/traces".to_owned(), true),
            ("/opentelemetry.proto.collector.logs.v1.LogsService/Export".to_owned(), false),
        ])
    );
    assert!(receiver.metrics().is_empty());
    assert_eq!(ignored.requests().len(), 0);
}

// B-090, H-115, H-116
#[tokio::test]
async fn every_signal_has_the_schema_of_the_resource_and_what_is_wanted_of_what_is_detected() {
    let receiver = Receiver::start();
    let exporter =
        |path| format!("exporter: {{otlp_http: {{endpoint: '{}{path}'}}}}", receiver.http_endpoint());
    let [traces, metrics, logs] = ["/v1/traces", "/v1/metrics", "/v1/logs"].map(exporter);
    let file = format!(
        "
file_format: '1.1'
propagator: {{}}
resource:
  schema_url: https://schemas.example/1.0.0
  attributes: [{{name: service.name, value: cart}}, {{name: process.pid, value: mine}}]
  detection/development:
    attributes: {{included: [process.*, os.typ?], excluded: ['*.command', process.owner]}}
    detectors: [{{process: }}, {{host: }}]
tracer_provider: {{processors: [{{batch: {{{traces}}}}}]}}
meter_provider: {{readers: [{{periodic: {{{metrics}}}}}]}}
logger_provider: {{processors: [{{batch: {{{logs}}}}}]}}
"
    );
    let telemetry = Telemetry::build(Config::from_yaml(&file, [("", ""); 0])).unwrap();
    record(&telemetry);
    telemetry.meter_provider().meter("test").u64_counter("c").build().add(1, &[]);
    telemetry.shutdown(PATIENCE).await.unwrap();
    let found = receiver.resources();
    let signals = Signal::ALL.map(|signal| (signal, "https://schemas.example/1.0.0".to_owned()));
    assert_eq!(
        found.iter().map(|(signal, schema, _)| (*signal, schema.clone())).collect::<Vec<_>>(),
        signals
    );
    let expected = [
        "os.type",
        "process.creation.time",
        "process.executable.name",
        "process.executable.path",
        "process.pid",
        "service.instance.id",
        "service.name",
        "telemetry.distro.name",
        "telemetry.distro.version",
        "telemetry.sdk.language",
        "telemetry.sdk.name",
        "telemetry.sdk.version",
    ];
    for (signal, _, resource) in found {
        let attributes = attributes(&resource.attributes);
        assert!(attributes.keys().eq(expected), "{signal:?}: {attributes:?}");
        assert_eq!(attributes["process.pid"], "\"mine\"");
    }
}

/// What a program says that is refused a start with this file.
async fn refused(path: &Path) -> Vec<String> {
    let mut job = Process::example("job", &[], &[("OTEL_CONFIG_FILE", path.to_str().unwrap())]);
    assert!(!job.ended().await.success());
    until("its last words", || async { job.closed().then(|| job.lines()) }).await
}

#[tokio::test]
async fn a_file_that_cannot_be_used_keeps_the_program_from_starting_and_all_of_it_is_told() {
    let broken = File::new("broken", "file_format: '1.1'\npropagator: {}\ndisabld: true\nlog_level: ${1}\n");
    let path = broken.0.display();
    assert_eq!(
        refused(&broken.0).await,
        [format!(
            "Error: {path}: line 4: has a ${{…}} that is no reference; write ${{NAME}}, ${{NAME:-default}}, or $$ for a \
             dollar sign"
        )]
    );
    let faults = File::new("faults", "file_format: '1.1'\npropagator: {}\ndisabld: true\nlog_level: loud\n");
    let told = refused(&faults.0).await;
    let path = faults.0.display();
    assert_eq!(told[0], format!("Error: {path}: line 3: disabld is unknown; did you mean disabled?"));
    assert!(
        told.len() == 2 && told[1].starts_with(&format!("{path}: line 4: log_level is unknown; use ")),
        "{told:?}"
    );

    let latin = File::new("latin", b"file_format: '1.1' # \xe9\n");
    assert_eq!(
        refused(&latin.0).await,
        [format!("Error: OTEL_CONFIG_FILE: {} is not UTF-8", latin.0.display())]
    );
    let long = File::new("long", "#".repeat((1 << 20) + 1));
    assert_eq!(
        refused(&long.0).await,
        [format!("Error: OTEL_CONFIG_FILE: {} is longer than 1048576 bytes", long.0.display())]
    );
    assert_eq!(
        refused(Path::new("/no/such/file.yaml")).await,
        [
            "Error: OTEL_CONFIG_FILE: /no/such/file.yaml cannot be read: No such file or directory (os error 2)"
        ]
    );
    assert_eq!(refused(Path::new("/dev/zero")).await, ["Error: OTEL_CONFIG_FILE: /dev/zero is not a file"]);
    assert_eq!(
        refused(&std::env::temp_dir()).await,
        [format!("Error: OTEL_CONFIG_FILE: {} is not a file", std::env::temp_dir().display())]
    );
}
