//! What was measured: every instrument, each with all its series.

use std::collections::BTreeMap;

use opentelemetry_sdk::metrics::data::{AggregatedMetrics, Metric, MetricData};

use crate::support::{Attributes, Telemetry, attributes};

/// An instrument as it was exported.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Instrument {
    pub(crate) unit: String,
    pub(crate) description: String,
    /// Of a histogram.
    pub(crate) bounds: Vec<f64>,
    pub(crate) points: Vec<Point>,
}

/// One series.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Point {
    pub(crate) attributes: Attributes,
    /// How many values, of a histogram.
    pub(crate) count: u64,
    pub(crate) sum: f64,
}

/// All instruments by name, series in the order of their attributes.
pub(crate) fn measured(telemetry: &Telemetry) -> BTreeMap<String, Instrument> {
    let Some(exported) = telemetry.exported() else { return BTreeMap::new() };
    let metrics = exported.scope_metrics().flat_map(|scope| {
        assert_eq!(scope.scope().name(), "throughline");
        scope.metrics().map(|metric| (metric.name().to_owned(), instrument(metric)))
    });
    metrics.collect()
}

/// The values of an instrument: one for each series, with how many values made it.
pub(crate) fn points(telemetry: &Telemetry, name: &str) -> Vec<Point> {
    measured(telemetry).remove(name).map(|instrument| instrument.points).unwrap_or_default()
}

/// The attributes of the series of a histogram, each with its count.
pub(crate) fn counts(telemetry: &Telemetry, name: &str) -> Vec<(Attributes, u64)> {
    points(telemetry, name).into_iter().map(|point| (point.attributes, point.count)).collect()
}

fn instrument(metric: &Metric) -> Instrument {
    let point = |told: Attributes, count, sum| Point { attributes: told, count, sum };
    let mut bounds = Vec::new();
    let mut points = Vec::new();
    match metric.data() {
        AggregatedMetrics::F64(MetricData::Histogram(histogram)) => {
            for data in histogram.data_points() {
                bounds = data.bounds().collect();
                points.push(point(attributes(data.attributes()), data.count(), data.sum()));
            }
        }
        AggregatedMetrics::U64(MetricData::Histogram(histogram)) => {
            for data in histogram.data_points() {
                bounds = data.bounds().collect();
                points.push(point(attributes(data.attributes()), data.count(), data.sum() as f64));
            }
        }
        AggregatedMetrics::I64(MetricData::Sum(sum)) => {
            for data in sum.data_points() {
                points.push(point(attributes(data.attributes()), 0, data.value() as f64));
            }
        }
        other => panic!("{other:?}"),
    }
    points.sort_by_cached_key(|point| {
        let told = point.attributes.iter().map(|(key, value)| (key.clone(), value.to_string()));
        Vec::from_iter(told)
    });
    Instrument {
        unit: metric.unit().to_owned(),
        description: metric.description().to_owned(),
        bounds,
        points,
    }
}
