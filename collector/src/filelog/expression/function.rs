//! The functions that expressions call.

use super::{
    ExpressionFault,
    evaluate::MAX_TEXT,
    seen::{Seen, View},
};
use crate::filelog::entry::Value;

/// A function, by its name.
#[derive(Clone, Copy, Debug)]
pub(super) struct Function {
    name: &'static str,
    takes: usize,
    call: fn(&[View<'_>]) -> Option<Value>,
}

/// All of them. A call answers `None` for values that it has no meaning for.
const FUNCTIONS: [Function; 14] = [
    Function { name: "float", takes: 1, call: float },
    Function {
        name: "hasPrefix",
        takes: 2,
        call: |values| texts(values, |one, other| one.starts_with(other).into()),
    },
    Function {
        name: "hasSuffix",
        takes: 2,
        call: |values| texts(values, |one, other| one.ends_with(other).into()),
    },
    Function { name: "int", takes: 1, call: int },
    Function { name: "len", takes: 1, call: len },
    Function { name: "lower", takes: 1, call: |values| text(values, |text| text.to_lowercase().into()) },
    Function { name: "replace", takes: 3, call: replace },
    Function { name: "split", takes: 2, call: |values| texts(values, split) },
    Function { name: "string", takes: 1, call: string },
    Function { name: "trim", takes: 1, call: |values| text(values, |text| text.trim().into()) },
    Function {
        name: "trimPrefix",
        takes: 2,
        call: |values| texts(values, |one, other| one.strip_prefix(other).unwrap_or(one).into()),
    },
    Function {
        name: "trimSuffix",
        takes: 2,
        call: |values| texts(values, |one, other| one.strip_suffix(other).unwrap_or(one).into()),
    },
    Function { name: "type", takes: 1, call: kind },
    Function { name: "upper", takes: 1, call: |values| text(values, |text| text.to_uppercase().into()) },
];

impl Function {
    pub(super) fn named(name: &str) -> Result<Self, String> {
        if name == "env" {
            return Err("env() is not there; write ${env:NAME} in the configuration".to_owned());
        }
        FUNCTIONS.into_iter().find(|function| function.name == name).ok_or_else(|| {
            let names: Vec<&str> = FUNCTIONS.iter().map(|function| function.name).collect();
            format!("{name}() is unknown; there are {}", names.join(", "))
        })
    }

    pub(super) fn takes(self, count: usize) -> bool {
        self.takes == count
    }

    pub(super) fn call(self, values: &[Seen<'_>]) -> Result<Value, ExpressionFault> {
        let views: Vec<View<'_>> = values.iter().map(Seen::view).collect();
        (self.call)(&views).ok_or_else(|| {
            let kinds: Vec<&str> = views.iter().map(|view| view.kind()).collect();
            ExpressionFault::of(format!("{}() has no meaning for {}", self.name, kinds.join(" and ")))
        })
    }
}

fn text(values: &[View<'_>], make: impl Fn(&str) -> Value) -> Option<Value> {
    match values {
        [View::Text(text)] => Some(make(text)),
        _ => None,
    }
}

fn texts(values: &[View<'_>], make: impl Fn(&str, &str) -> Value) -> Option<Value> {
    match values {
        [View::Text(one), View::Text(other)] => Some(make(one, other)),
        _ => None,
    }
}

fn split(text: &str, at: &str) -> Value {
    let parts: Vec<Value> = match at {
        "" => text.chars().map(|letter| Value::Text(letter.into())).collect(),
        _ => text.split(at).map(Value::from).collect(),
    };
    Value::List(parts)
}

/// What would get larger than a text may get has no meaning.
fn replace(values: &[View<'_>]) -> Option<Value> {
    let [View::Text(text), View::Text(from), View::Text(to)] = values else { return None };
    let found = text.matches(from).count();
    let larger = found.checked_mul(to.len())?.checked_add(text.len())?;
    (larger <= MAX_TEXT).then(|| text.replace(from, to).into())
}

fn len(values: &[View<'_>]) -> Option<Value> {
    let length = match values {
        [View::Text(text)] => text.chars().count(),
        [View::Bytes(bytes)] => bytes.len(),
        [View::List(list)] => list.len(),
        [View::Map(map)] => map.len(),
        _ => return None,
    };
    i64::try_from(length).ok().map(Value::Integer)
}

fn int(values: &[View<'_>]) -> Option<Value> {
    Some(Value::Integer(match values {
        [View::Integer(number)] => *number,
        [View::Double(number)] => *number as i64,
        [View::Text(text)] => text.parse().ok()?,
        _ => return None,
    }))
}

fn float(values: &[View<'_>]) -> Option<Value> {
    Some(Value::Double(match values {
        [View::Text(text)] => text.parse().ok()?,
        [view] => view.number()?,
        _ => return None,
    }))
}

fn string(values: &[View<'_>]) -> Option<Value> {
    Some(Value::Text(match values {
        [View::Text(text)] => (*text).to_owned(),
        [View::Integer(number)] => number.to_string(),
        [View::Double(number)] => number.to_string(),
        [View::Bool(truth)] => truth.to_string(),
        _ => return None,
    }))
}

fn kind(values: &[View<'_>]) -> Option<Value> {
    Some(Value::from(match values {
        [View::Null] => "nil",
        [View::Bool(_)] => "bool",
        [View::Integer(_)] => "int",
        [View::Double(_)] => "float",
        [View::Text(_)] => "string",
        [View::Bytes(_) | View::List(_)] => "array",
        [View::Map(_)] => "map",
        _ => return None,
    }))
}
