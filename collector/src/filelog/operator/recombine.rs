//! Entries that belong together.

use super::Outcome;
use crate::filelog::{
    entry::{Entry, Field, Value},
    expression::Expression,
};
use std::{borrow::Cow, collections::HashMap, time::Duration};

/// Which entries are put together, and how.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Recombine {
    /// By what those that belong together are known.
    pub boundary: Boundary,
    /// The texts that are put together.
    pub combine_field: Field,
    /// What stands between them. Default: a line feed.
    pub combine_with: String,
    /// How many entries are put together at most; 0: no bound. Default: 1,000.
    pub max_batch_size: usize,
    /// How many before an entry matches; 0: no bound. Default: 100.
    pub max_unmatched_batch_size: usize,
    /// Whether all else is of the oldest entry instead of the newest. Default: of the newest.
    pub overwrite_with_oldest: bool,
    /// How long parts are waited for. Default: 5 s.
    pub force_flush_period: Duration,
    /// What tells the sources apart. Default: `attributes["log.file.path"]`.
    pub source_identifier: Field,
    /// How many sources there may be at once. Default: 1,000.
    pub max_sources: usize,
    /// How large the text may get, in bytes; 0: no bound. Default: 0.
    pub max_log_size: usize,
}

/// By what entries that belong together are known: by an expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Boundary {
    /// It is true for the first of them.
    First(String),
    /// It is true for the last of them.
    Last(String),
}

impl Recombine {
    /// Puts the texts of a field together.
    pub fn new(boundary: Boundary, combine_field: Field) -> Self {
        Recombine {
            boundary,
            combine_field,
            combine_with: "\n".to_owned(),
            max_batch_size: 1000,
            max_unmatched_batch_size: 100,
            overwrite_with_oldest: false,
            force_flush_period: Duration::from_secs(5),
            source_identifier: Field::attribute("log.file.path"),
            max_sources: 1000,
            max_log_size: 0,
        }
    }
}

/// Entries that wait for others, by their source.
#[derive(Debug)]
pub(super) struct Joiner {
    combine_field: Field,
    combine_with: String,
    max_batch_size: usize,
    max_unmatched_batch_size: usize,
    overwrite_with_oldest: bool,
    /// In nanoseconds.
    period: u64,
    max_sources: usize,
    max_log_size: usize,
    batches: HashMap<String, Batch>,
}

/// What came of one source.
#[derive(Debug)]
struct Batch {
    /// The one that all else is of.
    base: Entry,
    text: String,
    count: usize,
    /// When the first came, in nanoseconds since 1970.
    since: u64,
    mark: u64,
    has_matched: bool,
}

/// An operator that puts entries together.
#[derive(Debug)]
pub(super) struct Recombiner {
    expression: Expression,
    is_first: bool,
    source_identifier: Field,
    pub(super) joiner: Joiner,
}

impl Recombiner {
    pub(super) fn new(recombine: &Recombine) -> Result<Self, String> {
        let (text, is_first) = match &recombine.boundary {
            Boundary::First(text) => (text, true),
            Boundary::Last(text) => (text, false),
        };
        let expression = text.parse().map_err(|fault| format!("{text:?}: {fault}"))?;
        let joiner = Joiner {
            combine_field: recombine.combine_field.clone(),
            combine_with: recombine.combine_with.clone(),
            max_batch_size: recombine.max_batch_size,
            max_unmatched_batch_size: recombine.max_unmatched_batch_size,
            overwrite_with_oldest: recombine.overwrite_with_oldest,
            period: u64::try_from(recombine.force_flush_period.as_nanos()).unwrap_or(u64::MAX),
            max_sources: recombine.max_sources.max(1),
            max_log_size: recombine.max_log_size,
            batches: HashMap::new(),
        };
        Ok(Recombiner {
            expression,
            is_first,
            source_identifier: recombine.source_identifier.clone(),
            joiner,
        })
    }

