//! axum-otel: the parts for tower-http's `TraceLayer`, as its front page puts them together.

use axum_otel::{AxumOtelOnFailure, AxumOtelOnResponse, AxumOtelSpanCreator};
use before_tower_http::trace::TraceLayer;
use tracing::Level;

use super::{Peer, Side, Signals, Stage};
use crate::load;

pub const SERVER: Peer = Peer {
    name: "axum-otel",
    title: "axum-otel 0.34",
    side: Side::Server,
    signals: Signals::Spans,
    over: Some("bare"),
    stage: || {
        Stage::tracing(|| {
            let layer = TraceLayer::new_for_http()
                .make_span_with(AxumOtelSpanCreator::new().level(Level::INFO))
                .on_response(AxumOtelOnResponse::new().level(Level::INFO))
                .on_failure(AxumOtelOnFailure::new());
            load::arriving(load::router().layer(layer))
        })
    },
};
