//! The map as SVG.

use super::{
    super::{Palette, address::Address, text::name},
    label::{Label, labels, pieces},
    layout::{HEIGHT, Layout, WIDTH, layout},
};
use crate::{
    map::{Between, Edge, Figures, Map, Node, Role},
    time::duration,
};
use maud::{Markup, html};

/// How many characters of a name, and of what stands below it, have room in a node.
const MAX_NAME: usize = 20;
const MAX_WORDS: usize = 25;

pub(super) fn picture(map: &Map, palette: &Palette, address: &Address, wanted: Option<&Between>) -> Markup {
    let layout = layout(map);
    let most = map.edges.iter().map(|edge| edge.figures.calls).max().unwrap_or(1);
    let texts: Vec<[String; 2]> =
        map.edges.iter().map(|edge| [rate(&edge.figures), quantiles(&edge.figures)]).collect();
    let characters = |text: &[String; 2]| text.iter().map(|line| line.chars().count()).max().unwrap_or(0);
    let labels = labels(&layout, &texts.iter().map(characters).collect::<Vec<_>>());
    let labels: Vec<(Label, &[String; 2])> = labels.into_iter().zip(&texts).collect();
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
                @if let (Some(points), Some(label)) = (layout.edges.get(number), labels.get(number)) {
                    (arrow(map, edge, points, most, label, address, wanted))
                }
            }
            // Above all wires, which would cross them out.
            @for ((label, lines), edge) in labels.iter().zip(&map.edges).filter(|((label, _), _)| label.is_free) {
                g.figures.bad[edge.figures.errors > 0] aria-hidden="true" { (written(label, lines)) }
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
    (label, lines): &(Label, &[String; 2]),
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
    html! {
        a.edge.bad[errors > 0].chosen[is_chosen] href=(link.url()) data-row {
            title { (title) }
            path.reach d=(path) {}
            path.wire d=(path) stroke-width=(format!("{width:.1}")) marker-end={ "url(#" (if errors > 0 { "tip-bad" } else { "tip" }) ")" } {}
            // Where there is no room for them, they are seen when the edge is pointed at.
            @if !label.is_free { g.figures.crowded { (written(label, lines)) } }
        }
    }
}

/// The figures of an edge: how often and how well, how long.
fn written(label: &Label, lines: &[String; 2]) -> Markup {
    let Label { x, y, width, .. } = *label;
    html! {
        rect.ground x=(px(x - width / 2.0)) y=(px(y - 14.5)) width=(px(width)) height="29" rx="4" {}
        @for (line, y) in lines.iter().zip([y - 3.0, y + 10.0]) {
            text x=(px(x)) y=(px(y)) text-anchor="middle" { (line) }
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
        (_, Some(system)) => name(system),
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

/// Half of the calls, and nearly all of them: `20.1 / 216 ms`.
fn quantiles(figures: &Figures) -> String {
    let (half, most) = (duration(figures.p50), duration(figures.p99));
    match (half.split_once(' '), most.split_once(' ')) {
        (Some((number, unit)), Some((_, other))) if unit == other => format!("{number} / {most}"),
        _ => format!("{half} / {most}"),
    }
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

/// A smooth line through the points.
fn curve(points: &[(f64, f64)]) -> String {
    let Some((x, y)) = points.first() else { return String::new() };
    let mut path = format!("M{} {}", px(*x), px(*y));
    for [_, rest @ ..] in pieces(points) {
        let numbers: Vec<String> = rest.iter().flat_map(|(x, y)| [px(*x), px(*y)]).collect();
        path.push('C');
        path.push_str(&numbers.join(" "));
    }
    path
}

fn cut(text: &str, most: usize) -> String {
    if text.chars().nth(most).is_none() {
        return text.to_owned();
    }
    text.chars().take(most - 1).chain(['…']).collect()
}

fn px(value: f64) -> String {
    format!("{value:.1}")
}
