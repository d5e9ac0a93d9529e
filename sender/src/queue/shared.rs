//! What the sender and its two tasks share, and what they say.

use super::{
    Limits,
    state::{Due, Load, Settled, State},
};
use crate::{Destination, Signal, disk::Store, voice};
use std::{
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::sync::{Notify, watch};

/// The target of what is said of a destination: a program that tells of it in its own way can leave it out.
const DESTINATION: &str = "throughline::destination";

/// A fault that stays is mentioned this often.
const COMPLAINT_INTERVAL: Duration = Duration::from_secs(30);

#[derive(Debug)]
pub(crate) struct Shared {
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
    /// How many requests that others have now still have a record on this queue's disk.
    pub(super) leaving: AtomicUsize,
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
#[derive(Clone)]
pub(crate) struct Watcher(pub(crate) Arc<dyn Fn(Duration, bool) + Send + Sync>);

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
            leaving: AtomicUsize::new(0),
            arrived: Notify::new(),
            urged: Notify::new(),
            changed: Notify::new(),
            settled: watch::Sender::new(0),
        }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets the tasks know of something new.
    pub(super) fn has_more(&self) {
        self.arrived.notify_one();
        self.changed.notify_one();
    }

    /// Waits until all requests up to this number have left the queue, at most for `limit`.
    pub(crate) async fn settled_to(&self, number: u64, limit: Duration) -> bool {
        let mut settled = self.settled.subscribe();
        tokio::time::timeout(limit, settled.wait_for(|settled| *settled >= number)).await.is_ok()
    }

    /// The oldest requests that are sent as one, or the next ones after `skipped`; waits for them, if that is not urgent
    /// also for more of them.
    pub(super) async fn next(&self, skipped: Option<u64>, is_urgent: bool) -> Vec<(u64, Load)> {
        loop {
            let (arrived, urged) = (self.arrived.notified(), self.urged.notified());
            let is_urgent = is_urgent || self.is_urgent();
            let due = self.lock().next(skipped, self.limits.batch.as_ref(), is_urgent);
            match due {
                Due::Now(loads) => return loads,
                Due::At(at) => tokio::select! {
                    () = arrived => {}
                    () = urged => {}
                    () = tokio::time::sleep_until(at) => {}
                },
                Due::Never => arrived.await,
            }
        }
    }

    /// Counts and says what became of requests, or pieces of them, that were sent as one, and lets those know who wait
    /// for it.
    pub(super) fn settle(&self, group: &[(u64, u64)], outcome: Outcome) {
        let items = group.iter().map(|(_, items)| items).sum();
        let (mut rejected, cause) = match outcome {
            Outcome::Taken { rejected, message } => {
                let rejected = rejected.min(items);
                let fault = (rejected > 0 || !message.is_empty()).then(|| {
                    let (destination, name) = (&self.destination, self.signal.items());
                    format!(
                        "{destination} took a request of {items} {name}, but rejected {rejected}: {message}"
                    )
                });
                (rejected, fault)
            }
            Outcome::Refused { cause } => {
                (items, Some(format!("{items} {} refused: {cause}", self.signal.items())))
            }
        };
        let mut is_here = false;
        for (number, items) in group {
            // Nobody knows which they were.
            let failed = rejected.min(*items);
            rejected -= failed;
            let words = cause.as_deref().unwrap_or_default();
            let Some(settled) = self.lock().settle(*number, items - failed, failed, words) else {
                continue; // counted as lost when the sender was closed
            };
            is_here = true;
            if let (Settled::Whole { took, failed }, Some(watcher)) = (settled, self.watcher.get()) {
                (watcher.0)(took, failed);
            }
        }
        if !is_here {
            return;
        }
        match cause {
            Some(fault) => self.complain(Topic::Destination, fault),
            None => self.recovered(),
        }
        self.moved_on();
    }

    /// An attempt ended without a decision.
    pub(super) fn postpone(&self, group: &[(u64, u64)], unanswered: bool) {
        let mut state = self.lock();
        group.iter().for_each(|(number, _)| state.postpone(*number, unanswered));
        drop(state);
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
        self.is_urgent()
    }

    /// Whether somebody waits on a flush.
    pub(super) fn is_urgent(&self) -> bool {
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
            let name = self.signal.name();
            voice::say(move || match topic {
                Topic::Destination => tracing::warn!(target: DESTINATION, queued, dropped, "{name}: {fault}"),
                Topic::Disk => tracing::warn!(target: "throughline", queued, dropped, "{name}: {fault}"),
            });
        }
    }

    /// Says that something new was dropped, which is counted already.
    pub(super) fn complain_of_drop(&self, items: u64, fault: &str) {
        self.complain(Topic::Destination, format!("{items} {} dropped: {fault}", self.signal.items()));
    }

    /// Counts and says that something new was dropped.
    pub(crate) fn refuse(&self, items: u64, fault: &str) {
        self.lock().refuse(items);
        self.complain_of_drop(items, fault);
    }

    /// The number of the request that was queued last.
    pub(crate) fn accepted(&self) -> u64 {
        self.lock().accepted
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
            let (name, destination) = (self.signal.name(), self.destination.to_string());
            voice::say(
                move || tracing::info!(target: DESTINATION, "{name} are delivered to {destination} again"),
            );
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
