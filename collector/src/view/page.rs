//! The page of one trace: facts, waterfall with the details of a span, log records.

mod focus;
mod head;
mod pieces;

pub(crate) use focus::Focus;
pub(crate) use pieces::{details, rows};

use super::{
    condition::Condition,
    filter::Spans,
    frame::{Frame, Tab, empty},
    palette::Palette,
    query::Query,
    records::records,
    text::name,
    waterfall::{Axis, MAX_ROWS, Outline, Path, Row, Wanted, Waterfall},
};
use crate::{
    intake::Intake,
    look,
    trace::{Span, Trace, parse},
};
use maud::{Markup, html};
use std::collections::HashSet;

/// How much is repeated of what should have been an id, in characters.
const MAX_ID: usize = 80;

/// The page; `None` when nothing of the trace is kept.
pub(crate) fn page(intake: &Intake, palette: &Palette, id: &str, query: &Query) -> Option<Markup> {
    let trace = look::trace(intake, &parse(id)?)?;
    let title = trace.title().map_or("log records only".to_owned(), |span| name(&span.name));
    let focus = Focus::of(&trace, query);
    let selected = focus.span.as_deref().and_then(|id| trace.span(id));
    let panel = selected.map(|span| pieces::panel(intake, &trace, span, &focus, palette));
    let content = html! {
        div #trace.with-panel[selected.is_some()] data-live="trace" data-trace=(trace.trace_id) {
            (whole(&trace, &focus, &title, palette, panel.as_ref()))
            (records(&trace, &focus, palette))
        }
    };
    Some(Frame::new(Tab::Traces, &title).followed().page(content))
}

fn whole(trace: &Trace, focus: &Focus, title: &str, palette: &Palette, panel: Option<&Markup>) -> Markup {
    let outline = Outline::of(trace);
    let (axis, path) = (Axis::of(trace, focus.zoom), Path::of(trace));
    let condition = Condition::parse(&focus.find);
    let found = found(trace, focus, &condition);
    let place = |id: &Option<String>| trace.place(id.as_deref()?);
    let under = place(&focus.under);
    let wanted =
        Wanted { under, skip: focus.skip, selected: place(&focus.span), found: &found, lines: focus.lines };
    let mut rows = outline.rows(&wanted);
    if let Some(place) = under {
        rows.insert(0, Row::Span { place, folded: 0 });
    }
    let has_row =
        rows.iter().any(|row| matches!(row, Row::Span { place, .. } if Some(*place) == wanted.selected));
    let is_found: HashSet<usize> = found.iter().copied().collect();
    let waterfall = Waterfall::new(trace, focus, &outline, (&axis, &path), palette, &is_found);
    html! {
        (head::head(trace, title, &path, palette))
        @if !trace.spans.is_empty() {
            (head::tools(trace, focus, &found, condition.err().as_ref()))
            div.waterfall.sheet.deep[is_deep(trace)] {
                (waterfall.head())
                ol.rows { (waterfall.rows(&rows, panel)) }
                @if let Some(panel) = panel.filter(|_| !has_row) { (panel) }
            }
        }
    }
}

/// The places of the spans that are searched for.
fn found(trace: &Trace, focus: &Focus, condition: &Result<Condition, super::condition::Fault>) -> Vec<usize> {
    match condition {
        Ok(condition) if !focus.find.is_empty() => Spans::of(trace).all(condition),
        _ => Vec::new(),
    }
}

/// The page of a trace of which nothing is kept.
pub(crate) fn missing(id: &str) -> Markup {
    let content = if let Some(id) = parse(id) {
        let content = html! {
            p { code { (crate::trace::hex(&id)) } }
            p {
                "It has not arrived yet, was not sampled, or left to make room for newer ones. "
                "Spans come in batches: a moment later it may be there."
            }
            p { a.button href="" { "Look again" } " " a.button href="/" { "All traces" } }
        };
        let empty = empty("This trace is not here", content);
        // It is shown as soon as it comes.
        html! { div #trace data-live="trace" data-trace=(crate::trace::hex(&id)) { (empty) } }
    } else {
        let content = html! {
            p { code { (id.chars().take(MAX_ID).collect::<String>()) } }
            p { "A trace id has 32 hexadecimal digits." }
            p { a.button href="/" { "All traces" } }
        };
        empty("This is not a trace id", content)
    };
    Frame::new(Tab::Traces, "no such trace").followed().page(content)
}

/// Whether levels are indented less, so that names have room.
fn is_deep(trace: &Trace) -> bool {
    trace.spans.iter().any(|span| span.depth > 8)
}

/// Whether the page shows only a part of the spans.
fn is_large(trace: &Trace) -> bool {
    trace.spans.len() > MAX_ROWS
}

/// The span before or behind a place among some, round the corner.
fn next(places: &[usize], from: Option<usize>, forward: bool) -> Option<usize> {
    let from = from.map(|from| from as i64).unwrap_or(if forward { -1 } else { i64::MAX });
    let behind = |place: &&usize| **place as i64 > from;
    let before = |place: &&usize| (**place as i64) < from;
    match forward {
        true => places.iter().find(behind).or(places.first()).copied(),
        false => places.iter().rev().find(before).or(places.last()).copied(),
    }
}

fn at(trace: &Trace, place: Option<usize>) -> Option<&Span> {
    trace.spans.get(place?)
}
