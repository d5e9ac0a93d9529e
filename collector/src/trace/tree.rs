//! The order of spans in a trace, whatever their parents are.

use super::Span;
use std::collections::{HashMap, HashSet};

/// Puts every span behind its parent and siblings in the order of their starts, without recursion.
pub(super) fn in_tree_order(mut spans: Vec<Span>) -> Vec<Span> {
    spans.sort_by(|a, b| (a.start, &a.span_id).cmp(&(b.start, &b.span_id)));
    let by_id: HashMap<&str, usize> =
        spans.iter().enumerate().map(|(number, span)| (span.span_id.as_str(), number)).collect();
    let parents: Vec<Option<usize>> = spans
        .iter()
        .map(|span| span.parent_span_id.as_deref().and_then(|parent| by_id.get(parent).copied()))
        .collect();
    let mut children = vec![Vec::new(); spans.len()];
    for (number, parent) in parents.iter().enumerate() {
        if let Some(parent) = parent {
            children[*parent].push(number);
        }
    }
    let mut order = Vec::with_capacity(spans.len());
    let mut place = vec![usize::MAX; spans.len()];
    let roots = (0..spans.len()).filter(|number| parents[*number].is_none());
    // Behind them all: whoever is left then is in a circle of parents, or below one.
    for root in roots.chain(0..spans.len()) {
        let mut stack = vec![(if place[root] == usize::MAX { top(root, &parents) } else { root }, 0)];
        while let Some((number, depth)) = stack.pop() {
            if place[number] == usize::MAX {
                place[number] = order.len();
                order.push((number, depth));
                stack.extend(children[number].iter().rev().map(|child| (*child, depth + 1)));
            }
        }
    }
    let mut slots: Vec<Option<Span>> = spans.into_iter().map(Some).collect();
    let mut sorted: Vec<Span> = Vec::with_capacity(slots.len());
    for (number, depth) in order {
        let Some(mut span) = slots[number].take() else { continue };
        span.depth = depth;
        span.parent_missing = depth == 0 && span.parent_span_id.is_some();
        if let Some(parent) = parents[number].filter(|_| depth > 0) {
            sorted[place[parent]].children.push(place[number]);
        }
        sorted.push(span);
    }
    sorted
}

/// The root above a span, or a span of the circle that its ancestors form.
fn top(span: usize, parents: &[Option<usize>]) -> usize {
    let mut seen = HashSet::from([span]);
    let mut top = span;
    while let Some(parent) = parents[top] {
        top = parent;
        if !seen.insert(parent) {
            break;
        }
    }
    top
}

/// Whether parents go round in a circle somewhere. Spans are given by their ids, those of their parents behind them.
pub(super) fn has_circle<'a>(spans: impl Iterator<Item = (&'a [u8], &'a [u8])> + Clone) -> bool {
    let numbers: HashMap<&[u8], usize> =
        spans.clone().enumerate().map(|(number, (id, _))| (id, number)).collect();
    let parents: Vec<Option<usize>> = spans.map(|(_, parent)| numbers.get(parent).copied()).collect();
    // On which way up each span was first met.
    let mut met = vec![usize::MAX; parents.len()];
    for way in 0..parents.len() {
        let mut next = Some(way);
        while let Some(span) = next.filter(|span| met[*span] != way) {
            let is_known = met[span] != usize::MAX;
            met[span] = way;
            next = parents[span].filter(|_| !is_known);
        }
        if next.is_some() {
            return true;
        }
    }
    false
}
