//! What is recorded arrives, or is counted.

mod flood; // more than can leave

use crate::support::{
    PATIENCE, get,
    receiver::{Decoded, Receiver, attributes, value},
    until,
};
use axum::{Router, routing};
use opentelemetry::trace::{Tracer, TracerProvider};
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use std::{collections::BTreeMap, net::SocketAddr, time::Duration};
use throughline::{Config, Stats, Telemetry, sender::Signal, testing::Arrival};
use tokio::net::TcpListener;
use tracing_subscriber::prelude::*;

/// Telemetry that sends only spans, over HTTP.
pub(crate) fn traces_to(address: SocketAddr) -> Telemetry {
    traces_over("http/protobuf", address, &[])
}

/// Telemetry that sends only spans, by this protocol and with more variables.
pub(crate) fn traces_over(protocol: &str, address: SocketAddr, more: &[(&str, &str)]) -> Telemetry {
    let endpoint = format!("http://{address}");
    let vars = [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint.as_str()),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", protocol),
        ("OTEL_METRICS_EXPORTER", "none"),
        ("OTEL_LOGS_EXPORTER", "none"),
    ];
    Telemetry::build(Config::from_vars(vars.iter().chain(more).copied())).unwrap()
}

pub(crate) fn record(telemetry: &Telemetry, spans: usize) {
    let tracer = telemetry.tracer_provider().tracer("test");
    for _ in 0..spans {
        drop(tracer.start("work"));
    }
}

/// recorded, delivered, failed, dropped, queued.
pub(crate) fn counts(stats: &Stats) -> [u64; 5] {
    assert_eq!(stats.recorded, stats.delivered + stats.failed + stats.dropped + stats.queued, "{stats:?}");
    [stats.recorded, stats.delivered, stats.failed, stats.dropped, stats.queued]
}

pub(crate) fn traces(telemetry: &Telemetry) -> Stats {
    telemetry.handle().stats().into_iter().find(|stats| stats.signal == Signal::Traces).unwrap()
}

