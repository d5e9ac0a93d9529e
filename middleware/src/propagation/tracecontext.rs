//! `traceparent` and `tracestate`, strictly as W3C Trace Context level 2 writes them.

use http::HeaderName;
use opentelemetry::{
    Context, SpanId, TraceFlags, TraceId,
    trace::{SpanContext, TraceContextExt, TraceState},
};

use super::{
    carrier::{Sink, Source},
    field::{TRACEPARENT, TRACESTATE},
    hex,
    origin::{self, Origin, RANDOM, SAMPLED},
    tracestate, trim,
};

/// A `traceparent` of version 00, to be filled in.
const TEMPLATE: [u8; 55] = *b"00-00000000000000000000000000000000-0000000000000000-00";

/// Reads and writes `traceparent` and `tracestate` (W3C Trace Context level 2).
///
/// A `traceparent` that is not valid, or of which there are two, starts a new trace, and its `tracestate`
/// is not looked at. A `tracestate` that is not valid is dropped and the trace goes on. Lines of
/// `tracestate` are joined in order; unknown members are passed on.
///
/// The flag "random trace id" (`0x02`) is passed on as it came, also where nothing is sampled. Traces that
/// start here have it, unless [`random_ids`](Self::random_ids) says otherwise.
#[derive(Clone, Debug)]
pub struct TraceContext {
    random_ids: bool,
}

impl TraceContext {
    /// Says whether traces that start here have random ids, as the SDK's own generator makes them; default
    /// true. Say false where a custom generator makes ids whose low 56 bits are not random.
    #[must_use]
    pub fn random_ids(mut self, random: bool) -> Self {
        self.random_ids = random;
        self
    }

    pub(super) fn fields() -> &'static [&'static HeaderName] {
        static FIELDS: [&HeaderName; 2] = [&TRACEPARENT, &TRACESTATE];
        &FIELDS
    }

    #[inline]
    pub(super) fn read(&self, base: Option<&Context>, source: &impl Source) -> Option<Context> {
        let mut lines = source.lines(&TRACEPARENT);
        let (Some(line), None) = (lines.next(), lines.next()) else { return None };
        let (trace_id, span_id, flags) = parse(line)?;
        let mut states = source.lines(&TRACESTATE).peekable();
        // Most callers send none.
        let is_stateless = states.peek().is_none();
        let members = if is_stateless { None } else { tracestate::parse(states) }.unwrap_or_default();
        let shown = if is_stateless { TraceState::NONE } else { tracestate::shown(&members) };
        let span = SpanContext::new(trace_id, span_id, flags, true, shown);
        Some(origin::with_parent(base, span, &members, self.random_ids))
    }

    pub(super) fn write(&self, context: &Context, sink: &mut impl Sink) {
        let span = context.span();
        let span = span.span_context();
        if !span.is_valid() {
            return;
        }
        let origin = Origin::of(context, span);
        let noted = origin.and_then(|origin| origin.random);
        let random = noted.unwrap_or(self.random_ids && !span.is_remote());
        sink.set(&TRACEPARENT, format(span, random));
        let state = match origin {
            Some(origin) => origin.state(span.trace_state()),
            None => span.trace_state().header(),
        };
        if !state.is_empty() {
            sink.set(&TRACESTATE, state);
        }
    }
}

impl Default for TraceContext {
    fn default() -> Self {
        Self { random_ids: true }
    }
}

/// Parses `{version}-{trace id}-{parent id}-{flags}` (§3.2.2), of the flags those that are known. Version 00
/// has nothing after it; later ones may have more after another dash and are read as far as it (§3.2.4).
#[inline]
fn parse(line: &[u8]) -> Option<(TraceId, SpanId, TraceFlags)> {
    // One that has just the length has no space to lose.
    let line = if line.len() == TEMPLATE.len() { line } else { trim(line) };
    let (parent, rest) = line.split_first_chunk::<{ TEMPLATE.len() }>()?;
    let is_separated = parent[2] == b'-' && parent[35] == b'-' && parent[52] == b'-';
    let (trace_id, span_id) = (parent[3..].first_chunk()?, parent[36..].first_chunk()?);
    let version_and_flags = [parent[0], parent[1], parent[53], parent[54]];
    let (trace_id, span_id, [version, flags]) = hex::read_parent(trace_id, span_id, &version_and_flags)?;
    let is_continued = rest.is_empty() || (version != 0x00 && rest[0] == b'-');
    if version == 0xff || !is_separated || !is_continued {
        return None;
    }
    Some((trace_id, span_id, TraceFlags::new(flags & (SAMPLED | RANDOM))))
}

/// Writes a `traceparent` of version 00.
fn format(span: &SpanContext, random: bool) -> String {
    let known = span.trace_flags().to_u8() & (SAMPLED | RANDOM);
    let flags = known | if random { RANDOM } else { 0 };
    let mut parent = TEMPLATE;
    hex::write(&span.trace_id().to_bytes(), &mut parent[3..35]);
    hex::write(&span.span_id().to_bytes(), &mut parent[36..52]);
    hex::write(&[flags], &mut parent[53..]);
    hex::text(&parent)
}

#[cfg(test)]
mod tests;
