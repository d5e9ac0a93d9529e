//! The line of a trace in the list: from stored bytes, without the whole model.

use super::{
    Name, Span, Summary,
    build::{self, decode, extent, parent},
    resource::{self, Resources},
    tally,
    tree::has_circle,
    value::hex,
};
use crate::{
    otlp,
    scan::TraceId,
    store::{Found, Stored},
    wire::{Field, Fields, Slice, Value},
};
use bytes::Bytes;
use prost::Message;
use std::collections::{BTreeSet, HashSet};

/// From this severity on, a log record tells of an error.
const ERROR: i32 = 17;

/// What a line of the list needs of a log record.
#[derive(Clone, PartialEq, Message)]
struct Severity {
    #[prost(int32, tag = "2")]
    number: i32,
}

/// One span of the trace: what the list needs, its resource, the whole of it.
struct Line<'a> {
    head: otlp::Head,
    resource: usize,
    stored: &'a Stored,
}

impl Line<'_> {
    fn is_root(&self) -> bool {
        parent(&self.head.parent_span_id).is_none()
    }

    fn failed(&self) -> bool {
        self.head.status.as_ref().is_some_and(|status| status.code == 2)
    }

    fn span(&self) -> Span {
        build::span(decode(self.stored.place.record(&self.stored.body)))
    }

    fn ids(&self) -> (&[u8], &[u8]) {
        (&self.head.span_id, &self.head.parent_span_id)
    }
}

/// The line of the list; `None` without spans. The resources are those of all lines.
pub(crate) fn summary(id: &TraceId, found: &Found, resources: &mut Resources) -> Option<Summary> {
    let mut seen = HashSet::new();
    let mut lines = Vec::with_capacity(found.spans.len());
    for stored in &found.spans {
        let mut head: otlp::Head = decode(stored.place.record(&stored.body));
        (head.start, head.end) = extent(head.start, head.end);
        if seen.insert(head.span_id.clone()) {
            lines.push(Line { head, resource: resources.of(stored), stored });
        }
    }
    lines.sort_by_key(|line| line.head.start);
    let root = lines.iter().find(|line| line.is_root());
    let title = root.or(lines.first())?;
    let shown = title.span();
    let names: Vec<Name> = lines.iter().map(|line| resources.service(line.resource)).collect();
    // Zero: neither start nor end was sent.
    let start = lines.iter().map(|line| line.head.start).filter(|start| *start > 0).min().unwrap_or(0);
    let end = lines.iter().map(|line| line.head.end).max().unwrap_or(0);
    let circle = has_circle(lines.iter().map(Line::ids));
    let orphans: Vec<&Line<'_>> =
        lines.iter().filter(|line| !line.is_root() && !seen.contains(&line.head.parent_span_id)).collect();
    let severity = |stored: &Stored| decode::<Severity>(stored.place.record(&stored.body)).number;
    Some(Summary {
        trace_id: hex(id),
        service: resources.service(title.resource).to_string(),
        http_status: shown.http_status(),
        path: shown.path().map(str::to_owned),
        name: shown.name.to_string(),
        start,
        duration: end - start,
        spans: lines.len(),
        errors: lines.iter().filter(|line| line.failed()).count(),
        services: tally(names.iter().map(Name::as_str)),
        error_logs: found.logs.iter().filter(|log| severity(log) >= ERROR).count(),
        complete: root.is_some() && orphans.is_empty() && !circle,
        called_from_outside: root.is_none() && !circle && have_one_caller(&orphans),
    })
}

/// The start of the earliest span, without decoding one; zero if none was sent.
pub(crate) fn start(spans: &[Stored]) -> u64 {
    let starts = spans.iter().filter_map(|stored| {
        let fields = Fields::of(stored.place.record(&stored.body)).map_while(Result::ok);
        let mut times = fields.filter_map(|field| match field {
            Field { number: 7 | 8, value: Value::Fixed64(time) } if time > 0 => Some(time),
            _ => None,
        });
        times.next()
    });
    starts.min().unwrap_or(0)
}

fn have_one_caller(orphans: &[&Line<'_>]) -> bool {
    let Some(first) = orphans.first() else { return false };
    let caller = &first.head.parent_span_id;
    orphans.iter().all(|line| line.head.parent_span_id == *caller && line.span().is_remote_child())
}

/// The services that sent requests of one signal, newest requests first: at most as many resources as the limit are looked at. Each
/// is decoded once, by its bytes; what it sent is skipped.
pub(crate) fn services(bodies: &[Bytes], limit: usize) -> BTreeSet<String> {
    let mut seen = HashSet::new();
    let resources = bodies.iter().flat_map(|body| {
        messages(Fields::of(body), 1).map(|spans| {
            let resource = messages(Fields::within(body, spans), 1).last();
            resource.map(|resource| resource.of(body)).unwrap_or_default()
        })
    });
    let new = resources.take(limit).filter(|bytes| seen.insert(*bytes));
    new.map(|bytes| resource::service(bytes).to_string()).collect()
}

fn messages(fields: Fields<'_>, wanted: u32) -> impl Iterator<Item = Slice> {
    fields.filter_map(move |field| match field {
        Ok(Field { number, value: Value::Slice(slice) }) if number == wanted => Some(slice),
        _ => None,
    })
}
