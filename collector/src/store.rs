//! Keeps request bodies in a ring and knows where each trace is in them.
//!
//! ```text
//! ring    [ body 7 ][ body 8 ][ body 9 ]      the oldest leaves first
//! index   trace id ─► (7, offsets) (9, offsets) …
//! ```
//! Bodies stay as they came; nothing is decoded until somebody looks. Taking or dropping an item touches one end
//! of one queue, whatever the size of the trace. Bodies and index count against one bound, and an empty store
//! counts zero. The number of traces has a bound of its own: the trace that waited longest for anything new leaves
//! the index, its bytes leave with their body. Nothing of a request leaves for the sake of the same request.

use crate::scan::{Item, Record, TraceId};
use bytes::Bytes;
use std::{
    collections::{HashMap, VecDeque},
    mem::size_of,
};
use throughline_sender::Signal;

/// What a body costs besides its bytes: its place in the ring and the allocation around it.
const CHUNK: usize = size_of::<Chunk>() + 32;

/// What a trace costs besides its places: its entry in the map and, up to twice, its turn, both with the slack of
/// what grows by doubling.
const TRACE: usize = 2 * (size_of::<TraceId>() + size_of::<Entry>()) + 4 * size_of::<Turn>();

/// What one span or log record costs: a queue that grows keeps up to as much again in reserve.
const PLACE: usize = 2 * size_of::<Place>();

/// What one change of trace within a body costs.
const RUN: usize = size_of::<TraceId>();

/// One request.
struct Chunk {
    signal: Signal,
    body: Bytes,
    /// What it counts besides: a request that takes much memory to look at takes the place of several.
    surplus: usize,
    /// The traces of the items, in their order, without repeats in a row.
    runs: Box<[TraceId]>,
}

impl Chunk {
    fn cost(&self) -> usize {
        self.body.len() + self.surplus + CHUNK + self.runs.len() * RUN
    }
}

/// Where one item is.
#[derive(Clone, Copy)]
struct Place {
    chunk: u64,
    record: Record,
}

/// One trace.
struct Entry {
    /// Counts the traces in the order in which something of them last came.
    number: u64,
    spans: VecDeque<Place>,
    logs: VecDeque<Place>,
}

impl Entry {
    fn places(&mut self, signal: Signal) -> &mut VecDeque<Place> {
        if signal == Signal::Logs { &mut self.logs } else { &mut self.spans }
    }
}

/// That something of a trace came. Only the trace's newest turn counts; the older ones are passed over, and swept out
/// when they are as many.
type Turn = (u64, TraceId);

/// A span or log record as it was sent: its request and its place there.
#[derive(Clone, Debug)]
pub(crate) struct Stored {
    /// The number of the request: the same place of the same request is the same resource or scope.
    pub(crate) chunk: u64,
    pub(crate) body: Bytes,
    pub(crate) place: Record,
}

/// What is stored of one trace, oldest first.
#[derive(Debug, Default)]
pub(crate) struct Found {
    pub(crate) spans: Vec<Stored>,
    pub(crate) logs: Vec<Stored>,
}

/// What a store counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Level {
    pub(crate) bytes: usize,
    pub(crate) traces: usize,
    /// Requests that left to make room.
    pub(crate) evicted_requests: u64,
    /// Traces that left to make room, whole.
    pub(crate) evicted_traces: u64,
}

/// The request is larger than all that the store may keep: which bound it goes over.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum TooLarge {
    /// Its bytes and its index.
    Bytes,
    /// Its traces.
    Traces,
}

/// The ring and its index.
pub(crate) struct Store {
    max_bytes: usize,
    max_traces: usize,
    chunks: VecDeque<Chunk>,
    /// The number of the oldest body.
    first: u64,
    traces: HashMap<TraceId, Entry>,
    /// The traces in the order in which something of them last came.
    turns: VecDeque<Turn>,
    next: u64,
    level: Level,
}

impl Store {
    /// An empty store.
    pub(crate) fn new(max_bytes: usize, max_traces: usize) -> Self {
        Store {
            max_bytes,
            max_traces,
            chunks: VecDeque::new(),
            first: 0,
            traces: HashMap::new(),
            turns: VecDeque::new(),
            next: 0,
            level: Level::default(),
        }
    }

    /// What is in the store now.
    pub(crate) fn level(&self) -> Level {
        Level { traces: self.traces.len(), ..self.level }
    }

    /// Keeps a request, at the expense of the oldest. The items are those of the body.
    pub(crate) fn add(
        &mut self,
        signal: Signal,
        body: Bytes,
        surplus: usize,
        items: &[Item],
    ) -> Result<(), TooLarge> {
        let mut runs: Vec<TraceId> = Vec::with_capacity(items.len());
        runs.extend(items.iter().map(|item| item.trace));
        runs.dedup();
        let chunk = Chunk { signal, body, surplus, runs: runs.into() };
        self.fits(&chunk, items.len())?;
        let number = self.first + self.chunks.len() as u64;
        self.level.bytes += chunk.cost();
        self.chunks.push_back(chunk);
        // Traces from this number on are in this request.
        let fresh = self.next;
        for item in items {
            let place = Place { chunk: number, record: item.place };
            self.entry(item.trace, fresh).places(signal).push_back(place);
            self.level.bytes += PLACE;
        }
        while self.level.bytes > self.max_bytes && self.chunks.len() > 1 {
            self.evict_request();
        }
        while self.traces.len() > self.max_traces {
            self.evict_trace();
        }
        if self.turns.len() > 2 * self.traces.len() {
            let traces = &self.traces;
            self.turns.retain(|turn| is_current(traces, turn));
            self.turns.shrink_to(2 * self.traces.len());
        }
        Ok(())
    }

