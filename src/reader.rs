//! The reader of the measurements: collects when the pipeline asks.
//!
//! The SDK's periodic one has a thread of its own, which ignores the limit of a shutdown.

use crate::{
    accounts::Collections,
    callback::{Asked, Callbacks},
    config::{Measurements, Temporality},
    encode,
    flush::Flush,
    overflow::Overflows,
    sender::{Request, Stats},
};
use bytes::Bytes;
use opentelemetry::Context;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_sdk::{
    error::OTelSdkResult,
    metrics::{
        InstrumentKind, ManualReader, Pipeline as SdkPipeline, Temporality as SdkTemporality,
        data::ResourceMetrics, reader::MetricReader,
    },
};
use std::{
    sync::{Arc, Weak},
    time::{Duration, Instant},
};

/// A cheap clone is the same reader.
#[derive(Clone, Debug)]
pub(crate) struct Reader {
    collected: Arc<ManualReader>,
    callbacks: Callbacks,
    /// How long the callbacks of one collection may take together.
    patience: Duration,
    overflows: Overflows,
    collections: Collections,
    flush: Flush,
}

impl Reader {
    pub(crate) fn new(temporality: Temporality, measurements: &Measurements, callbacks: Callbacks) -> Self {
        let temporality = match temporality {
            Temporality::Cumulative => SdkTemporality::Cumulative,
            Temporality::Delta => SdkTemporality::Delta,
            Temporality::LowMemory => SdkTemporality::LowMemory,
        };
        let collected = Arc::new(ManualReader::builder().with_temporality(temporality).build());
        let patience = measurements.callback_limit;
        Reader {
            collected,
            callbacks,
            patience,
            overflows: Overflows::default(),
            collections: Collections::default(),
            flush: Flush::default(),
        }
    }

    /// For the provider, whose `force_flush` is told to the reader.
    pub(crate) fn flushed_by(self, flush: Flush) -> Self {
        Reader { flush, ..self }
    }

    /// Collects on a thread that may block.
    pub(crate) async fn read(self, asked: Option<Asked>) -> Result<Request, String> {
        let collection = tokio::task::spawn_blocking(move || {
            let _suppressed = Context::enter_telemetry_suppressed_scope();
            let mut metrics = ResourceMetrics::default();
            let start = Instant::now();
            let failure = self.callbacks.run(self.patience, asked);
            // An error only means that the provider was shut down: there is nothing any more.
            if self.collected.collect(&mut metrics).is_err() {
                return Request { items: 0, body: Bytes::new() };
            }
            let message = ExportMetricsServiceRequest::from(&metrics);
            self.overflows.note(&message);
            let request = encode::metrics(&message);
            // Where there was nothing, this would be something for the next time.
            if request.items > 0 || failure.is_some() {
                self.collections.took(start.elapsed(), failure);
            }
            request
        });
        collection.await.map_err(|error| format!("metrics: nothing was collected: {error}"))
    }

    /// How long collections take.
    pub(crate) fn collections(&self) -> &Collections {
        &self.collections
    }

    /// Leaves a collection that nobody asked for no more time than this, and one that is under way.
    pub(crate) fn hurry(&self, limit: Duration) {
        self.callbacks.hurry(limit);
    }

    /// Adds to a row of the statistics what is known of the instruments.
    pub(crate) fn tell(&self, stats: &mut Stats) {
        self.overflows.tell(stats);
        stats.last_failure = stats.last_failure.take().or_else(|| self.callbacks.failures().pop());
    }
}

impl MetricReader for Reader {
    fn register_pipeline(&self, pipeline: Weak<SdkPipeline>) {
        self.collected.register_pipeline(pipeline);
    }

    fn collect(&self, metrics: &mut ResourceMetrics) -> OTelSdkResult {
        self.callbacks.run(self.patience, None);
        self.collected.collect(metrics)
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.flush.flush()
    }

    /// Nothing asks any more when this is called.
    fn shutdown_with_timeout(&self, _: Duration) -> OTelSdkResult {
        Ok(())
    }

    fn temporality(&self, kind: InstrumentKind) -> SdkTemporality {
        self.collected.temporality(kind)
    }
}
