//! What the members of a line are called.

use std::borrow::Cow;

/// The names of the members of a line that are ours. A member whose name is empty is left out.
///
/// Names for another product are data:
///
/// ```
/// use throughline::{config::{Log, LogFormat}, log::{Keys, LogLayer}};
///
/// let mut log = Log::new(LogFormat::Json);
/// log.keys = Keys::google_cloud("my-project");
/// log.keys.target = "".into();
/// let layer = LogLayer::new(&log);
/// # drop(layer);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Keys {
    /// When it happened: RFC 3339, UTC, microseconds. Default: `timestamp`.
    pub timestamp: Cow<'static, str>,
    /// How severe it is. Default: `severity`.
    pub severity: Cow<'static, str>,
    /// The words for TRACE, DEBUG, INFO, WARN and ERROR. Default: these.
    pub severities: [Cow<'static, str>; 5],
    /// The trace, 32 hexadecimal digits (H-092). Default: `trace_id`.
    pub trace_id: Cow<'static, str>,
    /// What stands before the digits of the trace. Default: nothing.
    pub trace_prefix: Cow<'static, str>,
    /// The span, 16 hexadecimal digits (H-092). Default: `span_id`.
    pub span_id: Cow<'static, str>,
    /// The flags of the trace, 2 hexadecimal digits (H-092). Default: `trace_flags`; not in text.
    pub trace_flags: Cow<'static, str>,
    /// Whether the trace is sampled, as a truth value. Default: left out.
    pub sampled: Cow<'static, str>,
    /// The target of the event, which is its module unless it says otherwise. Default: `target`.
    pub target: Cow<'static, str>,
    /// The file of the source. Default: `code.file.path` (H-093).
    pub file: Cow<'static, str>,
    /// The line of the source. Default: `code.line.number` (H-093).
    pub line: Cow<'static, str>,
    /// What the event says. Default: `message`.
    pub message: Cow<'static, str>,
    /// The object with the event's fields, in nested JSON. Default: `fields`.
    pub fields: Cow<'static, str>,
    /// The name of the span around the event. Default: `span`.
    pub span: Cow<'static, str>,
    /// The object with the fields of the spans around the event, in nested JSON. Default: `span_fields`.
    pub span_fields: Cow<'static, str>,
    /// The name of the service, where it is wanted. Default: `service.name`.
    pub service_name: Cow<'static, str>,
}

impl Default for Keys {
    fn default() -> Self {
        Keys {
            timestamp: "timestamp".into(),
            severity: "severity".into(),
            severities: ["TRACE", "DEBUG", "INFO", "WARN", "ERROR"].map(Cow::from),
            trace_id: "trace_id".into(),
            trace_prefix: "".into(),
            span_id: "span_id".into(),
            trace_flags: "trace_flags".into(),
            sampled: "".into(),
            target: "target".into(),
            file: "code.file.path".into(),
            line: "code.line.number".into(),
            message: "message".into(),
            fields: "fields".into(),
            span: "span".into(),
            span_fields: "span_fields".into(),
            service_name: "service.name".into(),
        }
    }
}

impl Keys {
    /// The names that Cloud Logging takes out of JSON lines, for the traces of this project.
    pub fn google_cloud(project: &str) -> Self {
        Keys {
            timestamp: "time".into(),
            severities: ["DEBUG", "DEBUG", "INFO", "WARNING", "ERROR"].map(Cow::from),
            trace_id: "logging.googleapis.com/trace".into(),
            trace_prefix: format!("projects/{project}/traces/").into(),
            span_id: "logging.googleapis.com/spanId".into(),
            trace_flags: "".into(),
            sampled: "logging.googleapis.com/trace_sampled".into(),
            ..Keys::default()
        }
    }
}
