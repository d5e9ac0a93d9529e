//! Which rows of a trace are shown: all of a small one; of a large one those that matter, the others folded.
//!
//! First the selected span, what is found and what failed, each with its ancestors, then level by level from the top, until
//! there are [`MAX_ROWS`]. What is folded can be asked for: the descendants of a span, some of them passed over.

use super::peer;
use crate::trace::{LogRecord, Span, Status, Trace};
use std::collections::{HashMap, VecDeque};

/// How many spans are shown at once.
pub(crate) const MAX_ROWS: usize = 500;

/// How many of those that are found, and of those that failed, are unfolded before the levels are.
const FIRST: usize = 100;

/// How many log records stand at their spans.
const MAX_LINES: usize = 500;

/// A line of the waterfall.
pub(crate) enum Row<'a> {
    /// A span, with the number of its descendants if none of them is shown.
    Span { place: usize, folded: usize },
    /// A log record of the span above.
    Line { depth: usize, log: &'a LogRecord },
    /// Who is called by the span above and tells nothing.
    Peer { place: usize, name: String },
    /// Spans below a span, or at the top, that are not shown: so many, behind so many others.
    Gap { under: Option<usize>, skip: usize, count: usize, depth: usize },
}

/// What is asked for.
pub(crate) struct Wanted<'a> {
    /// The span whose descendants are wanted; `None`: all.
    pub(crate) under: Option<usize>,
    /// How many of them are passed over.
    pub(crate) skip: usize,
    pub(crate) selected: Option<usize>,
    pub(crate) found: &'a [usize],
    /// Whether log records stand at their spans.
    pub(crate) lines: bool,
}

/// How the spans of a trace belong together.
pub(crate) struct Outline<'a> {
    trace: &'a Trace,
    parents: Vec<Option<usize>>,
    /// The place behind the last descendant.
    ends: Vec<usize>,
}

impl<'a> Outline<'a> {
    pub(crate) fn of(trace: &'a Trace) -> Self {
        let mut parents: Vec<Option<usize>> = vec![None; trace.spans.len()];
        for (place, span) in trace.spans.iter().enumerate() {
            for child in &span.children {
                if let Some(parent) = parents.get_mut(*child) {
                    *parent = Some(place);
                }
            }
        }
        let mut ends: Vec<usize> = (1..=trace.spans.len()).collect();
        // Children stand behind their parents.
        for place in (0..trace.spans.len()).rev() {
            if let Some(parent) = parents.get(place).copied().flatten() {
                ends[parent] = ends[parent].max(ends[place]);
            }
        }
        Outline { trace, parents, ends }
    }

    pub(crate) fn parent(&self, place: usize) -> Option<&'a Span> {
        self.trace.spans.get(self.parents.get(place).copied().flatten()?)
    }

    /// The rows that are shown.
    pub(crate) fn rows(&self, wanted: &Wanted<'_>) -> Vec<Row<'a>> {
        let (first, end) = match wanted.under {
            Some(under) => (under + 1, self.ends.get(under).copied().unwrap_or(0)),
            None => (0, self.ends.len()),
        };
        let start = first.saturating_add(wanted.skip).min(end);
        let shown = self.shown(start, end, wanted);
        let mut rows = Rows::new(self, wanted.lines);
        let mut place = start;
        while place < end {
            if shown[place] {
                rows.span(place);
                place += 1;
            } else {
                rows.hide(place, self.ends[place]);
                place = self.ends[place];
            }
        }
        rows.finish()
    }

    /// Which spans from a place to another one are shown. With each, all of its ancestors there are.
    fn shown(&self, start: usize, end: usize, wanted: &Wanted<'_>) -> Vec<bool> {
        let mut shown = vec![false; self.ends.len()];
        if end - start <= MAX_ROWS {
            shown[start..end].fill(true);
            return shown;
        }
        let mut left = MAX_ROWS;
        let mut show = |shown: &mut Vec<bool>, mut place: usize| {
            let mut way = Vec::new();
            while place >= start && place < end && !shown[place] {
                way.push(place);
                let Some(parent) = self.parents[place] else { break };
                place = parent;
            }
            if way.len() <= left {
                left -= way.len();
                way.into_iter().for_each(|place| shown[place] = true);
            }
            left > 0
        };
        let is_here = |place: &usize| (start..end).contains(place);
        let failed = |place: &usize| self.trace.spans[*place].status == Status::Error;
        let found = wanted.found.iter().copied().filter(is_here).take(FIRST);
        let first = wanted.selected.into_iter().chain(found).chain((start..end).filter(failed).take(FIRST));
        for place in first {
            show(&mut shown, place);
        }
        let tops = (start..end).filter(|place| self.parents[*place].is_none_or(|parent| parent < start));
        let mut level: VecDeque<usize> = tops.collect();
        while let Some(place) = level.pop_front() {
            if !show(&mut shown, place) {
                break;
            }
            level.extend(self.trace.spans[place].children.iter().filter(|child| is_here(child)));
        }
        shown
    }
}

