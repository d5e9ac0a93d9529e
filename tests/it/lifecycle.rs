//! Start, flush, stop: from any runtime, or none.

mod endings; // drop, panic, exit, another runtime
#[cfg(unix)]
mod forked; // a process that becomes two
mod forced; // force_flush of what is taken out

use crate::support::{
    PATIENCE,
    child::Process,
    get,
    receiver::{Decoded, Receiver, attributes, hex, value},
    until,
};
use axum::{Router, http::HeaderMap, routing};
use http_body_util::{BodyExt, Empty};
use hyper_util::{client::legacy::Client, rt::TokioExecutor};
use opentelemetry::{
    Context,
    metrics::MeterProvider,
    trace::{
        Span, SpanContext, SpanId, TraceContextExt, TraceFlags, TraceId, TraceState, Tracer, TracerProvider,
    },
};
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
    let endpoint = receiver.http_endpoint();
    let vars = [("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint.as_str()), ("OTEL_SERVICE_NAME", name)];
    Config::from_vars(vars)
}

pub(crate) fn record(telemetry: &Telemetry) {
    drop(telemetry.tracer_provider().tracer("test").start("work"));
    let subscriber = tracing_subscriber::registry().with(telemetry.layers());
    tracing::subscriber::with_default(subscriber, || tracing::info!("working"));
}

fn count(telemetry: &Telemetry) {
    telemetry.meter_provider().meter("test").u64_counter("c").build().add(1, &[]);
}

#[tokio::test]
async fn twenty_live_in_one_process_and_do_not_mix() {
    let receiver = Receiver::start();
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
    count(&telemetry);
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

#[tokio::test]
async fn a_signal_that_is_done_takes_up_nothing_while_another_one_uses_the_limit() {
    let (receiver, silent) = (Receiver::start(), TcpListener::bind("127.0.0.1:0").await.unwrap());
    let telemetry = Telemetry::build(Config::from_vars([
        ("OTEL_EXPORTER_OTLP_ENDPOINT", receiver.http_endpoint()),
        ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", format!("http://{}/v1/traces", silent.local_addr().unwrap())),
        ("OTEL_METRIC_EXPORT_INTERVAL", "20".into()), // many times within the limit below
    ]))
    .unwrap();
    record(&telemetry);
    count(&telemetry);
    let handle = telemetry.handle();
    let error = telemetry.shutdown(Duration::from_millis(500)).await.unwrap_err().to_string();
    assert!(error.starts_with("traces: ") && error.lines().count() == 1, "{error}");
    for stats in handle.stats().iter().filter(|stats| stats.signal != throughline::sender::Signal::Traces) {
        assert_eq!((stats.delivered, stats.dropped), (stats.recorded, 0), "{stats:?}");
    }
}

#[tokio::test]
async fn odd_sizes_and_limits_set_in_code_are_put_right() {
    let receiver = Receiver::start();
    let mut config = to(&receiver, "odd");
    (config.traces.max_queue, config.traces.max_batch) = (100, 512);
    (config.logs.max_queue, config.logs.max_batch) = (0, 0);
    config.traces.schedule_delay = Some(Duration::from_secs(600));
    config.metrics.schedule_delay = Some(Duration::ZERO);
    let telemetry = Telemetry::build(config).unwrap();
    for _ in 0..100 {
        drop(telemetry.tracer_provider().tracer("test").start("work"));
    }
    // A queue smaller than its batch is full when the queue is.
    until("the full queue", || async { (receiver.spans().len() == 100).then_some(()) }).await;
    record(&telemetry);
    telemetry.handle().flush(Duration::MAX).await.unwrap();
    assert_eq!((receiver.spans().len(), receiver.logs().len()), (101, 1));
    telemetry.shutdown(Duration::MAX).await.unwrap();
}

// P-072. The only test of the process that sets globals.
#[test]
fn a_second_init_says_that_there_was_a_first_and_names_the_way_out() {
    let nowhere = || {
        let vars = ["TRACES", "METRICS", "LOGS"].map(|signal| (format!("OTEL_{signal}_EXPORTER"), "none"));
        Config::from_vars(vars)
    };
    let first = Telemetry::init(nowhere()).unwrap();
    assert_eq!(opentelemetry::global::get_text_map_propagator(|propagator| propagator.fields().count()), 3);
    let span = opentelemetry::global::tracer("test").start("global");
    assert!(span.is_recording(), "the global tracer is ours");
    let global = Context::new().with_span(span);
    let line =
        tracing::info_span!("inner", "work").in_scope(|| Context::current().span().span_context().trace_id());
    assert_ne!(line, global.span().span_context().trace_id(), "a span of tracing is recorded too");
    let error = Telemetry::init(nowhere()).unwrap_err();
    assert!(error.is_already_set() && error.to_string().contains("Telemetry::build"), "{error}");
    first.shutdown_blocking(PATIENCE).unwrap();
    assert!(Telemetry::init(nowhere()).unwrap_err().is_already_set());
}

// O-021
#[tokio::test]
async fn sending_is_not_recorded_however_much_is_logged() {
    let receiver = Receiver::start();
    let endpoint = receiver.http_endpoint();
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
    job.line(&["logs to", "2 of 2 delivered"]).await; // none made by the sending, and dropped later
}

// H-092
#[tokio::test]
async fn a_line_in_a_child_span_has_its_ids_in_json_and_over_otlp() {
    let receiver = Receiver::start();
    let endpoint = receiver.http_endpoint();
    let variables = [("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint.as_str()), ("THROUGHLINE_LOG_FORMAT", "json")];
    let mut job = Process::example("job", &[], &variables);
    assert!(job.ended().await.success(), "{:#?}", job.lines());
    let line: serde_json::Value = serde_json::from_str(&job.line(&["adding up"]).await).unwrap();
    let span = &receiver.spans()[0].1;
    let logs = receiver.logs();
    let (_, record) = logs.iter().find(|(_, record)| value(record.body.as_ref()) == "\"adding up\"").unwrap();
    assert_eq!((&record.trace_id, &record.span_id), (&span.trace_id, &span.span_id));
    assert_eq!(record.event_name, "", "a place in the source is no event name");
    assert_eq!(
        (&line["trace_id"], &line["span_id"]),
        (&hex(&span.trace_id).into(), &hex(&span.span_id).into())
    );
    assert_eq!(
        (&line["trace_flags"], &line["severity"], &line["target"]),
        (&"01".into(), &"INFO".into(), &"job".into())
    );
}

#[tracing::instrument(err)]
fn fail(inside: bool) -> Result<(), String> {
    if inside { Err("no luck".into()) } else { Ok(()) }
}

#[tokio::test]
async fn an_error_in_a_span_of_tracing_marks_that_span_and_no_other() {
    let receiver = Receiver::start();
    let mut config = to(&receiver, "failing");
    config.log.filter = "off".into();
    let telemetry = Telemetry::build(config).unwrap();
    let subscriber = tracing_subscriber::registry().with(telemetry.layers());
    tracing::subscriber::with_default(subscriber, || {
        let connection = tracing::info_span!("connection").entered();
        let server = telemetry.tracer_provider().tracer("test").start("server");
        let _active = Context::current_with_span(server).attach();
        tracing::error!("in the server's span");
        let _outer = tracing::info_span!("outer").entered();
        tracing::error!(parent: &connection, "in a span that is not the current one");
        assert!(fail(true).is_err() && fail(false).is_ok());
    });
    telemetry.shutdown(PATIENCE).await.unwrap();
    let mut statuses: Vec<_> = receiver
        .spans()
        .into_iter()
        .map(|(_, span)| (span.name, span.status.map_or(0, |status| status.code), span.events.len()))
        .collect();
    statuses.sort();
    let expected = [("connection", 0, 0), ("fail", 0, 0), ("fail", 2, 0), ("outer", 0, 0), ("server", 0, 0)];
    assert_eq!(statuses, expected.map(|(name, code, events)| (name.to_owned(), code, events)));
}

#[test]
fn inside_an_unsampled_request_spans_of_tracing_are_not_made() {
    let vars = ["TRACES", "METRICS", "LOGS"].map(|signal| (format!("OTEL_{signal}_EXPORTER"), "none"));
    let telemetry = Telemetry::build(Config::from_vars(vars)).unwrap();
    let subscriber = tracing_subscriber::registry().with(telemetry.layers());
    tracing::subscriber::with_default(subscriber, || {
        for (flags, made) in [(TraceFlags::SAMPLED, true), (TraceFlags::default(), false)] {
            let request = SpanContext::new(TraceId::from(1), SpanId::from(2), flags, true, TraceState::NONE);
            let _active = Context::new().with_remote_span_context(request).attach();
            let _inner = tracing::info_span!("inner").entered();
            let active = Context::map_current(|active| active.span().span_context().clone());
            assert_eq!((active.trace_id(), active.span_id() != SpanId::from(2)), (TraceId::from(1), made));
        }
    });
}

#[tokio::test]
async fn a_quiet_log_takes_no_spans_away() {
    let receiver = Receiver::start();
    let endpoint = receiver.http_endpoint();
    let variables = [("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint.as_str()), ("RUST_LOG", "off")];
    let mut job = Process::example("job", &[], &variables);
    assert!(job.ended().await.success(), "{:#?}", job.lines());
    assert_eq!((receiver.spans().len(), receiver.logs().len()), (1, 0));
    assert!(job.lines().iter().all(|line| !line.contains("INFO")), "{:#?}", job.lines());
}

#[tokio::test]
async fn an_unreachable_endpoint_is_said_once_per_signal_with_its_cause() {
    let endpoint = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1");
    let metrics = ("OTEL_METRICS_EXPORTER", "none");
    // Also when the service asks for nothing but lines of its own.
    let own = [("RUST_LOG", "job=info"), ("OTEL_EXPORTER_OTLP_TIMEOUT", "10s")];
    let mut job = Process::example("job", &[], &[endpoint, metrics, own[0], own[1]]);
    assert!(!job.ended().await.success());
    let lines = job.lines();
    let told = |text: &str| lines.iter().filter(|line| line.contains(text)).count();
    assert_eq!(told("INFO throughline: throughline "), 1, "the start-up line in {lines:#?}");
    assert_eq!(
        told("WARN throughline: OTEL_EXPORTER_OTLP_TIMEOUT: \"10s\" is not a number of milliseconds"),
        1
    );
    for signal in ["traces", "logs"] {
        // Tried many times until the limit of the shutdown, told once.
        let told: Vec<_> = lines
            .iter()
            .filter(|line| line.contains(&format!("WARN throughline::destination: {signal}: ")))
            .collect();
        assert_eq!(told.len(), 1, "{lines:#?}");
        let cause = format!("cannot reach http://127.0.0.1:1/v1/{signal}: Connection refused (os error 111)");
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
    let receiver = Receiver::start();
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
