//! Throughline's own layers: the one place where they are used.

use std::sync::Arc;

use throughline_middleware::{ServerLayer, propagation::Composite};

use super::Peer;
use crate::load;

pub const SERVER: Peer = Peer {
    name: "throughline",
    title: "throughline",
    spans: true,
    durations: true,
    over: Some("bare"),
    load: |providers| {
        let propagator = Arc::new(Composite::default());
        let layer = ServerLayer::new(&providers.tracers, &providers.meters, propagator);
        load::arriving(load::router().layer(layer))
    },
};
