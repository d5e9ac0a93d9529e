//! The fields of an event and of the spans around it, as members of a line.

use super::{
    escape::{Place, escape},
    form::{Form, shown, text, word},
    line::Line,
    value::{Value, cause, causes, plain_name},
};
use crate::config::LogFormat;
use std::{error::Error, fmt};
use tracing::field::{Field, Visit};

/// What stands before the name of a field that would take the name of a member of ours.
const PREFIX: &str = "fields.";

/// What follows the name of an error where its causes are.
const SOURCES: &str = ".sources";

/// Writes fields. A name that comes a second time in a place is left out.
pub(super) struct Fields<'a> {
    form: &'a Form,
    line: &'a mut Line,
    stage: Stage,
    /// The object the fields are in, as it begins; empty if they are in none.
    object: &'a str,
    opened: bool,
    /// The message was there.
    said: bool,
    /// The fields which the `log` crate's lines bring for their metadata are none.
    log: bool,
}

/// Which fields are written.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    Message,
    /// All but the message.
    Others,
    All,
}

impl<'a> Fields<'a> {
    pub(super) fn of_event(form: &'a Form, line: &'a mut Line, stage: Stage, log: bool) -> Self {
        Fields { object: &form.fields, form, line, stage, opened: false, said: false, log }
    }

    pub(super) fn of_spans(form: &'a Form, line: &'a mut Line) -> Self {
        if !form.flat {
            line.names.clear();
        }
        Fields {
            object: &form.span_fields,
            form,
            line,
            stage: Stage::Others,
            opened: false,
            said: false,
            log: false,
        }
    }

    /// Ends the object.
    pub(super) fn end(self) {
        if self.opened {
            self.line.bytes.push(b'}');
        }
    }

    /// A field that was kept.
    pub(super) fn value(&mut self, name: &'static str, value: &Value) {
        if !self.name(name, false) {
            return;
        }
        match value {
            Value::Boolean(value) => self.boolean(*value),
            Value::Signed(value) => self.integer(*value),
            Value::Unsigned(value) => self.integer(*value),
            Value::Float(value) => self.float(*value),
            Value::Text(value) => text(&mut self.line.bytes, self.form.format, value),
            Value::Shown(value) => shown(&mut self.line.bytes, self.form.format, format_args!("{value}")),
        }
    }

    /// Begins a field of an event. `false`: it is not to be written.
    fn begin(&mut self, field: &Field) -> bool {
        let name = field.name();
        if name == "message" {
            let said = std::mem::replace(&mut self.said, true);
            if said || self.stage == Stage::Others || self.form.message.is_empty() {
                return false;
            }
            self.line.bytes.extend_from_slice(self.form.message.as_bytes());
            return true;
        }
        self.stage != Stage::Message
            && !(self.log && name.starts_with("log."))
            && self.name(plain_name(name), false)
    }

    /// The separator and the name, of an error's causes or of the field itself. `false`: it was there before.
    fn name(&mut self, name: &'static str, causes: bool) -> bool {
        let Line { bytes, names, .. } = &mut *self.line;
        if names.iter().any(|known| is_same(*known, (name, causes))) {
            return false;
        }
        names.push((name, causes));
        let prefix = if self.form.flat && self.form.is_taken(bare(name)) { PREFIX } else { "" };
        let suffix = if causes { SOURCES } else { "" };
        if self.form.format == LogFormat::Json {
            match self.opened || self.object.is_empty() {
                true => bytes.push(b','),
                false => {
                    bytes.extend_from_slice(self.object.as_bytes());
                    self.opened = true;
                }
            }
            bytes.push(b'"');
            bytes.extend_from_slice(prefix.as_bytes());
            escape(bytes, name, Place::Quoted);
            bytes.extend_from_slice(suffix.as_bytes());
            bytes.extend_from_slice(b"\":");
        } else {
            bytes.push(b' ');
            bytes.extend_from_slice(prefix.as_bytes());
            word(bytes, name);
            bytes.extend_from_slice(suffix.as_bytes());
            bytes.push(b'=');
        }
        true
    }

