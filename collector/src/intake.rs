//! Where all requests end, whichever way they came.

use crate::{
    config::Config,
    counters::{Counters, Tally},
    join::{COPIES, joined},
    reservation::{Budget, Reservation},
    scan::{items, scan},
    store::{Level, Store, TooLarge},
    wire::Fault,
};
use bytes::Bytes;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use throughline_sender::{Accept, Answer, Signal};

/// How many times the size of the largest request may be in use for requests on their way in. One alone needs no
/// more: it is there twice while its buffer grows, or as it came and as it is kept, and its index is beside it.
const LARGEST_AT_A_TIME: usize = 4;

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
    /// Too much is on its way in; the same request may come again (O-055, O-066).
    Busy(String),
}

impl Refusal {
    /// The fault in words.
    pub(crate) fn cause(&self) -> &str {
        match self {
            Refusal::Malformed(cause) | Refusal::TooLarge(cause) | Refusal::Slow(cause) => cause,
            Refusal::Unsupported(cause) | Refusal::Foreign(cause) => cause,
            Refusal::Unknown(cause) | Refusal::Busy(cause) => cause,
        }
    }

    pub(crate) fn larger_than(limit: usize) -> Self {
        Refusal::TooLarge(format!(
            "the request is larger than the limit of {limit} bytes; send less at a time"
        ))
    }
}

/// What became of a request that was taken (O-052, O-053).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Taken {
    pub(crate) rejected: u64,
    pub(crate) message: String,
}

/// Store, counters and limits.
pub(crate) struct Intake {
    store: Mutex<Store>,
    tally: Tally,
    budget: Arc<Budget>,
    /// The largest request, before and after decompression.
    pub(crate) max_request_bytes: usize,
    max_bytes: usize,
    max_traces: usize,
}

impl Intake {
    pub(crate) fn new(config: &Config) -> Self {
        // Offsets are kept in 32 bits.
        let max_request_bytes = config.max_request_bytes.min(u32::MAX as usize - 1);
        Intake {
            store: Mutex::new(Store::new(config.max_bytes, config.max_traces)),
            tally: Tally::default(),
            budget: Budget::new(max_request_bytes.saturating_mul(LARGEST_AT_A_TIME)),
            max_request_bytes,
            max_bytes: config.max_bytes,
            max_traces: config.max_traces,
        }
    }

    /// Takes one `Export…ServiceRequest`. What it needs besides the body is added to the reservation.
    pub(crate) fn take(
        &self,
        signal: Signal,
        body: &[u8],
        reservation: &mut Reservation,
    ) -> Result<Taken, Refusal> {
        if body.len() > self.max_request_bytes {
            return Err(Refusal::larger_than(self.max_request_bytes));
        }
        let malformed = |fault: Fault| {
            let (name, reason, at) = (signal.name(), fault.reason, fault.at);
            Refusal::Malformed(format!("not a request of {name} in protobuf: {reason} at byte {at}"))
        };
        let scan = scan(signal, body).map_err(malformed)?;
        if scan.is_split {
            reservation.grow(body.len().saturating_mul(COPIES))?;
            let joined = joined(body).map_err(malformed)?;
            reservation.shrink(body.len().saturating_mul(COPIES - 1));
            return self.take(signal, &joined, reservation);
        }
        if scan.taken > 0 {
            if !self.store().could_fit(body.len().saturating_add(scan.surplus), scan.placed) {
                return Err(self.larger_than_kept(&TooLarge::Bytes));
            }
            reservation.grow(Store::index_of(scan.placed).saturating_add(body.len()))?;
            let items = items(signal, body, scan.placed).map_err(malformed)?;
            // The buffer may be larger than what was received, or a part of something larger.
            let exact = Bytes::copy_from_slice(body);
            self.store()
                .add(signal, exact, scan.surplus, &items)
                .map_err(|fault| self.larger_than_kept(&fault))?;
        }
        self.tally.taken(signal, scan.taken, scan.rejected);
        Ok(match scan.rejected {
            0 => Taken::default(),
            rejected => {
                let message = format!("{} rejected: {rejected}; {}", signal.items(), scan.fault);
                Taken { rejected, message }
            }
        })
    }

    fn larger_than_kept(&self, fault: &TooLarge) -> Refusal {
        Refusal::TooLarge(match fault {
            TooLarge::Bytes => format!(
                "the request and its index take more than all that is kept, {} bytes; send less at a time",
                self.max_bytes
            ),
            TooLarge::Traces => format!(
                "the request has more traces than are kept, {}; send fewer at a time",
                self.max_traces
            ),
        })
    }

    /// Counts a refusal, whoever made it.
    pub(crate) fn count(&self, refusal: &Refusal) {
        match refusal {
            Refusal::Busy(_) => self.tally.busy(),
            _ => self.tally.refused(),
        }
    }

    /// Counts a request that is none of OTLP, or in no form that is taken.
    pub(crate) fn count_refused(&self) {
        self.tally.refused();
    }

    /// Whether a body of so many bytes could be taken in now, without setting anything aside.
    pub(crate) fn has_room(&self, bytes: u64) -> bool {
        self.budget.has_room(bytes)
    }

    /// Sets memory aside for bytes that come in; released on drop.
    pub(crate) fn reserve(&self) -> Reservation {
        self.budget.reserve()
    }

    pub(crate) fn counters(&self) -> Counters {
        self.tally.read(self.level())
    }

    /// What is in the store now.
    pub(crate) fn level(&self) -> Level {
        self.store().level()
    }

    /// The store, for as long as it takes to add one request or to read a few items.
    pub(crate) fn store(&self) -> MutexGuard<'_, Store> {
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The intake for those who come without a socket.
pub(crate) struct Shared(pub(crate) Arc<Intake>);

impl Accept for Shared {
    fn accept(&self, signal: Signal, request: Bytes) -> Answer {
        match self.0.take(signal, &request, &mut self.0.reserve()) {
            Ok(taken) => Answer::Taken { rejected: taken.rejected, message: taken.message },
            Err(refusal) => {
                self.0.count(&refusal);
                let cause = refusal.cause().to_owned();
                match refusal {
                    Refusal::Busy(_) => Answer::Busy { cause, after: None },
                    _ => Answer::Refused { cause },
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
