//! tower-http-opentelemetry: spans of `tracing`, and the duration.

use tower::Layer;
use tower_http_opentelemetry::{
    extract::{AxumConnectInfoExtractor, AxumHttpRouteExtractor},
    http::{client::HttpClientTelemetryLayer, server::HttpServerTelemetryLayer},
};

use super::{Peer, Side, Signals, Stage};
use crate::{load, providers::current};

pub const SERVER: Peer = Peer {
    name: "tower-http-opentelemetry",
    title: "tower-http-opentelemetry 0.0.6",
    side: Side::Server,
    signals: Signals::Both,
    over: Some("bare"),
    stage: || {
        Stage::tracing(|| {
            let layer = HttpServerTelemetryLayer::new()
                .with_http_route_extractor(AxumHttpRouteExtractor)
                .with_network_peer_address_extractor(AxumConnectInfoExtractor);
            load::arriving(load::router().layer(layer))
        })
    },
};

pub const CLIENT: Peer = Peer {
    name: "tower-http-opentelemetry-client",
    title: "tower-http-opentelemetry 0.0.6",
    side: Side::Client,
    signals: Signals::Both,
    over: Some("client"),
    stage: || {
        Stage::tracing(|| {
            let client = HttpClientTelemetryLayer::new().layer(load::client());
            load::leaving(client, current::attach)
        })
    },
};
