//! `tracing` inside a request belongs to it.

use crate::support::{
    PATIENCE, get,
    receiver::{Receiver, attributes, hex, value},
    serve,
};
use axum::{Router, body::Body, extract::Path, http::StatusCode, routing};
use opentelemetry::{Context, trace::TraceContextExt};
use std::{
    collections::BTreeMap,
    convert::Infallible,
    sync::{Arc, Mutex},
};
use throughline::{Config, Telemetry};
use tokio_stream::StreamExt;
use tracing::{Instrument, Span, subscriber::DefaultGuard};
use tracing_subscriber::prelude::*;

const SAMPLED: (&str, &str) = ("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
const UNSAMPLED: (&str, &str) = ("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00");

/// Telemetry whose layers are those of this thread, which is the only one of the test's runtime.
struct Here {
    receiver: Receiver,
    telemetry: Telemetry,
    subscriber: DefaultGuard,
}

/// A span as the receiver got it: name, name of the parent, kind, status, attributes.
type Told = (String, String, i32, i32, BTreeMap<String, String>);

impl Here {
    async fn start(vars: &[(&str, &str)]) -> Self {
        let receiver = Receiver::start().await;
        let endpoint = format!("http://{}", receiver.http);
        let vars = vars
            .iter()
            .copied()
            .chain([("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint.as_str()), ("OTEL_METRICS_EXPORTER", "none")]);
        let config = Config::from_vars(vars);
        config.check().unwrap();
        let telemetry = Telemetry::build(config).unwrap();
        let subscriber =
            tracing::subscriber::set_default(tracing_subscriber::registry().with(telemetry.layers()));
        Here { receiver, telemetry, subscriber }
    }

    /// Asks a router behind the layer.
    async fn ask(&self, app: Router, path: &str, caller: (&str, &str)) -> (u16, String) {
        let address = serve(app.layer(self.telemetry.server_layer())).await;
        get(&format!("http://{address}{path}"), &[caller]).await.unwrap()
    }

    async fn finish(self) -> Receiver {
        self.telemetry.shutdown(PATIENCE).await.unwrap();
        drop(self.subscriber);
        self.receiver
    }
}

/// The spans, sorted by name, after checking that they are of the caller's trace and have no events.
fn spans(receiver: &Receiver) -> Vec<Told> {
    let spans = receiver.spans();
    let name = |id: &[u8]| {
        let found = spans.iter().find(|(_, span)| span.span_id == id);
        found.map_or_else(|| hex(id), |(_, span)| span.name.clone())
    };
    let told = spans.iter().map(|(_, span)| {
        assert_eq!(hex(&span.trace_id), "4bf92f3577b34da6a3ce929d0e0e4736", "{span:?}");
        assert_eq!((span.events.len(), span.links.len()), (0, 0), "{span:?}");
        let status = span.status.as_ref().map_or(0, |status| status.code);
        (span.name.clone(), name(&span.parent_span_id), span.kind, status, attributes(&span.attributes))
    });
    let mut told = Vec::from_iter(told);
    told.sort();
    told
}

/// The records, in the order of their making: body, name of the span, attributes.
fn records(receiver: &Receiver) -> Vec<(String, String, BTreeMap<String, String>)> {
    let spans = receiver.spans();
    let mut records = receiver.logs();
    records.sort_by_key(|(_, record)| record.observed_time_unix_nano);
    let told = records.iter().map(|(_, record)| {
        assert_eq!(hex(&record.trace_id), "4bf92f3577b34da6a3ce929d0e0e4736", "{record:?}");
        let span = spans.iter().find(|(_, span)| span.span_id == record.span_id);
        let span = span.map_or_else(|| hex(&record.span_id), |(_, span)| span.name.clone());
        (value(record.body.as_ref()), span, attributes(&record.attributes))
    });
    told.collect()
}

fn set<const N: usize>(pairs: [(&str, &str); N]) -> BTreeMap<String, String> {
    pairs.map(|(key, value)| (key.to_owned(), value.to_owned())).into()
}

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

fn row(name: &str, parent: &str, status: i32, set: BTreeMap<String, String>) -> Told {
    (name.to_owned(), parent.to_owned(), 1, status, set)
}

fn record(
    body: &str,
    span: &str,
    set: BTreeMap<String, String>,
) -> (String, String, BTreeMap<String, String>) {
    (body.to_owned(), span.to_owned(), set)
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
        let (server, inner): (Vec<_>, Vec<_>) = spans(&receiver).into_iter().partition(|told| told.2 == 2);
        let expected = [
            row("bank", "pay", 0, set([("fast", "true")])),
            row("bill", "order", 0, set([("id", id), ("item", "\"tea\"")])),
            row("order", "GET /orders/{id}", 0, set([("id", &text)])),
            row("pay", "order", failed, set([("attempts", "3")])),
        ];
        assert_eq!(inner, expected);
        // A 402 is the caller's fault: what failed inside is no error of the server.
        assert_eq!(
            Vec::from_iter(server.iter().map(|told| (told.0.as_str(), told.3))),
            [("GET /orders/{id}", 0)]
        );

        let error = (failed > 0).then(|| record("None", "pay", set([("error", "\"no money\"")])));
        let returned = if failed > 0 { "\"Err(402)\"" } else { "\"Ok(\\\"2\\\")\"" };
        let mut expected = vec![
            record("\"ordering\"", "order", set([("steps", "2")])),
            record("\"asking the bank\"", "bank", set([])),
        ];
        expected.extend(error);
        expected.push(record("None", "order", set([("return", returned)])));
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
        let (_, told) = here.ask(app, "/1", UNSAMPLED).await;
        let [tracing, active, same] = Vec::from_iter(told.split(' '))[..] else { panic!("{told}") };
        assert_eq!((tracing, same), (if request_span == "true" { "request" } else { "none" }, "true"));
        let receiver = here.finish().await;
        assert_eq!(spans(&receiver), []);
        assert_eq!(records(&receiver), [record("\"told\"", active, set([]))]);
        assert_ne!(active, &UNSAMPLED.1[36..52], "an id of its own");
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

    let (server, inner): (Vec<_>, Vec<_>) = spans(&receiver).into_iter().partition(|told| told.2 == 2);
    let told = [("method", "\"GET\""), ("route", "\"/{id}\""), ("user", "\"ada\""), ("tenant", "7")];
    let expected = [row("inner", "request", 0, set([])), row("request", "GET /{id}", 2, set(told))];
    assert_eq!(inner, expected);
    assert_eq!(Vec::from_iter(server.iter().map(|told| (told.0.as_str(), told.3))), [("GET /{id}", 0)]);
    let expected = [("inside", "inner"), ("outside", "request"), ("spawned", "request")];
    let expected = expected.map(|(body, span)| record(&format!("{body:?}"), span, set([])));
    assert_eq!(records(&receiver), expected);
    let all = receiver.spans();
    let [server, request] =
        ["GET /{id}", "request"].map(|name| &all.iter().find(|(_, span)| span.name == name).unwrap().1);
    assert!(server.start_time_unix_nano <= request.start_time_unix_nano);
}

#[tokio::test]
async fn without_the_option_no_span_of_tracing_is_current_and_what_is_spawned_with_it_leaves_the_trace() {
    let here = Here::start(&[]).await;
    let log = Arc::default();
    assert_eq!(here.ask(watched(&log), "/1", SAMPLED).await, (200, "onetwo".into()));
    let receiver = here.finish().await;
    assert_eq!(*log.lock().unwrap(), MOMENTS.map(|moment| format!("{moment} in none")));
    let names = Vec::from_iter(spans(&receiver).into_iter().map(|told| (told.0, told.1, told.3)));
    let caller = SAMPLED.1[36..52].to_owned();
    assert_eq!(names, [("GET /{id}".into(), caller, 0), ("inner".into(), "GET /{id}".into(), 0)]);
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
