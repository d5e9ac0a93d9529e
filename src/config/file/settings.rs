//! Who speaks, what is recorded and how it travels: document → `Config`, but for the destinations.
//!
//! A value of the wrong type was told by the checks: here it counts as none.

use super::document::{Flaw, Node, shown};
use crate::{
    config::{
        AttributeLimits, AttributeValue, Config, Detector, Level, ParentBased, Propagator, Sampler,
        layers::{MOST_MEMBERS, no_header, no_method},
        resource::{self, ByFile},
        selection::Selection,
    },
    middleware::options::CapturedHeaders,
};

const SERVICE_NAME: &str = "service.name";

/// `service_name`: of the variable that the detector `service` reads.
pub(super) fn apply(root: &Node, service_name: Option<String>, config: &mut Config, flaws: &mut Vec<Flaw>) {
    config.disabled = root.get("disabled").and_then(Node::boolean).unwrap_or(false);
    config.log.own_level = level(root.get("log_level"));
    config.resource_attributes = attributes(root.get("resource"), flaws);
    detectors(root.get("resource"), service_name, config);
    config.by_file = Some(by_file(root.get("resource"), flaws));
    config.propagators = propagators(root, flaws);
    config.sampler = sampler(root, flaws);
    limits(root, config);
    if let Some(general) = root.path(&["instrumentation/development", "general"]) {
        layers(general, config, flaws);
    }
}

fn level(node: Option<&Node>) -> Level {
    // A severity is a word and perhaps a digit.
    let word = node.and_then(Node::text).map(|text| text.trim_end_matches(|c: char| c.is_ascii_digit()));
    match word {
        Some("trace") => Level::Trace,
        Some("debug") => Level::Debug,
        Some("warn") => Level::Warn,
        Some("error" | "fatal") => Level::Error,
        _ => Level::Info,
    }
}

fn attributes(resource: Option<&Node>, flaws: &mut Vec<Flaw>) -> Vec<(String, AttributeValue)> {
    let Some(resource) = resource else { return vec![] };
    let mut attributes = Vec::new();
    if let Some(list) = resource.get("attributes_list") {
        attributes = resource::pairs(list.text().unwrap_or_default()).unwrap_or_else(|| {
            let fault = "resource.attributes_list is not key=value,key=value with percent-encoding";
            flaws.push(Flaw::new(list.line, fault));
            vec![]
        });
    }
    for attribute in resource.get("attributes").map(Node::members).unwrap_or_default() {
        let Some(name) = attribute.get("name").and_then(Node::text) else { continue };
        let Some(value) = attribute.get("value") else { continue };
        let kind = attribute.get("type").and_then(Node::text).unwrap_or("string");
        match typed(value, kind) {
            Some(value) => {
                attributes.retain(|(known, _)| known != name);
                attributes.push((name.to_owned(), value));
            }
            None => {
                let fault =
                    format!("resource.attributes: {} is not of the type {}", shown(name), shown(kind));
                flaws.push(Flaw::new(value.line, fault));
            }
        }
    }
    attributes
}

fn typed(node: &Node, kind: &str) -> Option<AttributeValue> {
    fn all<T>(node: &Node, one: impl Fn(&Node) -> Option<T>) -> Option<Vec<T>> {
        node.list()?.iter().map(one).collect()
    }
    let text = |node: &Node| node.text().map(str::to_owned);
    match kind {
        "string" => text(node).map(AttributeValue::Text),
        "bool" => node.boolean().map(AttributeValue::Boolean),
        "int" => node.integer().map(AttributeValue::Integer),
        "double" => node.number().map(AttributeValue::Number),
        "string_array" => all(node, text).map(AttributeValue::Texts),
        "bool_array" => all(node, Node::boolean).map(AttributeValue::Booleans),
        "int_array" => all(node, Node::integer).map(AttributeValue::Integers),
        "double_array" => all(node, Node::number).map(AttributeValue::Numbers),
        _ => None,
    }
}

