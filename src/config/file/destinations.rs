//! Where each signal goes: document → the `Export`s of a `Config`.
//!
//! Several processors or readers of a signal are several destinations. They share one queue of what waits for its
//! batch, and its settings.

use super::{
    document::{Flaw, Node},
    views::KINDS,
};
use crate::{
    config::{
        Config, Decided, Export, Histograms, Temporality, credentials, endpoint,
        endpoint::{GRPC_PORT, HTTP_PORT},
        env, metrics,
    },
    console,
    sender::{Compression, DEFAULT_TIMEOUT, Destination, Protocol, Remote, Signal, Tls},
};
use std::{path::PathBuf, time::Duration};

/// What a batch or a reader allows an attempt to deliver, where the file does not say (E-09, E-10, E-11).
const DEFAULT_EXPORT_TIMEOUT: Duration = Duration::from_secs(30);

pub(super) fn apply(root: &Node, config: &mut Config, flaws: &mut Vec<Flaw>) {
    for signal in Signal::ALL {
        let (provider, parts) = match signal {
            Signal::Traces => ("tracer_provider", "processors"),
            Signal::Metrics => ("meter_provider", "readers"),
            Signal::Logs => ("logger_provider", "processors"),
        };
        let mut reading = Reading::new(signal, flaws);
        let members = root.path(&[provider, parts]).map(Node::members).unwrap_or_default();
        for (index, member) in members.iter().enumerate() {
            reading.member(member, &format!("{provider}.{parts}[{index}]"));
        }
        reading.check_temporality();
        let Reading {
            export, batch, simple, temporality, histograms, callback_limit, series, of_kinds, ..
        } = reading;
        *config.export_mut(signal) = batch.apply(export, simple);
        if signal == Signal::Metrics {
            config.temporality = temporality.map_or_else(Temporality::default, |(found, _)| found);
            if let Some((series, _)) = series {
                config.measurements.cardinality_limit = series;
            }
            let of_kinds = of_kinds.into_iter().zip(KINDS);
            config.measurements.cardinality_limits =
                of_kinds.filter_map(|(series, (_, kind))| Some((kind, series?.0))).collect();
            if let Some(limit) = callback_limit {
                config.measurements.callback_limit = limit;
            }
            config.histograms = histograms.map_or_else(Histograms::default, |(found, _)| found);
        }
    }
}

/// A setting and its line.
type Set<T> = Option<(T, usize)>;

#[derive(Default)]
struct Batch {
    delay: Set<usize>,
    queue: Set<usize>,
    size: Set<usize>,
    /// There is a processor or reader that has these settings, or their defaults.
    used: bool,
}

impl Batch {
    fn apply(self, mut export: Export, simple: bool) -> Export {
        let value = |set: Set<usize>| set.map(|(value, _)| value);
        export.schedule_delay = value(self.delay).map(milliseconds);
        export.max_queue = value(self.queue).unwrap_or(export.max_queue);
        export.max_batch = value(self.size).unwrap_or(export.max_batch).min(export.max_queue);
        if simple && !self.used {
            export.max_batch = 1;
        }
        export
    }
}

struct Reading<'a> {
    signal: Signal,
    flaws: &'a mut Vec<Flaw>,
    export: Export,
    batch: Batch,
    simple: bool,
    temporality: Set<Temporality>,
    histograms: Set<Histograms>,
    /// How many an instrument has.
    series: Set<usize>,
    /// … of each kind.
    of_kinds: [Set<usize>; KINDS.len()],
    /// The shortest timeout of the readers, whose callbacks are called together.
    callback_limit: Option<Duration>,
}

impl<'a> Reading<'a> {
    fn new(signal: Signal, flaws: &'a mut Vec<Flaw>) -> Self {
        Reading {
            signal,
            flaws,
            export: Export::new(decided()),
            batch: Batch::default(),
            simple: false,
            temporality: None,
            histograms: None,
            series: None,
            of_kinds: Default::default(),
            callback_limit: None,
        }
    }

