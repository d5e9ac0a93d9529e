//! The critical path: at each moment the span for which everything waited.
//!
//! It is followed from the end of the trace backwards: a span that ends was last waiting for the child that ended last,
//! before that for the one that ended last before this one began, and in between it did something itself. To shorten what
//! is on the path shortens the trace; to shorten anything else does not.

use crate::trace::Trace;
use std::cmp::Reverse;

/// When each span was what everything waited for.
pub(crate) struct Path {
    /// By the place of the span: times from and to, the last one first.
    pieces: Vec<Vec<(u64, u64)>>,
}

impl Path {
    /// Without recursion, and in proportion to the number of spans, but for sorting siblings.
    pub(crate) fn of(trace: &Trace) -> Self {
        let mut pieces = vec![Vec::new(); trace.spans.len()];
        let roots = trace.spans.iter().enumerate().filter(|(_, span)| span.depth == 0);
        // The first of those that end last: the trace ends with it.
        let last = roots.max_by_key(|(place, span)| (span.end, Reverse(*place)));
        // Of a span, what lies outside of its parent does not count.
        let mut stack: Vec<(usize, u64, u64)> =
            last.map(|(place, span)| (place, span.start, span.end)).into_iter().collect();
        while let Some((place, from, until)) = stack.pop() {
            let Some(span) = trace.spans.get(place) else { continue };
            let mut time = until;
            let mut children: Vec<usize> = span.children.clone();
            children.sort_by_key(|child| Reverse(trace.spans.get(*child).map_or(0, |child| child.end)));
            for child in children {
                let Some(found) = trace.spans.get(child) else { continue };
                let (begin, end) = (found.start.max(from), found.end.min(time));
                if begin >= end {
                    continue;
                }
                if end < time {
                    pieces[place].push((end, time));
                }
                stack.push((child, begin, end));
                time = begin;
            }
            if from < time {
                pieces[place].push((from, time));
            }
        }
        Path { pieces }
    }

    /// When a span was on the path, the last time first.
    pub(super) fn pieces(&self, place: usize) -> &[(u64, u64)] {
        self.pieces.get(place).map(Vec::as_slice).unwrap_or_default()
    }

    /// How long a span was on the path, in nanoseconds.
    pub(crate) fn length(&self, place: usize) -> u64 {
        self.pieces(place).iter().map(|(from, to)| to - from).sum()
    }
}
