//! Where telemetry goes: exporters → exits.

mod client; // over the network: where to, as whom, and how

use super::{components::Component, extensions::Extensions, receivers::address};
use crate::{
    collector::{Batch, Destinations, Disk, Exit, Way, debug, file, loki},
    config::{
        Between,
        file::{
            amount,
            document::{Flaw, Node},
        },
    },
    sender::{Destination, Key, Remote, Signal},
};
use std::{net::SocketAddr, time::Duration};

const MIB: u64 = 1 << 20;

/// What an exporter comes to.
pub(super) struct Export {
    pub(super) exit: Exit,
    /// The page for Prometheus, and how old its points may be.
    pub(super) page: Option<(SocketAddr, Duration)>,
    /// Whether who sends is answered when it is delivered.
    pub(super) waits: bool,
    /// What people read of it.
    pub(super) words: String,
}

/// Reads an exporter, for the signals of its pipelines.
pub(super) fn export(
    component: &Component<'_>,
    signals: &[Signal],
    extensions: &Extensions<'_>,
    flaws: &mut Vec<Flaw>,
) -> Option<Export> {
    let nowhere = || Way::Network(Destinations::default());
    let of = |way, words: String| {
        let exit = Exit::new(component.name, way);
        Export { exit, page: None, waits: false, words }
    };
    match component.kind.name {
        "debug" => Some(of(Way::Terminal(terminal(component.node)), "stdout".to_owned())),
        "file" => {
            let options = written(component, flaws)?;
            let words = options.path.display().to_string();
            Some(of(Way::File(options), words))
        }
        "prometheus" => {
            let endpoint = component.node.get("endpoint");
            let place = address(endpoint, ":0", &component.path("endpoint"), flaws)?;
            let age = component.node.get("metric_expiration").and_then(amount::duration);
            let page = Some((place, age.unwrap_or(Duration::from_secs(300))));
            Some(Export { page, ..of(nowhere(), format!("http://{place}/metrics")) })
        }
        "nop" => Some(of(nowhere(), "nowhere".to_owned())),
        _ => network(component, signals, extensions, flaws),
    }
}

fn network(
    component: &Component<'_>,
    signals: &[Signal],
    extensions: &Extensions<'_>,
    flaws: &mut Vec<Flaw>,
) -> Option<Export> {
    // That of several servers may stand beside how they are spoken to, or with it.
    let queue = component.node.get("sending_queue");
    let queue = queue.or_else(|| component.node.path(&["protocol", "otlp", "sending_queue"]));
    let of_queue = |key: &str| queue.and_then(|queue| queue.get(key));
    let path = component.path("sending_queue");
    let queue_bytes = queue_bytes(queue, &path, flaws);
    let directory = extensions.directory(of_queue("storage"), &format!("{path}.storage"), flaws);
    let mut destinations = Destinations::default();
    let mut words: Vec<String> = Vec::new();
    for signal in signals {
        let remote = client::remote(component, *signal, extensions, flaws)?;
        let destination = match component.kind.name {
            "loki" => loki(component.node).destination(remote),
            "loadbalancing" => balanced(component, &remote, flaws)?,
            _ => Destination::Remote(remote),
        };
        let name = destination.to_string();
        if !words.contains(&name) {
            words.push(name);
        }
        destinations.add(*signal, destination);
    }
    let mut exit = Exit::new(component.name, Way::Network(destinations));
    (exit.queue_bytes, exit.batch) = (queue_bytes, of_queue("batch").map(batch));
    exit.disk = directory.map(Disk::new);
    let waits = of_queue("enabled").and_then(Node::boolean) == Some(false)
        || of_queue("wait_for_result").and_then(Node::boolean) == Some(true);
    Some(Export { exit, page: None, waits, words: words.join(", ") })
}

/// B-055
fn loki(node: &Node) -> loki::Options {
    let mut options = loki::Options::default();
    let labels = &mut options.default_labels;
    for (key, label) in [
        ("exporter", &mut labels.exporter),
        ("job", &mut labels.job),
        ("instance", &mut labels.instance),
        ("level", &mut labels.level),
    ] {
        *label = node.path(&["default_labels_enabled", key]).and_then(Node::boolean).unwrap_or(*label);
    }
    options.structured_metadata =
        node.get("structured_metadata").and_then(Node::boolean).unwrap_or(options.structured_metadata);
    options
}

