//! Entries that belong together.

use crate::filelog::entry::Field;
use std::time::Duration;

/// Which entries are put together, and how.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Recombine {
    /// By what those that belong together are known.
    pub boundary: Boundary,
    /// The texts that are put together.
    pub combine_field: Field,
    /// What stands between them. Default: a line feed.
    pub combine_with: String,
    /// How many entries are put together at most; 0: no bound. Default: 1,000.
    pub max_batch_size: usize,
    /// How many before an entry matches; 0: no bound. Default: 100.
    pub max_unmatched_batch_size: usize,
    /// Whether all else is of the oldest entry instead of the newest. Default: of the newest.
    pub overwrite_with_oldest: bool,
    /// How long parts are waited for. Default: 5 s.
    pub force_flush_period: Duration,
    /// What tells the sources apart. Default: `attributes["log.file.path"]`.
    pub source_identifier: Field,
    /// How many sources there may be at once. Default: 1,000.
    pub max_sources: usize,
    /// How large the text may get, in bytes; 0: no bound. Default: 0.
    pub max_log_size: usize,
}

/// By what entries that belong together are known: by an expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Boundary {
    /// It is true for the first of them.
    First(String),
    /// It is true for the last of them.
    Last(String),
}

impl Recombine {
    /// Puts the texts of a field together.
    pub fn new(boundary: Boundary, combine_field: Field) -> Self {
        Recombine {
            boundary,
            combine_field,
            combine_with: "\n".to_owned(),
            max_batch_size: 1000,
            max_unmatched_batch_size: 100,
            overwrite_with_oldest: false,
            force_flush_period: Duration::from_secs(5),
            source_identifier: Field::attribute("log.file.path"),
            max_sources: 1000,
            max_log_size: 0,
        }
    }
}
