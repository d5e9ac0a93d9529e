//! What throughline promises: shares of its peers' instructions and counts of allocations, never a time.

use crate::{
    figures::Figures,
    load::Parent::{self, Sampled, Unsampled},
    peers::Side,
};

struct Bar {
    side: Side,
    parent: Parent,
    what: What,
    most: f64,
}

enum What {
    /// Of the instructions of the side's reference.
    Share,
    Allocations,
}

const BARS: &[Bar] = &[
    Bar { side: Side::Server, parent: Sampled, what: What::Share, most: 0.60 },
    Bar { side: Side::Server, parent: Sampled, what: What::Allocations, most: 18.0 },
    Bar { side: Side::Server, parent: Unsampled, what: What::Share, most: 0.27 },
    Bar { side: Side::Server, parent: Unsampled, what: What::Allocations, most: 9.0 },
    Bar { side: Side::Client, parent: Sampled, what: What::Share, most: 0.35 },
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
        let (side, parent) = (bar.side.name(), bar.parent.name());
        let verdict = if is_held { "held" } else { "**missed**" };
        println!("| {side}, {parent}: {what} | {} | {measured:.2} | {verdict} |", bar.most);
    }
    are_held
}

impl Bar {
    fn measured(&self, figures: &Figures) -> Option<(String, f64)> {
        let ours = figures.over(self.side.ours(), self.parent)?;
        Some(match self.what {
            What::Share => {
                let reference = figures.over(self.side.reference(), self.parent)?;
                let share = ours.instructions / reference.instructions;
                (format!("instructions, share of {}", self.side.reference()), share)
            }
            What::Allocations => ("allocations".to_owned(), ours.allocations),
        })
    }
}
