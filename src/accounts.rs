//! What became of everything, as measurements: the `otel.sdk.*` metrics of the standard (H-130, H-131).
//!
//! They are read from what [`Handle::stats`](crate::Handle::stats) tells, at the moment of the collection, so they are
//! equal to it: `exported` is what was delivered, with `error.type` `rejected` what failed; what was dropped is
//! `processed` with `queue_full` if it never became a request, else `exported` with `dropped`; `queue.size` and `inflight`
//! together are what is queued. A signal of which nothing was recorded has no series: these alone make no request.

use crate::{
    pipeline::Pipeline,
    sender::{Destination, Protocol, Signal, Stats},
};
use opentelemetry::{
    KeyValue,
    metrics::{Meter, MeterProvider},
};
use opentelemetry_sdk::metrics::SdkMeterProvider;
use std::sync::Arc;

/// The state of one pipeline of which something was recorded.
pub(crate) struct Account {
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

/// Adds the measurements of the pipelines to what the provider measures.
pub(crate) fn measure(provider: &SdkMeterProvider, pipelines: &[Arc<Pipeline>]) {
    let meter = provider.meter("throughline");
    for pipeline in pipelines {
        if let Some(capacity) = pipeline.capacity() {
            measure_processor(&meter, pipeline, capacity);
        }
        measure_exporters(&meter, pipeline);
    }
}

fn measure_processor(meter: &Meter, pipeline: &Pipeline, capacity: u64) {
    let (item, unit) = words(pipeline.signal());
    let kind = format!("batching_{item}_processor");
    let component = component(&kind, 0);
    let name = |what| format!("otel.sdk.processor.{item}.{what}");
    let own = component.clone();
    up_and_down(meter, pipeline, name("queue.size"), unit, move |account| {
        vec![(account.waiting, own.clone())]
    });
    let own = component.clone();
    up_and_down(meter, pipeline, name("queue.capacity"), unit, move |_| vec![(capacity, own.clone())]);
    counter(meter, pipeline, name("processed"), unit, move |account| {
        let dropped = with(&component, "queue_full");
        vec![(account.processed, component.clone()), (account.dropped, dropped)]
    });
}

fn measure_exporters(meter: &Meter, pipeline: &Pipeline) {
    let (item, unit) = words(pipeline.signal());
    let exporters = pipeline.destinations().enumerate().map(|(number, to)| exporter(item, number, to));
    let exporters: Arc<[_]> = exporters.collect();
    // The standard's word for what a metric exporter carries is longer than that for the exporter.
    let carried = if pipeline.signal() == Signal::Metrics { "metric_data_point" } else { item };
    let name = |what| format!("otel.sdk.exporter.{carried}.{what}");

    let of = exporters.clone();
    up_and_down(meter, pipeline, name("inflight"), unit, move |account| {
        let queued = account.senders.iter().map(|stats| stats.queued);
        queued.zip(of.iter().cloned()).collect()
    });
    let of = exporters.clone();
    counter(meter, pipeline, name("exported"), unit, move |account| {
        let rows = account.senders.iter().zip(&*of).flat_map(|(stats, exporter)| {
            let failed = (stats.failed, with(exporter, "rejected"));
            [(stats.delivered, exporter.clone()), failed, (stats.dropped, with(exporter, "dropped"))]
        });
        rows.collect()
    });
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

/// An instrument whose rows of zero are left out: what never happened has no series.
fn counter(
    meter: &Meter,
    pipeline: &Pipeline,
    name: String,
    unit: &'static str,
    rows: impl Fn(&Account) -> Rows + Send + Sync + 'static,
) {
    let account = pipeline.account();
    let counter = meter.u64_observable_counter(name).with_unit(unit);
    let observe = counter.with_callback(move |to| {
        for (value, attributes) in account().iter().flat_map(&rows).filter(|(value, _)| *value > 0) {
            to.observe(value, &attributes);
        }
    });
    observe.build();
}

fn up_and_down(
    meter: &Meter,
    pipeline: &Pipeline,
    name: String,
    unit: &'static str,
    rows: impl Fn(&Account) -> Rows + Send + Sync + 'static,
) {
    let account = pipeline.account();
    let counter = meter.i64_observable_up_down_counter(name).with_unit(unit);
    let observe = counter.with_callback(move |to| {
        for (value, attributes) in account().iter().flat_map(&rows) {
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
