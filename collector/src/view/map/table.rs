//! What each service answers: how often, what of it fails, how long it takes; and the calls behind a figure.

use super::{
    super::{Palette, address::Address, text::name},
    heading, party,
    picture::share,
};
use crate::{
    map::{Between, Call, Figures, Map, Route},
    time::{clock, duration},
};
use maud::{Markup, html};

/// How many rows the table of calls has: those with most calls.
const EDGES: usize = 100;

/// The routes of all services or of one.
pub(super) fn routes(
    map: &Map,
    service: Option<&str>,
    wanted: Option<&Between>,
    palette: &Palette,
    address: &Address,
) -> Markup {
    let routes: Vec<&Route> =
        map.routes.iter().filter(|route| service.is_none_or(|service| route.service == service)).collect();
    let slowest = routes.iter().map(|route| route.figures.p99).max().unwrap_or(1).max(1);
    html! {
        section.part {
            div.bar {
                h2 { "Routes" }
                @if let Some(service) = service { (palette.chip(service, None)) a.button.small href=(address.url()) { "All services" } }
                span.count { (routes.len()) }
            }
            @if routes.is_empty() { p.hint { "No request was answered in this time." } } @else {
                div.sheet {
                    table.routes {
                        thead { tr { th { "Service" } th { "Route" } th.number { "Calls" } th.number { "Rate" } th.number { "Errors" } th.number { "p50" } th.number { "p90" } th.took { "p99" } } }
                        tbody { @for route in routes { (line(route, slowest, wanted, palette, address)) } }
                    }
                }
            }
        }
    }
}

fn line(
    route: &Route,
    slowest: u64,
    wanted: Option<&Between>,
    palette: &Palette,
    address: &Address,
) -> Markup {
    let Route { service, route, figures } = route;
    let link = address.clone().with("service", Some(service.as_str())).with("route", Some(route.as_str()));
    let chosen = wanted == Some(&Between::Route(service.clone(), route.clone()));
    html! {
        tr.chosen[chosen] data-id={ (service) " " (route) } {
            td { div.line { (palette.chip(service, None)) } }
            td.name { a.cut href=(link.url()) data-row title=(name(route)) { (name(route)) } }
            (cells(figures, slowest))
        }
    }
}

/// Who calls whom: the figures of the picture, and those that have no room there.
pub(super) fn edges(map: &Map, wanted: Option<&Between>, palette: &Palette, address: &Address) -> Markup {
    let slowest = map.edges.iter().map(|edge| edge.figures.p99).max().unwrap_or(1).max(1);
    html! {
        @if !map.edges.is_empty() {
            section.part {
                div.bar { h2 { "Calls" } span.count { (map.edges.len()) } }
                div.sheet {
                    table.routes.edges {
                        thead { tr { th { "From" } th { "To" } th.number { "Calls" } th.number { "Rate" } th.number { "Errors" } th.number { "p50" } th.number { "p90" } th.took { "p99" } } }
                        tbody {
                            @for edge in map.edges.iter().take(EDGES) {
                                @if let (Some(from), Some(to)) = (map.nodes.get(edge.from), map.nodes.get(edge.to)) {
                                    @let link = address.clone().with("from", Some(from.id.as_str())).with("to", Some(to.id.as_str()));
                                    @let chosen = wanted == Some(&Between::Nodes(from.id.clone(), to.id.clone()));
                                    tr.chosen[chosen] data-id={ (from.id) " " (to.id) } {
                                        td { div.line { (party(from, palette)) } }
                                        td.name { a.cut href=(link.url()) data-row title=(name(&to.name)) { (name(&to.name)) } }
                                        (cells(&edge.figures, slowest))
                                    }
                                }
                            }
                        }
                    }
                }
                @if map.edges.len() > EDGES { p.hint { (map.edges.len() - EDGES) " more" } }
            }
        }
    }
}

/// The figures of a row.
fn cells(figures: &Figures, slowest: u64) -> Markup {
    let Figures { calls, rate, errors, p50, p90, p99 } = *figures;
    let share_of = p99 as f64 * 100.0 / slowest as f64;
    html! {
        td.number { (calls) }
        td.number { (format!("{rate:.2}")) span.count { "/s" } }
        td.number { @if errors == 0 { span.hint { "0" } } @else { span.bad { (share(figures)) } } }
        td.number { (duration(p50)) }
        td.number { (duration(p90)) }
        td.took {
            div.line {
                span.value { (duration(p99)) }
                svg.share width="100%" height="6" aria-hidden="true" {
                    rect.ground width="100%" height="6" rx="3" {}
                    rect.fill width={ (format!("{:.2}", share_of.max(1.0))) "%" } height="6" rx="3" {}
                }
            }
        }
    }
}

/// The calls of an edge or a route.
pub(super) fn calls(
    map: &Map,
    wanted: &Between,
    newest: &[Call],
    slowest: &[Call],
    palette: &Palette,
    address: &Address,
) -> Markup {
    html! {
        section.part.calls {
            div.bar {
                h2.line { (heading(map, wanted, palette)) }
                @if let Some(figures) = figures(map, wanted) {
                    dl.facts {
                        div { dt { "Calls" } dd { (figures.calls) } }
                        div { dt { "Rate" } dd { (format!("{:.2}", figures.rate)) "/s" } }
                        div { dt { "Errors" } dd.bad[figures.errors > 0] { (share(figures)) } }
                        div { dt { "p50" } dd { (duration(figures.p50)) } }
                        div { dt { "p90" } dd { (duration(figures.p90)) } }
                        div { dt { "p99" } dd { (duration(figures.p99)) } }
                    }
                }
                a.button.small href=(address.url()) { "Close" }
            }
            @if newest.is_empty() { p.hint { "No such calls are kept." } } @else {
                div.pair {
                    (list("Newest", newest))
                    (list("Slowest", slowest))
                }
            }
        }
    }
}

fn figures<'a>(map: &'a Map, wanted: &Between) -> Option<&'a Figures> {
    let id = |at: usize| map.nodes.get(at).map(|node| node.id.as_str());
    match wanted {
        Between::Nodes(from, to) => {
            let mut edges = map.edges.iter();
            let is = |at: usize, wanted: &str| id(at) == Some(wanted);
            edges.find(|edge| is(edge.from, from) && is(edge.to, to)).map(|edge| &edge.figures)
        }
        Between::Route(service, route) => {
            let mut routes = map.routes.iter();
            routes.find(|one| one.service == *service && one.route == *route).map(|route| &route.figures)
        }
    }
}

fn list(title: &str, calls: &[Call]) -> Markup {
    html! {
        div.sheet {
            table {
                thead { tr { th.time { (title) } th { "Trace" } th.number { "Duration" } } }
                tbody {
                    @for call in calls {
                        tr.failed[call.failed] {
                            td.time { (clock(call.start)) }
                            td.name {
                                div.line {
                                    a.cut data-row href={ "/trace/" (call.trace_id) "?span=" (call.span_id) "#span-" (call.span_id) } { code { (call.trace_id) } }
                                    @if call.failed { span.badge.bad { "error" } }
                                }
                            }
                            td.number { (duration(call.duration)) }
                        }
                    }
                }
            }
        }
    }
}
