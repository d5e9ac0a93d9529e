//! An event's message and fields as JSON.

use std::fmt::{self, Write};
use tracing::{
    Event,
    field::{Field, Visit},
};

/// Writes `,"message":…` and `,"fields":{…}`, each only if there is something to write.
pub(super) fn fields(writer: &mut impl Write, event: &Event<'_>) -> fmt::Result {
    let mut visitor = Fields { writer, stage: Stage::Message, result: Ok(()) };
    event.record(&mut visitor);
    visitor.stage = Stage::First;
    event.record(&mut visitor);
    visitor.result?;
    match visitor.stage {
        Stage::Next => writer.write_char('}'),
        _ => Ok(()),
    }
}

struct Fields<'a, W> {
    writer: &'a mut W,
    stage: Stage,
    result: fmt::Result,
}

#[derive(PartialEq)]
enum Stage {
    Message,
    First,
    Next,
}

impl<W: Write> Fields<'_, W> {
    fn field(&mut self, field: &Field, write: impl FnOnce(&mut W) -> fmt::Result) {
        let is_message = field.name() == "message";
        if self.result.is_err() || is_message != (self.stage == Stage::Message) {
            return;
        }
        self.result = (|| {
            match self.stage {
                Stage::Message => self.writer.write_str(",\"message\":")?,
                Stage::First => self.writer.write_str(",\"fields\":{")?,
                Stage::Next => self.writer.write_char(',')?,
            }
            if !is_message {
                self.stage = Stage::Next;
                string(self.writer, field.name().trim_start_matches("r#"))?;
                self.writer.write_char(':')?;
            }
            write(self.writer)
        })();
    }
}

impl<W: Write> Visit for Fields<'_, W> {
    fn record_bool(&mut self, field: &Field, value: bool) {
        self.field(field, |writer| write!(writer, "{value}"));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.field(field, |writer| write!(writer, "{value}"));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.field(field, |writer| write!(writer, "{value}"));
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.field(field, |writer| match value.is_finite() {
            true => write!(writer, "{value:?}"),
            false => write!(writer, "\"{value}\""), // JSON has no number for it
        });
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.field(field, |writer| string(writer, value));
    }

    fn record_error(&mut self, field: &Field, value: &(dyn std::error::Error + 'static)) {
        self.field(field, |writer| quoted(writer, format_args!("{value}")));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.field(field, |writer| quoted(writer, format_args!("{value:?}")));
    }
}

/// A string in quotes, escaped.
pub(super) fn string(writer: &mut impl Write, text: &str) -> fmt::Result {
    quoted(writer, format_args!("{text}"))
}

fn quoted(writer: &mut impl Write, text: fmt::Arguments<'_>) -> fmt::Result {
    writer.write_char('"')?;
    Escape(writer).write_fmt(text)?;
    writer.write_char('"')
}

struct Escape<'a, W>(&'a mut W);

impl<W: Write> Write for Escape<'_, W> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let mut rest = text;
        while let Some(at) = rest.find(|c: char| super::is_unsafe(c) || matches!(c, '"' | '\\')) {
            let (clean, tail) = rest.split_at(at);
            self.0.write_str(clean)?;
            let Some(special) = tail.chars().next() else { break };
            match special {
                '"' | '\\' => write!(self.0, "\\{special}")?,
                '\n' => self.0.write_str("\\n")?,
                '\r' => self.0.write_str("\\r")?,
                '\t' => self.0.write_str("\\t")?,
                control => write!(self.0, "\\u{:04x}", u32::from(control))?,
            }
            rest = &tail[special.len_utf8()..];
        }
        self.0.write_str(rest)
    }
}
