//! What the sender and its two tasks share, and what they say.

use super::{
    Limits,
    state::{Load, Settled, State},
};
use crate::{Destination, Signal, disk::Store};
use std::{
    fmt,
    sync::{
        Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::sync::{Notify, watch};

/// A fault that stays is mentioned this often.
const COMPLAINT_INTERVAL: Duration = Duration::from_secs(30);

#[derive(Debug)]
pub(super) struct Shared {
    pub(super) signal: Signal,
    pub(super) destination: Destination,
    pub(super) limits: Limits,
    state: Mutex<State>,
    /// Never locked while the state is; the store in it goes at the end.
    pub(super) store: Option<Mutex<Option<Store>>>,
    complaints: Mutex<Complaints>,
    pub(super) watcher: OnceLock<Watcher>,
    /// How many wait on a flush.
    pub(super) flushing: AtomicUsize,
    ended: AtomicBool,
    /// For the worker: there is something to send.
    pub(super) arrived: Notify,
    /// For the worker: somebody waits on a flush.
    pub(super) urged: Notify,
    /// For the keeper: there may be something to write.
    pub(super) changed: Notify,
    /// All requests up to this number have left the queue for good.
    pub(super) settled: watch::Sender<u64>,
}

/// Hears of every request that is settled: how long that took, and whether something in it was refused.
pub(super) struct Watcher(pub(super) Box<dyn Fn(Duration, bool) + Send + Sync>);

impl fmt::Debug for Watcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Watcher")
    }
}

/// What a fault is about: one must not hide the other.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Topic {
    Destination,
    Disk,
}

#[derive(Debug, Default)]
struct Complaints {
    destination: Option<Instant>,
    disk: Option<Instant>,
    /// A fault of the destination was said, and not yet that it has passed.
    failing: bool,
}

pub(super) enum Outcome {
    Taken { rejected: u64, message: String },
    Refused { cause: String },
}

impl Shared {
    pub(super) fn new(
        signal: Signal,
        destination: Destination,
        limits: Limits,
        store: Option<Store>,
        state: State,
    ) -> Self {
        Shared {
            signal,
            destination,
            limits,
            state: Mutex::new(state),
            store: store.map(|store| Mutex::new(Some(store))),
            complaints: Mutex::default(),
            watcher: OnceLock::new(),
            flushing: AtomicUsize::new(0),
            ended: AtomicBool::new(false),
            arrived: Notify::new(),
            urged: Notify::new(),
            changed: Notify::new(),
            settled: watch::Sender::new(0),
        }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The oldest request, or the next one after `skipped`; waits for one.
    pub(super) async fn next(&self, skipped: Option<u64>) -> (u64, Load) {
        loop {
            let arrived = self.arrived.notified();
            if let Some(next) = self.lock().next(skipped) {
                return next;
            }
            arrived.await;
        }
    }

    /// Counts and says what became of so many items, and lets those know who wait for it.
    pub(super) fn settle(&self, number: u64, items: u64, outcome: Outcome) {
        let (taken, fault) = match outcome {
            Outcome::Taken { rejected, message } => {
                let rejected = rejected.min(items);
                let fault = (rejected > 0 || !message.is_empty()).then(|| {
                    let (destination, name) = (&self.destination, self.signal.items());
                    format!(
                        "{destination} took a request of {items} {name}, but rejected {rejected}: {message}"
                    )
                });
                (items - rejected, fault)
            }
            Outcome::Refused { cause } => {
                (0, Some(format!("{items} {} refused: {cause}", self.signal.items())))
            }
        };
        let Some(settled) = self.lock().settle(number, taken, items - taken) else {
            return; // counted as lost when the sender was closed
        };
        if let (Settled::Whole { took, failed }, Some(watcher)) = (settled, self.watcher.get()) {
            (watcher.0)(took, failed);
        }
        match fault {
            Some(fault) => self.complain(Topic::Destination, fault),
            None => self.recovered(),
        }
        self.moved_on();
    }

    /// An attempt ended without a decision.
    pub(super) fn postpone(&self, number: u64, unanswered: bool) {
        self.lock().postpone(number, unanswered);
        self.moved_on();
    }

    /// Lets those know who wait for a change of the state.
    pub(super) fn moved_on(&self) {
        let (settled, has_notes) = {
            let state = self.lock();
            (state.settled(), state.has_notes())
        };
        if has_notes {
            self.changed.notify_one();
        }
        // Never steps back: a request may be settled while the sender is closed.
        self.settled.send_if_modified(|known| {
            let later = settled > *known;
            *known = settled.max(*known);
            later
        });
    }

    /// Notes a fault that may pass; tells whether somebody waits on a flush.
    pub(super) fn stumble(&self, cause: String) -> bool {
        self.complain(Topic::Destination, cause);
        self.flushing.load(Ordering::Relaxed) > 0
    }

    /// Keeps the fault for the statistics, and says it unless something was said a moment ago.
    pub(super) fn complain(&self, topic: Topic, fault: String) {
        let (queued, dropped) = {
            let mut state = self.lock();
            state.stats.last_failure = Some(fault.clone());
            (state.stats.queued, state.stats.dropped)
        };
        if self.may_say(topic) {
            tracing::warn!(target: "throughline", queued, dropped, "{}: {fault}", self.signal.name());
        }
    }

    fn may_say(&self, topic: Topic) -> bool {
        let mut complaints = self.complaints.lock().unwrap_or_else(PoisonError::into_inner);
        let said = match topic {
            Topic::Destination => &mut complaints.destination,
            Topic::Disk => &mut complaints.disk,
        };
        if said.is_some_and(|at| at.elapsed() < COMPLAINT_INTERVAL) {
            return false;
        }
        *said = Some(Instant::now());
        complaints.failing |= topic == Topic::Destination;
        true
    }

    fn recovered(&self) {
        let mut complaints = self.complaints.lock().unwrap_or_else(PoisonError::into_inner);
        if std::mem::take(&mut complaints.failing) {
            drop(complaints);
            tracing::info!(target: "throughline", "{} are delivered to {} again", self.signal.name(), self.destination);
        }
    }

    pub(super) fn has_ended(&self) -> bool {
        self.ended.load(Ordering::Relaxed)
    }

    /// The end: what is in memory is lost.
    pub(super) fn end(&self) {
        self.ended.store(true, Ordering::Relaxed);
        let lost = self.lock().drop_memory();
        if lost > 0 && self.store.is_some() {
            let fault = format!("{lost} {} dropped: they could not be written to disk", self.signal.items());
            self.complain(Topic::Disk, fault);
        }
        let accepted = self.lock().accepted;
        self.settled.send_if_modified(|settled| std::mem::replace(settled, accepted) != accepted);
    }
}
