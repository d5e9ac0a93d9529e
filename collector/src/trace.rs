//! A trace as people look at it: spans in the order of the tree, log records at their span.
//!
//! Times are nanoseconds since 1970 (UTC), durations nanoseconds. All types serialise; in JSON, times are numbers with
//! more digits than JavaScript keeps. The names of spans, services and scopes are cut after 256 characters: see
//! [`Name`].

mod backlink;
mod build;
mod name;
mod print;
mod resource;
mod summary;
#[cfg(test)]
mod tests;
mod tree;
mod value;

pub(crate) use backlink::{Backlink, backlinks};
pub(crate) use build::{decode, matching, parent as id, passing, trace};
pub use name::Name;
pub(crate) use resource::{Resources, identity, service};
pub(crate) use summary::{services, start, summary};
pub use value::{Attributes, Value};
pub(crate) use value::{hex, parse};

use serde::Serialize;
use std::collections::HashMap;

/// One line of the list of traces.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Summary {
    /// 32 hexadecimal digits.
    pub trace_id: String,
    /// The name of the root span, or of the earliest span while the root is missing.
    pub name: String,
    /// The service of that span; empty when it has no name.
    pub service: String,
    /// The start of the earliest span.
    pub start: u64,
    /// From the start of the earliest to the end of the latest span.
    pub duration: u64,
    /// How many spans there are.
    pub spans: usize,
    /// How many of them have the status `Error`.
    pub errors: usize,
    /// The services with the number of their spans, in the order of their first spans.
    pub services: Vec<(String, usize)>,
    /// How many log records of the trace have the severity `ERROR` or a higher one.
    pub error_logs: usize,
    /// The status code of the HTTP response of the span that gives the name.
    pub http_status: Option<i64>,
    /// Its [`Span::path`].
    pub path: Option<String>,
    /// Whether there is a root and every parent is there.
    pub complete: bool,
    /// Whether only the caller is missing, which sends its spans elsewhere: see [`Trace::called_from_outside`].
    pub called_from_outside: bool,
}

/// One trace. Its `Display` is the printed tree, for a terminal.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Trace {
    /// 32 hexadecimal digits.
    pub trace_id: String,
    /// The spans in the order of the tree: every span behind its parent, siblings by start.
    pub spans: Vec<Span>,
    /// The log records in the order of their times.
    pub logs: Vec<LogRecord>,
    /// The resources of the spans and log records: their attributes, each resource once.
    pub resources: Vec<Attributes>,
    /// Where the spans are, by their ids.
    #[serde(skip)]
    places: HashMap<u64, usize>,
}

/// One operation.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Span {
    /// 16 hexadecimal digits.
    pub span_id: String,
    /// The span that caused this one; `None` for the root of the trace.
    pub parent_span_id: Option<String>,
    /// Whether the parent is not here (yet), or parents go round in a circle: the span is shown like a root.
    pub parent_missing: bool,
    /// How many ancestors are shown above it.
    pub depth: usize,
    /// The indices of its children in [`Trace::spans`].
    pub children: Vec<usize>,
    /// What is done.
    pub name: Name,
    /// On which side of which conversation.
    pub kind: Kind,
    /// `service.name` of the resource; empty when there is none.
    pub service: Name,
    /// The index of the resource in [`Trace::resources`].
    pub resource: usize,
    /// The name of the instrumentation library, with its version behind a space.
    pub scope: Name,
    /// When it began, or when it ended if only that was sent.
    pub start: u64,
    /// When it ended; never before the start.
    pub end: u64,
    /// What else is known of it.
    pub attributes: Attributes,
    /// What happened meanwhile.
    pub events: Vec<Event>,
    /// Spans of this or other traces that have to do with it.
    pub links: Vec<Link>,
    /// How it ended.
    pub status: Status,
    /// The description of an error.
    pub status_message: String,
    /// The flags of W3C Trace Context and OTLP.
    pub flags: u32,
    /// `tracestate` of W3C Trace Context.
    pub trace_state: String,
}

/// On which side of which conversation a span is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Not said.
    Unspecified,
    /// Inside of a service.
    Internal,
    /// Answers a request.
    Server,
    /// Makes a request.
    Client,
    /// Sends a message.
    Producer,
    /// Takes a message.
    Consumer,
}

impl Kind {
    /// In capitals, as it is shown: `SERVER`.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Unspecified => "-",
            Kind::Internal => "INTERNAL",
            Kind::Server => "SERVER",
            Kind::Client => "CLIENT",
            Kind::Producer => "PRODUCER",
            Kind::Consumer => "CONSUMER",
        }
    }
}

/// How a span ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// Nothing to say.
    Unset,
    /// Well, expressly.
    Ok,
    /// With an error.
    Error,
}

/// Something that happened at one moment of a span.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Event {
    /// When.
    pub time: u64,
    /// What.
    pub name: String,
    /// What else is known of it.
    pub attributes: Attributes,
}

/// A pointer to another span.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Link {
    /// 32 hexadecimal digits.
    pub trace_id: String,
    /// 16 hexadecimal digits.
    pub span_id: String,
    /// `tracestate` of W3C Trace Context.
    pub trace_state: String,
    /// What else is known of it.
    pub attributes: Attributes,
}

