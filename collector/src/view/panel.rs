//! The details of one span.

use super::{
    palette::Palette,
    text::{folded, name},
};
use crate::{
    time::{clock, duration, printable},
    trace::{Attributes, LogRecord, Span, Status, Trace, Value},
};
use maud::{Markup, html};

/// The panel of the waterfall.
pub(crate) fn panel(trace: &Trace, span: &Span, palette: &Palette) -> Markup {
    let (start, _) = trace.extent();
    let offset = |time: u64| duration(time.saturating_sub(start));
    let logs: Vec<&LogRecord> = trace.logs_of(&span.span_id).collect();
    html! {
        aside.panel.sheet {
            header {
                (palette.chip(&span.service, None))
                span.kind { (span.kind.name()) }
                a.close href={ "/trace/" (trace.trace_id) "#span-" (span.span_id) } title="close" { "×" }
                h2 { (name(&span.name)) }
                p.took {
                    b { (duration(span.duration())) } " from "
                    @if span.start == start { "the start" } @else { (offset(span.start)) }
                    " to " (offset(span.end))
                }
            }
            @if span.status == Status::Error {
                div.fault { b { "Error" } (folded(&cause(span))) }
            }
            @if !span.attributes.is_empty() { h3 { "Attributes" } (pairs(span.attributes.iter())) }
            @if !logs.is_empty() {
                h3 { "Log records " span.count { (logs.len()) } }
                ol.entries {
                    @for log in logs {
                        li { p.when { (clock(log.time)) " +" (offset(log.time)) " " (level(log)) } div.message { (message(log)) } }
                    }
                }
            }
            @if !span.events.is_empty() {
                h3 { "Events " span.count { (span.events.len()) } }
                ol.entries {
                    @for event in &span.events {
                        li {
                            p.when { "at " (offset(event.time)) " " b { (printable(&event.name)) } }
                            (pairs(event.attributes.iter()))
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
                            (pairs(link.attributes.iter()))
                        }
                    }
                }
            }
            (identity(trace, span))
            @if let Some(resource) = trace.resources.get(span.resource).filter(|it| !it.is_empty()) {
                h3 { "Resource" }
                (pairs(by_importance(resource)))
            }
        }
    }
}

/// Why a span failed, as far as it tells, behind a colon: the type of the error, its message, the HTTP status.
pub(crate) fn cause(span: &Span) -> String {
    let exception = span.events.iter().rev().find(|event| event.name == "exception");
    let of_exception = |name| exception.and_then(|event| event.attributes.get(name));
    let kind = span.attributes.get("error.type").or(of_exception("exception.type")).map(Value::to_string);
    let message = Some(span.status_message.clone()).filter(|message| !message.is_empty());
    let message = message.or_else(|| of_exception("exception.message").map(Value::to_string));
    let status = span.http_status().map(|status| status.to_string());
    // The type of an error is often only the status.
    let kind = kind.filter(|kind| Some(kind) != status.as_ref());
    let status = status.map(|status| format!("HTTP {status}"));
    let parts = [kind, message, status].into_iter().flatten().filter(|part| !part.is_empty());
    let cause: String = parts.map(|part| format!(": {}", printable(&part))).collect();
    if cause.is_empty() { ": the span does not say why".to_owned() } else { cause }
}

/// The name of the service first, then what else is known of it, then the rest by name.
fn by_importance(resource: &Attributes) -> impl Iterator<Item = (&str, &Value)> {
    let mut sorted: Vec<(&str, &Value)> = resource.iter().collect();
    sorted.sort_by_key(|(name, _)| (*name != "service.name", !name.starts_with("service."), *name));
    sorted.into_iter()
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
            @if !span.scope.is_empty() { dt { "scope" } dd { (printable(&span.scope)) } }
            dt { "flags" } dd { (flags(span.flags)) " " span.count { (format!("{:#06x}", span.flags)) } }
            @if !span.trace_state.is_empty() { dt { "tracestate" } dd { (folded(&span.trace_state)) } }
        }
    }
}

/// The flags in words: those of W3C Trace Context, then what OTLP says of the parent.
fn flags(flags: u32) -> String {
    let words = [
        (flags & 1 != 0, "sampled"),
        (flags & 2 != 0, "random id"),
        (flags & 0x300 == 0x300, "remote parent"),
        (flags & 0x300 == 0x100, "no remote parent"),
    ];
    let said: Vec<&str> = words.into_iter().filter(|(is_set, _)| *is_set).map(|(_, word)| word).collect();
    if said.is_empty() { "none".to_owned() } else { said.join(", ") }
}

fn pairs<'a>(mut attributes: impl Iterator<Item = (&'a str, &'a Value)>) -> Markup {
    let first = attributes.next();
    html! {
        @if first.is_some() {
            dl.pairs {
                @for (name, value) in first.into_iter().chain(attributes) {
                    dt { (printable(name)) } dd { (folded(&value.to_string())) }
                }
            }
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
    let level = if log.level.is_empty() { "-".to_owned() } else { printable(&log.level) };
    html! { span.level.{ "level-" (tone(log)) } title=(level) { (level) } }
}

/// The message of a log record with its fields.
pub(crate) fn message(log: &LogRecord) -> Markup {
    let text = |value: &Value| html! { span.text { (folded(&value.to_string())) } };
    let body = (!log.body.to_string().is_empty()).then(|| text(&log.body));
    let event = (!log.event_name.is_empty()).then(|| html! { span.part { (printable(&log.event_name)) } });
    let field = |(name, value)| html! { span.part { span.key { (printable(name)) "=" } (text(value)) } };
    let parts = body.into_iter().chain(event).chain(log.fields().map(field));
    html! { @for (place, part) in parts.enumerate() { @if place > 0 { " " } (part) } }
}
