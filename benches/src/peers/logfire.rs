//! logfire with the layers that its example for axum uses; it has a set-up of its own.

use std::error::Error;

use axum_otel_metrics::HttpMetricsLayerBuilder;
use before_axum_tracing_opentelemetry::middleware::OtelAxumLayer;
use logfire::{Logfire, config::MetricsOptions};

use super::{Peer, Side, Signals, Stage};
use crate::{
    load,
    providers::{Recorded, Recording, before::Tally},
};

pub const SERVER: Peer = Peer {
    name: "logfire",
    title: "logfire 0.13, axum-tracing-opentelemetry 0.38, axum-otel-metrics 0.14",
    side: Side::Server,
    signals: Signals::Both,
    over: Some("bare"),
    stage: || {
        let tally = Tally::default();
        let logfire = logfire::configure()
            .send_to_logfire(false)
            .with_console(None)
            .with_additional_span_processor(tally.processor())
            .with_metrics(Some(MetricsOptions::default().with_additional_reader(tally.reader())))
            .finish()
            .expect("a process measures one peer");
        let layers =
            load::router().layer(OtelAxumLayer::default()).layer(HttpMetricsLayerBuilder::new().build());
        Stage::new(load::arriving(layers), Sending { logfire, tally })
    },
};

struct Sending {
    logfire: Logfire,
    tally: Tally,
}

impl Recording for Sending {
    fn flush(&self) -> Result<(), Box<dyn Error>> {
        Ok(self.logfire.force_flush()?)
    }

    fn finish(self: Box<Self>) -> Result<Recorded, Box<dyn Error>> {
        self.logfire.force_flush()?;
        self.tally.recorded()
    }
}
