//! `tracing` inside a request belongs to it.

use crate::support::{
    get,
    here::{CALLER, Here, INTERNAL, SAMPLED, SERVER, UNSAMPLED, record, records, span, spans},
    receiver::{Decoded, hex, value},
    serve,
};
use axum::{Router, body::Body, extract::Path, http::StatusCode, routing};
use opentelemetry::{Context, SpanId, trace::TraceContextExt};
use std::{
    convert::Infallible,
    sync::{Arc, Mutex},
};
use tokio_stream::StreamExt;
use tracing::{Instrument, Span};
use tracing_opentelemetry::OpenTelemetrySpanExt;

/// The name of the current `tracing` span.
fn current() -> &'static str {
    Span::current().metadata().map_or("none", tracing::Metadata::name)
}

#[tracing::instrument(ret)]
async fn order(Path(id): Path<i64>) -> Result<String, StatusCode> {
    tracing::info!(steps = 2, "ordering");
    let bill = bill(id, "tea");
    pay(id).await.map_err(|_| StatusCode::PAYMENT_REQUIRED)?;
    Ok(bill.to_string())
}

#[tracing::instrument]
fn bill(id: i64, item: &str) -> i64 {
    id * 2
}

#[tracing::instrument(err, skip_all, fields(attempts = tracing::field::Empty))]
async fn pay(id: i64) -> Result<(), &'static str> {
    tokio::task::yield_now().await;
    Span::current().record("attempts", 3);
    async { tracing::warn!("asking the bank") }.instrument(tracing::info_span!("bank", fast = true)).await;
    if id > 1 { Err("no money") } else { Ok(()) }
}

// H-076, H-090
#[tokio::test]
async fn spans_of_a_handler_are_children_of_the_servers_and_events_are_records_only() {
    for (path, answer, failed) in [("/orders/1", (200, "2"), 0), ("/orders/2", (402, ""), 2)] {
        let here = Here::start(&[]).await;
        let app = Router::new().route("/orders/{id}", routing::get(order));
        assert_eq!(here.ask(app, path, SAMPLED).await, (answer.0, answer.1.into()));
        let receiver = here.finish().await;
        let id = path.rsplit('/').next().unwrap();
        let text = format!("{id:?}");
        let expected = [
            span("bank", "pay", 0, &[("fast", "true")]),
            span("bill", "order", 0, &[("id", id), ("item", "\"tea\"")]),
            span("order", "GET /orders/{id}", 0, &[("id", &text)]),
            span("pay", "order", failed, &[("attempts", "3")]),
        ];
        assert_eq!(spans(&receiver, INTERNAL), expected);
        // A 402 is the caller's fault: what failed inside is no error of the server.
        let [server] = &spans(&receiver, SERVER)[..] else { panic!("one span of the server") };
        assert_eq!((server.name.as_str(), server.status), ("GET /orders/{id}", 0));

        let error = (failed > 0).then(|| record("None", "pay", &[("error", "\"no money\"")]));
        let returned = if failed > 0 { "\"Err(402)\"" } else { "\"Ok(\\\"2\\\")\"" };
        let mut expected = vec![
            record("\"ordering\"", "order", &[("steps", "2")]),
            record("\"asking the bank\"", "bank", &[]),
        ];
        expected.extend(error);
        expected.push(record("None", "order", &[("return", returned)]));
        assert_eq!(records(&receiver), expected);
    }
}

/// Tells which span is active for OpenTelemetry, outside of a span of `tracing` and in it.
async fn active_spans() -> String {
    let active = || Context::map_current(|context| context.span().span_context().span_id());
    let inner = async { active() }.instrument(tracing::info_span!("inner")).await;
    tracing::info!("told");
    format!("{} {}", active(), inner == active())
}

