//! What every peer records with: the same SDK in the same way, and a tally of what comes out of it.

use std::error::Error;

pub mod before;
pub mod current;

/// Something that records while a peer is at work.
pub trait Recording {
    /// Waits until the exporter has had every span.
    fn flush(&self) -> Result<(), Box<dyn Error>>;

    /// Ends recording and tells what was recorded.
    fn finish(self: Box<Self>) -> Result<Recorded, Box<dyn Error>>;
}

/// What a peer made of the requests.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Recorded {
    pub spans: usize,
    /// Spans of the caller's trace.
    pub continued: usize,
    /// Values of `http.*.request.duration`.
    pub durations: usize,
    /// Log lines.
    pub lines: usize,
    /// Whether a point has one.
    pub exemplars: bool,
}
