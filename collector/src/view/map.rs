//! The page of services: who calls whom as a picture, what each answers as a table, and the calls behind both.

mod label; // where the figures of edges stand
mod layout; // where nodes and edges are
mod picture; // the same as SVG
mod table; // rates, errors, durations

use super::{
    Palette,
    address::Address,
    api::{between, last},
    frame::{Frame, Tab, empty},
    query::Query,
    text::name,
};
use crate::{
    intake::Intake,
    look,
    map::{Between, Map, Node, Role},
    time::{clock, day},
};
use maud::{Markup, html};

/// How many calls are listed of those that are asked for: the newest, and the slowest.
const CALLS: usize = 10;

/// The times that can be chosen: seconds before the latest call, and what they are called.
const TIMES: [(Option<&str>, &str); 5] = [
    (Some("60"), "1 min"),
    (Some("300"), "5 min"),
    (Some("900"), "15 min"),
    (Some("3600"), "1 h"),
    (None, "all"),
];

/// The page.
pub(crate) fn page(intake: &Intake, palette: &Palette, query: &Query) -> Markup {
    let wanted = between(query);
    let (map, newest, slowest) = match &wanted {
        Some(wanted) => look::calls(intake, last(query), wanted, CALLS),
        None => (look::map(intake, last(query)), Vec::new(), Vec::new()),
    };
    let address = Address::of("/map").with("last", query.value("last"));
    let content = html! {
        @if map.nodes.is_empty() {
            (empty("No calls yet", html! { p { "The map is drawn from the spans of those who call and of those who answer." } }))
        } @else {
            div.bar {
                h1 { "Map" }
                div.choices role="group" aria-label="Time" {
                    @for (seconds, words) in TIMES {
                        @let on = query.value("last") == seconds;
                        a.choice.on[on] href=(address.set("last", seconds).url()) aria-current=[on.then_some("true")] { (words) }
                    }
                }
                (extent(&map))
            }
            div.map.sheet { (picture::picture(&map, palette, &address, wanted.as_ref())) }
            @if let Some(wanted) = &wanted { (table::calls(&map, wanted, &newest, &slowest, palette, &address)) }
            (table::routes(&map, query.value("service"), wanted.as_ref(), palette, &address))
            (table::edges(&map, wanted.as_ref(), palette, &address))
        }
    };
    Frame::new(Tab::Map, "Map").live().page(html! { div #map data-live="traces" { (content) } })
}

/// Of which time the figures are.
fn extent(map: &Map) -> Markup {
    let (from, to) = (map.from, map.to);
    let words = match day(from) == day(to) {
        true => format!("{} to {}", clock(from), clock(to)),
        false => format!("{} {} to {} {}", day(from), clock(from), day(to), clock(to)),
    };
    html! {
        span.hint {
            (map.spans) " spans, " (words) " UTC"
            " · on an edge: calls, what failed of them, p50 / p99"
            @if map.is_cut { " · more is kept than is counted here" }
        }
    }
}

/// The calls that are asked for, in words.
fn heading(map: &Map, wanted: &Between, palette: &Palette) -> Markup {
    let shown = |id: &str| match map.nodes.iter().find(|node| node.id == id) {
        Some(node) => party(node, palette),
        None => html! { span { (name(id)) } },
    };
    match wanted {
        Between::Nodes(from, to) => html! { (shown(from)) span.arrow { " → " } (shown(to)) },
        Between::Route(service, route) => html! { (palette.chip(service, None)) " " (name(route)) },
    }
}

/// Who calls or is called, with the colour of a service.
fn party(node: &Node, palette: &Palette) -> Markup {
    match node.role {
        Role::Service => palette.chip(&node.name, None),
        _ => html! { span.cut { (name(&node.name)) } },
    }
}