#[tokio::test]
async fn an_unsampled_request_makes_no_spans_inside_and_its_records_have_its_ids() {
    for request_span in ["false", "true"] {
        let here = Here::start(&[("THROUGHLINE_REQUEST_SPAN", request_span)]).await;
        let app = Router::new()
            .route("/{id}", routing::get(|| async { format!("{} {}", current(), active_spans().await) }));
        let (_, answer) = here.ask(app, "/1", UNSAMPLED).await;
        let [tracing, active, same] = Vec::from_iter(answer.split(' '))[..] else { panic!("{answer}") };
        assert_eq!((tracing, same), (if request_span == "true" { "request" } else { "none" }, "true"));
        let receiver = here.finish().await;
        assert_eq!((spans(&receiver, SERVER), spans(&receiver, INTERNAL)), (vec![], vec![]));
        assert_eq!(records(&receiver), [record("\"told\"", active, &[])]);
        assert_ne!(active, CALLER, "an id of its own");
    }
}

/// Tells which span of `tracing` is current, at last where it is dropped.
struct Watch(&'static str, Arc<Mutex<Vec<String>>>);

impl Watch {
    fn tell(&self, moment: &str) {
        self.1.lock().unwrap().push(format!("{} {moment} in {}", self.0, current()));
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.tell("dropped");
    }
}

/// A handler that tells which span is current at each moment of its future and of its body.
fn watched(log: &Arc<Mutex<Vec<String>>>) -> Router {
    let log = Arc::clone(log);
    let handler = move || {
        let (future, body) = (Watch("future", Arc::clone(&log)), Watch("body", Arc::clone(&log)));
        future.tell("made");
        async move {
            tokio::task::yield_now().await;
            future.tell("polled");
            Span::current().record("user", "ada").record("tenant", 7);
            tracing::info_span!("inner").in_scope(|| tracing::info!("inside"));
            tracing::error!("outside");
            let task = async { tracing::info!("spawned") }.in_current_span();
            tokio::spawn(task).await.unwrap();
            Body::from_stream(tokio_stream::iter(["one", "two"]).map(move |chunk| {
                body.tell("polled");
                Ok::<_, Infallible>(chunk)
            }))
        }
    };
    Router::new().route("/{id}", routing::get(handler)).route("/healthz", routing::get(async || current()))
}

const MOMENTS: [&str; 6] =
    ["future made", "future polled", "future dropped", "body polled", "body polled", "body dropped"];

#[tokio::test]
async fn the_request_span_is_current_wherever_the_request_is_served_and_is_a_child_of_the_servers() {
    let vars = [("THROUGHLINE_REQUEST_SPAN", "1"), ("THROUGHLINE_EXCLUDED_PATHS", "/healthz")];
    let here = Here::start(&vars).await;
    let log = Arc::default();
    // A second layer leaves the request to the first.
    let app = watched(&log).layer(here.telemetry.server_layer());
    assert_eq!(here.ask(app.clone(), "/1", SAMPLED).await, (200, "onetwo".into()));
    assert_eq!(here.ask(app, "/healthz", SAMPLED).await, (200, "none".into()));
    let receiver = here.finish().await;
    assert_eq!(*log.lock().unwrap(), MOMENTS.map(|moment| format!("{moment} in request")));

    let fields = [("method", "\"GET\""), ("route", "\"/{id}\""), ("tenant", "7"), ("user", "\"ada\"")];
    let expected = [span("inner", "request", 0, &[]), span("request", "GET /{id}", 2, &fields)];
    assert_eq!(spans(&receiver, INTERNAL), expected);
    let [server] = &spans(&receiver, SERVER)[..] else { panic!("one span of the server") };
    assert_eq!((server.name.as_str(), server.parent.as_str(), server.status), ("GET /{id}", CALLER, 0));
    let expected = [("inside", "inner"), ("outside", "request"), ("spawned", "request")];
    let expected = expected.map(|(body, span)| record(&format!("{body:?}"), span, &[]));
    assert_eq!(records(&receiver), expected);
}

// H-090, H-091
#[tokio::test]
async fn with_the_request_span_too_an_exception_has_the_ids_of_the_servers() {
    for request_span in ["false", "true"] {
        let here = Here::start(&[("THROUGHLINE_REQUEST_SPAN", request_span)]).await;
        let fails = async || {
            Span::current().set_attribute("found", true);
            let active = Context::map_current(|context| context.span().span_context().span_id());
            assert!(Span::current().is_none() || found() == active);
            let frames = tokio_stream::iter([Ok("one"), Err("out of tea")]);
            Body::from_stream(frames)
        };
        let panics = async || {
            if true {
                panic!("out of milk")
            }
        };
        let app = Router::new().route("/fails", routing::get(fails)).route("/panics", routing::get(panics));
        let address = serve(app.layer(here.telemetry.server_layer())).await;
        for path in ["fails", "panics"] {
            assert!(get(&format!("http://{address}/{path}"), &[SAMPLED]).await.is_err());
        }
        let receiver = here.finish().await;
        let told = |name: &str| {
            let spans = receiver.spans();
            let (_, span) = spans.iter().find(|(_, span)| span.name == name).unwrap();
            hex(&span.span_id)
        };
        let logs = receiver.logs();
        let exceptions =
            logs.iter().filter(|(_, record)| record.event_name == "http.server.request.exception");
        let ids: Vec<_> = exceptions.map(|(_, record)| hex(&record.span_id)).collect();
        assert_eq!(ids, [told("GET /fails"), told("GET /panics")], "{request_span}");
        let requests = spans(&receiver, INTERNAL).into_iter().map(|span| (span.name, span.status));
        let expected = if request_span == "true" { vec![("request".to_owned(), 0); 2] } else { vec![] };
        assert_eq!(Vec::from_iter(requests), expected);
    }
}

fn found() -> SpanId {
    Span::current().context().span().span_context().span_id()
}

#[tokio::test]
async fn without_the_option_no_span_of_tracing_is_current_and_what_is_spawned_with_it_leaves_the_trace() {
    let here = Here::start(&[]).await;
    let log = Arc::default();
    assert_eq!(here.ask(watched(&log), "/1", SAMPLED).await, (200, "onetwo".into()));
    let receiver = here.finish().await;
    assert_eq!(*log.lock().unwrap(), MOMENTS.map(|moment| format!("{moment} in none")));
    assert_eq!(spans(&receiver, INTERNAL), [span("inner", "GET /{id}", 0, &[])]);
    let alone = receiver.logs().into_iter().filter(|(_, record)| record.trace_id.is_empty());
    assert_eq!(Vec::from_iter(alone.map(|(_, record)| value(record.body.as_ref()))), ["\"spawned\""]);
}

#[tokio::test]
async fn a_disabled_sdk_leaves_the_request_span_to_the_lines() {
    let here = Here::start(&[("THROUGHLINE_REQUEST_SPAN", "1"), ("OTEL_SDK_DISABLED", "true")]).await;
    let app = Router::new().route("/{id}", routing::get(async || current()));
    assert_eq!(here.ask(app, "/1", SAMPLED).await, (200, "request".into()));
    assert_eq!(here.finish().await.requests().len(), 0);
}

#[tokio::test]
async fn a_number_without_a_sign_is_a_number_as_far_as_opentelemetry_has_it() {
    let here = Here::start(&[]).await;
    let app = Router::new().route(
        "/",
        routing::get(async || {
            let span = tracing::info_span!(
                "pack",
                items = 7_u64,
                size = 7_usize,
                most = u64::MAX,
                late = tracing::field::Empty
            );
            span.record("late", 8_u32);
            drop(span);
        }),
    );
    assert_eq!(here.ask(app, "/", SAMPLED).await, (200, String::new()));
    let receiver = here.finish().await;
    let fields = [("items", "7"), ("late", "8"), ("most", "\"18446744073709551615\""), ("size", "7")];
    assert_eq!(spans(&receiver, INTERNAL), [span("pack", "GET /", 0, &fields)]);
}
