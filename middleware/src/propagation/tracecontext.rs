//! `traceparent` and `tracestate`, strictly as W3C Trace Context level 2 writes them.

use std::{fmt::Write, sync::LazyLock};

use opentelemetry::{
    Context, SpanId, TraceFlags, TraceId,
    propagation::{Extractor, Injector, TextMapPropagator, text_map_propagator::FieldIter},
    trace::{SpanContext, TraceContextExt, TraceState},
};

use super::OPTIONAL_WHITESPACE;

pub(super) const TRACEPARENT: &str = "traceparent";
pub(super) const TRACESTATE: &str = "tracestate";

/// Length in bytes of a `traceparent` of version 00: `00-{32}-{16}-{2}`.
const TRACEPARENT_LENGTH: usize = 55;
const SAMPLED: u8 = 0x01;
/// The trace id's low 56 bits are random (level 2 §2.2.3.2.2).
const RANDOM: u8 = 0x02;
/// Most members of a `tracestate` (§3.3.1.1).
const MOST_MEMBERS: usize = 32;
/// Longest key and longest value of a `tracestate` member, in bytes (§3.3.1.3).
const MEMBER_LIMIT_BYTES: usize = 256;

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
    fields: &'static [String],
}

impl TraceContext {
    /// Says whether traces that start here have random ids, as the SDK's own generator makes them; default
    /// true. Say false where a custom generator makes ids whose low 56 bits are not random.
    #[must_use]
    pub fn random_ids(mut self, random: bool) -> Self {
        self.random_ids = random;
        self
    }
}

impl Default for TraceContext {
    fn default() -> Self {
        static FIELDS: LazyLock<[String; 2]> = LazyLock::new(|| [TRACEPARENT, TRACESTATE].map(String::from));
        Self { random_ids: true, fields: &*FIELDS }
    }
}

/// What came with a trace from outside and the API's span context cannot hold: the SDK forgets flags when
/// it drops a span, and the API refuses keys that level 2 allows.
#[derive(Debug)]
struct Origin {
    trace_id: TraceId,
    random: bool,
    /// The members as they came, joined.
    members: String,
    /// The members that the API's type can hold, which samplers see.
    seen: TraceState,
}

impl TextMapPropagator for TraceContext {
    fn inject_context(&self, context: &Context, injector: &mut dyn Injector) {
        let span = context.span();
        let span = span.span_context();
        if !span.is_valid() {
            return;
        }
        let origin = context.get::<Origin>().filter(|origin| origin.trace_id == span.trace_id());
        let random = match origin {
            Some(origin) => origin.random,
            None => self.random_ids && !span.is_remote(),
        };
        let known = span.trace_flags().to_u8() & (SAMPLED | RANDOM);
        let flags = known | if random { RANDOM } else { 0 };

        let mut parent = String::with_capacity(TRACEPARENT_LENGTH);
        // Writing to a string does not fail.
        let _ = write!(parent, "00-{}-{}-{flags:02x}", span.trace_id(), span.span_id());
        injector.set(TRACEPARENT, parent);

        let state = match origin {
            Some(origin) if origin.seen == *span.trace_state() => origin.members.clone(),
            Some(origin) => origin.changed_to(span.trace_state()),
            None => span.trace_state().header(),
        };
        if !state.is_empty() {
            injector.set(TRACESTATE, state);
        }
    }

    fn extract_with_context(&self, context: &Context, extractor: &dyn Extractor) -> Context {
        let Some(lines) = extractor.get_all(TRACEPARENT) else { return context.clone() };
        let [line] = lines[..] else { return context.clone() };
        let Some((trace_id, span_id, flags)) = parse_parent(line) else { return context.clone() };

        let lines = extractor.get_all(TRACESTATE).unwrap_or_default();
        let members = parse_state(&lines).unwrap_or_default();
        let seen = seen(&members);
        let flags = flags & (SAMPLED | RANDOM);
        let random = flags & RANDOM != 0;
        let span = SpanContext::new(trace_id, span_id, TraceFlags::new(flags), true, seen.clone());
        if random == self.random_ids && members.is_empty() && context.get::<Origin>().is_none() {
            // Is passed on as one that started here: there is nothing to remember.
            return context.with_remote_span_context(span);
        }
        let origin = Origin { trace_id, random, members: join(&members), seen };
        context.with_value(origin).with_remote_span_context(span)
    }

    fn fields(&self) -> FieldIter<'_> {
        FieldIter::new(self.fields)
    }
}

impl Origin {
    /// Returns the members after somebody in the process changed those that the API shows: theirs first,
    /// then the ones it could not show (§3.5: unknown members are not removed).
    fn changed_to(&self, state: &TraceState) -> String {
        let kept = members(&self.members).filter(|(key, _)| self.seen.get(key).is_none());
        join(&state.into_iter().chain(kept).take(MOST_MEMBERS).collect::<Vec<_>>())
    }
}

