//! What became of everything that was recorded: for health pages, tests, jobs.

use crate::sender::Signal;

/// What became of one signal on its way to one destination.
///
/// `recorded = delivered + failed + dropped + queued`, in spans, data points or log records.
///
/// ```
/// # tokio_test();
/// # fn tokio_test() {
/// use throughline::{Config, Telemetry};
///
/// let telemetry = Telemetry::build(Config::from_vars([("OTEL_METRICS_EXPORTER", "none")])).unwrap();
/// let stats = telemetry.handle().stats();
/// assert_eq!(stats.len(), 2); // traces and logs
/// assert_eq!(stats[0].destination, "http://localhost:4318/v1/traces");
/// assert_eq!((stats[0].recorded, stats[0].queued), (0, 0));
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// Which signal.
    pub signal: Signal,
    /// Where to, without secrets.
    pub destination: String,
    /// Spans that ended sampled, log records emitted, data points collected.
    pub recorded: u64,
    /// Acknowledged by the destination.
    pub delivered: u64,
    /// Refused by the destination for good.
    pub failed: u64,
    /// Lost in this process: a queue was full, or the shutdown's limit was over.
    pub dropped: u64,
    /// Waiting, or under way.
    pub queued: u64,
    /// The last fault in words, if there was one.
    pub last_failure: Option<String>,
}
