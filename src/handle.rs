//! The cloneable part of a [`Telemetry`](crate::Telemetry): to flush, and to look.

use crate::{
    Error,
    export::{FORKED, Home},
    pipeline::Settle,
    providers::Providers,
    sender::Stats,
};
use std::{
    fmt,
    sync::{Arc, mpsc},
    thread,
    time::{Duration, Instant},
};
use tokio::{runtime, sync::oneshot};

/// What a blocking wait allows beyond its limit for the export thread to answer.
const REPLY_SLACK: Duration = Duration::from_millis(250);
/// Limits beyond it mean "for ever"; much larger ones cannot be added to an instant.
const LONGEST_LIMIT: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// Flushes and tells the statistics, from anywhere: health pages, tests, jobs, Lambda handlers.
///
/// ```
/// use throughline::{Config, Telemetry};
///
/// let telemetry = Telemetry::build(Config::from_vars([("OTEL_METRICS_EXPORTER", "none")]))?;
/// let stats = telemetry.handle().stats();
/// assert_eq!(stats.len(), 2); // traces and logs
/// assert_eq!(stats[0].destination, "http://localhost:4318/v1/traces");
/// assert_eq!((stats[0].recorded, stats[0].queued), (0, 0));
/// # Ok::<(), throughline::Error>(())
/// ```
#[derive(Clone)]
pub struct Handle {
    pub(crate) providers: Arc<Providers>,
    pub(crate) runtime: runtime::Handle,
    pub(crate) home: Home,
}

impl Handle {
    /// Delivers everything recorded before this call; waits for the answers of all destinations, at most for
    /// `limit`. Can be awaited in any runtime.
    ///
    /// # Errors
    /// If something was refused, or is not delivered at the limit; it stays queued. Names each signal, how
    /// much, where to and why.
    pub async fn flush(&self, limit: Duration) -> Result<(), Error> {
        self.settle(limit, Settle::Flush).await
    }

    /// What became of everything so far: one row per signal and destination, and one for the page that
    /// Prometheus fetches, whose data points count for each collection. Log lines have a row when they have
    /// a [buffer](crate::config::Log::buffer), or when one could not be written.
    pub fn stats(&self) -> Vec<Stats> {
        let signals = self.providers.pipelines.iter().flat_map(|pipeline| pipeline.stats());
        #[cfg(feature = "prometheus")]
        let signals = signals.chain(self.providers.scrape.iter().map(|scrape| scrape.stats()));
        signals.chain(self.providers.lines.stats()).collect()
    }

    /// Decides anew which events become log lines and log records, in the syntax of `RUST_LOG`; spans are not
    /// touched. Holds for all layers of this telemetry, those of the subscriber of
    /// [`Telemetry::init`](crate::Telemetry::init) among them.
    ///
    /// ```
    /// # use throughline::{Config, Telemetry};
    /// # let vars = [("OTEL_TRACES_EXPORTER", "none"), ("OTEL_METRICS_EXPORTER", "none"), ("OTEL_LOGS_EXPORTER", "none")];
    /// # let telemetry = Telemetry::build(Config::from_vars(vars))?;
    /// telemetry.handle().filter_logs("info,cart=debug")?;
    /// # Ok::<(), throughline::Error>(())
    /// ```
    ///
    /// # Errors
    /// If the text is not a filter; then the one before holds.
    pub fn filter_logs(&self, filter: &str) -> Result<(), Error> {
        self.providers.event_filters.change(filter)
    }

    /// Decides anew which `tracing` spans are recorded, in the syntax of `RUST_LOG`. A span that was made before
    /// stays what it is.
    ///
    /// # Errors
    /// If the text is not a filter; then the one before holds.
    pub fn filter_spans(&self, filter: &str) -> Result<(), Error> {
        self.providers.span_filters.change(filter)
    }

    /// Waits on a thread of its own, so that the limit holds in any runtime, and whatever the export thread
    /// does.
    pub(crate) async fn settle(&self, limit: Duration, settle: Settle) -> Result<(), Error> {
        self.at_home()?;
        let (reply, result) = oneshot::channel();
        let handle = self.clone();
        thread::Builder::new()
            .name("throughline-wait".into())
            // The receiver may have given up; then nobody wants the answer.
            .spawn(move || drop(reply.send(handle.settle_blocking(limit, settle))))
            .map_err(|error| Error::system("no thread to wait on", error))?;
        result.await.unwrap_or_else(|_| undelivered(vec!["the wait was given up".into()]))
    }

    pub(crate) fn settle_blocking(&self, limit: Duration, settle: Settle) -> Result<(), Error> {
        self.at_home()?;
        let limit = limit.min(LONGEST_LIMIT);
        let (reply, failures) = mpsc::channel();
        let work = settle_all(self.providers.clone(), limit, settle);
        self.runtime.spawn(async move { drop(reply.send(work.await)) });
        // While the signals are under way: all within the one limit.
        let start = Instant::now();
        let lines = self.providers.lines.flush(limit);
        match failures.recv_timeout(limit.saturating_sub(start.elapsed()) + REPLY_SLACK) {
            Ok(failures) => undelivered(failures.into_iter().chain(lines.err()).collect()),
            Err(mpsc::RecvTimeoutError::Disconnected) => {
                undelivered(vec!["telemetry is already shut down".into()])
            }
            Err(mpsc::RecvTimeoutError::Timeout) => {
                undelivered(vec!["the export thread did not answer in time".into()])
            }
        }
    }

    fn at_home(&self) -> Result<(), Error> {
        if self.home.is_here() { Ok(()) } else { undelivered(vec![FORKED.into()]) }
    }
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handle").field("stats", &self.stats()).finish()
    }
}

/// All signals at once, so that the slowest takes the limit and not the sum.
async fn settle_all(providers: Arc<Providers>, limit: Duration, settle: Settle) -> Vec<String> {
    let mut waits = tokio::task::JoinSet::new();
    for pipeline in &providers.pipelines {
        let pipeline = pipeline.clone();
        waits.spawn(async move { pipeline.settle(limit, settle).await });
    }
    let mut failures = Vec::new();
    while let Some(result) = waits.join_next().await {
        match result {
            Ok(Ok(())) => {}
            Ok(Err(failure)) => failures.push(failure),
            Err(error) => failures.push(error.to_string()),
        }
    }
    failures.sort();
    failures
}

fn undelivered(failures: Vec<String>) -> Result<(), Error> {
    if failures.is_empty() { Ok(()) } else { Err(Error::undelivered(failures)) }
}
