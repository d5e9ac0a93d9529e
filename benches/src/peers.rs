//! Who is measured: one file and one row each.

mod bare;
mod empty;
mod throughline;

use crate::{load::Load, providers::Providers};

/// One way to make telemetry of the requests, or none.
pub struct Peer {
    pub name: &'static str,
    /// What a reader of the table has to know it by.
    pub title: &'static str,
    pub spans: bool,
    pub durations: bool,
    /// The peer whose cost is not this one's own.
    pub over: Option<&'static str>,
    pub load: fn(&Providers) -> Load,
}

pub const ALL: &[Peer] = &[bare::SERVER, empty::SERVER, throughline::SERVER];

/// The peer of that name.
pub fn find(name: &str) -> Option<&'static Peer> {
    ALL.iter().find(|peer| peer.name == name)
}
