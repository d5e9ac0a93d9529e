//! The log records of a trace.

use super::{line, page::Focus, palette::Palette, text::name};
use crate::{
    time::{clock, duration},
    trace::{LogRecord, Span, Trace},
};
use maud::{Markup, html};
use std::collections::HashMap;

/// How many log records the table has.
const MAX_RECORDS: usize = 500;

/// The table, in the order of time: of all of the trace, or of the selected span only.
pub(crate) fn records(trace: &Trace, focus: &Focus, palette: &Palette) -> Markup {
    let spans: HashMap<&str, &Span> = trace.spans.iter().map(|span| (span.span_id.as_str(), span)).collect();
    let span = |log: &LogRecord| log.span_id.as_deref().and_then(|id| spans.get(id)).copied();
    let wanted = |log: &&LogRecord| !focus.only || focus.span.is_none() || log.span_id == focus.span;
    let logs: Vec<&LogRecord> = trace.logs.iter().filter(wanted).collect();
    html! {
        section.logs {
            h2 {
                "Log records " span.count { (logs.len()) }
                @if focus.only && focus.span.is_some() {
                    "of the selected span "
                    a.button.small data-swap href=(focus.but(|focus| focus.only = false)) { "All of the trace" }
                }
            }
            @if logs.is_empty() {
                p.hint { @if focus.only { "None of this span." } @else { "None of this trace." } }
            } @else {
                div.sheet {
                    table.records {
                        thead {
                            tr {
                                th.time { "Time (UTC)" }
                                th.offset { "Offset" }
                                th.severity { "Severity" }
                                th.where { "Span" }
                                th { "Message" }
                            }
                        }
                        tbody {
                            @for log in logs.iter().take(MAX_RECORDS) { (record(trace, log, span(log), focus, palette)) }
                        }
                    }
                }
            }
            @if logs.len() > MAX_RECORDS {
                p.hint { (logs.len() - MAX_RECORDS) " more: see " code { "/api/traces/" (trace.trace_id) } }
            }
        }
    }
}

fn record(trace: &Trace, log: &LogRecord, span: Option<&Span>, focus: &Focus, palette: &Palette) -> Markup {
    html! {
        tr {
            td.time { (clock(log.time)) }
            td.offset title="from the start of the trace" { (offset(trace, log.time)) }
            td.severity { (line::level(log)) }
            td.where {
                div.line {
                    (palette.chip(&log.service, None))
                    @if let Some(span) = span {
                        a href=(focus.reveal(span))
                            title=(name(&span.name)) { (name(&span.name)) }
                    }
                }
            }
            td.message { (line::message(log)) }
        }
    }
}

/// The time since the first span began; some records are older. Nothing when there is no span.
fn offset(trace: &Trace, time: u64) -> String {
    let (start, _) = trace.extent();
    match time.checked_sub(start) {
        _ if trace.spans.is_empty() => String::new(),
        Some(later) => format!("+{}", duration(later)),
        None => format!("−{}", duration(start - time)),
    }
}
