//! Start, flush, stop: from any runtime, or none.

use crate::support::{
    PATIENCE,
    child::Process,
    get,
    receiver::{Receiver, attributes, value},
};
use axum::{Router, http::HeaderMap, routing};
use http_body_util::{BodyExt, Empty};
use hyper_util::{client::legacy::Client, rt::TokioExecutor};
use opentelemetry::trace::{Tracer, TracerProvider};
use std::{
    collections::BTreeSet,
    net::SocketAddr,
    time::{Duration, Instant},
};
use throughline::{Config, Telemetry};
use tokio::net::TcpListener;
use tower::{ServiceBuilder, ServiceExt};
use tracing_subscriber::prelude::*;

fn to(receiver: &Receiver, name: &str) -> Config {
    let endpoint = format!("http://{}", receiver.http);
    let vars = [("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint.as_str()), ("OTEL_SERVICE_NAME", name)];
    Config::from_vars(vars)
}

fn record(telemetry: &Telemetry) {
    drop(telemetry.tracer_provider().tracer("test").start("work"));
    let subscriber = tracing_subscriber::registry().with(telemetry.layers());
    tracing::subscriber::with_default(subscriber, || tracing::info!("working"));
}

#[tokio::test]
async fn twenty_live_in_one_process_and_do_not_mix() {
    let receiver = Receiver::start().await;
    let names: BTreeSet<String> = (0..20).map(|number| format!("\"service-{number:02}\"")).collect();
    let all: Vec<Telemetry> =
        names.iter().map(|name| Telemetry::build(to(&receiver, name.trim_matches('"'))).unwrap()).collect();
    all.iter().for_each(record);
    for telemetry in all {
        telemetry.shutdown(PATIENCE).await.unwrap();
    }
    let name = |resource: &_, attribute: &str| {
        let resource: &opentelemetry_proto::tonic::resource::v1::Resource = resource;
        attributes(&resource.attributes)[attribute].clone()
    };
    let (spans, logs) = (receiver.spans(), receiver.logs());
    assert_eq!((spans.len(), logs.len()), (20, 20));
    assert_eq!(
        spans.iter().map(|(resource, _)| name(resource, "service.name")).collect::<BTreeSet<_>>(),
        names
    );
    assert_eq!(
        logs.iter().map(|(resource, _)| name(resource, "service.name")).collect::<BTreeSet<_>>(),
        names
    );
    let instances: BTreeSet<_> =
        spans.iter().map(|(resource, _)| name(resource, "service.instance.id")).collect();
    assert_eq!(instances.len(), 20); // H-111
}

// O-036
#[tokio::test]
async fn shutdown_keeps_its_limit_and_names_every_signal_that_failed() {
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap(); // accepts, never answers
    let endpoint = format!("http://{}", silent.local_addr().unwrap());
    let telemetry =
        Telemetry::build(Config::from_vars([("OTEL_EXPORTER_OTLP_ENDPOINT", &endpoint)])).unwrap();
    record(&telemetry);
    telemetry.meter_provider();
    opentelemetry::metrics::MeterProvider::meter(telemetry.meter_provider(), "test")
        .u64_counter("c")
        .build()
        .add(1, &[]);
    let handle = telemetry.handle();

    let limit = Duration::from_millis(500);
    let start = Instant::now();
    let error = telemetry.shutdown(limit).await.unwrap_err();
    assert!(start.elapsed() < limit * 4, "{:?}: one limit for all signals, not one each", start.elapsed());
    let lines: Vec<String> = error.to_string().lines().map(str::to_owned).collect();
    assert_eq!(lines.len(), 3, "{error}");
    for (line, signal) in
        lines.iter().zip(["logs: 1 log records", "metrics: 1 data points", "traces: 1 spans"])
    {
        assert!(line.starts_with(&format!("{signal} not delivered")), "{line}");
    }
    for stats in handle.stats() {
        assert_eq!((stats.recorded, stats.dropped, stats.queued), (1, 1, 0), "{stats:?}");
    }
    assert!(handle.flush(limit).await.unwrap_err().to_string().contains("already shut down"));
}

#[test]
fn it_works_without_any_runtime() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let receiver = runtime.block_on(Receiver::start());
    let telemetry = Telemetry::build(to(&receiver, "no-runtime")).unwrap();
    record(&telemetry);
    telemetry.shutdown_blocking(PATIENCE).unwrap();
    assert_eq!((receiver.spans().len(), receiver.logs().len()), (1, 1));
}

#[test]
fn a_blocking_shutdown_inside_a_current_thread_runtime_does_not_deadlock() {
    let server = tokio::runtime::Runtime::new().unwrap();
    let receiver = server.block_on(Receiver::start());
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
        let telemetry = Telemetry::build(to(&receiver, "one-thread")).unwrap();
        record(&telemetry);
        telemetry.shutdown_blocking(PATIENCE).unwrap();
    });
    assert_eq!(receiver.spans().len(), 1);
}

