//! What the peers cost: each measured in processes of its own, one after the other.

use std::{collections::BTreeMap, error::Error};

use crate::{
    callgrind,
    load::Parent,
    peers::{self, Peer, Side},
    run::Run,
};

/// What one request costs: all in all, or over another.
#[derive(Clone, Copy)]
pub struct Cost {
    pub instructions: f64,
    pub allocations: f64,
    /// At best; told only as a share of another's.
    pub nanoseconds: f64,
}

/// The costs of the peers wanted, and of those that they are measured over.
pub struct Figures {
    pub peers: Vec<&'static Peer>,
    costs: BTreeMap<String, Cost>,
}

impl Figures {
    /// Measures these peers; all, if none is named.
    pub fn measure(names: &[&str]) -> Result<Self, Box<dyn Error>> {
        for name in names {
            peers::find(name).ok_or_else(|| format!("{name:?} is no peer; `benches/run list` names them"))?;
        }
        let is_wanted = |peer: &Peer| names.is_empty() || names.contains(&peer.name);
        let is_base =
            |base: &Peer| peers::ALL.iter().any(|peer| is_wanted(peer) && peer.over == Some(base.name));
        let peers: Vec<_> = peers::ALL.iter().filter(|peer| is_wanted(peer) || is_base(peer)).collect();
        let mut costs = BTreeMap::new();
        for peer in &peers {
            for &parent in parents(peer) {
                let run = Run { peer, parent };
                eprintln!("measuring {run}");
                costs.insert(run.to_string(), measure(run)?);
            }
        }
        Ok(Self { peers, costs })
    }

    /// What a request costs in all.
    pub fn whole(&self, name: &str, parent: Parent) -> Option<Cost> {
        self.costs.get(&format!("{name}-{}", parent.name())).copied()
    }

    /// What a peer adds to the one that it is measured over.
    pub fn over(&self, name: &str, parent: Parent) -> Option<Cost> {
        let whole = self.whole(name, parent)?;
        let base = self.whole(peers::find(name)?.over?, parent)?;
        Some(Cost {
            instructions: whole.instructions - base.instructions,
            allocations: whole.allocations - base.allocations,
            nanoseconds: whole.nanoseconds - base.nanoseconds,
        })
    }
}

/// All kinds of callers for throughline and what it is measured over, the two that matter for others; a line says
/// the same of each, a measurement does not look at the id.
fn parents(peer: &Peer) -> &'static [Parent] {
    if matches!(peer.side, Side::Line | Side::Page) {
        &[Parent::Sampled]
    } else if peer.side == Side::Measurement {
        &[Parent::Sampled, Parent::Unsampled, Parent::Absent]
    } else if peer.over.is_none() || peers::OURS.contains(&peer.name) {
        &Parent::ALL
    } else {
        &[Parent::Sampled, Parent::Unsampled]
    }
}

fn measure(run: Run) -> Result<Cost, Box<dyn Error>> {
    Ok(Cost {
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
