//! Throughline's own layers: the one place where they are used.

use std::sync::Arc;

use throughline_middleware::{
    ClientLayer, ClientOptions, ServerLayer, ServerOptions, propagation::Composite,
};
use tower::Layer;

use super::{Peer, Side, Signals, Stage};
use crate::{
    load,
    providers::current::{self, Providers},
};

pub const SERVER: Peer = Peer {
    name: "throughline",
    title: "**throughline**",
    side: Side::Server,
    signals: Signals::Both,
    over: Some("bare"),
    stage: || {
        let providers = Providers::new();
        let propagator = Arc::new(Composite::default());
        let layer = ServerLayer::new(&providers.tracers, &providers.meters, propagator);
        // As `Telemetry` has it.
        let mut options = ServerOptions::default();
        options.bound_instruments = true;
        options.parent_decides = true;
        let layer = layer.with_options(options);
        Stage::new(load::arriving(load::router().layer(layer)), providers)
    },
};

pub const CLIENT: Peer = Peer {
    name: "throughline-client",
    title: "**throughline**",
    side: Side::Client,
    signals: Signals::Both,
    over: Some("client"),
    stage: || {
        let providers = Providers::new();
        let propagator = Arc::new(Composite::default());
        let layer = ClientLayer::new(&providers.tracers, &providers.meters, propagator);
        let mut options = ClientOptions::default();
        options.bound_instruments = true;
        options.parent_decides = true;
        let layer = layer.with_options(options);
        Stage::new(load::leaving(layer.layer(load::client()), current::attach), providers)
    },
};