#[test]
fn what_was_recorded_before_a_drop_is_still_delivered() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let receiver = runtime.block_on(Receiver::start());
    let telemetry = Telemetry::build(to(&receiver, "dropped")).unwrap();
    record(&telemetry);
    drop(telemetry);
    assert_eq!(receiver.spans().len(), 1);
}

// The only test of the process that sets globals.
#[test]
fn a_second_init_says_that_there_was_a_first_and_names_the_way_out() {
    let nowhere = || {
        let vars = ["TRACES", "METRICS", "LOGS"].map(|signal| (format!("OTEL_{signal}_EXPORTER"), "none"));
        Config::from_vars(vars)
    };
    let first = Telemetry::init(nowhere()).unwrap();
    assert_eq!(opentelemetry::global::get_text_map_propagator(|propagator| propagator.fields().count()), 3);
    let error = Telemetry::init(nowhere()).unwrap_err();
    assert!(error.is_already_set() && error.to_string().contains("Telemetry::build"), "{error}");
    first.shutdown_blocking(PATIENCE).unwrap();
    assert!(Telemetry::init(nowhere()).unwrap_err().is_already_set());
}

// O-021
#[tokio::test]
async fn sending_is_not_recorded_however_much_is_logged() {
    let receiver = Receiver::start().await;
    let endpoint = format!("http://{}", receiver.http);
    let mut job = Process::example(
        "job",
        &[],
        &[
            ("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint.as_str()),
            ("OTEL_SERVICE_NAME", "job"),
            ("RUST_LOG", "trace"),
            ("THROUGHLINE_SPAN_FILTER", "trace"),
        ],
    );
    assert!(job.ended().await.success(), "{:#?}", job.lines());
    let mut told: Vec<String> =
        receiver.logs().iter().map(|(_, record)| value(record.body.as_ref())).collect();
    told.sort(); // scopes of one request have no order
    let start = format!(
        "\"throughline {}: job sends traces to {endpoint}/v1/traces (OTEL_EXPORTER_OTLP_ENDPOINT), metrics to \
         {endpoint}/v1/metrics (OTEL_EXPORTER_OTLP_ENDPOINT), logs to {endpoint}/v1/logs (OTEL_EXPORTER_OTLP_ENDPOINT)\"",
        env!("CARGO_PKG_VERSION")
    );
    assert_eq!(told, ["\"adding up\"", start.as_str()]);
    let spans: Vec<String> = receiver.spans().into_iter().map(|(_, span)| span.name).collect();
    assert_eq!(spans, ["add_up"]);
    job.line(&["traces to", "1 of 1 delivered"]).await;
}

#[tokio::test]
async fn an_unreachable_endpoint_is_said_once_per_signal_with_its_cause() {
    let endpoint = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1");
    let mut job = Process::example("job", &[], &[endpoint, ("OTEL_METRICS_EXPORTER", "none")]);
    assert!(!job.ended().await.success());
    let lines = job.lines();
    for signal in ["traces", "logs"] {
        // Tried many times until the limit of the shutdown, told once.
        let told: Vec<_> =
            lines.iter().filter(|line| line.contains(&format!("WARN throughline: {signal}: "))).collect();
        assert_eq!(told.len(), 1, "{lines:#?}");
        let cause = format!(
            "cannot reach http://127.0.0.1:1/v1/{signal}: tcp connect error: Connection refused (os error 111)"
        );
        assert!(told[0].contains(&cause), "{}", told[0]);
    }
}

#[tokio::test]
async fn with_an_unreachable_endpoint_a_service_serves_on() {
    let chain =
        Process::example("chain", &["127.0.0.1:0"], &[("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1")]);
    let url = chain.line(&["GET http://", "answered 200"]).await.split(' ').nth(1).unwrap().to_owned();
    chain.line(&["not delivered yet", "cannot reach http://127.0.0.1:1/v1/"]).await;
    assert_eq!(get(&url, &[]).await.unwrap(), (200, "bonjour, ada\n".into()));
}

// E-01, P-033
#[tokio::test]
async fn a_disabled_sdk_records_nothing_and_passes_the_context_on() {
    let receiver = Receiver::start().await;
    let mut config = to(&receiver, "off");
    config.disabled = true;
    let telemetry = Telemetry::build(config).unwrap();
    assert!(telemetry.summary().ends_with("off records nothing (OTEL_SDK_DISABLED)"));

    // A service that calls another, which tells what it was sent.
    let other = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let target = format!("http://{}/", other.local_addr().unwrap());
    let told = routing::get(|headers: HeaderMap| async move {
        ["traceparent", "baggage"].map(|name| headers[name].to_str().unwrap().to_owned()).join(" ")
    });
    tokio::spawn(async move { axum::serve(other, Router::new().route("/", told)).await });
    let client = ServiceBuilder::new()
        .layer(telemetry.client_layer())
        .service(Client::builder(TokioExecutor::new()).build_http::<Empty<axum::body::Bytes>>());
    let relay = routing::get(move || async move {
        let response = client.oneshot(http::Request::get(target).body(Empty::new()).unwrap()).await.unwrap();
        response.into_body().collect().await.unwrap().to_bytes()
    });
    let app = Router::new().route("/", relay).layer(telemetry.server_layer());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    tokio::spawn(async move {
        axum::serve(listener, app.into_make_service_with_connect_info::<SocketAddr>()).await
    });
    let traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let (_, passed) = get(&url, &[("traceparent", traceparent), ("baggage", "tenant=a%2Cb")]).await.unwrap();
    assert_eq!(passed, format!("{traceparent} tenant=a%2Cb"));

    assert!(telemetry.handle().stats().is_empty());
    telemetry.shutdown(PATIENCE).await.unwrap();
    assert_eq!(receiver.requests().len(), 0);
}

fn view(view: SocketAddr) -> Config {
    let address = view.to_string();
    Config::from_vars([
        ("THROUGHLINE_VIEW", "1"),
        ("THROUGHLINE_COLLECTOR_VIEW", address.as_str()),
        ("THROUGHLINE_COLLECTOR_GRPC", "off"),
        ("THROUGHLINE_COLLECTOR_HTTP", "127.0.0.1:0"),
        ("OTEL_SERVICE_NAME", "viewed"),
    ])
}

#[tokio::test]
async fn the_view_starts_with_the_service_and_a_second_service_finds_it() {
    let first = Telemetry::build(view("127.0.0.1:0".parse().unwrap())).unwrap();
    let url = first.summary().split("view at ").nth(1).unwrap().to_owned();
    let address: SocketAddr = url.trim_start_matches("http://").trim_end_matches('/').parse().unwrap();

    let second = Telemetry::build(view(address)).unwrap();
    assert!(second.summary().ends_with(&format!("view at {url}")), "{}", second.summary());
    for telemetry in [&first, &second] {
        record(telemetry);
        telemetry.handle().flush(PATIENCE).await.unwrap();
    }
    let destinations = |telemetry: &Telemetry| {
        let stats = telemetry.handle().stats().into_iter();
        stats.map(|stats| stats.destination).collect::<BTreeSet<_>>()
    };
    assert_eq!(destinations(&first), BTreeSet::from(["the collector in this program".to_owned()]));
    assert!(destinations(&second).iter().all(|destination| destination.starts_with("http://127.0.0.1:")));

    let (status, traces) = get(&format!("{url}api/traces"), &[]).await.unwrap();
    let traces: serde_json::Value = serde_json::from_str(&traces).unwrap();
    assert_eq!((status, traces.as_array().map(Vec::len)), (200, Some(2)));
}

#[tokio::test]
async fn a_port_that_another_program_has_is_an_error_that_names_it_and_the_remedy() {
    let other = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = other.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(other, Router::new()).await }); // answers, but is no collector
    let error = Telemetry::build(view(address)).unwrap_err();
    assert!(error.is_address_in_use());
    let text = error.to_string();
    assert!(text.contains(&address.to_string()) && text.contains("THROUGHLINE_COLLECTOR_VIEW"), "{text}");
}
