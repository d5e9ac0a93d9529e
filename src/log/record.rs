//! The layer that makes OTLP log records.
//!
//! | of the record | from |
//! |---|---|
//! | time | the clock, once |
//! | severity | the level: number and word |
//! | body | the message |
//! | attributes | the fields, with their types; `code.file.path`, `code.line.number` (H-093); by option the fields of the spans around it |
//! | trace and span | those of the line, by the same rule |
//! | event name | the event's `name:`, if it was given one |
//! | scope | the target |
//!
//! The cause of an error is in `<field>.sources`, and the text of the first error also in `exception.message`
//! (H-091).

use super::{
    ids::Spans,
    line,
    span::{self, Kept},
    value::{Value, cause, causes, plain_name},
};
use crate::batch::LogQueue;
use opentelemetry::{
    Context as ActiveContext, InstrumentationScope, Key,
    logs::{AnyValue, LogRecord, Logger, LoggerProvider, Severity},
};
use opentelemetry_sdk::logs::{SdkLogRecord, SdkLogger, SdkLoggerProvider};
use std::{borrow::Cow, error::Error, fmt, time::SystemTime};
use tracing::{
    Dispatch, Event, Level, Metadata, Subscriber,
    field::{Field, Visit},
    span::{Attributes, Id, Record},
};
use tracing_log::NormalizeEvent;
use tracing_subscriber::{
    layer::{Context, Layer},
    registry::LookupSpan,
};

const FILE: &str = "code.file.path";
const LINE: &str = "code.line.number";
const EXCEPTION: &str = "exception.message";

/// Makes each event a log record.
#[derive(Debug)]
pub(crate) struct RecordLayer {
    /// Makes empty records, and nothing else.
    logger: SdkLogger,
    scope: InstrumentationScope,
    queue: LogQueue,
    span_fields: bool,
    spans: Spans,
}

impl RecordLayer {
    pub(crate) fn new(provider: &SdkLoggerProvider, queue: LogQueue, span_fields: bool) -> Self {
        let scope = InstrumentationScope::default();
        let logger = provider.logger_with_scope(scope.clone());
        RecordLayer { logger, scope, queue, span_fields, spans: Spans::default() }
    }

    fn record<S>(&self, event: &Event<'_>, context: &Context<'_, S>) -> SdkLogRecord
    where
        S: Subscriber + for<'a> LookupSpan<'a>,
    {
        let mut record = self.logger.create_log_record();
        let now = SystemTime::now();
        record.set_timestamp(now);
        record.set_observed_timestamp(now);
        let (number, word) = severity(*event.metadata().level());
        record.set_severity_number(number);
        record.set_severity_text(word);
        if let Some(ids) = self.spans.ids(event) {
            record.set_trace_context(ids.trace_id, ids.span_id, Some(ids.flags));
        }
        let log = event.is_log();
        event.record(&mut Fields { record: &mut record, log });
        if self.span_fields {
            add_span_fields(&mut record, event, context);
        }
        match event.normalized_metadata().filter(|_| log) {
            Some(metadata) => {
                let owned = |text: &str| Cow::Owned(text.to_owned());
                place(&mut record, owned(metadata.target()), metadata.file().map(owned), metadata.line());
            }
            None => {
                let metadata = event.metadata();
                if let Some(name) = event_name(metadata) {
                    record.set_event_name(name);
                }
                let file = metadata.file().map(Cow::Borrowed);
                place(&mut record, metadata.target().into(), file, metadata.line());
            }
        }
        record
    }
}

impl<S> Layer<S> for RecordLayer
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    fn on_register_dispatch(&self, dispatch: &Dispatch) {
        self.spans.register(dispatch);
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        // What the sending itself says would be sent, and say more.
        if !line::is_ending() && ActiveContext::is_current_telemetry_suppressed() {
            return;
        }
        self.queue.push(self.record(event, &context), &self.scope);
    }

    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        if let Some(span) = context.span(id) {
            span::keep(&span, attributes);
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        if let Some(span) = context.span(id) {
            span::keep_later(&span, values);
        }
    }
}

