//! Writes what comes in to a terminal, for people who look for a fault.
//!
//! ```
//! use throughline_collector::debug::{Options, Verbosity};
//! use throughline_sender::{Answer, Inlet, Signal};
//!
//! let mut options = Options::default();
//! options.verbosity = Verbosity::Detailed;
//! let inlet = Inlet::named("debug", options.start()?);
//! assert_eq!(inlet.accept(Signal::Traces, vec![0x0a, 0x00].into()), Answer::TAKEN);
//! # Ok::<(), std::io::Error>(())
//! ```
//! It has the options and the forms of the `debug` exporter of the OpenTelemetry Collector. Of a request with one span:
//! ```text
//! Traces  {"resource spans": 1, "spans": 1}
//! ResourceTraces #0 service.name=checkout
//! ScopeTraces #0 checkout@1.2
//! GET /pay 5b8efff798038103d269b633813fc60c eee19b7ec3c1b174 http.route=/pay
//! ```
//! The first line is all that there is of it with [`Verbosity::Basic`].
//!
//! # Semantics
//! Requests are written by a thread of their own, each in one piece; who brings them never waits. Text of the program
//! cannot break a line or change the terminal. Of an attribute that a message has twice, the last one is shown.
//!
//! # Limits
//! The forms may change in any version. Up to 4 MiB wait to be written, and the text of one request ends after 1 MiB;
//! what is not written is counted ([`Exporter::skipped`]). A terminal that nobody reads stops the exporter, and nothing
//! else.

mod detailed;
mod normal;
mod outline;
mod point;
#[cfg(test)]
mod tests;
mod text;

use crate::scribe::{Pen, Scribe};
use bytes::Bytes;
use std::{
    fmt, io,
    io::Write,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};
use throughline_sender::{Accept, Answer, Signal};

/// How many bytes may wait to be written: people cannot read more.
const MAX_WAITING: usize = 4 * 1024 * 1024;

/// How much of a request is written, in bytes.
const MAX_TEXT: usize = 1024 * 1024;

/// How long a drop waits for what is not written yet: nobody may be reading.
const PATIENCE: Duration = Duration::from_millis(100);

/// How long sampling counts before it begins again.
const WINDOW: Duration = Duration::from_secs(1);

/// How much is written of what comes in: plain data.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// How much is written of a request. Default: [`Verbosity::Basic`].
    pub verbosity: Verbosity,
    /// How many requests of each signal are written first in every second. Default: 2.
    pub sampling_initial: u64,
    /// Behind those, every request with this number is written in that second; 0: none. Default: 1, all of them.
    pub sampling_thereafter: u64,
}

/// How much is written of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verbosity {
    /// One line with counts.
    Basic,
    /// Besides, a line for each span, log record and data point.
    Normal,
    /// Besides, everything that they hold.
    Detailed,
}

impl Default for Options {
    fn default() -> Self {
        Options { verbosity: Verbosity::Basic, sampling_initial: 2, sampling_thereafter: 1 }
    }
}

impl Options {
    /// Starts the exporter, which writes to stdout.
    ///
    /// # Errors
    /// The system gives no thread.
    pub fn start(self) -> io::Result<Exporter> {
        self.start_with(io::stdout())
    }

    /// Starts the exporter, which writes to whatever is given.
    ///
    /// # Errors
    /// The system gives no thread.
    pub fn start_with(self, writer: impl Write + Send + 'static) -> io::Result<Exporter> {
        let skipped = Arc::new(AtomicU64::new(0));
        let sampling = Sampling { options: self, windows: [(None, 0); 3] };
        let printer = Printer { verbosity: self.verbosity, sampling, writer, skipped: Arc::clone(&skipped) };
        let scribe = Scribe::start("throughline-debug", MAX_WAITING, Duration::ZERO, PATIENCE, printer)?;
        Ok(Exporter { scribe, skipped })
    }
}

/// Takes requests and has them written. A drop waits up to 100 ms until they are; what waits longer is written as long
/// as the process lives.
pub struct Exporter {
    scribe: Scribe,
    skipped: Arc<AtomicU64>,
}

impl Exporter {
    /// How many requests were not written, because too many waited or nobody can read them; those that sampling
    /// leaves out do not count.
    pub fn skipped(&self) -> u64 {
        self.skipped.load(Relaxed)
    }

    /// Takes no more and waits until everything is written; `false`: not within the limit.
    pub fn close(&self, limit: Duration) -> bool {
        self.scribe.close(limit)
    }
}

impl Accept for Exporter {
    /// Takes every request: this is no place where telemetry arrives, and none that could hold it up.
    fn accept(&self, signal: Signal, request: Bytes) -> Answer {
        if !self.scribe.hand(signal, request) {
            self.skipped.fetch_add(1, Relaxed);
        }
        Answer::TAKEN
    }
}

impl fmt::Debug for Exporter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Exporter").field("skipped", &self.skipped()).finish_non_exhaustive()
    }
}

struct Printer<W> {
    verbosity: Verbosity,
    sampling: Sampling,
    writer: W,
    skipped: Arc<AtomicU64>,
}

impl<W: Write + Send + 'static> Pen for Printer<W> {
    fn write(&mut self, signal: Signal, request: &Bytes) -> io::Result<()> {
        if !self.sampling.picks(signal, Instant::now()) {
            return Ok(());
        }
        let text = text(signal, request, self.verbosity);
        let written = self.writer.write_all(text.as_bytes()).and_then(|()| self.writer.flush());
        if written.is_err() {
            // Whoever read it is gone, and there is nobody to tell.
            self.skipped.fetch_add(1, Relaxed);
        }
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn lose(&mut self, waiting: usize) {
        self.skipped.fetch_add(waiting as u64, Relaxed);
    }
}

/// Which requests are written.
struct Sampling {
    options: Options,
    /// When the second of each signal began, and how many requests it had so far.
    windows: [(Option<Instant>, u64); 3],
}

impl Sampling {
    fn picks(&mut self, signal: Signal, now: Instant) -> bool {
        let (began, count) = &mut self.windows[signal as usize];
        if began.is_none_or(|began| now.saturating_duration_since(began) >= WINDOW) {
            (*began, *count) = (Some(now), 0);
        }
        *count += 1;
        let Options { sampling_initial: initial, sampling_thereafter: thereafter, .. } = self.options;
        match count.checked_sub(initial) {
            None | Some(0) => true,
            Some(behind) => thereafter > 0 && behind.is_multiple_of(thereafter),
        }
    }
}

/// A request as it is written.
fn text(signal: Signal, request: &[u8], verbosity: Verbosity) -> String {
    let mut text = text::Text::new(MAX_TEXT);
    let written = outline::counts(signal, request, &mut text).and_then(|()| match verbosity {
        Verbosity::Basic => Ok(()),
        Verbosity::Normal => outline::parts(signal, request, |part| normal::write(part, &mut text)),
        Verbosity::Detailed => outline::parts(signal, request, |part| detailed::write(part, &mut text)),
    });
    text.finish(written.is_ok(), verbosity > Verbosity::Basic)
}
