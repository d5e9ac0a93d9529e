//! What changes telemetry: processors → actions on attributes.

use super::components::Component;
use crate::{
    collector::{Action, Batch, Kind, Processor, Value},
    config::file::{
        amount,
        document::{Flaw, Node},
    },
};
use std::time::Duration;

/// What a processor changes; `None`: nothing, it has other effects.
pub(super) fn processor(component: &Component<'_>, flaws: &mut Vec<Flaw>) -> Option<Processor> {
    let (key, of): (_, fn(Vec<Action>) -> Processor) = match component.kind.name {
        "resource" => ("attributes", |actions| Processor::resource(actions)),
        "attributes" => ("actions", |actions| Processor::items(actions)),
        _ => return None,
    };
    let members = component.node.get(key).map(Node::members).unwrap_or_default();
    let actions = members.iter().enumerate().filter_map(|(index, member)| {
        let path = component.path(&format!("{key}[{index}]"));
        action(member).map_err(|fault| flaws.push(Flaw::new(member.line, format!("{path} {fault}")))).ok()
    });
    Some(of(actions.collect()))
}

/// B-067
fn action(node: &Node) -> Result<Action, String> {
    let text = |key: &str| node.get(key).and_then(Node::text).map(str::to_owned);
    let (Some(action), key, pattern) = (text("action"), text("key"), text("pattern")) else {
        return Err("has no action".to_owned());
    };
    let needed =
        |value: Option<String>, name: &str| value.ok_or_else(|| format!("needs {name} for {action}"));
    let own: &[&str] = match action.as_str() {
        "insert" | "update" | "upsert" => &["value", "from_attribute", "default_value"],
        "delete" | "extract" => &["pattern"],
        "convert" => &["converted_type"],
        _ => &[],
    };
    let others = ["value", "from_attribute", "default_value", "pattern", "converted_type"];
    if let Some(idle) = others.into_iter().find(|key| node.get(key).is_some() && !own.contains(key)) {
        return Err(format!("has {idle}, which means nothing to {action}"));
    }
    Ok(match (action.as_str(), key, pattern) {
        ("delete", None, Some(pattern)) => Action::DeleteMatching(pattern),
        ("delete", Some(key), None) => Action::Delete(key),
        ("delete", Some(_), Some(_)) => return Err("has key and pattern; write one of them".to_owned()),
        ("extract", key, pattern) => Action::Extract(needed(key, "key")?, needed(pattern, "pattern")?),
        ("hash", key, _) => Action::Hash(needed(key, "key")?),
        ("convert", key, _) => {
            let kind = match needed(text("converted_type"), "converted_type")?.as_str() {
                "int" => Kind::Int,
                "double" => Kind::Double,
                _ => Kind::Text,
            };
            Action::Convert(needed(key, "key")?, kind)
        }
        ("insert", key, _) => Action::Insert(needed(key, "key")?, value(node)?),
        ("update", key, _) => Action::Update(needed(key, "key")?, value(node)?),
        ("upsert", key, _) => Action::Upsert(needed(key, "key")?, value(node)?),
        (_, key, _) => Action::Delete(needed(key, "key")?),
    })
}

fn value(node: &Node) -> Result<Value, String> {
    let scalar = |key: &str| {
        node.get(key).map(|node| typed(node).ok_or_else(|| format!("has a {key} that is no text or number")))
    };
    let other = scalar("default_value").transpose()?;
    match (scalar("value").transpose()?, node.get("from_attribute").and_then(Node::text), other) {
        (Some(_), Some(_), _) => Err("has value and from_attribute; write one of them".to_owned()),
        (Some(_), None, Some(_)) => Err("has value and default_value; write one of them".to_owned()),
        (Some(value), None, None) => Ok(value),
        (None, Some(key), None) => Ok(Value::Attribute(key.to_owned())),
        (None, Some(key), Some(other)) => Ok(Value::AttributeOr(key.to_owned(), Box::new(other))),
        (None, None, _) => Err("needs value or from_attribute".to_owned()),
    }
}

/// A scalar by its type in YAML.
fn typed(node: &Node) -> Option<Value> {
    if let Some(truth) = node.boolean() {
        return Some(Value::Bool(truth));
    }
    if let Some(number) = node.integer() {
        return Some(Value::Int(number));
    }
    if let Some(number) = node.number() {
        return Some(Value::Double(number));
    }
    node.text().map(|text| Value::Text(text.to_owned()))
}

/// How much is put together, by the processor of that name.
pub(super) fn batch(component: &Component<'_>) -> Batch {
    let count = |key| component.node.get(key).and_then(Node::count).map(|count| count as u64);
    let default = Batch::default();
    let wanted = count("send_batch_size").unwrap_or(default.items);
    let most = count("send_batch_max_size").unwrap_or(0);
    let items = [wanted, most].into_iter().filter(|items| *items > 0).min().unwrap_or(u64::MAX);
    let delay = component.node.get("timeout").and_then(amount::duration).unwrap_or(default.delay);
    Batch { items, delay, ..default }
}

/// Nothing waits for others, but what waits for other reasons is put together.
pub(super) fn no_batch() -> Batch {
    Batch { delay: Duration::ZERO, ..Batch::default() }
}
