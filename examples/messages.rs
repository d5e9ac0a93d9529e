//! A message on a queue: who sends it writes the trace into its headers, who receives it goes on with that trace.
//!
//! `cargo run --example messages`; the queue here is a channel, a broker's client takes and gives the same headers.
//!
//! ```text
//! PRODUCER send orders ──► CONSUMER process orders
//!                             └─ INTERNAL book
//! ```

use opentelemetry::{
    Context, KeyValue,
    context::FutureExt,
    global,
    propagation::TextMapPropagator,
    trace::{SpanKind, TraceContextExt, Tracer},
};
use std::{collections::HashMap, error::Error, time::Duration};
use throughline::{Config, Telemetry};
use tokio::sync::mpsc;

struct Message {
    headers: HashMap<String, String>,
    order: u64,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let telemetry = Telemetry::init(Config::from_env())?;
    let propagator = telemetry.propagator();
    let (queue, mut messages) = mpsc::channel(16);
    for order in 1..=3 {
        queue.send(message(&*propagator, order)).await?;
    }
    drop(queue);
    while let Some(message) = messages.recv().await {
        process(&*propagator, message).await;
    }
    telemetry.shutdown(Duration::from_secs(5)).await?;
    Ok(())
}

/// A message that carries the trace of its sending.
fn message(propagator: &dyn TextMapPropagator, order: u64) -> Message {
    let tracer = global::tracer("messages");
    let span = tracer
        .span_builder("send orders")
        .with_kind(SpanKind::Producer)
        .with_attributes(about("send"))
        .start(&tracer);
    let sending = Context::current_with_span(span);
    let mut headers = HashMap::new();
    propagator.inject_context(&sending, &mut headers);
    Message { headers, order }
}

/// Processes a message as a part of the trace in which it was sent.
async fn process(propagator: &dyn TextMapPropagator, message: Message) {
    // What is active here is none of the message's business: its headers are read into an empty context.
    let sent = propagator.extract_with_context(&Context::new(), &message.headers);
    let tracer = global::tracer("messages");
    let span = tracer
        .span_builder("process orders")
        .with_kind(SpanKind::Consumer)
        .with_attributes(about("process"))
        .start_with_context(&tracer, &sent);
    book(message.order).with_context(sent.with_span(span)).await;
}

/// The attributes of the conventions for messaging.
fn about(operation: &'static str) -> [KeyValue; 4] {
    [
        KeyValue::new("messaging.system", "channel"),
        KeyValue::new("messaging.destination.name", "orders"),
        KeyValue::new("messaging.operation.name", operation),
        KeyValue::new("messaging.operation.type", operation),
    ]
}

#[tracing::instrument]
async fn book(order: u64) {
    tracing::info!("booked");
}
