//! What waits, where it waits, and what became of the rest: pure bookkeeping.

mod group; // what is sent as one

use super::{
    Limits,
    passing::Released,
    receipt::{Settling, Until},
};
use crate::{
    Request, Stats,
    disk::{Fate, Found, FoundRequest, Note, Place},
};
use bytes::BytesMut;
pub(super) use group::{Due, Load};
use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    ops::RangeInclusive,
    time::Duration,
};
use tokio::time::Instant;

/// What waits in memory longer goes to disk: so much a process that is killed may lose, beside what is not yet a
/// request.
pub(super) const SPILL_AGE: Duration = Duration::from_secs(1);

/// A request in the queue.
#[derive(Debug)]
struct Entry {
    /// Of which nobody knows yet what becomes of them.
    items: u64,
    /// In memory: the request, or the pieces of it that are left. Empty: on disk only.
    pieces: VecDeque<Request>,
    /// On disk: the request, or what was left of it when it was written.
    place: Option<Place>,
    /// Since when this process has it.
    since: Instant,
    /// There was an attempt.
    tried: bool,
    /// An attempt had no answer.
    unanswered: bool,
    /// Something in it was refused.
    failed: bool,
    /// Of how many requests the group may be that it is sent in.
    most: usize,
    /// Whoever waits for what becomes of it.
    settling: Option<Settling>,
}

impl Entry {
    fn new(items: u64, pieces: VecDeque<Request>) -> Self {
        let (place, since) = (None, Instant::now());
        let (tried, unanswered, failed) = (false, false, false);
        let (most, settling) = (usize::MAX, None);
        Entry { items, pieces, place, since, tried, unanswered, failed, most, settling }
    }

    /// Whether somebody waits until it is on disk.
    fn is_awaited_on_disk(&self) -> bool {
        self.settling.as_ref().is_some_and(|settling| settling.until == Until::OnDisk)
    }

    fn bytes(&self) -> usize {
        self.pieces.iter().map(|piece| piece.body.len()).sum()
    }

    /// What is to be noted on disk of the pieces that are settled.
    fn progress(&self) -> Option<(Place, Note)> {
        let place = self.place?;
        let settled = place.items() - self.items;
        (settled > 0).then_some((place, Note::Settled(settled)))
    }

    /// Requests of OTLP concatenate to one with the items of all.
    fn whole(&self) -> Request {
        let body = match self.pieces.iter().collect::<Vec<_>>()[..] {
            [piece] => piece.body.clone(),
            ref pieces => {
                pieces.iter().flat_map(|piece| &piece.body[..]).copied().collect::<BytesMut>().into()
            }
        };
        Request { items: self.items, body }
    }
}

/// How much of a request is settled.
pub(super) enum Settled {
    InPart,
    Whole { took: Duration, failed: bool },
}

#[derive(Debug)]
pub(super) struct State {
    /// By the number in which they came.
    queue: BTreeMap<u64, Entry>,
    /// Those that are not on disk.
    in_memory: BTreeSet<u64>,
    /// Of requests in memory.
    bytes: usize,
    pub(super) stats: Stats,
    /// How many requests were ever queued.
    pub(super) accepted: u64,
    under_way: Option<RangeInclusive<u64>>,
    /// How many requests in memory are awaited on disk.
    awaited: usize,
    /// To be noted on disk.
    notes: Vec<(Place, Note)>,
    pub(super) closed: bool,
}

impl State {
    pub(super) fn new(mut stats: Stats, found: Found) -> Self {
        stats.dropped = found.torn;
        let mut queue = BTreeMap::new();
        for (number, FoundRequest { place, attempted, settled }) in (1..).zip(found.requests) {
            let (items, pieces) = (place.items() - settled, VecDeque::new());
            stats.on_disk += items;
            queue.insert(
                number,
                Entry { place: Some(place), unanswered: attempted, ..Entry::new(items, pieces) },
            );
        }
        stats.queued = stats.on_disk;
        stats.adopted = stats.on_disk + stats.dropped;
        stats.recorded = stats.adopted;
        let accepted = queue.len() as u64;
        let (in_memory, notes) = (BTreeSet::new(), Vec::new());
        let (under_way, awaited, closed) = (None, 0, false);
        State { queue, in_memory, bytes: 0, stats, accepted, under_way, awaited, notes, closed }
    }

    /// Queues a request; one that cannot be queued is dropped and counted, and the fault told.
    pub(super) fn admit(&mut self, request: Request, limits: &Limits) -> Result<(), String> {
        let items = request.items;
        let admitted = self.queue(request, None, limits);
        if admitted.is_err() {
            self.refuse(items);
        }
        admitted
    }

