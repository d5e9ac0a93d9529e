//! Which log records are wanted.
//!
//! | field of a search | is |
//! |---|---|
//! | `level` | the level as it was sent: `WARN` |
//! | `severity` | its number, 1 to 24 |
//! | `service`, `scope` | those of the record |
//! | `body` | the message |
//! | `event` | the name of the event |
//! | `trace`, `span` | the ids |
//! | `NAME` | a field |
//!
//! A text is found in the message, in names and values of fields, in the service and at the beginning of the trace's id.

use super::super::{
    EXPORT,
    address::Address,
    condition::{Condition, Fault, Known, Subject, found},
    query::Query,
};
use crate::trace::LogRecord;
use std::borrow::Cow;
use throughline_sender::Signal;

/// The levels that can be chosen, and the severities that they begin with.
pub(super) const LEVELS: [(&str, i32); 6] =
    [("trace", 1), ("debug", 5), ("info", 9), ("warn", 13), ("error", 17), ("fatal", 21)];

/// The longest search, in characters.
pub(super) const MAX_SEARCH: usize = 1000;

/// What a list is asked for.
#[derive(Debug)]
pub(crate) struct Wanted {
    /// The search as it was written.
    pub(super) words: String,
    condition: Result<Condition, Fault>,
    pub(super) level: Option<String>,
    least: i32,
    pub(super) service: Option<String>,
    pub(super) trace: Option<String>,
    pub(super) span: Option<String>,
}

impl Wanted {
    pub(crate) fn of(query: &Query) -> Self {
        let owned = |name| query.value(name).map(str::to_owned);
        let words = query.value("q").unwrap_or_default().trim().to_owned();
        let asked = query.value("level").map(str::to_lowercase);
        let known = LEVELS.into_iter().find(|(name, _)| Some(*name) == asked.as_deref());
        Wanted {
            condition: Condition::parse(&words),
            words,
            level: known.map(|(name, _)| name.to_owned()),
            least: known.map_or(0, |(_, least)| least),
            service: owned("service"),
            trace: owned("trace").map(|id| id.to_lowercase()),
            span: owned("span").map(|id| id.to_lowercase()),
        }
    }

    /// Why the search means nothing.
    pub(crate) fn fault(&self) -> Option<&Fault> {
        self.condition.as_ref().err()
    }

    pub(crate) fn passes(&self, log: &LogRecord) -> bool {
        let Ok(condition) = &self.condition else { return false };
        log.severity >= self.least
            && self.service.as_ref().is_none_or(|service| log.service == **service)
            && (self.trace.is_none() || log.trace_id == self.trace)
            && (self.span.is_none() || log.span_id == self.span)
            && condition.holds(&Record(log))
    }

    /// Whether nothing is left out.
    pub(crate) fn is_open(&self) -> bool {
        self.words.is_empty()
            && self.level.is_none()
            && self.service.is_none()
            && self.trace.is_none()
            && self.span.is_none()
    }

    /// The same, with more of them.
    pub(super) fn url(&self, limit: usize) -> String {
        self.at(Address::of("/logs")).with("limit", Some(limit.to_string())).url()
    }

    /// The file with all that pass.
    pub(super) fn file(&self) -> String {
        self.at(Address::of(EXPORT).with("signal", Some(Signal::Logs.name()))).url()
    }

    fn at(&self, address: Address) -> Address {
        address
            .with("q", Some(self.words.as_str()).filter(|words| !words.is_empty()))
            .with("level", self.level.clone())
            .with("service", self.service.clone())
            .with("trace", self.trace.clone())
            .with("span", self.span.clone())
    }
}

/// A log record as a search sees it.
struct Record<'a>(&'a LogRecord);

impl Subject for Record<'_> {
    fn field(&self, name: &str) -> Option<Known<'_>> {
        let log = self.0;
        let text = |text| Some(Known::Text(Cow::Borrowed(text)));
        match name {
            "level" => text(&log.level),
            "severity" => Some(Known::Number(f64::from(log.severity))),
            "service" => text(&log.service),
            "scope" => text(&log.scope),
            "body" => Some(Known::Sent(&log.body)),
            "event" => Some(&*log.event_name).filter(|event| !event.is_empty()).and_then(text),
            "trace" => log.trace_id.as_deref().and_then(text),
            "span" => log.span_id.as_deref().and_then(text),
            _ => log.attributes.get(name).map(Known::Sent),
        }
    }

    fn contains(&self, text: &str) -> bool {
        let log = self.0;
        log.body.contains(text)
            || log.attributes.iter().any(|(name, value)| found(name, text) || value.contains(text))
            || found(&log.service, text)
            || found(&log.event_name, text)
            || log.trace_id.as_ref().is_some_and(|id| id.starts_with(text))
    }
}
