//! Keeps request bodies in rings and knows where each trace is in them.
//!
//! ```text
//! rings   spans    [ body 7 ][ body 8 ][ body 9 ]      of each, the oldest leaves first
//!         metrics  [ body 3 ][ body 4 ]
//!         logs     [ body 5 ]
//! index   trace id ─► spans (7, offsets) (9, offsets) … log records (5, offsets) …
//! ```
//! Bodies stay as they came; nothing is decoded until somebody looks. Taking or dropping an item touches one end
//! of one queue, whatever the size of the trace. Bodies and index count against one bound, and an empty store
//! counts zero. What counts is never less than what is held: queues count with the reserve that they may have.
//!
//! Each signal has a share of the bound, and may use more while others leave theirs alone: room is made at the
//! expense of the signal that is furthest over its share, so that a flood of spans leaves the charts where they are.
//! The number of traces has a bound of its own: the trace that waited longest for anything new leaves the index, its
//! bytes leave with their body. Nothing of a request leaves for the sake of the same request.
//!
//! What is read comes in steps of a bounded number of items, for which alone the store has to stand still.

mod hash;
mod index;
mod ring;

use crate::scan::{Item, Record, TraceId};
use bytes::Bytes;
use index::Index;
pub(crate) use index::Turn;
use ring::Ring;
use std::mem::size_of;
use throughline_sender::Signal;

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
    /// Traces with spans.
    pub(crate) with_spans: usize,
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

/// The rings and their index.
pub(crate) struct Store {
    max_bytes: usize,
    max_traces: usize,
    rings: [Ring; 3],
    index: Index,
    evicted_requests: u64,
}

impl Store {
    /// An empty store.
    pub(crate) fn new(max_bytes: usize, max_traces: usize) -> Self {
        let rings = Signal::ALL.map(|signal| {
            // Half for spans, which are most, a quarter for measurements and for log records.
            let share = max_bytes / if signal == Signal::Traces { 2 } else { 4 };
            // No two requests have the same number.
            Ring::new(share, (signal as u64) << 62)
        });
        Store { max_bytes, max_traces, rings, index: Index::default(), evicted_requests: 0 }
    }

    /// What is in the store now.
    pub(crate) fn level(&self) -> Level {
        Level {
            bytes: self.bytes(),
            traces: self.index.len(),
            with_spans: self.index.with_spans(),
            evicted_requests: self.evicted_requests,
            evicted_traces: self.index.evicted(),
        }
    }

    /// Keeps a request, at the expense of older ones. The items are those of the body.
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
        self.fits(ring::cost(body.len(), surplus, runs.len(), items.len()), &runs)?;
        let number = self.ring(signal).push(body, surplus, runs.into(), items.len());
        self.index.add(signal, number, items);
        while self.bytes() > self.max_bytes {
            let Some(victim) = self.furthest_over_its_share(signal) else { break };
            self.evict_request(victim);
        }
        while self.index.len() > self.max_traces {
            let Some((spans, logs)) = self.index.evict() else { break };
            self.ring(Signal::Traces).forget(spans);
            self.ring(Signal::Logs).forget(logs);
        }
        self.index.sweep();
        Ok(())
    }

    /// Whether a body of so many bytes, with its surplus, could be kept at all, whatever its traces are.
    pub(crate) fn could_fit(&self, bytes: usize, items: usize) -> bool {
        let traces = usize::from(items > 0);
        ring::cost(bytes, 0, traces, items).saturating_add(traces * index::TRACE) <= self.max_bytes
    }

    /// What the index of so many items needs while it is made, in bytes.
    pub(crate) fn index_of(items: usize) -> usize {
        // The items, their traces in a row, and the same in order for counting them.
        items.saturating_mul(size_of::<Item>() + 2 * size_of::<TraceId>())
    }

    /// The turns behind one of a number, oldest first: at most so many. A trace may be among them several times, and
    /// may have left.
    pub(crate) fn turns(&self, after: Option<u64>, most: usize) -> Vec<Turn> {
        self.index.turns(after, most)
    }

    /// What is stored of a trace behind one of its items, oldest first: at most so many. The bodies are shared, not
    /// copied.
    pub(crate) fn find(
        &self,
        trace: &TraceId,
        signal: Signal,
        after: Option<&Stored>,
        most: usize,
    ) -> Vec<Stored> {
        let after = after.map(|stored| (stored.chunk, stored.place));
        let ring = &self.rings[signal as usize];
        let stored = |(chunk, place)| Some(Stored { chunk, body: ring.body(chunk)?, place });
        self.index.places(trace, signal, after, most).filter_map(stored).collect()
    }

    /// Whether there are spans of a trace.
    pub(crate) fn has(&self, trace: &TraceId) -> bool {
        self.index.has(trace)
    }

    /// How many spans and log records there are of a trace.
    pub(crate) fn size(&self, trace: &TraceId) -> usize {
        self.index.size(trace)
    }

    /// The numbers and bodies of the requests before one of a number, newest first: at most so many.
    pub(crate) fn bodies(&self, signal: Signal, before: u64, most: usize) -> Vec<(u64, Bytes)> {
        self.rings[signal as usize].before(before).take(most).collect()
    }

    fn bytes(&self) -> usize {
        self.rings.iter().map(Ring::bytes).sum::<usize>() + self.index.len() * index::TRACE
    }

    fn ring(&mut self, signal: Signal) -> &mut Ring {
        &mut self.rings[signal as usize]
    }

    /// Whether a body could be kept whole if it were alone. The exact answer needs a count of its traces, which
    /// is made only when the rough one does not settle it.
    fn fits(&self, cost: usize, runs: &[TraceId]) -> Result<(), TooLarge> {
        if cost + runs.len() * index::TRACE <= self.max_bytes && runs.len() <= self.max_traces {
            return Ok(());
        }
        let mut traces = runs.to_vec();
        traces.sort_unstable();
        traces.dedup();
        match traces.len() {
            count if count > self.max_traces => Err(TooLarge::Traces),
            count if cost + count * index::TRACE > self.max_bytes => Err(TooLarge::Bytes),
            _ => Ok(()),
        }
    }

    /// The signal whose oldest request leaves. The newest request of this one signal stays.
    fn furthest_over_its_share(&self, newest: Signal) -> Option<Signal> {
        let with_older = |signal: &Signal| {
            let kept = usize::from(*signal == newest);
            self.rings[*signal as usize].len() > kept
        };
        let signals = Signal::ALL.into_iter().filter(with_older);
        signals.max_by_key(|signal| self.rings[*signal as usize].excess())
    }

    fn evict_request(&mut self, signal: Signal) {
        let Some((number, runs)) = self.ring(signal).pop() else { return };
        let forgotten = self.index.drop_request(signal, number, &runs);
        self.ring(signal).forget(forgotten);
        self.evicted_requests += 1;
    }
}

#[cfg(test)]
mod tests;
