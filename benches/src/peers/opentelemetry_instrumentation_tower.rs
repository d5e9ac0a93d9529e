//! opentelemetry-instrumentation-tower, of the OpenTelemetry project: spans directly, and four metrics.

use opentelemetry_instrumentation_tower::http::server::Layer;

use super::{Peer, Side, Signals, Stage};
use crate::load;

pub const SERVER: Peer = Peer {
    name: "opentelemetry-instrumentation-tower",
    title: "opentelemetry-instrumentation-tower 0.19",
    side: Side::Server,
    signals: Signals::Both,
    over: Some("bare"),
    stage: || Stage::global(|| load::arriving(load::router().layer(Layer::new()))),
};
