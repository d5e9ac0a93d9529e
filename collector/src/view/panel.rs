//! The details of one span.

use super::Palette;
use crate::{
    time::{clock, duration},
    trace::{Attributes, LogRecord, Span, Status, Trace},
};
use maud::{Markup, html};

/// The panel beside the waterfall.
pub(crate) fn panel(trace: &Trace, span: &Span, palette: &Palette) -> Markup {
    let offset = |time: u64| duration(time.saturating_sub(trace.extent().0));
    let logs: Vec<&LogRecord> = trace.logs_of(&span.span_id).collect();
    html! {
        aside.panel.sheet {
            header {
                (palette.chip(&span.service, None))
                span.kind { (span.kind.name()) }
                a.close href={ "/trace/" (trace.trace_id) "#span-" (span.span_id) } title="close" { "×" }
                h2 { (span.name) }
                p.took { b { (duration(span.duration())) } " from " (offset(span.start)) " to " (offset(span.end)) }
            }
            @if span.status == Status::Error {
                p.fault { b { "Error" } @if !span.status_message.is_empty() { ": " (span.status_message) } }
            }
            (attributes("Attributes", &span.attributes))
            @if !logs.is_empty() {
                h3 { "Log records " span.count { (logs.len()) } }
                ol.entries {
                    @for log in logs {
                        li { p.when { (clock(log.time)) " " (level(log)) } p.message { (message(log)) } }
                    }
                }
            }
            @if !span.events.is_empty() {
                h3 { "Events " span.count { (span.events.len()) } }
                ol.entries {
                    @for event in &span.events {
                        li {
                            p.when { "at " (offset(event.time)) " " b { (event.name) } }
                            (pairs(&event.attributes))
                        }
                    }
                }
            }
            @if !span.links.is_empty() {
                h3 { "Links " span.count { (span.links.len()) } }
                ol.entries {
                    @for link in &span.links {
                        li {
                            a href={ "/trace/" (link.trace_id) "?span=" (link.span_id) "#span-" (link.span_id) } {
                                code { (link.trace_id) " / " (link.span_id) }
                            }
                            (pairs(&link.attributes))
                        }
                    }
                }
            }
            (identity(trace, span))
            @if let Some(resource) = trace.resources.get(span.resource) { (attributes("Resource", resource)) }
        }
    }
}

fn identity(trace: &Trace, span: &Span) -> Markup {
    html! {
        h3 { "Span" }
        dl.pairs {
            dt { "span id" } dd { code { (span.span_id) } }
            @if let Some(parent) = &span.parent_span_id {
                dt { "parent" }
                dd {
                    @if span.parent_missing { code { (parent) } " (not here)" }
                    @else {
                        a href={ "/trace/" (trace.trace_id) "?span=" (parent) "#span-" (parent) } { code { (parent) } }
                    }
                }
            }
            dt { "status" }
            dd { @match span.status { Status::Unset => "unset", Status::Ok => "ok", Status::Error => "error" } }
            @if !span.scope.is_empty() { dt { "scope" } dd { (span.scope) } }
            dt { "flags" } dd { (format!("{:#06x}", span.flags)) }
            @if !span.trace_state.is_empty() { dt { "tracestate" } dd { (span.trace_state) } }
        }
    }
}

fn attributes(title: &str, attributes: &Attributes) -> Markup {
    html! {
        @if !attributes.is_empty() {
            h3 { (title) }
            (pairs(attributes))
        }
    }
}

fn pairs(attributes: &Attributes) -> Markup {
    html! {
        @if !attributes.is_empty() {
            dl.pairs { @for (name, value) in attributes.iter() { dt { (name) } dd { (value) } } }
        }
    }
}

/// How serious a log record is, as the style sheet calls it.
pub(crate) fn tone(log: &LogRecord) -> &'static str {
    match log.severity {
        17.. => "error",
        13..=16 => "warn",
        9..=12 => "info",
        _ => "debug",
    }
}

/// The severity of a log record.
pub(crate) fn level(log: &LogRecord) -> Markup {
    html! { span.level.{ "level-" (tone(log)) } { @if log.level.is_empty() { "-" } @else { (log.level) } } }
}

/// The message of a log record with its fields.
pub(crate) fn message(log: &LogRecord) -> Markup {
    html! {
        (log.body)
        @if !log.event_name.is_empty() { " " span.field { (log.event_name) } }
        @for (name, value) in log.attributes.iter() {
            " " span.field { span.key { (name) "=" } (value) }
        }
    }
}