    /// A processor or a reader.
    fn member(&mut self, member: &Node, path: &str) {
        let Some((kind, settings)) = member.kind() else { return };
        let path = format!("{path}.{kind}");
        let mut set = |slot: &mut Set<usize>, key: &str| {
            share(slot, settings.get(key), Node::count, &format!("{path}.{key}"), self.flaws);
        };
        match kind {
            "batch" => {
                set(&mut self.batch.delay, "schedule_delay");
                set(&mut self.batch.queue, "max_queue_size");
                set(&mut self.batch.size, "max_export_batch_size");
                self.batch.used = true;
            }
            "periodic" => {
                set(&mut self.batch.delay, "interval");
                self.batch.used = true;
            }
            "simple" => self.simple = true,
            _ => {}
        }
        let of_kinds = KINDS.into_iter().map(|(name, _)| name).zip(&mut self.of_kinds);
        for (key, slot) in of_kinds.chain([("default", &mut self.series)]) {
            let series = settings.path(&["cardinality_limits", key]);
            let path = format!("{path}.cardinality_limits.{key}");
            share(slot, series, Node::count, &path, self.flaws);
        }
        let timeout = match kind {
            "batch" => time(settings, "export_timeout").unwrap_or(DEFAULT_EXPORT_TIMEOUT),
            "periodic" => time(settings, "timeout").unwrap_or(DEFAULT_EXPORT_TIMEOUT),
            _ => Duration::ZERO,
        };
        if kind == "periodic" && !timeout.is_zero() {
            self.callback_limit = Some(self.callback_limit.map_or(timeout, |known| known.min(timeout)));
        }
        if let Some((kind, exporter)) = settings.get("exporter").and_then(Node::kind) {
            self.exporter(kind, exporter, timeout, &format!("{path}.exporter.{kind}"));
        }
    }

    fn exporter(&mut self, kind: &str, settings: &Node, timeout: Duration, path: &str) {
        let destination = match kind {
            "otlp_http" | "otlp_grpc" => self.remote(kind, settings, timeout, path).map(Destination::Remote),
            "otlp_file/development" => Some(console::json()),
            "console" => Some(console::lines()),
            _ => None,
        };
        if let Some(destination) = destination {
            if self.signal == Signal::Metrics {
                self.check_prometheus(&destination, settings, path);
            }
            self.export.add(destination, decided());
        }
        let temporality = |node: &Node| match node.text()? {
            "cumulative" => Some(Temporality::Cumulative),
            "delta" => Some(Temporality::Delta),
            "low_memory" => Some(Temporality::LowMemory),
            _ => None,
        };
        let key = "temporality_preference";
        let path_of = |key| format!("{path}.{key}");
        share(&mut self.temporality, settings.get(key), temporality, &path_of(key), self.flaws);
        let histograms = |node: &Node| match node.text()? {
            "explicit_bucket_histogram" => Some(Histograms::ExplicitBuckets),
            "base2_exponential_bucket_histogram" => Some(Histograms::Exponential),
            _ => None,
        };
        let key = "default_histogram_aggregation";
        share(&mut self.histograms, settings.get(key), histograms, &path_of(key), self.flaws);
    }

    fn check_prometheus(&mut self, destination: &Destination, settings: &Node, path: &str) {
        let Some(remote) = metrics::prometheus(destination) else { return };
        let mut say = |line, message| self.flaws.push(Flaw { harmless: true, ..Flaw::new(line, message) });
        if remote.protocol == Protocol::Grpc {
            say(settings.line, format!("{path}: {}; use otlp_http", metrics::NO_GRPC));
        }
        if let Some(node) = settings.get("compression").filter(|_| remote.compression == Compression::Zstd) {
            say(node.line, format!("{path}.compression: {}", metrics::NO_ZSTD));
        }
    }

    /// Once all readers are known, since they share one.
    fn check_temporality(&mut self) {
        let Some((temporality, line)) = self.temporality else { return };
        let mut at_prometheus = self.export.destinations.iter().filter_map(metrics::prometheus);
        if temporality != Temporality::Cumulative && at_prometheus.next().is_some() {
            let message = format!("temporality_preference: {}", metrics::ONLY_CUMULATIVE);
            self.flaws.push(Flaw { harmless: true, ..Flaw::new(line, message) });
        }
    }

    fn remote(&mut self, kind: &str, settings: &Node, of_batch: Duration, path: &str) -> Option<Remote> {
        let protocol = match settings.get("encoding").and_then(Node::text) {
            _ if kind == "otlp_grpc" => Protocol::Grpc,
            Some("json") => Protocol::HttpJson,
            _ => Protocol::HttpProtobuf,
        };
        let url = self.url(protocol, settings, path);
        let mut remote = Remote::new(protocol, url.clone().unwrap_or_default());
        self.headers(settings, path, &mut remote);
        remote.compression = match settings.get("compression").and_then(Node::text) {
            Some("gzip") => Compression::Gzip,
            Some("zstd") => Compression::Zstd,
            _ => Compression::None,
        };
        let of_exporter = time(settings, "timeout").unwrap_or(DEFAULT_TIMEOUT);
        let limits = [of_exporter, of_batch].into_iter().filter(|limit| !limit.is_zero());
        remote.timeout = limits.min().unwrap_or_default();
        remote.tls = self.tls(settings, path, &remote);
        remote.advice = match (protocol, remote.url.port_u16()) {
            (Protocol::Grpc, Some(HTTP_PORT)) => {
                "4318 is the usual port of OTLP over HTTP; use otlp_http, or port 4317".into()
            }
            (Protocol::HttpProtobuf | Protocol::HttpJson, Some(GRPC_PORT)) => {
                "4317 is the usual port of gRPC; use otlp_grpc, or port 4318".into()
            }
            _ => String::new(),
        };
        url.map(|_| remote)
    }

