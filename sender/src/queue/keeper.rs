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
            let is_spill_due = self.work_on_disk(pause).await;
            let shared = self.clone();
            // An error means that the runtime ends.
            let all_written = spawn_blocking(move || shared.tend(is_spill_due)).await.unwrap_or(true);
            if is_spill_due {
                pause = (!all_written).then(|| Instant::now() + DISK_PAUSE);
            }
        }
    }

    /// Completes when there is something to note, or something to spill and no pause; `true`: to spill.
    async fn work_on_disk(&self, pause: Option<Instant>) -> bool {
        loop {
            let changed = self.changed.notified();
            let (spill_at, has_notes) = {
                let state = self.lock();
                (state.spill_at(&self.limits), state.has_notes())
            };
            let spill_at = spill_at.map(|at| pause.map_or(at, |pause| pause.max(at)));
            match spill_at {
                Some(at) if at <= Instant::now() => return true,
                _ if has_notes => return false,
                Some(at) => drop(tokio::time::timeout_at(at, changed).await),
                None => changed.await,
            }
        }
    }

    /// Notes what is to be noted and, if that is due, spills what is in memory. Blocks. `false`: not all of it could be
    /// written.
    fn tend(&self, is_spill_due: bool) -> bool {
        let Some(store) = &self.store else { return true };
        let mut store = store.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(store) = store.as_mut() else { return true };
        self.note(store);
        if !is_spill_due {
            return true;
        }
        loop {
            let (numbers, requests) = self.lock().to_spill();
            if requests.is_empty() {
                return true;
            }
            let fault = match store.append(&requests) {
                Ok(places) if places.is_empty() => {
                    format!("the queue on disk is full: {} bytes", store.limit())
                }
                Ok(places) => {
                    self.lock().spilled(&numbers, places);
                    self.note(store);
                    continue;
                }
                Err(error) => {
                    format!("the queue cannot be written to {}: {error}", store.directory().display())
                }
            };
            self.complain(Topic::Disk, fault);
            return false;
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

    /// Brings to disk what is in memory, before the last thing is done there. Blocks.
    pub(crate) fn spill(&self) {
        self.tend(true);
    }

    /// The last thing done on disk: then it is left to the next start. Blocks.
    pub(super) fn leave(&self) {
        self.lock().leave();
        self.tend(true);
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
        let notes = self.lock().take_notes();
        for (place, note) in notes {
            if let Err(error) = store.note(&place, note) {
                let directory = store.directory().display();
                let fault =
                    format!("{directory} cannot be changed, what was delivered may be sent again: {error}");
                self.complain(Topic::Disk, fault);
            }
        }
    }
}
