//! What waits, where it waits, and what became of the rest: pure bookkeeping.

use super::Limits;
use crate::{
    Request, Stats,
    disk::{Fate, Found, FoundRequest, Note, Place},
    transport::MAX_REQUEST_BYTES,
};
use bytes::BytesMut;
use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
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
    /// An attempt had no answer.
    unanswered: bool,
    /// Something in it was refused.
    failed: bool,
}

impl Entry {
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

/// What is to be sent next.
pub(super) enum Load {
    Memory(Request),
    /// The last so many items of what is there.
    Disk(Place, u64),
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
    under_way: Option<u64>,
    /// To be noted on disk.
    notes: Vec<(Place, Note)>,
    pub(super) closed: bool,
}

impl State {
    pub(super) fn new(mut stats: Stats, found: Found) -> Self {
        stats.dropped = found.torn;
        let mut queue = BTreeMap::new();
        for (number, FoundRequest { place, attempted, settled }) in (1..).zip(found.requests) {
            let (items, pieces, since) = (place.items() - settled, VecDeque::new(), Instant::now());
            stats.on_disk += items;
            let place = Some(place);
            queue.insert(number, Entry { items, pieces, place, since, unanswered: attempted, failed: false });
        }
        stats.queued = stats.on_disk;
        stats.adopted = stats.on_disk + stats.dropped;
        stats.recorded = stats.adopted;
        let accepted = queue.len() as u64;
        let (in_memory, notes) = (BTreeSet::new(), Vec::new());
        State { queue, in_memory, bytes: 0, stats, accepted, under_way: None, notes, closed: false }
    }

    /// Queues a request, or tells why not.
    pub(super) fn admit(&mut self, request: Request, limits: &Limits) -> Result<(), String> {
        self.stats.recorded += request.items;
        let (bytes, most) = (request.body.len(), limits.queue_bytes);
        let fault = match () {
            () if self.closed => "the sender is closed".to_owned(),
            () if bytes > MAX_REQUEST_BYTES => {
                format!("a request of {bytes} bytes is larger than OTLP allows, which is {MAX_REQUEST_BYTES}")
            }
            () if bytes > most => format!("a request of {bytes} bytes is larger than the queue of {most}"),
            () if self.bytes + bytes > most => format!("the queue of {most} bytes is full"),
            () => {
                self.bytes += bytes;
                self.stats.queued += request.items;
                self.accepted += 1;
                self.in_memory.insert(self.accepted);
                let (items, pieces, since) = (request.items, VecDeque::from([request]), Instant::now());
                let entry = Entry { items, pieces, place: None, since, unanswered: false, failed: false };
                self.queue.insert(self.accepted, entry);
                return Ok(());
            }
        };
        self.stats.dropped += request.items;
        Err(fault)
    }

    /// The oldest request, or the next one after `skipped`; none after the end. It is under way from now on, whoever
    /// writes it to disk meanwhile.
    pub(super) fn next(&mut self, skipped: Option<u64>) -> Option<(u64, Load)> {
        if self.closed {
            return None;
        }
        let later = skipped.and_then(|number| self.queue.range(number + 1..).next());
        let (number, entry) = later.or_else(|| self.queue.iter().next())?;
        let load = match (entry.pieces.front(), entry.place) {
            (Some(piece), _) => Load::Memory(piece.clone()),
            (None, Some(place)) => Load::Disk(place, entry.items),
            (None, None) => return None,
        };
        self.under_way = Some(*number);
        Some((*number, load))
    }

    /// An attempt with so many of its items begins.
    pub(super) fn begin(&mut self, number: u64, items: u64) {
        let Some(entry) = self.queue.get_mut(&number) else { return };
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
    pub(super) fn settle(&mut self, number: u64, taken: u64, failed: u64) -> Option<Settled> {
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
        let Some(entry) = self.queue.remove(&number) else { return };
        self.bytes -= entry.bytes();
        self.in_memory.remove(&number);
        self.notes.extend(entry.place.map(|place| (place, Note::Fate(Fate::Done))));
    }

    /// All requests up to this number have left the queue for good.
    pub(super) fn settled(&self) -> u64 {
        self.queue.keys().next().map_or(self.accepted, |oldest| oldest - 1)
    }

    /// When there is something to do on disk; `None`: not before something changes.
    pub(super) fn spill_at(&self, limits: &Limits) -> Option<Instant> {
        let oldest = self.queue.get(self.in_memory.first()?)?;
        let crowded = self.bytes > limits.queue_bytes / 2;
        Some(if crowded { oldest.since } else { oldest.since + SPILL_AGE })
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
        if !entry.unanswered && self.under_way != Some(number) {
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
