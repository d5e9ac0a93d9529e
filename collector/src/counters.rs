//! What a collector counts.

use crate::store::Level;
use serde::Serialize;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use throughline_sender::Signal;

/// What a collector took, refused and keeps. Counts begin with the collector and never go back.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counters {
    /// Requests that were taken, also those of which a part was rejected.
    pub requests: u64,
    /// Requests that were refused for good: undecodable, too large, too slow, for no path, method or content type that
    /// is taken, from a page of another site.
    pub refused_requests: u64,
    /// Requests that were sent away with the advice to come again.
    pub busy_requests: u64,
    /// Spans that were taken.
    pub spans: u64,
    /// Log records that were taken.
    pub log_records: u64,
    /// Data points that were taken.
    pub data_points: u64,
    /// Spans and log records with invalid ids, which were rejected.
    pub rejected_items: u64,
    /// Bytes that are kept now, requests and index.
    pub stored_bytes: u64,
    /// Traces that are kept now.
    pub stored_traces: u64,
    /// Requests that left to make room for others.
    pub evicted_requests: u64,
    /// Traces that left to make room for others.
    pub evicted_traces: u64,
}

/// The counters while they count.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    requests: AtomicU64,
    refused: AtomicU64,
    busy: AtomicU64,
    spans: AtomicU64,
    log_records: AtomicU64,
    data_points: AtomicU64,
    rejected: AtomicU64,
}

impl Tally {
    /// A request was taken.
    pub(crate) fn taken(&self, signal: Signal, taken: u64, rejected: u64) {
        let items = match signal {
            Signal::Traces => &self.spans,
            Signal::Metrics => &self.data_points,
            Signal::Logs => &self.log_records,
        };
        self.requests.fetch_add(1, Relaxed);
        items.fetch_add(taken, Relaxed);
        self.rejected.fetch_add(rejected, Relaxed);
    }

    /// A request was refused for good.
    pub(crate) fn refused(&self) {
        self.refused.fetch_add(1, Relaxed);
    }

    /// A request was sent away for now.
    pub(crate) fn busy(&self) {
        self.busy.fetch_add(1, Relaxed);
    }

    /// The counts of this moment.
    pub(crate) fn read(&self, level: Level) -> Counters {
        Counters {
            requests: self.requests.load(Relaxed),
            refused_requests: self.refused.load(Relaxed),
            busy_requests: self.busy.load(Relaxed),
            spans: self.spans.load(Relaxed),
            log_records: self.log_records.load(Relaxed),
            data_points: self.data_points.load(Relaxed),
            rejected_items: self.rejected.load(Relaxed),
            stored_bytes: level.bytes as u64,
            stored_traces: level.traces as u64,
            evicted_requests: level.evicted_requests,
            evicted_traces: level.evicted_traces,
        }
    }
}
