//! Members of the baggage that become attributes of spans and log records, chosen by their names.
//!
//! Baggage comes from callers: nothing of it is recorded unless it is named in
//! [`Config::baggage_keys`](crate::Config::baggage_keys).

use opentelemetry::{
    Context, Key, KeyValue, StringValue,
    baggage::BaggageExt,
    logs::{AnyValue, LogRecord},
    trace::Span as _,
};
use opentelemetry_sdk::{
    logs::SdkLogRecord,
    trace::{Span, SpanData},
};
use std::sync::Arc;

/// Most members that become attributes.
pub(crate) const MOST_KEYS: usize = 16;
/// Longest value in bytes; the rest is cut off.
const VALUE_LIMIT_BYTES: usize = 4096;

/// The chosen names; none unless configured.
#[derive(Clone, Debug, Default)]
pub(crate) struct BaggageKeys(Arc<[Key]>);

impl BaggageKeys {
    pub(crate) fn new(keys: &[String]) -> Self {
        BaggageKeys(keys.iter().take(MOST_KEYS).map(|key| Key::from(Arc::from(key.as_str()))).collect())
    }

    /// Gives a span what the context that it starts in has.
    pub(crate) fn on_start(&self, span: &mut Span, context: &Context) {
        for (key, value) in self.members(context) {
            span.set_attribute(KeyValue::new(key.clone(), value));
        }
    }

    /// Takes away what the program set too, before or after the start: the SDK keeps both.
    pub(crate) fn on_end(&self, span: &mut SpanData) {
        for key in &*self.0 {
            // A copy of our key is at the same place in memory, one that the program made is not.
            let is_ours = |attribute: &KeyValue| std::ptr::eq(attribute.key.as_str(), key.as_str());
            if span.attributes.iter().any(|attribute| attribute.key == *key && !is_ours(attribute)) {
                span.attributes.retain(|attribute| !is_ours(attribute));
            }
        }
    }

    /// Gives a log record what the context that it is emitted in has, except what it says itself.
    pub(crate) fn on_emit(&self, record: &mut SdkLogRecord) {
        if self.0.is_empty() {
            return;
        }
        Context::map_current(|context| {
            for (key, value) in self.members(context) {
                if !record.attributes_iter().any(|(known, _)| known == key) {
                    record.add_attribute(key.clone(), AnyValue::String(value));
                }
            }
        });
    }

    fn members(&self, context: &Context) -> impl Iterator<Item = (&Key, StringValue)> {
        let baggage = (!self.0.is_empty()).then(|| context.baggage()).filter(|baggage| !baggage.is_empty());
        let keys = baggage.into_iter().flat_map(|baggage| self.0.iter().map(move |key| (key, baggage)));
        keys.filter_map(|(key, baggage)| Some((key, bounded(baggage.get(key.as_str())?))))
    }
}

fn bounded(value: &StringValue) -> StringValue {
    let text = value.as_str();
    if text.len() <= VALUE_LIMIT_BYTES {
        return value.clone();
    }
    let end = (0..=VALUE_LIMIT_BYTES).rev().find(|end| text.is_char_boundary(*end)).unwrap_or_default();
    StringValue::from(text[..end].to_owned())
}
