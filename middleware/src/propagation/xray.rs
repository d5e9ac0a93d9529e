//! `X-Amzn-Trace-Id`, as AWS X-Ray writes it.

use http::HeaderName;
use opentelemetry::{Context, SpanId, TraceId, trace::TraceContextExt};

use super::{
    carrier::{Sink, Source},
    field::AMAZON_TRACE_ID,
    hex,
    origin::{self, Decision, Origin},
    trim,
};

/// The header with a decision, to be filled in.
const TEMPLATE: [u8; 74] = *b"Root=1-00000000-000000000000000000000000;Parent=0000000000000000;Sampled=0";
/// The length of the header without a decision.
const UNDECIDED: usize = 64;

/// Reads and writes `X-Amzn-Trace-Id: Root=1-{8 digits}-{24 digits};Parent={16 digits};Sampled={0 or 1}`.
///
/// Fields may come in any order; those that are not known, like `Self` and `Lineage`, are left out. Without
/// `Sampled`, or with `Sampled=?`, the decision is the receiver's: see [`decision`](super::decision). A
/// `Root` without a `Parent`, as load balancers send it, begins no trace here: the API has no trace without
/// a span. Of several lines the first counts.
///
/// X-Ray once wanted the first eight digits of a trace id to be a time; ids that begin here are random.
#[derive(Clone, Copy, Debug, Default)]
pub struct XRay;

impl XRay {
    pub(super) fn fields() -> &'static [&'static HeaderName] {
        static FIELDS: [&HeaderName; 1] = [&AMAZON_TRACE_ID];
        &FIELDS
    }

    pub(super) fn read(&self, base: Option<&Context>, source: &impl Source) -> Option<Context> {
        let (ids, decision) = parse(source.lines(&AMAZON_TRACE_ID).next()?)?;
        Some(origin::with_ids(base, ids, decision))
    }

    pub(super) fn write(&self, context: &Context, sink: &mut impl Sink) {
        let span = context.span();
        let span = span.span_context();
        if !span.is_valid() {
            return;
        }
        let trace_id = span.trace_id().to_bytes();
        let mut value = TEMPLATE;
        hex::write(&trace_id[..4], &mut value[7..15]);
        hex::write(&trace_id[4..], &mut value[16..40]);
        hex::write(&span.span_id().to_bytes(), &mut value[48..64]);
        value[73] = if span.is_sampled() { b'1' } else { b'0' };
        let said = Origin::of(context, span).and_then(|origin| origin.decision);
        let is_undecided = said == Some(Decision::Defer) && span.is_remote();
        let value = if is_undecided { &value[..UNDECIDED] } else { &value[..] };
        sink.set(&AMAZON_TRACE_ID, hex::text(value));
    }
}

fn parse(line: &[u8]) -> Option<((TraceId, SpanId), Decision)> {
    let (mut root, mut parent, mut decision) = (None, None, Decision::Defer);
    for field in line.split(|byte| *byte == b';').map(trim) {
        if let Some(value) = field.strip_prefix(b"Root=") {
            root = Some(value);
        } else if let Some(value) = field.strip_prefix(b"Parent=") {
            parent = Some(value);
        } else if let Some(value) = field.strip_prefix(b"Sampled=") {
            decision = match value {
                b"1" => Decision::Accept,
                b"0" => Decision::Deny,
                _ => Decision::Defer,
            };
        }
    }
    let ([b'1', b'-', id @ ..], parent) = (root?, parent?) else { return None };
    if id.len() != 33 || id[8] != b'-' || parent.len() != 16 {
        return None;
    }
    let mut trace_id = [0; 32];
    trace_id[..8].copy_from_slice(&id[..8]);
    trace_id[8..].copy_from_slice(&id[9..]);
    Some((hex::read_ids(&trace_id, parent)?, decision))
}

#[cfg(test)]
mod tests;