// O-002, O-003, O-010, O-011, O-013, O-018, O-040, H-080, H-084
#[tokio::test]
async fn each_signal_goes_where_its_own_variables_say() {
    let for_traces = Receiver::start();
    let for_logs = Receiver::setup().base_path("/loki").start();
    let for_metrics = Receiver::setup().base_path("/api/v1/otlp").start();
    let telemetry = Telemetry::build(Config::from_vars([
        ("OTEL_SERVICE_NAME", "cart".to_owned()),
        ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", for_traces.grpc_endpoint()),
        ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "grpc".to_owned()),
        ("OTEL_EXPORTER_OTLP_TRACES_COMPRESSION", "gzip".to_owned()),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", for_logs.http_endpoint() + "/"),
        ("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip".to_owned()),
        (
            "OTEL_EXPORTER_OTLP_HEADERS",
            "X-Scope-OrgID=team%20one,authorization=Basic dXNlcjpwYXNz==".to_owned(),
        ),
        ("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", for_metrics.http_endpoint() + "/v1/metrics"),
        ("OTEL_EXPORTER_OTLP_METRICS_COMPRESSION", "none".to_owned()),
        ("OTEL_EXPORTER_OTLP_METRICS_HEADERS", "x-own=1".to_owned()),
    ]))
    .unwrap();
    let app = Router::new()
        .route("/items/{id}", routing::get(|| async { tracing::info!("found it") }))
        .layer(telemetry.server_layer());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/items/7", listener.local_addr().unwrap());
    tokio::spawn(async move {
        axum::serve(listener, app.into_make_service_with_connect_info::<SocketAddr>()).await
    });
    let subscriber = tracing_subscriber::registry().with(telemetry.layers());
    let _subscriber = tracing::subscriber::set_default(subscriber); // this test's runtime has one thread
    assert_eq!(get(&url, &[]).await.unwrap().0, 200);
    telemetry.handle().flush(PATIENCE).await.unwrap();

    let [Arrival { path, headers, .. }] = &for_traces.requests()[..] else {
        panic!("one request for the traces")
    };
    assert_eq!(
        (path.as_str(), &headers["content-type"]),
        (Signal::Traces.grpc_path(), &"application/grpc".parse().unwrap())
    );
    assert_eq!(headers["grpc-encoding"], "gzip");
    assert_eq!(for_traces.spans().len(), 1);

    let [Arrival { path, headers, .. }] = &for_logs.requests()[..] else {
        panic!("one request for the logs")
    };
    assert_eq!(path, "/loki/v1/logs");
    assert_eq!(headers["content-type"], "application/x-protobuf");
    assert_eq!(headers["content-encoding"], "gzip");
    assert_eq!(headers["x-scope-orgid"], "team one");
    assert_eq!(headers["authorization"], "Basic dXNlcjpwYXNz==");
    let agent = headers["user-agent"].to_str().unwrap();
    assert!(agent.starts_with("throughline/") && agent.contains(" OTel-OTLP-Exporter-Rust/"), "{agent}");
    let [(resource, record)] = &for_logs.logs()[..] else { panic!("one log record") };
    assert_eq!(value(record.body.as_ref()), "\"found it\"");
    assert_eq!(record.trace_id, for_traces.spans()[0].1.trace_id);
    assert_eq!(record.span_id, for_traces.spans()[0].1.span_id);
    assert_eq!(attributes(&resource.attributes)["service.name"], "\"cart\"");

    let [Arrival { path, headers, .. }] = &for_metrics.requests()[..] else {
        panic!("one request for the metrics")
    };
    assert_eq!(path, "/api/v1/otlp/v1/metrics");
    assert!(headers.get("content-encoding").is_none() && headers.get("x-scope-orgid").is_none());
    assert_eq!(headers["x-own"], "1");
    let metrics = for_metrics.metrics();
    let [(_, duration)] = &metrics[..] else { panic!("one metric: {metrics:?}") };
    assert_eq!((duration.name.as_str(), duration.unit.as_str()), ("http.server.request.duration", "s"));
    let Some(Data::Histogram(histogram)) = &duration.data else { panic!("a histogram") };
    let [point] = &histogram.data_points[..] else { panic!("one series") };
    assert_eq!(
        point.explicit_bounds,
        [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0]
    );
    assert_eq!(
        attributes(&point.attributes),
        BTreeMap::from(
            [
                ("http.request.method", "\"GET\""),
                ("http.response.status_code", "200"),
                ("http.route", "\"/items/{id}\""),
                ("network.protocol.version", "\"1.1\""),
                ("url.scheme", "\"http\""),
            ]
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
        )
    );
    for stats in telemetry.handle().stats() {
        assert_eq!(counts(&stats), [1, 1, 0, 0, 0], "{stats:?}");
    }
}

#[tokio::test]
async fn a_full_queue_drops_and_counts() {
    let receiver = Receiver::start();
    let more = [("OTEL_BSP_MAX_QUEUE_SIZE", "10")];
    let telemetry = traces_over("http/protobuf", receiver.http_address(), &more);
    // Far more than the export thread can carry away in the meantime, ten at a time.
    record(&telemetry, 10_000);
    telemetry.handle().flush(PATIENCE).await.unwrap();
    let stats = traces(&telemetry);
    let [recorded, delivered, failed, dropped, queued] = counts(&stats);
    assert_eq!([recorded, failed, queued], [10_000, 0, 0]);
    assert!(dropped > 0, "{stats:?}");
    assert_eq!(receiver.spans().len() as u64, delivered);
}

