//! One release line of OpenTelemetry: batches of spans that are dropped, metrics that wait to be read.
//!
//! Compiled once for each line; which one, the parent module says.

use std::{
    error::Error,
    sync::{
        Arc, Weak,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};

use tracing_subscriber::{
    filter::{LevelFilter, Targets},
    layer::SubscriberExt,
};

use super::{
    super::{Recorded, Recording},
    opentelemetry::{
        Context, ContextGuard, global,
        trace::{SpanContext, SpanId, TraceContextExt, TraceFlags, TraceId, TraceState, TracerProvider},
    },
    opentelemetry_sdk::{
        error::OTelSdkResult,
        metrics::{
            InstrumentKind, ManualReader, Pipeline, SdkMeterProvider, Temporality,
            data::{AggregatedMetrics, MetricData, ResourceMetrics},
            reader::MetricReader,
        },
        propagation::TraceContextPropagator,
        trace::{BatchSpanProcessor, SdkTracerProvider, SpanData, SpanExporter},
    },
    tracing_opentelemetry,
};
use crate::load::{self, Parent};

/// Makes the caller's span the active one.
pub fn attach(parent: Parent) -> ContextGuard {
    let Some(flags) = parent.flags() else { return Context::new().attach() };
    let trace = TraceId::from_bytes(load::TRACE.to_be_bytes());
    let span = SpanId::from_bytes(load::SPAN.to_be_bytes());
    let caller = SpanContext::new(trace, span, TraceFlags::new(flags), true, TraceState::NONE);
    Context::new().with_remote_span_context(caller).attach()
}

/// A tracer and a meter provider.
pub struct Providers {
    pub tracers: SdkTracerProvider,
    pub meters: SdkMeterProvider,
    tally: Tally,
}

impl Providers {
    pub fn new() -> Self {
        let tally = Tally::default();
        Self {
            tracers: SdkTracerProvider::builder().with_span_processor(tally.processor()).build(),
            meters: SdkMeterProvider::builder().with_reader(tally.reader()).build(),
            tally,
        }
    }

    /// Makes them the global ones, with the SDK's propagator.
    pub fn set_global(&self) {
        global::set_tracer_provider(self.tracers.clone());
        global::set_meter_provider(self.meters.clone());
        global::set_text_map_propagator(TraceContextPropagator::new());
    }

    /// Makes spans of those of `tracing`, from INFO up and those of the one peer that has a level of its own.
    pub fn subscribe(&self) {
        let filter =
            Targets::new().with_default(LevelFilter::INFO).with_target("otel::tracing", LevelFilter::TRACE);
        let spans = tracing_opentelemetry::layer().with_tracer(self.tracers.tracer("cost"));
        let subscriber = tracing_subscriber::registry().with(filter).with(spans);
        tracing::subscriber::set_global_default(subscriber).expect("a process measures one peer");
    }
}

impl Recording for Providers {
    fn flush(&self) -> Result<(), Box<dyn Error>> {
        Ok(self.tracers.force_flush()?)
    }

    fn finish(self: Box<Self>) -> Result<Recorded, Box<dyn Error>> {
        self.tracers.shutdown()?;
        self.tally.recorded()
    }
}

/// Counts what providers make, and drops it.
#[derive(Default)]
pub struct Tally {
    spans: Arc<Spans>,
    reader: Reader,
}

impl Tally {
    /// The SDK's batch processor, as it comes.
    pub fn processor(&self) -> BatchSpanProcessor {
        BatchSpanProcessor::builder(Dropping(Arc::clone(&self.spans))).build()
    }

    pub fn reader(&self) -> impl MetricReader + use<> {
        self.reader.clone()
    }

    /// What has come out; the meter provider must still be there.
    pub fn recorded(&self) -> Result<Recorded, Box<dyn Error>> {
        let mut metrics = ResourceMetrics::default();
        self.reader.collect(&mut metrics)?;
        Ok(Recorded {
            spans: self.spans.all.load(Relaxed),
            continued: self.spans.continued.load(Relaxed),
            durations: durations(&metrics),
            ..Recorded::default()
        })
    }
}

fn durations(metrics: &ResourceMetrics) -> usize {
    let metrics = metrics.scope_metrics().flat_map(|scope| scope.metrics());
    let durations = metrics.filter(|metric| metric.name().ends_with(".request.duration"));
    let counts = durations.map(|metric| match metric.data() {
        AggregatedMetrics::F64(MetricData::Histogram(histogram)) => {
            histogram.data_points().map(|point| point.count()).sum()
        }
        _ => 0,
    });
    counts.sum::<u64>() as usize
}

#[derive(Debug, Default)]
struct Spans {
    all: AtomicUsize,
    continued: AtomicUsize,
}

#[derive(Debug)]
struct Dropping(Arc<Spans>);

impl SpanExporter for Dropping {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let is_continued =
            |span: &&SpanData| span.span_context.trace_id().to_bytes() == load::TRACE.to_be_bytes();
        self.0.all.fetch_add(batch.len(), Relaxed);
        self.0.continued.fetch_add(batch.iter().filter(is_continued).count(), Relaxed);
        Ok(())
    }
}

/// A reader that can be asked after it was given away.
#[derive(Clone, Debug, Default)]
struct Reader(Arc<ManualReader>);

impl MetricReader for Reader {
    fn register_pipeline(&self, pipeline: Weak<Pipeline>) {
        self.0.register_pipeline(pipeline);
    }

    fn collect(&self, metrics: &mut ResourceMetrics) -> OTelSdkResult {
        self.0.collect(metrics)
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.0.force_flush()
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.0.shutdown_with_timeout(timeout)
    }

    fn temporality(&self, kind: InstrumentKind) -> Temporality {
        self.0.temporality(kind)
    }
}
