//! Where requests wait for their destination, decided from the variables.

use super::{Config, env, env::Environment};
use crate::sender::{DEFAULT_DISK_BYTES, DEFAULT_QUEUE_BYTES, Destination, Disk, Limits, Signal};
use std::path::PathBuf;

/// Where requests wait for their destination: in memory, and on disk if a directory is named.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Queue {
    /// Bytes that may wait in memory, of each signal and destination; more are dropped and counted. Default:
    /// 16 MiB.
    pub bytes: usize,
    /// Where requests are kept that cannot be sent now; they survive the process. Default: none.
    pub directory: Option<PathBuf>,
    /// Bytes that the directory may hold. Default: 256 MiB.
    pub directory_bytes: u64,
}

impl Queue {
    pub(super) fn read(environment: &mut Environment) -> Self {
        let directory_bytes = environment.count(&env::QUEUE_DIRECTORY_BYTES);
        Queue {
            bytes: environment.count(&env::QUEUE_BYTES).unwrap_or(DEFAULT_QUEUE_BYTES),
            directory: environment.path(&env::QUEUE_DIRECTORY, None).map(|found| found.value),
            directory_bytes: directory_bytes.map_or(DEFAULT_DISK_BYTES, |bytes| bytes as u64),
        }
    }
}

impl Config {
    /// What each sender may keep. All that go over the network share the directory in equal parts, so that a
    /// destination that is away cannot take the room of another.
    pub(crate) fn limits(&self) -> Limits {
        let exports = Signal::ALL.into_iter().flat_map(|signal| &self.export(signal).destinations);
        let remote = exports.filter(|destination| matches!(destination, Destination::Remote(_))).count();
        let bytes = self.queue.directory_bytes / remote.max(1) as u64;
        let disk = self.queue.directory.clone().map(|directory| Disk { directory, bytes });
        Limits { queue_bytes: self.queue.bytes, disk }
    }
}
