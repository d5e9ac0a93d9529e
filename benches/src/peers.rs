//! Who is measured: one file and one row each.

mod axum_otel;
mod axum_tracing_opentelemetry;
mod bare;
mod by_hand;
mod empty;
mod lines;
mod logfire;
mod measurements;
mod opentelemetry_instrumentation_tower;
mod page;
mod reqwest_tracing;
mod throughline;
mod tower_http;
mod tower_http_opentelemetry;
mod tower_otel;

use crate::{
    load::Load,
    providers::{Recording, current},
};

/// One way to make telemetry of the requests, or none.
pub struct Peer {
    pub name: &'static str,
    /// What a reader of the table knows it by, with its version.
    pub title: &'static str,
    pub side: Side,
    /// What it makes of each request that is sampled.
    pub signals: Signals,
    /// The peer whose cost is not its own.
    pub over: Option<&'static str>,
    /// Sets it up, with everything that is global.
    pub stage: fn() -> Stage,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Side {
    Server,
    Client,
    /// A log line.
    Line,
    /// One value for one instrument.
    Measurement,
    /// A page for Prometheus.
    Page,
}

impl Side {
    pub fn name(self) -> &'static str {
        match self {
            Self::Server => "server",
            Self::Client => "client",
            Self::Line => "a log line",
            Self::Measurement => "a measurement",
            Self::Page => "a page, 40 of its 10,000 series",
        }
    }

    /// The peer that the shares are of.
    pub fn reference(self) -> &'static str {
        match self {
            Self::Server => opentelemetry_instrumentation_tower::SERVER.name,
            Self::Client => tower_otel::CLIENT.name,
            Self::Line => lines::JSON.name,
            Self::Measurement => measurements::SDK.name,
            Self::Page => page::OPENTELEMETRY_PROMETHEUS.name,
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Signals {
    None,
    Spans,
    Both,
    Lines,
    Metrics,
    /// Metrics, and exemplars of what is sampled.
    Exemplars,
    Pages,
}

/// A peer that is set up: what calls it, and what it records with.
pub struct Stage {
    pub load: Load,
    pub recording: Box<dyn Recording>,
}

impl Stage {
    fn new(load: Load, recording: impl Recording + 'static) -> Self {
        Self { load, recording: Box::new(recording) }
    }

    /// A peer that takes everything from the globals.
    fn global(load: fn() -> Load) -> Self {
        let providers = current::Providers::new();
        providers.set_global();
        Self::new(load(), providers)
    }

    /// A peer that makes spans of `tracing`.
    fn tracing(load: fn() -> Load) -> Self {
        let providers = current::Providers::new();
        providers.set_global();
        providers.subscribe();
        Self::new(load(), providers)
    }
}

/// All of them, as the tables list them: first the servers, then the clients, the log lines, the measurements, the pages.
pub const ALL: &[Peer] = &[
    bare::SERVER,
    empty::SERVER,
    throughline::SERVER,
    by_hand::SERVER,
    opentelemetry_instrumentation_tower::SERVER,
    axum_tracing_opentelemetry::SERVER,
    tower_http::SERVER,
    axum_otel::SERVER,
    logfire::SERVER,
    tower_http_opentelemetry::SERVER,
    tower_otel::SERVER,
    bare::CLIENT,
    throughline::CLIENT,
    tower_http_opentelemetry::CLIENT,
    tower_otel::CLIENT,
    reqwest_tracing::BARE,
    reqwest_tracing::CLIENT,
    lines::NONE,
    lines::THROUGHLINE_JSON,
    lines::THROUGHLINE_FLAT,
    lines::THROUGHLINE_TEXT,
    lines::THROUGHLINE_LOGFMT,
    lines::JSON,
    lines::FLAT,
    lines::TEXT,
    lines::JSON_SUBSCRIBER,
    lines::JSON_SUBSCRIBER_IDS,
    lines::INIT_TRACING,
    measurements::NONE,
    measurements::SDK,
    measurements::THROUGHLINE,
    measurements::SDK_BOUND,
    measurements::THROUGHLINE_BOUND,
    page::NONE,
    page::COLLECTION,
    page::THROUGHLINE,
    page::THROUGHLINE_OPEN,
    page::OPENTELEMETRY_PROMETHEUS,
];

/// Which of them are throughline's layers.
pub const OURS: [&str; 2] = [throughline::SERVER.name, throughline::CLIENT.name];

/// The peer of that name.
pub fn find(name: &str) -> Option<&'static Peer> {
    ALL.iter().find(|peer| peer.name == name)
}

/// The versions of a crate that were compiled.
pub fn locked(name: &str) -> Vec<&'static str> {
    let packages = include_str!("../Cargo.lock").split("[[package]]");
    let values = packages.filter_map(|package| {
        let value = |key: &str| package.lines().find_map(|line| line.strip_prefix(key)?.strip_suffix('"'));
        (value("name = \"")? == name).then(|| value("version = \""))?
    });
    values.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A title is a list of crates with their versions, between other words.
    #[test]
    fn the_version_in_a_title_is_the_one_compiled() {
        let mut versions = 0;
        for peer in ALL {
            let words: Vec<&str> = peer.title.split([' ', ',']).filter(|word| !word.is_empty()).collect();
            for pair in
                words.windows(2).filter(|pair| pair[1].starts_with(|digit: char| digit.is_ascii_digit()))
            {
                let locked = locked(pair[0]);
                let is_compiled = locked
                    .iter()
                    .any(|version| version.starts_with(&format!("{}.", pair[1])) || *version == pair[1]);
                assert!(is_compiled, "{} is listed with {}, but is {locked:?}", pair[0], pair[1]);
                versions += 1;
            }
        }
        assert!(versions > 10, "{versions}");
    }
}
