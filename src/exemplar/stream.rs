//! What the SDK makes of an instrument: it is asked, by making one beside and recording once.
//!
//! Views are closures, and what they answer cannot be read; what comes out of a collection can.

use super::View;
use opentelemetry::{
    InstrumentationScope, KeyValue,
    metrics::{HistogramBuilder, InstrumentBuilder, Meter, MeterProvider},
};
use opentelemetry_proto::tonic::{
    collector::metrics::v1::ExportMetricsServiceRequest,
    metrics::v1::{Metric, metric::Data},
};
use opentelemetry_sdk::{
    Resource,
    error::OTelSdkResult,
    metrics::{
        Instrument, InstrumentKind, ManualReader, Pipeline, SdkMeterProvider, Temporality,
        data::ResourceMetrics, reader::MetricReader,
    },
};
use std::{
    borrow::Cow,
    sync::{Arc, Weak},
    time::Duration,
};
use tracing::{Dispatch, dispatcher};

/// An attribute that no View names: where it stays, all do.
const TRIAL: &str = "throughline.trial";
/// Exemplars of a point of an exponential histogram (metrics SDK, "exemplar defaults").
const OF_EXPONENTIAL: usize = 20;

/// What an instrument is made from.
#[derive(Debug, PartialEq)]
pub(super) struct Draft {
    kind: InstrumentKind,
    /// The name of the type that it counts in.
    number: &'static str,
    name: Cow<'static, str>,
    description: Cow<'static, str>,
    unit: Cow<'static, str>,
    boundaries: Option<Vec<f64>>,
}

/// A metric of an instrument, after the Views.
#[derive(Debug, PartialEq)]
pub(super) struct Stream {
    /// In lower case: instruments that differ only in that are one to the SDK.
    pub(super) name: String,
    pub(super) description: String,
    pub(super) unit: String,
    pub(super) kind: Kind,
    /// A View says which attributes stay.
    pub(super) is_filtered: bool,
    /// Of a histogram: the upper ends of all buckets but the last.
    pub(super) bounds: Vec<f64>,
}

/// What the points of a metric are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Gauge,
    Sum { is_monotonic: bool },
    Histogram,
    Exponential,
}

/// What is told when an instrument is made.
pub(super) trait Order {
    fn draft(&self, kind: InstrumentKind, number: &'static str) -> Draft;
}

impl<T> Order for InstrumentBuilder<'_, T> {
    fn draft(&self, kind: InstrumentKind, number: &'static str) -> Draft {
        let description = self.description.clone().unwrap_or_default();
        let unit = self.unit.clone().unwrap_or_default();
        Draft { kind, number, name: self.name.clone(), description, unit, boundaries: None }
    }
}

impl<T> Order for HistogramBuilder<'_, T> {
    fn draft(&self, kind: InstrumentKind, number: &'static str) -> Draft {
        let description = self.description.clone().unwrap_or_default();
        let unit = self.unit.clone().unwrap_or_default();
        Draft {
            kind,
            number,
            name: self.name.clone(),
            description,
            unit,
            boundaries: self.boundaries.clone(),
        }
    }
}

impl Draft {
    /// Returns the streams that the SDK makes of it under these Views; none if it refuses it.
    pub(super) fn streams(&self, scope: &InstrumentationScope, views: &Arc<[View]>) -> Vec<Stream> {
        // What the SDK says of the instrument it says of the real one too.
        dispatcher::with_default(&Dispatch::none(), || {
            let reader = Arc::new(ManualReader::builder().build());
            let mut provider = SdkMeterProvider::builder()
                // The default one reads the environment.
                .with_resource(Resource::builder_empty().build())
                .with_reader(TrialReader(reader.clone()));
            for number in 0..views.len() {
                let views = views.clone();
                provider = provider.with_view(move |instrument: &Instrument| views.get(number)?(instrument));
            }
            let provider = provider.build();
            self.record(&provider.meter_with_scope(scope.clone()));
            let mut collected = ResourceMetrics::default();
            // An error is a reader without a provider: nothing was collected.
            let _ = reader.collect(&mut collected);
            let request = ExportMetricsServiceRequest::from(&collected);
            let scopes = request.resource_metrics.into_iter().flat_map(|of| of.scope_metrics);
            scopes.flat_map(|of| of.metrics).filter_map(Stream::of).collect()
        })
    }

    fn record(&self, meter: &Meter) {
        let Draft { name, description, unit, .. } = self;
        let (name, description, unit) = (name.clone(), description.clone(), unit.clone());
        let trial = [KeyValue::new(TRIAL, true)];
        macro_rules! make {
            ($make:ident) => {
                meter.$make(name).with_description(description).with_unit(unit)
            };
        }
        match self.kind {
            InstrumentKind::Counter => make!(f64_counter).build().add(1.0, &trial),
            InstrumentKind::UpDownCounter => make!(f64_up_down_counter).build().add(1.0, &trial),
            InstrumentKind::Gauge => make!(f64_gauge).build().record(1.0, &trial),
            InstrumentKind::Histogram => {
                let mut histogram = make!(f64_histogram);
                histogram.boundaries = self.boundaries.clone();
                histogram.build().record(1.0, &trial);
            }
            _ => {}
        }
    }
}

impl Stream {
    fn of(metric: Metric) -> Option<Self> {
        let mut bounds = Vec::new();
        let (kind, attributes) = match metric.data? {
            Data::Gauge(gauge) => (Kind::Gauge, gauge.data_points.into_iter().next()?.attributes),
            Data::Sum(sum) => {
                let kind = Kind::Sum { is_monotonic: sum.is_monotonic };
                (kind, sum.data_points.into_iter().next()?.attributes)
            }
            Data::Histogram(histogram) => {
                let point = histogram.data_points.into_iter().next()?;
                bounds = point.explicit_bounds;
                (Kind::Histogram, point.attributes)
            }
            Data::ExponentialHistogram(histogram) => {
                (Kind::Exponential, histogram.data_points.into_iter().next()?.attributes)
            }
            Data::Summary(_) => return None,
        };
        let Metric { name, description, unit, .. } = metric;
        let is_filtered = attributes.is_empty();
        Some(Stream { name: name.to_ascii_lowercase(), description, unit, kind, is_filtered, bounds })
    }

    /// Returns how many exemplars a point has; zero: one for each of its buckets.
    pub(super) fn size(&self) -> usize {
        match self.kind {
            Kind::Histogram if !self.bounds.is_empty() => 0,
            Kind::Exponential => OF_EXPONENTIAL,
            _ => 1,
        }
    }
}

/// A reader that can still be asked when the provider has it.
#[derive(Debug)]
struct TrialReader(Arc<ManualReader>);

impl MetricReader for TrialReader {
    fn register_pipeline(&self, pipeline: Weak<Pipeline>) {
        self.0.register_pipeline(pipeline);
    }

    fn collect(&self, metrics: &mut ResourceMetrics) -> OTelSdkResult {
        self.0.collect(metrics)
    }

    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _: Duration) -> OTelSdkResult {
        Ok(())
    }

    fn temporality(&self, _: InstrumentKind) -> Temporality {
        Temporality::Cumulative
    }
}
