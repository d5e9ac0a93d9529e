//! Where requests wait for their destination, decided from the variables.

use super::{env, env::Environment};
use crate::sender::DEFAULT_QUEUE_BYTES;
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

const DEFAULT_DIRECTORY_BYTES: u64 = 256 << 20;

impl Queue {
    pub(super) fn read(environment: &mut Environment) -> Self {
        Queue {
            bytes: environment.count(&env::QUEUE_BYTES).unwrap_or(DEFAULT_QUEUE_BYTES),
            directory: environment.path(&env::QUEUE_DIRECTORY, None).map(|found| found.value),
            directory_bytes: environment
                .count(&env::QUEUE_DIRECTORY_BYTES)
                .and_then(|bytes| u64::try_from(bytes).ok())
                .unwrap_or(DEFAULT_DIRECTORY_BYTES),
        }
    }
}
