//! The log records of a trace.

use super::{page::MAX_ROWS, palette::Palette, panel, text::name};
use crate::{
    time::{clock, duration},
    trace::{LogRecord, Span, Trace},
};
use maud::{Markup, html};
use std::collections::HashMap;

/// The table, in the order of time.
pub(crate) fn records(trace: &Trace, palette: &Palette) -> Markup {
    let spans: HashMap<&str, &Span> = trace.spans.iter().map(|span| (span.span_id.as_str(), span)).collect();
    let span = |log: &LogRecord| log.span_id.as_deref().and_then(|id| spans.get(id)).copied();
    html! {
        section.logs {
            h2 { "Log records " span.count { (trace.logs.len()) } }
            @if trace.logs.is_empty() {
                p.hint { "None of this trace." }
            } @else {
                div.sheet {
                    table.records {
                        tbody {
                            @for log in trace.logs.iter().take(MAX_ROWS) { (record(trace, log, span(log), palette)) }
                        }
                    }
                }
            }
            @if trace.logs.len() > MAX_ROWS {
                p.hint { (trace.logs.len() - MAX_ROWS) " more: see " code { "/api/traces/" (trace.trace_id) } }
            }
        }
    }
}

fn record(trace: &Trace, log: &LogRecord, span: Option<&Span>, palette: &Palette) -> Markup {
    html! {
        tr {
            td.time { (clock(log.time)) }
            td.offset title="from the start of the trace" { (offset(trace, log.time)) }
            td.severity { (panel::level(log)) }
            td.where {
                div.line {
                    (palette.chip(&log.service, None))
                    @if let Some(span) = span {
                        a href={ "/trace/" (trace.trace_id) "?span=" (span.span_id) "#span-" (span.span_id) }
                            title=(name(&span.name)) { (name(&span.name)) }
                    }
                }
            }
            td.message { (panel::message(log)) }
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
