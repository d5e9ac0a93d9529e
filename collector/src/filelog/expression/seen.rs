//! Values while an expression is evaluated: those of the entry are not copied.

use crate::filelog::entry::{Map, Value};
use std::cmp::Ordering;

/// A value of the entry, or one that was made.
#[derive(Debug)]
pub(super) enum Seen<'a> {
    Held(&'a Value),
    Map(&'a Map),
    Made(Value),
}

/// What a value is.
#[derive(Clone, Copy, Debug)]
pub(super) enum View<'v> {
    Null,
    Bool(bool),
    Integer(i64),
    Double(f64),
    Text(&'v str),
    Bytes(&'v [u8]),
    List(&'v [Value]),
    Map(&'v Map),
}

impl<'a> Seen<'a> {
    pub(super) fn view(&self) -> View<'_> {
        match self {
            Seen::Held(value) => View::of(value),
            Seen::Made(value) => View::of(value),
            Seen::Map(map) => View::Map(map),
        }
    }

    pub(super) fn into_value(self) -> Value {
        match self {
            Seen::Held(value) => value.clone(),
            Seen::Map(map) => Value::Map(map.clone()),
            Seen::Made(value) => value,
        }
    }

    /// The value with a key of a map; `None`: this is no map.
    pub(super) fn member(&self, key: &str) -> Option<Seen<'a>> {
        let absent = || Seen::Made(Value::Null);
        match self {
            Seen::Held(Value::Map(map)) => Some(map.value(key).map_or_else(absent, Seen::Held)),
            Seen::Map(map) => Some(map.value(key).map_or_else(absent, Seen::Held)),
            Seen::Made(Value::Map(map)) => Some(Seen::Made(map.value(key).cloned().unwrap_or_default())),
            _ => None,
        }
    }
}

impl<'v> View<'v> {
    pub(super) fn of(value: &'v Value) -> Self {
        match value {
            Value::Null => View::Null,
            Value::Bool(truth) => View::Bool(*truth),
            Value::Integer(number) => View::Integer(*number),
            Value::Double(number) => View::Double(*number),
            Value::Text(text) => View::Text(text),
            Value::Bytes(bytes) => View::Bytes(bytes),
            Value::List(list) => View::List(list),
            Value::Map(map) => View::Map(map),
        }
    }

    /// The number, if it is one.
    pub(super) fn number(self) -> Option<f64> {
        match self {
            View::Integer(number) => Some(number as f64),
            View::Double(number) => Some(number),
            _ => None,
        }
    }

    /// Whether both are worth the same.
    pub(super) fn is(self, other: View<'_>) -> bool {
        match (self, other) {
            (View::Null, View::Null) => true,
            (View::Bool(one), View::Bool(other)) => one == other,
            (View::Integer(one), View::Integer(other)) => one == other,
            (View::Text(one), View::Text(other)) => one == other,
            (View::Bytes(one), View::Bytes(other)) => one == other,
            (View::List(one), View::List(other)) => {
                let are_same = |(one, other)| View::of(one).is(View::of(other));
                one.len() == other.len() && one.iter().zip(other).all(are_same)
            }
            (View::Map(one), View::Map(other)) => {
                let is_same = |(key, value): (&str, &Value)| {
                    other.value(key).is_some_and(|other| View::of(value).is(View::of(other)))
                };
                one.len() == other.len() && one.iter().all(is_same)
            }
            _ => matches!((self.number(), other.number()), (Some(one), Some(other)) if one == other),
        }
    }

    /// How two numbers or two texts stand to each other; `None`: they don't.
    pub(super) fn compared(self, other: View<'_>) -> Option<Ordering> {
        match (self, other) {
            (View::Integer(one), View::Integer(other)) => Some(one.cmp(&other)),
            (View::Text(one), View::Text(other)) => Some(one.cmp(other)),
            _ => self.number()?.partial_cmp(&other.number()?),
        }
    }

    /// What it is, for messages.
    pub(super) fn kind(self) -> &'static str {
        match self {
            View::Null => "nil",
            View::Bool(_) => "a boolean",
            View::Integer(_) | View::Double(_) => "a number",
            View::Text(_) => "a text",
            View::Bytes(_) => "bytes",
            View::List(_) => "a list",
            View::Map(_) => "a map",
        }
    }
}
