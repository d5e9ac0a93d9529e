//! Values of attributes and log bodies.

use crate::{otlp, scan::TraceId};
use serde::{Serialize, Serializer, ser::SerializeMap};
use std::fmt;

/// The largest integer up to which every integer is a double as well.
const MAX_EXACT: u64 = 1 << 53;

/// The value of an attribute, or the body of a log record.
///
/// Serialises as the JSON of the same kind, and as a text where JSON has no such value: bytes as hexadecimal digits,
/// integers of more than 53 bits as decimal digits, since JavaScript and many others would round them, and `"NaN"`,
/// `"Infinity"`, `"-Infinity"`. Displays as bare text, or as JSON when it is a list or a map.
#[non_exhaustive]
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Value {
    /// No value.
    #[default]
    Empty,
    /// A text.
    Text(String),
    /// A boolean.
    Bool(bool),
    /// An integer.
    Int(i64),
    /// A floating-point number.
    Double(f64),
    /// A list.
    Array(Vec<Value>),
    /// Values with names.
    Map(Attributes),
    /// Bytes.
    Bytes(Vec<u8>),
}

impl From<otlp::Any> for Value {
    fn from(any: otlp::Any) -> Self {
        match any.content {
            None => Value::Empty,
            Some(otlp::Content::Text(text)) => Value::Text(text),
            Some(otlp::Content::Bool(bool)) => Value::Bool(bool),
            Some(otlp::Content::Int(int)) => Value::Int(int),
            Some(otlp::Content::Double(double)) => Value::Double(double),
            Some(otlp::Content::Array(array)) => {
                Value::Array(array.values.into_iter().map(Value::from).collect())
            }
            Some(otlp::Content::Map(map)) => Value::Map(map.attributes.into()),
            Some(otlp::Content::Bytes(bytes)) => Value::Bytes(bytes),
        }
    }
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Value::Empty => serializer.serialize_unit(),
            Value::Text(text) => serializer.serialize_str(text),
            Value::Bool(bool) => serializer.serialize_bool(*bool),
            Value::Int(int) if int.unsigned_abs() <= MAX_EXACT => serializer.serialize_i64(*int),
            Value::Int(int) => serializer.collect_str(int),
            Value::Double(double) if double.is_finite() => serializer.serialize_f64(*double),
            Value::Double(double) if double.is_nan() => serializer.serialize_str("NaN"),
            Value::Double(double) => {
                serializer.serialize_str(if *double > 0.0 { "Infinity" } else { "-Infinity" })
            }
            Value::Array(values) => values.serialize(serializer),
            Value::Map(attributes) => attributes.serialize(serializer),
            Value::Bytes(bytes) => serializer.serialize_str(&hex(bytes)),
        }
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Empty => Ok(()),
            Value::Text(text) => f.write_str(text),
            Value::Bool(bool) => bool.fmt(f),
            Value::Int(int) => int.fmt(f),
            Value::Double(double) => double.fmt(f),
            Value::Array(_) | Value::Map(_) => f.write_str(&serde_json::to_string(self).unwrap_or_default()),
            Value::Bytes(bytes) => f.write_str(&hex(bytes)),
        }
    }
}

/// Names with values, in the order in which they were sent. Each name is there once: the last value counts.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Attributes(Vec<(String, Value)>);

impl Attributes {
    /// The value of a name.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| value)
    }

    /// All names and values.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value))
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl From<Vec<otlp::Attribute>> for Attributes {
    fn from(attributes: Vec<otlp::Attribute>) -> Self {
        let mut order: Vec<usize> = (0..attributes.len()).collect();
        order.sort_by_key(|at| attributes[*at].key.as_str());
        // The sort keeps the order of equals: whoever has an equal behind it is not the last one.
        let mut is_last = vec![true; attributes.len()];
        for pair in order.windows(2) {
            is_last[pair[0]] = attributes[pair[0]].key != attributes[pair[1]].key;
        }
        let pair = |attribute: otlp::Attribute| (attribute.key, attribute.value.unwrap_or_default().into());
        let last = attributes.into_iter().zip(is_last).filter(|(_, is_last)| *is_last);
        Attributes(last.map(|(attribute, _)| pair(attribute)).collect())
    }
}

impl Serialize for Attributes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, value) in &self.0 {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

/// Lower-case hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    let digit = |value: u8| char::from_digit(u32::from(value), 16).unwrap_or('0');
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

/// The bytes of 32 hexadecimal digits, in either case.
pub(crate) fn parse(digits: &str) -> Option<TraceId> {
    let digits: Vec<u8> =
        digits.chars().map(|c| c.to_digit(16).map(|digit| digit as u8)).collect::<Option<_>>()?;
    let bytes: Vec<u8> =
        digits.chunks(2).map(|pair| pair.iter().fold(0, |byte, digit| byte << 4 | digit)).collect();
    TraceId::try_from(bytes).ok().filter(|_| digits.len() == 32)
}
