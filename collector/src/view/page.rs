//! The page of one trace: facts, waterfall with the details of a span, log records.

use super::{
    Palette,
    frame::{Frame, Tab},
    list,
    query::Query,
    records::records,
    text::{http_status, name, several},
    waterfall::waterfall,
};
use crate::{
    intake::Intake,
    look,
    time::{clock, day, duration, printable},
    trace::{Trace, parse},
};
use maud::{Markup, html};

/// How many spans and log records a page shows; browsers get slow with more.
pub(crate) const MAX_ROWS: usize = 3000;

/// How much is repeated of what should have been an id, in characters.
const MAX_ID: usize = 80;

/// The page; `None` when nothing of the trace is kept.
pub(crate) fn page(intake: &Intake, palette: &Palette, id: &str, query: &Query) -> Option<Markup> {
    let trace = look::trace(intake, &parse(id)?)?;
    let selected = query.value("span").and_then(|id| trace.span(id));
    let title = trace.title().map_or("log records only".to_owned(), |span| name(&span.name));
    let content = html! {
        div.with-panel[selected.is_some()] {
            (head(&trace, &title, palette))
            div.waterfall.sheet.deep[is_deep(&trace)] { (waterfall(&trace, selected, palette)) }
            (records(&trace, palette))
        }
    };
    Some(Frame::new(Tab::Traces, &title).page(content))
}

/// The page of a trace of which nothing is kept.
pub(crate) fn missing(id: &str) -> Markup {
    let content = html! {
        section.empty {
            @if parse(id).is_some() {
                h1 { "This trace is not here" }
                p { code { (id) } }
                p {
                    "It has not arrived yet, was not sampled, or left to make room for newer ones. "
                    "Spans come in batches: a moment later it may be there."
                }
                p { a.button href="" { "Look again" } " " a.button href="/" { "All traces" } }
            } @else {
                h1 { "This is not a trace id" }
                p { code { (id.chars().take(MAX_ID).collect::<String>()) } }
                p { "A trace id has 32 hexadecimal digits." }
                p { a.button href="/" { "All traces" } }
            }
        }
    };
    Frame::new(Tab::Traces, "no such trace").page(content)
}

/// Whether levels are indented less, so that names have room.
fn is_deep(trace: &Trace) -> bool {
    trace.spans.iter().any(|span| span.depth > 8)
}

fn head(trace: &Trace, title: &str, palette: &Palette) -> Markup {
    let (start, end) = trace.extent();
    let span = trace.title();
    html! {
        section.title {
            p.back { a href="/" { "Traces" } " / " code { (trace.trace_id) } }
            h1 {
                (title)
                @if let Some(path) = span.and_then(|span| span.path()) { " " span.path { (printable(path)) } }
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
            }
        }
    }
}
