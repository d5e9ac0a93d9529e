//! From stored bytes to the model.

use super::{Attributes, Event, Kind, Link, LogRecord, Span, Status, Summary, Trace, count, value::hex};
use crate::{
    otlp,
    scan::{Item, TraceId, scan},
    store::{Found, Stored},
    wire::Fault,
};
use bytes::Bytes;
use prost::Message;
use std::collections::{HashMap, HashSet};
use throughline_sender::Signal;

/// Resources are few and repeated: each is decoded once, by its bytes.
#[derive(Default)]
struct Resources {
    known: HashMap<Bytes, usize>,
    all: Vec<(Attributes, String)>,
}

impl Resources {
    fn of(&mut self, stored: &Stored) -> usize {
        let bytes = stored.place.resource(&stored.body);
        if let Some(number) = self.known.get(bytes) {
            return *number;
        }
        let attributes = Attributes::from(decode::<otlp::Resource>(bytes).attributes);
        let service = attributes.service();
        self.all.push((attributes, service));
        self.known.insert(Bytes::copy_from_slice(bytes), self.all.len() - 1);
        self.all.len() - 1
    }

    fn service(&self, number: usize) -> &str {
        &self.all[number].1
    }
}

/// The line of the list; `None` without spans.
pub(crate) fn summary(id: &TraceId, spans: &[Stored]) -> Option<Summary> {
    let mut resources = Resources::default();
    let mut seen = HashSet::new();
    let mut heads = Vec::with_capacity(spans.len());
    for stored in spans {
        let head: otlp::Head = decode(stored.place.record(&stored.body));
        if seen.insert(head.span_id.clone()) {
            heads.push((head, resources.of(stored)));
        }
    }
    heads.sort_by_key(|(head, _)| head.start);
    let is_root = |head: &otlp::Head| parent(&head.parent_span_id).is_none();
    let root = heads.iter().find(|(head, _)| is_root(head));
    let (title, title_resource) = root.or(heads.first())?;
    let mut services = Vec::new();
    heads.iter().for_each(|(_, resource)| count(&mut services, resources.service(*resource)));
    let start = heads.iter().map(|(head, _)| head.start).min().unwrap_or(0);
    let end = heads.iter().map(|(head, _)| head.end.max(head.start)).max().unwrap_or(0);
    let error = |head: &otlp::Head| head.status.as_ref().is_some_and(|status| status.code == 2);
    Some(Summary {
        trace_id: hex(id),
        name: title.name.clone(),
        service: resources.service(*title_resource).to_owned(),
        start,
        duration: end - start,
        spans: heads.len(),
        errors: heads.iter().filter(|(head, _)| error(head)).count(),
        services,
        complete: root.is_some()
            && heads.iter().all(|(head, _)| is_root(head) || seen.contains(&head.parent_span_id)),
    })
}

/// The whole trace. A span that was sent twice is there once.
pub(crate) fn trace(id: &TraceId, found: &Found) -> Trace {
    let mut resources = Resources::default();
    let mut seen = HashSet::new();
    let mut spans = Vec::with_capacity(found.spans.len());
    for stored in &found.spans {
        let raw: otlp::Span = decode(stored.place.record(&stored.body));
        if seen.insert(raw.span_id.clone()) {
            let resource = resources.of(stored);
            spans.push(span(raw, resource, &resources, scope(stored)));
        }
    }
    let mut logs: Vec<LogRecord> = found.logs.iter().map(|stored| log(stored, &mut resources)).collect();
    logs.sort_by_key(|log| log.time);
    let resources = resources.all.into_iter().map(|(attributes, _)| attributes).collect();
    Trace { trace_id: hex(id), spans: in_tree_order(spans), logs, resources }
}

/// The log records of one request, as they were sent.
pub(crate) fn lines(body: &Bytes) -> Result<Vec<LogRecord>, Fault> {
    let mut resources = Resources::default();
    let stored = |item: Item| Stored { body: body.clone(), place: item.place };
    let items = scan(Signal::Logs, body)?.items;
    Ok(items.into_iter().map(|item| log(&stored(item), &mut resources)).collect())
}

fn span(raw: otlp::Span, resource: usize, resources: &Resources, scope: String) -> Span {
    let status = raw.status.unwrap_or_default();
    Span {
        span_id: hex(&raw.span_id),
        parent_span_id: parent(&raw.parent_span_id).map(hex),
        parent_missing: false,
        depth: 0,
        children: Vec::new(),
        name: raw.name,
        kind: match raw.kind {
            1 => Kind::Internal,
            2 => Kind::Server,
            3 => Kind::Client,
            4 => Kind::Producer,
            5 => Kind::Consumer,
            _ => Kind::Unspecified,
        },
        service: resources.service(resource).to_owned(),
        resource,
        scope,
        start: raw.start,
        end: raw.end.max(raw.start),
        attributes: raw.attributes.into(),
        events: raw.events.into_iter().map(event).collect(),
        links: raw.links.into_iter().map(link).collect(),
        status: match status.code {
            1 => Status::Ok,
            2 => Status::Error,
            _ => Status::Unset,
        },
        status_message: status.message,
        flags: raw.flags,
        trace_state: raw.trace_state,
    }
}

