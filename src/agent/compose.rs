//! All parts of a file, put together as what the collector runs.

use super::{
    components::{Component, Components},
    exporters::{self, Export},
    extensions::Extensions,
    file_logs, limiter,
    pipelines::{self, Pipeline, Service},
    processors, receivers,
    schema::service,
};
use crate::{
    collector::{self, Until, Way},
    config::file::{
        check::check_part,
        document::{Flaw, Node, shown},
    },
    sender::Signal,
};

/// What a file comes to.
pub(super) struct Composed {
    pub(super) config: collector::Config,
    pub(super) lines: Vec<String>,
}

/// Reads a document. Only without a fault it says what runs.
pub(super) fn compose(root: &Node, flaws: &mut Vec<Flaw>) -> Composed {
    flaws.extend(check_part(root, &service::FILE, ""));
    let components = Components::read(root, flaws);
    let Service { pipelines, extensions } = pipelines::read(root, &components, flaws);
    let extensions = Extensions::new(extensions, &components);
    let mut config = collector::Config::default();
    (config.grpc, config.http) = (None, None);
    let mut composing = Composing { composed: Composed { config, lines: Vec::new() }, extensions, flaws };
    composing.receivers(&pipelines);
    composing.exporters(&pipelines);
    composing.pipelines(&pipelines);
    composing.health();
    composing.composed
}

struct Composing<'a, 'b> {
    composed: Composed,
    extensions: Extensions<'a>,
    flaws: &'b mut Vec<Flaw>,
}

impl Composing<'_, '_> {
    fn receivers(&mut self, pipelines: &[Pipeline<'_>]) {
        for receiver in used(pipelines, |pipeline| &pipeline.receivers) {
            if receiver.kind.name == "file_log" {
                let options = file_logs::options(&receiver, &self.extensions, self.flaws);
                let patterns: Vec<String> = options.include.iter().map(|pattern| shown(pattern)).collect();
                self.say(format!("receiver {}: {}", shown(receiver.name), patterns.join(", ")));
                self.composed.config.file_logs.push(options);
                continue;
            }
            let opened = receivers::ports(&receiver, &self.extensions, self.flaws);
            let places =
                opened.iter().map(|opened| format!("{} at {}", opened.protocol, opened.port.address));
            let places: Vec<String> = places.collect();
            self.say(format!("receiver {}: {}", shown(receiver.name), places.join(", ")));
            self.composed.config.ports.extend(opened.into_iter().map(|opened| opened.port));
        }
        let config = &mut self.composed.config;
        let largest = config.ports.iter().filter_map(|port| port.receive.max_request_bytes).max();
        config.max_request_bytes = config.max_request_bytes.max(largest.unwrap_or(0));
    }

    fn exporters(&mut self, pipelines: &[Pipeline<'_>]) {
        for exporter in used(pipelines, |pipeline| &pipeline.exporters) {
            let leads =
                |pipeline: &&Pipeline<'_>| pipeline.exporters.iter().any(|known| known.name == exporter.name);
            let leading: Vec<&Pipeline<'_>> = pipelines.iter().filter(leads).collect();
            let signals: Vec<Signal> = Signal::ALL
                .into_iter()
                .filter(|signal| leading.iter().any(|of| of.signal == *signal))
                .collect();
            let Some(export) = exporters::export(&exporter, &signals, &self.extensions, self.flaws) else {
                continue;
            };
            self.add(&exporter, export, &leading);
        }
    }

    fn add(&mut self, exporter: &Component<'_>, export: Export, leading: &[&Pipeline<'_>]) {
        let Export { mut exit, page, waits, words } = export;
        self.say(format!("exporter {}: {words}", shown(exporter.name)));
        if exit.batch.is_none() {
            exit.batch = Some(self.batch(exporter, matches!(exit.way, Way::Network(_)), leading));
        }
        let config = &mut self.composed.config;
        if let Some((address, expiration)) = page {
            if config.prometheus.is_some() {
                self.flaws
                    .push(Flaw::new(exporter.line, "there can be one exporter prometheus in the pipelines"));
            }
            (config.prometheus, config.metric_expiration) = (Some(address), expiration);
        }
        if waits {
            config.acknowledge = Until::Delivered;
        }
        config.exits.push(exit);
    }

    /// How much of what waits at an exit is sent as one: the first pipeline that leads there says it.
    fn batch(
        &mut self,
        exporter: &Component<'_>,
        is_remote: bool,
        leading: &[&Pipeline<'_>],
    ) -> collector::Batch {
        let of = |pipeline: &Pipeline<'_>| {
            let batch = pipeline.processors.iter().find(|processor| processor.kind.name == "batch");
            batch.map_or_else(processors::no_batch, processors::batch)
        };
        let Some((first, others)) = leading.split_first() else { return processors::no_batch() };
        let batch = of(first);
        if let Some(other) = others.iter().find(|other| is_remote && of(other) != batch) {
            let message = format!(
                "exporters.{}: pipelines {} and {} make different batches; those of the first hold for both",
                shown(exporter.name),
                shown(first.name),
                shown(other.name)
            );
            self.flaws.push(Flaw { harmless: true, ..Flaw::new(exporter.line, message) });
        }
        batch
    }

    fn pipelines(&mut self, pipelines: &[Pipeline<'_>]) {
        for processor in used(pipelines, |pipeline| &pipeline.processors) {
            if processor.kind.name == "memory_limiter"
                && let Some(limit) = limiter::limit(&processor, self.flaws)
            {
                let config = &mut self.composed.config;
                config.max_memory = Some(config.max_memory.map_or(limit, |known| known.min(limit)));
            }
            // Whatever is wrong with it is told once, however many pipelines have it.
            processors::processor(&processor, self.flaws);
        }
        for pipeline in pipelines {
            let names = |members: &[Component<'_>]| -> Vec<String> {
                members.iter().map(|member| member.name.to_owned()).collect()
            };
            let of = |component| processors::processor(component, &mut Vec::new());
            self.composed.config.pipelines.push(collector::Pipeline {
                sources: names(&pipeline.receivers),
                processors: pipeline.processors.iter().filter_map(of).collect(),
                exits: names(&pipeline.exporters),
                ..collector::Pipeline::of(pipeline.signal)
            });
            self.say(line(pipeline));
        }
    }

    fn health(&mut self) {
        if let Some(address) = self.extensions.health(self.flaws) {
            self.composed.config.health = Some(address);
            self.say(format!("health at http://{address}/"));
        }
    }

    fn say(&mut self, line: String) {
        self.composed.lines.push(line);
    }
}

/// The components of all pipelines, each once.
fn used<'a>(
    pipelines: &[Pipeline<'a>],
    of: impl for<'b> Fn(&'b Pipeline<'a>) -> &'b Vec<Component<'a>>,
) -> Vec<Component<'a>> {
    let mut used: Vec<Component<'a>> = Vec::new();
    for component in pipelines.iter().flat_map(of) {
        if used.iter().all(|known| known.name != component.name) {
            used.push(*component);
        }
    }
    used
}

/// `pipeline traces: otlp > batch > otlp_http, debug`
fn line(pipeline: &Pipeline<'_>) -> String {
    let names = |members: &[Component<'_>]| {
        let names: Vec<String> = members.iter().map(|member| shown(member.name)).collect();
        names.join(", ")
    };
    let stages = [&pipeline.receivers, &pipeline.processors, &pipeline.exporters];
    let stages: Vec<String> =
        stages.into_iter().filter(|stage| !stage.is_empty()).map(|stage| names(stage)).collect();
    format!("pipeline {}: {}", shown(pipeline.name), stages.join(" > "))
}
