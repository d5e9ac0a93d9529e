//! A lock that ends with the process that holds it, however that ends.

use std::{
    fs::{File, OpenOptions, TryLockError},
    io,
    path::Path,
};

/// Held until dropped.
#[derive(Debug)]
pub(super) struct Lock {
    file: File,
}

/// Locks the file, which is made if it is not there; `None` if it is locked already, in whichever process.
pub(super) fn lock(path: &Path) -> io::Result<Option<Lock>> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(path)?;
    match file.try_lock() {
        Ok(()) => Ok(Some(Lock { file })),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// Not left to the file's own end: a child process that was forked meanwhile has the file open too.
impl Drop for Lock {
    fn drop(&mut self) {
        // Where the system refuses, the lock ends with the last process that has the file open.
        let _ = self.file.unlock();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::tests::Place;

    #[test]
    fn a_lock_ends_when_it_is_dropped_though_the_file_is_still_open_elsewhere() {
        let place = Place::new();
        std::fs::create_dir_all(&place.0).unwrap();
        let path = place.0.join("lock");
        let held = lock(&path).unwrap().unwrap();
        // What a child process has after a fork.
        let inherited = held.file.try_clone().unwrap();
        assert!(lock(&path).unwrap().is_none());
        drop(held);
        assert!(lock(&path).unwrap().is_some());
        drop(inherited);
    }
}
