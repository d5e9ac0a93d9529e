//! Writes what comes in to a file, as OTLP in JSON: one request a line.
//!
//! ```
//! use throughline_collector::file::Options;
//! use throughline_sender::{Answer, Inlet, Signal};
//! # let path = std::env::temp_dir().join(format!("throughline-{}.jsonl", std::process::id()));
//!
//! let inlet = Inlet::named("file", Options::of(&path).start()?);
//! assert_eq!(inlet.accept(Signal::Traces, vec![0x0a, 0x00].into()), Answer::TAKEN);
//! # drop(inlet);
//! # let _ = std::fs::remove_file(&path);
//! # Ok::<(), std::io::Error>(())
//! ```
//! A line is a `TracesData`, `MetricsData` or `LogsData` object, byte for byte what the exporter `otlp/stdout` writes
//! (O-020): what reads OTLP files reads these.
//!
//! # Semantics
//! Requests are written by a thread of their own; who brings them never waits. They are in the file a second later at
//! the latest ([`Options::flush_interval`]). A file that is there already goes on; a last line without an end, of a
//! program that was killed, is ended first.
//!
//! Before the file gets larger than [`Options::max_bytes`] it is renamed: `spans.jsonl` becomes `spans.1.jsonl`, that
//! one `spans.2.jsonl`, and the one with the highest number leaves. No line is divided.
//!
//! While the file cannot be written, attempts go on every second, and up to 16 MiB wait; then requests are answered as
//! busy. The first fault is logged, and the end of it. What is lost in the end, because the exporter is closed before
//! it could be written, is counted ([`Written::lost`]), like a request that has no JSON.
//!
//! # Limits
//! The file is written for one exporter alone: two of them would divide each other's lines. What is written is the
//! system's to bring to the disk: it survives the end of the process, not that of the machine. There is no
//! compression. A file that is removed or renamed by others is written on where it went.

mod lines;

use crate::scribe::Scribe;
use bytes::Bytes;
use lines::Lines;
use std::{
    fmt, io,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};
use throughline_sender::{Accept, Answer, Signal};

/// How many bytes may wait to be written.
const MAX_WAITING: usize = 16 * 1024 * 1024;

/// How long a drop waits for what is not written yet.
const PATIENCE: Duration = Duration::from_secs(1);

/// Where requests are written to, and how much of them is kept: plain data.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// The file. The directory has to be there.
    pub path: PathBuf,
    /// How large the file may become, in bytes; a single line may be larger. Default: 100 MiB.
    pub max_bytes: u64,
    /// How many files there are at most, the one that is written included. Default: 5.
    pub max_files: u32,
    /// How long what was taken may wait until it is in the file; zero: it is written at once. Default: 1 s.
    pub flush_interval: Duration,
}

impl Options {
    /// Writes to a file, with everything else at its default.
    pub fn of(path: impl Into<PathBuf>) -> Self {
        let flush_interval = Duration::from_secs(1);
        Options { path: path.into(), max_bytes: 100 * 1024 * 1024, max_files: 5, flush_interval }
    }

    /// Opens the file and starts the exporter.
    ///
    /// # Errors
    /// The file cannot be opened, a bound is zero, or the system gives no thread.
    pub fn start(self) -> io::Result<Exporter> {
        if self.max_bytes == 0 || self.max_files == 0 {
            let bound = if self.max_bytes == 0 { "max_bytes" } else { "max_files" };
            let message = format!(
                "the file exporter's {bound} is zero, so that nothing could be written; set it to more"
            );
            return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
        }
        let tally = Arc::new(Tally::default());
        let interval = self.flush_interval;
        let lines = Lines::open(self, Arc::clone(&tally))?;
        let scribe = Scribe::start("throughline-file", MAX_WAITING, interval, PATIENCE, lines)?;
        Ok(Exporter { scribe, tally })
    }
}

/// Takes requests and has them written. A drop waits up to 1 s until they are; [`close`](Self::close) says whether
/// they are.
pub struct Exporter {
    scribe: Scribe,
    tally: Arc<Tally>,
}

/// What became of the requests that were taken. Counts never go back.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Written {
    /// Requests that are in the file, or were in one that left.
    pub requests: u64,
    /// The bytes of their lines.
    pub bytes: u64,
    /// Requests that were taken and never written.
    pub lost: u64,
}

#[derive(Debug, Default)]
struct Tally {
    requests: AtomicU64,
    bytes: AtomicU64,
    lost: AtomicU64,
}

impl Exporter {
    /// What became of the requests so far.
    pub fn written(&self) -> Written {
        let Tally { requests, bytes, lost } = &*self.tally;
        Written { requests: requests.load(Relaxed), bytes: bytes.load(Relaxed), lost: lost.load(Relaxed) }
    }

    /// Takes no more and waits until everything is in the file; `false`: not within the limit, or it could not be
    /// written.
    pub fn close(&self, limit: Duration) -> bool {
        self.scribe.close(limit)
    }
}

impl Accept for Exporter {
    fn accept(&self, signal: Signal, request: Bytes) -> Answer {
        match self.scribe.hand(signal, request) {
            true => Answer::TAKEN,
            false => {
                Answer::Busy { cause: "too much waits to be written to the file".to_owned(), after: None }
            }
        }
    }
}

impl fmt::Debug for Exporter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Exporter").field("written", &self.written()).finish_non_exhaustive()
    }
}