fn event(raw: otlp::Event) -> Event {
    Event { time: raw.time, name: raw.name, attributes: raw.attributes.into() }
}

fn link(raw: otlp::Link) -> Link {
    Link {
        trace_id: hex(&raw.trace_id),
        span_id: hex(&raw.span_id),
        trace_state: raw.trace_state,
        attributes: raw.attributes.into(),
    }
}

fn log(stored: &Stored, resources: &mut Resources) -> LogRecord {
    let raw: otlp::Log = decode(stored.place.record(&stored.body));
    let resource = resources.of(stored);
    LogRecord {
        time: if raw.time == 0 { raw.observed } else { raw.time },
        severity: raw.severity,
        level: if raw.severity_text.is_empty() { level(raw.severity).to_owned() } else { raw.severity_text },
        body: raw.body.unwrap_or_default().into(),
        attributes: raw.attributes.into(),
        trace_id: parent(&raw.trace_id).map(hex),
        span_id: parent(&raw.span_id).map(hex),
        service: resources.service(resource).to_owned(),
        scope: scope(stored),
        event_name: raw.event_name,
    }
}

fn level(severity: i32) -> &'static str {
    match severity {
        1..=4 => "TRACE",
        5..=8 => "DEBUG",
        9..=12 => "INFO",
        13..=16 => "WARN",
        17..=20 => "ERROR",
        21..=24 => "FATAL",
        _ => "",
    }
}

fn scope(stored: &Stored) -> String {
    let scope: otlp::Scope = decode(stored.place.scope(&stored.body));
    if scope.version.is_empty() { scope.name } else { format!("{} {}", scope.name, scope.version) }
}

/// Some senders write an absent id as zeros.
fn parent(id: &[u8]) -> Option<&[u8]> {
    (!id.iter().all(|byte| *byte == 0)).then_some(id)
}

/// What is stored was checked when it came, so that it decodes.
fn decode<M: Message + Default>(bytes: &[u8]) -> M {
    M::decode(bytes).unwrap_or_default()
}

/// Puts every span behind its parent and siblings in the order of their starts, without recursion.
fn in_tree_order(mut spans: Vec<Span>) -> Vec<Span> {
    spans.sort_by(|a, b| (a.start, &a.span_id).cmp(&(b.start, &b.span_id)));
    let by_id: HashMap<&str, usize> =
        spans.iter().enumerate().map(|(number, span)| (span.span_id.as_str(), number)).collect();
    let parents: Vec<Option<usize>> = spans
        .iter()
        .map(|span| span.parent_span_id.as_deref().and_then(|parent| by_id.get(parent).copied()))
        .collect();
    let mut children = vec![Vec::new(); spans.len()];
    for (number, parent) in parents.iter().enumerate() {
        if let Some(parent) = parent {
            children[*parent].push(number);
        }
    }
    let mut order = Vec::with_capacity(spans.len());
    let mut place = vec![usize::MAX; spans.len()];
    let roots = (0..spans.len()).filter(|number| parents[*number].is_none());
    // Behind them all: whoever is left then is in a circle of parents, or below one.
    for root in roots.chain(0..spans.len()) {
        let mut stack = vec![(if place[root] == usize::MAX { top(root, &parents) } else { root }, 0)];
        while let Some((number, depth)) = stack.pop() {
            if place[number] == usize::MAX {
                place[number] = order.len();
                order.push((number, depth));
                stack.extend(children[number].iter().rev().map(|child| (*child, depth + 1)));
            }
        }
    }
    let mut slots: Vec<Option<Span>> = spans.into_iter().map(Some).collect();
    let mut sorted: Vec<Span> = Vec::with_capacity(slots.len());
    for (number, depth) in order {
        let Some(mut span) = slots[number].take() else { continue };
        span.depth = depth;
        span.parent_missing = depth == 0 && span.parent_span_id.is_some();
        if let Some(parent) = parents[number].filter(|_| depth > 0) {
            sorted[place[parent]].children.push(place[number]);
        }
        sorted.push(span);
    }
    sorted
}

/// The root above a span, or a span of the circle that its ancestors form.
fn top(span: usize, parents: &[Option<usize>]) -> usize {
    let mut seen = HashSet::from([span]);
    let mut top = span;
    while let Some(parent) = parents[top] {
        top = parent;
        if !seen.insert(parent) {
            break;
        }
    }
    top
}
