//! One attempt to deliver one request, by whichever way the destination asks for.

use crate::{
    Answer, Compression, Destination, Heard, Inlet, Protocol, Signal,
    connection::Connection,
    content::Content,
    http::{self, Encoding},
};
use std::{
    fmt,
    time::{Duration, SystemTime},
};

/// The largest request that may be sent, before compression (O-016).
pub(crate) const MAX_REQUEST_BYTES: usize = 64 << 20;

pub(crate) enum Transport {
    Local(Signal, Inlet),
    Http(Box<Connection>, Encoding),
    #[cfg(feature = "grpc")]
    Grpc(Box<Connection>),
}

impl Transport {
    pub(crate) fn new(signal: Signal, destination: &Destination) -> Result<Self, Error> {
        let remote = match destination {
            Destination::Local(inlet) => return Ok(Transport::Local(signal, inlet.clone())),
            Destination::Remote(remote) => remote,
            Destination::Balanced(balance) => {
                return Err(Error(format!("{balance}: no single request goes to several servers")));
            }
        };
        if !cfg!(feature = "zstd") && remote.compression == Compression::Zstd {
            return Err(Error(format!("{remote}: zstd needs the feature `zstd`; turn it on, or use gzip")));
        }
        if !cfg!(feature = "grpc") && remote.protocol == Protocol::Grpc {
            let fault = "grpc needs the feature `grpc`; turn it on, or use http/protobuf";
            return Err(Error(format!("{remote}: {fault}")));
        }
        if remote.dialect.is_some() && remote.protocol == Protocol::Grpc {
            return Err(Error(format!("{remote}: what takes no OTLP is not spoken to over grpc")));
        }
        let connection = Box::new(Connection::new(signal, remote.clone())?);
        Ok(match remote.protocol {
            #[cfg(feature = "grpc")]
            Protocol::Grpc => Transport::Grpc(connection),
            Protocol::HttpJson => Transport::Http(connection, Encoding::Json),
            _ => Transport::Http(connection, Encoding::Protobuf),
        })
    }

    /// One attempt within the destination's time limit.
    pub(crate) async fn attempt(&mut self, body: Content) -> Answer {
        let (answer, connection) = match self {
            Transport::Local(signal, inlet) => return inlet.accept(*signal, body.whole()),
            Transport::Http(connection, encoding) => {
                connection.renew();
                let limit = connection.remote.timeout;
                (within(limit, http::send(connection, *encoding, body)).await, connection)
            }
            #[cfg(feature = "grpc")]
            Transport::Grpc(connection) => {
                connection.renew();
                let limit = connection.remote.timeout;
                (within(limit, crate::grpc::send(connection, body)).await, connection)
            }
        };
        answer.unwrap_or_else(|| connection.silent())
    }

    /// Whether somebody answered the last attempt.
    pub(crate) fn has_heard(&self) -> bool {
        self.heard().0 != Heard::Nothing
    }

    /// Who answered last, and when by their clock.
    pub(crate) fn heard(&self) -> (Heard, Option<SystemTime>) {
        let connection = match self {
            Transport::Local(..) => return (Heard::Nothing, None),
            Transport::Http(connection, _) => connection,
            #[cfg(feature = "grpc")]
            Transport::Grpc(connection) => connection,
        };
        (connection.heard, connection.date)
    }
}

/// The answer, unless the time limit is over first; zero is none.
async fn within(limit: Duration, attempt: impl Future<Output = Answer>) -> Option<Answer> {
    match limit {
        Duration::ZERO => Some(attempt.await),
        limit => tokio::time::timeout(limit, attempt).await.ok(),
    }
}

/// Why a [`Sender`](crate::Sender) could not be made.
#[derive(Debug)]
pub struct Error(pub(crate) String);

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Error {}
