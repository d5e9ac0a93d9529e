//! A file that is read again when it changes.

use std::{
    fs::{File, Metadata},
    io::Read,
    path::{Path, PathBuf},
    time::SystemTime,
};

/// A file and what it looked like when it was last read.
#[derive(Debug)]
pub(crate) struct Watched {
    path: PathBuf,
    most: u64,
    seen: Option<Stamp>,
}

impl Watched {
    /// A file that is read up to so many bytes.
    pub(crate) fn new(path: &Path, most: u64) -> Self {
        Watched { path: path.to_owned(), most, seen: None }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Whether it has changed since it was last read, be it only that it can no longer be found. Links are followed.
    pub(crate) fn has_changed(&self) -> bool {
        stamp(&self.path) != self.seen
    }

    /// What it holds. A fault names the file.
    pub(crate) fn read(&mut self) -> Result<Vec<u8>, String> {
        // Looked at before it is read: a change in between is then seen the next time.
        self.seen = stamp(&self.path);
        let path = self.path.display();
        let metadata = self.path.metadata().map_err(|error| format!("{path}: {error}"))?;
        if metadata.is_dir() {
            return Err(format!("{path} is a directory"));
        }
        // The end of a pipe may never come.
        if !metadata.is_file() {
            return Err(format!("{path} is not a file"));
        }
        let mut bytes = Vec::new();
        let read = File::open(&self.path).and_then(|file| file.take(self.most + 1).read_to_end(&mut bytes));
        match read {
            Err(error) => Err(format!("{path}: {error}")),
            Ok(length) if length as u64 > self.most => {
                Err(format!("{path} is larger than {} bytes", self.most))
            }
            Ok(_) => Ok(bytes),
        }
    }
}

/// What differs between two contents. The number tells a file apart that was swapped for one of the same age and size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stamp {
    modified: Option<SystemTime>,
    bytes: u64,
    number: u64,
}

fn stamp(path: &Path) -> Option<Stamp> {
    let metadata = path.metadata().ok()?;
    Some(Stamp { modified: metadata.modified().ok(), bytes: metadata.len(), number: number(&metadata) })
}

#[cfg(unix)]
fn number(metadata: &Metadata) -> u64 {
    std::os::unix::fs::MetadataExt::ino(metadata)
}

#[cfg(not(unix))]
fn number(_: &Metadata) -> u64 {
    0
}