fn detectors(resource: Option<&Node>, service_name: Option<String>, config: &mut Config) {
    let detectors = resource.and_then(|resource| resource.path(&["detection/development", "detectors"]));
    let mut named: Vec<&str> = detectors
        .map(Node::members)
        .unwrap_or_default()
        .iter()
        .flat_map(Node::entries)
        .map(|entry| entry.key.as_str())
        .collect();
    // The standard's detector of the host tells of its system too.
    let system = named.contains(&"host").then_some("os");
    named.extend(system);
    config.detectors = Detector::named(&named);
    let told = config.resource_attributes.iter().any(|(name, _)| name == SERVICE_NAME);
    config.service_name = service_name.filter(|_| named.contains(&"service") && !told);
}

fn by_file(resource: Option<&Node>, flaws: &mut Vec<Flaw>) -> ByFile {
    let Some(resource) = resource else { return ByFile::default() };
    let path = "resource.detection/development.attributes";
    let mut patterns = |key: &str| {
        let list = resource.path(&["detection/development", "attributes", key]);
        texts(list, &format!("{path}.{key}"), |_| None, flaws)
    };
    ByFile {
        detected: Selection {
            included: patterns("included"),
            excluded: patterns("excluded").unwrap_or_default(),
        },
        schema_url: resource.get("schema_url").and_then(Node::text).map(str::to_owned),
    }
}

fn propagators(root: &Node, flaws: &mut Vec<Flaw>) -> Vec<Propagator> {
    let Some(propagator) = root.get("propagator") else {
        let message = "has no propagator: ids are neither read nor sent on. Write propagator with \
                       composite_list: tracecontext,baggage";
        flaws.push(Flaw { harmless: true, ..Flaw::new(root.line, message) });
        return vec![];
    };
    let mut formats: Vec<Propagator> = Vec::new();
    let mut add = |chosen: Vec<Propagator>| {
        for format in chosen {
            if !formats.contains(&format) {
                formats.push(format);
            }
        }
    };
    for member in propagator.get("composite").map(Node::members).unwrap_or_default() {
        if let Some((name, _)) = member.kind() {
            add(Propagator::choose(name).formats);
        }
    }
    if let Some(list) = propagator.get("composite_list") {
        let chosen = Propagator::choose(list.text().unwrap_or_default());
        for fault in chosen.faults {
            flaws.push(Flaw::new(list.line, format!("propagator.composite_list {fault}")));
        }
        add(chosen.formats);
    }
    formats
}

fn sampler(root: &Node, flaws: &mut Vec<Flaw>) -> Sampler {
    let default = Sampler::ParentBasedAlwaysOn;
    let Some(sampler) = root.path(&["tracer_provider", "sampler"]) else { return default };
    let Some(("parent_based", settings)) = sampler.kind() else {
        return match sampler.kind() {
            Some(("always_on", _)) => Sampler::AlwaysOn,
            Some(("always_off", _)) => Sampler::AlwaysOff,
            _ => share(sampler).map_or(default, Sampler::TraceIdRatio),
        };
    };
    let others = ParentBased::default();
    let mut shares = others;
    for (name, slot) in [
        ("root", &mut shares.root),
        ("remote_parent_sampled", &mut shares.remote_parent_sampled),
        ("remote_parent_not_sampled", &mut shares.remote_parent_not_sampled),
        ("local_parent_sampled", &mut shares.local_parent_sampled),
        ("local_parent_not_sampled", &mut shares.local_parent_not_sampled),
    ] {
        let Some(node) = settings.get(name) else { continue };
        if let Some(("parent_based", _)) = node.kind() {
            let fault = format!("tracer_provider.sampler.parent_based.{name} cannot be parent_based again");
            flaws.push(Flaw::new(node.line, fault));
        }
        *slot = share(node).unwrap_or(*slot);
    }
    match settings.get("root").and_then(Node::kind) {
        _ if shares != (ParentBased { root: shares.root, ..others }) => Sampler::ParentBased(shares),
        Some(("always_off", _)) => Sampler::ParentBasedAlwaysOff,
        Some(("trace_id_ratio_based", _)) => Sampler::ParentBasedTraceIdRatio(shares.root),
        _ => default,
    }
}

