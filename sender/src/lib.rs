//! OTLP bytes to a destination: nothing lost while there is room, nothing counted wrongly.
//!
//! A [`Sender`] is the way of one signal to one [`Destination`]. It takes requests that are already
//! encoded, keeps them in a queue that is bounded in bytes, sends them one after the other, repeats what
//! may be repeated and counts what became of every item. The services' exporters and the collector's
//! forwarders are both made of it; it knows no OpenTelemetry SDK.
//!
//! ```
//! use std::time::Duration;
//! use throughline_sender::{Destination, Limits, Protocol, Remote, Request, Sender, Signal};
//!
//! # let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
//! # runtime.block_on(async {
//! let url = "http://127.0.0.1:9/v1/traces".parse()?; // nothing listens there
//! let destination = Destination::Remote(Remote::new(Protocol::HttpProtobuf, url));
//! let sender = Sender::start(Signal::Traces, destination, Limits::default())?;
//!
//! sender.send(Request { items: 1, body: vec![0x0a, 0x00].into() });
//! let unsent = sender.flush(Duration::from_millis(100)).await.unwrap_err();
//!
//! assert!(unsent.to_string().contains("127.0.0.1:9"));
//! assert_eq!(sender.stats().queued, 1); // still there: the next attempt may succeed
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What is repeated
//! Every failure to get an answer, and the answers that OTLP names: HTTP 429, 502, 503, 504; the gRPC
//! codes of the OTLP specification, `RESOURCE_EXHAUSTED` only with `RetryInfo`. The pause grows from 250 ms
//! to 10 s, with jitter; `Retry-After` and `RetryInfo` are followed up to five minutes and the jitter. A
//! request stays in the queue until it is delivered, refused for good, or the sender is closed; spans and log
//! records that do not get through let others pass. While the queue is full new requests are dropped and
//! counted; with a [`disk`] it holds an outage of hours, and the end of the process.
//!
//! What had no answer may have been taken: sent again, it is counted in [`Stats::repeated`], which is thus the most that
//! can have arrived twice.
//!
//! A server may close a connection that is idle just when the next request is written to it: that request is
//! sent again at once, on a new connection, and nothing is said (O-037).
//!
//! # What is divided
//! A request that the other side finds too large (HTTP 413, and the gRPC statuses that say so in words) is sent in
//! halves, down to single spans, log records or metrics. One of these that is still too large is refused for good.
//!
//! # What is put together
//! With [`Limits::batch`], requests that wait next to each other are sent as one, each with its own count and record on
//! disk: see [`Batch`]. A [`Receipt`] tells when one of them is on disk or delivered.
//!
//! # Several servers
//! A [`Balance`] is a destination of several servers, each with a part of what is sent: what belongs to one trace goes to one
//! of them, and while one is away the others have its share. See [its page](balance).
//!
//! # Whom it trusts, and who it is
//! [`Tls`] and [`Credentials`] name files as mounted secrets are: they are read when the sender starts, where a
//! fault is an [`Error`], and again when they change.
//!
//! # Limits
//! One request is under way at a time, on one connection, to each server. Requests of more than 64 MiB, before compression, are not
//! sent, but dropped and counted; responses are read up to 4 MiB (O-016).

mod platform; // where nothing can be sent
mod destination; // where to
mod queue; // waiting, counting
pub mod balance; // … for one of several
mod resolve; // where a host is
pub mod disk; // … where a process cannot lose it
mod stats; // what became of everything
mod transport; // one attempt, whichever way
mod http; // … over HTTP
#[cfg(feature = "grpc")]
mod grpc; // … over gRPC
mod dialect; // … in other words
mod split; // what is too large for the other side
pub mod json; // … as JSON
pub mod shape; // … of these messages
pub mod wire; // … which are walked over, not decoded
mod content; // in pieces
mod compress; // … made smaller
mod connection; // … on this connection
mod auth; // who sends
mod tls; // whom to trust
#[cfg(feature = "tls")]
pub mod pem; // … and who one is, by which files
mod file; // secrets and certificates, read again when they change
mod response; // what the server says
mod cause; // what went wrong if it says nothing
mod voice; // … said where it is heard
mod retry; // what is repeated, and when
#[cfg(feature = "prometheus")]
pub mod exposition; // measurements as a page that others fetch
mod probe; // one attempt, to learn what would become of more

pub use auth::{Authorization, Credentials, Secret, basic, bearer};
pub use balance::{Balance, Discovery, Find, Key, Members};
pub use destination::{
    Accept, Answer, Compression, DEFAULT_TIMEOUT, Destination, Inlet, Protocol, Remote, Signal,
};
pub use dialect::{Dialect, Message, Speak, Spoken, Unspeakable};
pub use disk::{DEFAULT_DISK_BYTES, Disk};
pub use probe::{Heard, Probed, probe};
pub use queue::{
    Batch, DEFAULT_QUEUE_BYTES, Hold, Limits, Mark, Receipt, Request, Sender, Undelivered, Until,
};
pub use stats::{Overflow, Stats, Unsent};
pub use tls::Tls;
pub use transport::Error;
