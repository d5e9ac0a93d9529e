//! The page of log records: the newest first, as they come, as far as they are wanted.

mod wanted; // which

use super::{
    Palette,
    frame::{Frame, Tab, empty},
    line,
    query::Query,
    text::name,
};
use crate::{
    intake::Intake,
    look,
    time::{clock, day},
    trace::LogRecord,
};
use maud::{Markup, html};
use std::collections::{BTreeSet, HashMap};
use throughline_sender::Signal;
pub(crate) use wanted::Wanted;
use wanted::{LEVELS, MAX_SEARCH};

/// How many log records a page shows, and how many when more are asked for.
const LIMIT: usize = 100;
const MAX_LIMIT: usize = 1000;

/// How many services can be chosen.
const CHOICES: usize = 200;

/// The page.
pub(crate) fn page(intake: &Intake, palette: &Palette, query: &Query) -> Markup {
    let wanted = Wanted::of(query);
    let limit = query.number("limit", LIMIT, MAX_LIMIT);
    let (logs, is_all) = match wanted.fault() {
        Some(_) => (Vec::new(), true),
        None => look::records(intake, limit, |log| wanted.passes(log)),
    };
    let is_empty = intake.counters().log_records == 0;
    let content = html! {
        @if is_empty && wanted.is_open() {
            (empty("No log records yet", html! { p { "They come from programs that send logs, and from files that are read." } }))
        } @else {
            (bar(&wanted, &services(intake, &wanted), logs.len(), is_all, limit))
            @if let Some(fault) = wanted.fault() { p.fault-line #fault { (fault) } }
            @else if logs.is_empty() { (empty("No log record passes the filter", html! { p { a.button href="/logs" { "All log records" } } })) }
            @else { (table(&logs, palette)) }
        }
    };
    Frame::new(Tab::Logs, "Logs").live().page(html! { div #logs data-live="logs" { (content) } })
}

/// Those that sent log records, whatever is chosen, and the one that is.
fn services(intake: &Intake, wanted: &Wanted) -> BTreeSet<String> {
    let mut services = look::services(intake, Signal::Logs);
    services.extend(wanted.service.clone());
    services.remove("");
    services
}

fn bar(wanted: &Wanted, services: &BTreeSet<String>, count: usize, is_all: bool, limit: usize) -> Markup {
    html! {
        form.bar action="/logs" data-filter {
            h1 { "Logs" }
            input.field.search #q type="search" name="q" value=(wanted.words) data-key="/" maxlength=(MAX_SEARCH) autocomplete="off"
                spellcheck="false" aria-label="Search" aria-invalid=[wanted.fault().map(|_| "true")]
                aria-describedby=[wanted.fault().map(|_| "fault")] placeholder=r#"text, or  user.id = 7 and not scope = "hyper""#;
            select.field name="level" aria-label="Level" {
                option value="" { "Any level" }
                @for (level, _) in LEVELS {
                    option value=(level) selected[wanted.level.as_deref() == Some(level)] { (level.to_uppercase()) " and above" }
                }
            }
            select.field name="service" aria-label="Service" {
                option value="" { "All services" }
                @for service in services.iter().take(CHOICES) {
                    option value=(service) selected[wanted.service.as_ref() == Some(service)] { (name(service)) }
                }
            }
            @if let Some(trace) = &wanted.trace { input type="hidden" name="trace" value=(trace); }
            @if let Some(span) = &wanted.span { input type="hidden" name="span" value=(span); }
            @if limit != LIMIT { input type="hidden" name="limit" value=(limit); }
            noscript { button.button { "Apply" } }
            @if !wanted.is_open() { a.button href="/logs" { "Clear" } }
            @if let Some(trace) = &wanted.trace { span.badge.plain { "trace " (trace.chars().take(8).collect::<String>()) } }
            span.count {
                @if is_all { (count) } @else { "the newest " (count) }
                @if !is_all && limit < MAX_LIMIT { " · " a href=(wanted.url(MAX_LIMIT)) { "show up to 1,000" } }
                @if count > 0 { " · " a href=(wanted.file()) download title="OTLP in JSON, all that pass" { "Export" } }
            }
        }
    }
}

fn table(logs: &[LogRecord], palette: &Palette) -> Markup {
    // A record has no name of its own; its time and its place among those of the same time stay.
    let mut same: HashMap<u64, usize> = HashMap::new();
    let mut ids: Vec<String> = Vec::with_capacity(logs.len());
    for log in logs.iter().rev() {
        let place = same.entry(log.time).or_default();
        *place += 1;
        ids.push(format!("{:x}-{place}", log.time));
    }
    ids.reverse();
    html! {
        div.sheet {
            table.lines {
                thead { tr { th.time { "Time (UTC)" } th.severity { "Level" } th.from { "Service" } th { "Message" } th.trace { "Trace" } } }
                tbody { @for (log, id) in logs.iter().zip(ids) { (line(log, &id, palette)) } }
            }
        }
    }
}

fn line(log: &LogRecord, id: &str, palette: &Palette) -> Markup {
    html! {
        tr data-id=(id) {
            td.time title=(day(log.time)) { (clock(log.time)) }
            td.severity { (line::level(log)) }
            td.from { (palette.chip(&log.service, None)) }
            td.message { (line::message(log)) }
            td.trace {
                @if let Some(trace) = &log.trace_id {
                    @let short = trace.get(..8).unwrap_or_default();
                    @match &log.span_id {
                        Some(span) => a data-row href={ "/trace/" (trace) "?span=" (span) "#span-" (span) } title="open its trace" { code { (short) } },
                        None => a data-row href={ "/trace/" (trace) } title="open its trace" { code { (short) } },
                    }
                }
            }
        }
    }
}