/// Several servers, each with its part.
fn balanced(component: &Component<'_>, remote: &Remote, flaws: &mut Vec<Flaw>) -> Option<Destination> {
    let resolver = component.node.get("resolver")?;
    let name = resolver.get("dns").and_then(|dns| Some((dns.get("hostname")?.text()?, dns.get("port"))));
    let hosts: Vec<&str> = resolver
        .path(&["static", "hostnames"])
        .map(Node::members)
        .unwrap_or_default()
        .iter()
        .filter_map(Node::text)
        .collect();
    let words = match name {
        Some((name, port)) => format!("dns:{name}:{}", port.and_then(Node::text).unwrap_or("4317")),
        None => hosts.join(","),
    };
    let fault =
        |message: String| Flaw::new(resolver.line, format!("{} {message}", component.path("resolver")));
    let between = match words.parse::<Between>() {
        _ if name.is_some() != hosts.is_empty() => Err("needs one of static, dns".to_owned()),
        Ok(between) => Ok(between),
        Err(words) => Err(words),
    };
    let mut balance = between.map_err(|words| flaws.push(fault(words))).ok()?.in_place_of(remote);
    balance.key = match component.node.get("routing_key").and_then(Node::text) {
        Some("service") => Key::Service,
        Some("resource") => Key::Resource,
        _ => Key::Trace,
    };
    Some(Destination::Balanced(balance))
}

/// Of a queue that is counted in bytes. Requests and items are no bound of memory.
fn queue_bytes(queue: Option<&Node>, path: &str, flaws: &mut Vec<Flaw>) -> Option<usize> {
    let size = queue?.get("queue_size")?;
    match queue?.get("sizer").and_then(Node::text) {
        Some("bytes") => size.count(),
        _ => {
            let message =
                format!("{path}.queue_size is ignored: 64 MiB of each signal may wait; write sizer: bytes");
            flaws.push(Flaw { harmless: true, ..Flaw::new(size.line, message) });
            None
        }
    }
}

fn batch(node: &Node) -> Batch {
    let count = |key| node.get(key).and_then(Node::count).filter(|count| *count > 0);
    let size = [count("min_size"), count("max_size")].into_iter().flatten().min();
    let mut batch = Batch::default();
    batch.delay = node.get("flush_timeout").and_then(amount::duration).unwrap_or(batch.delay);
    match (size, node.get("sizer").and_then(Node::text)) {
        (Some(size), Some("bytes")) => batch.bytes = size,
        (Some(size), _) => batch.items = size as u64,
        (None, _) => {}
    }
    batch
}

fn terminal(node: &Node) -> debug::Options {
    let mut options = debug::Options::default();
    let number = |key| node.get(key).and_then(Node::count).map(|count| count as u64);
    options.verbosity = match node.get("verbosity").and_then(Node::text) {
        Some("normal") => debug::Verbosity::Normal,
        Some("detailed") => debug::Verbosity::Detailed,
        _ => debug::Verbosity::Basic,
    };
    options.sampling_initial = number("sampling_initial").unwrap_or(options.sampling_initial);
    options.sampling_thereafter = number("sampling_thereafter").unwrap_or(options.sampling_thereafter);
    options
}

fn written(component: &Component<'_>, flaws: &mut Vec<Flaw>) -> Option<file::Options> {
    let node = component.node;
    let mut options = file::Options::of(node.get("path")?.text()?);
    let of_rotation = |key| node.get("rotation").and_then(|rotation| rotation.get(key)).and_then(Node::count);
    options.max_bytes = match node.get("rotation") {
        Some(_) => (of_rotation("max_megabytes").unwrap_or(100) as u64).saturating_mul(MIB),
        None => u64::MAX,
    };
    options.max_files = match of_rotation("max_backups").unwrap_or(100) {
        0 => u32::MAX,
        older => u32::try_from(older).unwrap_or(u32::MAX).saturating_add(1),
    };
    options.flush_interval =
        node.get("flush_interval").and_then(amount::duration).unwrap_or(options.flush_interval);
    if let Some(append) = node.get("append").filter(|append| append.boolean() == Some(false)) {
        let message = format!("{}: a file that is there goes on in any case", component.path("append"));
        flaws.push(Flaw { harmless: true, ..Flaw::new(append.line, message) });
    }
    Some(options)
}
