//! What waits in one queue goes on from others: the destination cannot be reached, or is there no more.
//!
//! The counts of a request go with it, in one step; its record on disk stays until those who have it now have written or
//! delivered it, so that a process that is killed in between sends it twice rather than never.

use super::{
    Receipt, Request, Until,
    receipt::{Settling, receipt},
    shared::Shared,
    state::Load,
};
use crate::{
    Undelivered,
    balance::Seat,
    disk::{Fate, Note, Place},
    split,
};
use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};
use tokio::time::Instant;

/// A disk that cannot be read is tried again after this pause.
const DISK_PAUSE: Duration = Duration::from_secs(1);

/// A request that has left a queue for others.
#[derive(Debug)]
pub(crate) struct Released {
    /// Its record in the queue that it left.
    pub(super) place: Option<Place>,
    pub(super) settling: Option<Settling>,
    /// It may have been taken already.
    pub(super) unanswered: bool,
    pub(super) since: Instant,
}

impl Released {
    /// What those who have it now must do for whoever waits.
    pub(crate) fn until(&self) -> Until {
        match (&self.settling, self.place) {
            (Some(settling), _) if settling.until == Until::Delivered => Until::Delivered,
            (None, None) => Until::Queued,
            (Some(_), _) | (None, Some(_)) => Until::OnDisk,
        }
    }
}

impl Shared {
    /// Hands over what waits, and what comes, for as long as it is let.
    pub(crate) async fn pass_on(self: &Arc<Self>, seat: &Seat) {
        loop {
            seat.others().await;
            for (number, load) in self.next(None, true).await {
                let request = match load {
                    // What was written to disk since then has its turn again.
                    Load::Memory(_) => self.lock().whole(number),
                    Load::Disk(place, items) => {
                        seat.room().await;
                        match self.fetch(number, place).await {
                            Ok(body) => body.map(|body| Request {
                                items,
                                body: split::behind(self.signal, body, place.items() - items),
                            }),
                            Err(cause) => {
                                self.stumble(cause);
                                tokio::time::sleep(DISK_PAUSE).await;
                                break;
                            }
                        }
                    }
                };
                request.into_iter().for_each(|request| seat.pass(self, number, &request));
            }
            // Nothing else here lets others go on.
            tokio::task::yield_now().await;
        }
    }

    /// Lets go of a request; `None`: it is gone already.
    pub(crate) fn release(&self, number: u64) -> Option<Released> {
        let released = self.lock().release(number)?;
        self.leaving.fetch_add(usize::from(released.place.is_some()), Ordering::Relaxed);
        self.moved_on();
        Some(released)
    }

    /// Takes a request or a part of one, for which there is room.
    pub(crate) fn take(&self, request: Request, until: Until) -> Receipt {
        let (settling, receipt) = receipt(until);
        self.lock().receive(request, settling, false, Instant::now());
        self.has_more();
        receipt
    }

    /// Takes a request, or a part of one, that another queue has let go; there is always room for it.
    pub(crate) fn receive(&self, request: Request, released: &Released) -> Receipt {
        let (settling, receipt) = receipt(released.until());
        self.lock().receive(request, settling, released.unanswered, released.since);
        self.has_more();
        receipt
    }

    /// Tells whoever waits, and the disk, what became of a request that this queue let go.
    pub(crate) fn settle_passed(self: Arc<Self>, released: Released, receipt: Receipt) {
        let Released { place, settling, .. } = released;
        if place.is_none() && settling.is_none() {
            return;
        }
        tokio::spawn(async move {
            let settled = match receipt.settled().await {
                Ok(()) => Ok(()),
                Err(Undelivered::Refused(cause)) => Err(cause),
                // Its record, if there is one, is for the next start.
                Err(Undelivered::Undecided) => return,
            };
            settling.into_iter().for_each(|settling| settling.settle(settled.clone()));
            if let Some(place) = place {
                self.lock().note(place, Note::Fate(Fate::Done));
                self.changed.notify_one();
                self.leaving.fetch_sub(1, Ordering::Relaxed);
            }
        });
    }

    /// Whether nothing of it is here any more, neither in memory nor on disk.
    pub(crate) fn is_empty(&self) -> bool {
        let state = self.lock();
        state.stats.queued == 0 && !state.has_notes() && self.leaving.load(Ordering::Relaxed) == 0
    }

    /// Bytes of requests in memory.
    pub(crate) fn bytes(&self) -> usize {
        self.lock().bytes()
    }
}
