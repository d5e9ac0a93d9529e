//! `b3` and `X-B3-…`, as Zipkin writes them.
//!
//! Ours and not opentelemetry-propagator-b3 0.33.1: that notes a missing decision in the flag that W3C uses
//! for random ids, does not sample the `d` of the single header, and does not know a decision without ids.

use http::HeaderName;
use opentelemetry::{Context, SpanId, TraceId, trace::TraceContextExt};

use super::{
    carrier::{Sink, Source},
    field, hex,
    origin::{self, Decision, Origin},
    trim,
};

/// A single header that says all there is to say, to be filled in.
const TEMPLATE: [u8; 51] = *b"00000000000000000000000000000000-0000000000000000-0";
/// The length of the single header without a state.
const UNDECIDED: usize = 49;
const DEBUG: u8 = b'd';
const ACCEPT: u8 = b'1';
const DENY: u8 = b'0';

/// Reads both forms of B3 and writes the single header, `b3: {trace id}-{span id}-{state}`.
///
/// The single header wins over the others; a form that is not valid is not read, and of lines of the same
/// name the first counts. Trace ids of 64 bits become ids of 128 bits with zeros in front. The state is `1`
/// for sampled, `0` for not sampled, `d` for debug, and may come without ids. Debug implies sampled, and is
/// sent on whatever a sampler says. Where the state is missing the decision is the receiver's: see
/// [`decision`](super::decision). The id of the parent's parent is not read and not written.
#[derive(Clone, Copy, Debug, Default)]
pub struct B3;

/// Reads both forms of B3 like [`B3`], and writes the form of several headers, `X-B3-TraceId`,
/// `X-B3-SpanId`, and `X-B3-Sampled` or `X-B3-Flags: 1` for debug.
#[derive(Clone, Copy, Debug, Default)]
pub struct B3Multi;

/// What both forms read.
pub(super) static READ: [&HeaderName; 5] =
    [&field::B3, &field::B3_TRACE_ID, &field::B3_SPAN_ID, &field::B3_SAMPLED, &field::B3_FLAGS];

impl B3 {
    pub(super) fn fields() -> &'static [&'static HeaderName] {
        static FIELDS: [&HeaderName; 1] = [&field::B3];
        &FIELDS
    }

    pub(super) fn read(&self, base: Option<&Context>, source: &impl Source) -> Option<Context> {
        read(base, source)
    }

    pub(super) fn write(&self, context: &Context, sink: &mut impl Sink) {
        let (ids, state) = outgoing(context);
        let Some((trace_id, span_id)) = ids else {
            return state.into_iter().for_each(|state| sink.set(&field::B3, char::from(state).into()));
        };
        let mut value = TEMPLATE;
        hex::write(&trace_id.to_bytes(), &mut value[..32]);
        hex::write(&span_id.to_bytes(), &mut value[33..49]);
        value[50] = state.unwrap_or_default();
        let value = if state.is_some() { &value[..] } else { &value[..UNDECIDED] };
        sink.set(&field::B3, hex::text(value));
    }
}

impl B3Multi {
    pub(super) fn fields() -> &'static [&'static HeaderName] {
        static FIELDS: [&HeaderName; 4] =
            [&field::B3_TRACE_ID, &field::B3_SPAN_ID, &field::B3_SAMPLED, &field::B3_FLAGS];
        &FIELDS
    }

    pub(super) fn read(&self, base: Option<&Context>, source: &impl Source) -> Option<Context> {
        read(base, source)
    }

    pub(super) fn write(&self, context: &Context, sink: &mut impl Sink) {
        let (ids, state) = outgoing(context);
        if let Some((trace_id, span_id)) = ids {
            sink.set(&field::B3_TRACE_ID, trace_id.to_string());
            sink.set(&field::B3_SPAN_ID, span_id.to_string());
        }
        match state {
            Some(DEBUG) => sink.set(&field::B3_FLAGS, "1".to_owned()),
            Some(state) => sink.set(&field::B3_SAMPLED, char::from(state).into()),
            None => {}
        }
    }
}

/// Returns the ids and the state to send on.
fn outgoing(context: &Context) -> (Option<(TraceId, SpanId)>, Option<u8>) {
    let span = context.span();
    let span = span.span_context();
    let said = Origin::of(context, span).and_then(|origin| origin.decision);
    let state = match said {
        Some(Decision::Debug) => Some(DEBUG),
        Some(Decision::Defer) if span.is_remote() => None,
        Some(Decision::Accept) if !span.is_valid() => Some(ACCEPT),
        Some(Decision::Deny) if !span.is_valid() => Some(DENY),
        _ if !span.is_valid() => None,
        _ => Some(if span.is_sampled() { ACCEPT } else { DENY }),
    };
    (span.is_valid().then(|| (span.trace_id(), span.span_id())), state)
}

fn read(base: Option<&Context>, source: &impl Source) -> Option<Context> {
    let single = first(source, &field::B3).and_then(read_single);
    match single.or_else(|| read_multi(source))? {
        (Some(ids), decision) => Some(origin::with_ids(base, ids, decision)),
        (None, decision) => origin::with_decision(base, decision),
    }
}

/// Ids and decision, or a decision alone.
type Said = (Option<(TraceId, SpanId)>, Decision);

/// Parses `{trace id}-{span id}[-{state}[-{parent}]]`, or `{state}`.
fn read_single(line: &[u8]) -> Option<Said> {
    if let Some(decision) = state(line) {
        return Some((None, decision));
    }
    let mut parts = line.splitn(5, |byte| *byte == b'-');
    let ids = ids(parts.next()?, parts.next()?)?;
    let decision = parts.next().map_or(Some(Decision::Defer), state)?;
    let is_parent = |parent: &[u8]| parent.len() == 16 && hex::read(parent).is_some();
    (parts.next().is_none_or(is_parent) && parts.next().is_none()).then_some((Some(ids), decision))
}

/// Reads `X-B3-…`.
fn read_multi(source: &impl Source) -> Option<Said> {
    let debug = first(source, &field::B3_FLAGS).filter(|flags| *flags == b"1");
    let decision = match (debug, first(source, &field::B3_SAMPLED)) {
        (Some(_), _) => Some(Decision::Debug),
        (None, Some(b"d")) => return None,
        (None, Some(sampled)) => Some(state(sampled).or_else(|| word(sampled))?),
        (None, None) => None,
    };
    match (first(source, &field::B3_TRACE_ID), first(source, &field::B3_SPAN_ID)) {
        (None, None) => decision.map(|decision| (None, decision)),
        (Some(trace_id), Some(span_id)) => {
            Some((Some(ids(trace_id, span_id)?), decision.unwrap_or(Decision::Defer)))
        }
        _ => None,
    }
}

fn first<'a>(source: &'a impl Source, name: &'static HeaderName) -> Option<&'a [u8]> {
    source.lines(name).next().map(trim)
}

fn ids(trace_id: &[u8], span_id: &[u8]) -> Option<(TraceId, SpanId)> {
    let is_complete = matches!(trace_id.len(), 16 | 32) && span_id.len() == 16;
    hex::read_ids(trace_id, span_id).filter(|_| is_complete)
}

fn state(state: &[u8]) -> Option<Decision> {
    match *state {
        [ACCEPT] => Some(Decision::Accept),
        [DENY] => Some(Decision::Deny),
        [DEBUG] => Some(Decision::Debug),
        _ => None,
    }
}

/// What tracers wrote before the numbers.
fn word(sampled: &[u8]) -> Option<Decision> {
    match sampled {
        b"true" => Some(Decision::Accept),
        b"false" => Some(Decision::Deny),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
