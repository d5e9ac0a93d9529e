//! The map as SVG.

use super::{
    super::{Palette, address::Address, text::name},
    layout::{HEIGHT, Layout, WIDTH, layout},
};
use crate::{
    map::{Between, Edge, Figures, Map, Node, Role},
    time::{duration, printable},
};
use maud::{Markup, html};

/// How many edges have their figures written beside them; more of them would hide each other.
const LABELS: usize = 24;

/// How many characters of a name, and of what stands below it, have room in a node.
const MAX_NAME: usize = 19;
const MAX_WORDS: usize = 25;

pub(super) fn picture(map: &Map, palette: &Palette, address: &Address, wanted: Option<&Between>) -> Markup {
    let layout = layout(map);
    let most = map.edges.iter().map(|edge| edge.figures.calls).max().unwrap_or(1);
    html! {
        svg width=(layout.width) height=(layout.height) viewBox={ "0 0 " (layout.width) " " (layout.height) } role="group" aria-label="Services and their calls" {
            defs {
                @for (id, class) in [("tip", "tip"), ("tip-bad", "tip bad")] {
                    marker id=(id) class=(class) viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" markerUnits="userSpaceOnUse" orient="auto" {
                        path d="M0 0.5L8 4L0 7.5z" {}
                    }
                }
            }
            @for (number, edge) in map.edges.iter().enumerate() {
                @if let Some(points) = layout.edges.get(number) {
                    (arrow(map, edge, points, most, number < LABELS, address, wanted))
                }
            }
            @for (number, node) in map.nodes.iter().enumerate() { (self::node(map, node, number, &layout, palette, address)) }
        }
    }
}

fn arrow(
    map: &Map,
    edge: &Edge,
    points: &[(f64, f64)],
    most: u64,
    has_label: bool,
    address: &Address,
    wanted: Option<&Between>,
) -> Markup {
    let (Some(from), Some(to)) = (map.nodes.get(edge.from), map.nodes.get(edge.to)) else { return html! {} };
    let Figures { calls, errors, .. } = edge.figures;
    let link = address.clone().with("from", Some(from.id.as_str())).with("to", Some(to.id.as_str()));
    let is_chosen = wanted == Some(&Between::Nodes(from.id.clone(), to.id.clone()));
    // Ten times as many calls make the line a pixel wider.
    let width = 1.2 + 2.2 * (calls.max(1) as f64).ln_1p() / (most.max(1) as f64).ln_1p().max(1.0);
    let words = told(&edge.figures);
    let title = format!("{} to {}: {words}", name(&from.name), name(&to.name));
    let path = curve(points);
    let (x, y, anchor) = label(points, is_only(map, edge));
    html! {
        a.edge.bad[errors > 0].chosen[is_chosen] href=(link.url()) data-row {
            title { (title) }
            path.reach d=(path) {}
            path.wire d=(path) stroke-width=(format!("{width:.1}")) marker-end={ "url(#" (if errors > 0 { "tip-bad" } else { "tip" }) ")" } {}
            @if has_label {
                text x=(px(x)) y=(px(y - 6.0)) text-anchor=(anchor) { (rate(&edge.figures)) }
                text x=(px(x)) y=(px(y + 14.0)) text-anchor=(anchor) { (duration(edge.figures.p99)) }
            }
        }
    }
}

