//! The list of traces.

mod bar; // what is searched for
mod plot; // when and how long

use super::{
    filter::{By, Filter, MAX_LIMIT},
    frame::{Frame, Tab, empty},
    palette::Palette,
    query::Query,
    text::{http_status, name, several, short},
};
use crate::{
    Addresses, Summary,
    intake::Intake,
    time::{clock, day, duration},
};
use bar::bar;
use maud::{Markup, html};
use plot::plot;

/// How many services a line names before it counts the rest.
const CHIPS: usize = 5;

/// The page.
pub(crate) fn page(intake: &Intake, addresses: &Addresses, palette: &Palette, query: &Query) -> Markup {
    let filter = Filter::of(query);
    // One more tells whether there are more.
    let mut traces = filter.find(intake, filter.limit + 1);
    let is_cut = traces.len() > filter.limit;
    traces.truncate(filter.limit);
    let content = html! {
        div #traces data-live="traces logs" {
            @if intake.level().traces == 0 {
                (nothing_sent(addresses))
            } @else {
                (bar(intake, &filter, palette, extent(intake, &filter, traces.len(), is_cut)))
                @if let Some(fault) = filter.fault() {
                    p.fault-line #fault { "This search means nothing: " (fault) "." }
                } @else if traces.is_empty() {
                    (nothing_left(&filter))
                } @else {
                    (plot(&traces))
                    (table(&traces, &filter, palette))
                }
            }
        }
    };
    Frame::new(Tab::Traces, "Traces").live().page(content)
}

/// How many are shown, of how many.
fn extent(intake: &Intake, filter: &Filter, count: usize, is_cut: bool) -> Markup {
    html! {
        @if is_cut {
            @if filter.order.by == By::Start { "the newest " } @else { "the first " } (filter.limit)
            @if filter.is_open() { " of " (intake.level().with_spans) } @else { ", and there are more" }
            @if filter.limit < MAX_LIMIT {
                " · " a href=(filter.url("limit", Some(MAX_LIMIT.to_string()))) { "show up to 1,000" }
            }
        } @else { (several(count, "trace")) }
    }
}

/// Instead of the table.
fn nothing_left(filter: &Filter) -> Markup {
    let heading = if filter.is_open() { "No trace has spans" } else { "No trace passes the filter" };
    empty(heading, html! { p { a.button href="/" { "All traces" } } })
}

fn table(traces: &[Summary], filter: &Filter, palette: &Palette) -> Markup {
    let longest = traces.iter().map(|trace| trace.duration).max().unwrap_or(0).max(1);
    html! {
        div.sheet {
            table.traces {
                thead {
                    tr {
                        th.pick { span.unseen { "Mark" } }
                        th.time { (sorted(filter, By::Start, "Time (UTC)")) }
                        th { "Trace" }
                        th.state { (sorted(filter, By::Errors, "Status")) }
                        th.chips { "Services" }
                        th.number { (sorted(filter, By::Spans, "Spans")) }
                        th.took { (sorted(filter, By::Duration, "Duration")) }
                    }
                }
                tbody {
                    @for trace in traces { (line(trace, longest, palette)) }
                }
            }
        }
    }
}

/// The head of a column that orders the list.
fn sorted(filter: &Filter, by: By, words: &str) -> Markup {
    let is_it = filter.order.by == by;
    let title = if by == By::Errors { "most errors first" } else { "sort" };
    html! {
        a href=(filter.sorted(by)) title=(title) aria-current=[is_it.then_some("true")] {
            (words)
            @if is_it { (if filter.order.is_rising { " ↑" } else { " ↓" }) }
        }
    }
}

fn line(trace: &Summary, longest: u64, palette: &Palette) -> Markup {
    let share = trace.duration as f64 * 100.0 / longest as f64;
    html! {
        tr.failed[trace.errors > 0] data-id=(trace.trace_id) {
            td.pick {
                input type="checkbox" name="trace" value=(trace.trace_id) form="compare" data-key="x"
                    aria-label={ "Mark " (trace.trace_id) };
            }
            td.time title=(day(trace.start)) { (clock(trace.start)) }
            td.name {
                div.line {
                    a href={ "/trace/" (trace.trace_id) } data-row {
                        b title=(name(&trace.name)) { (name(&trace.name)) }
                        @if let Some(path) = &trace.path { span.path title=(short(path)) { (short(path)) } }
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
                        rect.fill width={ (format!("{:.1}", share.max(1.0))) "%" } height="6" rx="3" {}
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

fn nothing_sent(addresses: &Addresses) -> Markup {
    let content = html! {
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
    };
    empty("No traces yet", content)
}
