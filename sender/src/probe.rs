//! One request without content, to learn whether a destination would take more.

use crate::{Answer, Destination, Error, Remote, Signal, content::Content, transport::Transport};
use http::StatusCode;
use std::time::SystemTime;

/// What one attempt showed.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Probed {
    /// What became of the request.
    pub answer: Answer,
    /// Who answered, if somebody did.
    pub heard: Heard,
    /// The clock of the other side, by the `Date` of its answer.
    pub date: Option<SystemTime>,
}

/// Who answered an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Heard {
    /// Nobody, or in no words of the protocol.
    Nothing,
    /// Somebody who takes requests.
    Welcome,
    /// Somebody who takes requests, but not from us: 401, 403, `UNAUTHENTICATED`, `PERMISSION_DENIED`.
    Unauthorized,
    /// Somebody who does not take this.
    Other,
}

impl Heard {
    /// By the status of a response over HTTP.
    pub(crate) fn over_http(status: StatusCode) -> Self {
        match status {
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Heard::Unauthorized,
            status if status.is_success() => Heard::Welcome,
            _ => Heard::Other,
        }
    }

    /// By the code of a response over gRPC.
    #[cfg(feature = "grpc")]
    pub(crate) fn over_grpc(code: u32) -> Self {
        const PERMISSION_DENIED: u32 = 7;
        const UNAUTHENTICATED: u32 = 16;
        match code {
            0 => Heard::Welcome,
            PERMISSION_DENIED | UNAUTHENTICATED => Heard::Unauthorized,
            _ => Heard::Other,
        }
    }
}

/// Makes one attempt with an empty request: encoded, compressed and signed as any other. Must be called in a Tokio runtime
/// with time and IO.
///
/// # Errors
/// As [`Sender::start`](crate::Sender::start): the destination cannot be tried at all.
pub async fn probe(signal: Signal, remote: &Remote) -> Result<Probed, Error> {
    let mut transport = Transport::new(signal, &Destination::Remote(remote.clone()))?;
    let answer = transport.attempt(Content::default()).await;
    let (heard, date) = transport.heard();
    Ok(Probed { answer, heard, date })
}
