//! One queue with its tasks: their beginning and their end.

use super::{
    LEAST_FOR_DISK, Limits, MOST_FOR_DISK, Request,
    receipt::{Receipt, Until, receipt},
    shared::{Shared, Topic, Watcher},
    state::State,
};
use crate::{
    Destination, Error, Signal, Stats,
    disk::{Found, Store},
};
use std::{
    sync::{Arc, atomic::Ordering, mpsc},
    thread,
    time::Duration,
};
use tokio::{
    task::{JoinHandle, spawn_blocking},
    time::Instant,
};

/// A queue, the task that empties it, and the one that brings it to disk.
///
/// Dropped without a close, it writes what it can to its disk; what is then in memory is lost.
#[derive(Debug)]
pub(crate) struct Line {
    pub(crate) shared: Arc<Shared>,
    worker: JoinHandle<()>,
    keeper: Option<JoinHandle<()>>,
    notices: Vec<String>,
}

impl Line {
    /// Starts the tasks in the Tokio runtime in which it is called; what is on disk is queued before all else.
    pub(crate) fn start<W>(
        signal: Signal,
        destination: Destination,
        limits: Limits,
        kept: Option<(Store, Found)>,
        work: impl FnOnce(Arc<Shared>) -> W,
    ) -> Self
    where
        W: Future<Output = ()> + Send + 'static,
    {
        let (store, mut found) = match kept {
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
        let worker = tokio::spawn(work(shared.clone()));
        let keeper = has_disk.then(|| tokio::spawn(shared.clone().keep()));
        Line { shared, worker, keeper, notices }
    }

    pub(crate) fn notices(&self) -> &[String] {
        &self.notices
    }

    pub(crate) fn watch(&self, watcher: Watcher) {
        // An error means that there is one already.
        let _ = self.shared.watcher.set(watcher);
    }

    pub(crate) fn send(&self, request: Request) {
        let items = request.items;
        let admitted = self.shared.lock().admit(request, &self.shared.limits);
        match admitted {
            Ok(()) => self.shared.has_more(),
            Err(fault) => self.shared.complain_of_drop(items, &fault),
        }
    }

    /// Says a fault of the destination.
    pub(crate) fn complain(&self, fault: String) {
        self.shared.complain(Topic::Destination, fault);
    }

    pub(crate) fn submit(&self, request: Request, until: Until) -> Result<Receipt, Error> {
        let (settling, receipt) = receipt(if request.items == 0 { Until::Queued } else { until });
        if request.items > 0 {
            self.shared.lock().queue(request, settling, &self.shared.limits).map_err(Error)?;
            self.shared.has_more();
        }
        Ok(receipt)
    }

    pub(crate) fn has_room(&self, bytes: usize) -> Result<(), Error> {
        self.shared.lock().has_room(bytes, &self.shared.limits).map_err(Error)
    }

    /// Waits until all that is queued now has left the queue; `false`: not all of it has, within the limit.
    pub(crate) async fn all_settled(&self, limit: Duration) -> bool {
        let target = self.shared.lock().accepted;
        let _flushing = Flushing::begin(&self.shared);
        self.shared.settled_to(target, limit).await
    }

    pub(crate) async fn close(&self, limit: Duration) {
        let for_disk = match &self.shared.store {
            Some(_) => (limit / 4).min(MOST_FOR_DISK),
            None => Duration::ZERO,
        };
        let deadline = Instant::now() + limit.max(LEAST_FOR_DISK);
        self.all_settled(limit - for_disk).await;
        self.stop();
        self.leave(deadline).await;
    }

    /// Brings what is still queued to disk; in time or not: what is not there then is lost.
    pub(crate) async fn leave(&self, deadline: Instant) {
        if self.shared.store.is_some() {
            let shared = self.shared.clone();
            let _ = tokio::time::timeout_at(deadline, spawn_blocking(move || shared.leave())).await;
        }
        self.shared.end();
    }

    pub(crate) fn abandon(&self) {
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
    pub(crate) fn stop(&self) {
        self.worker.abort();
        self.keeper.iter().for_each(JoinHandle::abort);
        self.shared.lock().closed = true;
    }

    pub(crate) fn stats(&self) -> Stats {
        self.shared.lock().stats.clone()
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.abandon();
    }
}

/// Somebody waits on a flush, for as long as this lives.
pub(crate) struct Flushing<'a>(&'a Shared);

impl<'a> Flushing<'a> {
    pub(crate) fn begin(shared: &'a Shared) -> Self {
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
