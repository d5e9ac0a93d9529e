//! What we send, judged by decoders and servers that are not ours.
//!
//! The peers are found by variables of the project's own; `tests/run` sets them. Where one is missing its
//! test says so, and the run counts it.

mod exemplars; // Prometheus
mod grpc; // tonic

use crate::support::{
    PATIENCE,
    child::Process,
    free_port,
    gateway::{Authority, Directory},
    get, peer,
    prometheus::Prometheus,
    sending::{failure, remote, sender, span},
};
use axum::{Router, routing};
use http_body_util::Empty;
use hyper_util::{client::legacy::Client, rt::TokioExecutor};
use std::{net::SocketAddr, path::PathBuf};
use throughline::{
    Config, Telemetry,
    sender::{Compression, Protocol, Tls},
};
use tokio::net::TcpListener;
use tower::{BoxError, ServiceBuilder, ServiceExt};
use tracing_subscriber::prelude::*;

fn scratch(name: &str) -> PathBuf {
    let path = std::env::temp_dir().join(format!("throughline-{}-{name}", std::process::id()));
    std::fs::create_dir_all(&path).unwrap();
    path
}

/// A service with one route; makes one call to it, with one log line inside.
async fn serve_one_call(telemetry: &Telemetry) {
    let app = Router::new()
        .route("/items/{id}", routing::get(|| async { tracing::info!(answer = 42, ratio = 0.5, "found it") }))
        .layer(telemetry.server_layer());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/items/7?q=1&sig=secret", listener.local_addr().unwrap());
    tokio::spawn(async move {
        axum::serve(listener, app.into_make_service_with_connect_info::<SocketAddr>()).await
    });
    let subscriber = tracing_subscriber::registry().with(telemetry.layers());
    let _subscriber = tracing::subscriber::set_default(subscriber); // this test's runtime has one thread
    let caller = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    assert_eq!(get(&url, &[("traceparent", caller), ("tracestate", "vendor=1")]).await.unwrap().0, 200);
    telemetry.handle().flush(PATIENCE).await.unwrap();
}

