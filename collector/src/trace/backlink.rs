//! Who points to a span: links lead one way, and are looked for the other way round.

use super::{Name, build::decode, resource::Resources, value::hex};
use crate::{otlp, scan::items, store::Stored};
use bytes::Bytes;
use memchr::memmem::Finder;
use throughline_sender::Signal;

/// A span with a link to the one that is looked at.
pub(crate) struct Backlink {
    /// 32 hexadecimal digits.
    pub(crate) trace_id: String,
    /// 16 hexadecimal digits.
    pub(crate) span_id: String,
    pub(crate) name: Name,
    pub(crate) service: Name,
}

/// The spans of the requests that have a link to a span, at most as many as the limit. Only what has the bytes of its
/// id in it is decoded.
pub(crate) fn backlinks(
    bodies: impl Iterator<Item = (u64, Bytes)>,
    (trace, span): (&[u8], &[u8]),
    limit: usize,
) -> Vec<Backlink> {
    let finder = Finder::new(span);
    let mut resources = Resources::default();
    let mut backlinks = Vec::new();
    for (chunk, body) in bodies.filter(|(_, body)| finder.find(body).is_some()) {
        // What is stored was checked when it came.
        for item in items(Signal::Traces, &body, 0).unwrap_or_default() {
            let record = item.place.record(&body);
            if backlinks.len() == limit {
                return backlinks;
            }
            if finder.find(record).is_none() {
                continue;
            }
            let raw: otlp::Span = decode(record);
            if raw.links.iter().any(|link| link.trace_id == trace && link.span_id == span) {
                let resource = resources.of(&Stored { chunk, body: body.clone(), place: item.place });
                let (trace_id, span_id) = (hex(&raw.trace_id), hex(&raw.span_id));
                let service = resources.service(resource);
                backlinks.push(Backlink { trace_id, span_id, name: raw.name.into(), service });
            }
        }
    }
    backlinks
}