    /// Whether an entry is the first or the last of those that belong together.
    pub(super) fn matches(&self, entry: &Entry) -> Result<bool, Cow<'static, str>> {
        let matches = self.expression.truth(entry).map_err(|fault| fault.to_string())?;
        self.joiner.check(entry).map(|()| matches)
    }

    /// Takes an entry, and lets out what is whole.
    pub(super) fn take(&mut self, entry: Entry, matches: bool) -> Vec<Entry> {
        let mut out = Vec::new();
        let source =
            self.source_identifier.value(&entry).and_then(Value::text).unwrap_or_default().to_owned();
        if matches && self.is_first {
            self.joiner.release(&source, &mut out);
        }
        self.joiner.add(entry, &source, matches, &mut out);
        if matches && !self.is_first {
            self.joiner.release(&source, &mut out);
        }
        out
    }
}

impl Joiner {
    /// For the parts of a container's lines, which have nothing between them.
    pub(super) fn of_parts(max_log_size: usize) -> Self {
        Joiner {
            combine_field: Field::BODY,
            combine_with: String::new(),
            max_batch_size: 0,
            max_unmatched_batch_size: 0,
            overwrite_with_oldest: false,
            period: 5_000_000_000,
            max_sources: 1000,
            max_log_size,
            batches: HashMap::new(),
        }
    }

    /// Whether nothing waits.
    pub(super) fn is_empty(&self) -> bool {
        self.batches.is_empty()
    }

    /// The smallest mark of those that wait.
    pub(super) fn oldest_mark(&self) -> Option<u64> {
        self.batches.values().map(|batch| batch.mark).min()
    }

    fn check(&self, entry: &Entry) -> Outcome {
        match self.combine_field.value(entry) {
            Some(Value::Text(_)) => Ok(()),
            Some(other) => Err(format!("{} is {}, no text", self.combine_field, other.kind()).into()),
            None => Err(format!("there is no {}", self.combine_field).into()),
        }
    }

    /// Puts an entry to those of its source; lets them out if there are too many of them, or of sources.
    pub(super) fn add(&mut self, mut entry: Entry, source: &str, matches: bool, out: &mut Vec<Entry>) {
        let Some(Value::Text(text)) = self.combine_field.take(&mut entry) else { return out.push(entry) };
        if !self.batches.contains_key(source) && self.batches.len() >= self.max_sources {
            self.release_all(out);
        }
        let (is_oldest, mark, since) = (self.overwrite_with_oldest, entry.mark, entry.observed);
        let batch = match self.batches.get_mut(source) {
            Some(batch) => {
                batch.text.push_str(if batch.text.is_empty() { "" } else { &self.combine_with });
                batch.text.push_str(&text);
                if !is_oldest {
                    batch.base = entry;
                }
                batch
            }
            None => {
                let new = Batch { base: entry, text, count: 0, since, mark, has_matched: false };
                self.batches.entry(source.to_owned()).or_insert(new)
            }
        };
        batch.count += 1;
        batch.has_matched |= matches;
        let is_over = |bound: usize, is: usize| bound > 0 && is >= bound;
        if (self.max_log_size > 0 && batch.text.len() > self.max_log_size)
            || is_over(self.max_batch_size, batch.count)
            || (!batch.has_matched && is_over(self.max_unmatched_batch_size, batch.count))
        {
            self.release(source, out);
        }
    }

    /// Lets out what there is of a source.
    pub(super) fn release(&mut self, source: &str, out: &mut Vec<Entry>) {
        if let Some(Batch { mut base, text, mark, .. }) = self.batches.remove(source) {
            base.mark = mark;
            self.combine_field.set(&mut base, Value::Text(text));
            out.push(base);
        }
    }

    /// Lets out what waits for longer than it should, the oldest first.
    pub(super) fn release_until(&mut self, now: u64, out: &mut Vec<Entry>) {
        let period = self.period;
        self.release_if(out, |batch| now.saturating_sub(batch.since) >= period);
    }

    /// Lets out everything, the oldest first.
    pub(super) fn release_all(&mut self, out: &mut Vec<Entry>) {
        self.release_if(out, |_| true);
    }

    fn release_if(&mut self, out: &mut Vec<Entry>, is_due: impl Fn(&Batch) -> bool) {
        let due = self.batches.iter().filter(|(_, batch)| is_due(batch));
        let mut due: Vec<(u64, u64, String)> =
            due.map(|(source, batch)| (batch.mark, batch.since, source.clone())).collect();
        due.sort();
        for (_, _, source) in due {
            self.release(&source, out);
        }
    }
}
