//! Log lines that carry the ids of the trace they belong to.
//!
//! Text, for people and for a Loki that looks for `trace_id=(\w+)`; the ids come before the message, so that
//! a line which the container runtime splits keeps them:
//! ```text
//! 2026-11-21T20:44:30.123456Z  INFO trace_id=4bf92f3577b34da6a3ce929d0e0e4736 span_id=00f067aa0ba902b7 cart: added item="tea" count=2
//! ```
//! JSON, one object a line (the fields of the event are below `fields`, so that none can take a name of ours):
//! ```text
//! {"timestamp":"2026-11-21T20:44:30.123456Z","severity":"INFO","trace_id":"4bf9…","span_id":"00f0…","trace_flags":"01","target":"cart","message":"added","fields":{"item":"tea","count":2}}
//! ```
//! Without a span there are no ids (H-092: all three are optional, and lower-case hexadecimal). The ids are
//! those of the span that is active where the event happens, whether it was made by a layer, by
//! `#[instrument]` or by the OpenTelemetry API; unsampled traces have ids too, and `trace_flags` tells.
//!
//! [`Telemetry::layers`](crate::Telemetry::layers) has this format built in; alone it goes wherever a
//! `tracing_subscriber` formatter goes:
//!
//! ```
//! use throughline::{config::LogFormat, log::LogLine};
//!
//! let layer = tracing_subscriber::fmt::layer::<tracing_subscriber::Registry>().event_format(LogLine::new(LogFormat::Json));
//! # drop(layer);
//! ```
//!
//! # Limits
//! An event with an explicit `parent:` shows the ids of the span around it, not of that parent. Characters that
//! break lines, move the cursor or turn the direction of text are escaped: an event is one line, whatever it
//! says.

mod json; // strings and values

use crate::config::LogFormat;
use opentelemetry::{
    Context,
    trace::{SpanContext, TraceContextExt},
};
use std::fmt::{self, Write};
use tracing::{Event, Level, Subscriber, field::Field, field::Visit};
use tracing_subscriber::{
    fmt::{
        FmtContext, FormatEvent, FormatFields,
        format::Writer,
        time::{FormatTime, SystemTime},
    },
    registry::LookupSpan,
};

/// The format of a log line. See the [module's page](self).
#[derive(Clone, Copy, Debug)]
pub struct LogLine {
    format: LogFormat,
}

impl LogLine {
    /// Lines of this form.
    pub fn new(format: LogFormat) -> Self {
        LogLine { format }
    }
}

impl<S, N> FormatEvent<S, N> for LogLine
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'w> FormatFields<'w> + 'static,
{
    fn format_event(
        &self,
        _: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        Context::map_current(|context| {
            let span = context.span();
            let ids = Some(span.span_context()).filter(|ids| ids.is_valid());
            match self.format {
                LogFormat::Text => text(&mut writer, event, ids),
                LogFormat::Json => json(&mut writer, event, ids),
            }
        })
    }
}

fn text(writer: &mut Writer<'_>, event: &Event<'_>, ids: Option<&SpanContext>) -> fmt::Result {
    SystemTime.format_time(writer)?;
    let metadata = event.metadata();
    match (writer.has_ansi_escapes(), *metadata.level()) {
        (true, Level::ERROR) => writer.write_str(" \x1b[31mERROR\x1b[0m")?,
        (true, Level::WARN) => writer.write_str(" \x1b[33m WARN\x1b[0m")?,
        (_, level) => write!(writer, " {level:>5}")?,
    }
    if let Some(ids) = ids {
        write!(writer, " trace_id={:032x} span_id={:016x}", ids.trace_id(), ids.span_id())?;
    }
    write!(OneLine(writer), " {}:", metadata.target())?;
    let mut message = TextFields { writer: &mut *writer, message: true, result: Ok(()) };
    event.record(&mut message);
    message.result?;
    let mut fields = TextFields { writer: &mut *writer, message: false, result: Ok(()) };
    event.record(&mut fields);
    fields.result?;
    writer.write_char('\n')
}

/// Writes either the message or everything else, so that the message comes first.
struct TextFields<'a, 'w> {
    writer: &'a mut Writer<'w>,
    message: bool,
    result: fmt::Result,
}

impl Visit for TextFields<'_, '_> {
    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "message" {
            self.record_debug(field, &format_args!("{value}"));
        } else {
            self.record_debug(field, &value);
        }
    }

    fn record_error(&mut self, field: &Field, value: &(dyn std::error::Error + 'static)) {
        self.record_debug(field, &format_args!("{value}"));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if self.result.is_err() || (field.name() == "message") != self.message {
            return;
        }
        let mut line = OneLine(self.writer);
        self.result = match self.message {
            true => write!(line, " {value:?}"),
            false => write!(line, " {}={value:?}", field.name().trim_start_matches("r#")),
        };
    }
}

/// Breaks a line, moves the cursor, or turns the direction of the text around it.
fn is_unsafe(c: char) -> bool {
    c.is_control() || matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Escapes what is unsafe in a line.
struct OneLine<'a, W>(&'a mut W);

impl<W: Write> Write for OneLine<'_, W> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let mut rest = text;
        while let Some(at) = rest.find(is_unsafe) {
            let (clean, tail) = rest.split_at(at);
            self.0.write_str(clean)?;
            let Some(control) = tail.chars().next() else { break };
            write!(self.0, "{}", control.escape_default())?;
            rest = &tail[control.len_utf8()..];
        }
        self.0.write_str(rest)
    }
}

fn json(writer: &mut Writer<'_>, event: &Event<'_>, ids: Option<&SpanContext>) -> fmt::Result {
    let metadata = event.metadata();
    writer.write_str("{\"timestamp\":\"")?;
    SystemTime.format_time(writer)?;
    write!(writer, "\",\"severity\":\"{}\"", metadata.level())?;
    if let Some(ids) = ids {
        write!(
            writer,
            ",\"trace_id\":\"{:032x}\",\"span_id\":\"{:016x}\",\"trace_flags\":\"{:02x}\"",
            ids.trace_id(),
            ids.span_id(),
            ids.trace_flags()
        )?;
    }
    writer.write_str(",\"target\":")?;
    json::string(writer, metadata.target())?;
    json::fields(writer, event)?;
    writer.write_str("}\n")
}

#[cfg(test)]
mod tests;
