//! The other side refuses, hangs, comes and goes: what may be repeated is repeated, the rest is counted.

mod passing; // one fault, then all is well
mod lasting; // a fault that does not end, and the limit of the shutdown
mod told; // in which words
mod measured; // and what is measured of ourselves

use crate::support::receiver::Receiver;
use opentelemetry::{
    KeyValue,
    metrics::MeterProvider,
    trace::{Tracer, TracerProvider},
};
use throughline::{Config, Stats, Telemetry, sender::Signal};
use tracing_subscriber::prelude::*;

/// Every fault is tried over each of them.
const PROTOCOLS: [&str; 3] = ["http/protobuf", "http/json", "grpc"];
/// The spans and the log records that [`record`] records, each in one request.
const ITEMS: u64 = 3;

/// All signals to this receiver by this protocol. Nothing leaves before it is asked for.
fn config(receiver: &Receiver, protocol: &str, more: &[(&str, &str)]) -> Config {
    let endpoint = if protocol == "grpc" { receiver.grpc_endpoint() } else { receiver.http_endpoint() };
    config_to(&endpoint, protocol, more)
}

fn config_to(endpoint: &str, protocol: &str, more: &[(&str, &str)]) -> Config {
    let vars = [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", protocol),
        ("OTEL_BSP_SCHEDULE_DELAY", "600000"),
        ("OTEL_BLRP_SCHEDULE_DELAY", "600000"),
        ("OTEL_METRIC_EXPORT_INTERVAL", "600000"),
        ("THROUGHLINE_LOG_OUTPUT", "none"),
        ("RUST_LOG", "info,throughline=off"),
    ];
    let mut config = Config::from_vars(vars.iter().chain(more).copied());
    config.check().unwrap();
    config.self_metrics = true;
    config
}

/// Three spans, three log records, three data points beside what is measured of ourselves.
fn record(telemetry: &Telemetry) {
    let tracer = telemetry.tracer_provider().tracer("test");
    let counter = telemetry.meter_provider().meter("test").u64_counter("items").build();
    let subscriber = tracing_subscriber::registry().with(telemetry.layers());
    tracing::subscriber::with_default(subscriber, || {
        for number in 1..=3 {
            drop(tracer.start("work"));
            tracing::info!(number, "working");
            counter.add(1, &[KeyValue::new("number", number)]);
        }
    });
}

/// The rows of the statistics, checked to add up.
fn stats(telemetry: &throughline::Handle) -> Vec<Stats> {
    let stats = telemetry.stats();
    for row in &stats {
        assert_eq!(row.recorded, row.delivered + row.failed + row.dropped + row.queued, "{row:?}");
    }
    stats
}

/// How many requests of a signal came to a receiver.
fn requests(receiver: &Receiver, signal: Signal) -> usize {
    let paths = [format!("/{}", signal.http_path()), signal.grpc_path().to_owned()];
    receiver.requests().iter().filter(|arrival| paths.contains(&arrival.path)).count()
}
