//! Where the spans and log records of each trace are, and which trace had something new when.

use super::{
    hash::Keys,
    ring::{RESERVE, trim},
};
use crate::scan::{Item, Record, TraceId};
use std::{
    collections::{HashMap, VecDeque, hash_map},
    mem::size_of,
};
use throughline_sender::Signal;

/// The size of one place.
pub(super) const PLACE: usize = size_of::<Place>();

/// What a trace costs besides its places: its entry in the map, which is up to three times as large as its content,
/// up to two turns, and the smallest queues that there are.
pub(super) const TRACE: usize =
    3 * (size_of::<(TraceId, Entry)>() + 1) + RESERVE * size_of::<Turn>() + 8 * PLACE;

/// Where one item is: the number of its request and its place there.
type Place = (u64, Record);

/// One trace.
#[derive(Default)]
struct Entry {
    /// Counts the traces in the order in which something of them last came.
    number: u64,
    spans: VecDeque<Place>,
    logs: VecDeque<Place>,
}

impl Entry {
    fn places(&self, signal: Signal) -> &VecDeque<Place> {
        if signal == Signal::Logs { &self.logs } else { &self.spans }
    }

    fn places_mut(&mut self, signal: Signal) -> &mut VecDeque<Place> {
        if signal == Signal::Logs { &mut self.logs } else { &mut self.spans }
    }
}

/// That something of a trace came. Only the trace's newest turn counts; the older ones are passed over, and swept out
/// when they are as many.
pub(crate) type Turn = (u64, TraceId);

/// The traces and their turns.
#[derive(Default)]
pub(super) struct Index {
    traces: HashMap<TraceId, Entry, Keys>,
    /// The traces in the order in which something of them last came.
    turns: VecDeque<Turn>,
    next: u64,
    with_spans: usize,
    evicted: u64,
}

impl Index {
    /// How many traces there are.
    pub(super) fn len(&self) -> usize {
        self.traces.len()
    }

    /// How many of them have spans.
    pub(super) fn with_spans(&self) -> usize {
        self.with_spans
    }

    /// How many traces left.
    pub(super) fn evicted(&self) -> u64 {
        self.evicted
    }

    /// Takes the items of a request, whose traces become the newest.
    pub(super) fn add(&mut self, signal: Signal, chunk: u64, items: &[Item]) {
        // Traces from this number on are in this request already.
        let fresh = self.next;
        for item in items {
            let entry = match self.traces.entry(item.trace) {
                hash_map::Entry::Occupied(entry) if entry.get().number >= fresh => entry.into_mut(),
                entry => {
                    let entry = entry.or_default();
                    entry.number = self.next;
                    self.turns.push_back((self.next, item.trace));
                    self.next += 1;
                    entry
                }
            };
            let places = entry.places_mut(signal);
            self.with_spans += usize::from(signal == Signal::Traces && places.is_empty());
            places.push_back((chunk, item.place));
        }
    }

    /// Forgets the items of the oldest request of a signal, and says how many they were.
    pub(super) fn drop_request(&mut self, signal: Signal, chunk: u64, traces: &[TraceId]) -> usize {
        let mut forgotten = 0;
        for trace in traces {
            let Some(entry) = self.traces.get_mut(trace) else { continue };
            let places = entry.places_mut(signal);
            let before = places.len();
            // Places are in the order of the requests: those of the oldest one are in front.
            while places.front().is_some_and(|(number, _)| *number == chunk) {
                places.pop_front();
            }
            trim(places);
            let gone = before - places.len();
            forgotten += gone;
            self.with_spans -= usize::from(signal == Signal::Traces && gone > 0 && places.is_empty());
            if entry.spans.is_empty() && entry.logs.is_empty() {
                self.traces.remove(trace);
                self.evicted += 1;
            }
        }
        forgotten
    }

    /// Forgets the trace of which nothing came for the longest time, and says how many spans and log records it had.
    pub(super) fn evict(&mut self) -> Option<(usize, usize)> {
        while let Some(turn) = self.turns.pop_front() {
            if !is_current(&self.traces, &turn) {
                continue;
            }
            let entry = self.traces.remove(&turn.1)?;
            self.with_spans -= usize::from(!entry.spans.is_empty());
            self.evicted += 1;
            return Some((entry.spans.len(), entry.logs.len()));
        }
        None
    }

    /// Gives back what nobody needs any more. Costs little for each trace that came or went.
    pub(super) fn sweep(&mut self) {
        let count = self.traces.len();
        if self.turns.len() > 2 * count {
            let traces = &self.traces;
            self.turns.retain(|turn| is_current(traces, turn));
        }
        if self.turns.capacity() > RESERVE * count {
            self.turns.shrink_to(2 * count);
        }
        if self.traces.capacity() > 8 && self.traces.capacity() > count * RESERVE / 2 {
            self.traces.shrink_to(count + count / 4);
        }
    }

    pub(super) fn turns(&self, after: Option<u64>, most: usize) -> Vec<Turn> {
        let start = self.turns.partition_point(|(number, _)| after.is_some_and(|after| *number <= after));
        self.turns.range(start..).take(most).copied().collect()
    }

    pub(super) fn places(
        &self,
        trace: &TraceId,
        signal: Signal,
        after: Option<Place>,
        most: usize,
    ) -> impl Iterator<Item = Place> {
        let places = self.traces.get(trace).map(|entry| entry.places(signal));
        let behind = move |places: &VecDeque<Place>| {
            places.partition_point(|place| after.is_some_and(|after| *place <= after))
        };
        places.into_iter().flat_map(move |places| places.range(behind(places)..).take(most).copied())
    }

    pub(super) fn has(&self, trace: &TraceId) -> bool {
        self.traces.get(trace).is_some_and(|entry| !entry.spans.is_empty())
    }

    pub(super) fn size(&self, trace: &TraceId) -> usize {
        self.traces.get(trace).map_or(0, |entry| entry.spans.len() + entry.logs.len())
    }

    /// The memory that is held, as far as it can be told from outside of the allocator.
    #[cfg(test)]
    pub(super) fn held(&self) -> usize {
        let queues = self.traces.values().map(|entry| entry.spans.capacity() + entry.logs.capacity());
        // Of a map's room, an eighth stays free.
        let entries = self.traces.capacity() * 8 / 7 * (size_of::<(TraceId, Entry)>() + 1);
        queues.sum::<usize>() * PLACE + entries + self.turns.capacity() * size_of::<Turn>()
    }

    /// Panics where the index contradicts itself; the oldest requests of both signals are given.
    #[cfg(test)]
    pub(super) fn check(&self, first: [u64; 2]) {
        // Every trace has its turn, and those that are passed over are never the most of them.
        let current = self.turns.iter().filter(|turn| is_current(&self.traces, turn)).count();
        assert_eq!(current, self.traces.len());
        assert!(self.turns.len() <= 2 * self.traces.len(), "{} turns", self.turns.len());
        assert!(self.turns.iter().is_sorted());
        assert_eq!(self.with_spans, self.traces.values().filter(|entry| !entry.spans.is_empty()).count());
        for entry in self.traces.values() {
            assert!(entry.spans.iter().all(|place| place.0 >= first[0]) && entry.spans.iter().is_sorted());
            assert!(entry.logs.iter().all(|place| place.0 >= first[1]) && entry.logs.iter().is_sorted());
        }
    }
}

fn is_current(traces: &HashMap<TraceId, Entry, Keys>, (number, trace): &Turn) -> bool {
    traces.get(trace).is_some_and(|entry| entry.number == *number)
}
