//! What a file decides, for people: each key with its value, its line, and what holds where it is left out.
//!
//! A file is all or nothing, so what is written holds, but for what several keys decide together.

use super::{
    document::{Node, Value},
    schema::{FILE, Holds, Key, Section},
};
use crate::{
    config::{
        Config, Origin, Setting,
        setting::{MASKED, plain, url},
    },
    sender::{Destination, Signal},
};

/// What precedes the default in the meaning of a key.
const DEFAULT: &str = "Default: ";

/// All keys of the sections that are there, in their order.
pub(super) fn settings(root: &Node, config: &Config) -> Vec<Setting> {
    let mut settings = Vec::new();
    section(root, &FILE, "", &mut settings);
    for signal in Signal::ALL {
        together(root, config, signal, &mut settings);
    }
    settings
}

fn section(node: &Node, section: &'static Section, path: &str, settings: &mut Vec<Setting>) {
    for entry in node.entries() {
        let Some(key) = section.key(&entry.key) else { continue };
        let kind = section.one.then_some(path);
        value(&entry.node, key, entry.line, &below(path, key.name), kind, settings);
    }
    let missing = section.all().filter(|key| node.get(key.name).is_none() && !section.one);
    for key in missing {
        let known = key.meaning.rsplit_once(DEFAULT).map(|(_, default)| default.trim_end_matches('.'));
        if let Some(default) = known {
            let value = default.replace('`', "");
            settings.push(Setting::new(below(path, key.name), value, Origin::Default));
        }
    }
}

/// `kind`: the path of what the key is a kind of.
fn value(node: &Node, key: &Key, line: usize, path: &str, kind: Option<&str>, settings: &mut Vec<Setting>) {
    let mut tell = |path: &str, value: String| {
        settings.push(Setting::new(path.to_owned(), value, Origin::ConfigurationFile { line }));
    };
    match key.holds {
        Holds::Unsupported | Holds::Idle | Holds::Foreign | Holds::Renamed(_) => {}
        Holds::Name | Holds::Section(_) if node.entries().is_empty() => {
            match kind {
                // The name is the value.
                Some(kind) => tell(kind, key.name.to_owned()),
                None if node.is_null() => return,
                None => tell(path, "nothing".to_owned()),
            }
            if let Holds::Section(below) = key.holds {
                section(node, below, path, settings);
            }
        }
        Holds::Name => {}
        Holds::Section(below) => section(node, below, path, settings),
        Holds::Sections(below) => {
            for (index, member) in node.members().iter().enumerate() {
                section(member, below, &format!("{path}[{index}]"), settings);
            }
        }
        _ if node.is_null() => {}
        _ => tell(path, shown(node, key, path)),
    }
}

/// O-093
fn shown(node: &Node, key: &Key, path: &str) -> String {
    let is_header = key.name == "headers_list" || (key.name == "value" && path.contains(".headers["));
    let text = match &node.value {
        Value::List(members) => members.iter().filter_map(Node::text).collect::<Vec<_>>().join(","),
        _ => node.text().unwrap_or_default().to_owned(),
    };
    match key.name {
        _ if is_header => MASKED.into(),
        _ if is_number(key.holds) => node.integer().map_or(text, |number| number.to_string()),
        // A name alone is a place too, where what else there is may be secret.
        "endpoint" => url(&text).unwrap_or_else(|| match text.contains(['@', '?', '#']) {
            true => MASKED.into(),
            false => plain(&text),
        }),
        _ => plain(&text),
    }
}

/// Which may be written in several ways.
fn is_number(holds: Holds) -> bool {
    matches!(holds, Holds::Count | Holds::Limit | Holds::Time | Holds::Pause | Holds::Between(..))
}

fn below(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}

/// Where two keys decide, what came of it.
fn together(root: &Node, config: &Config, signal: Signal, settings: &mut [Setting]) {
    let (provider, parts) = match signal {
        Signal::Traces => ("tracer_provider", "processors"),
        Signal::Metrics => ("meter_provider", "readers"),
        Signal::Logs => ("logger_provider", "processors"),
    };
    let export = config.export(signal);
    let mut destinations = export.destinations.iter();
    let members = root.path(&[provider, parts]).map(Node::members).unwrap_or_default();
    for (index, member) in members.iter().enumerate() {
        let Some((kind, _)) = member.kind().filter(|(kind, _)| *kind != "pull") else { continue };
        let path = format!("{provider}.{parts}[{index}].{kind}");
        let batch = [
            ("schedule_delay", export.delay(signal).as_millis().to_string(), None),
            ("interval", export.delay(signal).as_millis().to_string(), None),
            ("max_queue_size", export.max_queue.to_string(), None),
            ("max_export_batch_size", export.max_batch.to_string(), Some("max_queue_size")),
        ];
        for (key, held, by) in batch {
            decide(settings, &below(&path, key), held, by.map(|by| below(&path, by)));
        }
        let Some(Destination::Remote(remote)) = destinations.next() else { continue };
        let limit = if kind == "batch" { "export_timeout" } else { "timeout" };
        let exporter = member.path(&[kind, "exporter"]).and_then(Node::kind);
        if let Some((exporter, _)) = exporter {
            let held = remote.timeout.as_millis().to_string();
            let place = format!("{path}.exporter.{exporter}");
            decide(settings, &below(&place, "timeout"), held, Some(below(&path, limit)));
            let is_endpoint = |setting: &&mut Setting| setting.variable == below(&place, "endpoint");
            let unnamed = settings.iter_mut().find(is_endpoint).filter(|setting| setting.is_default());
            if let Some(endpoint) = unnamed {
                endpoint.value = url(&remote.url.to_string()).unwrap_or_default();
            }
        }
    }
}

/// `by`: the key that decided, if the one that is written did not.
fn decide(settings: &mut [Setting], path: &str, held: String, by: Option<String>) {
    let Some(setting) = settings.iter_mut().find(|setting| setting.variable == path) else { return };
    if setting.value == held {
        return;
    }
    if setting.origin != Origin::Default {
        setting.written = Some(std::mem::take(&mut setting.value));
    }
    // The default of a delay goes by the signal, that of what another key decides by that key.
    setting.by = by;
    setting.value = held;
}
