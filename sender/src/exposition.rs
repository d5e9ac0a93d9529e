//! Measurements as a page for Prometheus: OTLP bytes in, text 0.0.4 or OpenMetrics 1.0 out.
//!
//! ```
//! use throughline_sender::exposition::{Format, Options, page};
//!
//! // One resource, one scope, one sum that only grows: the counter `orders`, {city="Bern"}, at 3.
//! let point = b"\x31\x03\0\0\0\0\0\0\0\x3a\x0e\x0a\x04city\x12\x06\x0a\x04Bern";
//! let sum = [&b"\x3a\x1f\x0a\x19"[..], point, b"\x10\x02\x18\x01"].concat();
//! let request = [&b"\x0a\x2d\x12\x2b\x12\x29\x0a\x06orders"[..], &sum].concat();
//!
//! let page = page(&request, Options::new(Format::OpenMetrics))?;
//! assert_eq!(
//!     String::from_utf8(page.text)?,
//!     "# TYPE orders counter\norders_total{city=\"Bern\"} 3\n# EOF\n",
//! );
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Semantics
//! Names, labels and values are those that Prometheus's own OTLP receiver makes of the same bytes by its default strategy,
//! `UnderscoreEscapingWithSuffixes` (B-010, B-011): a series is the same one by scrape and by push. Whose series it is, `job` and
//! `instance`, the scraper adds to a page of [one target](Targets::One). There are two differences, both of the standard:
//! the labels `otel_scope_*` (B-022), which Prometheus adds to what is pushed only if it is told to
//! (`promote_scope_metadata`), and the attributes of `service.*`, which `target_info` has here and `job` and `instance` there.
//!
//! | OTLP | page |
//! |---|---|
//! | gauge, sum that may fall | gauge, or none: see below |
//! | sum that only grows | counter |
//! | histogram | histogram |
//! | exponential histogram | histogram, with up to 80 buckets, none narrower than a factor of 2^¼ |
//! | summary | summary |
//! | resource | `target_info` |
//!
//! OpenMetrics has units, and exemplars at counters and buckets, of each the latest. It has no `_created`, which Prometheus
//! would store as one series more for each. It has no `_sum` and `_count` of histograms with bounds or a sum below zero, and
//! quantiles from zero on only: the format forbids them.
//!
//! No line has a time. A point that says that there is no value any more is left out, by which Prometheus ends its series.
//! Series are in the order of names, the same ones in both formats.
//!
//! A gauge whose name ends like a series of a histogram, in `_bucket`, `_count` or `_sum`, has no type on the page: `untyped`, in
//! OpenMetrics `unknown`. The semantic conventions have such names (`process.thread.count`), `promtool check metrics` objects to
//! them as gauges, and Prometheus stores and queries them all the same.
//!
//! # What is left out
//! [`Page::left_out`] tells it, with the [reason](Reason): what is not cumulative, two types under one name, points whose labels
//! become the same, numbers that no page may have.
//!
//! # Limits
//! A page has at most 256 MiB: beyond is a [`Fault`]. An attribute that becomes the label `le` or `quantile` where these have a meaning is called `exported_le`. Of a negative
//! value that is exactly a bound of an exponential histogram it is not known on which side of it it was: it counts as above.

mod name; // names as Prometheus makes them
mod value; // values of attributes
mod labels; // attributes → labels
mod family; // metrics of one name
mod reading; // a request → its metrics
mod histogram; // buckets
mod number; // numbers as text
mod exemplar; // from a sample to its trace
mod lines; // families → lines
mod negotiation; // what a scraper asks for

pub use negotiation::{MediaType, takes_gzip};

use crate::{compress, wire::Fault};
use bytes::Bytes;
use std::fmt;

/// The form of a page.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Format {
    /// Prometheus's text, version 0.0.4. No exemplars.
    #[default]
    Text,
    /// OpenMetrics 1.0.
    OpenMetrics,
}

/// Whose measurements are on a page.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Targets {
    /// Those of one process: the scraper knows which.
    #[default]
    One,
    /// Those of several: each series has the labels `job` and `instance`, from `service.*` of its resource (B-008).
    Many,
}

/// How a page is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Options {
    /// The form. Default: text.
    pub format: Format,
    /// Every series has the labels `otel_scope_*` (B-022). Default: true.
    pub scope_labels: bool,
    /// Whose measurements these are. Default: those of one process.
    pub targets: Targets,
}

impl Options {
    /// The defaults, in this form.
    pub fn new(format: Format) -> Self {
        Options { format, scope_labels: true, targets: Targets::One }
    }
}

/// A page.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Page {
    /// UTF-8, to its last line.
    pub text: Vec<u8>,
    /// The data points on it.
    pub points: u64,
    /// The data points that are not.
    pub left_out: Vec<LeftOut>,
}

/// Data points of one metric that are not on the page. `Display` says which, why, and the way out.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct LeftOut {
    /// The name of the metric, as it was recorded.
    pub metric: String,
    /// Why.
    pub reason: Reason,
    /// How many.
    pub points: u64,
}

/// Why something is not on a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Reason {
    /// Another metric has the name, with another type.
    Conflict,
    /// The same series is there already.
    Duplicate,
    /// Delta, or no temporality at all.
    NotCumulative,
    /// Nothing of the name can stand on a page.
    Nameless,
    /// No value; a counter below zero or NaN; buckets that do not ascend or hold more than all.
    Unfit,
}

impl Page {
    /// The page, compressed for who [takes it so](takes_gzip).
    pub fn gzip(&self) -> Bytes {
        compress::gzip(self.text.len(), [&self.text[..]])
    }
}

impl LeftOut {
    fn new(metric: &[u8], reason: Reason, points: u64) -> Self {
        LeftOut { metric: value::text(metric).into_owned(), reason, points }
    }
}

impl fmt::Display for LeftOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let why = match self.reason {
            Reason::Conflict => "its name is that of another metric of another type; rename one",
            Reason::Duplicate => "its attributes become the labels of another series; rename or change one",
            Reason::NotCumulative => "it is not cumulative; Prometheus takes nothing else",
            Reason::Nameless => "nothing of its name can be in a name of Prometheus; rename it",
            Reason::Unfit => {
                "its value is none that Prometheus can take: NaN, below zero, or buckets that do not add up"
            }
        };
        write!(f, "{:?} is not on the page for Prometheus: {why}", self.metric)
    }
}

/// Makes a page of an `ExportMetricsServiceRequest`.
///
/// # Errors
/// If the bytes are not protobuf, or the page would be too large. What is protobuf and not OTLP is skipped.
pub fn page(request: &[u8], options: Options) -> Result<Page, Fault> {
    let document = reading::read(request, &options)?;
    let mut left_out = document.left_out;
    let families = family::families(document.metrics, &document.scopes, &mut left_out);
    let mut writer = lines::Writer::new(request, options.format);
    writer.targets(&document.targets);
    for family in &families {
        writer.family(family, &document.scopes, &mut left_out)?;
    }
    if options.format == Format::OpenMetrics {
        writer.out.extend_from_slice(b"# EOF\n");
    }
    Ok(Page { text: writer.out, points: writer.points, left_out })
}

#[cfg(test)]
mod tests;
