//! Values that are put somewhere else in an entry.

use super::Outcome;
use crate::filelog::{
    entry::{Entry, Field, Map, Root, Value},
    expression::Expression,
};
use std::mem;

/// A value to add: the same for all entries, or what an expression is worth.
#[derive(Clone, Debug)]
pub(super) enum Addition {
    Fixed(Value),
    Expression(Box<Expression>),
}

impl Addition {
    pub(super) fn new(value: &Value) -> Result<Self, String> {
        let text = value.text().and_then(|text| text.strip_prefix("EXPR(")?.strip_suffix(')'));
        Ok(match text {
            Some(text) => {
                let expression = text.parse().map_err(|fault| format!("{text:?}: {fault}"))?;
                Addition::Expression(Box::new(expression))
            }
            None => Addition::Fixed(value.clone()),
        })
    }

    pub(super) fn apply(&self, field: &Field, entry: &mut Entry) -> Outcome {
        let value = match self {
            Addition::Fixed(value) => value.clone(),
            Addition::Expression(expression) => {
                expression.value(entry).map_err(|fault| format!("{expression}: {fault}"))?
            }
        };
        placed(field.set(entry, value).map(drop), field)
    }
}

pub(super) fn copy(from: &Field, to: &Field, entry: &mut Entry) -> Outcome {
    let value = from.copy(entry).ok_or_else(|| format!("there is no {from}"))?;
    placed(to.set(entry, value).map(drop), to)
}

pub(super) fn shift(from: &Field, to: &Field, entry: &mut Entry) -> Outcome {
    let value = from.take(entry).ok_or_else(|| format!("there is no {from}"))?;
    let back = to.set(entry, value);
    placed(back.map(|value| drop(from.set(entry, value))), to)
}

pub(super) fn remove(field: &Field, entry: &mut Entry) -> Outcome {
    match field.take(entry) {
        Some(_) => Ok(()),
        None => Err(format!("there is no {field}").into()),
    }
}

/// Of those of body, attributes and resource of which a field is named, only these fields stay.
pub(super) fn retain(fields: &[Field], entry: &mut Entry) {
    let mut kept = Entry::default();
    for field in fields {
        if let Some(value) = field.copy(entry) {
            field.set(&mut kept, value);
        }
    }
    let is_named = |root| fields.iter().any(|field| field.root == root);
    if is_named(Root::Body) {
        entry.body = mem::take(&mut kept.body);
    }
    if is_named(Root::Attributes) {
        entry.attributes = mem::take(&mut kept.attributes);
    }
    if is_named(Root::Resource) {
        entry.resource = mem::take(&mut kept.resource);
    }
}

/// Puts the values of a map beside the map's neighbours.
pub(super) fn flatten(field: &Field, entry: &mut Entry) -> Outcome {
    let map: Map = match field.value(entry) {
        Some(Value::Map(map)) => map.clone(),
        Some(other) => return Err(format!("{field} is {}, no map", other.kind()).into()),
        None => return Err(format!("there is no {field}").into()),
    };
    field.take(entry);
    let mut parent = field.clone();
    parent.keys.pop();
    parent.set(entry, Value::Map(map));
    Ok(())
}

fn placed(back: Option<()>, field: &Field) -> Outcome {
    match back {
        Some(()) => Err(format!("{field} can only be a map").into()),
        None => Ok(()),
    }
}
