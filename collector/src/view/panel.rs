//! The details of one span.

mod curl;

use super::{
    line::{level, message},
    page::Focus,
    palette::Palette,
    query::encode,
    text::{folded, name, short},
};
use crate::{
    time::{clock, duration, printable},
    trace::{Attributes, Backlink, LogRecord, Span, Status, Trace, Value},
};
use maud::{Markup, html};

/// How many log records, events and links are shown of one span.
const MAX_ENTRIES: usize = 100;

/// How many attributes of something are shown.
const MAX_PAIRS: usize = 256;

/// Longer values are not searched for, in characters.
const MAX_SEARCH: usize = 200;

/// The panel of the waterfall.
pub(crate) fn panel(
    trace: &Trace,
    span: &Span,
    backlinks: &[Backlink],
    focus: &Focus,
    palette: &Palette,
) -> Markup {
    let (start, end) = trace.extent();
    let offset = |time: u64| duration(time.saturating_sub(start));
    let zoom = (span.start.saturating_sub(start), span.end.saturating_sub(start));
    let is_zoomable = zoom.0 < zoom.1 && zoom != (0, end - start) && focus.zoom != Some(zoom);
    html! {
        aside.panel.sheet aria-label="Span" {
            header {
                (palette.chip(&span.service, None))
                span.kind { (span.kind.name()) }
                a.close href=(focus.close()) data-key="Escape" aria-label="Close" { "×" }
                h2 { (name(&span.name)) }
                p.took {
                    b { (duration(span.duration())) } " from "
                    @if span.start == start { "the start" } @else { (offset(span.start)) }
                    " to " (offset(span.end))
                }
                p.deeds {
                    @if is_zoomable {
                        a.button.small href=(focus.but(|focus| focus.zoom = Some(zoom))) data-swap data-key="z" { "Zoom" }
                    }
                    a.button.small href={ "/api/traces/" (trace.trace_id) "/spans/" (span.span_id) } data-copy { "JSON" }
                    @if !span.children.is_empty() {
                        a.button.small href=(focus.below(Some(span), 0)) data-swap { "Only this" }
                    }
                }
            }
            @if span.status == Status::Error {
                div.fault { b { "Error" } (folded(&cause(span))) }
            }
            @if !span.attributes.is_empty() { h3 { "Attributes" } (pairs(span.attributes.iter())) }
            (logs(trace, span, focus, start))
            (events(span, start))
            (links(span, backlinks))
            @if let Some(command) = curl::curl(trace, span) {
                details.curl {
                    summary { "As a command of curl" }
                    pre { (command) }
                    button.button.small type="button" data-copy-before hidden { "Copy" }
                }
            }
            (identity(span, trace, focus))
            @if let Some(resource) = trace.resources.get(span.resource).filter(|it| !it.is_empty()) {
                h3 { "Resource" }
                (pairs(by_importance(resource)))
            }
        }
    }
}

fn logs(trace: &Trace, span: &Span, focus: &Focus, start: u64) -> Markup {
    let logs: Vec<&LogRecord> = trace.logs_of(&span.span_id).take(MAX_ENTRIES + 1).collect();
    html! {
        @if !logs.is_empty() {
            h3 {
                "Log records " span.count { (logs.len().min(MAX_ENTRIES)) }
                @if !focus.only {
                    " " a.aside href=(focus.but(|focus| focus.only = true)) data-swap { "only these in the table" }
                }
            }
            ol.entries {
                @for log in logs.iter().take(MAX_ENTRIES) {
                    li {
                        p.when { (clock(log.time)) " +" (duration(log.time.saturating_sub(start))) " " (level(log)) }
                        div.message { (message(log)) }
                    }
                }
            }
            @if logs.len() > MAX_ENTRIES { p.hint { "and more: see the table below" } }
        }
    }
}

fn events(span: &Span, start: u64) -> Markup {
    html! {
        @if !span.events.is_empty() {
            h3 { "Events " span.count { (span.events.len()) } }
            ol.entries {
                @for event in span.events.iter().take(MAX_ENTRIES) {
                    li {
                        p.when { "at " (duration(event.time.saturating_sub(start))) " " b { (short(&event.name)) } }
                        (pairs(event.attributes.iter()))
                    }
                }
            }
            @if span.events.len() > MAX_ENTRIES { p.hint { "and more: see the JSON" } }
        }
    }
}

fn links(span: &Span, backlinks: &[Backlink]) -> Markup {
    let url = |trace: &str, span: &str| format!("/trace/{trace}?span={span}#span-{span}");
    html! {
        @if !span.links.is_empty() {
            h3 { "Links " span.count { (span.links.len()) } }
            ol.entries {
                @for link in span.links.iter().take(MAX_ENTRIES) {
                    li {
                        a href=(url(&link.trace_id, &link.span_id)) { code { (link.trace_id) " / " (link.span_id) } }
                        (pairs(link.attributes.iter()))
                    }
                }
            }
        }
        @if !backlinks.is_empty() {
            h3 { "Linked from " span.count { (backlinks.len()) } }
            ol.entries {
                @for link in backlinks {
                    li {
                        a href=(url(&link.trace_id, &link.span_id)) { (name(&link.service)) " " b { (name(&link.name)) } }
                        " " span.id { (link.trace_id.get(..8).unwrap_or_default()) }
                    }
                }
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

fn identity(span: &Span, trace: &Trace, focus: &Focus) -> Markup {
    html! {
        h3 { "Span" }
        dl.pairs {
            dt { "span id" } dd { code { (span.span_id) } }
            @if let Some(parent) = &span.parent_span_id {
                dt { "parent" }
                dd {
                    @if let Some(found) = trace.span(parent).filter(|_| !span.parent_missing) {
                        a href=(focus.reveal(found)) { code { (parent) } }
                    } @else { code { (parent) } " (not here)" }
                }
            }
            dt { "status" }
            dd { @match span.status { Status::Unset => "unset", Status::Ok => "ok", Status::Error => "error" } }
            @if !span.scope.is_empty() { dt { "scope" } dd { (short(&span.scope)) } }
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

fn pairs<'a>(attributes: impl Iterator<Item = (&'a str, &'a Value)>) -> Markup {
    let mut attributes = attributes.peekable();
    html! {
        @if attributes.peek().is_some() {
            dl.pairs {
                @for (name, value) in attributes.by_ref().take(MAX_PAIRS) {
                    dt { (short(name)) }
                    dd {
                        (folded(&value.to_string()))
                        @if let Some(url) = search(name, value) {
                            " " a.alike href=(url) title="traces with the same" { "⌕" span.unseen { "Traces with the same" } }
                        }
                    }
                }
            }
            @if attributes.peek().is_some() { p.hint { "and more: see the JSON" } }
        }
    }
}

/// The list of traces with the same value, if it can be searched for.
fn search(name: &str, value: &Value) -> Option<String> {
    let value = value.to_string();
    let is_plain = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-/".contains(&byte));
    if !is_plain || name.is_empty() || value.chars().nth(MAX_SEARCH).is_some() {
        return None;
    }
    let words = format!("{name} = \"{}\"", value.replace('\\', "\\\\").replace('"', "\\\""));
    Some(format!("/?q={}", encode(&words)))
}
