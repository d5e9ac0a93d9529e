//! What changes telemetry: processors → actions on attributes.

use super::{components::Component, printable};
use crate::{
    collector::{Action, Batch, Context, Kind, Processor, Value},
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
        let action = action(member).map_err(|fault| format!("{path} {fault}")).and_then(|action| {
            // Its words begin with whose fault it is.
            action.check().map_err(|fault| format!("{path}: {}", printable(&fault.to_string())))?;
            Ok(action)
        });
        action.map_err(|fault| flaws.push(Flaw::new(member.line, fault))).ok()
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
        "insert" | "update" | "upsert" => &["value", "from_attribute", "from_context", "default_value"],
        "delete" | "extract" => &["pattern"],
        "convert" => &["converted_type"],
        _ => &[],
    };
    let others = ["value", "from_attribute", "from_context", "default_value", "pattern", "converted_type"];
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

/// Where the value comes from: it is written, of another attribute, or of who sends.
enum Origin {
    Written(Value),
    Attribute(String),
    Context(Context),
}

fn value(node: &Node) -> Result<Value, String> {
    let scalar = |key: &str| {
        let typed = node
            .get(key)
            .map(|node| typed(node).ok_or_else(|| format!("has a {key} that is no text or number")));
        typed.transpose()
    };
    let text = |key: &str| node.get(key).and_then(Node::text);
    let mut origins: Vec<Origin> = scalar("value")?.map(Origin::Written).into_iter().collect();
    origins.extend(text("from_attribute").map(|key| Origin::Attribute(key.to_owned())));
    if let Some(name) = text("from_context") {
        let of_user = name.strip_prefix("auth.");
        origins.push(Origin::Context(match (name, of_user, name.strip_prefix("metadata.")) {
            ("client.address", ..) => Context::Address,
            (_, Some("username"), _) => Context::User,
            (_, Some(_), _) => {
                return Err("has a from_context that is not known; of auth there is auth.username".into());
            }
            (_, None, header) => Context::Header(header.unwrap_or(name).to_owned()),
        }));
    }
    let origin = origins.pop().filter(|_| origins.is_empty());
    Ok(match (origin, scalar("default_value")?.map(Box::new)) {
        (Some(Origin::Written(value)), None) => value,
        (Some(Origin::Attribute(key)), None) => Value::Attribute(key),
        (Some(Origin::Attribute(key)), Some(other)) => Value::AttributeOr(key, other),
        (Some(Origin::Context(context)), None) => Value::Context(context),
        (Some(Origin::Context(context)), Some(other)) => Value::ContextOr(context, other),
        _ => {
            return Err(
                "needs one of value, from_attribute, from_context; default_value goes with the last two"
                    .into(),
            );
        }
    })
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
