//! The queue before a destination, and the one task that empties it.

use crate::{Answer, Destination, Error, Signal, Stats, Unsent, retry::Backoff, transport::Transport};
use bytes::Bytes;
use std::{
    collections::VecDeque,
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
/// While somebody waits on a flush, the next attempt comes at least this soon.
const URGENT_PAUSE: Duration = Duration::from_millis(250);

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
            queue: VecDeque::new(),
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
        if state.closed || state.bytes + request.body.len() > self.shared.limits.queue_bytes {
            state.stats.dropped += request.items;
            let why = if state.closed { "the sender is closed" } else { "the queue is full" };
            self.shared
                .complain(state, format!("{why}: {} {} dropped", request.items, self.shared.signal.items()));
            return;
        }
        state.bytes += request.body.len();
        state.stats.queued += request.items;
        state.accepted += 1;
        state.queue.push_back(request);
        drop(state);
        self.shared.arrived.notify_one();
    }

    /// Waits until all that was queued before this call has been answered, at most for `limit`.
    ///
    /// # Errors
    /// If something was refused meanwhile, or is still queued at the limit; it then stays queued.
    pub async fn flush(&self, limit: Duration) -> Result<(), Unsent> {
        self.flush_since(self.mark(), limit).await
    }

    /// The point from which [`Sender::flush_since`] counts refusals.
    pub fn mark(&self) -> Mark {
        Mark { failed: self.shared.lock().stats.failed }
    }

    /// As [`Sender::flush`], and an error also if something was refused since the mark was taken.
    ///
    /// # Errors
    /// As [`Sender::flush`].
    pub async fn flush_since(&self, mark: Mark, limit: Duration) -> Result<(), Unsent> {
        let target = {
            let mut state = self.shared.lock();
            state.flushing += 1;
            state.accepted
        };
        self.shared.urged.notify_waiters();
        let mut settled = self.shared.settled.subscribe();
        let in_time =
            tokio::time::timeout(limit, settled.wait_for(|settled| *settled >= target)).await.is_ok();

        let mut state = self.shared.lock();
        state.flushing -= 1;
        let items = if in_time { state.stats.failed - mark.failed } else { state.stats.queued };
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
        self.worker.abort();
        let mut state = self.shared.lock();
        state.closed = true;
        state.stats.dropped += std::mem::take(&mut state.stats.queued);
        state.queue.clear();
        state.bytes = 0;
        flushed
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
    failed: u64,
}

#[derive(Debug)]
struct Shared {
    signal: Signal,
    destination: Destination,
    limits: Limits,
    state: Mutex<State>,
    arrived: Notify,
    urged: Notify,
    /// How many requests have left the queue for good.
    settled: watch::Sender<u64>,
}

#[derive(Debug)]
struct State {
    queue: VecDeque<Request>,
    bytes: usize,
    stats: Stats,
    /// How many requests were ever queued.
    accepted: u64,
    flushing: usize,
    closed: bool,
    complained: Option<Instant>,
    failing: bool,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the request at the front out of the queue and counts what became of it.
    fn settle(&self, outcome: Outcome) {
        let mut state = self.lock();
        let Some(request) = state.queue.pop_front() else { return };
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
        self.settled.send_modify(|settled| *settled += 1);
    }

    /// Notes a fault that may pass; tells whether somebody waits on a flush.
    fn stumble(&self, cause: String) -> bool {
        let mut state = self.lock();
        state.failing = true;
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
        }
        let (queued, dropped) = (state.stats.queued, state.stats.dropped);
        state.stats.last_failure = Some(fault.clone());
        drop(state);
        if !quiet {
            tracing::warn!(target: "throughline", queued, dropped, "{}: {fault}", self.signal.name());
        }
    }

    async fn front(&self) -> Request {
        loop {
            let arrived = self.arrived.notified();
            if let Some(request) = self.lock().queue.front() {
                return request.clone();
            }
            arrived.await;
        }
    }
}

enum Outcome {
    Taken { rejected: u64, message: String },
    Refused { cause: String },
}

async fn work(shared: Arc<Shared>, transport: Transport) {
    let mut backoff = Backoff::new();
    loop {
        let request = shared.front().await;
        match transport.attempt(request.body).await {
            Answer::Taken { rejected, message } => {
                backoff = Backoff::new();
                shared.settle(Outcome::Taken { rejected, message });
            }
            Answer::Refused { cause } => {
                backoff = Backoff::new();
                shared.settle(Outcome::Refused { cause });
            }
            Answer::Busy { cause, after } => {
                let urged = shared.urged.notified();
                let urgent = shared.stumble(cause);
                let pause = backoff.pause(after);
                match after {
                    // The other side named a time: coming earlier would only be turned away again.
                    Some(_) => tokio::time::sleep(pause).await,
                    None if urgent => tokio::time::sleep(pause.min(URGENT_PAUSE)).await,
                    None => drop(tokio::time::timeout(pause, urged).await),
                }
            }
        }
    }
}
