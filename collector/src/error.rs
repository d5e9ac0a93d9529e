//! Why a collector did not start.

use std::{error, fmt, io, net::SocketAddr, path::Path};
use throughline_sender::Unsent;

/// Why a collector did not start: first the thing, then the fault, then the way out.
pub struct Error {
    message: String,
    source: Option<io::Error>,
}

impl Error {
    /// Whether another program listens on one of the addresses.
    ///
    /// When that program is a collector as well, [`find`](crate::find) says where it takes telemetry.
    pub fn is_address_in_use(&self) -> bool {
        self.source.as_ref().is_some_and(|source| source.kind() == io::ErrorKind::AddrInUse)
    }

    pub(crate) fn bind(part: &str, address: SocketAddr, variable: &str, source: io::Error) -> Self {
        let message = match source.kind() {
            io::ErrorKind::AddrInUse => format!(
                "{part} {address} is taken by another program; stop it, or set {variable} to another address or to off"
            ),
            _ => {
                format!(
                    "{part} {address} cannot be listened on: {source}; set {variable} to another address or to off"
                )
            }
        };
        Error { message, source: Some(source) }
    }

    pub(crate) fn zero(bound: &str) -> Self {
        let message =
            format!("the collector's {bound} is zero, so that nothing could be taken; set it to more");
        Error { message, source: None }
    }

    pub(crate) fn not_loopback(address: SocketAddr, variable: &str) -> Self {
        let port = address.port();
        let message = format!(
            "the view's address {address} can be reached from other machines, and nobody is asked for a token there; \
             set {variable} to 127.0.0.1:{port}"
        );
        Error { message, source: None }
    }

    pub(crate) fn token(fault: &str) -> Self {
        Error { message: format!("the token of the view cannot be used: {fault}"), source: None }
    }

    pub(crate) fn no_disk() -> Self {
        let message =
            "what is to be acknowledged when it is on disk needs a directory for that; name one as the disk";
        Error { message: message.to_owned(), source: None }
    }

    pub(crate) fn nothing_kept() -> Self {
        let message = "what Prometheus fetches and what is kept on disk is what is kept at all; set max_bytes to more than zero";
        Error { message: message.to_owned(), source: None }
    }

    /// Pipelines that do not fit together.
    pub(crate) fn plan(message: String) -> Self {
        Error { message, source: None }
    }

    pub(crate) fn destination(fault: &throughline_sender::Error) -> Self {
        Error { message: format!("nothing can be sent: {fault}"), source: None }
    }

    pub(crate) fn file(path: &Path, fault: io::Error) -> Self {
        let message = format!(
            "nothing can be written to the file {path:?}: {fault}; name another, or make its directory"
        );
        Error { message, source: Some(fault) }
    }

    pub(crate) fn file_log(name: &str, fault: String) -> Self {
        Error { message: format!("the file log {name}: {fault}"), source: None }
    }

    pub(crate) fn keep(path: &Path, fault: io::Error) -> Self {
        let message = format!("nothing can be kept in the directory {path:?}: {fault}; name another");
        Error { message, source: Some(fault) }
    }

    pub(crate) fn pattern(fault: &str) -> Self {
        Error { message: format!("a processor cannot be used: {fault}"), source: None }
    }

    pub(crate) fn header(name: &str) -> Self {
        let message =
            format!("{name:?} is no name of a header, from which a processor takes a value; name one");
        Error { message, source: None }
    }

    /// What was to be received with cannot be used.
    pub(crate) fn receive(message: String) -> Self {
        Error { message, source: None }
    }

    pub(crate) fn thread(source: io::Error) -> Self {
        let message =
            "the collector's thread could not be started; raise the limit of threads and open files";
        Error { message: message.to_owned(), source: Some(source) }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

/// The message: it is what a `main` that returns the error prints.
impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl error::Error for Error {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        self.source.as_ref().map(|source| source as _)
    }
}

/// What a collector had acknowledged and could not hand on before its end: neither delivered nor on disk, or not in the
/// file that it writes. `Display` names it, by signal and destination.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lost {
    items: u64,
    words: String,
}

impl Lost {
    pub(crate) fn new(parts: &[(String, Unsent)], unwritten: Vec<String>) -> Self {
        let mut words: Vec<String> =
            parts.iter().map(|(destination, unsent)| format!("{destination}: {unsent}")).collect();
        words.extend(unwritten);
        Lost { items: parts.iter().map(|(_, unsent)| unsent.items).sum(), words: words.join("; ") }
    }

    /// Spans, data points and log records, once for each destination; without those that wait to be written to a file,
    /// which counts requests ([`Written::lost`](crate::file::Written::lost)).
    pub fn items(&self) -> u64 {
        self.items
    }
}

impl fmt::Display for Lost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.words)
    }
}

impl error::Error for Lost {}
