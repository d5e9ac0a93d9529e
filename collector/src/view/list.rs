//! The list of traces.

use super::{
    Palette,
    filter::{Filter, MAX_LIMIT},
    frame::{Frame, Tab},
    query::Query,
    text::{http_status, name, several},
};
use crate::{
    Addresses, Summary,
    intake::Intake,
    look,
    time::{clock, day, duration, printable},
};
use maud::{Markup, html};
use std::collections::BTreeSet;

/// How many services a line names before it counts the rest.
const CHIPS: usize = 5;

/// How many services can be chosen; more would bury the list.
const CHOICES: usize = 60;

/// The page.
pub(crate) fn page(intake: &Intake, addresses: &Addresses, palette: &Palette, query: &Query) -> Markup {
    let counters = intake.counters();
    let filter = Filter::of(query);
    // One more tells whether there are more.
    let mut traces = look::traces(intake, filter.limit + 1, |summary| filter.passes(summary));
    let is_cut = traces.len() > filter.limit;
    traces.truncate(filter.limit);
    let content = if counters.stored_traces == 0 {
        empty(addresses)
    } else {
        html! {
            div.bar {
                h1 { "Traces" }
                @if is_cut { (extent(intake, &filter)) } @else { span.count { (traces.len()) } }
                (services(&filter, look::services(intake), palette))
                a.choice.bad.on[filter.errors] href=(Filter { errors: !filter.errors, ..filter }.url()) {
                    "only errors"
                }
            }
            @if traces.is_empty() { (nothing(&filter)) } @else { (table(&traces, palette)) }
        }
    };
    Frame::new(Tab::Traces, "Traces").live().page(html! { div #traces data-live="traces logs" { (content) } })
}

/// Which part of all is shown.
fn extent(intake: &Intake, filter: &Filter<'_>) -> Markup {
    html! {
        p.hint {
            "the newest " (filter.limit)
            @if filter.is_open() { " of " (intake.level().with_spans) } @else { ", and there are more" }
            @if filter.limit < MAX_LIMIT {
                " · " a href=(Filter { limit: MAX_LIMIT, ..*filter }.url()) { "show up to 1,000" }
            }
        }
    }
}

fn services(filter: &Filter<'_>, mut services: BTreeSet<String>, palette: &Palette) -> Markup {
    // Only what was sent takes a colour, not what stands in somebody's address.
    let invented = filter.service.filter(|service| !services.contains(*service));
    services.extend(filter.service.map(str::to_owned));
    services.remove("");
    let chosen = |service: &str| filter.service == Some(service);
    // The chosen one is shown in any case.
    let places = services.iter().enumerate();
    let shown = places.filter(|(place, service)| *place < CHOICES || chosen(service));
    html! {
        div.choices {
            a.choice.on[filter.service.is_none()] href=(Filter { service: None, ..*filter }.url()) {
                "all services"
            }
            @for (_, service) in shown {
                a.choice.on[chosen(service)] href=(Filter { service: Some(service), ..*filter }.url()) {
                    @if invented == Some(service) { (name(service)) } @else { (palette.chip(service, None)) }
                }
            }
            @if services.len() > CHOICES { span.more { "+" (services.len() - CHOICES) } }
        }
    }
}

/// Instead of the table.
fn nothing(filter: &Filter<'_>) -> Markup {
    html! {
        section.empty {
            h2 {
                @if filter.is_open() { "No trace has spans" } @else { "No trace passes the filter" }
            }
            @if !filter.is_open() {
                p {
                    "There is none"
                    @if let Some(service) = filter.service { " of the service " b { (printable(service)) } }
                    @if filter.errors { " with an error" }
                    "."
                }
            }
            p { a.button href="/" { "All traces" } }
        }
    }
}

fn table(traces: &[Summary], palette: &Palette) -> Markup {
    let longest = traces.iter().map(|trace| trace.duration).max().unwrap_or(0).max(1);
    html! {
        div.sheet {
            table.traces {
                thead {
                    tr {
                        th.time { "Time (UTC)" }
                        th { "Trace" }
                        th.state { "Status" }
                        th.chips { "Services" }
                        th.number { "Spans" }
                        th.took { "Duration" }
                    }
                }
                tbody {
                    @for trace in traces { (line(trace, longest, palette)) }
                }
            }
        }
    }
}

fn line(trace: &Summary, longest: u64, palette: &Palette) -> Markup {
    let share = trace.duration as f64 * 100.0 / longest as f64;
    html! {
        tr.failed[trace.errors > 0] data-id=(trace.trace_id) {
            td.time title=(day(trace.start)) { (clock(trace.start)) }
            td.name {
                div.line {
                    a href={ "/trace/" (trace.trace_id) } data-row {
                        b title=(name(&trace.name)) { (name(&trace.name)) }
                        @if let Some(path) = &trace.path { span.path title=(printable(path)) { (printable(path)) } }
                        span.id { (trace.trace_id.get(..8).unwrap_or_default()) }
                    }
                    @if trace.errors > 0 {
                        span.badge.bad { (several(trace.errors, "error")) }
                    } @else if trace.error_logs > 0 {
                        span.badge.bad title="log records that tell of an error; no span failed" {
                            (several(trace.error_logs, "error line"))
                        }
                    }
                    (gap(trace.complete, trace.called_from_outside))
                }
            }
            td.state { (http_status(trace.http_status)) }
            td.chips {
                div.line {
                    @for (service, count) in trace.services.iter().take(CHIPS) { (palette.chip(service, Some(*count))) }
                    @if trace.services.len() > CHIPS { span.more { "+" (trace.services.len() - CHIPS) } }
                }
            }
            td.number { (trace.spans) span.unit { @if trace.spans == 1 { " span" } @else { " spans" } } }
            td.took {
                div.line {
                    span.value { (duration(trace.duration)) }
                    svg.share width="100%" height="6" aria-hidden="true" {
                        rect.ground width="100%" height="6" rx="3" {}
                        rect.fill width={ (format!("{:.2}", share.max(1.0))) "%" } height="6" rx="3" {}
                    }
                }
            }
        }
    }
}

/// What is not there of a trace.
pub(crate) fn gap(complete: bool, called_from_outside: bool) -> Markup {
    html! {
        @if called_from_outside {
            span.badge.plain title="only the caller's span is missing: it is recorded elsewhere, or nowhere" {
                "called from outside"
            }
        } @else if !complete {
            span.badge title="the root or a parent is not here (yet)" { "incomplete" }
        }
    }
}

fn empty(addresses: &Addresses) -> Markup {
    html! {
        section.empty {
            h1 { "No traces yet" }
            p { "Send some, and they appear here by themselves." }
            @if let Some(http) = addresses.http {
                p { "OTLP over HTTP, in protobuf:" }
                pre { "OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf\nOTEL_EXPORTER_OTLP_ENDPOINT=http://" (http) }
            }
            @if let Some(grpc) = addresses.grpc {
                p { "or over gRPC:" }
                pre { "OTEL_EXPORTER_OTLP_PROTOCOL=grpc\nOTEL_EXPORTER_OTLP_ENDPOINT=http://" (grpc) }
            }
            p.hint { "A program with this collector in it needs nothing of that: it sends without a socket." }
        }
    }
}
