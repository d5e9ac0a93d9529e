//! What actions do, on decoded attributes.

use super::super::{Action, Context, Kind, Value};
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value};
use prost::Message;

type List = Vec<(String, Option<any_value::Value>)>;

/// What the actions are to do, on decoded attributes.
fn reference(list: &mut List, action: &Action) {
    let last = |list: &List, key: &str| list.iter().rfind(|pair| pair.0 == key).map(|pair| pair.1.clone());
    fn value_of(list: &List, value: &Value) -> Option<Option<any_value::Value>> {
        use any_value::Value as Any;
        Some(Some(match value {
            Value::Text(text) => Any::StringValue(text.clone()),
            Value::Int(number) => Any::IntValue(*number),
            Value::Double(number) => Any::DoubleValue(*number),
            Value::Bool(truth) => Any::BoolValue(*truth),
            Value::Attribute(key) => return list.iter().rfind(|pair| pair.0 == *key).map(|p| p.1.clone()),
            Value::AttributeOr(key, other) => {
                return value_of(list, &Value::Attribute(key.clone())).or_else(|| value_of(list, other));
            }
            Value::Context(Context::Address) => Any::StringValue("10.1.2.3".into()),
            Value::Context(Context::Header(_)) => Any::StringValue("blue;green".into()),
            Value::Context(Context::User) => return None,
            Value::ContextOr(context, other) => {
                return value_of(list, &Value::Context(context.clone())).or_else(|| value_of(list, other));
            }
        }))
    }
    let set = |list: &mut List, key: &str, value: Option<any_value::Value>| {
        let mut is_there = false;
        for pair in list.iter_mut().filter(|pair| pair.0 == key) {
            pair.1 = value.clone();
            is_there = true;
        }
        if !is_there {
            list.push((key.to_owned(), value));
        }
    };
    let is_there = |list: &List, key: &str| list.iter().any(|pair| pair.0 == key);
    match action {
        Action::Insert(key, value) | Action::Update(key, value) | Action::Upsert(key, value) => {
            let acts = match action {
                Action::Insert(..) => !is_there(list, key),
                Action::Update(..) => is_there(list, key),
                _ => true,
            };
            if let Some(value) = value_of(list, value).filter(|_| acts) {
                set(list, key, value);
            }
        }
        Action::Delete(key) => list.retain(|pair| pair.0 != *key),
        Action::DeleteMatching(pattern) => {
            let pattern = regex::Regex::new(pattern).unwrap();
            list.retain(|pair| !pattern.is_match(&pair.0));
        }
        Action::Hash(key) => {
            for pair in list.iter_mut().filter(|pair| pair.0 == *key) {
                let bytes = match &pair.1 {
                    Some(any_value::Value::StringValue(text)) => text.clone().into_bytes(),
                    Some(any_value::Value::IntValue(number)) => number.to_le_bytes().to_vec(),
                    Some(any_value::Value::DoubleValue(number)) => number.to_le_bytes().to_vec(),
                    Some(any_value::Value::BoolValue(truth)) => vec![u8::from(*truth)],
                    other => AnyValue { value: other.clone() }.encode_to_vec(),
                };
                pair.1 =
                    Some(any_value::Value::StringValue(sha1_smol::Sha1::from(bytes).digest().to_string()));
            }
        }
        Action::Convert(key, kind) => {
            use any_value::Value::{BoolValue, DoubleValue, IntValue, StringValue};
            for pair in list.iter_mut().filter(|pair| pair.0 == *key) {
                let new = match (kind, &pair.1) {
                    (Kind::Text, Some(IntValue(number))) => Some(StringValue(number.to_string())),
                    (Kind::Text, Some(DoubleValue(number))) => Some(StringValue(number.to_string())),
                    (Kind::Text, Some(BoolValue(truth))) => Some(StringValue(truth.to_string())),
                    (Kind::Int, Some(StringValue(text))) => text.parse().ok().map(IntValue),
                    (Kind::Int, Some(DoubleValue(number))) => Some(IntValue(*number as i64)),
                    (Kind::Int, Some(BoolValue(truth))) => Some(IntValue((*truth).into())),
                    (Kind::Double, Some(StringValue(text))) => text.parse().ok().map(DoubleValue),
                    (Kind::Double, Some(IntValue(number))) => Some(DoubleValue(*number as f64)),
                    (Kind::Double, Some(BoolValue(truth))) => Some(DoubleValue(u8::from(*truth).into())),
                    _ => None,
                };
                pair.1 = new.or(pair.1.take());
            }
        }
        Action::Extract(key, pattern) => {
            let Some(Some(any_value::Value::StringValue(text))) = last(list, key) else { return };
            let pattern = regex::Regex::new(pattern).unwrap();
            let Some(groups) = pattern.captures(&text) else { return };
            for name in pattern.capture_names().flatten() {
                if let Some(part) = groups.name(name) {
                    set(list, name, Some(any_value::Value::StringValue(part.as_str().into())));
                }
            }
        }
    }
}

pub(super) fn acted(attributes: &mut Vec<KeyValue>, actions: &[Action]) {
    let mut list: List =
        attributes.iter().map(|pair| (pair.key.clone(), pair.value.clone().and_then(|v| v.value))).collect();
    actions.iter().for_each(|action| reference(&mut list, action));
    *attributes = list.into_iter().map(|(key, value)| pair(&key, value)).collect();
}

pub(super) fn pair(key: &str, value: Option<any_value::Value>) -> KeyValue {
    KeyValue { key: key.into(), value: Some(AnyValue { value }), ..KeyValue::default() }
}
