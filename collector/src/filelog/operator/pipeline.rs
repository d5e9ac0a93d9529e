//! Operators, ready to run.

use super::{Operator, Task};
use crate::filelog::entry::Entry;
use std::fmt;

/// Operators that are connected, ready to run: one for each source.
#[derive(Debug)]
pub struct Pipeline {
    counts: Counts,
}

/// What became of entries besides leaving the pipeline as they should.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counts {
    /// Filtered out, or without a route.
    pub filtered: u64,
    /// Dropped because an operator could not work on them.
    pub dropped: u64,
    /// Sent on although an operator could not work on them.
    pub failed: u64,
}

/// What is wrong with an operator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Which, counted from 0 on.
    pub operator: usize,
    /// What is wrong with it, in English, with the way out.
    pub reason: String,
}

impl Pipeline {
    /// Connects operators.
    ///
    /// # Errors
    /// All faults at once would need the configuration's lines: the first one is told.
    pub fn new(operators: &[Operator]) -> Result<Pipeline, Fault> {
        let unknown = operators.iter().position(|operator| operator.task != Task::Noop);
        match unknown {
            Some(operator) => Err(Fault {
                operator,
                reason: format!("{} is not there yet", operators[operator].task.name()),
            }),
            None => Ok(Pipeline { counts: Counts::default() }),
        }
    }

    /// Runs an entry through the operators; what comes out goes to the sink, at once or later.
    pub fn run(&mut self, entry: Entry, sink: &mut dyn FnMut(Entry)) {
        sink(entry);
    }

    /// Lets out what waited for longer than it should, by the time of [`Entry::observed`].
    pub fn flush_until(&mut self, _now: u64, _sink: &mut dyn FnMut(Entry)) {}

    /// Lets out everything that waits.
    pub fn flush(&mut self, _sink: &mut dyn FnMut(Entry)) {}

    /// The smallest [`mark`](Entry::mark) of the entries that wait in the pipeline to be put together with others.
    pub fn oldest_mark(&self) -> Option<u64> {
        None
    }

    /// What became of entries besides leaving the pipeline as they should.
    pub fn counts(&self) -> Counts {
        self.counts
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "operator {}: {}", self.operator + 1, self.reason)
    }
}

impl std::error::Error for Fault {}
