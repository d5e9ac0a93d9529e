//! Where measurements are fetched: document → the `Scrape` of a `Config`.

use super::{
    destinations,
    document::{Flaw, Node},
};
use crate::config::{Config, Scrape};

/// `scope_labels`: what holds where the file does not say.
pub(super) fn apply(root: &Node, scope_labels: bool, config: &mut Config, flaws: &mut Vec<Flaw>) {
    let readers = root.path(&["meter_provider", "readers"]).map(Node::members).unwrap_or_default();
    let mut first = None;
    for (index, reader) in readers.iter().enumerate() {
        let Some(("pull", settings)) = reader.kind() else { continue };
        let Some((kind, settings)) = settings.get("exporter").and_then(Node::kind) else { continue };
        if kind != "prometheus/development" {
            continue;
        }
        let mut flaw = |fault: &str| {
            flaws.push(Flaw::new(reader.line, format!("meter_provider.readers[{index}].pull {fault}")));
        };
        if !cfg!(feature = "prometheus") {
            flaw("needs the feature `prometheus` of throughline; or use periodic with otlp_http");
        }
        match first {
            Some(line) => flaw(&format!("stands here again, after line {line}; there is one page")),
            None => config.scrape = Some(page(settings, scope_labels)),
        }
        first = first.or(Some(reader.line));
    }
}

fn page(settings: &Node, scope_labels: bool) -> Scrape {
    let port = settings.get("port").and_then(Node::count).and_then(|port| port.try_into().ok());
    let scope_labels = settings.get("scope_info_enabled").and_then(Node::boolean).unwrap_or(scope_labels);
    let address = Scrape::on(settings.get("host").and_then(Node::text), port);
    Scrape { scope_labels, variable: Some(destinations::variable()), ..address }
}
