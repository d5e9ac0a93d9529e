//! Formatters of log lines, each alone in a registry.

use std::{env, process};

use ::throughline::{
    config::{Log, LogFormat},
    log::LogLayer,
};
use init_tracing_opentelemetry::{JsonLayerBuilder, LayerBuilder, TracingConfig, WriterConfig};
use opentelemetry::trace::TracerProvider;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tracing_subscriber::{
    Layer, Registry,
    filter::filter_fn,
    fmt,
    layer::{Identity, SubscriberExt},
};

use super::{Peer, Side, Signals, Stage};
use crate::lines::{self, Counter, Written};

pub const NONE: Peer = Peer {
    name: "line",
    title: "an event in a registry, without a formatter",
    side: Side::Line,
    signals: Signals::None,
    over: None,
    stage: || stage(|_| Identity::new()),
};

/// A formatter, measured over nothing but the registry.
const fn formatter(name: &'static str, title: &'static str, stage: fn() -> Stage) -> Peer {
    Peer { name, title, side: Side::Line, signals: Signals::Lines, over: Some(NONE.name), stage }
}

pub const THROUGHLINE_JSON: Peer =
    formatter("throughline-json", "**throughline**, JSON, ids, span", || ours(LogFormat::Json, true, false));

pub const THROUGHLINE_FLAT: Peer =
    formatter("throughline-flat", "**throughline**, flat JSON, ids", || ours(LogFormat::Json, false, true));

pub const THROUGHLINE_TEXT: Peer =
    formatter("throughline-text", "**throughline**, text, ids, span", || ours(LogFormat::Text, true, false));

pub const THROUGHLINE_LOGFMT: Peer =
    formatter("throughline-logfmt", "**throughline**, logfmt, ids, span", || {
        ours(LogFormat::Logfmt, true, false)
    });

pub const JSON: Peer = formatter("json", "tracing-subscriber 0.3, JSON, span", || {
    stage(|lines| fmt::layer().json().with_writer(move || lines.clone()))
});

pub const FLAT: Peer = formatter("flat", "tracing-subscriber 0.3, flat JSON", || {
    stage(|lines| {
        let json = fmt::layer().json().flatten_event(true);
        json.with_current_span(false).with_span_list(false).with_writer(move || lines.clone())
    })
});

pub const TEXT: Peer = formatter("text", "tracing-subscriber 0.3, text, span", || {
    stage(|lines| fmt::layer().with_ansi(false).with_writer(move || lines.clone()))
});

pub const JSON_SUBSCRIBER: Peer = formatter("json-subscriber", "json-subscriber 0.3, span", || {
    stage(|lines| json_subscriber::fmt::layer().with_writer(move || lines.clone()))
});

/// It takes the ids from the spans of tracing-opentelemetry, whose own cost for events is kept out.
pub const JSON_SUBSCRIBER_IDS: Peer =
    formatter("json-subscriber-ids", "json-subscriber 0.3, ids, span", || {
        stage(|lines| {
            // Without a processor, whose thread would write lines too.
            let tracer = SdkTracerProvider::builder().build().tracer("cost");
            let spans = tracing_opentelemetry::layer().with_tracer(tracer);
            let json = json_subscriber::fmt::layer().with_opentelemetry_ids(true);
            spans
                .with_filter(filter_fn(|metadata| metadata.is_span()))
                .and_then(json.with_writer(move || lines.clone()))
        })
    });

/// It writes to files only: the lines are counted there.
pub const INIT_TRACING: Peer =
    formatter("init-tracing", "init-tracing-opentelemetry 0.38, JSON, span", || {
        let path = env::temp_dir().join(format!("cost-{}.log", process::id()));
        let config =
            TracingConfig::default().with_json_format().with_writer(WriterConfig::File(path.clone()));
        subscribe(JsonLayerBuilder.build_layer::<Registry>(&config).expect("the file can be made"));
        Stage::new(lines::load(), Written(path))
    });

fn ours(format: LogFormat, span_fields: bool, flat: bool) -> Stage {
    stage(|lines| {
        let mut log = Log::new(format);
        (log.span_fields, log.flat) = (span_fields, flat);
        LogLayer::new(&log).with_writer(move || lines.clone())
    })
}

fn stage<L: Layer<Registry> + Send + Sync>(layer: impl FnOnce(Counter) -> L) -> Stage {
    let counter = Counter::default();
    subscribe(layer(counter.clone()));
    Stage::new(lines::load(), counter)
}

fn subscribe(layer: impl Layer<Registry> + Send + Sync) {
    let subscriber = tracing_subscriber::registry().with(layer);
    tracing::subscriber::set_global_default(subscriber).expect("a process measures one peer");
}
