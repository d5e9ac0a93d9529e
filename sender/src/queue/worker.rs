//! The task that empties the queue.

use super::{
    shared::{Outcome, Shared},
    state::Load,
};
use crate::{Answer, Request, Signal, retry::Backoff, split, transport::Transport};
use std::{sync::Arc, time::Duration};

/// While somebody waits on a flush, pauses grow no longer than this.
const URGENT_PAUSE: Duration = Duration::from_secs(1);

impl Shared {
    pub(super) async fn work(self: Arc<Self>, mut transport: Transport) {
        let mut backoff = Backoff::new();
        let mut skipped = None;
        loop {
            let (number, load) = self.next(skipped.take()).await;
            let (cause, after) = match self.attempt(number, load, &mut transport).await {
                None => {
                    backoff = Backoff::new();
                    continue;
                }
                Some(postponed) => postponed,
            };
            // One request that never gets through must not hold up the others. Measurements keep their order,
            // since backends refuse what is older than what they have.
            skipped = Some(number).filter(|_| self.signal != Signal::Metrics);
            let urged = self.urged.notified();
            let urgent = self.stumble(cause);
            match after {
                // The other side named a time: coming earlier would only be turned away again.
                Some(_) => tokio::time::sleep(backoff.pause(after)).await,
                None if urgent => tokio::time::sleep(backoff.short_pause(URGENT_PAUSE)).await,
                None => drop(tokio::time::timeout(backoff.pause(None), urged).await),
            }
        }
    }

    /// One attempt with a request or a piece of one. What it comes to without a decision: the fault, and the wait
    /// that the other side asks for.
    async fn attempt(
        self: &Arc<Self>,
        number: u64,
        load: Load,
        transport: &mut Transport,
    ) -> Option<(String, Option<Duration>)> {
        let request = match load {
            Load::Memory(request) => request,
            Load::Disk(place, items) => match self.fetch(number, place).await {
                Ok(Some(body)) => {
                    Request { items, body: split::behind(self.signal, body, place.items() - items) }
                }
                Ok(None) => return None,
                Err(cause) => return Some((cause, None)),
            },
        };
        let items = request.items;
        self.lock().begin(number, items);
        match transport.attempt(request.body.clone()).await {
            Answer::Taken { rejected, message } => {
                self.settle(number, items, Outcome::Taken { rejected, message });
            }
            Answer::Refused { cause } => self.settle(number, items, Outcome::Refused { cause }),
            Answer::TooLarge { cause } => match split::halves(self.signal, &request) {
                Some(halves) => self.lock().split(number, halves),
                None => self.settle(number, items, Outcome::Refused { cause }),
            },
            Answer::Busy { cause, after } => {
                self.postpone(number, false);
                return Some((cause, after));
            }
            Answer::Unanswered { cause, at_once } => {
                self.postpone(number, true);
                return Some((cause, None)).filter(|_| !at_once);
            }
        }
        None
    }
}
