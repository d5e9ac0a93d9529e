//! Log records, to be found and looked into.

use super::{
    fail,
    tree::log_line,
    value::{ABSENT, Attributes, Value, attributes, id},
};
use opentelemetry_proto::tonic::{collector::logs::v1::ExportLogsServiceRequest, logs::v1 as otlp};
use std::{
    fmt,
    ops::{Deref, Index},
};

/// One log record. `log["user"]` is the value of an attribute, [`Value::Absent`] if there is none.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Log {
    /// `TRACE`, `DEBUG`, `INFO`, `WARN`, `ERROR`, or what another program says.
    pub severity: String,
    /// The target of a `tracing` event: the instrumentation scope.
    pub target: String,
    /// The name of the event; of a `tracing` event that has none, empty.
    pub event_name: String,
    /// The message.
    pub body: Value,
    /// All attributes.
    pub attributes: Attributes,
    /// The trace in which it was made.
    pub trace_id: Option<String>,
    /// The span in which it was made.
    pub span_id: Option<String>,
    /// The attributes of the resource.
    pub resource: Attributes,
    /// When it was seen, in nanoseconds since 1970.
    at: u64,
}

impl Index<&str> for Log {
    type Output = Value;

    fn index(&self, key: &str) -> &Value {
        self.attributes.get(key).unwrap_or(&ABSENT)
    }
}

/// Log records in the order of their making. A slice of [`Log`] with more to ask.
///
/// `Display` is one line for each, without times and ids.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Logs(pub(super) Vec<Log>);

impl Logs {
    /// The only record with this message.
    ///
    /// # Panics
    /// If there is none, or more than one.
    #[track_caller]
    pub fn one(&self, message: &str) -> &Log {
        match self.all(message)[..] {
            [log] => log,
            ref found => fail(&format!("{} records say {message:?}, not one, in\n{self}", found.len())),
        }
    }

    /// All records with this message.
    pub fn all(&self, message: &str) -> Vec<&Log> {
        self.iter().filter(|log| log.body == message).collect()
    }

    /// The records that were made in this span.
    pub fn of(&self, span: &super::Span) -> Vec<&Log> {
        self.iter().filter(|log| log.span_id.as_ref() == Some(&span.span_id)).collect()
    }

    pub(super) fn add(&mut self, request: ExportLogsServiceRequest) {
        for of_resource in request.resource_logs {
            let resource = attributes(of_resource.resource.unwrap_or_default().attributes);
            for of_scope in of_resource.scope_logs {
                let target = of_scope.scope.unwrap_or_default().name;
                let records = of_scope.log_records.into_iter();
                self.0.extend(records.map(|record| decode(record, target.clone(), resource.clone())));
            }
        }
        // A request groups them by target.
        self.0.sort_by_key(|log| log.at);
    }
}

impl Deref for Logs {
    type Target = [Log];

    fn deref(&self) -> &[Log] {
        &self.0
    }
}

impl fmt::Display for Logs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.iter().try_for_each(|log| writeln!(f, "{}", log_line(log, |_| true)))
    }
}

fn decode(record: otlp::LogRecord, target: String, resource: Attributes) -> Log {
    Log {
        severity: record.severity_text,
        target,
        event_name: record.event_name,
        body: record.body.into(),
        attributes: attributes(record.attributes),
        trace_id: id(&record.trace_id),
        span_id: id(&record.span_id),
        resource,
        at: record.observed_time_unix_nano,
    }
}