/// One log record.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LogRecord {
    /// When it was written, or else when it was first seen.
    pub time: u64,
    /// The severity of OpenTelemetry: 1 to 24, 0 when it is not said.
    pub severity: i32,
    /// The severity as the program calls it, or else the name of the number: `WARN`.
    pub level: String,
    /// The message.
    pub body: Value,
    /// The fields.
    pub attributes: Attributes,
    /// 32 hexadecimal digits; `None` outside of any trace.
    pub trace_id: Option<String>,
    /// 16 hexadecimal digits; `None` outside of any span.
    pub span_id: Option<String>,
    /// `service.name` of the resource; empty when there is none.
    pub service: Name,
    /// The instrumentation library or module, with its version behind a space.
    pub scope: Name,
    /// The name of the event, when the record is one; often empty.
    pub event_name: String,
}

impl LogRecord {
    /// The fields but for the place in the source, which is only in the way where many are read.
    pub(crate) fn fields(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.attributes.iter().filter(|(name, _)| !name.starts_with("code."))
    }
}

impl Trace {
    /// The span with the id of 16 hexadecimal digits.
    pub fn span(&self, span_id: &str) -> Option<&Span> {
        self.spans.get(self.place(span_id)?)
    }

    /// Where the span with an id is in [`Trace::spans`].
    pub(crate) fn place(&self, span_id: &str) -> Option<usize> {
        let place = *self.places.get(&build::key(span_id)?)?;
        self.spans.get(place).filter(|span| span.span_id == span_id).map(|_| place)
    }

    /// The log records of exactly one span.
    pub fn logs_of(&self, span_id: &str) -> impl Iterator<Item = &LogRecord> {
        self.logs.iter().filter(move |log| log.span_id.as_deref() == Some(span_id))
    }

    /// The start of the earliest and the end of the latest span; zeros without spans. A span for which neither was
    /// sent does not count.
    pub fn extent(&self) -> (u64, u64) {
        let start = self.spans.iter().map(|span| span.start).filter(|start| *start > 0).min().unwrap_or(0);
        (start, self.spans.iter().map(|span| span.end).max().unwrap_or(0))
    }

    /// The services with the number of their spans, in the order of the tree.
    pub fn services(&self) -> Vec<(String, usize)> {
        tally(self.spans.iter().map(|span| span.service.as_str()))
    }

    /// How many spans have the status `Error`.
    pub fn errors(&self) -> usize {
        self.spans.iter().filter(|span| span.status == Status::Error).count()
    }

    /// Whether there is a root and every parent is there.
    pub fn complete(&self) -> bool {
        self.spans.iter().any(|span| span.parent_span_id.is_none())
            && !self.spans.iter().any(|span| span.parent_missing)
    }

    /// Whether all that is missing is the caller of the first span or spans: one parent, in another process. A
    /// service that takes requests from a program without telemetry here has only such traces.
    pub fn called_from_outside(&self) -> bool {
        let mut roots = self.spans.iter().filter(|span| span.depth == 0);
        let Some(caller) = roots.clone().next().and_then(|first| first.parent_span_id.as_deref()) else {
            return false;
        };
        roots.all(|root| root.is_remote_child() && root.parent_span_id.as_deref() == Some(caller))
            && self.span(caller).is_none()
    }

    /// The span whose name is that of the trace: the root, or the first one while the root is missing.
    pub(crate) fn title(&self) -> Option<&Span> {
        self.spans.iter().find(|span| span.parent_span_id.is_none()).or(self.spans.first())
    }
}

impl Span {
    /// How long it took.
    pub fn duration(&self) -> u64 {
        self.end - self.start
    }

    /// The status code of the HTTP response, when there is one.
    pub fn http_status(&self) -> Option<i64> {
        let names = ["http.response.status_code", "http.status_code"];
        names.iter().find_map(|name| match self.attributes.get(name) {
            Some(Value::Int(status)) => Some(*status),
            _ => None,
        })
    }

    /// The path of the request (`url.path`) when no route stands for it (`http.route`).
    pub fn path(&self) -> Option<&str> {
        match (self.attributes.get("http.route"), self.attributes.get("url.path")) {
            (None, Some(Value::Text(path))) => Some(path),
            _ => None,
        }
    }

    /// Whether its parent is in another process: as the flags say, or else as the kind suggests.
    pub(crate) fn is_remote_child(&self) -> bool {
        const IS_KNOWN: u32 = 0x100;
        const IS_REMOTE: u32 = 0x200;
        match self.flags & IS_KNOWN {
            0 => matches!(self.kind, Kind::Server | Kind::Consumer),
            _ => self.flags & IS_REMOTE != 0,
        }
    }
}

/// How often each name is there, in the order of their first places.
fn tally<'a>(names: impl Iterator<Item = &'a str>) -> Vec<(String, usize)> {
    let mut places: HashMap<&str, usize> = HashMap::new();
    let mut tally: Vec<(String, usize)> = Vec::new();
    for name in names {
        let place = *places.entry(name).or_insert(tally.len());
        match tally.get_mut(place) {
            Some((_, count)) => *count += 1,
            None => tally.push((name.to_owned(), 1)),
        }
    }
    tally
}
