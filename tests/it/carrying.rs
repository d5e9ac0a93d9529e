//! What leaves its request stays in its trace.

use crate::support::{
    PATIENCE, ask,
    child::Process,
    here::{Here, INTERNAL, SAMPLED, SERVER, UNSAMPLED, record, records, span, spans},
    receiver::{Decoded, Receiver, hex, value},
    request, until,
};
use axum::{Router, routing};
use opentelemetry::{
    Context,
    baggage::BaggageExt,
    trace::{SpanContext, SpanId, TraceContextExt, TraceFlags, TraceId, TraceState},
};
use std::{collections::BTreeSet, sync::Arc};
use throughline::{Config, Telemetry, carry, carry_fn};
use tokio::sync::{Notify, oneshot};
use tokio_stream::StreamExt;
use tracing::{Instrument, Span};
use tracing_subscriber::prelude::*;

// H-092
#[tokio::test]
async fn a_task_a_thread_a_set_a_queue_and_a_stream_have_the_ids_in_spans_records_and_lines() {
    let receiver = Receiver::start();
    let endpoint = receiver.http_endpoint();
    let tasks = Process::example(
        "tasks",
        &["127.0.0.1:0"],
        &[
            ("OTEL_EXPORTER_OTLP_ENDPOINT", &endpoint),
            ("OTEL_BSP_SCHEDULE_DELAY", "50"),
            ("OTEL_BLRP_SCHEDULE_DELAY", "50"),
            ("THROUGHLINE_LOG_FORMAT", "json"),
        ],
    );
    let url = tasks.line(&["curl -X POST http://"]).await.rsplit(' ').next().unwrap().to_owned();
    let answer = ask(request("POST", url, &[SAMPLED])).await.unwrap();
    assert_eq!(answer.status(), 200);
    drop(axum::body::to_bytes(answer.into_body(), 100).await.unwrap());
    until("seven spans, and the records of all that was said", || async {
        (receiver.spans().len() >= 7 && receiver.logs().len() >= 8).then_some(())
    })
    .await;

    assert_eq!(
        spans(&receiver, INTERNAL),
        [
            span("confirm", "order", 0, &[]),
            span("order", "POST /orders", 0, &[]),
            span("pack", "order", 0, &[("part", "\"pot\"")]),
            span("pack", "order", 0, &[("part", "\"tea\"")]),
            span("print_invoice", "order", 0, &[]),
            span("ship", "order", 0, &[]),
        ]
    );
    let said = [
        ("confirm", "confirming"),
        ("pack", "packing"),
        ("print_invoice", "printing the invoice"),
        ("ship", "shipping"),
        ("order", "telling progress"),
    ];
    let ids = |name: &str| {
        let spans = receiver.spans().into_iter().map(|(_, span)| span).filter(|span| span.name == name);
        BTreeSet::from_iter(spans.map(|span| (hex(&span.trace_id), hex(&span.span_id))))
    };
    let lines = tasks.lines();
    for (span, message) in said {
        let records = receiver.logs().into_iter().map(|(_, record)| record);
        let records = records.filter(|record| value(record.body.as_ref()) == format!("{message:?}"));
        let records =
            BTreeSet::from_iter(records.map(|record| (hex(&record.trace_id), hex(&record.span_id))));
        assert_eq!(records, ids(span), "records of {message}");
        let lines = lines.iter().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
        let lines = lines.filter(|line| line["message"] == message);
        let id = |line: &serde_json::Value, key: &str| line[key].as_str().unwrap().to_owned();
        let lines = BTreeSet::from_iter(lines.map(|line| (id(&line, "trace_id"), id(&line, "span_id"))));
        assert_eq!(lines, ids(span), "lines of {message}");
    }
}

#[tokio::test]
async fn a_task_that_outlives_its_request_still_has_its_ids() {
    let here = Here::start(&[]).await;
    let gate = Arc::new(Notify::new());
    let (done, ended) = oneshot::channel();
    let (opened, done) = (Arc::clone(&gate), Arc::new(std::sync::Mutex::new(Some(done))));
    let handler = move || async move {
        let done = done.lock().unwrap().take().unwrap();
        tokio::spawn(carry(async move {
            opened.notified().await;
            tracing::info!("late");
            async { tracing::info!("later") }.instrument(tracing::info_span!("inner")).await;
            done.send(()).unwrap();
        }));
    };
    let app = Router::new().route("/", routing::get(handler));
    assert_eq!(here.ask(app, "/", SAMPLED).await.0, 200);
    here.telemetry.handle().flush(PATIENCE).await.unwrap();
    assert_eq!(spans(&here.receiver, SERVER).len(), 1, "the request is over");
    gate.notify_one();
    ended.await.unwrap();
    let receiver = here.finish().await;
    assert_eq!(spans(&receiver, INTERNAL), [span("inner", "GET /", 0, &[])]);
    let expected = [record("\"late\"", "GET /", &[]), record("\"later\"", "inner", &[])];
    assert_eq!(records(&receiver), expected);
}

