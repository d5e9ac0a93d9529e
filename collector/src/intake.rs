//! Where all requests end, whichever way they came.

use crate::{
    config::Config,
    counters::{Counters, Forwarded, Tally},
    error::{Error, Lost},
    forward::{Forward, Promise},
    join::{COPIES, joined},
    keep::Keeper,
    memory::Memory,
    process::{Process, without},
    reservation::{Budget, Reservation},
    scan::{Item, Scan, is_rejected, items, scan},
    store::{Level, Store, TooLarge},
    wire::Fault,
};
use bytes::Bytes;
use serde::Serialize;
use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use throughline_sender::{Accept, Answer, Signal};
use tokio::{sync::watch, task::spawn_blocking};

/// How many times the size of the largest request may be in use for requests on their way in. One alone needs no
/// more: it is there twice while its buffer grows, or as it came and as it is kept, and its index is beside it.
const LARGEST_AT_A_TIME: usize = 4;

/// How long the end waits until what is kept is on disk.
const FOR_DISK: Duration = Duration::from_secs(1);

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

/// How much may be kept and held.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Bounds {
    /// Bytes in the store.
    pub(crate) max_bytes: usize,
    /// Traces in the store.
    pub(crate) max_traces: usize,
    /// Bytes of request bodies in memory.
    pub(crate) max_memory: Option<usize>,
    /// The largest request, in bytes.
    pub(crate) max_request_bytes: usize,
}

/// Store, ways out, counters and limits.
pub(crate) struct Intake {
    process: Process,
    store: Mutex<Store>,
    keeper: Option<Arc<Keeper>>,
    forward: Forward,
    tally: Tally,
    budget: Arc<Budget>,
    memory: Arc<Memory>,
    /// Changes with each request that is taken.
    news: watch::Sender<()>,
    max_memory: Option<usize>,
    /// How long an answer waits for what it promises.
    patience: Duration,
    /// The largest request, before and after decompression.
    pub(crate) max_request_bytes: usize,
    max_bytes: usize,
    max_traces: usize,
}

impl Intake {
    /// Must be called in the runtime where the ways out live, if there are any.
    pub(crate) fn start(config: &Config) -> Result<Self, Error> {
        // Offsets are kept in 32 bits.
        let max_request_bytes = config.max_request_bytes.min(u32::MAX as usize - 1);
        let mut intake = Intake {
            process: Process::new(&config.processors)?,
            forward: Forward::start(config)?,
            memory: Arc::default(),
            news: watch::Sender::default(),
            max_memory: config.max_memory,
            patience: config.request_timeout,
            store: Mutex::new(Store::new(config.max_bytes, config.max_traces)),
            tally: Tally::default(),
            budget: Budget::new(max_request_bytes.saturating_mul(LARGEST_AT_A_TIME)),
            max_request_bytes,
            max_bytes: config.max_bytes,
            max_traces: config.max_traces,
            keeper: None,
        };
        if let Some(options) = &config.keep {
            // What does not fit into the store any more leaves it again.
            let again = |signal, body: &[u8]| drop(intake.keep(signal, body));
            intake.keeper = Some(Arc::new(Keeper::start(options, again)?));
        }
        Ok(intake)
    }

    /// Whether a request of so many bytes would be taken now: asked before it is read, with what is known of its size.
    pub(crate) fn admit(&self, signal: Signal, bytes: usize) -> Result<(), Refusal> {
        let held = self.memory.held().saturating_add(bytes);
        if self.max_memory.is_some_and(|limit| held > limit) {
            return Err(Refusal::Busy("the collector's memory is full; come again".to_owned()));
        }
        self.forward.admit(signal, bytes)
    }

    /// Takes one `Export…ServiceRequest`, and says what its answer has to wait for. What it needs besides the body is
    /// added to the reservation.
    pub(crate) fn take(
        &self,
        signal: Signal,
        body: &[u8],
        reservation: &mut Reservation,
    ) -> Result<(Taken, Promise), Refusal> {
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
        let promise = match scan.taken {
            0 => Promise::default(),
            _ => self.hand_on(signal, body, &scan, reservation, malformed)?,
        };
        self.tally.taken(signal, scan.taken, scan.rejected);
        self.news.send_replace(());
        let taken = match scan.rejected {
            0 => Taken::default(),
            rejected => {
                let message = format!("{} rejected: {rejected}; {}", signal.items(), scan.fault);
                Taken { rejected, message }
            }
        };
        Ok((taken, promise))
    }

