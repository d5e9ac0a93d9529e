//! A log record as a page shows it.

use super::text::{folded, short};
use crate::trace::{LogRecord, Value};
use maud::{Markup, html};

/// How many fields are shown; the JSON has all.
const MAX_FIELDS: usize = 256;

/// How serious a log record is, as the style sheet calls it.
pub(crate) fn tone(log: &LogRecord) -> &'static str {
    match log.severity {
        17.. => "error",
        13..=16 => "warn",
        9..=12 => "info",
        _ => "debug",
    }
}

/// The severity of a log record.
pub(crate) fn level(log: &LogRecord) -> Markup {
    let level = if log.level.is_empty() { "-".to_owned() } else { short(&log.level) };
    html! { span.level.{ "level-" (tone(log)) } title=(level) { (level) } }
}

/// The message of a log record with its fields.
pub(crate) fn message(log: &LogRecord) -> Markup {
    let text = |value: &Value| html! { span.text { (folded(&value.to_string())) } };
    let body = (!log.body.to_string().is_empty()).then(|| text(&log.body));
    let event = (!log.event_name.is_empty()).then(|| html! { span.part { (short(&log.event_name)) } });
    let field = |(name, value)| html! { span.part { span.key { (short(name)) "=" } (text(value)) } };
    let parts = body.into_iter().chain(event).chain(log.fields().take(MAX_FIELDS).map(field));
    html! { @for (place, part) in parts.enumerate() { @if place > 0 { " " } (part) } }
}
