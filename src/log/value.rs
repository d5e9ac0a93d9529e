//! The values of fields: kept for a span, written for an event.

use opentelemetry::logs::AnyValue;
use std::{
    error::Error,
    fmt::{self, Debug, Write},
    panic::{AssertUnwindSafe, catch_unwind},
};

/// How many causes of an error are told.
const CAUSES: usize = 16;

/// What stands where the `Debug` or `Display` of a value panicked.
const PANICKED: &str = "<panicked>";

/// A value, as it is kept.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    Boolean(bool),
    Signed(i64),
    Unsigned(u64),
    Float(f64),
    /// A text that the program gave as text.
    Text(String),
    /// A text that `Debug` or `Display` made.
    Shown(String),
}

impl Value {
    pub(crate) fn shown(value: &dyn Debug) -> Self {
        let mut text = String::new();
        show(&mut text, format_args!("{value:?}"));
        Value::Shown(text)
    }
}

impl From<i128> for Value {
    fn from(value: i128) -> Self {
        match (i64::try_from(value), u64::try_from(value)) {
            (Ok(value), _) => Value::Signed(value),
            (_, Ok(value)) => Value::Unsigned(value),
            _ => Value::Text(value.to_string()),
        }
    }
}

impl From<u128> for Value {
    fn from(value: u128) -> Self {
        u64::try_from(value).map_or_else(|_| Value::Text(value.to_string()), Value::Unsigned)
    }
}

/// The text of an error, without its causes.
impl From<&(dyn Error + 'static)> for Value {
    fn from(error: &(dyn Error + 'static)) -> Self {
        let mut text = String::new();
        show(&mut text, format_args!("{error}"));
        Value::Shown(text)
    }
}

/// OTLP has no integers above 63 bits: they are texts there.
impl From<Value> for AnyValue {
    fn from(value: Value) -> Self {
        match value {
            Value::Boolean(value) => value.into(),
            Value::Signed(value) => value.into(),
            Value::Unsigned(value) => {
                i64::try_from(value).map_or_else(|_| value.to_string().into(), AnyValue::from)
            }
            Value::Float(value) => value.into(),
            Value::Text(text) | Value::Shown(text) => text.into(),
        }
    }
}

/// Writes what a value shows. One that panics must not take the service down, nor the line with it.
pub(crate) fn show(to: &mut impl Write, value: fmt::Arguments<'_>) {
    // A value may also end with an error: then what it wrote so far stands.
    if catch_unwind(AssertUnwindSafe(|| to.write_fmt(value))).is_err() {
        let _ = to.write_str(PANICKED);
    }
}

/// The cause of an error; none of one that panics when it is asked.
pub(crate) fn cause<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a (dyn Error + 'static)> {
    catch_unwind(AssertUnwindSafe(|| error.source())).ok().flatten()
}

/// The causes of an error, the nearest first.
pub(crate) fn causes<'a>(
    error: &'a (dyn Error + 'static),
) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(cause(error), |&error| cause(error)).take(CAUSES)
}

/// The name of a field, without the mark of a raw identifier.
pub(crate) fn plain_name(name: &'static str) -> &'static str {
    name.strip_prefix("r#").unwrap_or(name)
}