fn node(
    map: &Map,
    node: &Node,
    number: usize,
    layout: &Layout,
    palette: &Palette,
    address: &Address,
) -> Markup {
    let Some((x, y)) = layout.nodes.get(number).copied() else { return html! {} };
    let link = match node.role {
        Role::Service => address.clone().with("service", Some(node.name.as_str())),
        // What sends no spans is known from who calls it most, or whom it calls.
        _ => match map.edges.iter().find(|edge| edge.from == number || edge.to == number) {
            Some(edge) => {
                let id = |at: usize| map.nodes.get(at).map(|node| node.id.as_str());
                address.clone().with("from", id(edge.from)).with("to", id(edge.to))
            }
            None => address.clone(),
        },
    };
    let colour = match node.role {
        Role::Service => format!("s{}", palette.colour(&node.name)),
        _ => "other".to_owned(),
    };
    let what = match (node.role, &node.system) {
        (Role::Service, _) if node.figures.calls > 0 => told(&node.figures),
        (Role::Service, _) => "answers nobody".to_owned(),
        (Role::Outside, _) => "sends no spans here".to_owned(),
        (_, Some(system)) => printable(system),
        (Role::Database, None) => "database".to_owned(),
        (Role::Queue, None) => "messages".to_owned(),
        (Role::Peer, None) => "sends no spans here".to_owned(),
    };
    let title = format!("{}: {what}", name(&node.name));
    let shape = if node.role == Role::Service { "7" } else { "23" };
    html! {
        a.node.(colour).bad[node.figures.errors > 0 && node.role == Role::Service] href=(link.url()) data-row {
            title { (title) }
            rect.box x=(px(x)) y=(px(y)) width=(WIDTH) height=(HEIGHT) rx=(shape) {}
            @if node.role == Role::Service { rect.stripe x=(px(x + 6.0)) y=(px(y + 8.0)) width="3.5" height=(HEIGHT - 16.0) rx="1.7" {} }
            text.name x=(px(x + 18.0)) y=(px(y + 19.0)) { (cut(&name(&node.name), MAX_NAME)) }
            text.what x=(px(x + 18.0)) y=(px(y + 35.0)) { (cut(&short(node, &what), MAX_WORDS)) }
        }
    }
}

/// What has room below the name.
fn short(node: &Node, what: &str) -> String {
    match node.role {
        Role::Service if node.figures.calls > 0 => {
            format!("{} · {}", rate(&node.figures), duration(node.figures.p99))
        }
        _ => what.to_owned(),
    }
}

/// How many calls a second, or in all where there are few, and which part of them failed.
fn rate(figures: &Figures) -> String {
    let calls = match figures.rate {
        rate if rate >= 99.5 => format!("{rate:.0}/s"),
        rate if rate >= 0.95 => format!("{rate:.1}/s"),
        _ => format!("{} ×", figures.calls),
    };
    if figures.errors == 0 { calls } else { format!("{calls} · {}", share(figures)) }
}

/// Which part of the calls failed.
pub(super) fn share(figures: &Figures) -> String {
    let share = figures.errors as f64 * 100.0 / figures.calls.max(1) as f64;
    match share {
        0.0 => "0 %".to_owned(),
        ..0.1 => "< 0.1 %".to_owned(),
        9.95.. => format!("{share:.0} %"),
        _ => format!("{share:.1} %"),
    }
}

fn told(figures: &Figures) -> String {
    let Figures { calls, errors, p50, p99, .. } = *figures;
    let noun = if calls == 1 { "call" } else { "calls" };
    format!("{calls} {noun}, {errors} failed, p50 {}, p99 {}", duration(p50), duration(p99))
}

/// A smooth line through the points, level where it passes them.
fn curve(points: &[(f64, f64)]) -> String {
    let Some(((x, y), rest)) = points.split_first() else { return String::new() };
    let mut path = format!("M{} {}", px(*x), px(*y));
    let mut before = (*x, *y);
    for (x, y) in rest {
        let is_loop = points.len() == 2 && *x < before.0;
        // What leads back goes around the nodes, below them.
        let (reach, sink) = if is_loop { (60.0, HEIGHT + 14.0) } else { ((x - before.0).abs() / 2.0, 0.0) };
        let sign = if is_loop || *x >= before.0 { 1.0 } else { -1.0 };
        path.push_str(&format!(
            "C{} {} {} {} {} {}",
            px(before.0 + sign * reach),
            px(before.1 + sink),
            px(x - sign * reach),
            px(y + sink),
            px(*x),
            px(*y)
        ));
        before = (*x, *y);
    }
    path
}

/// Whether an edge is the only one that leads to its end.
fn is_only(map: &Map, edge: &Edge) -> bool {
    map.edges.iter().filter(|other| other.to == edge.to).count() == 1
}

/// Where the figures of an edge stand, and on which side of that: near the end that it has for itself.
fn label(points: &[(f64, f64)], is_at_end: bool) -> (f64, f64, &'static str) {
    match points {
        // What leads back to the column before, or to where it comes from, passes below.
        [(a, b), (c, d)] if c < a => ((a + c) / 2.0, (b + d) / 2.0 + HEIGHT, "middle"),
        [.., (x, y)] if is_at_end => (x - 16.0, *y, "end"),
        [(x, y), ..] => (x + 16.0, *y, "start"),
        [] => (0.0, 0.0, "middle"),
    }
}

fn cut(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.to_owned(),
    }
}

fn px(value: f64) -> String {
    format!("{value:.1}")
}
