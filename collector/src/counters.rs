//! What a collector counts.

use crate::{filelog, store::Level};
use serde::Serialize;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use throughline_sender::{Sender, Signal, Stats};

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
    /// Bytes of request bodies in memory, kept and on their way out, each counted once.
    pub held_bytes: u64,
    /// Log files that are known now.
    pub log_files: u64,
    /// Log files that are open now.
    pub open_log_files: u64,
    /// Bytes of log files that were read as entries; what was read again counts again.
    pub log_file_bytes: u64,
    /// Entries of log files that were read.
    pub log_file_entries: u64,
    /// How often it was written down how far log files are read.
    pub log_file_commits: u64,
    /// Requests of entries that no way out can take, such as those that are too large: their entries are lost.
    pub refused_log_file_requests: u64,
}

/// What became of one signal on its way to one destination.
///
/// `accepted = delivered + rejected + dropped + queued`, in spans, data points or log records.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Forwarded {
    /// `traces`, `metrics` or `logs`.
    pub signal: &'static str,
    /// Where to, without secrets. Of several ways of one exit that would be called the same, such as two tenants of one
    /// server, the second has ` (2)` behind it.
    pub destination: String,
    /// The [`name`](crate::Exit::name) of the exit; empty where [`Config::destinations`](crate::Config::destinations) and
    /// its like say where.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub exit: String,
    /// Taken for it, those that an earlier process left on disk among them.
    pub accepted: u64,
    /// Acknowledged by it.
    pub delivered: u64,
    /// Refused by it for good.
    pub rejected: u64,
    /// Lost here: see [`Overflow`](crate::Overflow), or the limit of the stop was over.
    pub dropped: u64,
    /// Waiting, or under way.
    pub queued: u64,
    /// Of those, on disk.
    pub on_disk: u64,
    /// Sent again although an earlier attempt may have been taken: the most that can have arrived twice.
    pub repeated: u64,
    /// The last fault in words, if there was one.
    pub last_failure: Option<String>,
    /// Of one of several servers: the others have its share now.
    #[serde(skip_serializing_if = "is_false")]
    pub left_out: bool,
    /// If it is several servers: what became of the part of each that is there now, and behind them what waits for one to
    /// be there. What goes over from one to others counts there only.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub members: Vec<Forwarded>,
}

impl Forwarded {
    /// What became of what a sender took for an exit; the number says which of those it is that would be called the same.
    pub(crate) fn of(sender: &Sender, exit: &str, number: usize) -> Self {
        let numbered = |stats: Stats| {
            let mut forwarded = Forwarded { exit: exit.to_owned(), ..Forwarded::from(stats) };
            if number > 1 {
                forwarded.destination += &format!(" ({number})");
            }
            forwarded
        };
        let members = sender.members().into_iter().map(numbered).collect();
        Forwarded { members, ..numbered(sender.stats()) }
    }
}

fn is_false(truth: &bool) -> bool {
    !truth
}

impl From<Stats> for Forwarded {
    fn from(stats: Stats) -> Self {
        Forwarded {
            signal: stats.signal.name(),
            destination: stats.destination,
            exit: String::new(),
            accepted: stats.recorded,
            delivered: stats.delivered,
            rejected: stats.failed,
            dropped: stats.dropped,
            queued: stats.queued,
            on_disk: stats.on_disk,
            repeated: stats.repeated,
            last_failure: stats.last_failure,
            left_out: stats.left_out,
            members: Vec::new(),
        }
    }
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
    pub(crate) files: filelog::Tally,
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
    pub(crate) fn read(&self, level: Level, held: usize) -> Counters {
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
            held_bytes: held as u64,
            log_files: self.files.files.load(Relaxed),
            open_log_files: self.files.open.load(Relaxed),
            log_file_bytes: self.files.bytes.load(Relaxed),
            log_file_entries: self.files.entries.load(Relaxed),
            log_file_commits: self.files.commits.load(Relaxed),
            refused_log_file_requests: self.files.refused.load(Relaxed),
        }
    }
}
