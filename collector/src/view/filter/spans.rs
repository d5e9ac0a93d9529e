//! The spans of a trace as a search sees them.
//!
//! | field | is |
//! |---|---|
//! | `name`, `service`, `scope` | those of the span |
//! | `kind` | `server`, `client`, `internal`, `producer`, `consumer`, or `unspecified` |
//! | `status` | `error`, `ok`, or `unset` |
//! | `duration` | that of the span |
//! | `span` | its id |
//! | `event` | the name of one of its events |
//! | `trace.duration`, `trace.spans`, `trace.errors`, `trace.id` | those of its trace |
//! | `resource.NAME` | an attribute of its resource |
//! | `NAME` | an attribute of the span, or else of its resource |
//!
//! A text is found in names, in values of attributes, in events and what they have, in the message of an error, in the log
//! lines of the span, and at the beginning of both ids.

use super::super::condition::{Condition, Known, Subject, found};
use crate::trace::{Attributes, Kind, LogRecord, Span, Status, Trace};
use std::collections::HashMap;

/// All spans of a trace.
pub(crate) struct Spans<'a> {
    trace: &'a Trace,
    duration: u64,
    errors: usize,
    logs: HashMap<&'a str, Vec<&'a LogRecord>>,
}

impl<'a> Spans<'a> {
    pub(crate) fn of(trace: &'a Trace) -> Self {
        let (start, end) = trace.extent();
        let mut logs: HashMap<&str, Vec<&LogRecord>> = HashMap::new();
        for log in &trace.logs {
            logs.entry(log.span_id.as_deref().unwrap_or_default()).or_default().push(log);
        }
        Spans { trace, duration: end - start, errors: trace.errors(), logs }
    }

    /// Whether a condition holds for one of them.
    pub(crate) fn any(&self, condition: &Condition) -> bool {
        self.trace.spans.iter().any(|span| condition.holds(&One { span, of: self }))
    }

    /// The places of those for which a condition holds.
    pub(crate) fn all(&self, condition: &Condition) -> Vec<usize> {
        let spans = self.trace.spans.iter().enumerate();
        spans.filter(|(_, span)| condition.holds(&One { span, of: self })).map(|(place, _)| place).collect()
    }
}

/// One of them.
struct One<'a> {
    span: &'a Span,
    of: &'a Spans<'a>,
}

impl One<'_> {
    fn resource(&self) -> Option<&Attributes> {
        self.of.trace.resources.get(self.span.resource)
    }
}

impl Subject for One<'_> {
    fn field(&self, name: &str) -> Option<Known<'_>> {
        let text = |text| Some(Known::Text(std::borrow::Cow::Borrowed(text)));
        match name {
            "name" => text(&self.span.name),
            "service" => text(&self.span.service),
            "scope" => text(&self.span.scope),
            "kind" => text(kind(self.span.kind)),
            "status" => text(status(self.span.status)),
            "span" => text(&self.span.span_id),
            "event" if self.span.events.is_empty() => None,
            "event" => Some(Known::Texts(self.span.events.iter().map(|event| &*event.name).collect())),
            "duration" => Some(Known::Nanos(self.span.duration())),
            "trace.duration" => Some(Known::Nanos(self.of.duration)),
            "trace.spans" => Some(Known::Number(self.of.trace.spans.len() as f64)),
            "trace.errors" => Some(Known::Number(self.of.errors as f64)),
            "trace.id" => text(&self.of.trace.trace_id),
            _ => {
                let own = self.span.attributes.get(name);
                let wanted = name.strip_prefix("resource.").unwrap_or(name);
                own.or_else(|| self.resource()?.get(wanted)).map(Known::Sent)
            }
        }
    }

    fn contains(&self, text: &str) -> bool {
        let span = self.span;
        let names = [&*span.name, &*span.service, &*span.scope, &span.status_message];
        let of = |attributes: &Attributes| attributes.iter().any(|(_, value)| value.contains(text));
        let logs = self.of.logs.get(span.span_id.as_str());
        names.into_iter().any(|name| found(name, text))
            || [&span.span_id, &self.of.trace.trace_id].into_iter().any(|id| id.starts_with(text))
            || of(&span.attributes)
            || self.resource().is_some_and(of)
            || span.events.iter().any(|event| found(&event.name, text) || of(&event.attributes))
            || logs.into_iter().flatten().any(|log| log.body.contains(text) || of(&log.attributes))
    }
}

fn kind(kind: Kind) -> &'static str {
    match kind {
        Kind::Unspecified => "unspecified",
        Kind::Internal => "internal",
        Kind::Server => "server",
        Kind::Client => "client",
        Kind::Producer => "producer",
        Kind::Consumer => "consumer",
    }
}

fn status(status: Status) -> &'static str {
    match status {
        Status::Unset => "unset",
        Status::Ok => "ok",
        Status::Error => "error",
    }
}
