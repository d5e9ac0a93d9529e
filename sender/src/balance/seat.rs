//! The place of one member, as its tasks see it.

use super::Group;
use crate::{Request, queue::Shared};
use std::{
    sync::{Arc, Weak},
    time::{Duration, Instant},
};
use tokio::sync::watch;

/// While there is no room for what comes from disk, it is looked for this often.
const ROOM_PAUSE: Duration = Duration::from_millis(20);

/// The place of a queue in its group: of a member, or of what waits for one.
#[derive(Clone, Debug)]
pub(crate) struct Seat {
    group: Weak<Group>,
    number: u64,
    removed: watch::Receiver<bool>,
    /// Attempts in a row without an answer.
    silent: u32,
    /// Since when it has been answering that one should come again.
    busy: Option<Instant>,
}

impl Seat {
    pub(super) fn new(group: Weak<Group>, number: u64, removed: watch::Receiver<bool>) -> Self {
        Seat { group, number, removed, silent: 0, busy: None }
    }

    /// Completes when it is to be there no more.
    pub(crate) async fn removed(&mut self) {
        if self.removed.wait_for(|removed| *removed).await.is_err() {
            // The group ends, and all its tasks with it.
            std::future::pending().await
        }
    }

    pub(crate) fn has_answered(&mut self) {
        (self.silent, self.busy) = (0, None);
    }

    /// An attempt failed, with an answer or without; whether it is to be left out now.
    pub(crate) fn has_failed(&mut self, with_an_answer: bool) -> bool {
        let Some(group) = self.group.upgrade() else { return false };
        let balance = group.balance();
        match with_an_answer {
            false => {
                self.silent += 1;
                self.silent >= balance.failures
            }
            true => {
                self.silent = 0;
                self.busy.get_or_insert_with(Instant::now).elapsed() >= balance.patience
            }
        }
    }

    /// Others get its share from now on.
    pub(crate) fn leave(&self) {
        self.group.upgrade().into_iter().for_each(|group| group.desk().set_away(self.number, true));
    }

    /// It gets its share again.
    pub(crate) fn join(&mut self) {
        self.has_answered();
        self.group.upgrade().into_iter().for_each(|group| group.desk().set_away(self.number, false));
    }

    /// Completes when others are there to whom something can be passed on.
    pub(crate) async fn others(&self) {
        let Some(mut changes) = self.group.upgrade().map(|group| group.changes(self.number)) else {
            return std::future::pending().await;
        };
        if let Some(changes) = &mut changes
            && changes.wait_for(|members| *members > 0).await.is_err()
        {
            std::future::pending().await
        }
    }

    /// Completes when there is room in memory for what comes from disk.
    pub(crate) async fn room(&self) {
        while self.group.upgrade().is_some_and(|group| !group.is_roomy()) {
            tokio::time::sleep(ROOM_PAUSE).await;
        }
    }

    /// Hands a request of a queue to those who get it now.
    pub(crate) fn pass(&self, from: &Arc<Shared>, number: u64, request: &Request) {
        self.group.upgrade().into_iter().for_each(|group| group.pass(from, number, request));
    }
}
