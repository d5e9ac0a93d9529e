//! What is said to a server that does not take OTLP.
//!
//! A [`Dialect`] stands before the last step: everything else, queue, retry, disk, credentials and counts, is as for OTLP,
//! since what waits is OTLP until an attempt is made.
//!
//! ```
//! use throughline_sender::{Destination, Dialect, Message, Protocol, Remote, Signal, Speak, Spoken, Unspeakable};
//!
//! /// Says how many bytes there were.
//! struct Length;
//!
//! impl Speak for Length {
//!     fn speak(&self, _: Signal, request: &[u8]) -> Result<Spoken, Unspeakable> {
//!         let message = Message::new("text/plain", request.len().to_string());
//!         Ok(Spoken { messages: vec![message], ..Spoken::default() })
//!     }
//! }
//!
//! let url = "http://127.0.0.1:9/length".parse()?;
//! let mut remote = Remote::new(Protocol::HttpProtobuf, url);
//! remote.dialect = Some(Dialect::new(Length));
//! let destination = Destination::Remote(remote);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Semantics
//! A request becomes messages, which are posted one after the other. When one of them is not taken, the answer to it is
//! that to the request: what may be repeated is repeated from the first message on, so whoever speaks a dialect of
//! several messages speaks to a server that knows what it has seen. Every 2xx is a success, whatever its body says; 429
//! and every 5xx may be repeated.

use crate::Signal;
use bytes::Bytes;
use http::HeaderMap;
use std::{fmt, sync::Arc};

/// How a server is spoken to that does not take OTLP: a cheap handle.
#[derive(Clone)]
pub struct Dialect(Arc<dyn Speak>);

impl Dialect {
    /// The dialect that somebody speaks.
    pub fn new(speak: impl Speak) -> Self {
        Dialect(Arc::new(speak))
    }

    /// What a request is in these words.
    ///
    /// # Errors
    /// As [`Speak::speak`].
    pub fn speak(&self, signal: Signal, request: &[u8]) -> Result<Spoken, Unspeakable> {
        self.0.speak(signal, request)
    }
}

impl fmt::Debug for Dialect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Dialect")
    }
}

/// Says what a request says in other words.
pub trait Speak: Send + Sync + 'static {
    /// Takes one `Export…ServiceRequest` in protobuf. Called from the runtime of the sender: must not block.
    ///
    /// # Errors
    /// It cannot be said: at all, or not at once.
    fn speak(&self, signal: Signal, request: &[u8]) -> Result<Spoken, Unspeakable>;
}

/// A request in other words.
#[derive(Clone, Debug, Default)]
pub struct Spoken {
    /// What is posted, one after the other.
    pub messages: Vec<Message>,
    /// How many spans, data points or log records are in none of them: they count as rejected.
    pub rejected: u64,
    /// Why they are not.
    pub reason: String,
}

/// One request over HTTP.
#[derive(Clone, Debug)]
pub struct Message {
    /// The `Content-Type`.
    pub content_type: &'static str,
    /// Headers besides those of the destination, which they replace. Default: none.
    pub headers: HeaderMap,
    /// The body. Compressed as the destination says, unless it `is_compressed`.
    pub body: Bytes,
    /// Whether the body is compressed already, as the server expects it without being told. Default: it is not.
    pub is_compressed: bool,
}

impl Message {
    /// A body of a type.
    pub fn new(content_type: &'static str, body: impl Into<Bytes>) -> Self {
        Message { content_type, headers: HeaderMap::new(), body: body.into(), is_compressed: false }
    }
}

/// Why a request cannot be said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unspeakable {
    /// There are no words for it: it is refused for good.
    Refused(String),
    /// It would take too many words; for its parts there are fewer.
    TooLarge(String),
}
