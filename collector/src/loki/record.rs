//! Log records as they came, one after the other.

use super::{
    DefaultLabels, Options,
    attributes::{Hinted, Hints},
    labels::{Labels, level},
    line::{Format, Line},
    otlp,
    push::Entry,
};
use crate::trace::{Attributes, Value, hex};
use prost::Message;

/// `ExportLogsServiceRequest`.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Request {
    #[prost(message, repeated, tag = "1")]
    resource_logs: Vec<ResourceLogs>,
}

#[derive(Clone, PartialEq, Message)]
struct ResourceLogs {
    #[prost(message, optional, tag = "1")]
    resource: Option<otlp::Resource>,
    #[prost(message, repeated, tag = "2")]
    scope_logs: Vec<ScopeLogs>,
}

#[derive(Clone, PartialEq, Message)]
struct ScopeLogs {
    #[prost(message, optional, tag = "1")]
    scope: Option<otlp::Scope>,
    #[prost(message, repeated, tag = "2")]
    records: Vec<otlp::Log>,
}

/// One record, in the words of Loki.
pub(super) struct Record {
    pub(super) labels: Labels,
    pub(super) tenant: Option<String>,
    pub(super) entry: Entry,
}

impl Request {
    /// All records, in the order in which they came.
    pub(super) fn records(self, options: &Options, now: u64) -> impl Iterator<Item = Record> {
        self.resource_logs.into_iter().flat_map(move |logs| {
            let resource = Attributes::from(logs.resource.unwrap_or_default().attributes);
            logs.scope_logs.into_iter().flat_map(move |logs| {
                let (resource, scope) = (resource.clone(), logs.scope.unwrap_or_default());
                logs.records.into_iter().map(move |log| record(options, now, &resource, &scope, log))
            })
        })
    }
}

fn record(options: &Options, now: u64, resource: &Attributes, scope: &otlp::Scope, log: otlp::Log) -> Record {
    let attributes = Attributes::from(log.attributes);
    let hints = Hints { record: &attributes, resource };
    let (mut of_resource, mut of_record) = (Hinted::of(resource), Hinted::of(&attributes));
    let mut labels = default_labels(options.default_labels, resource);
    hints.names("loki.resource.labels").for_each(|name| of_resource.become_label(&name, &mut labels));
    hints.names("loki.attribute.labels").for_each(|name| of_record.become_label(&name, &mut labels));
    let level = level(log.severity);
    if options.default_labels.level && level.is_some() {
        match attributes.get("level") {
            Some(_) => of_record.become_label("level", &mut labels),
            None => labels.set("level", level.unwrap_or_default().to_owned()),
        }
    }
    if labels.is_empty() {
        labels.set("exporter", "OTLP".to_owned());
    }
    let tenant = hints.text("loki.tenant").and_then(|name| hints.attribute(&name).map(Value::to_string));
    let (trace_id, span_id) = (id(&log.trace_id), id(&log.span_id));
    let line = Line {
        name: &log.event_name,
        body: log.body.map(Value::from).unwrap_or_default(),
        trace_id: &trace_id,
        span_id: &span_id,
        severity: &log.severity_text,
        // Those of the trace; the others are reserved.
        flags: log.flags & 0xff,
        attributes: of_record,
        resources: of_resource,
        scope,
    };
    let format = hints.text("loki.format").map_or(Format::Json, |name| Format::named(&name));
    let metadata = [("trace_id", &trace_id), ("span_id", &span_id)].into_iter();
    let metadata = metadata.filter(|(_, id)| options.structured_metadata && !id.is_empty());
    let time = [log.time, log.observed, now].into_iter().find(|time| *time > 0).unwrap_or_default();
    let metadata = metadata.map(|(name, id)| (name, id.clone())).collect();
    Record { labels, tenant, entry: Entry { time, line: line.written(format), metadata } }
}

fn default_labels(wanted: DefaultLabels, resource: &Attributes) -> Labels {
    let mut labels = Labels::default();
    if wanted.exporter {
        labels.set("exporter", "OTLP".to_owned());
    }
    let text = |key: &str| resource.get(key).map(Value::to_string).filter(|text| !text.is_empty());
    if let Some(name) = text("service.name").filter(|_| wanted.job) {
        labels.set(
            "job",
            match text("service.namespace") {
                Some(namespace) => format!("{namespace}/{name}"),
                None => name,
            },
        );
    }
    if let Some(instance) = text("service.instance.id").filter(|_| wanted.instance) {
        labels.set("instance", instance);
    }
    labels
}

/// An id in digits; one that is absent or all zeros is none.
fn id(id: &[u8]) -> String {
    if id.iter().all(|byte| *byte == 0) { String::new() } else { hex(id) }
}