#[tokio::test]
async fn pythons_official_messages_decode_what_we_send() {
    let Some(python) = peer("python decodes", "THROUGHLINE_TEST_PYTHON", "a Python with opentelemetry-proto")
    else {
        return;
    };
    let judge = Process::start(
        &python,
        &["-u", concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/judges/otlp.py")],
        &[],
    );
    let address = judge.line(&["listening on"]).await.split(' ').next_back().unwrap().to_owned();
    let endpoint = format!("http://{address}");
    let telemetry = Telemetry::build(Config::from_vars([
        ("OTEL_SERVICE_NAME", "cart"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint.as_str()),
        ("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip"),
    ]))
    .unwrap();
    serve_one_call(&telemetry).await;
    let request = async |path: &str| -> serde_json::Value {
        let line = judge.line(&[path]).await;
        serde_json::from_str(line.split_once(' ').unwrap().1).unwrap()
    };

    let traces = request("/v1/traces").await;
    let spans = &traces["resourceSpans"][0];
    let span = &spans["scopeSpans"][0]["spans"][0];
    assert_eq!(spans["scopeSpans"][0]["scope"]["name"], "throughline");
    assert_eq!(spans["scopeSpans"][0]["schemaUrl"], "https://opentelemetry.io/schemas/1.42.0");
    assert_eq!((&span["name"], &span["kind"]), (&"GET /items/{id}".into(), &"SPAN_KIND_SERVER".into()));
    assert_eq!((&span["traceState"], &span["flags"]), (&"vendor=1".into(), &(0x301).into())); // O-041, O-042
    let query =
        span["attributes"].as_array().unwrap().iter().find(|pair| pair["key"] == "url.query").unwrap();
    assert_eq!(query["value"]["stringValue"], "q=1&sig=REDACTED"); // H-051

    let logs = request("/v1/logs").await;
    let record = &logs["resourceLogs"][0]["scopeLogs"][0]["logRecords"][0];
    assert_eq!(record["body"]["stringValue"], "found it");
    assert_eq!(
        (&record["severityText"], &record["severityNumber"]),
        (&"INFO".into(), &"SEVERITY_NUMBER_INFO".into())
    );
    assert_eq!((&record["traceId"], &record["spanId"]), (&span["traceId"], &span["spanId"]));
    assert_eq!(record["flags"], 1);

    let metrics = request("/v1/metrics").await;
    let metric = &metrics["resourceMetrics"][0]["scopeMetrics"][0]["metrics"][0];
    assert_eq!((&metric["name"], &metric["unit"]), (&"http.server.request.duration".into(), &"s".into()));
    let histogram = &metric["histogram"];
    assert_eq!(histogram["aggregationTemporality"], "AGGREGATION_TEMPORALITY_CUMULATIVE");
    assert_eq!(
        (
            &histogram["dataPoints"][0]["count"],
            histogram["dataPoints"][0]["explicitBounds"].as_array().unwrap().len()
        ),
        (&"1".into(), 14)
    );
    let exemplar = &histogram["dataPoints"][0]["exemplars"];
    let keys: Vec<&str> = exemplar[0].as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(
        (exemplar.as_array().unwrap().len(), keys),
        (1, vec!["asDouble", "spanId", "timeUnixNano", "traceId"])
    );
    assert_eq!((&exemplar[0]["traceId"], &exemplar[0]["spanId"]), (&span["traceId"], &span["spanId"])); // O-042
}

// B-001, B-002, B-008, B-010, H-089
#[tokio::test]
async fn a_real_prometheus_takes_the_histograms() {
    let Some(prometheus) = Prometheus::start("prometheus stores", "global: {}\n").await else { return };
    let endpoint = prometheus.endpoint();
    let mut config = Config::from_vars([
        ("OTEL_SERVICE_NAME", "cart"),
        ("OTEL_RESOURCE_ATTRIBUTES", "service.namespace=shop,service.instance.id=one"),
        ("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", endpoint.as_str()),
        ("OTEL_EXPORTER_OTLP_METRICS_COMPRESSION", "gzip"),
        ("OTEL_TRACES_EXPORTER", "none"),
        ("OTEL_LOGS_EXPORTER", "none"),
    ]);
    config.server.active_requests = true;
    config.server.body_sizes = true;
    let telemetry = Telemetry::build(config).unwrap();
    serve_one_call(&telemetry).await;
    let nobody = free_port();
    let client = Client::builder(TokioExecutor::new()).build_http::<Empty<axum::body::Bytes>>();
    let client =
        ServiceBuilder::new().layer(telemetry.client_layer()).map_err(BoxError::from).service(client);
    let call = http::Request::get(format!("http://127.0.0.1:{nobody}/")).body(Empty::new()).unwrap();
    client.oneshot(call).await.unwrap_err();
    telemetry.handle().flush(PATIENCE).await.unwrap();

    let begun: [(&str, &str); 4] =
        [("job", "shop/cart"), ("instance", "one"), ("http_request_method", "GET"), ("url_scheme", "http")];
    let ended = [
        ("http_response_status_code", "200"),
        ("http_route", "/items/{id}"),
        ("network_protocol_version", "1.1"),
    ];
    let (ended, port) = ([begun.as_slice(), &ended].concat(), nobody.to_string());
    let called = [
        ("job", "shop/cart"),
        ("instance", "one"),
        ("http_request_method", "GET"),
        ("server_address", "127.0.0.1"),
        ("server_port", &port),
        ("error_type", "connect"),
    ];
    for (name, labels, value) in [
        ("http_server_request_duration_seconds_count", ended.as_slice(), 1.0),
        ("http_server_response_body_size_bytes_count", &ended, 1.0),
        ("http_server_response_body_size_bytes_sum", &ended, 0.0),
        ("http_server_active_requests", &begun, 0.0),
        ("http_client_request_duration_seconds_count", &called, 1.0),
    ] {
        let named = [labels, &[("__name__", name)]].concat();
        let labels = named.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
        assert_eq!(prometheus.query(name).await, [(labels, value)]);
    }
}

#[tokio::test]
async fn a_real_collector_takes_all_signals_over_grpc_and_http() {
    let remedy = "an OpenTelemetry Collector with otlp receiver and debug exporter";
    let Some(otelcol) = peer("the collector prints", "THROUGHLINE_TEST_OTELCOL", remedy) else { return };
    let (directory, grpc, http) = (scratch("otelcol"), free_port(), free_port());
    let config = directory.join("config.yaml");
    let pipeline = "{receivers: [otlp], exporters: [debug]}";
    let text = format!(
        "receivers: {{otlp: {{protocols: {{grpc: {{endpoint: '127.0.0.1:{grpc}'}}, http: {{endpoint: '127.0.0.1:{http}'}}}}}}}}\n\
         exporters: {{debug: {{verbosity: detailed}}}}\n\
         service:\n  telemetry: {{metrics: {{level: none}}}}\n  pipelines: {{traces: {pipeline}, metrics: {pipeline}, logs: {pipeline}}}\n"
    );
    std::fs::write(&config, text).unwrap();
    let server = Process::start(&otelcol, &["--config", &config.display().to_string()], &[]);
    server.line(&["Everything is ready"]).await;

    for (protocol, port) in [("grpc", grpc), ("http/protobuf", http)] {
        let endpoint = format!("http://127.0.0.1:{port}");
        let service = protocol.replace('/', "-");
        let telemetry = Telemetry::build(Config::from_vars([
            ("OTEL_SERVICE_NAME", service.as_str()),
            ("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint.as_str()),
            ("OTEL_EXPORTER_OTLP_PROTOCOL", protocol),
            ("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip"),
        ]))
        .unwrap();
        serve_one_call(&telemetry).await;
        for stats in telemetry.handle().stats() {
            assert_eq!((stats.delivered, stats.recorded), (1, 1), "{stats:?}");
        }
        telemetry.shutdown(PATIENCE).await.unwrap();
    }
    for service in ["grpc", "http-protobuf"] {
        server.line(&["service.name", &format!("Str({service})")]).await;
    }
    let lines = server.lines();
    let count =
        |words: &[&str]| lines.iter().filter(|line| words.iter().all(|word| line.contains(word))).count();
    assert_eq!(count(&["Name", ": GET /items/{id}"]), 2);
    assert_eq!(count(&["Body: Str(found it)"]), 2);
    // Collected by the flush, and once more by the shutdown (O-102).
    assert_eq!(count(&["-> Name: http.server.request.duration"]), 4);
    // Ids of the caller on both spans and both log records, and on the exemplar of each of the four histograms.
    assert_eq!(count(&["race ID", "4bf92f3577b34da6a3ce929d0e0e4736"]), 4 + 4);
    assert_eq!(count(&["Exemplar #0"]), 4);
    drop(server);
    std::fs::remove_dir_all(directory).unwrap();
}

// B-061, O-008, O-015
#[tokio::test]
async fn a_real_collector_takes_every_protocol_compression_and_identity() {
    let remedy = "an OpenTelemetry Collector with otlp receiver and debug exporter";
    let Some(otelcol) = peer("the collector takes all ways", "THROUGHLINE_TEST_OTELCOL", remedy) else {
        return;
    };
    let (directory, authority) = (Directory::new(), Authority::new());
    let (server, client) = (authority.identity("localhost"), authority.identity("cart.example"));
    let path = |name: &str, content: &str| directory.write(name, content).display().to_string();
    let ca = path("authority.pem", &authority.pem());
    let tls = format!(
        "tls: {{client_ca_file: '{ca}', cert_file: '{}', key_file: '{}'}}",
        path("server.pem", &server.certificate),
        path("server.key", &server.key)
    );
    let [grpc, http, secure_grpc, secure_http] = [(); 4].map(|()| free_port());
    let text = format!(
        "receivers:\n  otlp: {{protocols: {{grpc: {{endpoint: '127.0.0.1:{grpc}'}}, http: {{endpoint: '127.0.0.1:{http}'}}}}}}\n  \
         otlp/tls: {{protocols: {{grpc: {{endpoint: '127.0.0.1:{secure_grpc}', {tls}}}, http: {{endpoint: '127.0.0.1:{secure_http}', {tls}}}}}}}\n\
         exporters: {{debug: {{verbosity: detailed}}}}\n\
         service:\n  telemetry: {{metrics: {{level: none}}}}\n  pipelines: {{traces: {{receivers: [otlp, otlp/tls], exporters: [debug]}}}}\n"
    );
    let config = path("config.yaml", &text);
    let otelcol = Process::start(&otelcol, &["--config", &config], &[]);
    otelcol.line(&["Everything is ready"]).await;

    let tls = Tls {
        certificate: Some(ca.into()),
        client_certificate: Some(path("client.pem", &client.certificate).into()),
        client_key: Some(path("client.key", &client.key).into()),
    };
    for compression in [Compression::None, Compression::Gzip, Compression::Zstd] {
        for (protocol, plain, secure) in [
            (Protocol::Grpc, grpc, secure_grpc),
            (Protocol::HttpProtobuf, http, secure_http),
            (Protocol::HttpJson, http, secure_http),
        ] {
            for (origin, port) in [("http://127.0.0.1", plain), ("https://localhost", secure)] {
                let mut remote = remote(protocol, origin, ([127, 0, 0, 1], port).into());
                (remote.compression, remote.tls) = (compression, tls.clone());
                let sender = sender(remote);
                let name = format!("{protocol:?} {compression:?} {origin}");
                sender.send(span(&name));
                sender.flush(PATIENCE).await.unwrap();
                otelcol.line(&["Name", &name]).await;
            }
        }
    }
    for (protocol, port, fault, remedy) in [
        // What it answers may be lost when it hangs up: then it is a guess, in nearly the same words.
        (Protocol::Grpc, http, "does not speak gRPC", "use http/protobuf or another port"),
        (Protocol::HttpProtobuf, grpc, "does not speak HTTP/1.1", "use https, grpc or another port"),
    ] {
        let sender = sender(remote(protocol, "http://127.0.0.1", ([127, 0, 0, 1], port).into()));
        sender.send(span("astray"));
        let said = failure(&sender).await;
        assert!(said.contains(&format!("127.0.0.1:{port} {fault}")) && said.ends_with(remedy), "{said}");
    }
    let mut stranger = remote(Protocol::Grpc, "https://localhost", ([127, 0, 0, 1], secure_grpc).into());
    stranger.tls.certificate = tls.certificate;
    let sender = sender(stranger);
    sender.send(span("stranger"));
    let said = failure(&sender).await;
    assert!(
        said.ends_with("localhost refused the TLS connection: it demands a client certificate"),
        "{said}"
    );
}
