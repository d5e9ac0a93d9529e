//! The page of one trace: facts, waterfall, the details of a span, log records.

use super::{Palette, frame, panel, query::Query};
use crate::{
    intake::Intake,
    time::{clock, day, duration},
    trace::{Kind, LogRecord, Span, Status, Trace, parse},
};
use maud::{Markup, html};
use std::collections::HashMap;

/// How many spans and log records a page shows; browsers get slow with more.
const MAX_ROWS: usize = 3000;

/// How many levels are indented; the style sheet has as many.
const MAX_INDENT: usize = 20;

/// Where the time axis has its marks, in per cent.
const MARKS: [u64; 5] = [0, 25, 50, 75, 100];

/// The page; `None` when nothing of the trace is kept.
pub(crate) fn page(intake: &Intake, palette: &Palette, id: &str, query: &Query) -> Option<Markup> {
    let trace = intake.trace(&parse(id)?)?;
    let selected = query.value("span").and_then(|id| trace.span(id));
    let title = trace.spans.first().map_or("log records only", |span| span.name.as_str());
    let content = html! {
        (head(&trace, title, palette))
        div.split.with-panel[selected.is_some()] {
            div {
                div.waterfall.sheet { (waterfall(&trace, selected, palette)) }
                (logs(&trace, palette))
            }
            @if let Some(span) = selected { (panel::panel(&trace, span, palette)) }
        }
    };
    Some(frame(title, None, html! {}, content))
}

/// The page of a trace of which nothing is kept.
pub(crate) fn missing(id: &str) -> Markup {
    let content = html! {
        section.empty {
            h1 { "This trace is not here" }
            p { code { (id) } }
            p {
                "It has not arrived yet, was not sampled, or left to make room for newer ones. "
                "Spans come in batches: a moment later it may be there."
            }
            p { a.button href="" { "Look again" } " " a.button href="/" { "All traces" } }
        }
    };
    frame("no such trace", None, html! {}, content)
}

fn head(trace: &Trace, title: &str, palette: &Palette) -> Markup {
    let (start, end) = trace.extent();
    let errors = trace.errors();
    html! {
        section.title {
            p.back { a href="/" { "Traces" } " / " code { (trace.trace_id) } }
            h1 {
                (title)
                @if errors > 0 { span.mark.bad { (errors) @if errors == 1 { " error" } @else { " errors" } } }
                @if !trace.complete() {
                    span.mark title="the root or a parent is not here (yet)" { "incomplete" }
                }
            }
            dl.facts {
                div { dt { "Duration" } dd { (duration(end - start)) } }
                div { dt { "Start (UTC)" } dd { (day(start)) " " (clock(start)) } }
                div { dt { "Spans" } dd { (trace.spans.len()) } }
                div { dt { "Depth" } dd { (trace.spans.iter().map(|span| span.depth + 1).max().unwrap_or(0)) } }
                div { dt { "Log records" } dd { (trace.logs.len()) } }
                div.wide {
                    dt { "Services" }
                    dd { @for (service, count) in trace.services() { (palette.chip(&service, Some(count))) } }
                }
            }
        }
    }
}

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

fn waterfall(trace: &Trace, selected: Option<&Span>, palette: &Palette) -> Markup {
    let axis = Axis::of(trace);
    let mut logs: HashMap<&str, Vec<&LogRecord>> = HashMap::new();
    for log in &trace.logs {
        logs.entry(log.span_id.as_deref().unwrap_or_default()).or_default().push(log);
    }
    html! {
        div.row.axis {
            span.label { "Span" }
            span.marks {
                @for mark in MARKS {
                    span { @if mark == 0 { "0" } @else { (duration((axis.length * mark as f64 / 100.0) as u64)) } }
                }
            }
        }
        @for span in trace.spans.iter().take(MAX_ROWS) {
            @let chosen = selected.is_some_and(|selected| selected.span_id == span.span_id);
            (row(trace, span, chosen, palette, bar(span, &axis, logs.get(span.span_id.as_str()))))
        }
        @if trace.spans.len() > MAX_ROWS {
            p.hint { (trace.spans.len() - MAX_ROWS) " more spans: see " code { "/api/traces/" (trace.trace_id) } }
        }
    }
}

