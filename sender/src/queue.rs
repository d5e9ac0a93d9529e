//! The queue before a destination, and the one task that empties it.

use crate::{
    Answer, Destination, Error, Signal, Stats, Unsent,
    retry::Backoff,
    transport::{MAX_REQUEST_BYTES, Transport},
};
use bytes::Bytes;
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};
use tokio::{
    sync::{Notify, watch},
    task::JoinHandle,
};

/// Room for about 30,000 spans of usual size: minutes of an outage, little beside a service's own memory.
pub const DEFAULT_QUEUE_BYTES: usize = 16 << 20;
/// A destination that stays away is mentioned this often.
const COMPLAINT_INTERVAL: Duration = Duration::from_secs(30);
/// While somebody waits on a flush, pauses grow no longer than this.
const URGENT_PAUSE: Duration = Duration::from_secs(1);

/// One encoded `Export…ServiceRequest`.
#[derive(Clone, Debug)]
pub struct Request {
    /// How many spans, data points or log records the body holds.
    pub items: u64,
    /// The protobuf bytes.
    pub body: Bytes,
}

/// What a sender may keep.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Bytes of requests in the queue, the one under way among them. Default: [`DEFAULT_QUEUE_BYTES`].
    pub queue_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Limits { queue_bytes: DEFAULT_QUEUE_BYTES }
    }
}

/// The way of one signal to one destination. See the [crate's page](crate).
#[derive(Debug)]
pub struct Sender {
    shared: Arc<Shared>,
    worker: JoinHandle<()>,
}

impl Sender {
    /// Starts the task that sends; must be called in a Tokio runtime with time and IO, where the task lives.
    ///
    /// # Errors
    /// If the URL is incomplete, the protocol or TLS was not compiled in, or the root certificates cannot
    /// be read. Nothing is sent here.
    pub fn start(signal: Signal, destination: Destination, limits: Limits) -> Result<Self, Error> {
        let transport = Transport::new(signal, &destination)?;
        let state = State {
            queue: BTreeMap::new(),
            bytes: 0,
            stats: Stats::new(signal, &destination),
            accepted: 0,
            flushing: 0,
            closed: false,
            complained: None,
            failing: false,
        };
        let shared = Arc::new(Shared {
            signal,
            destination,
            limits,
            state: Mutex::new(state),
            arrived: Notify::new(),
            urged: Notify::new(),
            settled: watch::Sender::new(0),
        });
        let worker = tokio::spawn(work(shared.clone(), transport));
        Ok(Sender { shared, worker })
    }

    /// Where this sender sends.
    pub fn destination(&self) -> &Destination {
        &self.shared.destination
    }

    /// Queues a request; never waits. A request without items is not sent (O-038).
    pub fn send(&self, request: Request) {
        if request.items == 0 {
            return;
        }
        let mut state = self.shared.lock();
        state.stats.recorded += request.items;
        let (bytes, most) = (request.body.len(), self.shared.limits.queue_bytes);
        let fault = match () {
            () if state.closed => "the sender is closed".to_owned(),
            () if bytes > MAX_REQUEST_BYTES => {
                format!("a request of {bytes} bytes is larger than OTLP allows, which is {MAX_REQUEST_BYTES}")
            }
            () if bytes > most => format!("a request of {bytes} bytes is larger than the queue of {most}"),
            () if state.bytes + bytes > most => format!("the queue of {most} bytes is full"),
            () => {
                state.bytes += bytes;
                state.stats.queued += request.items;
                state.accepted += 1;
                let number = state.accepted;
                state.queue.insert(number, request);
                drop(state);
                self.shared.arrived.notify_one();
                return;
            }
        };
        state.stats.dropped += request.items;
        self.shared
            .complain(state, format!("{} {} dropped: {fault}", request.items, self.shared.signal.items()));
    }

