//! What became of everything, in numbers and in words.

use crate::Signal;
use std::{fmt, time::SystemTime};

/// What became of one signal on its way to one destination: for health pages, tests, jobs.
///
/// `recorded = delivered + failed + dropped + queued`, in spans, data points or log records.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// Which signal.
    pub signal: Signal,
    /// Where to, without secrets.
    pub destination: String,
    /// Spans that ended sampled, log records emitted, data points collected.
    pub recorded: u64,
    /// Acknowledged by the destination.
    pub delivered: u64,
    /// Refused by the destination: an answer that must not be repeated, or the rejected part of a success.
    pub failed: u64,
    /// Lost in this process: a queue was full, or the limit of the shutdown was over.
    pub dropped: u64,
    /// Waiting, or under way.
    pub queued: u64,
    /// Of `queued`, those on disk: they outlive the process. See [`Disk`](crate::Disk).
    pub on_disk: u64,
    /// Of `recorded`, those that an earlier process left on disk. They count as recorded from the start on.
    pub adopted: u64,
    /// Sent again although an earlier attempt may have been taken, since no answer to it was seen: at most so many
    /// items arrived twice.
    pub repeated: u64,
    /// The last fault in words, if there was one.
    pub last_failure: Option<String>,
    /// Of a member of a [`Balance`](crate::Balance): others have its share now.
    pub left_out: bool,
    /// Of measurements: the instruments that measured more series than they may have.
    pub overflows: Vec<Overflow>,
}

/// An instrument that measured more series than its limit. What is beyond it is one series, with the attribute
/// `otel.metric.overflow`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Overflow {
    /// The name of its meter.
    pub meter: String,
    /// Its name.
    pub instrument: String,
    /// When it was first seen.
    pub since: SystemTime,
    /// In how many collections that series was told.
    pub collections: u64,
}

impl Overflow {
    /// Of one collection.
    pub fn new(meter: String, instrument: String, since: SystemTime) -> Self {
        Overflow { meter, instrument, since, collections: 1 }
    }
}

impl Stats {
    /// What will never be delivered.
    pub(crate) fn lost(&self) -> u64 {
        self.failed + self.dropped
    }

    /// An error if something was lost since so much was, or is late.
    pub(crate) fn unsent(&self, lost: u64, late: u64) -> Result<(), Unsent> {
        let items = self.lost().saturating_sub(lost) + late;
        if items == 0 {
            return Ok(());
        }
        let cause = self.last_failure.clone().unwrap_or_else(|| "no answer in time".into());
        Err(Unsent { items, signal: self.signal, cause })
    }

    /// Counts what another queue before the same destination counted.
    pub(crate) fn add(&mut self, other: &Stats) {
        self.recorded += other.recorded;
        self.delivered += other.delivered;
        self.failed += other.failed;
        self.dropped += other.dropped;
        self.queued += other.queued;
        self.on_disk += other.on_disk;
        self.adopted += other.adopted;
        self.repeated += other.repeated;
        self.last_failure = self.last_failure.take().or_else(|| other.last_failure.clone());
    }

    /// Nothing so far.
    pub fn new(signal: Signal, destination: &impl fmt::Display) -> Self {
        let destination = destination.to_string();
        Stats {
            signal,
            destination,
            recorded: 0,
            delivered: 0,
            failed: 0,
            dropped: 0,
            queued: 0,
            on_disk: 0,
            adopted: 0,
            repeated: 0,
            last_failure: None,
            left_out: false,
            overflows: Vec::new(),
        }
    }
}

/// Items that a flush could not see delivered.
#[derive(Clone, Debug)]
pub struct Unsent {
    /// How many.
    pub items: u64,
    /// Of which signal.
    pub signal: Signal,
    pub(crate) cause: String,
}

impl fmt::Display for Unsent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}: {} {} not delivered: {}",
            self.signal.name(),
            self.items,
            self.signal.items(),
            self.cause
        )
    }
}

impl std::error::Error for Unsent {}
