//! Where all requests end, whichever way they came, and where all looks begin.

use crate::{
    config::Config,
    counters::{Counters, Tally},
    scan::{TraceId, scan},
    store::{Found, Store, TooLarge},
    trace::{self, LogRecord, Summary, Trace},
};
use bytes::Bytes;
use std::sync::{
    Arc, Mutex, MutexGuard, PoisonError,
    atomic::{AtomicUsize, Ordering::Relaxed},
};
use throughline_sender::{Accept, Answer, Signal};

/// How many requests of the largest size may be on their way in at a time, by their bytes.
const LARGEST_AT_A_TIME: usize = 2;

/// How many traces are looked up while the store is locked; requests get in between.
const LOOK: usize = 64;

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
    /// Too much is on its way in; the same request may come again (O-055, O-066).
    Busy(String),
}

impl Refusal {
    /// The fault in words.
    pub(crate) fn cause(&self) -> &str {
        match self {
            Refusal::Malformed(cause) | Refusal::TooLarge(cause) | Refusal::Slow(cause) => cause,
            Refusal::Unsupported(cause) | Refusal::Busy(cause) => cause,
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
    under_way: AtomicUsize,
    /// The largest request, before and after decompression.
    pub(crate) max_request_bytes: usize,
    max_bytes: usize,
}

impl Intake {
    pub(crate) fn new(config: &Config) -> Self {
        Intake {
            store: Mutex::new(Store::new(config.max_bytes, config.max_traces)),
            tally: Tally::default(),
            under_way: AtomicUsize::new(0),
            // Offsets are kept in 32 bits.
            max_request_bytes: config.max_request_bytes.min(u32::MAX as usize - 1),
            max_bytes: config.max_bytes,
        }
    }

    /// Takes one `Export…ServiceRequest`.
    pub(crate) fn take(&self, signal: Signal, body: &[u8]) -> Result<Taken, Refusal> {
        if body.len() > self.max_request_bytes {
            return Err(Refusal::larger_than(self.max_request_bytes));
        }
        let scan = scan(signal, body).map_err(|fault| {
            let (name, reason, at) = (signal.name(), fault.reason, fault.at);
            Refusal::Malformed(format!("not a request of {name} in protobuf: {reason} at byte {at}"))
        })?;
        if !scan.items.is_empty() {
            // The buffer may be larger than what was received, or a part of something larger.
            let exact = Bytes::copy_from_slice(body);
            self.store().add(signal, exact, &scan.items).map_err(|TooLarge| {
                let limit = self.max_bytes;
                Refusal::TooLarge(format!(
                    "the request is larger than all that is kept, {limit} bytes; send less at a time"
                ))
            })?;
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

    /// Counts a refusal, whoever made it.
    pub(crate) fn count(&self, refusal: &Refusal) {
        match refusal {
            Refusal::Busy(_) => self.tally.busy(),
            _ => self.tally.refused(),
        }
    }

    /// Sets memory aside for bytes that come in; released on drop.
    pub(crate) fn reserve(&self) -> Reservation<'_> {
        Reservation { intake: self, bytes: 0 }
    }

    pub(crate) fn counters(&self) -> Counters {
        self.tally.read(self.store().level())
    }

    /// The newest traces that pass, at most as many as the limit, by start.
    pub(crate) fn traces(&self, limit: usize, pass: impl Fn(&Summary) -> bool) -> Vec<Summary> {
        let mut summaries = Vec::new();
        let mut before = u64::MAX;
        while summaries.len() < limit {
            let batch: Vec<(u64, TraceId, Found)> = {
                let store = self.store();
                let some = store.newest(before).take(LOOK.min(limit));
                some.filter_map(|(number, id)| Some((number, id, store.find(&id)?))).collect()
            };
            let Some((oldest, _, _)) = batch.last() else { break };
            before = *oldest;
            summaries.extend(
                batch.iter().filter_map(|(_, id, found)| trace::summary(id, &found.spans)).filter(&pass),
            );
        }
        summaries.truncate(limit);
        summaries.sort_by_key(|summary| std::cmp::Reverse(summary.start));
        summaries
    }

    pub(crate) fn trace(&self, id: &TraceId) -> Option<Trace> {
        let found = self.store().find(id)?;
        Some(trace::trace(id, &found))
    }

    /// The newest log records, at most as many as the limit, newest first.
    pub(crate) fn logs(&self, limit: usize) -> Vec<LogRecord> {
        // Each body has at least one record.
        let bodies: Vec<Bytes> = self.store().logs().take(limit).cloned().collect();
        let mut logs: Vec<LogRecord> = Vec::new();
        for body in bodies {
            if logs.len() >= limit {
                break;
            }
            logs.extend(trace::lines(&body).unwrap_or_default());
        }
        logs.sort_by_key(|log| std::cmp::Reverse(log.time));
        logs.truncate(limit);
        logs
    }

    fn store(&self) -> MutexGuard<'_, Store> {
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Memory that is set aside for a request on its way in.
pub(crate) struct Reservation<'a> {
    intake: &'a Intake,
    bytes: usize,
}

impl Reservation<'_> {
    /// Sets more aside, unless too much is set aside already.
    pub(crate) fn grow(&mut self, bytes: usize) -> Result<(), Refusal> {
        self.bytes += bytes;
        let before = self.intake.under_way.fetch_add(bytes, Relaxed);
        let limit = self.intake.max_request_bytes.saturating_mul(LARGEST_AT_A_TIME);
        // A request that is alone always passes: its own limit bounds it.
        if before + bytes > limit && before + bytes > self.bytes {
            return Err(Refusal::Busy("too many requests are on their way in; come again".to_owned()));
        }
        Ok(())
    }
}

impl Drop for Reservation<'_> {
    fn drop(&mut self) {
        self.intake.under_way.fetch_sub(self.bytes, Relaxed);
    }
}

/// The intake for those who come without a socket.
pub(crate) struct Shared(pub(crate) Arc<Intake>);

impl Accept for Shared {
    fn accept(&self, signal: Signal, request: Bytes) -> Answer {
        match self.0.take(signal, &request) {
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
