//! The queue before a destination, and the one task that empties it.

mod batch; // how much is sent as one
mod receipt; // what becomes of one request
mod state; // what waits, and what became of the rest
mod shared; // … with those who wait for it
mod worker; // one attempt after the other
mod keeper; // to disk, and from it

use crate::{
    Destination, Disk, Error, Signal, Stats, Unsent,
    disk::{Found, Store},
    transport::Transport,
};
pub use batch::Batch;
use bytes::Bytes;
use receipt::receipt;
pub use receipt::{Receipt, Undelivered, Until};
use shared::{Shared, Topic, Watcher};
use state::State;
use std::{
    sync::{Arc, atomic::Ordering, mpsc},
    thread,
    time::Duration,
};
use tokio::{
    task::{JoinHandle, spawn_blocking},
    time::Instant,
};

/// Room for about 30,000 spans of usual size: minutes of an outage, little beside a service's own memory.
pub const DEFAULT_QUEUE_BYTES: usize = 16 << 20;
/// The part of the limit of a close that is kept for the disk: a quarter, but no more than this.
const MOST_FOR_DISK: Duration = Duration::from_secs(1);
/// What the disk is given in any case: to write what memory holds takes a part of it.
const LEAST_FOR_DISK: Duration = Duration::from_millis(200);

/// One encoded `Export…ServiceRequest`.
#[derive(Clone, Debug)]
pub struct Request {
    /// How many spans, data points or log records the body holds.
    pub items: u64,
    /// The protobuf bytes.
    pub body: Bytes,
}

/// What a sender may keep.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Bytes of requests in memory, the one under way among them. Default: [`DEFAULT_QUEUE_BYTES`].
    pub queue_bytes: usize,
    /// Where requests wait that cannot be sent for now. A local destination has no use for it. Default: `None`,
    /// they wait in memory.
    pub disk: Option<Disk>,
    /// How much of what waits is sent as one request. Default: `None`, each request alone and at once.
    pub batch: Option<Batch>,
}

impl Default for Limits {
    fn default() -> Self {
        Limits { queue_bytes: DEFAULT_QUEUE_BYTES, disk: None, batch: None }
    }
}

/// The way of one signal to one destination. See the [crate's page](crate).
///
/// Dropped without a close, it writes what it can to its disk; what is then in memory is lost.
#[derive(Debug)]
pub struct Sender {
    shared: Arc<Shared>,
    worker: JoinHandle<()>,
    keeper: Option<JoinHandle<()>>,
    notices: Vec<String>,
}

impl Sender {
    /// Starts the task that sends; must be called in a Tokio runtime with time and IO, where the task lives. What an
    /// earlier process left on disk for the destination is queued before all else.
    ///
    /// # Errors
    /// If the URL is incomplete, the protocol or TLS was not compiled in, the root certificates cannot be read, or
    /// the directory of the disk cannot be used. Nothing is sent here.
    pub fn start(signal: Signal, destination: Destination, limits: Limits) -> Result<Self, Error> {
        let transport = Transport::new(signal, &destination)?;
        let disk = limits.disk.as_ref().filter(|_| matches!(destination, Destination::Remote(_)));
        let (store, mut found) = match disk.map(|disk| Store::open(disk, signal, &destination)).transpose()? {
            Some((store, found)) => (Some(store), found),
            None => (None, Found::default()),
        };
        let mut notices = std::mem::take(&mut found.notices);
        let has_disk = store.is_some();
        let state = State::new(Stats::new(signal, &destination), found);
        if state.stats.on_disk > 0 {
            let waiting = state.stats.on_disk;
            notices.push(format!("{waiting} {} of an earlier process are sent now", signal.items()));
        }
        let shared = Arc::new(Shared::new(signal, destination, limits, store, state));
        let worker = tokio::spawn(shared.clone().work(transport));
        let keeper = has_disk.then(|| tokio::spawn(shared.clone().keep()));
        Ok(Sender { shared, worker, keeper, notices })
    }

    /// Where this sender sends.
    pub fn destination(&self) -> &Destination {
        &self.shared.destination
    }

    /// What the start found on disk that an operator should know, one line each.
    pub fn notices(&self) -> &[String] {
        &self.notices
    }

    /// Tells of every request that is delivered or refused from now on, all attempts together: how long it was here,
    /// and whether something in it was refused. Called where the sender's tasks run: must not block. Only the first
    /// call counts.
    pub fn watch(&self, watcher: impl Fn(Duration, bool) + Send + Sync + 'static) {
        // An error means that there is one already.
        let _ = self.shared.watcher.set(Watcher(Box::new(watcher)));
    }

