//! A lock that ends with the process that holds it, however that ends.

use std::{fs::OpenOptions, io, path::Path};

/// Held until dropped.
#[derive(Debug)]
pub(super) struct Lock {
    // The standard library has it from Rust 1.89 on.
    #[cfg(unix)]
    _file: nix::fcntl::Flock<std::fs::File>,
    #[cfg(windows)]
    _file: std::fs::File,
}

/// Locks the file, which is made if it is not there; `None` if it is locked already, in whichever process.
#[cfg(unix)]
pub(super) fn lock(path: &Path) -> io::Result<Option<Lock>> {
    use nix::{
        errno::Errno,
        fcntl::{Flock, FlockArg},
    };
    use std::os::unix::fs::OpenOptionsExt;
    let file = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(path)?;
    match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
        Ok(file) => Ok(Some(Lock { _file: file })),
        Err((_, Errno::EWOULDBLOCK)) => Ok(None),
        Err((_, error)) => Err(error.into()),
    }
}

/// Windows locks what is opened without sharing.
#[cfg(windows)]
pub(super) fn lock(path: &Path) -> io::Result<Option<Lock>> {
    use std::os::windows::fs::OpenOptionsExt;
    const SHARING_VIOLATION: i32 = 32;
    match OpenOptions::new().write(true).create(true).truncate(false).share_mode(0).open(path) {
        Ok(file) => Ok(Some(Lock { _file: file })),
        Err(error) if error.raw_os_error() == Some(SHARING_VIOLATION) => Ok(None),
        Err(error) => Err(error),
    }
}

#[cfg(not(any(unix, windows)))]
pub(super) fn lock(_: &Path) -> io::Result<Option<Lock>> {
    Err(io::Error::new(io::ErrorKind::Unsupported, "files cannot be locked on this system"))
}