// O-038
#[tokio::test]
async fn nothing_recorded_is_nothing_sent_and_unsampled_spans_stay_here() {
    let receiver = Receiver::start();
    let endpoint = receiver.http_endpoint();
    let telemetry = Telemetry::build(Config::from_vars([
        ("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint.as_str()),
        ("OTEL_TRACES_SAMPLER", "always_off"),
    ]))
    .unwrap();
    record(&telemetry, 5);
    telemetry.handle().flush(PATIENCE).await.unwrap();
    telemetry.shutdown(PATIENCE).await.unwrap();
    assert_eq!(receiver.requests().len(), 0);
}

// O-016
#[tokio::test]
async fn a_batch_of_large_spans_is_sent_in_pieces_and_one_that_fits_nowhere_is_told() {
    let receiver = Receiver::start();
    let telemetry = traces_to(receiver.http_address());
    let tracer = telemetry.tracer_provider().tracer("test");
    let span = |bytes: usize| {
        let mut span = tracer.start("large");
        opentelemetry::trace::Span::set_attribute(
            &mut span,
            opentelemetry::KeyValue::new("text", "x".repeat(bytes)),
        );
    };
    (0..300).for_each(|_| span(40_000)); // 12 MB
    telemetry.handle().flush(PATIENCE).await.unwrap();
    assert_eq!(receiver.spans().len(), 300);
    let lengths: Vec<usize> = receiver
        .requests()
        .iter()
        .map(|arrival| arrival.headers["content-length"].to_str().unwrap().parse().unwrap())
        .collect();
    assert!(lengths.len() > 3 && lengths.iter().all(|length| *length <= 4 << 20), "{lengths:?}");

    span(17 << 20);
    record(&telemetry, 1);
    let error = telemetry.handle().flush(PATIENCE).await.unwrap_err().to_string();
    assert!(error.contains("1 spans not delivered") && error.contains("larger than the queue"), "{error}");
    assert_eq!(counts(&traces(&telemetry)), [302, 301, 0, 1, 0]);
}

// Section 9 of the OTLP list: a batch is exported when its size is reached
#[tokio::test]
async fn a_full_batch_leaves_at_once_and_a_local_one_soon() {
    let receiver = Receiver::start();
    let more = [("OTEL_BSP_SCHEDULE_DELAY", "600000")];
    let telemetry = traces_over("http/protobuf", receiver.http_address(), &more);
    record(&telemetry, 512);
    until("a full batch", || async { (receiver.spans().len() == 512).then_some(()) }).await;

    struct Count(std::sync::Arc<std::sync::atomic::AtomicUsize>);
    impl throughline::sender::Accept for Count {
        fn accept(&self, _: Signal, _: bytes::Bytes) -> throughline::sender::Answer {
            self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            throughline::sender::Answer::TAKEN
        }
    }
    let count = std::sync::Arc::default();
    let inlet = throughline::sender::Inlet::new(Count(std::sync::Arc::clone(&count)));
    let config = Config::from_vars([("OTEL_METRICS_EXPORTER", "none")])
        .or_send_to(throughline::sender::Destination::Local(inlet));
    let telemetry = Telemetry::build(config).unwrap();
    let start = std::time::Instant::now();
    record(&telemetry, 1);
    until("the local span", || async {
        (count.load(std::sync::atomic::Ordering::Relaxed) == 1).then_some(())
    })
    .await;
    // 200 ms are promised, 5 s are the delay of other destinations.
    assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
}

#[test]
fn the_counts_never_run_backwards_while_everything_moves() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let receiver = Receiver::start();
    let telemetry = traces_to(receiver.http_address());
    let done = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            (0..50).for_each(|_| record(&telemetry, 400));
            done.store(true, std::sync::atomic::Ordering::Release);
        });
        let mut last = 0;
        while !done.load(std::sync::atomic::Ordering::Acquire) {
            let [recorded, ..] = counts(&traces(&telemetry));
            assert!(recorded >= last, "{recorded} after {last}");
            last = recorded;
        }
    });
    runtime.block_on(telemetry.handle().flush(PATIENCE)).unwrap();
    let [recorded, delivered, failed, dropped, queued] = counts(&traces(&telemetry));
    assert_eq!((recorded, failed, queued), (20_000, 0, 0));
    assert_eq!((receiver.spans().len() as u64, delivered + dropped), (delivered, recorded));
}
