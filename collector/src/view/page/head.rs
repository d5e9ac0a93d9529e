//! The head of the page of a trace: what it is, and what can be done with it.

use super::{
    super::{
        condition::Fault,
        list,
        palette::Palette,
        text::{http_status, several, short},
        waterfall::Path,
    },
    Focus, at, is_large, next,
};
use crate::{
    time::{clock, day, duration},
    trace::{Status, Trace},
};
use maud::{Markup, html};

/// How many services of the critical path are named.
const SHARES: usize = 4;

pub(super) fn head(trace: &Trace, title: &str, path: &Path, palette: &Palette) -> Markup {
    let (start, end) = trace.extent();
    let span = trace.title();
    html! {
        section.title {
            p.back { a href="/" { "Traces" } " / " code { (trace.trace_id) } " " a.button.small href={ "/api/traces/" (trace.trace_id) } { "JSON" } " " a.button.small href={ "/api/export?trace=" (trace.trace_id) } download title="OTLP in JSON" { "Export" } }
            h1 {
                (title)
                @if let Some(path) = span.and_then(|span| span.path()) { " " span.path { (short(path)) } }
                " " (http_status(span.and_then(|span| span.http_status())))
                @if trace.errors() > 0 { span.badge.bad { (several(trace.errors(), "error")) } }
                (list::gap(trace.complete(), trace.called_from_outside()))
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
                (shares(trace, path, palette))
            }
        }
    }
}

/// For whom the trace waited how long.
fn shares(trace: &Trace, path: &Path, palette: &Palette) -> Markup {
    let mut shares: Vec<(String, u64)> = Vec::new();
    for (place, span) in trace.spans.iter().enumerate().filter(|(place, _)| path.length(*place) > 0) {
        match shares.iter_mut().find(|(service, _)| span.service == service.as_str()) {
            Some((_, length)) => *length += path.length(place),
            None => shares.push((span.service.to_string(), path.length(place))),
        }
    }
    shares.sort_by_key(|(_, length)| std::cmp::Reverse(*length));
    html! {
        @if shares.len() > 1 {
            div.wide title="on the critical path, the dark line below the bars: at each moment the span for which everything waited" {
                dt { "Critical path" }
                dd {
                    @for (service, length) in shares.iter().take(SHARES) {
                        (palette.chip(service, None)) span.share-of { (duration(*length)) }
                    }
                }
            }
        }
    }
}

/// The bar above the waterfall.
pub(super) fn tools(trace: &Trace, focus: &Focus, found: &[usize], fault: Option<&Fault>) -> Markup {
    let failed: Vec<usize> = places(trace, |status| status == Status::Error);
    let selected = focus.span.as_deref().and_then(|id| trace.place(id));
    let link =
        |places: &[usize], forward| at(trace, next(places, selected, forward)).map(|span| focus.reveal(span));
    html! {
        form.bar.tools-of-trace #tools action={ "/trace/" (trace.trace_id) } data-swap {
            input.field.search type="search" name="find" value=(focus.find) data-key="/" maxlength="1000" autocomplete="off"
                spellcheck="false" aria-label="Search in the trace" placeholder="search in the trace"
                aria-invalid=[fault.map(|_| "true")];
            @for (name, value) in focus.hidden() { input type="hidden" name=(name) value=(value); }
            @if !focus.find.is_empty() && fault.is_none() {
                span.hint { (found.len()) " of " (several(trace.spans.len(), "span")) }
            }
            @if let Some(url) = link(found, true) { a.button.small href=(url) data-swap data-key="n" { "Next match" } }
            @if let Some(url) = link(found, false) { a.unseen href=(url) data-swap data-key="N" tabindex="-1" { "Previous match" } }
            @if let Some(url) = link(&failed, true) {
                a.button.small.bad href=(url) data-swap data-key="e" { "Next of " (several(failed.len(), "error")) }
            }
            @if let Some(url) = link(&failed, false) { a.unseen href=(url) data-swap data-key="E" tabindex="-1" { "Previous error" } }
            @if !trace.logs.is_empty() {
                a.button.small.on[focus.lines] href=(focus.but(|focus| focus.lines = !focus.lines)) data-swap data-key="l" { "Log lines" }
            }
            @if focus.zoom.is_some() {
                a.button.small href=(focus.but(|focus| focus.zoom = None)) data-swap data-key="0" { "Whole time" }
            }
            @if focus.under.is_some() || focus.skip > 0 {
                a.button.small href=(focus.below(None, 0)) data-swap { "All spans" }
            } @else if is_large(trace) {
                span.hint { "folded: " (trace.spans.len()) " spans" }
            }
            @if let Some(fault) = fault { p.fault-line { "This search means nothing: " (fault) "." } }
        }
    }
}

fn places(trace: &Trace, wanted: impl Fn(Status) -> bool) -> Vec<usize> {
    let spans = trace.spans.iter().enumerate();
    spans.filter(|(_, span)| wanted(span.status)).map(|(place, _)| place).collect()
}
