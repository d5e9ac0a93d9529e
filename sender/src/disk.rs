//! Requests on disk: what cannot be sent outlives an outage, and the process.
//!
//! ```
//! use std::time::Duration;
//! use throughline_sender::{Destination, Disk, Limits, Protocol, Remote, Request, Sender, Signal};
//!
//! # let directory = std::env::temp_dir().join(format!("throughline-doc-{}", std::process::id()));
//! # let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
//! # runtime.block_on(async {
//! let url = "http://127.0.0.1:9/v1/traces".parse()?; // nothing listens there
//! let destination = Destination::Remote(Remote::new(Protocol::HttpProtobuf, url));
//! let limits = Limits { disk: Some(Disk::new(&directory)), ..Limits::default() };
//! let sender = Sender::start(Signal::Traces, destination.clone(), limits.clone())?;
//! sender.send(Request { items: 1, body: vec![0x0a, 0x00].into() });
//! sender.close_since(sender.mark(), Duration::from_millis(100)).await?; // nothing is lost: no error
//! assert_eq!(sender.stats().on_disk, 1);
//!
//! let next = Sender::start(Signal::Traces, destination, limits)?;
//! assert_eq!((next.stats().adopted, next.stats().queued), (1, 1)); // sent as soon as somebody listens
//! # drop(next);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # })?;
//! # std::fs::remove_dir_all(directory)?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # When something is written
//! Nothing, while the destination answers. A request goes to disk when it has waited for one second, whatever for, also
//! if it is under way; when the requests in memory take more than half of [`Limits::queue_bytes`]; and when the sender
//! is closed. It leaves the disk when it is delivered or refused for good. The oldest goes out first, those on disk
//! before those in memory.
//!
//! # What is lost
//! * **The process is killed**: what came in the last second, or less of it if that is half of
//!   [`Limits::queue_bytes`], and what is being written at that moment. What is not a request yet, such as a batch that
//!   is not due, the sender does not know.
//! * **The machine fails**: the same. What is written is written through (`fdatasync`) before it counts as on disk.
//!   That it was delivered is noted without waiting, so it may be sent again.
//! * **The disk is full**, by [`Disk::bytes`] or by the system, **or refuses**: nothing at first. That is said, requests
//!   stay in memory, and the disk is tried again after 5 seconds. When memory is full too, what is new is dropped and
//!   counted; what is on disk stays.
//! * **Bytes rot or break off**: a request that does not match its checksum is dropped and counted. Behind a record whose
//!   head is broken nothing more can be read in its file; it counts as one item, since nobody can tell how many it were.
//! * **The directory is deleted**: what was in it is dropped and counted when its turn comes. The directory is made
//!   again.
//!
//! # What arrives twice
//! What was under way when the process ended, and what had no answer: both are counted as
//! [`Stats::repeated`](crate::Stats::repeated) when they are sent again, by whichever process. Of a request that the
//! destination takes only in pieces, how far it got is noted: the next process sends what is left, and if a piece was
//! under way, counts all of that.
//!
//! # In the directory
//! ```text
//! traces-otlp.example.com-v1-traces-0a1b2c3d4e5f6071/    signal, destination, and a hash of both
//!     process-0/                                         one for each process that sends there
//!         lock                                           held for as long as the process lives
//!         00001795287280103000.otlp                      requests, in the order of their coming
//! ```
//! A start takes the first directory that no living process holds, and what all others without a process hold. So
//! several processes, or several senders of one, may share a directory, and what one leaves the next start sends. For
//! another destination, tenant (`X-Scope-OrgID`) or user it is not taken: [`Disk::unclaimed`] tells. Directories are made
//! for their user only (`0700`), and so are files (`0600`). The names hold no secret; the files hold telemetry as it is.
//!
//! # Limits
//! Each request on disk takes some 150 bytes of memory. A file is deleted when all in it is done: one request that
//! cannot be delivered keeps a mebibyte.

mod segment; // one file of requests
mod lock; // who may use a directory
mod slot; // … one each
mod store; // the files of one sender
#[cfg(test)]
pub(crate) mod tests;

use crate::Error;
#[cfg(doc)]
use crate::Limits;
use std::{io, path::PathBuf};

pub(crate) use segment::{Fate, Fault};
pub(crate) use store::{Found, FoundRequest, Note, Place, Store};

/// Room on disk for hours of an outage of a service of usual size.
pub const DEFAULT_DISK_BYTES: u64 = 256 << 20;

/// A directory in which requests wait that cannot be sent for now. See the [module's page](self).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Disk {
    /// Made if it is not there. Must be on a disk of this machine: locks of network file systems are not to be relied
    /// on.
    pub directory: PathBuf,
    /// Bytes of files for one signal and destination. Default: [`DEFAULT_DISK_BYTES`].
    pub bytes: u64,
}

impl Disk {
    /// A directory with room for [`DEFAULT_DISK_BYTES`].
    pub fn new(directory: impl Into<PathBuf>) -> Self {
        Disk { directory: directory.into(), bytes: DEFAULT_DISK_BYTES }
    }

    /// Whether the directory can be used: it is made, and a file in it is locked, as a sender does at its start.
    ///
    /// # Errors
    /// If not: names the directory and the system's error.
    pub fn check(&self) -> Result<(), Error> {
        slot::check(&self.directory).map_err(|error| self.unusable(&error))
    }

    fn unusable(&self, error: &io::Error) -> Error {
        let directory = self.directory.display();
        Error(format!(
            "the queue directory {directory} cannot be used: {error}; it must be writable, and on a disk of this machine"
        ))
    }

    /// What waits in the directory for destinations that nobody sends to at the moment, one line each: after the
    /// destination was changed, say. It stays until somebody sends there again, or deletes it.
    pub fn unclaimed(&self) -> Vec<String> {
        let line = |(name, bytes): (String, u64)| {
            let path = self.directory.join(name);
            format!("{bytes} bytes wait in {} for a destination that nothing is sent to now", path.display())
        };
        store::unclaimed(&self.directory).into_iter().map(line).collect()
    }
}
