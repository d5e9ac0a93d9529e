//! What throughline promises: shares of its peers' instructions and counts of allocations, never a time.

use crate::{
    figures::Figures,
    load::Parent::{self, Absent, Sampled, Unsampled},
};

struct Bar {
    peer: &'static str,
    parent: Parent,
    what: What,
    most: f64,
}

enum What {
    /// Of the instructions of this peer.
    Share(&'static str),
    Allocations,
}

use What::{Allocations, Share};

const REFERENCE: &str = "opentelemetry-instrumentation-tower";

const BARS: &[Bar] = &[
    Bar { peer: "throughline", parent: Sampled, what: Share(REFERENCE), most: 0.60 },
    Bar { peer: "throughline", parent: Sampled, what: Allocations, most: 18.0 },
    Bar { peer: "throughline", parent: Unsampled, what: Share(REFERENCE), most: 0.27 },
    Bar { peer: "throughline", parent: Unsampled, what: Allocations, most: 9.0 },
    Bar { peer: "throughline-client", parent: Sampled, what: Share("tower-otel-client"), most: 0.35 },
    Bar { peer: "throughline-json", parent: Sampled, what: Share("json"), most: 0.20 },
    Bar { peer: "throughline-json", parent: Sampled, what: Allocations, most: 0.0 },
    Bar { peer: "throughline-text", parent: Sampled, what: Share("text"), most: 0.85 },
    Bar { peer: "throughline-text", parent: Sampled, what: Allocations, most: 0.0 },
    Bar { peer: "throughline-record", parent: Sampled, what: Allocations, most: 0.0 },
    Bar { peer: "throughline-record", parent: Unsampled, what: Share("sdk-record"), most: 1.05 },
    Bar { peer: "throughline-record", parent: Absent, what: Share("sdk-record"), most: 1.05 },
    Bar { peer: "throughline-bound", parent: Sampled, what: Allocations, most: 0.0 },
    Bar { peer: "throughline-bound", parent: Unsampled, what: Allocations, most: 0.0 },
    Bar { peer: "throughline-page", parent: Sampled, what: Share("opentelemetry-prometheus"), most: 0.50 },
    Bar {
        peer: "throughline-open-page",
        parent: Sampled,
        what: Share("opentelemetry-prometheus"),
        most: 0.50,
    },
];

/// Prints each bar whose peers were measured, and tells whether all of these hold.
pub fn print(figures: &Figures) -> bool {
    println!("\n| throughline | at most | measured | |");
    println!("|---|--:|--:|---|");
    let mut are_held = true;
    for bar in BARS {
        let Some((what, measured)) = bar.measured(figures) else { continue };
        let is_held = measured <= bar.most;
        are_held &= is_held;
        let verdict = if is_held { "held" } else { "**missed**" };
        let run = format!("{}-{}", bar.peer, bar.parent.name());
        println!("| {run}: {what} | {} | {measured:.2} | {verdict} |", bar.most);
    }
    are_held
}

impl Bar {
    fn measured(&self, figures: &Figures) -> Option<(String, f64)> {
        let ours = figures.over(self.peer, self.parent)?;
        Some(match self.what {
            Share(reference) => {
                let reference_cost = figures.over(reference, self.parent)?;
                let share = ours.instructions / reference_cost.instructions;
                (format!("instructions, share of {reference}"), share)
            }
            Allocations => ("allocations".to_owned(), ours.allocations),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::peers;

    #[test]
    fn a_bar_is_of_peers_that_there_are() {
        for bar in BARS {
            let reference = match bar.what {
                Share(reference) => reference,
                Allocations => bar.peer,
            };
            assert!(peers::find(bar.peer).is_some() && peers::find(reference).is_some(), "{}", bar.peer);
        }
    }
}
