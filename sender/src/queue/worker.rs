//! The task that empties the queue.

use super::{
    shared::{Outcome, Shared},
    state::Load,
};
use crate::{
    Answer, Request, Signal, balance::Seat, content::Content, retry::Backoff, split, transport::Transport,
};
use std::{sync::Arc, time::Duration};

/// While somebody waits on a flush, pauses grow no longer than this.
const URGENT_PAUSE: Duration = Duration::from_secs(1);

impl Shared {
    /// Sends what waits, for as long as the sender lives. With a seat in a group, others get it while nobody is there.
    pub(crate) async fn work(self: Arc<Self>, mut transport: Transport, mut seat: Option<Seat>) {
        let mut backoff = Backoff::new();
        let mut skipped = None;
        loop {
            let removed = async {
                match &mut seat {
                    Some(seat) => seat.removed().await,
                    None => std::future::pending().await,
                }
            };
            let loads = tokio::select! {
                biased;
                () = removed => break,
                loads = self.next(skipped.take(), false) => loads,
            };
            let last = loads.last().map(|(number, _)| *number);
            let (cause, after) = match self.attempt(loads, &mut transport).await {
                None => {
                    backoff = Backoff::new();
                    seat.iter_mut().for_each(Seat::has_answered);
                    continue;
                }
                Some(postponed) => postponed,
            };
            if let Some(seat) = &mut seat
                && seat.has_failed(transport.has_heard())
            {
                self.stay_away(cause, &mut transport, seat, &mut backoff).await;
                continue;
            }
            // One request that never gets through must not hold up the others. Measurements keep their order,
            // since backends refuse what is older than what they have.
            skipped = last.filter(|_| self.signal != Signal::Metrics);
            let urged = self.urged.notified();
            let urgent = self.stumble(cause);
            match after {
                // The other side named a time: coming earlier would only be turned away again.
                Some(_) => tokio::time::sleep(backoff.pause(after)).await,
                None if urgent => tokio::time::sleep(backoff.short_pause(URGENT_PAUSE)).await,
                None => drop(tokio::time::timeout(backoff.pause(None), urged).await),
            }
        }
        if let Some(seat) = &seat {
            self.pass_on(seat).await;
        }
    }

    /// Passes on what waits until the destination can be reached again.
    async fn stay_away(
        self: &Arc<Self>,
        cause: String,
        transport: &mut Transport,
        seat: &mut Seat,
        backoff: &mut Backoff,
    ) {
        self.stumble(format!("{cause}; others get its share"));
        seat.leave();
        let mut watched = seat.clone();
        tokio::select! {
            () = self.is_reachable(transport, backoff) => seat.join(),
            () = self.pass_on(seat) => {}
            () = watched.removed() => {}
        }
    }

    /// Tries with requests that hold nothing until one is taken.
    async fn is_reachable(&self, transport: &mut Transport, backoff: &mut Backoff) {
        loop {
            let urged = self.urged.notified();
            match self.is_urgent() {
                true => tokio::time::sleep(backoff.short_pause(URGENT_PAUSE)).await,
                false => drop(tokio::time::timeout(backoff.pause(None), urged).await),
            }
            match transport.attempt(Content::default()).await {
                // Some take no empty ones.
                Answer::Taken { .. } | Answer::Malformed { .. } => return,
                Answer::Refused { cause }
                | Answer::TooLarge { cause }
                | Answer::Busy { cause, .. }
                | Answer::Unanswered { cause, .. } => {
                    self.stumble(format!("{cause}; others get its share"));
                }
            }
        }
    }

    /// One attempt with requests that are sent as one, or with a piece of one. What it comes to without a decision: the
    /// fault, and the wait that the other side asks for.
    async fn attempt(
        self: &Arc<Self>,
        loads: Vec<(u64, Load)>,
        transport: &mut Transport,
    ) -> Option<(String, Option<Duration>)> {
        let (mut group, mut requests) = (Vec::with_capacity(loads.len()), Vec::with_capacity(loads.len()));
        for (number, load) in loads {
            let request = match load {
                Load::Memory(request) => request,
                Load::Disk(place, items) => match self.fetch(number, place).await {
                    Ok(Some(body)) => {
                        Request { items, body: split::behind(self.signal, body, place.items() - items) }
                    }
                    Ok(None) => continue,
                    Err(cause) if requests.is_empty() => return Some((cause, None)),
                    // The others are on their way.
                    Err(_) => break,
                },
            };
            group.push((number, request.items));
            requests.push(request);
        }
        if requests.is_empty() {
            return None;
        }
        {
            let mut state = self.lock();
            group.iter().for_each(|(number, items)| state.begin(*number, *items));
        }
        let content = requests.iter().map(|request| request.body.clone()).collect();
        match transport.attempt(content).await {
            Answer::Taken { rejected, message } => {
                self.settle(&group, Outcome::Taken { rejected, message });
            }
            Answer::TooLarge { .. } | Answer::Malformed { .. } if group.len() > 1 => {
                let numbers = Vec::from_iter(group.iter().map(|(number, _)| *number));
                self.lock().part(&numbers);
            }
            Answer::TooLarge { cause } => {
                let halves = requests.first().and_then(|request| split::halves(self.signal, request));
                match (&group[..], halves) {
                    ([(number, _)], Some(halves)) => self.lock().split(*number, halves),
                    _ => self.settle(&group, Outcome::Refused { cause }),
                }
            }
            Answer::Refused { cause } | Answer::Malformed { cause } => {
                self.settle(&group, Outcome::Refused { cause });
            }
            Answer::Busy { cause, after } => {
                self.postpone(&group, false);
                return Some((cause, after));
            }
            Answer::Unanswered { cause, at_once } => {
                self.postpone(&group, true);
                return Some((cause, None)).filter(|_| !at_once);
            }
        }
        None
    }
}
