//! The values of attributes and bodies, easy to compare.

use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value};
use std::{collections::BTreeMap, fmt};

/// The attributes of something, sorted by their keys.
pub type Attributes = BTreeMap<String, Value>;

/// The value of an attribute or the body of a log record.
///
/// Compares with what is written in Rust, and says of an attribute that is not there that it is absent:
///
/// ```
/// use throughline::testing::Value;
///
/// assert_eq!(Value::Integer(200), 200);
/// assert_eq!(Value::Text("GET".into()), "GET");
/// assert_ne!(Value::Text("200".into()), 200);
/// assert_eq!(Value::Text("GET".into()).to_string(), r#""GET""#);
/// assert_eq!(Value::Absent.to_string(), "absent");
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Value {
    /// There is no such attribute, or it has no value.
    #[default]
    Absent,
    /// A text.
    Text(String),
    /// A whole number.
    Integer(i64),
    /// Any number.
    Number(f64),
    /// A truth value.
    Truth(bool),
    /// Bytes, written in hexadecimal.
    Bytes(Vec<u8>),
    /// Several.
    List(Vec<Value>),
    /// Several with names.
    Map(Attributes),
}

pub(super) static ABSENT: Value = Value::Absent;

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Absent => f.write_str("absent"),
            Value::Text(text) => write!(f, "{text:?}"),
            Value::Integer(number) => number.fmt(f),
            Value::Number(number) => write!(f, "{number:?}"),
            Value::Truth(truth) => truth.fmt(f),
            Value::Bytes(bytes) => f.write_str(&hex(bytes)),
            Value::List(values) => {
                let values: Vec<String> = values.iter().map(Value::to_string).collect();
                write!(f, "[{}]", values.join(", "))
            }
            Value::Map(pairs) => {
                let pairs: Vec<String> = pairs.iter().map(|(key, value)| format!("{key}={value}")).collect();
                write!(f, "{{{}}}", pairs.join(", "))
            }
        }
    }
}

macro_rules! compares {
    ($($other:ty, $of:ident => $value:expr;)*) => {
        $(impl PartialEq<$other> for Value {
            fn eq(&self, other: &$other) -> bool {
                let $of = other;
                *self == $value
            }
        })*
    };
}

compares! {
    str, text => Value::Text(text.to_owned());
    &str, text => Value::Text((*text).to_owned());
    String, text => Value::Text(text.clone());
    i64, number => Value::Integer(*number);
    i32, number => Value::Integer(i64::from(*number));
    u16, number => Value::Integer(i64::from(*number));
    f64, number => Value::Number(*number);
    bool, truth => Value::Truth(*truth);
}

impl From<Option<AnyValue>> for Value {
    fn from(value: Option<AnyValue>) -> Self {
        use any_value::Value as Any;
        match value.and_then(|value| value.value) {
            None => Value::Absent,
            Some(Any::StringValue(text)) => Value::Text(text),
            Some(Any::IntValue(number)) => Value::Integer(number),
            Some(Any::DoubleValue(number)) => Value::Number(number),
            Some(Any::BoolValue(truth)) => Value::Truth(truth),
            Some(Any::BytesValue(bytes)) => Value::Bytes(bytes),
            Some(Any::ArrayValue(list)) => {
                Value::List(list.values.into_iter().map(|value| Some(value).into()).collect())
            }
            Some(Any::KvlistValue(pairs)) => Value::Map(attributes(pairs.values)),
            // An index into a table of profiles, which spans, measurements and log records do not have.
            Some(_) => Value::Absent,
        }
    }
}

pub(super) fn attributes(pairs: Vec<KeyValue>) -> Attributes {
    pairs.into_iter().map(|pair| (pair.key, pair.value.into())).collect()
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The id, unless there is none.
pub(super) fn id(bytes: &[u8]) -> Option<String> {
    bytes.iter().any(|byte| *byte != 0).then(|| hex(bytes))
}
