//! The spans of a trace over time.

use super::{
    page::MAX_ROWS,
    palette::Palette,
    panel,
    text::{http_status, name},
};
use crate::{
    time::{duration, printable},
    trace::{Kind, LogRecord, Span, Status, Trace},
};
use maud::{Markup, html};
use std::collections::HashMap;

/// How many levels are indented; the style sheet has as many. Deeper spans say how deep they are.
const MAX_INDENT: usize = 20;

/// Where the time axis has its marks, in per cent.
const MARKS: [u64; 5] = [0, 25, 50, 75, 100];

/// How many log records and events a bar shows.
const MAX_DOTS: usize = 100;

/// Where a moment is on the axis, in per cent.
struct Axis {
    start: u64,
    length: f64,
}

impl Axis {
    fn of(trace: &Trace) -> Self {
        let (start, end) = trace.extent();
        Axis { start, length: (end - start).max(1) as f64 }
    }

    fn at(&self, time: u64) -> f64 {
        (time.saturating_sub(self.start) as f64 * 100.0 / self.length).min(100.0)
    }
}

/// The rows. The details of the selected span stand below its row; where there is room, the style sheet moves them
/// to the side.
pub(crate) fn waterfall(trace: &Trace, selected: Option<&Span>, palette: &Palette) -> Markup {
    let axis = Axis::of(trace);
    let mut logs: HashMap<&str, Vec<&LogRecord>> = HashMap::new();
    for log in &trace.logs {
        logs.entry(log.span_id.as_deref().unwrap_or_default()).or_default().push(log);
    }
    let from_outside = trace.called_from_outside();
    let rows = trace.spans.iter().zip(repeats(&trace.spans)).take(MAX_ROWS);
    let is_selected = |span: &Span| selected.is_some_and(|selected| selected.span_id == span.span_id);
    let beyond = selected.filter(|_| !trace.spans.iter().take(MAX_ROWS).any(is_selected));
    html! {
        div.row.axis {
            span.label { "Span" }
            span.badges {
                @for mark in MARKS {
                    span { @if mark == 0 { "0" } @else { (duration((axis.length * mark as f64 / 100.0) as u64)) } }
                }
            }
        }
        @for (span, repeats) in rows {
            @let link = Link { trace: &trace.trace_id, span: &span.span_id, is_selected: is_selected(span) };
            @let label = label(span, repeats, from_outside);
            (row(&link, span, palette, label, bar(span, &axis, logs.get(span.span_id.as_str()))))
            @if link.is_selected { (panel::panel(trace, span, palette)) }
        }
        @if trace.spans.len() > MAX_ROWS {
            p.hint { (trace.spans.len() - MAX_ROWS) " more spans: see " code { "/api/traces/" (trace.trace_id) } }
        }
        @if let Some(span) = beyond { (panel::panel(trace, span, palette)) }
    }
}

/// For each span whether its parent has the same service.
fn repeats<'a>(spans: &'a [Span]) -> Vec<bool> {
    let mut above: Vec<&'a str> = Vec::new();
    let repeats = |span: &'a Span| {
        above.truncate(span.depth);
        let same = above.last() == Some(&span.service.as_str());
        above.push(&span.service);
        same
    };
    spans.iter().map(repeats).collect()
}

/// Where a click on a row goes.
struct Link<'a> {
    trace: &'a str,
    span: &'a str,
    is_selected: bool,
}

/// A click on the selected span closes its details.
fn row(link: &Link<'_>, span: &Span, palette: &Palette, label: Markup, bar: Markup) -> Markup {
    let query = if link.is_selected { String::new() } else { format!("?span={}", link.span) };
    let failed = span.status == Status::Error;
    html! {
        a.row.chosen[link.is_selected].failed[failed].{ "s" (palette.colour(&span.service)) }
            id={ "span-" (link.span) } href={ "/trace/" (link.trace) (query) "#span-" (link.span) } {
            (label)
            (bar)
        }
    }
}

fn label(span: &Span, repeats_service: bool, from_outside: bool) -> Markup {
    html! {
        span.label.{ "d" (span.depth.min(MAX_INDENT)) } {
            @if span.depth > MAX_INDENT { span.depth title="levels above it" { (span.depth) } }
            span.stripe title=(name(&span.service)) {}
            @if !repeats_service { span.service title=(name(&span.service)) { (name(&span.service)) } }
            span.name title=(name(&span.name)) { (name(&span.name)) }
            @if let Some(path) = span.path() { span.path title=(printable(path)) { (printable(path)) } }
            @if !matches!(span.kind, Kind::Internal | Kind::Unspecified) { span.kind { (span.kind.name()) } }
            (http_status(span.http_status()))
            @if span.status == Status::Error { span.cross title={ "Error" (panel::cause(span)) } { "!" } }
            @if span.parent_missing && !from_outside {
                span.badge title="its parent is not here (yet)" { "no parent" }
            }
        }
    }
}

fn bar(span: &Span, axis: &Axis, logs: Option<&Vec<&LogRecord>>) -> Markup {
    let (from, to) = (axis.at(span.start), axis.at(span.end));
    let percent = |value: f64| format!("{value:.3}%");
    // Even the shortest span gets a line that can be seen.
    let (x, width) = (percent(from.min(99.7)), percent((to - from).max(0.3)));
    // The text stands where there is room: behind the bar, before it, or on it.
    let (at, anchor, shift, place) = match (from, to) {
        (_, to) if to < 84.0 => (to, "start", "7", "beside"),
        (from, _) if from > 16.0 => (from, "end", "-7", "beside"),
        _ => (to, "end", "-8", "inside"),
    };
    html! {
        svg.extent width="100%" height="26" aria-hidden="true" {
            rect.fill x=(x) y="6" width=(width) height="12" rx="3" {}
            @if span.status == Status::Error { rect.ring x=(x) y="3.5" width=(width) height="17" rx="4" {} }
            @for event in span.events.iter().take(MAX_DOTS) {
                circle.event cx=(percent(axis.at(event.time))) cy="12" r="3" {}
            }
            @for log in logs.into_iter().flatten().take(MAX_DOTS) {
                circle.{ "log level-" (panel::tone(log)) } cx=(percent(axis.at(log.time))) cy="18" r="3.2" {}
            }
            text.{ (place) } x=(percent(at)) dx=(shift) y="16" text-anchor=(anchor) { (duration(span.duration())) }
        }
    }
}
