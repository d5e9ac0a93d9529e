//! What became of everything, as measurements: the `otel.sdk.*` metrics of the standard (H-130, H-131).
//!
//! They are read from what [`Handle::stats`](crate::Handle::stats) tells, at the moment of the collection, so they are
//! equal to it: `exported` is what was delivered, with `error.type` `rejected` what failed; what was dropped is
//! `processed` with `queue_full` if it never became a request, else `exported` with `dropped`; `queue.size` and `inflight`
//! together are what is queued. What was recorded at all is `log.created` and, for spans, counted in [`spans`], which also
//! knows those that are not recorded. A signal of which nothing was recorded has no series: these alone make no request.
//!
//! The SDK measures a few of these on its own, wherever its parts are used, and asks nobody: [`of_the_sdk`] drops that.

mod spans; // those that began, and those that did not end

use crate::{
    pipeline::Pipeline,
    sender::{Destination, Protocol, Signal, Stats},
};
use opentelemetry::{
    KeyValue,
    metrics::{Histogram, Meter, MeterProvider},
};
use opentelemetry_sdk::metrics::{Aggregation, Instrument, SdkMeterProvider, Stream};
use std::{
    borrow::Cow,
    sync::{Arc, OnceLock},
    time::Duration,
};

pub(crate) use spans::Spans;

/// The state of one pipeline of which something was recorded.
pub(crate) struct Account {
    /// All of it: for log records, what was given to a logger.
    pub(crate) recorded: u64,
    /// Spans or log records that wait for their batch.
    pub(crate) waiting: u64,
    /// Dropped before they were in a batch.
    pub(crate) dropped: u64,
    /// In a batch, each of them.
    pub(crate) processed: u64,
    /// What each sender says.
    pub(crate) senders: Vec<Stats>,
}

type Rows = Vec<(u64, Vec<KeyValue>)>;

/// How long it takes to collect what was measured; nothing before [`measure`] was called.
#[derive(Clone, Debug, Default)]
pub(crate) struct Collections(Arc<OnceLock<(Histogram<f64>, Vec<KeyValue>)>>);

impl Collections {
    /// Takes note of a collection; `failure`: what a callback of it did.
    pub(crate) fn took(&self, time: Duration, failure: Option<&'static str>) {
        if let Some((duration, reader)) = self.0.get() {
            match failure {
                Some(failure) => duration.record(time.as_secs_f64(), &with(reader, failure)),
                None => duration.record(time.as_secs_f64(), reader),
            }
        }
    }
}

/// Adds the measurements of spans and pipelines to what the provider measures.
pub(crate) fn measure(provider: &SdkMeterProvider, spans: &Spans, pipelines: &[Arc<Pipeline>]) {
    let meter = provider.meter("throughline");
    spans.measure(&meter);
    for pipeline in pipelines {
        if let Some(capacity) = pipeline.capacity() {
            measure_processor(&meter, pipeline, capacity);
        }
        if let Some(collections) = pipeline.collections() {
            let duration =
                meter.f64_histogram("otel.sdk.metric_reader.collection.duration").with_unit("s").build();
            // Only the first one counts, and there is only one.
            let _ = collections.0.set((duration, component("periodic_metric_reader", 0)));
        }
        measure_exporters(&meter, pipeline);
    }
}

/// A view that drops what the SDK measures of itself: it is not asked for, or there is one of this name.
pub(crate) fn of_the_sdk(instrument: &Instrument) -> Option<Stream> {
    let is_its_own = instrument.scope().name() == "otel.sdk";
    is_its_own.then(|| Stream::builder().with_aggregation(Aggregation::Drop).build().ok()).flatten()
}

fn measure_processor(meter: &Meter, pipeline: &Pipeline, capacity: u64) {
    let (item, unit) = words(pipeline.signal());
    let kind = format!("batching_{item}_processor");
    let component = component(&kind, 0);
    let name = |what| format!("otel.sdk.processor.{item}.{what}");
    let own = component.clone();
    let size = of(pipeline, move |account| vec![(account.waiting, own.clone())]);
    up_and_down(meter, name("queue.size"), unit, size);
    let own = component.clone();
    let most = of(pipeline, move |_| vec![(capacity, own.clone())]);
    up_and_down(meter, name("queue.capacity"), unit, most);
    let processed = of(pipeline, move |account| {
        let dropped = with(&component, "queue_full");
        vec![(account.processed, component.clone()), (account.dropped, dropped)]
    });
    counter(meter, name("processed"), unit, processed);
    if pipeline.signal() == Signal::Logs {
        let created = of(pipeline, |account| vec![(account.recorded, vec![])]);
        counter(meter, "otel.sdk.log.created", unit, created);
    }
}

