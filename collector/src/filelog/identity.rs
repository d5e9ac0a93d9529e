//! What the system knows a file by, whatever its name.

use serde::{Deserialize, Serialize};
use std::{fs::Metadata, path::Path};

/// Stays when a file is renamed, and is another file's when it is deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(super) struct Identity {
    device: u64,
    inode: u64,
}

impl Identity {
    #[cfg(unix)]
    pub(super) fn of(metadata: &Metadata, _path: &Path) -> Self {
        use std::os::unix::fs::MetadataExt;
        Identity { device: metadata.dev(), inode: metadata.ino() }
    }

    /// Where the system does not tell, the path has to do: a renamed file is then known by its first bytes only.
    #[cfg(not(unix))]
    pub(super) fn of(_metadata: &Metadata, path: &Path) -> Self {
        use std::hash::{DefaultHasher, Hash, Hasher};
        let mut hasher = DefaultHasher::new();
        path.hash(&mut hasher);
        Identity { device: 0, inode: hasher.finish() }
    }
}

/// Whether an open file still has a name.
#[cfg(unix)]
pub(super) fn has_name(metadata: &Metadata) -> bool {
    std::os::unix::fs::MetadataExt::nlink(metadata) > 0
}

/// Whether an open file still has a name.
#[cfg(not(unix))]
pub(super) fn has_name(_metadata: &Metadata) -> bool {
    true
}
