//! Instruments that measure more series than their limit: which, since when, and how often (OpenTelemetry specification,
//! metrics SDK, "cardinality limits").

use crate::{
    callback::lock,
    sender::{Overflow, Stats},
};
use opentelemetry_proto::tonic::{
    collector::metrics::v1::ExportMetricsServiceRequest,
    common::v1::KeyValue,
    metrics::v1::{Metric, metric::Data},
};
use std::{
    sync::{Arc, Mutex},
    time::SystemTime,
};

/// The only attribute of what is beyond a limit.
const OVERFLOW: &str = "otel.metric.overflow";
/// So many instruments are kept.
const MOST_INSTRUMENTS: usize = 256;

/// All of one reader. A cheap clone is the same.
#[derive(Clone, Debug, Default)]
pub(crate) struct Overflows(Arc<Mutex<Vec<Overflow>>>);

impl Overflows {
    /// Looks for them in what was collected, and says each once.
    pub(crate) fn note(&self, collected: &ExportMetricsServiceRequest) {
        for of_scope in collected.resource_metrics.iter().flat_map(|of_resource| &of_resource.scope_metrics) {
            for metric in of_scope.metrics.iter().filter(|metric| overflows(metric)) {
                let meter = of_scope.scope.as_ref().map_or("", |scope| &scope.name);
                self.count(meter, &metric.name);
            }
        }
    }

    fn count(&self, meter: &str, instrument: &str) {
        let mut overflows = lock(&self.0);
        let known = overflows.iter_mut().find(|known| known.instrument == instrument && known.meter == meter);
        if let Some(known) = known {
            known.collections += 1;
        } else if overflows.len() < MOST_INSTRUMENTS {
            let (meter, instrument) = (meter.to_owned(), instrument.to_owned());
            tracing::warn!(
                target: "throughline",
                "metrics: {instrument:?} of the meter {meter:?} has more series than its limit: what is beyond it is \
                 one series with {OVERFLOW}; leave out attributes, or raise THROUGHLINE_CARDINALITY_LIMIT"
            );
            overflows.push(Overflow::new(meter, instrument, SystemTime::now()));
        }
    }

    /// Adds them to a row of the statistics.
    pub(crate) fn tell(&self, stats: &mut Stats) {
        stats.overflows.clone_from(&lock(&self.0));
    }
}

fn overflows(metric: &Metric) -> bool {
    let is = |attributes: &[KeyValue]| matches!(attributes, [only] if only.key == OVERFLOW);
    match &metric.data {
        Some(Data::Gauge(of)) => of.data_points.iter().any(|point| is(&point.attributes)),
        Some(Data::Sum(of)) => of.data_points.iter().any(|point| is(&point.attributes)),
        Some(Data::Histogram(of)) => of.data_points.iter().any(|point| is(&point.attributes)),
        Some(Data::ExponentialHistogram(of)) => of.data_points.iter().any(|point| is(&point.attributes)),
        Some(Data::Summary(of)) => of.data_points.iter().any(|point| is(&point.attributes)),
        None => false,
    }
}