fn measure_exporters(meter: &Meter, pipeline: &Pipeline) {
    let (item, unit) = words(pipeline.signal());
    let exporters = pipeline.destinations().enumerate().map(|(number, to)| exporter(item, number, to));
    let exporters: Arc<[_]> = exporters.collect();
    // The standard's word for what a metric exporter carries is longer than that for the exporter.
    let carried = if pipeline.signal() == Signal::Metrics { "metric_data_point" } else { item };
    let name = |what| format!("otel.sdk.exporter.{carried}.{what}");

    let all = exporters.clone();
    let inflight = of(pipeline, move |account| {
        let queued = account.senders.iter().map(|stats| stats.queued);
        queued.zip(all.iter().cloned()).collect()
    });
    up_and_down(meter, name("inflight"), unit, inflight);
    let all = exporters.clone();
    let exported = of(pipeline, move |account| {
        let rows = account.senders.iter().zip(&*all).flat_map(|(stats, exporter)| {
            let failed = (stats.failed, with(exporter, "rejected"));
            [(stats.delivered, exporter.clone()), failed, (stats.dropped, with(exporter, "dropped"))]
        });
        rows.collect()
    });
    counter(meter, name("exported"), unit, exported);
    let duration = meter.f64_histogram("otel.sdk.exporter.operation.duration").with_unit("s").build();
    pipeline.watch(move |sender, took, refused| {
        if let Some(exporter) = exporters.get(sender) {
            match refused {
                true => duration.record(took.as_secs_f64(), &with(exporter, "rejected")),
                false => duration.record(took.as_secs_f64(), exporter),
            }
        }
    });
}

/// Rows of a pipeline; none while nothing was recorded.
fn of(
    pipeline: &Pipeline,
    rows: impl Fn(&Account) -> Rows + Send + Sync + 'static,
) -> impl Fn() -> Rows + Send + Sync + 'static {
    let account = pipeline.account();
    move || account().iter().flat_map(&rows).collect()
}

/// An instrument whose rows of zero are left out: what never happened has no series.
fn counter(
    meter: &Meter,
    name: impl Into<Cow<'static, str>>,
    unit: &'static str,
    rows: impl Fn() -> Rows + Send + Sync + 'static,
) {
    let counter = meter.u64_observable_counter(name).with_unit(unit);
    let observe = counter.with_callback(move |to| {
        for (value, attributes) in rows().into_iter().filter(|(value, _)| *value > 0) {
            to.observe(value, &attributes);
        }
    });
    observe.build();
}

fn up_and_down(
    meter: &Meter,
    name: impl Into<Cow<'static, str>>,
    unit: &'static str,
    rows: impl Fn() -> Rows + Send + Sync + 'static,
) {
    let counter = meter.i64_observable_up_down_counter(name).with_unit(unit);
    let observe = counter.with_callback(move |to| {
        for (value, attributes) in rows() {
            to.observe(i64::try_from(value).unwrap_or(i64::MAX), &attributes);
        }
    });
    observe.build();
}

fn words(signal: Signal) -> (&'static str, &'static str) {
    match signal {
        Signal::Traces => ("span", "{span}"),
        Signal::Metrics => ("metric", "{data_point}"),
        Signal::Logs => ("log", "{log_record}"),
    }
}

fn component(kind: &str, number: usize) -> Vec<KeyValue> {
    vec![
        KeyValue::new("otel.component.type", kind.to_owned()),
        KeyValue::new("otel.component.name", format!("{kind}/{number}")),
    ]
}

fn exporter(item: &str, number: usize, destination: &Destination) -> Vec<KeyValue> {
    let Destination::Remote(remote) = destination else { return component("throughline_inlet", number) };
    let kind = match remote.protocol {
        Protocol::Grpc => format!("otlp_grpc_{item}_exporter"),
        Protocol::HttpProtobuf => format!("otlp_http_{item}_exporter"),
        Protocol::HttpJson => format!("otlp_http_json_{item}_exporter"),
    };
    let mut attributes = component(&kind, number);
    if let Some(host) = remote.url.host() {
        let port = if remote.url.scheme_str() == Some("https") { 443 } else { 80 };
        attributes.push(KeyValue::new("server.address", host.trim_matches(['[', ']']).to_owned()));
        attributes.push(KeyValue::new("server.port", i64::from(remote.url.port_u16().unwrap_or(port))));
    }
    attributes
}

fn with(component: &[KeyValue], error: &'static str) -> Vec<KeyValue> {
    [component, &[KeyValue::new("error.type", error)]].concat()
}