    /// Waits until all that was queued before this call has been answered, at most for `limit`.
    ///
    /// # Errors
    /// If something was refused or dropped meanwhile, or is still queued at the limit; it then stays queued.
    pub async fn flush(&self, limit: Duration) -> Result<(), Unsent> {
        self.flush_since(self.mark(), limit).await
    }

    /// The point from which [`Sender::flush_since`] counts what was lost.
    pub fn mark(&self) -> Mark {
        Mark { lost: self.shared.lock().stats.lost() }
    }

    /// As [`Sender::flush`], and an error also if something was refused or dropped since the mark was taken.
    ///
    /// # Errors
    /// As [`Sender::flush`].
    pub async fn flush_since(&self, mark: Mark, limit: Duration) -> Result<(), Unsent> {
        let target = self.shared.lock().accepted;
        let mut settled = self.shared.settled.subscribe();
        let in_time = {
            let _flushing = Flushing::begin(&self.shared);
            tokio::time::timeout(limit, settled.wait_for(|settled| *settled >= target)).await.is_ok()
        };
        let state = self.shared.lock();
        let lost = state.stats.lost().saturating_sub(mark.lost);
        let items = if in_time { lost } else { lost + state.stats.queued };
        if items == 0 {
            return Ok(());
        }
        let cause = state.stats.last_failure.clone().unwrap_or_else(|| "no answer in time".into());
        Err(Unsent { items, signal: self.shared.signal, cause })
    }

    /// Flushes within the limit, then stops; what is still queued is lost and counted as dropped.
    ///
    /// # Errors
    /// As [`Sender::flush_since`].
    pub async fn close_since(&self, mark: Mark, limit: Duration) -> Result<(), Unsent> {
        let flushed = self.flush_since(mark, limit).await;
        self.abandon();
        flushed
    }

    /// Stops at once; what is still queued is lost and counted as dropped.
    pub fn abandon(&self) {
        self.worker.abort();
        let mut state = self.shared.lock();
        state.closed = true;
        state.stats.dropped += std::mem::take(&mut state.stats.queued);
        state.queue.clear();
        state.bytes = 0;
        self.shared.settled_up_to(state.accepted);
    }

    /// What became of the items so far.
    pub fn stats(&self) -> Stats {
        self.shared.lock().stats.clone()
    }
}

impl Drop for Sender {
    fn drop(&mut self) {
        self.worker.abort();
    }
}

/// A moment in the life of a [`Sender`].
#[derive(Clone, Copy, Debug)]
pub struct Mark {
    lost: u64,
}

/// Somebody waits on a flush, for as long as this lives.
struct Flushing<'a>(&'a Shared);

impl<'a> Flushing<'a> {
    fn begin(shared: &'a Shared) -> Self {
        shared.lock().flushing += 1;
        shared.urged.notify_waiters();
        Flushing(shared)
    }
}

impl Drop for Flushing<'_> {
    fn drop(&mut self) {
        self.0.lock().flushing -= 1;
    }
}

#[derive(Debug)]
struct Shared {
    signal: Signal,
    destination: Destination,
    limits: Limits,
    state: Mutex<State>,
    arrived: Notify,
    urged: Notify,
    /// All requests up to this number have left the queue for good.
    settled: watch::Sender<u64>,
}

