//! From stored bytes to the model.

use super::{
    Event, Kind, Link, LogRecord, Name, Span, Status, Trace, resource::Resources, tree::in_tree_order,
    value::hex,
};
use crate::{
    otlp,
    scan::{Record, TraceId, logs},
    store::{Found, Stored},
};
use bytes::Bytes;
use prost::Message;
use std::{
    cmp::Reverse,
    collections::{BinaryHeap, HashSet},
};

/// The whole trace. A span that was sent twice is there once.
pub(crate) fn trace(id: &TraceId, found: &Found) -> Trace {
    let mut resources = Resources::default();
    let mut seen = HashSet::new();
    let mut spans = Vec::with_capacity(found.spans.len());
    for stored in &found.spans {
        let raw: otlp::Span = decode(stored.place.record(&stored.body));
        if seen.insert(raw.span_id.clone()) {
            let resource = resources.of(stored);
            let (service, scope) = (resources.service(resource), resources.scope(stored));
            spans.push(Span { resource, service, scope, ..span(raw) });
        }
    }
    let mut logs: Vec<LogRecord> = found.logs.iter().map(|stored| log(stored, &mut resources)).collect();
    logs.sort_by_key(|log| log.time);
    let spans = in_tree_order(spans);
    let places = spans.iter().enumerate().filter_map(|(at, span)| Some((key(&span.span_id)?, at))).collect();
    Trace { trace_id: hex(id), spans, logs, resources: resources.into_attributes(), places }
}

/// A span id as a number.
pub(super) fn key(span_id: &str) -> Option<u64> {
    u64::from_str_radix(span_id, 16).ok()
}

/// When a log record was written or seen.
#[derive(Clone, PartialEq, Message)]
struct Moment {
    #[prost(fixed64, tag = "1")]
    time: u64,
    #[prost(fixed64, tag = "11")]
    observed: u64,
}

/// The newest log records that pass, of requests that come newest first: at most as many as the limit, out of at most so
/// many. Says besides whether all were looked at.
pub(crate) fn matching(
    bodies: impl IntoIterator<Item = Bytes>,
    limit: usize,
    most: usize,
    pass: impl Fn(&LogRecord) -> bool,
) -> (Vec<LogRecord>, bool) {
    let (mut requests, mut places, mut is_cut) = (Vec::new(), Vec::new(), false);
    for body in bodies {
        if places.len() >= most {
            is_cut = true;
            break;
        }
        places.extend(newest(&body, most).into_iter().map(|(time, place)| (time, requests.len(), place)));
        requests.push(body);
    }
    // What one service sends last need not be the newest: the latest time first, of one time what came last.
    places.sort_by_key(|(time, _, _)| Reverse(*time));
    let mut resources = Resources::default();
    let logs = places.into_iter().filter_map(|(_, chunk, place)| {
        let body = requests.get(chunk)?.clone();
        Some(log(&Stored { chunk: chunk as u64, body, place }, &mut resources))
    });
    let mut matching: Vec<LogRecord> = logs.filter(pass).take(limit.saturating_add(1)).collect();
    let is_all = matching.len() <= limit && !is_cut;
    matching.truncate(limit);
    (matching, is_all)
}

/// Where the log records of a request are that pass.
pub(crate) fn passing(body: &Bytes, pass: impl Fn(&LogRecord) -> bool) -> HashSet<usize> {
    let (mut resources, mut passing) = (Resources::default(), HashSet::new());
    let each = |place: Record| {
        if pass(&log(&Stored { chunk: 0, body: body.clone(), place }, &mut resources)) {
            passing.insert(place.record as usize);
        }
    };
    // What is stored was checked when it came.
    let _ = logs(body, each);
    passing
}

/// The log records with the latest times, and these; of those with the same time, the last ones.
fn newest(body: &[u8], limit: usize) -> Vec<(u64, Record)> {
    let mut kept = BinaryHeap::new();
    let each = |place: Record| {
        let moment: Moment = decode(place.record(body));
        kept.push(Reverse((if moment.time == 0 { moment.observed } else { moment.time }, place)));
        if kept.len() > limit {
            kept.pop();
        }
    };
    // What is stored was checked when it came.
    let _ = logs(body, each);
    kept.into_sorted_vec().into_iter().map(|Reverse(newest)| newest).collect()
}

/// One span without its resource and scope, not yet at its place in the tree.
pub(super) fn span(raw: otlp::Span) -> Span {
    let (start, end) = extent(raw.start, raw.end);
    let status = raw.status.unwrap_or_default();
    Span {
        span_id: hex(&raw.span_id),
        parent_span_id: parent(&raw.parent_span_id).map(hex),
        parent_missing: false,
        depth: 0,
        children: Vec::new(),
        name: raw.name.into(),
        kind: match raw.kind {
            1 => Kind::Internal,
            2 => Kind::Server,
            3 => Kind::Client,
            4 => Kind::Producer,
            5 => Kind::Consumer,
            _ => Kind::Unspecified,
        },
        service: Name::default(),
        resource: 0,
        scope: Name::default(),
        start,
        end,
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

/// Start and end of a span. A start that was not sent is not 1970.
pub(super) fn extent(start: u64, end: u64) -> (u64, u64) {
    (if start == 0 { end } else { start }, end.max(start))
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
        service: resources.service(resource),
        scope: resources.scope(stored),
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

/// Some senders write an absent id as zeros.
pub(crate) fn parent(id: &[u8]) -> Option<&[u8]> {
    (!id.iter().all(|byte| *byte == 0)).then_some(id)
}

/// What is stored was checked when it came, so that it decodes.
pub(crate) fn decode<M: Message + Default>(bytes: &[u8]) -> M {
    M::decode(bytes).unwrap_or_default()
}
