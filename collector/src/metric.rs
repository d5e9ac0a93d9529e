//! Measurements as people look at them: instruments by service, and the points of their series.
//!
//! ```no_run
//! # let collector = throughline_collector::Collector::start(Default::default())?;
//! use throughline_collector::metric::Query;
//!
//! for series in collector.series(&Query::of("http.server.request.duration")) {
//!     println!("{} {}: {} points", series.service, series.scope, series.points.len());
//! }
//! # Ok::<(), throughline_collector::Error>(())
//! ```
//! Points are as they were sent, cumulative or delta, in the order of their times; one that arrived twice is there
//! once. A cumulative point whose count begins again has a mark ([`Point::reset`]): the program started anew. What an
//! exemplar points to may have left already; [`Exemplar::stored`] tells.
//!
//! Times are nanoseconds since 1970 (UTC). All types serialise; in JSON, a number that is not finite is a text or
//! `null`.
//!
//! # Limits
//! Requests are kept as they came, and decoded each time that somebody looks. A look gives up to 1,000 series with
//! together up to 100,000 points.

mod build;
pub mod chart;
mod instruments;
mod latest;
mod message;
mod query;
mod series;
#[cfg(test)]
mod tests;
mod walk;

use crate::trace::{Attributes, Name, Value};
pub(crate) use build::read;
pub use chart::Chart;
pub(crate) use chart::chart;
pub(crate) use instruments::instruments;
pub(crate) use latest::{Latest, latest};
pub use query::Query;
use serde::Serialize;
pub(crate) use series::series;
pub(crate) use walk::{Metric, metric as found};

/// What is measured.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Instrument {
    /// `service.name` of the resource; empty when there is none.
    pub service: Name,
    /// The name of the instrumentation library, with its version behind a space.
    pub scope: Name,
    /// Its name.
    pub name: String,
    /// What it means, in words.
    pub description: String,
    /// The unit, in the letters of UCUM: `s`, `By`, `{request}`.
    pub unit: String,
    /// What its points are.
    #[serde(flatten)]
    pub form: Form,
    /// How many series are kept: one for each set of attributes and each resource.
    pub series: usize,
    /// How many points are kept.
    pub points: usize,
    /// The time of the latest of them.
    pub latest: u64,
}

/// What the points of an instrument are, and what they refer to.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub struct Form {
    /// What they are.
    pub kind: Kind,
    /// Since when they count; [`Temporality::Unspecified`] of gauges and summaries.
    pub temporality: Temporality,
    /// Whether a sum only grows; `false` of everything else.
    pub monotonic: bool,
}

/// What a point is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A value as it is at a moment.
    Gauge,
    /// A sum.
    Sum,
    /// How often values lay between bounds.
    Histogram,
    /// How often values lay between powers of a base.
    ExponentialHistogram,
    /// Quantiles that the program worked out itself.
    Summary,
}

/// Since when a point counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Temporality {
    /// Not said.
    Unspecified,
    /// Since the point before.
    Delta,
    /// Since a start that points have in common.
    Cumulative,
}

/// The points of an instrument that have resource and attributes in common.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Series {
    /// `service.name` of the resource; empty when there is none.
    pub service: Name,
    /// The name of the instrumentation library, with its version behind a space.
    pub scope: Name,
    /// The name of the instrument.
    pub name: String,
    /// The unit, in the letters of UCUM: `s`, `By`, `{request}`.
    pub unit: String,
    /// What the points are.
    #[serde(flatten)]
    pub form: Form,
    /// Who measured.
    pub resource: Attributes,
    /// What was measured.
    pub attributes: Attributes,
    /// The newest points within the time that is asked for, in the order of time.
    pub points: Vec<Point>,
    /// How many older points within that time are kept and not listed.
    pub older: usize,
}

/// A value at a time.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Point {
    /// When.
    pub time: u64,
    /// Since when it counts; 0 when it is not said.
    pub start: u64,
    /// Whether it counts from a later start than the cumulative point before it, or less than that one.
    pub reset: bool,
    /// What was measured.
    #[serde(flatten)]
    pub measured: Measured,
    /// Single measurements out of those that the point stands for, with what they belong to.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub exemplars: Vec<Exemplar>,
}

/// What a point holds.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Measured {
    /// Of a gauge or sum; [`Value::Empty`] when the program says that there is none.
    Number {
        /// An integer or a floating-point number.
        value: Value,
    },
    /// Of a histogram.
    Histogram {
        /// How many values.
        count: u64,
        /// Their sum, the lowest and the highest of them.
        #[serde(flatten)]
        extent: Extent,
        /// The upper bounds of the buckets but the last one, which has none.
        bounds: Vec<f64>,
        /// How many values are in each bucket: one more than bounds, or none at all.
        counts: Vec<u64>,
    },
    /// Of an exponential histogram: buckets end at powers of 2^(2^-scale).
    Exponential {
        /// How many values.
        count: u64,
        /// Their sum, the lowest and the highest of them.
        #[serde(flatten)]
        extent: Extent,
        /// The resolution: the higher, the narrower the buckets.
        scale: i32,
        /// How many values are as good as zero.
        zero_count: u64,
        /// Up to where a value is as good as zero.
        zero_threshold: f64,
        /// The buckets of positive values.
        positive: Buckets,
        /// The buckets of negative values, by their absolutes.
        negative: Buckets,
    },
    /// Of a summary.
    Summary {
        /// How many values.
        count: u64,
        /// Their sum.
        sum: f64,
        /// Quantiles, from 0 to 1, with their values.
        quantiles: Vec<(f64, f64)>,
    },
}

/// What is known of the values in a histogram besides their buckets.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Extent {
    /// Their sum.
    pub sum: Option<f64>,
    /// The lowest.
    pub min: Option<f64>,
    /// The highest.
    pub max: Option<f64>,
}

/// Buckets of an exponential histogram: the first one begins at base^offset.
#[non_exhaustive]
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Buckets {
    /// The power of the base at which they begin.
    pub offset: i32,
    /// How many values are in each.
    pub counts: Vec<u64>,
}

/// One measurement.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Exemplar {
    /// When.
    pub time: u64,
    /// What.
    pub value: Value,
    /// 32 hexadecimal digits; `None` outside of any trace.
    pub trace_id: Option<String>,
    /// 16 hexadecimal digits; `None` outside of any span.
    pub span_id: Option<String>,
    /// What is known of it and not of the whole series.
    pub attributes: Attributes,
    /// Whether spans of the trace are kept.
    pub stored: bool,
}
