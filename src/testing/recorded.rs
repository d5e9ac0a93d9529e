//! Everything that was recorded, or received, at one moment.

use super::{Logs, Metrics, Spans, Tree, receiver::Content};
use std::fmt;

/// What was recorded so far. `Display` is that of [`Recorded::tree`].
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Recorded {
    /// The spans that have ended.
    pub spans: Spans,
    /// The log records.
    pub logs: Logs,
    /// The measurements, as they stand.
    pub metrics: Metrics,
    /// The names of the spans that began and had not ended when the wait for them was over, sorted.
    pub unfinished: Vec<String>,
}

impl Recorded {
    /// The spans with their log records, as a text that is the same in every run.
    pub fn tree(&self) -> Tree<'_> {
        Tree::new(&self.spans, &self.logs, &self.unfinished)
    }

    pub(super) fn of(contents: Vec<Content>) -> Self {
        let mut recorded = Recorded::default();
        for content in contents {
            match content {
                Content::Traces(request) => recorded.spans.add(request),
                Content::Metrics(request) => recorded.metrics.add(request),
                Content::Logs(request) => recorded.logs.add(request),
            }
        }
        recorded
    }
}

impl fmt::Display for Recorded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.tree().fmt(f)
    }
}
