//! What the receiver's thread and the test have in common.

use super::{Arrival, Fault, Setup, content::Content, script::Script};
use crate::sender::Signal;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::watch;

/// Told of every change, and of every release of what hangs.
pub(super) struct Shared {
    pub(super) setup: Setup,
    state: Mutex<State>,
    pub(super) changes: watch::Sender<()>,
    pub(super) releases: watch::Sender<()>,
}

#[derive(Default)]
pub(super) struct State {
    pub(super) script: Script,
    pub(super) connections: u64,
    pub(super) arrivals: Vec<Arrival>,
    pub(super) taken: Vec<Content>,
    pub(super) complaints: Vec<String>,
}

impl Shared {
    pub(super) fn new(setup: Setup) -> Arc<Self> {
        let (changes, releases) = (watch::Sender::new(()), watch::Sender::new(()));
        Arc::new(Shared { setup, state: Mutex::default(), changes, releases })
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let changed = change(&mut self.lock());
        self.changes.send_replace(());
        changed
    }

    /// The number of a new connection, and whether it is closed at once.
    pub(super) fn connected(&self) -> (u64, bool) {
        self.change(|state| {
            state.connections += 1;
            (state.connections, state.script.closes())
        })
    }

    /// The place of a new request in the list.
    pub(super) fn arrived(&self, arrival: Arrival) -> usize {
        self.change(|state| {
            state.arrivals.push(arrival);
            state.arrivals.len() - 1
        })
    }

    pub(super) fn note(&self, number: usize, note: impl FnOnce(&mut Arrival)) {
        self.change(|state| state.arrivals.get_mut(number).map(note));
    }

    pub(super) fn take(&self, number: usize, content: Content) {
        let items = content.items();
        self.change(|state| {
            state.taken.push(content);
            if let Some(arrival) = state.arrivals.get_mut(number) {
                arrival.taken = items;
            }
        });
    }

    pub(super) fn fault(&self, signal: Signal) -> Option<Fault> {
        self.lock().script.next(signal)
    }

    pub(super) fn complain(&self, words: String) {
        self.change(|state| state.complaints.push(words));
    }

    pub(super) async fn is_released(&self) {
        // It fails only if the receiver is gone, and then so is this.
        let _ = self.releases.subscribe().changed().await;
    }
}
