//! Measurements of one histogram with five attributes, as a request's duration has: alone, unbound and bound.

use std::{
    error::Error,
    sync::{Arc, Mutex},
};

use ::throughline::{
    Config, Telemetry,
    sender::{
        Accept, Answer, Destination, Inlet, Signal,
        wire::{Fault, Fields, Slice, Value},
    },
};
use axum::body::Bytes;
use opentelemetry::{
    KeyValue,
    metrics::{Histogram, MeterProvider},
};

use super::{Peer, Side, Signals, Stage};
use crate::{
    load::Load,
    providers::{Recorded, Recording, current},
};

pub const NONE: Peer = Peer {
    name: "measurement",
    title: "no measurement",
    side: Side::Measurement,
    signals: Signals::None,
    over: None,
    stage: || Stage::new(load(|| ()), current::Providers::new()),
};

const fn measuring(name: &'static str, title: &'static str, signals: Signals, stage: fn() -> Stage) -> Peer {
    Peer { name, title, side: Side::Measurement, signals, over: Some(NONE.name), stage }
}

pub const SDK: Peer = measuring("sdk-record", "the SDK", Signals::Metrics, || sdk(record));

pub const SDK_BOUND: Peer = measuring("sdk-bound", "the SDK, bound", Signals::Metrics, || sdk(record_bound));

pub const THROUGHLINE: Peer =
    measuring("throughline-record", "**throughline**", Signals::Exemplars, || ours(record));

pub const THROUGHLINE_BOUND: Peer =
    measuring("throughline-bound", "**throughline**, bound", Signals::Exemplars, || ours(record_bound));

fn sdk(load: fn(Histogram<f64>) -> Load) -> Stage {
    let providers = current::Providers::new();
    Stage::new(load(histogram(&providers.meters)), providers)
}

fn ours(load: fn(Histogram<f64>) -> Load) -> Stage {
    let collected = Collected::default();
    // It is asked in the end only.
    let mut config = Config::from_vars([
        ("OTEL_TRACES_EXPORTER", "none"),
        ("OTEL_LOGS_EXPORTER", "none"),
        ("OTEL_METRIC_EXPORT_INTERVAL", "86400000"),
    ]);
    config.metrics.destinations = vec![Destination::Local(Inlet::new(collected.clone()))];
    let telemetry = Telemetry::build(config).expect("nothing can be taken");
    Stage::new(load(histogram(telemetry.meter_provider())), Ours { telemetry, collected })
}

fn histogram(meters: &dyn MeterProvider) -> Histogram<f64> {
    let bounds = vec![0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0];
    meters.meter("cost").f64_histogram("http.server.request.duration").with_boundaries(bounds).build()
}

fn attributes() -> [KeyValue; 5] {
    [
        KeyValue::new("http.request.method", "GET"),
        KeyValue::new("url.scheme", "http"),
        KeyValue::new("http.route", "/users/{id}"),
        KeyValue::new("network.protocol.version", "1.1"),
        KeyValue::new("http.response.status_code", 200),
    ]
}

fn record(histogram: Histogram<f64>) -> Load {
    let attributes = attributes();
    load(move || histogram.record(0.003, &attributes))
}

fn record_bound(histogram: Histogram<f64>) -> Load {
    let bound = histogram.bind(&attributes());
    load(move || bound.record(0.003))
}

/// So many measurements while the caller's span is active.
fn load(measure: impl Fn() + 'static) -> Load {
    Box::new(move |parent, measurements| {
        let _active = current::attach(parent);
        (0..measurements).for_each(|_| std::hint::black_box(&measure)());
    })
}

struct Ours {
    telemetry: Telemetry,
    collected: Collected,
}

impl Recording for Ours {
    fn flush(&self) -> Result<(), Box<dyn Error>> {
        Ok(())
    }

    fn finish(self: Box<Self>) -> Result<Recorded, Box<dyn Error>> {
        self.telemetry.meter_provider().force_flush()?;
        let body = self.collected.0.lock().map_err(|error| error.to_string())?;
        let mut recorded = Recorded::default();
        // Resource, scope, metric, histogram, point.
        let whole = Slice { prefix: 0, start: 0, end: body.len() };
        walk(&body, whole, &[1, 2, 2, 9, 1], &mut |value, number| match (number, value) {
            (4, Value::Fixed64(count)) => recorded.durations += count as usize,
            (8, _) => recorded.exemplars = true,
            _ => {}
        })?;
        Ok(recorded)
    }
}

/// The last request.
#[derive(Clone, Default)]
struct Collected(Arc<Mutex<Bytes>>);

impl Accept for Collected {
    fn accept(&self, _: Signal, request: Bytes) -> Answer {
        *self.0.lock().expect("nothing panics here") = request;
        Answer::TAKEN
    }
}

/// Visits the fields of all messages at the end of a path.
fn walk(body: &[u8], message: Slice, path: &[u32], visit: &mut impl FnMut(Value, u32)) -> Result<(), Fault> {
    for field in Fields::within(body, message) {
        let field = field?;
        match (path, field.value) {
            ([], value) => visit(value, field.number),
            ([first, rest @ ..], Value::Slice(slice)) if field.number == *first => {
                walk(body, slice, rest, visit)?
            }
            _ => {}
        }
    }
    Ok(())
}
