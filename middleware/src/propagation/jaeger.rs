//! `uber-trace-id` and `uberctx-…`, as Jaeger's own clients wrote them.

use http::HeaderName;
use opentelemetry::{
    Context, SpanId, TraceId,
    baggage::{Baggage as Members, BaggageExt},
    trace::TraceContextExt,
};

use super::{
    baggage,
    carrier::{Sink, Source},
    field::{UBER_BAGGAGE, UBER_TRACE_ID},
    hex,
    origin::{self, Decision, Origin},
    trim,
};
use crate::percent;

/// An `uber-trace-id` to be filled in.
const TEMPLATE: [u8; 54] = *b"00000000000000000000000000000000:0000000000000000:0:00";
/// More than the longest `uber-trace-id` has in bytes, all of it percent-coded.
const LIMIT_BYTES: usize = 256;
const SAMPLED: u8 = 0x01;
const DEBUG: u8 = 0x02;

/// Reads and writes `uber-trace-id: {trace id}:{span id}:{parent id}:{flags}` and its baggage,
/// `uberctx-{name}: {value}`.
///
/// The value may be percent-coded. Ids may be short and are filled with zeros in front. The id of the
/// parent's parent is not read, and written as 0. Flag 1 is sampled; flag 2, debug, implies it and is sent on
/// whatever a sampler says. Of several lines the first counts. Baggage is added to what the context has, up
/// to 64 members and 8,192 bytes; HTTP makes its names lower-case.
///
/// The format is deprecated, also by Jaeger, in favour of W3C's.
#[derive(Clone, Copy, Debug, Default)]
pub struct Jaeger;

impl Jaeger {
    /// Without those of the baggage, whose names the program makes.
    pub(super) fn fields() -> &'static [&'static HeaderName] {
        static FIELDS: [&HeaderName; 1] = [&UBER_TRACE_ID];
        &FIELDS
    }

    pub(super) fn read(&self, base: Option<&Context>, source: &impl Source) -> Option<Context> {
        let parent = source.lines(&UBER_TRACE_ID).next().and_then(parse);
        let context = parent.map(|(ids, decision)| origin::with_ids(base, ids, decision));
        read_baggage(context.as_ref().or(base), source).or(context)
    }

    pub(super) fn write(&self, context: &Context, sink: &mut impl Sink) {
        let span = context.span();
        let span = span.span_context();
        if span.is_valid() {
            let said = Origin::of(context, span).and_then(|origin| origin.decision);
            let sampled = if span.is_sampled() { SAMPLED } else { 0 };
            let flags = if said == Some(Decision::Debug) { SAMPLED | DEBUG } else { sampled };
            let mut value = TEMPLATE;
            hex::write(&span.trace_id().to_bytes(), &mut value[..32]);
            hex::write(&span.span_id().to_bytes(), &mut value[33..49]);
            hex::write(&[flags], &mut value[52..]);
            sink.set(&UBER_TRACE_ID, hex::text(&value));
        }
        write_baggage(context.baggage(), sink);
    }
}

/// Parses the ids and the flags.
fn parse(line: &[u8]) -> Option<((TraceId, SpanId), Decision)> {
    let line = std::str::from_utf8(trim(line)).ok().filter(|line| line.len() < LIMIT_BYTES)?;
    let line = Vec::from_iter(percent::decoded(line));
    let parts = Vec::from_iter(line.split(|byte| *byte == b':'));
    let [trace_id, span_id, _, flags] = parts[..] else { return None };
    let ids = hex::read_ids(&padded::<32>(trace_id)?, &padded::<16>(span_id)?)?;
    let flags = matches!(flags.len(), 1 | 2).then_some(flags)?;
    let flags = u8::try_from(hex::read(flags)?).ok()?;
    let decision = match (flags & DEBUG != 0, flags & SAMPLED != 0) {
        (true, _) => Decision::Debug,
        (false, true) => Decision::Accept,
        (false, false) => Decision::Deny,
    };
    Some((ids, decision))
}

/// Puts back the zeros that short ids begin with.
fn padded<const N: usize>(digits: &[u8]) -> Option<[u8; N]> {
    let mut padded = [b'0'; N];
    padded.get_mut(N.checked_sub(digits.len())?..)?.copy_from_slice(digits);
    Some(padded)
}

fn read_baggage(base: Option<&Context>, source: &impl Source) -> Option<Context> {
    let mut length = 0;
    // Each costs a search, which may go through all fields.
    let first = source.prefixed(UBER_BAGGAGE).take(baggage::MOST_MEMBERS);
    let within = first.take_while(|(name, value)| {
        length += name.len() + value.len();
        length <= baggage::LIMIT_BYTES
    });
    let valid = within.filter_map(|(name, value)| {
        let value = std::str::from_utf8(value).ok().filter(|value| value.is_ascii())?;
        baggage::is_token(name).then(|| (name.to_owned(), baggage::decode(value).into_owned()))
    });
    let mut members = Members::new();
    for (name, value) in valid {
        members.insert(name, value);
    }
    if members.is_empty() {
        return None;
    }
    let base = base.cloned().unwrap_or_default();
    for (name, (value, properties)) in base.baggage() {
        if members.get(name.as_str()).is_none_or(|known| known == value) {
            members.insert_with_metadata(name.clone(), value.clone(), properties.clone());
        }
    }
    Some(base.with_baggage(members))
}

fn write_baggage(members: &Members, sink: &mut impl Sink) {
    let mut length = 0;
    for (name, value, _) in baggage::sorted(members) {
        let name = format!("{UBER_BAGGAGE}{name}");
        let mut coded = String::new();
        baggage::encode(value, baggage::is_plain, &mut coded);
        length += name.len() + coded.len();
        if length <= baggage::LIMIT_BYTES {
            sink.set_named(&name, coded);
        }
    }
}

#[cfg(test)]
mod tests;