    /// Queues a request; never waits. A request without items is not sent (O-038).
    pub fn send(&self, request: Request) {
        if request.items == 0 {
            return;
        }
        let items = request.items;
        let admitted = self.shared.lock().admit(request, &self.shared.limits);
        match admitted {
            Ok(()) => {
                self.shared.arrived.notify_one();
                self.shared.changed.notify_one();
            }
            Err(fault) => {
                let fault = format!("{items} {} dropped: {fault}", self.shared.signal.items());
                self.shared.complain(Topic::Destination, fault);
            }
        }
    }

    /// Queues a request, or tells why not: then it is not counted either, and whoever has it may come again. The receipt
    /// tells when it is as far as it should be. A request without items is not sent (O-038).
    ///
    /// # Errors
    /// If the queue is full, the request is larger than what may be queued, or the sender is closed.
    pub fn submit(&self, request: Request, until: Until) -> Result<Receipt, Error> {
        let (settling, receipt) = receipt(if request.items == 0 { Until::Queued } else { until });
        if request.items > 0 {
            self.shared.lock().queue(request, settling, &self.shared.limits).map_err(Error)?;
            self.shared.arrived.notify_one();
            self.shared.changed.notify_one();
        }
        Ok(receipt)
    }

    /// Whether a request of so many bytes would be queued now.
    ///
    /// # Errors
    /// If it would not be; as [`Sender::submit`].
    pub fn has_room(&self, bytes: usize) -> Result<(), Error> {
        self.shared.lock().has_room(bytes, &self.shared.limits).map_err(Error)
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
        match self.all_settled(limit).await {
            true => self.unsent(mark, 0),
            false => self.unsent(mark, self.stats().queued),
        }
    }

    async fn all_settled(&self, limit: Duration) -> bool {
        let target = self.shared.lock().accepted;
        let mut settled = self.shared.settled.subscribe();
        let _flushing = Flushing::begin(&self.shared);
        tokio::time::timeout(limit, settled.wait_for(|settled| *settled >= target)).await.is_ok()
    }

    fn unsent(&self, mark: Mark, late: u64) -> Result<(), Unsent> {
        let state = self.shared.lock();
        let items = state.stats.lost().saturating_sub(mark.lost) + late;
        if items == 0 {
            return Ok(());
        }
        let cause = state.stats.last_failure.clone().unwrap_or_else(|| "no answer in time".into());
        Err(Unsent { items, signal: self.shared.signal, cause })
    }

    /// Flushes within the limit, then stops. What is still queued goes to disk, where the next start finds it;
    /// without a disk it is lost and counted as dropped.
    ///
    /// # Errors
    /// If something was refused or lost since the mark was taken.
    pub async fn close_since(&self, mark: Mark, limit: Duration) -> Result<(), Unsent> {
        let for_disk = match &self.shared.store {
            Some(_) => (limit / 4).min(MOST_FOR_DISK),
            None => Duration::ZERO,
        };
        let deadline = Instant::now() + limit.max(LEAST_FOR_DISK);
        self.all_settled(limit - for_disk).await;
        self.stop();
        if self.shared.store.is_some() {
            let shared = self.shared.clone();
            // In time or not: what is not on disk then is lost.
            let _ = tokio::time::timeout_at(deadline, spawn_blocking(move || shared.leave())).await;
        }
        self.shared.end();
        self.unsent(mark, 0)
    }

    /// Stops at once. What is still queued goes to disk if that is done in a moment; else it is lost and counted as
    /// dropped.
    pub fn abandon(&self) {
        if self.shared.has_ended() {
            return;
        }
        self.stop();
        if self.shared.store.is_some() {
            let (shared, (written, wait)) = (self.shared.clone(), mpsc::channel());
            // A disk that hangs must not hold up the caller.
            let thread = thread::Builder::new().name("throughline-disk".into());
            let _ = thread.spawn(move || {
                shared.leave();
                // Nobody may wait any more.
                let _ = written.send(());
            });
            let _ = wait.recv_timeout(LEAST_FOR_DISK);
        }
        self.shared.end();
    }

    /// Nothing is taken up or attempted any more.
    fn stop(&self) {
        self.worker.abort();
        self.keeper.iter().for_each(JoinHandle::abort);
        self.shared.lock().closed = true;
    }

    /// What became of the items so far.
    pub fn stats(&self) -> Stats {
        self.shared.lock().stats.clone()
    }
}

impl Drop for Sender {
    fn drop(&mut self) {
        self.abandon();
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
        shared.flushing.fetch_add(1, Ordering::Relaxed);
        shared.urged.notify_waiters();
        Flushing(shared)
    }
}

impl Drop for Flushing<'_> {
    fn drop(&mut self) {
        self.0.flushing.fetch_sub(1, Ordering::Relaxed);
    }
}
