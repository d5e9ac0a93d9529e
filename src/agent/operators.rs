//! What is done to the lines of log files: operators of the file → operators of the collector.

mod parsers; // those that read lines
mod parts; // what several of them have

use super::{printable, schema::operators::KINDS};
use crate::{
    collector::filelog::{
        entry::{Field, Map, Value},
        operator::{Boundary, OnError, Operator, Pipeline, Recombine, Route, Task},
    },
    config::file::{
        amount,
        check::{check_part, meant},
        document::{Flaw, Node, Value as Written, shown},
    },
};
use parts::Reading;

/// The operators of a list, each checked, and together.
pub(super) fn operators(list: Option<&Node>, path: &str, flaws: &mut Vec<Flaw>) -> Vec<Operator> {
    let Some(list) = list else { return Vec::new() };
    let Some(members) = list.list() else {
        flaws.push(Flaw::new(list.line, format!("{path} is not a list; begin each member with a dash")));
        return Vec::new();
    };
    let mut operators = Vec::new();
    // Where each of them stands.
    let mut places = Vec::new();
    for (index, node) in members.iter().enumerate() {
        let before = flaws.len();
        let read = operator(node, &format!("{path}[{index}]"), flaws);
        if let Some(operator) = read.filter(|_| flaws[before..].iter().all(|flaw| flaw.harmless)) {
            operators.push(operator);
            places.push((index, node.line));
        }
    }
    let faults: Vec<(usize, String)> = match operators.len() == members.len() {
        true => Pipeline::check(&operators).into_iter().map(|fault| (fault.operator, fault.reason)).collect(),
        // Their ids and outputs can only be judged together.
        false => operators
            .iter()
            .map(Operator::check)
            .enumerate()
            .filter_map(|(at, of)| Some((at, of.err()?)))
            .collect(),
    };
    for (at, reason) in faults {
        let (index, line) = places.get(at).copied().unwrap_or((at, list.line));
        flaws.push(Flaw::new(line, format!("{path}[{index}]: {}", printable(&reason))));
    }
    operators
}

/// A mapping of attributes.
pub(super) fn map(node: Option<&Node>, path: &str, flaws: &mut Vec<Flaw>) -> Map {
    let mut map = Map::new();
    let Some(node) = node else { return map };
    if !matches!(node.value, Written::Mapping(_)) {
        flaws.push(Flaw::new(node.line, format!("{path} is not a mapping; write name: value")));
    }
    for entry in node.entries() {
        map.insert(entry.key.as_str(), value(&entry.node));
    }
    map
}

fn operator(node: &Node, path: &str, flaws: &mut Vec<Flaw>) -> Option<Operator> {
    let Some(name) = node.get("type").and_then(Node::text) else {
        flaws.push(Flaw::new(node.line, format!("{path} needs type")));
        return None;
    };
    let Some(kind) = KINDS.iter().find(|kind| kind.name == name) else {
        let names = || KINDS.iter().map(|kind| kind.name);
        let way_out = match meant(name, names()) {
            Some(meant) => format!("did you mean {meant}?"),
            None => format!("there are {}", names().collect::<Vec<_>>().join(", ")),
        };
        flaws.push(Flaw::new(node.line, format!("{path}.type is {}; {way_out}", shown(name))));
        return None;
    };
    let path = format!("{path} ({name})");
    flaws.extend(check_part(node, kind.section, &path));
    let mut reading = Reading { node, path: &path, flaws };
    let outputs = reading.ids("output");
    let task = task(name, &mut reading)?;
    let mut operator = Operator::from(task);
    operator.outputs = outputs;
    operator.id = node.get("id").and_then(Node::text).map(str::to_owned);
    operator.condition = node.get("if").and_then(Node::text).map(str::to_owned);
    operator.on_error = match node.get("on_error").and_then(Node::text) {
        Some("send_quiet") => OnError::SendQuiet,
        Some("drop") => OnError::Drop,
        Some("drop_quiet") => OnError::DropQuiet,
        _ => OnError::Send,
    };
    Some(operator)
}