    /// Whether a body of so many bytes, with its surplus, could be kept at all, whatever its traces are.
    pub(crate) fn could_fit(&self, bytes: usize, items: usize) -> bool {
        let index = if items == 0 { 0 } else { items.saturating_mul(PLACE).saturating_add(TRACE + RUN) };
        bytes.saturating_add(CHUNK).saturating_add(index) <= self.max_bytes
    }

    /// What the index of so many items needs while it is made, in bytes.
    pub(crate) fn index_of(items: usize) -> usize {
        // The items, their traces in a row, and the same in order for counting them.
        items.saturating_mul(size_of::<Item>() + 2 * size_of::<TraceId>())
    }

    /// Whether a body could be kept whole if it were alone. The exact answer needs a count of its traces, which
    /// is made only when the rough one does not settle it.
    fn fits(&self, chunk: &Chunk, items: usize) -> Result<(), TooLarge> {
        let flat = chunk.cost() + items * PLACE;
        let runs = chunk.runs.len();
        if flat + runs * TRACE <= self.max_bytes && runs <= self.max_traces {
            return Ok(());
        }
        let mut traces = chunk.runs.to_vec();
        traces.sort_unstable();
        traces.dedup();
        match traces.len() {
            count if count > self.max_traces => Err(TooLarge::Traces),
            count if flat + count * TRACE > self.max_bytes => Err(TooLarge::Bytes),
            _ => Ok(()),
        }
    }

    /// The entry of a trace, as the newest one. Numbers from `fresh` on are those of this request already.
    fn entry(&mut self, trace: TraceId, fresh: u64) -> &mut Entry {
        let entry = self.traces.entry(trace).or_insert_with(|| {
            self.level.bytes += TRACE;
            Entry { number: u64::MAX, spans: VecDeque::new(), logs: VecDeque::new() }
        });
        if entry.number < fresh || entry.number == u64::MAX {
            entry.number = self.next;
            self.next += 1;
            self.turns.push_back((entry.number, trace));
        }
        entry
    }

    fn evict_request(&mut self) {
        let Some(chunk) = self.chunks.pop_front() else { return };
        let number = self.first;
        self.first += 1;
        self.level.bytes -= chunk.cost();
        self.level.evicted_requests += 1;
        for trace in &chunk.runs {
            let Some(entry) = self.traces.get_mut(trace) else { continue };
            let places = entry.places(chunk.signal);
            // Places are in the order of the bodies: those of the oldest body are in front.
            while places.front().is_some_and(|place| place.chunk == number) {
                places.pop_front();
                self.level.bytes -= PLACE;
            }
            if places.capacity() > 16 && places.len() < places.capacity() / 4 {
                places.shrink_to(places.len() * 2);
            }
            if entry.spans.is_empty() && entry.logs.is_empty() {
                self.traces.remove(trace);
                self.level.bytes -= TRACE;
                self.level.evicted_traces += 1;
            }
        }
    }

    fn evict_trace(&mut self) {
        while let Some(turn) = self.turns.pop_front() {
            if !is_current(&self.traces, &turn) {
                continue;
            }
            let Some(entry) = self.traces.remove(&turn.1) else { return };
            self.level.bytes -= TRACE + (entry.spans.len() + entry.logs.len()) * PLACE;
            self.level.evicted_traces += 1;
            return;
        }
    }

    /// The traces with spans, those first of which something came last.
    pub(crate) fn newest(&self) -> impl Iterator<Item = TraceId> {
        let with_spans = |turn: &&Turn| {
            is_current(&self.traces, turn)
                && self.traces.get(&turn.1).is_some_and(|entry| !entry.spans.is_empty())
        };
        self.turns.iter().rev().filter(with_spans).map(|(_, trace)| *trace)
    }

    /// What is stored of a trace. The bodies are shared, not copied.
    pub(crate) fn find(&self, trace: &TraceId) -> Option<Found> {
        let entry = self.traces.get(trace)?;
        let stored = |place: &Place| {
            let chunk = self.chunks.get((place.chunk - self.first) as usize)?;
            Some(Stored { chunk: place.chunk, body: chunk.body.clone(), place: place.record })
        };
        Some(Found {
            spans: entry.spans.iter().filter_map(stored).collect(),
            logs: entry.logs.iter().filter_map(stored).collect(),
        })
    }

    /// The bodies with spans or with log records, newest first.
    pub(crate) fn bodies(&self, signal: Signal) -> impl Iterator<Item = &Bytes> {
        self.chunks.iter().rev().filter(move |chunk| chunk.signal == signal).map(|chunk| &chunk.body)
    }
}

fn is_current(traces: &HashMap<TraceId, Entry>, (number, trace): &Turn) -> bool {
    traces.get(trace).is_some_and(|entry| entry.number == *number)
}

#[cfg(test)]
mod tests;
