//! Why a request is not taken, in words for whoever sent it.

use crate::wire::Fault;
use throughline_sender::Signal;

/// Why a request is not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// Not the request that it says it is (O-064).
    Malformed(String),
    /// Larger than a limit (O-054, O-065).
    TooLarge(String),
    /// Not sent within the time limit (O-072).
    Slow(String),
    /// Encoded in a way that is not taken (O-063).
    Unsupported(String),
    /// From a page of another site (O-069).
    Foreign(String),
    /// From somebody who did not show who they are (O-071).
    Unknown(String),
    /// Of no pipeline.
    Unserved(String),
    /// Too much is on its way in; the same request may come again (O-055, O-066).
    Busy(String),
}

impl Refusal {
    /// The fault in words.
    pub(crate) fn cause(&self) -> &str {
        match self {
            Refusal::Malformed(cause) | Refusal::TooLarge(cause) | Refusal::Slow(cause) => cause,
            Refusal::Unsupported(cause) | Refusal::Foreign(cause) => cause,
            Refusal::Unknown(cause) | Refusal::Unserved(cause) | Refusal::Busy(cause) => cause,
        }
    }

    pub(super) fn no_request(signal: Signal, fault: &Fault) -> Self {
        let (name, Fault { reason, at }) = (signal.name(), fault);
        Refusal::Malformed(format!("not a request of {name} in protobuf: {reason} at byte {at}"))
    }

    pub(crate) fn larger_than(limit: usize) -> Self {
        Refusal::TooLarge(format!(
            "the request is larger than the limit of {limit} bytes; send less at a time"
        ))
    }
}
