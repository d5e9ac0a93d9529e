//! tower-otel: one layer that makes spans of `tracing`, one for four metrics.

use opentelemetry::global;
use tower::{Layer, ServiceBuilder};
use tower_otel::{metrics, trace};
use tracing::Level;

use super::{Peer, Side, Signals, Stage};
use crate::{load, providers::current};

pub const SERVER: Peer = Peer {
    name: "tower-otel",
    title: "tower-otel 0.12",
    side: Side::Server,
    signals: Signals::Both,
    over: Some("bare"),
    stage: || {
        Stage::tracing(|| {
            let layers = ServiceBuilder::new()
                .layer(trace::HttpLayer::server(Level::INFO))
                .layer(metrics::HttpLayer::server(&global::meter("cost")));
            load::arriving(load::router().layer(layers))
        })
    },
};

pub const CLIENT: Peer = Peer {
    name: "tower-otel-client",
    title: "tower-otel 0.12",
    side: Side::Client,
    signals: Signals::Both,
    over: Some("client"),
    stage: || {
        Stage::tracing(|| {
            let metrics = metrics::HttpLayer::client(&global::meter("cost"));
            let client = trace::HttpLayer::client(Level::INFO).layer(metrics.layer(load::client()));
            load::leaving(client, current::attach)
        })
    },
};