    /// Changes what is to be changed, keeps it and sends it on.
    fn hand_on(
        &self,
        signal: Signal,
        body: &[u8],
        scan: &Scan,
        reservation: &mut Reservation,
        malformed: impl Fn(Fault) -> Refusal,
    ) -> Result<Promise, Refusal> {
        let is_kept = self.max_bytes > 0;
        let is_sent = !self.forward.is_empty();
        if is_kept
            && !self.store().could_fit(body.len().saturating_add(scan.surplus), scan.placed)
            && !is_sent
        {
            return Err(self.larger_than_kept(&TooLarge::Bytes));
        }
        if !is_kept && !is_sent {
            return Ok(Promise::default());
        }
        reservation.grow(Store::index_of(scan.placed).saturating_add(body.len()))?;
        let body = self.memory.hold(self.changed(signal, body, scan).map_err(&malformed)?);
        let promise = self.forward.take(signal, scan.taken, &body)?;
        if is_kept {
            let items = items(signal, &body, scan.placed).map_err(malformed)?;
            let added = self.add(signal, body, scan, &items);
            // What is on its way does not need to be seen here.
            added.map_err(|fault| self.larger_than_kept(&fault)).or_else(|fault| match is_sent {
                true => Ok(()),
                false => Err(fault),
            })?;
        }
        Ok(promise)
    }

    /// Keeps a request that nobody sent just now, and sends nothing on. Says how many items were taken, and how many were
    /// left out since their ids are invalid.
    pub(crate) fn keep(&self, signal: Signal, body: &[u8]) -> Result<(u64, u64), Refusal> {
        let malformed =
            |fault: Fault| Refusal::Malformed(format!("not a request of {}: {fault}", signal.name()));
        if self.max_bytes == 0 {
            return Err(Refusal::TooLarge("nothing is kept here, only sent on".to_owned()));
        }
        let scan = scan(signal, body).map_err(malformed)?;
        if scan.is_split {
            return self.keep(signal, &joined(body).map_err(malformed)?);
        }
        if scan.taken > 0 {
            let valid = match scan.rejected {
                0 => body.to_vec(),
                _ => without(body, |record| is_rejected(signal, body, record)).map_err(malformed)?,
            };
            let valid = self.memory.hold(valid);
            let items = items(signal, &valid, scan.placed).map_err(malformed)?;
            let added = self.add(signal, valid, &scan, &items);
            added.map_err(|fault| self.larger_than_kept(&fault))?;
        }
        self.tally.taken(signal, scan.taken, scan.rejected);
        self.news.send_replace(());
        Ok((scan.taken, scan.rejected))
    }

    fn add(&self, signal: Signal, body: Bytes, scan: &Scan, items: &[Item]) -> Result<(), TooLarge> {
        let kept = body.clone();
        self.store().add(signal, body, scan.surplus, items)?;
        self.keeper.iter().for_each(|keeper| keeper.keep(signal, &kept));
        Ok(())
    }

    /// What goes on, in exactly as many bytes: without what was rejected, with what the processors change.
    fn changed(&self, signal: Signal, body: &[u8], scan: &Scan) -> Result<Vec<u8>, Fault> {
        let valid = match scan.rejected {
            0 => None,
            _ => Some(without(body, |record| is_rejected(signal, body, record))?),
        };
        let whole = valid.as_deref().unwrap_or(body);
        let changed = match self.process.is_empty(signal) {
            true => None,
            false => self.process.apply(signal, whole)?,
        };
        // The buffer may be larger than what was received, or a part of something larger.
        Ok(changed.or(valid).unwrap_or_else(|| body.to_vec()))
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

    /// Tells when something is taken.
    pub(crate) fn news(&self) -> watch::Receiver<()> {
        self.news.subscribe()
    }

    pub(crate) fn counters(&self) -> Counters {
        self.tally.read(self.level(), self.memory.held())
    }

    pub(crate) fn bounds(&self) -> Bounds {
        let Intake { max_bytes, max_traces, max_memory, max_request_bytes, .. } = *self;
        Bounds { max_bytes, max_traces, max_memory, max_request_bytes }
    }

    /// What became of everything on its way out.
    pub(crate) fn forwarded(&self) -> Vec<Forwarded> {
        self.forward.forwarded()
    }

    /// What was found on disk at the start.
    pub(crate) fn notices(&self) -> Vec<String> {
        self.forward.notices()
    }

    /// Waits until a promise is kept.
    pub(crate) async fn kept(&self, taken: (Taken, Promise)) -> Result<Taken, Refusal> {
        let (taken, promise) = taken;
        promise.kept(self.patience).await.map(|()| taken)
    }

    /// Whether nothing more is taken.
    pub(crate) fn is_stopping(&self) -> bool {
        self.forward.is_stopping()
    }

    /// Takes nothing more, and delivers what waits, within the limit.
    pub(crate) async fn close(&self, limit: Duration) -> Result<(), Lost> {
        let outcome = self.forward.close(limit).await;
        if let Some(keeper) = self.keeper.clone() {
            // It could only have panicked.
            let _ = spawn_blocking(move || keeper.close(FOR_DISK)).await;
        }
        outcome
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
        let taken = self.0.admit(signal, request.len());
        match taken.and_then(|()| self.0.take(signal, &request, &mut self.0.reserve())) {
            // Nobody may wait here.
            Ok((taken, _)) => Answer::Taken { rejected: taken.rejected, message: taken.message },
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
