//! Measurements, to be found, narrowed down and summed up.

use super::{
    fail,
    tree::{is_shown, line},
    value::{Attributes, Value, attributes},
};
use opentelemetry_proto::tonic::{
    collector::metrics::v1::ExportMetricsServiceRequest,
    metrics::v1::{self as otlp, metric::Data, number_data_point},
};
use std::{fmt, ops::Deref};

/// One metric with all its series.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Metric {
    /// The name.
    pub name: String,
    /// The unit, such as `s` or `{request}`.
    pub unit: String,
    /// What it tells, in words.
    pub description: String,
    /// `counter`, `up-down counter`, `gauge`, `histogram`, `exponential histogram` or `summary`.
    pub kind: &'static str,
    /// The instrumentation scope.
    pub scope: String,
    /// One point for each set of attributes.
    pub points: Vec<Point>,
}

/// One series of a metric, as it stands.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Point {
    /// What tells the series from the others.
    pub attributes: Attributes,
    /// How many measurements there were; of counters and gauges, which do not tell, 1.
    pub count: u64,
    /// The sum of a counter or histogram, the last value of a gauge.
    pub value: f64,
    /// Of a histogram: the upper bounds of the buckets with their counts; the last bound is infinite.
    pub buckets: Vec<(f64, u64)>,
}

impl Metric {
    /// The metric with only those of its series that have this attribute.
    pub fn with<V>(&self, key: &str, value: V) -> Self
    where
        Value: PartialEq<V>,
    {
        let mut narrowed = self.clone();
        narrowed.points.retain(|point| point.attributes.get(key).is_some_and(|found| *found == value));
        narrowed
    }

    /// How many measurements there were in all series; of a counter or gauge, how many series there are.
    pub fn count(&self) -> u64 {
        self.points.iter().map(|point| point.count).sum()
    }

    /// The sum of all series.
    pub fn sum(&self) -> f64 {
        self.points.iter().map(|point| point.value).sum()
    }
}

/// One line for the metric, one for each series in the order of their attributes: of a histogram the count, since what
/// it measures is another in every run.
impl fmt::Display for Metric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unit = if self.unit.is_empty() { String::new() } else { format!(" in {}", self.unit) };
        writeln!(f, "{} ({}{unit})", self.name, self.kind)?;
        let mut lines: Vec<String> = self.points.iter().map(|point| self.line(point)).collect();
        lines.sort();
        lines.iter().try_for_each(|line| writeln!(f, "   {line}"))
    }
}

impl Metric {
    fn line(&self, point: &Point) -> String {
        let value = match self.kind {
            "histogram" | "exponential histogram" | "summary" => format!("{} measured", point.count),
            _ => point.value.to_string(),
        };
        format!("{}: {value}", line(&point.attributes, is_shown)).trim_start_matches(": ").to_owned()
    }
}

/// Metrics as they stand, sorted by name. A slice of [`Metric`] with more to ask.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Metrics(pub(super) Vec<Metric>);

impl Metrics {
    /// The only metric of this name.
    ///
    /// # Panics
    /// If there is none, or more than one, in different scopes.
    #[track_caller]
    pub fn one(&self, name: &str) -> &Metric {
        let found: Vec<&Metric> = self.iter().filter(|metric| metric.name == name).collect();
        match found[..] {
            [metric] => metric,
            _ => fail(&format!("{} metrics are named {name:?}, not one, in\n{self}", found.len())),
        }
    }

    /// What comes later replaces what it tells anew: a cumulative point holds all that was before it.
    pub(super) fn add(&mut self, request: ExportMetricsServiceRequest) {
        for of_scope in request.resource_metrics.into_iter().flat_map(|of_resource| of_resource.scope_metrics)
        {
            let scope = of_scope.scope.unwrap_or_default().name;
            for metric in of_scope.metrics {
                let metric = decode(metric, scope.clone());
                let known = self.0.iter_mut().find(|known| known.name == metric.name && known.scope == scope);
                match known {
                    None => self.0.push(metric),
                    Some(known) => metric.points.into_iter().for_each(|point| replace(known, point)),
                }
            }
        }
        self.0.sort_by(|one, other| (&one.name, &one.scope).cmp(&(&other.name, &other.scope)));
    }
}

impl Deref for Metrics {
    type Target = [Metric];

    fn deref(&self) -> &[Metric] {
        &self.0
    }
}

impl fmt::Display for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.iter().try_for_each(|metric| metric.fmt(f))
    }
}

fn replace(metric: &mut Metric, point: Point) {
    match metric.points.iter_mut().find(|known| known.attributes == point.attributes) {
        Some(known) => *known = point,
        None => metric.points.push(point),
    }
}

fn decode(metric: otlp::Metric, scope: String) -> Metric {
    let (kind, points) = match metric.data {
        None => ("", Vec::new()),
        Some(Data::Gauge(gauge)) => ("gauge", gauge.data_points.into_iter().map(number).collect()),
        Some(Data::Sum(sum)) => {
            let kind = if sum.is_monotonic { "counter" } else { "up-down counter" };
            (kind, sum.data_points.into_iter().map(number).collect())
        }
        Some(Data::Histogram(histogram)) => {
            ("histogram", histogram.data_points.into_iter().map(distribution).collect())
        }
        Some(Data::ExponentialHistogram(histogram)) => {
            let point = |point: otlp::ExponentialHistogramDataPoint| Point {
                attributes: attributes(point.attributes),
                count: point.count,
                value: point.sum.unwrap_or_default(),
                buckets: Vec::new(),
            };
            ("exponential histogram", histogram.data_points.into_iter().map(point).collect())
        }
        Some(Data::Summary(summary)) => {
            let point = |point: otlp::SummaryDataPoint| Point {
                attributes: attributes(point.attributes),
                count: point.count,
                value: point.sum,
                buckets: Vec::new(),
            };
            ("summary", summary.data_points.into_iter().map(point).collect())
        }
    };
    Metric { name: metric.name, unit: metric.unit, description: metric.description, kind, scope, points }
}

fn number(point: otlp::NumberDataPoint) -> Point {
    let value = match point.value {
        Some(number_data_point::Value::AsDouble(number)) => number,
        Some(number_data_point::Value::AsInt(number)) => number as f64,
        None => 0.0,
    };
    Point { attributes: attributes(point.attributes), count: 1, value, buckets: Vec::new() }
}

fn distribution(point: otlp::HistogramDataPoint) -> Point {
    let bounds = point.explicit_bounds.into_iter().chain([f64::INFINITY]);
    Point {
        attributes: attributes(point.attributes),
        count: point.count,
        value: point.sum.unwrap_or_default(),
        buckets: bounds.zip(point.bucket_counts).collect(),
    }
}
