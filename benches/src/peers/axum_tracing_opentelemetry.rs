//! axum-tracing-opentelemetry: spans of `tracing`.

use axum_tracing_opentelemetry::middleware::OtelAxumLayer;

use super::{Peer, Side, Signals, Stage};
use crate::load;

pub const SERVER: Peer = Peer {
    name: "axum-tracing-opentelemetry",
    title: "axum-tracing-opentelemetry 0.42",
    side: Side::Server,
    signals: Signals::Spans,
    over: Some("bare"),
    stage: || Stage::tracing(|| load::arriving(load::router().layer(OtelAxumLayer::default()))),
};
