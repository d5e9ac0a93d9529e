//! What was measured besides durations.

use opentelemetry_sdk::metrics::data::{AggregatedMetrics, MetricData};

use super::{Attributes, Telemetry, attributes};

const DURATION: &str = "http.server.request.duration";
const ACTIVE: &str = "http.server.active_requests";

impl Telemetry {
    /// Names of all instruments that were recorded to, sorted.
    pub(crate) fn instruments(&self) -> Vec<String> {
        let mut names = Vec::new();
        self.each_metric(|name, _, _, _| names.push(name.to_owned()));
        names.sort_unstable();
        names
    }

    /// All series of the requests that were served, and how many each has.
    pub(crate) fn requests(&self) -> Vec<(Attributes, u64)> {
        let mut series = Vec::new();
        self.each_metric(|name, _, _, data| {
            if let (DURATION, AggregatedMetrics::F64(MetricData::Histogram(histogram))) = (name, data) {
                series.extend(
                    histogram.data_points().map(|point| (attributes(point.attributes()), point.count())),
                );
            }
        });
        series
    }

    /// How many requests were measured, in all series.
    pub(crate) fn measured(&self) -> u64 {
        self.requests().iter().map(|(_, count)| count).sum()
    }

    /// All series of the requests that are being served.
    pub(crate) fn being_served(&self) -> Vec<(Attributes, i64)> {
        let mut series = Vec::new();
        self.each_metric(|name, unit, description, data| {
            if name == ACTIVE {
                assert_eq!((unit, description), ("{request}", "Number of active HTTP server requests."));
                let AggregatedMetrics::I64(MetricData::Sum(sum)) = data else { panic!("not a sum") };
                assert!(!sum.is_monotonic());
                series.extend(sum.data_points().map(|point| (attributes(point.attributes()), point.value())));
            }
        });
        series
    }

    /// All series of a histogram of bytes: attributes, how many values, their sum.
    pub(crate) fn sizes(&self, name: &str, description: &str) -> Vec<(Attributes, u64, u64)> {
        let mut series = Vec::new();
        self.each_metric(|own_name, unit, own_description, data| {
            if own_name == name {
                assert_eq!((unit, own_description), ("By", description));
                let AggregatedMetrics::U64(MetricData::Histogram(histogram)) = data else {
                    panic!("not a histogram of whole numbers")
                };
                series.extend(
                    histogram
                        .data_points()
                        .map(|point| (attributes(point.attributes()), point.count(), point.sum())),
                );
            }
        });
        series
    }

    fn each_metric(&self, mut see: impl FnMut(&str, &str, &str, &AggregatedMetrics)) {
        self.meters.force_flush().unwrap();
        let metrics = self.metrics.get_finished_metrics().unwrap();
        let scopes = metrics.last().into_iter().flat_map(|metrics| metrics.scope_metrics());
        for metric in scopes.flat_map(|scope| scope.metrics()) {
            see(metric.name(), metric.unit(), metric.description(), metric.data());
        }
    }
}
