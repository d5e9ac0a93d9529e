//! What is kept for the view also on disk, so that it is there again after the end of the program.
//!
//! ```
//! use throughline_collector::{Config, keep};
//!
//! let mut config = Config::default();
//! config.keep = Some(keep::Options::of("/tmp/telemetry"));
//! ```
//! Each request that comes into the store is appended to the newest of some files, the segments; when they are as large as
//! they may be together, the oldest leaves. A start reads them all, oldest first, into the store, whose own bounds hold: of
//! what is on disk, the newest is seen.
//!
//! What came within the last tenth of a second before a process was killed may not be there. A record that is broken off ends its
//! segment, and nothing of it is read; a new process begins a new segment. A directory is for one process at a time, which
//! holds its lock, and for the user alone, since telemetry tells of people.
//!
//! # Limits
//! If the disk cannot be written, up to 16 MiB of requests wait until it can, and further ones are shown and not on disk
//! afterwards: both are said once. Nobody waits for the disk. A system that loses power may lose what it had not written.

mod segment; // the records of a file
#[cfg(test)]
mod tests;

use crate::{Error, scribe::Scribe, voice};
use bytes::Bytes;
use segment::Segments;
use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io,
    path::{Path, PathBuf},
    sync::atomic::{AtomicBool, Ordering::Relaxed},
    time::Duration,
};
use throughline_sender::Signal;

/// How much waits for the disk, in bytes.
const MAX_WAITING: usize = 16 * 1024 * 1024;

/// How long a request may be in memory only.
const INTERVAL: Duration = Duration::from_millis(100);

/// How long a drop waits for what is not written.
const PATIENCE: Duration = Duration::from_secs(1);

/// Where what is kept is on disk, and how much of it: plain data.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// The directory, which is made if it is not there.
    pub directory: PathBuf,
    /// Bytes of all segments together. Default: 256 MiB.
    pub bytes: u64,
}

impl Options {
    /// Keeps in a directory, with everything else at its default.
    pub fn of(directory: impl Into<PathBuf>) -> Self {
        Options { directory: directory.into(), bytes: 256 * 1024 * 1024 }
    }
}

/// Takes requests and has them written.
pub(crate) struct Keeper {
    scribe: Scribe,
    has_lost: AtomicBool,
    /// Released with the end of the process, however it ends.
    _lock: File,
}

impl Keeper {
    /// Reads what an earlier process left, and goes on behind it.
    pub(crate) fn start(options: &Options, each: impl FnMut(Signal, &[u8])) -> Result<Keeper, Error> {
        let told = |fault| Error::keep(&options.directory, fault);
        let lock = locked(&options.directory).map_err(told)?;
        let segments = Segments::open(&options.directory, options.bytes, each).map_err(told)?;
        let scribe = Scribe::start("throughline-keep", MAX_WAITING, INTERVAL, PATIENCE, segments);
        Ok(Keeper { scribe: scribe.map_err(Error::thread)?, has_lost: AtomicBool::new(false), _lock: lock })
    }

    /// Has a request written.
    pub(crate) fn keep(&self, signal: Signal, request: &Bytes) {
        if !self.scribe.hand(signal, request.clone()) && !self.has_lost.swap(true, Relaxed) {
            voice::warn("what comes is not kept on disk any more: too much waits for it".to_owned());
        }
    }

    /// Waits until everything is written.
    pub(crate) fn close(&self, limit: Duration) {
        self.scribe.close(limit);
    }
}

/// The lock of a directory, which is made if it is not there.
fn locked(directory: &Path) -> io::Result<File> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(directory)?;
    let file = private(OpenOptions::new().create(true).truncate(false).write(true), &directory.join("lock"))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(fs::TryLockError::WouldBlock) => {
            Err(io::Error::other("another process keeps its telemetry there"))
        }
        Err(fs::TryLockError::Error(fault)) => Err(fault),
    }
}

/// Opens a file that nobody else may read.
fn private(options: &mut OpenOptions, path: &Path) -> io::Result<File> {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    options.open(path)
}
