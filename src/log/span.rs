//! What a `tracing` span keeps for the lines and records inside it: its fields and the place where it was made.

use super::{
    ids::Ids,
    value::{Value, plain_name},
};
use std::{error::Error, fmt};
use tracing::{
    field::{Field, Visit},
    span::{Attributes, Record},
};
use tracing_subscriber::registry::{LookupSpan, SpanRef};

/// The fields of a span, in the order in which they came, and the ids of the place where it was made.
#[derive(Debug, Default)]
pub(crate) struct Kept {
    pub(crate) fields: Vec<(&'static str, Value)>,
    pub(crate) origin: Option<Ids>,
}

impl Kept {
    /// A value that is recorded again takes the place of the first.
    fn set(&mut self, name: &'static str, value: Value) {
        let name = plain_name(name);
        match self.fields.iter_mut().find(|(known, _)| *known == name) {
            Some((_, old)) => *old = value,
            None => self.fields.push((name, value)),
        }
    }
}

/// Keeps what is known of a new span, unless another layer did.
pub(crate) fn keep<'a, S: LookupSpan<'a>>(span: &SpanRef<'a, S>, attributes: &Attributes<'_>) {
    if span.extensions().get::<Kept>().is_some_and(|kept| !kept.fields.is_empty()) {
        return;
    }
    let mut kept = Kept { fields: Vec::new(), origin: origin(attributes) };
    // While the span is not locked: the `Debug` of a value may do anything.
    attributes.record(&mut kept);
    if !kept.fields.is_empty() || kept.origin.is_some() {
        span.extensions_mut().replace(kept);
    }
}

/// Keeps the place where a span of an unsampled trace is made: OpenTelemetry is not told of it, and lines may not be.
pub(crate) fn keep_origin<'a, S: LookupSpan<'a>>(span: &SpanRef<'a, S>, attributes: &Attributes<'_>) {
    let origin = origin(attributes).filter(|ids| !ids.flags.is_sampled());
    if origin.is_some() {
        span.extensions_mut().replace(Kept { fields: Vec::new(), origin });
    }
}

fn origin(attributes: &Attributes<'_>) -> Option<Ids> {
    attributes.is_contextual().then(Ids::active).flatten()
}

/// Keeps what a span records later.
pub(crate) fn keep_later<'a, S: LookupSpan<'a>>(span: &SpanRef<'a, S>, values: &Record<'_>) {
    let mut later = Kept::default();
    values.record(&mut later);
    let mut extensions = span.extensions_mut();
    match extensions.get_mut::<Kept>() {
        Some(kept) => later.fields.into_iter().for_each(|(name, value)| kept.set(name, value)),
        None => drop(extensions.replace(later)),
    }
}

impl Visit for Kept {
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
