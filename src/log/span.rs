//! What a `tracing` span keeps for the lines and records inside it: its fields and the place where it was made.

use super::{
    ids::{Ids, Origin},
    value::{Value, plain_name},
};
use std::{error::Error, fmt};
use tracing::{
    field::{Field, Visit},
    span::{Attributes, Record},
};
use tracing_subscriber::registry::{LookupSpan, SpanRef};

/// The fields of a span, in the order in which they came.
#[derive(Debug, Default)]
pub(crate) struct SpanFields(pub(crate) Vec<(&'static str, Value)>);

impl SpanFields {
    /// A value that is recorded again takes the place of the first.
    fn set(&mut self, name: &'static str, value: Value) {
        let name = plain_name(name);
        match self.0.iter_mut().find(|(known, _)| *known == name) {
            Some((_, old)) => *old = value,
            None => self.0.push((name, value)),
        }
    }
}

/// Keeps the fields of a new span, unless another layer did.
pub(crate) fn keep<'a, S: LookupSpan<'a>>(span: &SpanRef<'a, S>, attributes: &Attributes<'_>) {
    if span.extensions().get::<SpanFields>().is_some() {
        return;
    }
    let mut fields = SpanFields::default();
    // While the span is not locked: the `Debug` of a value may do anything.
    attributes.record(&mut fields);
    let origin = attributes.is_contextual().then(Ids::active).flatten();
    let mut extensions = span.extensions_mut();
    if let Some(origin) = origin
        && extensions.get_mut::<Origin>().is_none()
    {
        extensions.insert(Origin(origin));
    }
    if !fields.0.is_empty() {
        extensions.replace(fields);
    }
}

/// Keeps what a span records later.
pub(crate) fn keep_later<'a, S: LookupSpan<'a>>(span: &SpanRef<'a, S>, values: &Record<'_>) {
    let mut later = SpanFields::default();
    values.record(&mut later);
    let mut extensions = span.extensions_mut();
    match extensions.get_mut::<SpanFields>() {
        Some(fields) => later.0.into_iter().for_each(|(name, value)| fields.set(name, value)),
        None => drop(extensions.replace(later)),
    }
}

impl Visit for SpanFields {
    fn record_bool(&mut self, field: &Field, value: bool) {
        self.set(field.name(), Value::Boolean(value));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.set(field.name(), Value::Signed(value));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.set(field.name(), Value::Unsigned(value));
    }

    fn record_i128(&mut self, field: &Field, value: i128) {
        self.set(field.name(), value.into());
    }

    fn record_u128(&mut self, field: &Field, value: u128) {
        self.set(field.name(), value.into());
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.set(field.name(), Value::Float(value));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.set(field.name(), Value::Text(value.into()));
    }

    fn record_error(&mut self, field: &Field, error: &(dyn Error + 'static)) {
        self.set(field.name(), error.into());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.set(field.name(), Value::shown(value));
    }
}
