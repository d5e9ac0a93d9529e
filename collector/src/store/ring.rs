//! The requests of one signal, oldest first, and what they count.

use crate::scan::TraceId;
use bytes::Bytes;
use std::{collections::VecDeque, mem::size_of};

/// What a body costs besides its bytes: its place in the ring and three allocations.
const CHUNK: usize = size_of::<Chunk>() * RESERVE / 2 + 96;

/// What one span or log record costs.
const PLACE: usize = super::index::PLACE * RESERVE / 2;

/// How many times its content a queue is large at most, in halves: see [`trim`].
pub(super) const RESERVE: usize = 5;

/// What one change of trace within a body costs.
const RUN: usize = size_of::<TraceId>();

/// One request.
struct Chunk {
    body: Bytes,
    /// What it counts besides: a request that takes much memory to look at takes the place of several.
    surplus: usize,
    /// The traces of the items, in their order, without repeats in a row.
    runs: Box<[TraceId]>,
}

/// What a request counts: its bytes and its part of the index, but for its traces.
pub(super) fn cost(bytes: usize, surplus: usize, runs: usize, items: usize) -> usize {
    let index = items.saturating_mul(PLACE).saturating_add(runs.saturating_mul(RUN));
    bytes.saturating_add(surplus).saturating_add(CHUNK).saturating_add(index)
}

/// The requests of one signal.
pub(super) struct Ring {
    chunks: VecDeque<Chunk>,
    /// The number of the oldest request.
    first: u64,
    bytes: usize,
    share: usize,
}

impl Ring {
    /// The first request has this number.
    pub(super) fn new(share: usize, first: u64) -> Self {
        Ring { chunks: VecDeque::new(), first, bytes: 0, share }
    }

    /// What all requests count.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// How far it is over its share; negative: below.
    pub(super) fn excess(&self) -> i64 {
        self.bytes as i64 - self.share as i64
    }

    pub(super) fn len(&self) -> usize {
        self.chunks.len()
    }

    /// Keeps a request and says its number.
    pub(super) fn push(&mut self, body: Bytes, surplus: usize, runs: Box<[TraceId]>, items: usize) -> u64 {
        self.bytes += cost(body.len(), surplus, runs.len(), items);
        self.chunks.push_back(Chunk { body, surplus, runs });
        self.first + self.chunks.len() as u64 - 1
    }

    /// Drops the oldest request, but for its items; says its number and its traces.
    pub(super) fn pop(&mut self) -> Option<(u64, Box<[TraceId]>)> {
        let chunk = self.chunks.pop_front()?;
        self.bytes -= cost(chunk.body.len(), chunk.surplus, chunk.runs.len(), 0);
        self.first += 1;
        trim(&mut self.chunks);
        Some((self.first - 1, chunk.runs))
    }

    /// So many items are no longer in the index.
    pub(super) fn forget(&mut self, items: usize) {
        self.bytes -= items * PLACE;
    }

    /// The body of a request.
    pub(super) fn body(&self, number: u64) -> Option<Bytes> {
        let place = number.checked_sub(self.first)?;
        self.chunks.get(usize::try_from(place).ok()?).map(|chunk| chunk.body.clone())
    }

    /// The requests before one of a number, newest first.
    pub(super) fn before(&self, number: u64) -> impl Iterator<Item = (u64, Bytes)> {
        let behind = self.first + self.chunks.len() as u64;
        let numbers = (self.first..number.min(behind)).rev();
        numbers.filter_map(|number| Some((number, self.body(number)?)))
    }

    #[cfg(test)]
    pub(super) fn first(&self) -> u64 {
        self.first
    }

    /// The memory that is held, as far as it can be told from outside of the allocator.
    #[cfg(test)]
    pub(super) fn held(&self) -> usize {
        let chunks = self.chunks.iter().map(|chunk| chunk.body.len() + chunk.runs.len() * RUN);
        chunks.sum::<usize>() + self.chunks.capacity() * size_of::<Chunk>()
    }
}

/// Gives memory back, so that a queue has room for two and a half times its content at most.
pub(super) fn trim<T>(queue: &mut VecDeque<T>) {
    if queue.capacity() > 4 && queue.capacity() > queue.len() * RESERVE / 2 {
        queue.shrink_to(queue.len() + queue.len() / 4);
    }
}