    /// Counts something new that is dropped.
    pub(super) fn refuse(&mut self, items: u64) {
        self.stats.recorded += items;
        self.stats.dropped += items;
    }

    /// Queues a request, or tells why not.
    pub(super) fn queue(
        &mut self,
        request: Request,
        settling: Option<Settling>,
        limits: &Limits,
    ) -> Result<(), String> {
        self.has_room(request.body.len(), limits)?;
        self.receive(request, settling, false, Instant::now());
        Ok(())
    }

    /// Queues a request that has waited elsewhere since then; there is room for it.
    pub(super) fn receive(
        &mut self,
        request: Request,
        settling: Option<Settling>,
        unanswered: bool,
        since: Instant,
    ) {
        let (items, bytes) = (request.items, request.body.len());
        self.bytes += bytes;
        self.stats.recorded += items;
        self.stats.queued += items;
        self.accepted += 1;
        self.in_memory.insert(self.accepted);
        let entry = Entry::new(items, VecDeque::from([request]));
        let entry = Entry { settling, unanswered, since, ..entry };
        self.awaited += usize::from(entry.is_awaited_on_disk());
        self.queue.insert(self.accepted, entry);
    }

    /// Lets go of a request, with its counts: it is another queue's from now on.
    pub(super) fn release(&mut self, number: u64) -> Option<Released> {
        self.under_way = None;
        let settling = self.take_settling(number);
        let entry = self.queue.remove(&number)?;
        self.stats.recorded -= entry.items;
        self.stats.queued -= entry.items;
        self.stats.on_disk -= if entry.place.is_some() { entry.items } else { 0 };
        self.bytes -= entry.bytes();
        self.in_memory.remove(&number);
        let Entry { place, unanswered, since, .. } = entry;
        Some(Released { place, settling, unanswered, since })
    }

    /// What is left of a request in memory; `None` if it is on disk by now.
    pub(super) fn whole(&self, number: u64) -> Option<Request> {
        self.queue.get(&number).filter(|entry| !entry.pieces.is_empty()).map(Entry::whole)
    }

