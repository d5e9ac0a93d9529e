//! The list of traces.

use super::{Palette, frame, query::Query, query::encode};
use crate::{
    Addresses, Counters, Summary,
    intake::Intake,
    time::{clock, day, duration},
};
use maud::{Markup, html};
use std::collections::BTreeMap;

/// How many traces are shown unless told otherwise, and at most.
const LIMIT: usize = 100;
const MAX_LIMIT: usize = 1000;

/// How often the list loads itself again, in seconds.
const REFRESH: u32 = 3;

/// How many services a line names before it counts the rest.
const CHIPS: usize = 5;

/// Which traces are wanted.
pub(crate) struct Filter<'a> {
    service: Option<&'a str>,
    errors: bool,
}

impl<'a> Filter<'a> {
    pub(crate) fn of(query: &'a Query) -> Self {
        Filter {
            service: query.value("service"),
            errors: query.value("errors").is_some_and(|value| value != "0"),
        }
    }

    pub(crate) fn passes(&self, summary: &Summary) -> bool {
        let wanted = |service| summary.services.iter().any(|(name, _)| name == service);
        self.service.is_none_or(wanted) && (!self.errors || summary.errors > 0)
    }

    fn url(service: Option<&str>, errors: bool) -> String {
        let service = service.map(|service| format!("service={}", encode(service)));
        let parts: Vec<String> = service.into_iter().chain(errors.then(|| "errors=1".to_owned())).collect();
        if parts.is_empty() { "/".to_owned() } else { format!("/?{}", parts.join("&")) }
    }
}

/// The page.
pub(crate) fn page(intake: &Intake, addresses: &Addresses, palette: &Palette, query: &Query) -> Markup {
    let counters = intake.counters();
    let filter = Filter::of(query);
    let traces = intake.traces(query.number("limit", LIMIT, MAX_LIMIT), |summary| filter.passes(summary));
    let content = if counters.stored_traces == 0 {
        empty(addresses)
    } else {
        html! {
            (filters(&filter, &traces, palette))
            @if traces.is_empty() {
                section.empty { h2 { "No trace passes the filter" } p { a.button href="/" { "All traces" } } }
            } @else {
                (table(&traces, palette))
            }
        }
    };
    frame("traces", Some(REFRESH), level(&counters), content)
}

fn level(counters: &Counters) -> Markup {
    let kib = counters.stored_bytes as f64 / 1024.0;
    let size = if kib < 1000.0 { format!("{kib:.0} KiB") } else { format!("{:.1} MiB", kib / 1024.0) };
    html! {
        p.level {
            span { b { (counters.stored_traces) } " traces" }
            span { b { (counters.spans) } " spans" }
            span { b { (counters.log_records) } " log records" }
            span { b { (counters.data_points) } " data points" }
            span title="requests and index" { b { (size) } " kept" }
            @if counters.refused_requests + counters.rejected_items > 0 {
                span.bad title="requests refused, items rejected" {
                    b { (counters.refused_requests) } " refused · " b { (counters.rejected_items) } " rejected"
                }
            }
        }
    }
}

fn filters(filter: &Filter<'_>, traces: &[Summary], palette: &Palette) -> Markup {
    let mut services: BTreeMap<&str, ()> =
        traces.iter().flat_map(|trace| &trace.services).map(|(name, _)| (name.as_str(), ())).collect();
    services.extend(filter.service.map(|service| (service, ())));
    services.remove("");
    html! {
        nav.filters {
            h1 { "Traces" }
            div.choices {
                a.choice.on[filter.service.is_none()] href=(Filter::url(None, filter.errors)) { "all services" }
                @for service in services.into_keys() {
                    a.choice.on[filter.service == Some(service)] href=(Filter::url(Some(service), filter.errors)) {
                        (palette.chip(service, None))
                    }
                }
            }
            a.choice.bad.on[filter.errors] href=(Filter::url(filter.service, !filter.errors)) { "only errors" }
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
                        th { "Time (UTC)" } th { "Trace" } th { "Services" } th.number { "Spans" } th { "Duration" }
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
        tr.failed[trace.errors > 0] {
            td.time title=(day(trace.start)) { (clock(trace.start)) }
            td.name {
                a href={ "/trace/" (trace.trace_id) } {
                    b { @if trace.name.is_empty() { "unnamed" } @else { (trace.name) } }
                    span.id { (trace.trace_id.get(..8).unwrap_or_default()) }
                }
                @if trace.errors > 0 {
                    span.mark.bad { (trace.errors) @if trace.errors == 1 { " error" } @else { " errors" } }
                }
                @if !trace.complete {
                    span.mark title="the root or a parent is not here (yet)" { "incomplete" }
                }
            }
            td.chips {
                @for (service, count) in trace.services.iter().take(CHIPS) { (palette.chip(service, Some(*count))) }
                @if trace.services.len() > CHIPS { span.more { "+" (trace.services.len() - CHIPS) } }
            }
            td.number { (trace.spans) }
            td.took {
                span.value { (duration(trace.duration)) }
                svg.share width="100%" height="6" aria-hidden="true" {
                    rect.ground width="100%" height="6" rx="3" {}
                    rect.fill width={ (format!("{:.2}", share.max(1.0))) "%" } height="6" rx="3" {}
                }
            }
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