/// A click on the selected span closes its details.
fn row(trace: &Trace, span: &Span, chosen: bool, palette: &Palette, bar: Markup) -> Markup {
    let failed = span.status == Status::Error;
    let id = &span.span_id;
    let query = if chosen { String::new() } else { format!("?span={id}") };
    html! {
        a.row.chosen[chosen].failed[failed].{ "s" (palette.colour(&span.service)) }
            id={ "span-" (id) } href={ "/trace/" (trace.trace_id) (query) "#span-" (id) } {
            span.label.{ "d" (span.depth.min(MAX_INDENT)) } {
                span.stripe {}
                span.service { @if span.service.is_empty() { "unnamed" } @else { (span.service) } }
                span.name title=(span.name) { @if span.name.is_empty() { "unnamed" } @else { (span.name) } }
                @if !matches!(span.kind, Kind::Internal | Kind::Unspecified) { span.kind { (span.kind.name()) } }
                @if let Some(status) = span.http_status() { span.http { (status) } }
                @if failed { span.cross title="error" { "!" } }
                @if span.parent_missing { span.mark title="its parent is not here (yet)" { "no parent" } }
            }
            (bar)
        }
    }
}

fn bar(span: &Span, axis: &Axis, logs: Option<&Vec<&LogRecord>>) -> Markup {
    let (from, to) = (axis.at(span.start), axis.at(span.end));
    let percent = |value: f64| format!("{value:.3}%");
    // The text stands where there is room: behind the bar, before it, or on it.
    let (at, anchor, shift, place) = match (from, to) {
        (_, to) if to < 84.0 => (to, "start", "7", "beside"),
        (from, _) if from > 16.0 => (from, "end", "-7", "beside"),
        _ => (to, "end", "-8", "inside"),
    };
    html! {
        svg.extent width="100%" height="26" aria-hidden="true" {
            // Even the shortest span gets a line that can be seen.
            rect.fill x=(percent(from.min(99.7))) y="7" width=(percent((to - from).max(0.3))) height="12" rx="3" {}
            @for log in logs.into_iter().flatten().take(100) {
                circle.{ "level-" (panel::tone(log)) } cx=(percent(axis.at(log.time))) cy="22" r="2.2" {}
            }
            @for event in &span.events {
                circle.event cx=(percent(axis.at(event.time))) cy="13" r="3" {}
            }
            text.{ (place) } x=(percent(at)) dx=(shift) y="17" text-anchor=(anchor) { (duration(span.duration())) }
        }
    }
}

fn logs(trace: &Trace, palette: &Palette) -> Markup {
    let known = |id: &&str| trace.span(id).is_some();
    html! {
        section.logs {
            h2 { "Log records " span.count { (trace.logs.len()) } }
            @if trace.logs.is_empty() {
                p.hint { "None of this trace." }
            } @else {
                div.sheet {
                    table.records {
                        tbody {
                            @for log in trace.logs.iter().take(MAX_ROWS) {
                                @let span = log.span_id.as_deref().filter(known).and_then(|id| trace.span(id));
                                (record(trace, log, span, palette))
                            }
                        }
                    }
                }
            }
        }
    }
}

fn record(trace: &Trace, log: &LogRecord, span: Option<&Span>, palette: &Palette) -> Markup {
    html! {
        tr {
            td.time { (clock(log.time)) }
            td { (panel::level(log)) }
            td.where {
                (palette.chip(&log.service, None))
                @if let Some(span) = span {
                    a href={ "/trace/" (trace.trace_id) "?span=" (span.span_id) "#span-" (span.span_id) } { (span.name) }
                }
            }
            td.message { (panel::message(log)) }
        }
    }
}
