//! No layer: what all others are measured over.

use super::Peer;
use crate::load;

pub const SERVER: Peer = Peer {
    name: "bare",
    title: "bare axum",
    spans: false,
    durations: false,
    over: None,
    load: |_| load::arriving(load::router()),
};
