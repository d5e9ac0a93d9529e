//! What `error.type` a failure is: the kind of a failed connection, else the path of the error's type, or
//! `_OTHER` if that is a box.

use std::{
    any::{self, Any},
    error::Error,
    io,
};

use crate::attributes::{self, bounded};

type Shared = Box<dyn Error + Send + Sync>;

/// A failure, by name and in its own words.
#[derive(Debug)]
pub(crate) struct Failure {
    /// `error.type`: of few values, never a message.
    pub(crate) error_type: &'static str,
    /// `exception.type`: the path of the error's type.
    pub(crate) exception_type: &'static str,
    /// `exception.message`, as far as the error can be seen through.
    pub(crate) message: Option<String>,
}

impl Failure {
    /// Reads an error that a service or a body answered with.
    ///
    /// Looks for an `std::io::Error`, or for tower's error of a timeout, in the chain of sources as far as the
    /// type can be seen through: an `io::Error`, the boxes of errors that tower and hyper hand out, axum's error.
    pub(crate) fn of<E: 'static>(error: &E) -> Self {
        let exception_type = any::type_name::<E>();
        let by_type = if is_boxed(error) { attributes::OTHER } else { exception_type };
        let error = as_error(error);
        Self {
            error_type: error.and_then(kind).unwrap_or(by_type),
            exception_type,
            message: error.map(|error| bounded(&error.to_string()).to_owned()),
        }
    }

    /// Reads what a panic was started with.
    pub(crate) fn of_panic(payload: &(dyn Any + Send)) -> Self {
        let text = payload.downcast_ref::<&str>().copied();
        let text = text.or_else(|| payload.downcast_ref::<String>().map(String::as_str));
        Self {
            error_type: attributes::PANIC,
            exception_type: attributes::PANIC,
            message: text.map(|text| bounded(text).to_owned()),
        }
    }
}

/// Tells whether an error is a box, whose type says nothing of what is in it.
fn is_boxed(error: &dyn Any) -> bool {
    error.is::<Shared>() || error.is::<Box<dyn Error>>()
}

/// Sees through the types that hold an error. A bound on `E` would shut out the boxes, which are no errors
/// themselves.
fn as_error(error: &dyn Any) -> Option<&(dyn Error + 'static)> {
    if let Some(error) = error.downcast_ref::<Shared>() {
        return Some(error.as_ref());
    }
    if let Some(error) = error.downcast_ref::<Box<dyn Error>>() {
        return Some(error.as_ref());
    }
    #[cfg(feature = "axum")]
    if let Some(error) = error.downcast_ref::<axum::Error>() {
        return Some(error);
    }
    Some(error.downcast_ref::<io::Error>()?)
}

/// Finds the kind of the outermost error in the chain that has one.
fn kind(error: &(dyn Error + 'static)) -> Option<&'static str> {
    let mut next = Some(error);
    while let Some(error) = next {
        let io = error.downcast_ref::<io::Error>();
        if let Some(kind) = io.and_then(|error| io_kind(error.kind())) {
            return Some(kind);
        }
        if is_elapsed(error) {
            return Some(attributes::TIMEOUT);
        }
        // The source of an I/O error is that of the error in it, which would be skipped.
        let wrapped = io.and_then(io::Error::get_ref).map(|wrapped| wrapped as &(dyn Error + 'static));
        next = wrapped.or_else(|| error.source());
    }
    None
}

#[cfg(feature = "axum")]
fn is_elapsed(error: &(dyn Error + 'static)) -> bool {
    error.is::<tower::timeout::error::Elapsed>()
}

#[cfg(not(feature = "axum"))]
fn is_elapsed(_error: &(dyn Error + 'static)) -> bool {
    false
}

fn io_kind(kind: io::ErrorKind) -> Option<&'static str> {
    use io::ErrorKind;
    match kind {
        ErrorKind::TimedOut => Some(attributes::TIMEOUT),
        ErrorKind::ConnectionRefused
        | ErrorKind::HostUnreachable
        | ErrorKind::NetworkUnreachable
        | ErrorKind::NetworkDown
        | ErrorKind::AddrNotAvailable => Some(attributes::CONNECT),
        ErrorKind::ConnectionReset | ErrorKind::ConnectionAborted | ErrorKind::BrokenPipe => {
            Some(attributes::RESET)
        }
        _ => None,
    }
}
