//! Metrics of one name together, and what must not stand beside each other on a page.

use super::{Format, LeftOut, Reason, labels::Fixed};
use crate::wire::Slice;
use std::collections::HashSet;

/// How the series of histograms and summaries end. A gauge that is called so may be taken for one of theirs, to which
/// Prometheus's linter objects; of what has no type it says nothing.
const OF_DISTRIBUTIONS: [&str; 3] = ["_bucket", "_count", "_sum"];

/// What a metric is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Gauge,
    /// A sum that may fall.
    UpDown,
    Counter,
    Histogram,
    Exponential,
    Summary,
}

impl Kind {
    /// The word of `# TYPE`.
    pub(super) fn word(self) -> &'static str {
        match self {
            Kind::Gauge | Kind::UpDown => "gauge",
            Kind::Counter => "counter",
            Kind::Histogram | Kind::Exponential => "histogram",
            Kind::Summary => "summary",
        }
    }

    /// The number of the field in which a point has its attributes.
    pub(super) fn attributes(self) -> u32 {
        match self {
            Kind::Histogram => 9,
            Kind::Exponential => 1,
            _ => 7,
        }
    }

    /// The label that says something else here than an attribute of that name.
    pub(super) fn taken(self) -> Option<&'static str> {
        match self {
            Kind::Histogram | Kind::Exponential => Some("le"),
            Kind::Summary => Some("quantile"),
            _ => None,
        }
    }
}

/// A metric before its points.
pub(super) struct Metric<'a> {
    pub(super) kind: Kind,
    /// With its suffixes.
    pub(super) family: String,
    /// In words.
    pub(super) unit: String,
    /// As it was recorded.
    pub(super) name: &'a [u8],
    pub(super) help: &'a [u8],
    /// The index of its scope.
    pub(super) scope: usize,
    pub(super) data: Slice,
    pub(super) points: u64,
}

/// An instrumentation scope.
pub(super) struct Scope {
    pub(super) labels: Vec<Fixed>,
    /// By which metrics of the same name are sorted.
    pub(super) order: String,
}

/// Metrics of one name and type.
pub(super) struct Family<'a> {
    pub(super) metrics: Vec<Metric<'a>>,
}

impl Family<'_> {
    /// The name in the lines of points, but for their suffixes.
    pub(super) fn name(&self) -> &str {
        self.metrics.first().map_or("", |metric| &metric.family)
    }

    /// The name and the type in the metadata: OpenMetrics has no suffix there.
    pub(super) fn title(&self, format: Format) -> (&str, &'static str) {
        let word = self.metrics.first().map_or("", |metric| metric.kind.word());
        let is_reserved = OF_DISTRIBUTIONS.iter().any(|suffix| self.name().ends_with(suffix));
        match (format, word) {
            (Format::Text, "gauge") if is_reserved => (self.name(), "untyped"),
            (Format::OpenMetrics, "gauge") if is_reserved => (self.name(), "unknown"),
            (Format::OpenMetrics, "counter") => match self.name().strip_suffix("_total") {
                Some(short) => (short, word),
                // A counter that is called `total` alone.
                None => (self.name(), "unknown"),
            },
            _ => (self.name(), word),
        }
    }

    /// All names that OpenMetrics keeps for it.
    fn names(&self) -> Vec<String> {
        let (title, word) = self.title(Format::OpenMetrics);
        let suffixes: &[&str] = match word {
            "counter" => &["", "_total", "_created"],
            "histogram" => &["", "_bucket", "_sum", "_count", "_created"],
            "summary" => &["", "_sum", "_count", "_created"],
            _ => &[""],
        };
        suffixes.iter().map(|suffix| format!("{title}{suffix}")).collect()
    }
}

/// Sorts the metrics into families. The first of those that claim a name has it, in the order of names and scopes: the
/// same ones in each scrape, and in both formats.
pub(super) fn families<'a>(
    mut metrics: Vec<Metric<'a>>,
    scopes: &[Scope],
    left_out: &mut Vec<LeftOut>,
) -> Vec<Family<'a>> {
    let order = |metric: &Metric<'_>| scopes.get(metric.scope).map_or("", |scope| scope.order.as_str());
    metrics.sort_by(|one, other| one.family.cmp(&other.family).then_with(|| order(one).cmp(order(other))));
    let mut families: Vec<Family<'a>> = Vec::new();
    for metric in metrics {
        match families.last_mut() {
            Some(last) if last.name() == metric.family => {
                if last.metrics.first().is_some_and(|first| first.kind.word() == metric.kind.word()) {
                    last.metrics.push(metric);
                } else {
                    left_out.push(LeftOut::new(metric.name, Reason::Conflict, metric.points));
                }
            }
            _ => families.push(Family { metrics: vec![metric] }),
        }
    }
    let mut names: HashSet<String> = ["target", "target_info"].map(str::to_owned).into();
    families.retain(|family| {
        let own = family.names();
        let is_free = own.iter().all(|name| !names.contains(name));
        if is_free {
            names.extend(own);
        } else {
            let metrics = family.metrics.iter();
            left_out.extend(metrics.map(|metric| LeftOut::new(metric.name, Reason::Conflict, metric.points)));
        }
        is_free
    });
    families
}