    /// Of requests in memory.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(super) fn note(&mut self, place: Place, note: Note) {
        self.notes.push((place, note));
    }

    /// Whether a request of so many bytes would be queued now, or why not.
    pub(super) fn has_room(&self, bytes: usize, limits: &Limits) -> Result<(), String> {
        match self.closed {
            true => Err("the sender is closed".to_owned()),
            false => limits.room_beside(self.bytes, bytes),
        }
    }

    /// An attempt with so many of its items begins.
    pub(super) fn begin(&mut self, number: u64, items: u64) {
        let Some(entry) = self.queue.get_mut(&number) else { return };
        entry.tried = true;
        if std::mem::take(&mut entry.unanswered) {
            self.stats.repeated += items;
        }
    }

    /// An attempt ended without a decision. It is certain that it was not taken, or `unanswered`.
    pub(super) fn postpone(&mut self, number: u64, unanswered: bool) {
        self.under_way = None;
        let Some(entry) = self.queue.get_mut(&number) else { return };
        entry.unanswered = unanswered;
        if !unanswered && entry.pieces.is_empty() {
            self.notes.extend(entry.place.map(|place| (place, Note::Fate(Fate::Waiting))));
        }
    }

    /// So many items were taken and so many lost, and they were one piece of a request. `None`: it is gone already.
    pub(super) fn settle(&mut self, number: u64, taken: u64, failed: u64, cause: &str) -> Option<Settled> {
        self.under_way = None;
        let entry = self.queue.get_mut(&number)?;
        let items = taken + failed;
        entry.items -= items;
        self.stats.queued -= items;
        self.stats.on_disk -= if entry.place.is_some() { items } else { 0 };
        self.stats.delivered += taken;
        self.stats.failed += failed;
        if let Some(piece) = entry.pieces.pop_front() {
            self.bytes -= piece.body.len();
        }
        entry.failed |= failed > 0;
        if !entry.pieces.is_empty() {
            self.notes.extend(entry.progress());
            return Some(Settled::InPart);
        }
        let settled = Settled::Whole { took: entry.since.elapsed(), failed: entry.failed };
        let is_refused = taken == 0 && failed > 0;
        if let Some(settling) = self.take_settling(number) {
            settling.settle(if is_refused { Err(cause.to_owned()) } else { Ok(()) });
        }
        self.remove(number);
        Some(settled)
    }

    /// Goes on with smaller pieces in the place of one.
    pub(super) fn split(&mut self, number: u64, halves: [Request; 2]) {
        self.under_way = None;
        let Some(entry) = self.queue.get_mut(&number) else { return };
        self.bytes -= entry.pieces.pop_front().map_or(0, |piece| piece.body.len());
        for half in halves.into_iter().rev() {
            self.bytes += half.body.len();
            entry.pieces.push_front(half);
        }
    }

    /// A request turned out to be lost.
    pub(super) fn lose(&mut self, number: u64) -> u64 {
        let Some(entry) = self.queue.get(&number) else { return 0 };
        let items = entry.items;
        self.stats.queued -= items;
        self.stats.on_disk -= if entry.place.is_some() { items } else { 0 };
        self.stats.dropped += items;
        self.remove(number);
        items
    }

    fn remove(&mut self, number: u64) {
        // Who waits for a request that is lost learns it by this, too.
        drop(self.take_settling(number));
        let Some(entry) = self.queue.remove(&number) else { return };
        self.bytes -= entry.bytes();
        self.in_memory.remove(&number);
        self.notes.extend(entry.place.map(|place| (place, Note::Fate(Fate::Done))));
    }

    /// Whoever waits for a request; nobody does from now on.
    fn take_settling(&mut self, number: u64) -> Option<Settling> {
        let entry = self.queue.get_mut(&number)?;
        self.awaited -= usize::from(entry.is_awaited_on_disk());
        entry.settling.take()
    }

    /// All requests up to this number have left the queue for good.
    pub(super) fn settled(&self) -> u64 {
        self.queue.keys().next().map_or(self.accepted, |oldest| oldest - 1)
    }

    /// When there is something to do on disk; `None`: not before something changes.
    pub(super) fn spill_at(&self, limits: &Limits) -> Option<Instant> {
        let oldest = self.queue.get(self.in_memory.first()?)?;
        let crowded = self.bytes > limits.queue_bytes / 2;
        Some(if crowded || self.awaited > 0 { oldest.since } else { oldest.since + SPILL_AGE })
    }

    pub(super) fn has_notes(&self) -> bool {
        !self.notes.is_empty()
    }

    pub(super) fn take_notes(&mut self) -> Vec<(Place, Note)> {
        std::mem::take(&mut self.notes)
    }

    /// The requests in memory, oldest first.
    pub(super) fn to_spill(&self) -> (Vec<u64>, Vec<Request>) {
        let entries = self.in_memory.iter().filter_map(|number| Some((number, self.queue.get(number)?)));
        entries.map(|(number, entry)| (*number, entry.whole())).unzip()
    }

    /// Requests are on disk now, as they were when they were copied.
    pub(super) fn spilled(&mut self, numbers: &[u64], places: Vec<Place>) {
        for (number, place) in numbers.iter().zip(places) {
            let Some(entry) = self.queue.get_mut(number) else {
                // Settled meanwhile.
                self.notes.push((place, Note::Fate(Fate::Done)));
                continue;
            };
            entry.place = Some(place);
            if entry.is_awaited_on_disk() {
                self.awaited -= 1;
                entry.settling.take().into_iter().for_each(|settling| settling.settle(Ok(())));
            }
            self.in_memory.remove(number);
            self.stats.on_disk += entry.items;
            self.notes.extend(entry.progress());
            // Several pieces stay: the whole would only be turned away again.
            if entry.pieces.len() == 1 {
                self.bytes -= entry.bytes();
                entry.pieces.clear();
            }
            if entry.pieces.is_empty() || self.closed {
                self.rest(*number);
            }
        }
    }

    /// Nothing is attempted any more, so that pieces of a request on disk wait like a whole one.
    pub(super) fn leave(&mut self) {
        let in_pieces = self.queue.iter().filter(|(_, entry)| !entry.pieces.is_empty());
        let numbers = Vec::from_iter(in_pieces.map(|(number, _)| *number));
        numbers.into_iter().for_each(|number| self.rest(number));
    }

    /// Notes that a request waits, unless it may have been taken.
    fn rest(&mut self, number: u64) {
        let Some(entry) = self.queue.get(&number) else { return };
        let is_under_way = self.under_way.as_ref().is_some_and(|range| range.contains(&number));
        if !entry.unanswered && !is_under_way {
            self.notes.extend(entry.place.map(|place| (place, Note::Fate(Fate::Waiting))));
        }
    }

    /// What is in memory is lost.
    pub(super) fn drop_memory(&mut self) -> u64 {
        let numbers = Vec::from_iter(self.in_memory.iter().copied());
        numbers.into_iter().map(|number| self.lose(number)).sum()
    }
}

#[cfg(test)]
mod tests;
