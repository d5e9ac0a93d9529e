//! Which requests are sent as one: those that wait next to each other, within the bounds of a [`Batch`].

use super::{Entry, State};
use crate::{Request, disk::Place, queue::Batch};
use tokio::time::Instant;

/// What is to be sent next, from where it waits.
pub(in crate::queue) enum Load {
    Memory(Request),
    /// The last so many items of what is there.
    Disk(Place, u64),
}

impl Load {
    fn size(&self) -> (u64, usize) {
        match self {
            Load::Memory(request) => (request.items, request.body.len()),
            Load::Disk(place, items) => (*items, place.bytes()),
        }
    }
}

/// When something is to be sent.
pub(in crate::queue) enum Due {
    /// These by their numbers. They are under way from now on, whoever writes them to disk meanwhile.
    Now(Vec<(u64, Load)>),
    /// When the oldest has waited for long enough.
    At(Instant),
    /// When something comes.
    Never,
}

impl Entry {
    /// What is left of it, or the next piece of that.
    fn load(&self) -> Option<Load> {
        match (self.pieces.front(), self.place) {
            (Some(piece), _) => Some(Load::Memory(piece.clone())),
            (None, Some(place)) => Some(Load::Disk(place, self.items)),
            (None, None) => None,
        }
    }
}

impl State {
    /// The oldest requests, or the next ones after `skipped`; none after the end. Without a batch it is one, at once.
    pub(in crate::queue) fn next(
        &mut self,
        skipped: Option<u64>,
        batch: Option<&Batch>,
        is_urgent: bool,
    ) -> Due {
        if self.closed {
            return Due::Never;
        }
        let later = skipped.and_then(|number| self.queue.range(number + 1..).next());
        let Some((first, entry)) = later.or_else(|| self.queue.iter().next()) else { return Due::Never };
        if let Some(batch) = batch.filter(|_| !is_urgent && !entry.tried) {
            let at = entry.since + batch.delay;
            let is_full = self.stats.queued >= batch.items || self.bytes >= batch.bytes;
            if !is_full && at > Instant::now() {
                return Due::At(at);
            }
        }
        let loads = self.group(*first, batch);
        match loads.last() {
            Some((last, _)) => {
                self.under_way = Some(*first..=*last);
                Due::Now(loads)
            }
            None => Due::Never,
        }
    }

    fn group(&self, first: u64, batch: Option<&Batch>) -> Vec<(u64, Load)> {
        let (mut loads, mut most) = (Vec::new(), if batch.is_some() { usize::MAX } else { 1 });
        let (most_items, most_bytes) = batch.map_or((0, 0), |batch| (batch.items, batch.bytes));
        let (mut items, mut bytes) = (0, 0);
        for (number, entry) in self.queue.range(first..) {
            most = most.min(entry.most);
            let Some(load) = entry.load().filter(|_| loads.len() < most) else { break };
            let (more_items, more_bytes) = load.size();
            items += more_items;
            bytes += more_bytes;
            let is_full = items > most_items || bytes > most_bytes;
            if is_full && !loads.is_empty() {
                break;
            }
            loads.push((*number, load));
        }
        loads
    }

    /// Sends these in smaller groups from now on: something in one of them condemned them all.
    pub(in crate::queue) fn part(&mut self, numbers: &[u64]) {
        self.under_way = None;
        for number in numbers {
            if let Some(entry) = self.queue.get_mut(number) {
                entry.most = numbers.len() / 2;
            }
        }
    }
}
