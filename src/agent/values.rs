//! Helm values → the configuration that the Collector's chart makes of them.
//!
//! What the chart has by itself, `values/chart.yaml`, is merged with `config` of the values: mappings key by key, lists as
//! a whole, and `null` takes away. Components that only the chart has are there as far as a pipeline names them.

use super::schema::Group;
use crate::config::file::document::{self, Entry, Flaw, Node, Value, shown};

/// The line of what only the chart has.
pub(super) const OF_CHART: usize = 0;

/// The key that makes a file one of values.
const CONFIG: &str = "config";

/// The configuration of a file.
pub(super) fn merged(root: Node, variable: &dyn Fn(&str) -> Option<String>, flaws: &mut Vec<Flaw>) -> Node {
    let is_values = root.entries().iter().any(|entry| entry.key == CONFIG) && root.get("service").is_none();
    let Some(Entry { node: config, .. }) =
        root.entries().iter().find(|entry| is_values && entry.key == CONFIG).cloned()
    else {
        return root;
    };
    let others: Vec<&Entry> = root.entries().iter().filter(|entry| entry.key != CONFIG).collect();
    if let Some(first) = others.first() {
        let names: Vec<String> = others.iter().map(|entry| shown(&entry.key)).collect();
        let message = format!(
            "{}: of values for the chart only config is read, the rest is ignored; what presets would add has to be \
             written there",
            names.join(", ")
        );
        flaws.push(Flaw { harmless: true, ..Flaw::new(first.line, message) });
    }
    // It is ours, and a test reads it.
    let Ok(mut chart) = document::parse(include_str!("values/chart.yaml"), variable) else { return config };
    mark(&mut chart);
    let mut merged = merge(chart, config);
    prune(&mut merged);
    merged
}

/// As Helm merges values.
fn merge(default: Node, user: Node) -> Node {
    let Node { value: Value::Mapping(mut entries), .. } = default else { return user };
    let Node { line, value: Value::Mapping(own) } = user else { return user };
    for entry in own {
        let Some(place) = entries.iter().position(|known| known.key == entry.key) else {
            entries.push(entry);
            continue;
        };
        if entry.node.is_null() {
            entries.remove(place);
        } else {
            let known = entries[place].node.clone();
            entries[place] = Entry { node: merge(known, entry.node), ..entry };
        }
    }
    Node { line, value: Value::Mapping(entries) }
}

/// Marks everything as the chart's.
fn mark(node: &mut Node) {
    node.line = OF_CHART;
    match &mut node.value {
        Value::Scalar { .. } => {}
        Value::List(members) => members.iter_mut().for_each(mark),
        Value::Mapping(entries) => {
            for entry in entries {
                entry.line = OF_CHART;
                mark(&mut entry.node);
            }
        }
    }
}

/// Takes away what only the chart has and nobody names.
fn prune(root: &mut Node) {
    let mut named: Vec<String> = Vec::new();
    let lists = |node: &Node, keys: &[&str], named: &mut Vec<String>| {
        for list in keys.iter().filter_map(|key| node.get(key)) {
            named.extend(list.members().iter().filter_map(Node::text).map(str::to_owned));
        }
    };
    if let Some(service) = root.get("service") {
        lists(service, &["extensions"], &mut named);
        for pipeline in service.get("pipelines").map(Node::entries).unwrap_or_default() {
            lists(&pipeline.node, &["receivers", "processors", "exporters"], &mut named);
        }
    }
    let Value::Mapping(entries) = &mut root.value else { return };
    for entry in entries.iter_mut().filter(|entry| Group::ALL.iter().any(|group| group.name() == entry.key)) {
        if let Value::Mapping(components) = &mut entry.node.value {
            components.retain(|component| component.line != OF_CHART || named.contains(&component.key));
        }
    }
}
