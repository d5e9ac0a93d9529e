//! The SDK that every peer records with: batches of spans that are dropped, metrics that wait to be read.

use std::{
    error::Error,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};

use opentelemetry::{
    global,
    trace::{SpanContext, SpanId, TraceFlags, TraceId, TraceState},
};
use opentelemetry_sdk::{
    error::OTelSdkResult,
    metrics::{
        InstrumentKind, ManualReader, Pipeline, SdkMeterProvider, Temporality,
        data::{AggregatedMetrics, MetricData, ResourceMetrics},
        reader::MetricReader,
    },
    propagation::TraceContextPropagator,
    trace::{SdkTracerProvider, SpanData, SpanExporter},
};

/// The trace that requests with a `traceparent` belong to.
pub const TRACE: TraceId = TraceId::from_bytes(0x0af7_6519_16cd_43dd_8448_eb21_1c80_319c_u128.to_be_bytes());
const CALLER: SpanId = SpanId::from_bytes(0xb7ad_6b71_6920_3331_u64.to_be_bytes());

/// The caller's span, as it is active or written in `traceparent`.
pub fn caller(flags: TraceFlags) -> SpanContext {
    SpanContext::new(TRACE, CALLER, flags, true, TraceState::NONE)
}

/// A tracer and a meter provider, and what they were given.
pub struct Providers {
    pub tracers: SdkTracerProvider,
    pub meters: SdkMeterProvider,
    spans: Arc<Spans>,
    reader: Reader,
}

impl Providers {
    pub fn new() -> Self {
        let spans = Arc::default();
        let reader = Reader(Arc::default());
        Self {
            tracers: SdkTracerProvider::builder().with_batch_exporter(Dropping(Arc::clone(&spans))).build(),
            meters: SdkMeterProvider::builder().with_reader(reader.clone()).build(),
            spans,
            reader,
        }
    }

    /// For peers that take their providers from the globals, with the SDK's own propagator.
    pub fn set_global(&self) {
        global::set_tracer_provider(self.tracers.clone());
        global::set_meter_provider(self.meters.clone());
        global::set_text_map_propagator(TraceContextPropagator::new());
    }

    /// Waits until the exporter has had every span.
    pub fn flush(&self) -> OTelSdkResult {
        self.tracers.force_flush()
    }

    /// Ends recording and tells what was recorded.
    pub fn finish(self) -> Result<Recorded, Box<dyn Error>> {
        self.tracers.shutdown()?;
        let mut metrics = ResourceMetrics::default();
        self.reader.collect(&mut metrics)?;
        Ok(Recorded {
            spans: self.spans.all.load(Relaxed),
            continued: self.spans.continued.load(Relaxed),
            durations: durations(&metrics),
        })
    }
}

/// What a peer made of the requests.
#[derive(Debug, PartialEq, Eq)]
pub struct Recorded {
    pub spans: usize,
    /// Spans of the caller's trace.
    pub continued: usize,
    /// Values of `http.*.request.duration`.
    pub durations: usize,
}

fn durations(metrics: &ResourceMetrics) -> usize {
    let metrics = metrics.scope_metrics().flat_map(|scope| scope.metrics());
    let counts = metrics.filter(|metric| metric.name().ends_with(".request.duration")).map(|metric| {
        match metric.data() {
            AggregatedMetrics::F64(MetricData::Histogram(histogram)) => {
                histogram.data_points().map(|point| point.count()).sum()
            }
            _ => 0,
        }
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
        let continued = batch.iter().filter(|span| span.span_context.trace_id() == TRACE).count();
        self.0.all.fetch_add(batch.len(), Relaxed);
        self.0.continued.fetch_add(continued, Relaxed);
        Ok(())
    }
}

/// A reader that can be asked after it was given away.
#[derive(Clone, Debug)]
struct Reader(Arc<ManualReader>);

impl MetricReader for Reader {
    fn register_pipeline(&self, pipeline: std::sync::Weak<Pipeline>) {
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