#[derive(Debug)]
struct State {
    /// By the number in which they came.
    queue: BTreeMap<u64, Request>,
    bytes: usize,
    stats: Stats,
    /// How many requests were ever queued.
    accepted: u64,
    flushing: usize,
    closed: bool,
    complained: Option<Instant>,
    /// A fault was said, and not yet that it has passed.
    failing: bool,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a request out of the queue for good and counts what became of it.
    fn settle(&self, number: u64, outcome: Outcome) {
        let mut state = self.lock();
        let Some(request) = state.queue.remove(&number) else { return };
        let settled = state.queue.keys().next().map_or(state.accepted, |oldest| oldest - 1);
        state.bytes -= request.body.len();
        state.stats.queued -= request.items;
        match outcome {
            Outcome::Taken { rejected, message } => {
                let rejected = rejected.min(request.items);
                state.stats.delivered += request.items - rejected;
                state.stats.failed += rejected;
                let recovered = std::mem::take(&mut state.failing);
                if !message.is_empty() || rejected > 0 {
                    let fault = format!(
                        "{} took a request of {} {}, but rejected {rejected}: {message}",
                        self.destination,
                        request.items,
                        self.signal.items()
                    );
                    self.complain(state, fault);
                } else if recovered {
                    drop(state);
                    tracing::info!(target: "throughline", "{} are delivered to {} again", self.signal.name(), self.destination);
                }
            }
            Outcome::Refused { cause } => {
                state.stats.failed += request.items;
                let items = request.items;
                self.complain(state, format!("{items} {} refused: {cause}", self.signal.items()));
            }
        }
        self.settled_up_to(settled);
    }

    /// Never steps back: a request may be settled while the sender is abandoned.
    fn settled_up_to(&self, number: u64) {
        self.settled.send_modify(|settled| *settled = number.max(*settled));
    }

    /// Notes a fault that may pass; tells whether somebody waits on a flush.
    fn stumble(&self, cause: String) -> bool {
        let state = self.lock();
        let urgent = state.flushing > 0;
        self.complain(state, cause);
        urgent
    }

    /// Keeps the fault for the statistics, and says it unless something was said a moment ago.
    fn complain(&self, mut state: MutexGuard<'_, State>, fault: String) {
        let now = Instant::now();
        let quiet = state.complained.is_some_and(|at| now.duration_since(at) < COMPLAINT_INTERVAL);
        if !quiet {
            state.complained = Some(now);
            state.failing = true;
        }
        let (queued, dropped) = (state.stats.queued, state.stats.dropped);
        state.stats.last_failure = Some(fault.clone());
        drop(state);
        if !quiet {
            tracing::warn!(target: "throughline", queued, dropped, "{}: {fault}", self.signal.name());
        }
    }

    /// The oldest request, or the next one after `skipped`; waits for one.
    async fn next(&self, skipped: Option<u64>) -> (u64, Request) {
        loop {
            let arrived = self.arrived.notified();
            {
                let state = self.lock();
                let later = skipped.and_then(|number| state.queue.range(number + 1..).next());
                if let Some((number, request)) = later.or_else(|| state.queue.iter().next()) {
                    return (*number, request.clone());
                }
            }
            arrived.await;
        }
    }
}

enum Outcome {
    Taken { rejected: u64, message: String },
    Refused { cause: String },
}

async fn work(shared: Arc<Shared>, mut transport: Transport) {
    let mut backoff = Backoff::new();
    let mut skipped = None;
    loop {
        let (number, request) = shared.next(skipped.take()).await;
        let (cause, after) = match transport.attempt(request.body).await {
            Answer::Taken { rejected, message } => {
                backoff = Backoff::new();
                shared.settle(number, Outcome::Taken { rejected, message });
                continue;
            }
            Answer::Refused { cause } => {
                backoff = Backoff::new();
                shared.settle(number, Outcome::Refused { cause });
                continue;
            }
            Answer::Busy { cause, after } => (cause, after),
            Answer::Unanswered { at_once: true, .. } => continue,
            Answer::Unanswered { cause, .. } => (cause, None),
        };
        // One request that never gets through must not hold up the others. Measurements keep their
        // order, since backends refuse what is older than what they have.
        skipped = Some(number).filter(|_| shared.signal != Signal::Metrics);
        let urged = shared.urged.notified();
        let urgent = shared.stumble(cause);
        match after {
            // The other side named a time: coming earlier would only be turned away again.
            Some(_) => tokio::time::sleep(backoff.pause(after)).await,
            None if urgent => tokio::time::sleep(backoff.short_pause(URGENT_PAUSE)).await,
            None => drop(tokio::time::timeout(backoff.pause(None), urged).await),
        }
    }
}