    /// O-003: the URL as it is.
    fn url(&mut self, protocol: Protocol, settings: &Node, path: &str) -> Option<http::Uri> {
        let path = format!("{path}.endpoint");
        let grpc = protocol == Protocol::Grpc;
        let Some((node, endpoint)) =
            settings.get("endpoint").and_then(|node| Some((node, node.text()?.trim())))
        else {
            let text = match grpc {
                true => format!("http://localhost:{GRPC_PORT}"),
                false => endpoint::below(&format!("http://localhost:{HTTP_PORT}"), self.signal),
            };
            return endpoint::complete(&text);
        };
        let insecure = settings.path(&["tls", "insecure"]).and_then(Node::boolean).unwrap_or(false);
        let text = match grpc && !endpoint.contains("://") {
            true => format!("{}://{endpoint}", if insecure { "http" } else { "https" }), // O-005
            false => endpoint.to_owned(),
        };
        let Some(url) = endpoint::complete(&text) else {
            self.flaws.push(Flaw::new(node.line, format!("{path} {}", endpoint::no_url(endpoint))));
            return None;
        };
        let authority = text.split("://").nth(1).and_then(|rest| rest.split(['/', '?']).next());
        if authority.is_some_and(|authority| authority.contains('@')) {
            let fault = "has a user and password; write a header authorization";
            self.flaws.push(Flaw::new(node.line, format!("{path} {fault}")));
        }
        let short = url.path().trim_end_matches('/');
        if !grpc && (short.is_empty() || short.ends_with("/otlp")) {
            let meant = endpoint::below(short, self.signal);
            let fault = format!("{path} is taken as it is; did you mean a path of {meant}?");
            self.flaws.push(Flaw { harmless: true, ..Flaw::new(node.line, fault) });
        }
        Some(url)
    }

    fn headers(&mut self, settings: &Node, path: &str, remote: &mut Remote) {
        let mut found = Vec::new();
        if let Some(list) = settings.get("headers_list") {
            let pairs = credentials::pairs(list.text().unwrap_or_default());
            found.extend(pairs.map(|pair| (pair, list.line, "headers_list")));
        }
        for header in settings.get("headers").map(Node::members).unwrap_or_default() {
            let text = |key| header.get(key).and_then(Node::text);
            if let (Some(name), Some(value)) = (text("name"), text("value")) {
                found.push((credentials::pair(name, value), header.line, "headers"));
            }
        }
        for (pair, line, key) in found {
            match pair {
                Ok((name, mut value)) => {
                    value.set_sensitive(true);
                    remote.headers.insert(name, value);
                }
                Err(fault) => self.flaws.push(Flaw::new(line, format!("{path}.{key} {fault}"))),
            }
        }
    }

    fn tls(&mut self, settings: &Node, path: &str, remote: &Remote) -> Tls {
        let plain = remote.url.scheme_str() == Some("http");
        let mut file = |key: &str| {
            let node = settings.path(&["tls", key])?;
            if plain {
                let fault = format!("{path}.tls.{key} is not used for {remote}, which is not https");
                self.flaws.push(Flaw { harmless: true, ..Flaw::new(node.line, fault) });
            }
            node.text().map(PathBuf::from)
        };
        Tls {
            certificate: file("ca_file"),
            client_certificate: file("cert_file"),
            client_key: file("key_file"),
        }
    }
}

pub(super) fn decided() -> Decided {
    Decided::Variable(variable())
}

/// What named the file.
pub(super) fn variable() -> String {
    env::CONFIG_FILE.name.into()
}

/// A setting that all destinations of a signal share: another value than the first one is a fault.
fn share<T: PartialEq>(
    slot: &mut Set<T>,
    node: Option<&Node>,
    read: impl Fn(&Node) -> Option<T>,
    path: &str,
    flaws: &mut Vec<Flaw>,
) {
    let Some((node, value)) = node.and_then(|node| Some((node, read(node)?))) else { return };
    match slot {
        Some((first, line)) if *first != value => {
            let fault =
                format!("{path} is another than on line {line}; the destinations of a signal share one");
            flaws.push(Flaw::new(node.line, fault));
        }
        _ => *slot = Some((value, node.line)),
    }
}

fn time(settings: &Node, key: &str) -> Option<Duration> {
    settings.get(key).and_then(Node::count).map(milliseconds)
}

fn milliseconds(count: usize) -> Duration {
    Duration::from_millis(count.try_into().unwrap_or(u64::MAX))
}
