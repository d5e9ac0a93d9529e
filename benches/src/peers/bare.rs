//! No layer: what the others are measured over.

use super::{Peer, Side, Signals, Stage};
use crate::{load, providers::current};

pub const SERVER: Peer = Peer {
    name: "bare",
    title: "axum without a layer",
    side: Side::Server,
    signals: Signals::None,
    over: None,
    stage: || Stage::new(load::arriving(load::router()), current::Providers::new()),
};

pub const CLIENT: Peer = Peer {
    name: "client",
    title: "a client without a layer",
    side: Side::Client,
    signals: Signals::None,
    over: None,
    stage: || Stage::new(load::leaving(load::client(), current::attach), current::Providers::new()),
};
