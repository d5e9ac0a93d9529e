//! The figures as tables for a page of Markdown.

use std::process::Command;

use crate::{
    figures::{Cost, Figures},
    load::Parent::{self, Absent, Random, Sampled, Unsampled},
    peers::{self, Peer, Side, Signals},
};

pub fn print(figures: &Figures) {
    for side in [Side::Server, Side::Client, Side::Line, Side::Measurement, Side::Page] {
        let peers: Vec<&Peer> = figures.peers.iter().copied().filter(|peer| peer.side == side).collect();
        if !peers.is_empty() {
            print_side(figures, side, &peers);
        }
    }
    if figures.peers.iter().any(|peer| peers::OURS.contains(&peer.name)) {
        print_callers(figures);
    }
    println!("{}", versions());
}

fn print_side(figures: &Figures, side: Side, peers: &[&Peer]) {
    let parents: &[Parent] = match side {
        Side::Line | Side::Page => &[Sampled],
        Side::Measurement => &[Sampled, Unsampled, Absent],
        _ => &[Sampled, Unsampled],
    };
    for &parent in parents {
        let parent_name = if side == Side::Page { String::new() } else { format!(", {}", parent.name()) };
        println!(
            "| {}{parent_name} | records | instructions | share | allocations | time, share |",
            side.name(),
        );
        println!("|---|---|--:|--:|--:|--:|");
        for peer in peers {
            print_row(figures, peer, parent);
        }
        println!();
    }
}

fn print_row(figures: &Figures, peer: &Peer, parent: Parent) {
    let signals = match peer.signals {
        Signals::None => "nothing",
        Signals::Spans => "spans",
        Signals::Both => "spans, metrics",
        Signals::Lines => "lines",
        Signals::Metrics => "metrics",
        Signals::Exemplars => "metrics, exemplars",
        Signals::Pages => "pages",
    };
    if let Some(over) = figures.over(peer.name, parent) {
        let reference = figures.over(peer.side.reference(), parent);
        let share =
            |of: fn(Cost) -> f64| reference.map(|reference| format!("{:.2}", of(over) / of(reference)));
        println!(
            "| {} | {signals} | {} | {} | {} | {} |",
            peer.title,
            instructions(over),
            share(|cost| cost.instructions).unwrap_or_default(),
            allocations(over),
            share(|cost| cost.nanoseconds).unwrap_or_default(),
        );
    } else if let Some(whole) = figures.whole(peer.name, parent) {
        println!("| {} | {signals} | {:.0} | | {:.0} | |", peer.title, whole.instructions, whole.allocations);
    }
}

/// Throughline by what a request says of its caller.
fn print_callers(figures: &Figures) {
    println!("| throughline | sampled | sampled, random trace id | unsampled | no caller |");
    println!("|---|--:|--:|--:|--:|");
    for peer in figures.peers.iter().filter(|peer| peers::OURS.contains(&peer.name)) {
        let print = |what: &str, cell: fn(Cost) -> String| {
            let cells = [Sampled, Random, Unsampled, Absent]
                .map(|parent| figures.over(peer.name, parent).map(cell).unwrap_or_default());
            println!("| {}, {what} | {} |", peer.side.name(), cells.join(" | "));
        };
        print("instructions", instructions);
        print("allocations", allocations);
    }
    println!();
}

fn instructions(over: Cost) -> String {
    format!("{:+.0}", over.instructions)
}

/// A whole number, unless something grows from time to time.
fn allocations(over: Cost) -> String {
    let digits = usize::from(over.allocations.fract() != 0.0);
    format!("{:+.digits$}", over.allocations)
}

/// What the figures hold for, besides the peers' own versions.
fn versions() -> String {
    let said = |program: &str| {
        let output = Command::new(program).arg("--version").output();
        let text = output.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned());
        text.unwrap_or_else(|_| format!("no {program}"))
    };
    let locked =
        ["axum", "opentelemetry_sdk"].map(|name| format!("{name} {}", peers::locked(name).join(" and ")));
    format!("{}, {}, {}", said("rustc"), said("valgrind"), locked.join(", "))
}