    fn boolean(&mut self, value: bool) {
        self.line.bytes.extend_from_slice(if value { b"true" } else { b"false" });
    }

    fn integer(&mut self, value: impl itoa::Integer) {
        self.line.bytes.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
    }

    /// JSON has no numbers for what is not finite: they are the texts that OTLP has for them.
    fn float(&mut self, value: f64) {
        let special = match value {
            _ if value.is_finite() => {
                return self
                    .line
                    .bytes
                    .extend_from_slice(zmij::Buffer::new().format_finite(value).as_bytes());
            }
            _ if value.is_nan() => "NaN",
            _ if value > 0.0 => "Infinity",
            _ => "-Infinity",
        };
        match self.form.format {
            LogFormat::Json => text(&mut self.line.bytes, LogFormat::Json, special),
            _ => self.line.bytes.extend_from_slice(special.as_bytes()),
        }
    }

    /// A text; the message of a text line stands without quotes.
    fn string(&mut self, field: &Field, value: &str) {
        match self.form.format {
            LogFormat::Text if field.name() == "message" => {
                shown(&mut self.line.bytes, LogFormat::Text, format_args!("{value}"));
            }
            format => text(&mut self.line.bytes, format, value),
        }
    }

    fn causes(&mut self, name: &'static str, error: &(dyn Error + 'static)) {
        let format = self.form.format;
        if cause(error).is_none() || !self.name(name, true) {
            return;
        }
        let bytes = &mut self.line.bytes;
        match format {
            LogFormat::Json => {
                bytes.push(b'[');
                for (index, cause) in causes(error).enumerate() {
                    if index > 0 {
                        bytes.push(b',');
                    }
                    shown(bytes, format, format_args!("{cause}"));
                }
                bytes.push(b']');
            }
            _ => {
                let mut all = String::new();
                for cause in causes(error) {
                    all += if all.is_empty() { "" } else { ": " };
                    super::value::show(&mut all, format_args!("{cause}"));
                }
                text(bytes, format, &all);
            }
        }
    }
}

/// Without the prefix, so that a name which has it is none of ours with it either.
fn bare(mut name: &str) -> &str {
    // The standard library's search for the start costs more than the member.
    while let Some(rest) = name.strip_prefix(PREFIX) {
        name = rest;
    }
    name
}

/// Whether two names are one, those of causes with what follows them.
fn is_same(one: (&str, bool), other: (&str, bool)) -> bool {
    match (one, other) {
        ((field, false), (error, true)) | ((error, true), (field, false)) => {
            field.strip_suffix(SOURCES) == Some(error)
        }
        _ => one.0 == other.0,
    }
}

impl Visit for Fields<'_> {
    fn record_bool(&mut self, field: &Field, value: bool) {
        if self.begin(field) {
            self.boolean(value);
        }
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        if self.begin(field) {
            self.integer(value);
        }
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        if self.begin(field) {
            self.integer(value);
        }
    }

    /// Beyond 64 bits nobody reads a JSON number exactly: then it is a text.
    fn record_i128(&mut self, field: &Field, value: i128) {
        match (i64::try_from(value), u64::try_from(value)) {
            (Ok(value), _) => self.record_i64(field, value),
            (_, Ok(value)) => self.record_u64(field, value),
            _ => self.record_str(field, itoa::Buffer::new().format(value)),
        }
    }

    fn record_u128(&mut self, field: &Field, value: u128) {
        match u64::try_from(value) {
            Ok(value) => self.record_u64(field, value),
            _ => self.record_str(field, itoa::Buffer::new().format(value)),
        }
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        if self.begin(field) {
            self.float(value);
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        if self.begin(field) {
            self.string(field, value);
        }
    }

    fn record_error(&mut self, field: &Field, error: &(dyn Error + 'static)) {
        if self.begin(field) {
            shown(&mut self.line.bytes, self.form.format, format_args!("{error}"));
            if field.name() != "message" {
                self.causes(plain_name(field.name()), error);
            }
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if self.begin(field) {
            shown(&mut self.line.bytes, self.form.format, format_args!("{value:?}"));
        }
    }
}