/// `None`: something that is needed is not there, which is told.
fn task(name: &str, of: &mut Reading<'_, '_>) -> Option<Task> {
    if let Some(task) = parsers::task(name, of) {
        return task;
    }
    Some(match name {
        "router" => Task::Router { routes: routes(of), default: of.ids("default") },
        "filter" => {
            let drop_ratio = of.node.get("drop_ratio").and_then(Node::number).unwrap_or(1.0);
            Task::Filter { expression: of.text("expr")?, drop_ratio }
        }
        "time_parser" => Task::Time(of.timestamp()?),
        "severity_parser" => Task::Severity(of.severity()?),
        "trace_parser" => Task::Trace(of.trace()),
        "scope_name_parser" => Task::ScopeName { parse_from: of.field("parse_from")? },
        "copy" => Task::Copy { from: of.field("from")?, to: of.field("to")? },
        "move" => Task::Move { from: of.field("from")?, to: of.field("to")? },
        "add" => Task::Add { field: of.field("field")?, value: value(of.node.get("value")?) },
        "remove" => Task::Remove { field: of.field("field")? },
        "flatten" => Task::Flatten { field: of.field("field")? },
        "retain" => Task::Retain { fields: of.fields("fields") },
        "assign_keys" => Task::AssignKeys { field: of.field("field")?, keys: of.texts("keys") },
        "regex_replace" => replace(of)?,
        "unquote" => Task::Unquote { field: of.field("field")? },
        "sanitize_utf8" => Task::Sanitize { field: of.field_or("field", Field::BODY)? },
        "recombine" => Task::Recombine(recombine(of)?),
        _ => Task::Noop,
    })
}

fn routes(of: &mut Reading<'_, '_>) -> Vec<Route> {
    let members = of.node.get("routes").map(Node::members).unwrap_or_default();
    let mut routes = Vec::new();
    for (index, node) in members.iter().enumerate() {
        let path = format!("{}.routes[{index}]", of.path);
        let reading = Reading { node, path: &path, flaws: &mut *of.flaws };
        let (Some(expression), outputs) = (reading.text("expr"), reading.ids("output")) else { continue };
        let attributes = map(node.get("attributes"), &format!("{path}.attributes"), of.flaws);
        let mut route = Route::new(expression, String::new());
        (route.outputs, route.attributes) = (outputs, attributes);
        routes.push(route);
    }
    routes
}

fn replace(of: &mut Reading<'_, '_>) -> Option<Task> {
    let (regex, is_known) = (of.text("regex"), of.node.get("regex_name").is_some());
    if regex.is_some() == is_known {
        of.fault("needs one of regex, regex_name");
        return None;
    }
    Some(Task::Replace {
        field: of.field("field")?,
        regex,
        with: of.text("replace_with").unwrap_or_default(),
    })
}

fn recombine(of: &mut Reading<'_, '_>) -> Option<Recombine> {
    let boundary = match (of.text("is_first_entry"), of.text("is_last_entry")) {
        (Some(expression), None) => Boundary::First(expression),
        (None, Some(expression)) => Boundary::Last(expression),
        _ => {
            of.fault("needs one of is_first_entry, is_last_entry");
            return None;
        }
    };
    let mut recombine = Recombine::new(boundary, of.field("combine_field")?);
    let count = |key: &str, default| of.node.get(key).and_then(Node::count).unwrap_or(default);
    recombine.max_batch_size = count("max_batch_size", recombine.max_batch_size);
    recombine.max_unmatched_batch_size =
        count("max_unmatched_batch_size", recombine.max_unmatched_batch_size);
    recombine.max_sources = count("max_sources", recombine.max_sources);
    recombine.overwrite_with_oldest = of.node.get("overwrite_with").and_then(Node::text) == Some("oldest");
    recombine.max_log_size = of.size("max_log_size").unwrap_or(recombine.max_log_size);
    if let Some(period) = of.node.get("force_flush_period").and_then(amount::duration) {
        recombine.force_flush_period = period;
    }
    if let Some(text) = of.text("combine_with") {
        recombine.combine_with = text;
    }
    if of.node.get("source_identifier").is_some() {
        recombine.source_identifier = of.field("source_identifier")?;
    }
    Some(recombine)
}

/// What YAML holds; a plain scalar by its type.
fn value(node: &Node) -> Value {
    match &node.value {
        _ if node.is_null() => Value::Null,
        Written::List(members) => Value::List(members.iter().map(value).collect()),
        Written::Mapping(entries) => {
            let mut map = Map::new();
            for entry in entries {
                map.insert(entry.key.as_str(), value(&entry.node));
            }
            Value::Map(map)
        }
        Written::Scalar { text, .. } => {
            let of_type = node.boolean().map(Value::Bool).or_else(|| node.integer().map(Value::Integer));
            of_type.or_else(|| node.number().map(Value::Double)).unwrap_or_else(|| Value::Text(text.clone()))
        }
    }
}
