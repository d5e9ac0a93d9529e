//! Spans, to be found, looked into, and printed as the tree that they are.

use super::{
    Tree, fail,
    value::{ABSENT, Attributes, Value, attributes, hex, id},
};
use opentelemetry_proto::tonic::{
    collector::trace::v1::ExportTraceServiceRequest,
    trace::v1::{self as otlp, span::SpanKind, status::StatusCode},
};
use std::{
    fmt,
    ops::{Deref, Index},
    time::Duration,
};

/// One span that has ended. `span["http.route"]` is the value of an attribute, [`Value::Absent`] if there is none.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Span {
    /// The name.
    pub name: String,
    /// `SERVER`, `CLIENT`, `INTERNAL`, `PRODUCER`, `CONSUMER`, or empty.
    pub kind: &'static str,
    /// The trace id in lower-case hexadecimal.
    pub trace_id: String,
    /// The span id in lower-case hexadecimal.
    pub span_id: String,
    /// The id of the parent; `None`: the trace begins here.
    pub parent_id: Option<String>,
    /// The trace state, as in the header.
    pub trace_state: String,
    /// How it went.
    pub status: Status,
    /// All attributes.
    pub attributes: Attributes,
    /// What happened, in this order.
    pub events: Vec<SpanEvent>,
    /// Other spans that this one belongs to.
    pub links: Vec<SpanLink>,
    /// From its start to its end.
    pub duration: Duration,
    /// The instrumentation scope.
    pub scope: String,
    /// The attributes of the resource.
    pub resource: Attributes,
}

/// How a span went.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Status {
    /// Nothing was said: as a rule, well.
    #[default]
    Unset,
    /// Somebody said that it went well.
    Ok,
    /// It failed, for this reason, which may be empty.
    Error(String),
}

/// Something that happened during a span.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct SpanEvent {
    /// The name.
    pub name: String,
    /// All attributes.
    pub attributes: Attributes,
}

/// Another span that a span belongs to.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct SpanLink {
    /// The trace of the other span.
    pub trace_id: String,
    /// The other span.
    pub span_id: String,
    /// All attributes.
    pub attributes: Attributes,
}

impl Index<&str> for Span {
    type Output = Value;

    fn index(&self, key: &str) -> &Value {
        self.attributes.get(key).unwrap_or(&ABSENT)
    }
}

/// Spans that have ended, in the order of their ends as far as it is known. A slice of [`Span`] with more to ask.
///
/// `Display` is that of [`Spans::tree`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Spans(pub(super) Vec<Span>);

impl Spans {
    /// The only span of this name.
    ///
    /// # Panics
    /// If there is none, or more than one.
    #[track_caller]
    pub fn one(&self, name: &str) -> &Span {
        match self.all(name)[..] {
            [span] => span,
            ref found => fail(&format!("{} spans are named {name:?}, not one, in\n{self}", found.len())),
        }
    }

    /// All spans of this name.
    pub fn all(&self, name: &str) -> Vec<&Span> {
        self.iter().filter(|span| span.name == name).collect()
    }

    /// The spans whose parent is not among these: where traces begin or come in.
    pub fn roots(&self) -> Vec<&Span> {
        self.iter().filter(|span| self.parent(span).is_none()).collect()
    }

    /// The parent of a span, if it is among these.
    pub fn parent(&self, span: &Span) -> Option<&Span> {
        let parent = span.parent_id.as_ref()?;
        self.iter().find(|other| other.span_id == *parent && other.trace_id == span.trace_id)
    }

    /// The spans whose parent this one is.
    pub fn children(&self, span: &Span) -> Vec<&Span> {
        let of_span = |child: &&Span| {
            child.parent_id.as_ref() == Some(&span.span_id) && child.trace_id == span.trace_id
        };
        self.iter().filter(of_span).collect()
    }

    /// The spans as a text that is the same in every run.
    pub fn tree(&self) -> Tree<'_> {
        Tree::new(self, &[], &[])
    }

    pub(super) fn add(&mut self, request: ExportTraceServiceRequest) {
        for of_resource in request.resource_spans {
            let resource = attributes(of_resource.resource.unwrap_or_default().attributes);
            for of_scope in of_resource.scope_spans {
                let scope = of_scope.scope.unwrap_or_default().name;
                let spans = of_scope.spans.into_iter();
                self.0.extend(spans.map(|span| decode(span, scope.clone(), resource.clone())));
            }
        }
    }
}

impl Deref for Spans {
    type Target = [Span];

    fn deref(&self) -> &[Span] {
        &self.0
    }
}

impl fmt::Display for Spans {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.tree().fmt(f)
    }
}

fn decode(span: otlp::Span, scope: String, resource: Attributes) -> Span {
    let event =
        |event: otlp::span::Event| SpanEvent { name: event.name, attributes: attributes(event.attributes) };
    let link = |link: otlp::span::Link| SpanLink {
        trace_id: hex(&link.trace_id),
        span_id: hex(&link.span_id),
        attributes: attributes(link.attributes),
    };
    let kind = match span.kind() {
        SpanKind::Unspecified => "",
        SpanKind::Internal => "INTERNAL",
        SpanKind::Server => "SERVER",
        SpanKind::Client => "CLIENT",
        SpanKind::Producer => "PRODUCER",
        SpanKind::Consumer => "CONSUMER",
    };
    let status = span.status.unwrap_or_default();
    Span {
        kind,
        status: match status.code() {
            StatusCode::Unset => Status::Unset,
            StatusCode::Ok => Status::Ok,
            StatusCode::Error => Status::Error(status.message),
        },
        name: span.name,
        trace_id: hex(&span.trace_id),
        span_id: hex(&span.span_id),
        parent_id: id(&span.parent_span_id),
        trace_state: span.trace_state,
        attributes: attributes(span.attributes),
        events: span.events.into_iter().map(event).collect(),
        links: span.links.into_iter().map(link).collect(),
        duration: Duration::from_nanos(span.end_time_unix_nano.saturating_sub(span.start_time_unix_nano)),
        scope,
        resource,
    }
}
