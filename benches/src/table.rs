//! All peers, measured one after the other, as one table.

use std::{collections::BTreeMap, error::Error};

use crate::{
    callgrind,
    load::Parent,
    peers::{self, Peer},
    run::Run,
};

/// What one request costs, all in all.
#[derive(Clone, Copy)]
pub struct Figures {
    pub instructions: f64,
    pub allocations: f64,
    pub nanoseconds: f64,
}

/// The figures of each run, by its name.
pub struct Table {
    peers: Vec<&'static Peer>,
    figures: BTreeMap<String, Figures>,
}

impl Table {
    /// Measures these peers and those they are measured over.
    pub fn measure(names: &[String]) -> Result<Self, Box<dyn Error>> {
        for name in names {
            peers::find(name).ok_or_else(|| format!("{name:?} is not a peer of `benches/run list`"))?;
        }
        let named = |name: &str| names.is_empty() || names.iter().any(|wanted| wanted == name);
        let is_base =
            |base: &Peer| peers::ALL.iter().any(|peer| named(peer.name) && peer.over == Some(base.name));
        let peers: Vec<_> = peers::ALL.iter().filter(|peer| named(peer.name) || is_base(peer)).collect();
        let mut figures = BTreeMap::new();
        for peer in &peers {
            for parent in Parent::ALL {
                let run = Run { peer, parent };
                eprintln!("measuring {run}");
                figures.insert(run.to_string(), measure(run)?);
            }
        }
        Ok(Self { peers, figures })
    }

    pub fn print(&self) {
        println!("| instructions | sampled | random | unsampled | absent |");
        println!("|---|--:|--:|--:|--:|");
        self.rows(|over| format!("{:+.0}", over.instructions));
        println!("\n| allocations | sampled | random | unsampled | absent |");
        println!("|---|--:|--:|--:|--:|");
        self.rows(|over| format!("{:+.1}", over.allocations));
        println!("\n| time over the base | sampled | random | unsampled | absent |");
        println!("|---|--:|--:|--:|--:|");
        self.rows(|over| format!("{:.2}", over.nanoseconds));
    }

    fn rows(&self, cell: impl Fn(Figures) -> String) {
        for peer in &self.peers {
            let cells = Parent::ALL.map(|parent| cell(self.over(peer, parent)));
            println!("| {} | {} |", peer.title, cells.join(" | "));
        }
    }

    /// What a peer adds to the one it is measured over.
    fn over(&self, peer: &Peer, parent: Parent) -> Figures {
        let of = |name: &str| self.figures[&format!("{name}-{}", parent.name())];
        let whole = of(peer.name);
        let Some(base) = peer.over.map(of) else { return whole };
        Figures {
            instructions: whole.instructions - base.instructions,
            allocations: whole.allocations - base.allocations,
            nanoseconds: whole.nanoseconds / base.nanoseconds,
        }
    }
}

fn measure(run: Run) -> Result<Figures, Box<dyn Error>> {
    Ok(Figures {
        instructions: callgrind::per_request(run)?.total,
        allocations: told("allocations", run)?,
        nanoseconds: told("time", run)?,
    })
}

/// What this program says when it runs alone.
fn told(what: &str, run: Run) -> Result<f64, Box<dyn Error>> {
    let output = super::child(std::env::current_exe()?).args([what, &run.to_string()]).output()?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into());
    }
    Ok(String::from_utf8(output.stdout)?.trim().parse()?)
}