/// Notes of a trace that another propagator read how its flag was: else it would count as one that started
/// here.
pub(super) fn with_origin(context: Context) -> Context {
    let span = context.span().span_context().clone();
    let is_known = context.get::<Origin>().is_some_and(|origin| origin.trace_id == span.trace_id());
    let random = span.trace_flags().to_u8() & RANDOM != 0;
    if is_known || random || !span.is_valid() || !span.is_remote() {
        return context;
    }
    context.with_value(Origin {
        trace_id: span.trace_id(),
        random,
        members: span.trace_state().header(),
        seen: span.trace_state().clone(),
    })
}

/// Parses `{version}-{trace id}-{parent id}-{flags}` (§3.2.2). Version 00 has nothing after it; later ones
/// may have more after another dash and are read as far as it (§3.2.4).
fn parse_parent(line: &str) -> Option<(TraceId, SpanId, u8)> {
    let bytes = line.trim_matches(OPTIONAL_WHITESPACE).as_bytes();
    let (parent, rest) = bytes.split_at_checked(TRACEPARENT_LENGTH)?;
    let version = hex(&parent[..2])?;
    let is_separated = parent[2] == b'-' && parent[35] == b'-' && parent[52] == b'-';
    let is_continued = rest.is_empty() || (version != 0x00 && rest[0] == b'-');
    if version == 0xff || !is_separated || !is_continued {
        return None;
    }
    let trace_id = TraceId::from(hex(&parent[3..35])?);
    let span_id = SpanId::from(u64::try_from(hex(&parent[36..52])?).ok()?);
    let flags = u8::try_from(hex(&parent[53..])?).ok()?;
    (trace_id != TraceId::INVALID && span_id != SpanId::INVALID).then_some((trace_id, span_id, flags))
}

/// Reads up to 32 lower-case hexadecimal digits.
fn hex(digits: &[u8]) -> Option<u128> {
    digits.iter().try_fold(0, |number: u128, digit| {
        let value = match digit {
            b'0'..=b'9' => digit - b'0',
            b'a'..=b'f' => digit - b'a' + 10,
            _ => return None,
        };
        Some(number << 4 | u128::from(value))
    })
}

/// Parses the lines of `tracestate` (§3.3.1). One member that is not valid, or one too many, voids the
/// list; of members with the same key the first is kept.
fn parse_state<'a>(lines: &[&'a str]) -> Option<Vec<(&'a str, &'a str)>> {
    let mut members = Vec::<(&str, &str)>::new();
    for member in lines.iter().flat_map(|line| line.split(',')) {
        let member = member.trim_matches(OPTIONAL_WHITESPACE);
        if member.is_empty() {
            continue;
        }
        let (key, value) = member.split_once('=')?;
        if !is_key(key) || !is_value(value) {
            return None;
        }
        if members.iter().any(|(known, _)| *known == key) {
            continue;
        }
        if members.len() == MOST_MEMBERS {
            return None;
        }
        members.push((key, value));
    }
    Some(members)
}

fn is_key(key: &str) -> bool {
    let is_first = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let is_further = |byte: u8| is_first(&byte) || b"_-*/@".contains(&byte);
    key.len() <= MEMBER_LIMIT_BYTES
        && key.as_bytes().first().is_some_and(is_first)
        && key.bytes().all(is_further)
}

fn is_value(value: &str) -> bool {
    let is_allowed = |byte: u8| matches!(byte, b' '..=b'~') && byte != b',' && byte != b'=';
    (1..=MEMBER_LIMIT_BYTES).contains(&value.len()) && !value.ends_with(' ') && value.bytes().all(is_allowed)
}

/// Returns as many of the members as the API's type accepts: it still has level 1's rule for `@`.
fn seen(members: &[(&str, &str)]) -> TraceState {
    let accepted = |member: &&(&str, &str)| TraceState::from_key_value([**member]).is_ok();
    TraceState::from_key_value(members.iter().copied())
        .or_else(|_| TraceState::from_key_value(members.iter().filter(accepted).copied()))
        .unwrap_or_default()
}

/// Splits what [`join`] joined.
fn members(joined: &str) -> impl Iterator<Item = (&str, &str)> {
    joined.split(',').filter_map(|member| member.split_once('='))
}

fn join(members: &[(&str, &str)]) -> String {
    let length = members.iter().map(|(key, value)| key.len() + value.len() + 2).sum();
    let mut joined = String::with_capacity(length);
    for (key, value) in members {
        let separator = if joined.is_empty() { "" } else { "," };
        joined.extend([separator, key, "=", value]);
    }
    joined
}

#[cfg(test)]
mod tests;