/// Rows while they are made.
struct Rows<'o, 'a> {
    outline: &'o Outline<'a>,
    rows: Vec<Row<'a>>,
    logs: HashMap<&'a str, VecDeque<&'a LogRecord>>,
    left: usize,
    /// The spans that are open, from the top, with the log records that are still to come.
    open: Vec<(usize, VecDeque<&'a LogRecord>)>,
    /// Where the row of the last span is.
    last: Option<usize>,
    /// Their parent, and the places from and to, of siblings that are not shown.
    gap: Option<(Option<usize>, usize, usize)>,
}

impl<'o, 'a> Rows<'o, 'a> {
    fn new(outline: &'o Outline<'a>, lines: bool) -> Self {
        let mut logs: HashMap<&str, VecDeque<&LogRecord>> = HashMap::new();
        for log in outline.trace.logs.iter().filter(|_| lines) {
            logs.entry(log.span_id.as_deref().unwrap_or_default()).or_default().push_back(log);
        }
        Rows { outline, rows: Vec::new(), logs, left: MAX_LINES, open: Vec::new(), last: None, gap: None }
    }

    fn span(&mut self, place: usize) {
        self.close_gap();
        let Some(span) = self.outline.trace.spans.get(place) else { return };
        self.lines(span.depth, span.start);
        self.last = Some(self.rows.len());
        self.rows.push(Row::Span { place, folded: 0 });
        if let Some(name) = peer::silent(self.outline.trace, span) {
            self.rows.push(Row::Peer { place, name });
        }
        self.open.push((place, self.logs.remove(span.span_id.as_str()).unwrap_or_default()));
    }

    /// Log records that belong before a span of a depth and a start.
    fn lines(&mut self, depth: usize, start: u64) {
        while let Some((place, logs)) = self.open.last_mut() {
            let above = self.outline.trace.spans.get(*place).map_or(0, |span| span.depth);
            let is_over = above >= depth;
            while logs.front().is_some_and(|log| is_over || log.time <= start) {
                if let (Some(log), true) = (logs.pop_front(), self.left > 0) {
                    self.left -= 1;
                    self.rows.push(Row::Line { depth: above + 1, log });
                }
            }
            if !is_over {
                return;
            }
            self.open.pop();
        }
    }

    /// The spans from a place to another one are not shown.
    fn hide(&mut self, place: usize, end: usize) {
        let under = self.outline.parents[place];
        match &mut self.gap {
            Some((known, _, until)) if *known == under => *until = end,
            _ => {
                self.close_gap();
                self.gap = Some((under, place, end));
            }
        }
    }

    fn close_gap(&mut self) {
        let Some((under, from, until)) = self.gap.take() else { return };
        let count = until - from;
        let begins = under.map_or(0, |under| under + 1);
        let is_all = under.is_some_and(|under| from == under + 1 && until == self.outline.ends[under]);
        let row = self.last.and_then(|last| self.rows.get_mut(last));
        match row {
            Some(Row::Span { place, folded }) if is_all && Some(*place) == under => *folded = count,
            _ => {
                let depth = self.outline.trace.spans.get(from).map_or(0, |span| span.depth);
                self.rows.push(Row::Gap { under, skip: from - begins, count, depth });
            }
        }
    }

    fn finish(mut self) -> Vec<Row<'a>> {
        self.close_gap();
        self.lines(0, u64::MAX);
        self.rows
    }
}