#[tokio::test]
async fn what_an_unsampled_request_carries_away_is_unsampled() {
    let here = Here::start(&[("THROUGHLINE_REQUEST_SPAN", "1")]).await;
    let handler = || async {
        let work = async { tracing::info!("inside") }.instrument(tracing::info_span!("inner"));
        tokio::spawn(carry(work)).await.unwrap();
        Context::map_current(|context| context.span().span_context().span_id()).to_string()
    };
    let (_, id) = here.ask(Router::new().route("/", routing::get(handler)), "/", UNSAMPLED).await;
    let receiver = here.finish().await;
    assert_eq!(receiver.spans(), []);
    assert_eq!(records(&receiver), [record("\"inside\"", &id, &[])]);
}

/// What is active: for OpenTelemetry the span and a member of the baggage, for `tracing` the name of the span.
fn active() -> (SpanId, Option<String>, Option<&'static str>) {
    Context::map_current(|context| {
        let member = context.baggage().get("tenant").map(ToString::to_string);
        let name = Span::current().metadata().map(tracing::Metadata::name);
        (context.span().span_context().span_id(), member, name)
    })
}

/// Tells what is active where it is dropped.
struct Witness(std::sync::mpsc::Sender<(SpanId, Option<String>, Option<&'static str>)>);

impl Drop for Witness {
    fn drop(&mut self) {
        self.0.send(active()).unwrap();
    }
}

fn layers() -> tracing::Dispatch {
    let vars = ["TRACES", "METRICS", "LOGS"].map(|signal| (format!("OTEL_{signal}_EXPORTER"), "none"));
    let telemetry = Telemetry::build(Config::from_vars(vars)).unwrap();
    tracing::Dispatch::new(tracing_subscriber::registry().with(telemetry.layers()))
}

/// A context inside the span of `tracing` that is current: a span of the OpenTelemetry API, and baggage.
fn innermost() -> Context {
    let ids =
        SpanContext::new(TraceId::from(1), SpanId::from(7), TraceFlags::SAMPLED, true, TraceState::NONE);
    Context::current()
        .with_remote_span_context(ids)
        .with_baggage([opentelemetry::KeyValue::new("tenant", "a")])
}

#[test]
fn what_is_carried_is_the_innermost_on_every_thread_at_each_poll_and_at_the_drop() {
    let dispatch = layers();
    let _here = tracing::dispatcher::set_default(&dispatch);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .on_thread_start(move || std::mem::forget(tracing::dispatcher::set_default(&dispatch)))
        .build()
        .unwrap();
    let expected = (SpanId::from(7), Some("a".to_owned()), Some("outer"));
    let (witness, dropped) = std::sync::mpsc::channel();
    let witness = || Witness(witness.clone());
    let (finished, given_up, read, called) = {
        let _entered = tracing::info_span!("outer").entered();
        let _active = innermost().attach();
        let (in_task, in_nothing, in_stream, in_closure) = (witness(), witness(), witness(), witness());
        let finished = carry(async move {
            let _witness = in_task;
            let before = active();
            tokio::task::yield_now().await;
            [before, active()]
        });
        let given_up = carry(async move {
            let _witness = in_nothing;
            std::future::pending::<()>().await;
        });
        let stream = tokio_stream::iter([1, 2]).map(move |_| {
            let _witness = &in_stream;
            active()
        });
        let called = carry_fn(move || {
            let _witness = in_closure;
            active()
        });
        (finished, given_up, carry(stream), called)
    };
    assert_eq!(active(), (SpanId::INVALID, None, None));
    assert_eq!(tokio_stream::Stream::size_hint(&read), (2, Some(2)));
    runtime.block_on(async {
        assert_eq!(tokio::spawn(finished).await.unwrap(), [expected.clone(), expected.clone()]);
        assert_eq!(tokio::task::spawn_blocking(called).await.unwrap(), expected);
        let read = tokio::spawn(read.collect::<Vec<_>>()).await.unwrap();
        assert_eq!(read, [expected.clone(), expected.clone()]);
    });
    drop(given_up);
    assert_eq!(Vec::from_iter(dropped.try_iter()), vec![expected; 4]);
    assert_eq!(active(), (SpanId::INVALID, None, None));
}

#[tokio::test]
async fn where_nothing_is_active_nothing_is_carried() {
    let (future, closure) = (carry(async { active() }), carry_fn(active));
    let nothing = (SpanId::INVALID, None, None);
    assert_eq!(future.await, nothing);
    let _active = innermost().attach();
    assert_eq!(closure(), nothing, "not what happens to be active where it runs");
}
