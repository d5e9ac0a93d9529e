//! Requests on disk.

mod segment; // one file of requests
mod lock; // who may use a directory
mod slot; // … one each
mod store; // the files of one sender
#[cfg(test)]
pub(crate) mod tests;

use std::path::PathBuf;

pub(crate) use segment::{Fate, Fault};
pub(crate) use store::{Found, Place, Store};

/// Room on disk for hours of an outage of a service of usual size.
pub const DEFAULT_DISK_BYTES: u64 = 256 << 20;

/// A directory in which requests wait that cannot be sent for now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Disk {
    /// Made if it is not there. Several processes may share it. Must be on a file system of this machine: locks of
    /// network file systems are not to be relied on.
    pub directory: PathBuf,
    /// Bytes of files for one signal and destination. Default: [`DEFAULT_DISK_BYTES`].
    pub bytes: u64,
}

impl Disk {
    /// A directory with room for [`DEFAULT_DISK_BYTES`].
    pub fn new(directory: impl Into<PathBuf>) -> Self {
        Disk { directory: directory.into(), bytes: DEFAULT_DISK_BYTES }
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