/// What a sampler that does not ask the parent records.
fn share(sampler: &Node) -> Option<f64> {
    match sampler.kind()? {
        ("always_on", _) => Some(1.0),
        ("always_off", _) => Some(0.0),
        ("trace_id_ratio_based", settings) => {
            Some(settings.get("ratio").and_then(Node::number).unwrap_or(1.0))
        }
        _ => None,
    }
}

fn limits(root: &Node, config: &mut Config) {
    let (general, spans) = (root.get("attribute_limits"), root.path(&["tracer_provider", "limits"]));
    let of = |node: Option<&Node>, key| node.and_then(|node| node.get(key)).and_then(Node::count);
    let attributes = |own, default: AttributeLimits| AttributeLimits {
        count: of(own, "attribute_count_limit")
            .or(of(general, "attribute_count_limit"))
            .unwrap_or(default.count),
        value_length: of(own, "attribute_value_length_limit").or(of(general, "attribute_value_length_limit")),
    };
    let limits = &mut config.span_limits;
    limits.attributes = attributes(spans, limits.attributes);
    limits.events = of(spans, "event_count_limit").unwrap_or(limits.events);
    limits.links = of(spans, "link_count_limit").unwrap_or(limits.links);
    limits.event_attributes = of(spans, "event_attribute_count_limit").unwrap_or(limits.event_attributes);
    limits.link_attributes = of(spans, "link_attribute_count_limit").unwrap_or(limits.link_attributes);
    config.log.limits = attributes(root.path(&["logger_provider", "limits"]), config.log.limits);
}

/// B-093
fn layers(general: &Node, config: &mut Config, flaws: &mut Vec<Flaw>) {
    let path = "instrumentation/development.general";
    let keys = general.path(&["sanitization", "url", "sensitive_query_parameters"]);
    let any = |_: &str| None;
    if let Some(keys) =
        texts(keys, &format!("{path}.sanitization.url.sensitive_query_parameters"), any, flaws)
    {
        config.server.sensitive_query_keys.clone_from(&keys);
        config.client.sensitive_query_keys = keys;
    }
    let mut side = |name: &str| {
        let node = general.path(&["http", name]);
        let mut read = |key: &str, fault: fn(&str) -> Option<String>| {
            texts(node.and_then(|node| node.get(key)), &format!("{path}.http.{name}.{key}"), fault, flaws)
        };
        let mut headers =
            |key| CapturedHeaders::new(read(key, no_header).unwrap_or_default()).unwrap_or_default();
        let headers = [headers("request_captured_headers"), headers("response_captured_headers")];
        (headers, read("known_methods", no_method))
    };
    let (headers, methods) = side("server");
    let server = &mut config.server;
    [server.request_headers, server.response_headers] = headers;
    server.known_methods = methods.unwrap_or_else(|| server.known_methods.clone());
    let (headers, methods) = side("client");
    let client = &mut config.client;
    [client.request_headers, client.response_headers] = headers;
    client.known_methods = methods.unwrap_or_else(|| client.known_methods.clone());
}

/// The members of a list that are not refused; `None`: it is not there.
fn texts(
    list: Option<&Node>,
    path: &str,
    refused: impl Fn(&str) -> Option<String>,
    flaws: &mut Vec<Flaw>,
) -> Option<Vec<String>> {
    let list = list?;
    let members = list.list()?;
    if members.len() > MOST_MEMBERS {
        flaws.push(Flaw::new(list.line, format!("{path} has more than {MOST_MEMBERS} members")));
    }
    let texts = members.iter().take(MOST_MEMBERS).filter_map(|member| {
        let text = member.text()?;
        let fault = refused(text).map(|fault| Flaw::new(member.line, format!("{path}: {fault}")));
        let is_right = fault.is_none();
        flaws.extend(fault);
        is_right.then(|| text.to_owned())
    });
    Some(texts.collect())
}
