//! Brings to disk what waits too long, and notes there what became of it.

use super::shared::{Shared, Topic};
use crate::disk::{Fault, Place, Store};
use bytes::Bytes;
use std::{
    sync::{Arc, PoisonError},
    time::Duration,
};
use tokio::{task::spawn_blocking, time::Instant};

/// A disk that is full or broken is tried again after this pause. Meanwhile requests wait in memory.
const DISK_PAUSE: Duration = Duration::from_secs(5);

impl Shared {
    /// Does what is to be done on disk, for as long as the sender lives.
    pub(super) async fn keep(self: Arc<Self>) {
        let mut pause = None;
        loop {
            self.work_on_disk(pause).await;
            let shared = self.clone();
            // An error means that the runtime ends.
            let all_written = spawn_blocking(move || shared.tend()).await.unwrap_or(true);
            pause = (!all_written).then(|| Instant::now() + DISK_PAUSE);
        }
    }

    /// Completes when there is something to note, or something to spill and no pause.
    async fn work_on_disk(&self, pause: Option<Instant>) {
        loop {
            let changed = self.changed.notified();
            let spill_at = {
                let state = self.lock();
                if state.has_marks() {
                    return;
                }
                state.spill_at(&self.limits).map(|at| pause.map_or(at, |pause| pause.max(at)))
            };
            match spill_at {
                Some(at) if at <= Instant::now() => return,
                Some(at) => drop(tokio::time::timeout_at(at, changed).await),
                None => changed.await,
            }
        }
    }

    /// Notes what is to be noted and spills what is in memory. Blocks. `false`: not all of it could be written.
    pub(super) fn tend(&self) -> bool {
        let Some(store) = &self.store else { return true };
        let mut store = store.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(store) = store.as_mut() else { return true };
        loop {
            self.note(store);
            let (numbers, requests) = self.lock().to_spill();
            if requests.is_empty() {
                return true;
            }
            let places = match store.append(&requests) {
                Ok(places) => places,
                Err(error) => {
                    let directory = store.directory().display();
                    let fault = format!("the queue cannot be written to {directory}: {error}");
                    self.complain(Topic::Disk, fault);
                    return false;
                }
            };
            let all_written = places.len() == requests.len();
            self.lock().spilled(&numbers, places);
            self.note(store);
            if !all_written {
                let fault = format!("the queue on disk is full: {} bytes", store.limit());
                self.complain(Topic::Disk, fault);
                return false;
            }
        }
    }

    /// Reads a request for an attempt. `Ok(None)`: it is lost, which is counted and said.
    pub(super) async fn fetch(self: &Arc<Self>, number: u64, place: Place) -> Result<Option<Bytes>, String> {
        let shared = self.clone();
        let read = spawn_blocking(move || {
            let mut store = shared.store.as_ref()?.lock().unwrap_or_else(PoisonError::into_inner);
            let store = store.as_mut()?;
            // In their order: else what the last attempt left to be noted would contradict this one.
            shared.note(store);
            Some(store.read(&place))
        });
        match read.await {
            Ok(Some(Ok(body))) => Ok(Some(body)),
            Ok(Some(Err(Fault::Unreadable(error)))) => {
                Err(format!("the queue on disk cannot be read: {error}"))
            }
            Ok(Some(Err(Fault::Lost(cause)))) => {
                let items = self.lock().lose(number);
                let fault =
                    format!("{items} {} dropped: not found again on disk: {cause}", self.signal.items());
                self.complain(Topic::Disk, fault);
                self.moved_on();
                Ok(None)
            }
            // The sender is closed, or the runtime ends, and this task with it.
            Ok(None) | Err(_) => std::future::pending().await,
        }
    }

    /// The last thing done on disk: then it is left to the next start. Blocks.
    pub(super) fn leave(&self) {
        self.tend();
        let Some(store) = &self.store else { return };
        let Some(store) = store.lock().unwrap_or_else(PoisonError::into_inner).take() else { return };
        let waiting = self.lock().stats.on_disk;
        if waiting > 0 {
            let (signal, directory) = (self.signal, store.directory().display());
            tracing::info!(
                target: "throughline", "{}: {waiting} {} wait in {directory} for the next start", signal.name(), signal.items()
            );
        }
    }

    fn note(&self, store: &mut Store) {
        let marks = self.lock().take_marks();
        for (place, fate) in marks {
            if let Err(error) = store.mark(&place, fate) {
                let directory = store.directory().display();
                let fault =
                    format!("{directory} cannot be changed, what was delivered may be sent again: {error}");
                self.complain(Topic::Disk, fault);
            }
        }
    }
}