fn severity(level: Level) -> (Severity, &'static str) {
    match level {
        Level::TRACE => (Severity::Trace, "TRACE"),
        Level::DEBUG => (Severity::Debug, "DEBUG"),
        Level::INFO => (Severity::Info, "INFO"),
        Level::WARN => (Severity::Warn, "WARN"),
        Level::ERROR => (Severity::Error, "ERROR"),
    }
}

/// The name that an event was given. `tracing` calls one without a name after its place in the source.
fn event_name(metadata: &'static Metadata<'static>) -> Option<&'static str> {
    let name = metadata.name();
    let place = name.strip_prefix("event ").and_then(|rest| rest.strip_prefix(metadata.file()?));
    let number = place.and_then(|rest| rest.strip_prefix(':'));
    let unnamed = number.is_some_and(|number| number.bytes().all(|byte| byte.is_ascii_digit()));
    (!unnamed).then_some(name)
}

/// Where in the program it happened, unless the event itself says so.
fn place(
    record: &mut SdkLogRecord,
    target: Cow<'static, str>,
    file: Option<Cow<'static, str>>,
    line: Option<u32>,
) {
    record.set_target(target);
    if has(record, FILE) || has(record, LINE) {
        return;
    }
    if let Some(file) = file {
        record.add_attribute(FILE, file);
    }
    if let Some(line) = line {
        record.add_attribute(LINE, line);
    }
}

/// The fields of the spans around an event, those of the innermost first.
fn add_span_fields<S>(record: &mut SdkLogRecord, event: &Event<'_>, context: &Context<'_, S>)
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    for span in context.event_scope(event).into_iter().flatten() {
        if let Some(kept) = span.extensions().get::<Kept>() {
            kept.fields.iter().for_each(|(name, value)| add(record, name, value.clone()));
        }
    }
}

fn has(record: &SdkLogRecord, name: &str) -> bool {
    record.attributes_iter().any(|(key, _)| key.as_str() == name)
}

/// Adds an attribute, unless the record has one of that name.
fn add(record: &mut SdkLogRecord, name: &'static str, value: impl Into<AnyValue>) {
    if !has(record, name) {
        record.add_attribute(name, value);
    }
}

/// Makes the message the body and all other fields attributes.
struct Fields<'a> {
    record: &'a mut SdkLogRecord,
    /// The fields which the `log` crate's lines bring for their metadata are none.
    log: bool,
}

impl Fields<'_> {
    fn field(&mut self, field: &Field, value: Value) {
        match field.name() {
            "message" if self.record.body().is_some() => {}
            "message" => self.record.set_body(value.into()),
            name if self.log && name.starts_with("log.") => {}
            name => add(self.record, plain_name(name), value),
        }
    }
}

impl Visit for Fields<'_> {
    fn record_bool(&mut self, field: &Field, value: bool) {
        self.field(field, Value::Boolean(value));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.field(field, Value::Signed(value));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.field(field, Value::Unsigned(value));
    }

    fn record_i128(&mut self, field: &Field, value: i128) {
        self.field(field, value.into());
    }

    fn record_u128(&mut self, field: &Field, value: u128) {
        self.field(field, value.into());
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.field(field, Value::Float(value));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.field(field, Value::Text(value.into()));
    }

    fn record_error(&mut self, field: &Field, error: &(dyn Error + 'static)) {
        let text = Value::from(error);
        add(self.record, EXCEPTION, text.clone());
        self.field(field, text);
        let name = cause(error).map(|_| format!("{}.sources", plain_name(field.name())));
        if let Some(name) = name.filter(|name| !has(self.record, name)) {
            let causes = causes(error).map(|error| AnyValue::from(Value::from(error)));
            self.record.add_attribute(Key::from(name), AnyValue::ListAny(Box::new(causes.collect())));
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.field(field, Value::shown(value));
    }
}
