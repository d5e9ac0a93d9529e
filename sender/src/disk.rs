//! Requests on disk.

use std::path::PathBuf;

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
}
