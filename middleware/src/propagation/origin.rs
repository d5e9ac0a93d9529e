//! What came with a trace from outside and the API's span context cannot hold.

use opentelemetry::{
    Context, SpanId, TraceFlags, TraceId,
    trace::{SpanContext, TraceContextExt, TraceState},
};

use super::tracestate;

/// The trace is recorded by whoever sent it.
pub(super) const SAMPLED: u8 = 0x01;
/// The trace id's low 56 bits are random (W3C Trace Context level 2 §2.2.3.2.2).
pub(super) const RANDOM: u8 = 0x02;

/// What a caller says about recording that the flags of a span context cannot say. B3 says all of it, X-Ray
/// the first and Jaeger the last; see [`decision`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Decision {
    /// Leaves it to the receiver whether the trace is recorded, though it gave the ids.
    Defer,
    /// Wants the trace that begins here not to be recorded.
    Deny,
    /// Wants the trace that begins here to be recorded.
    Accept,
    /// Wants the trace to be recorded, by all means.
    Debug,
}

/// Returns what the caller said about recording the span that begins in this context, where that is more
/// than a sampled flag: for samplers, which otherwise take a deferred decision for a no and do not hear of
/// one that came without ids. None for a span below another of this process.
///
/// ```
/// use http::HeaderMap;
/// use opentelemetry::{Context, propagation::TextMapPropagator};
/// use throughline_middleware::propagation::{B3, Decision, HeaderExtractor, decision};
///
/// let mut incoming = HeaderMap::new();
/// incoming.insert("b3", "0".parse()?);
/// let context = B3.extract_with_context(&Context::new(), &HeaderExtractor(&incoming));
/// assert_eq!(decision(&context), Some(Decision::Deny));
/// # Ok::<_, http::header::InvalidHeaderValue>(())
/// ```
pub fn decision(context: &Context) -> Option<Decision> {
    let span = context.span();
    let span = span.span_context();
    if span.is_valid() && !span.is_remote() {
        return None;
    }
    let trace_id = span.is_valid().then(|| span.trace_id());
    context.get::<Origin>().filter(|origin| origin.trace_id == trace_id)?.decision
}

/// What a context keeps of the trace that it continues: the SDK forgets flags when it drops a span, and the
/// API refuses keys that level 2 allows.
#[derive(Clone, Debug, Default)]
pub(super) struct Origin {
    /// The trace that came so; none: whichever is in the context.
    trace_id: Option<TraceId>,
    /// Whether it came with [`RANDOM`]; none: it begins here.
    pub(super) random: Option<bool>,
    pub(super) decision: Option<Decision>,
    /// The members of its `tracestate` as they came, joined.
    members: String,
    /// Whether there are members that the API's type cannot hold, and samplers do not see.
    hides: bool,
}

thread_local! {
    /// A context that holds nothing but that its trace came without the random flag, as most do. It is
    /// shared, so that a request that comes so costs no more than its span; not by all threads, which would
    /// contend for its count.
    static NOT_RANDOM: Context = Context::new().with_value(Origin::NOT_RANDOM);
}

impl Origin {
    /// It names no trace: a flag that is not set only says that nothing is known (§2.2.3.2.2), which is true
    /// of every trace.
    const NOT_RANDOM: Self =
        Self { trace_id: None, random: Some(false), decision: None, members: String::new(), hides: false };

    /// Returns what is known of the trace of a span.
    pub(super) fn of<'a>(context: &'a Context, span: &SpanContext) -> Option<&'a Self> {
        let is_same = |origin: &&Self| origin.trace_id.is_none_or(|trace_id| trace_id == span.trace_id());
        context.get::<Self>().filter(is_same)
    }

    /// Returns the `tracestate` to send on with a span: as it came, unless somebody in the process changed
    /// the members that the API shows. Then theirs come first, after them those that the API could not show
    /// (§3.5: unknown members are not removed).
    pub(super) fn state(&self, state: &TraceState) -> String {
        if self.members.is_empty() {
            return state.header();
        }
        let is_shown = |member: &(&str, &str)| !self.hides || tracestate::is_shown(*member);
        if tracestate::members(&self.members).filter(is_shown).eq(state) {
            return self.members.clone();
        }
        let kept = tracestate::members(&self.members).filter(|member| !is_shown(member));
        tracestate::join(&state.into_iter().chain(kept).take(tracestate::MOST_MEMBERS).collect::<Vec<_>>())
    }
}

/// Returns the base, or an empty context, with the span of a `traceparent` and what its origin is. `members`
/// is its `tracestate` as it came, `random_ids` what is assumed of traces of which nothing is noted.
#[inline]
pub(super) fn with_parent(
    base: Option<&Context>,
    span: SpanContext,
    members: &[(&str, &str)],
    random_ids: bool,
) -> Context {
    let random = span.trace_flags().to_u8() & RANDOM != 0;
    let is_plain = members.is_empty();
    match base {
        None if is_plain && !random => without_random(span),
        None if is_plain && random_ids => Context::new().with_remote_span_context(span),
        // Is passed on as one that started here: there is nothing to note.
        Some(base) if is_plain && random == random_ids && base.get::<Origin>().is_none() => {
            base.with_remote_span_context(span)
        }
        _ => {
            // Said by another format of the same trace; what else it said, the flags say now.
            let earlier = base.and_then(|base| Origin::of(base, &span)?.decision);
            let decision = earlier.filter(|decision| *decision == Decision::Debug);
            let hides = span.trace_state().into_iter().len() < members.len();
            let (trace_id, members) = (Some(span.trace_id()), tracestate::join(members));
            let origin = Origin { trace_id, random: Some(random), decision, members, hides };
            base.unwrap_or(&Context::new()).with_value(origin).with_remote_span_context(span)
        }
    }
}

/// Returns an empty context with the span of a trace that came without the random flag.
#[inline]
fn without_random(span: SpanContext) -> Context {
    let base = NOT_RANDOM.try_with(Context::clone);
    // A thread that ends has none any more.
    base.unwrap_or_else(|_| Context::new().with_value(Origin::NOT_RANDOM)).with_remote_span_context(span)
}

/// Returns the base, or an empty context, with a span of a format that has ids and a decision, but neither
/// the flags nor the state of W3C. Where the base has the same span, from another format, it keeps those.
pub(super) fn with_ids(base: Option<&Context>, ids: (TraceId, SpanId), decision: Decision) -> Context {
    let is_sampled = matches!(decision, Decision::Accept | Decision::Debug);
    let said = matches!(decision, Decision::Debug | Decision::Defer).then_some(decision);
    if base.is_none() && said.is_none() {
        let flags = TraceFlags::default().with_sampled(is_sampled);
        return without_random(SpanContext::new(ids.0, ids.1, flags, true, TraceState::NONE));
    }
    let base = base.cloned().unwrap_or_default();
    let earlier = base.span().span_context().clone();
    let is_same = earlier.is_remote() && (earlier.trace_id(), earlier.span_id()) == ids;
    if is_same && decision == Decision::Defer {
        return base;
    }
    let earlier = if is_same { earlier } else { SpanContext::NONE };
    let flags = earlier.trace_flags().with_sampled(is_sampled);
    let origin = Origin {
        trace_id: Some(ids.0),
        random: Some(flags.to_u8() & RANDOM != 0),
        decision: said,
        ..Origin::of(&base, &earlier).filter(|_| is_same).cloned().unwrap_or_default()
    };
    let span = SpanContext::new(ids.0, ids.1, flags, true, earlier.trace_state().clone());
    base.with_value(origin).with_remote_span_context(span)
}

/// Returns the base, or an empty context, with a decision for the trace that begins in it; none if one is
/// continued.
pub(super) fn with_decision(base: Option<&Context>, decision: Decision) -> Option<Context> {
    let base = base.cloned().unwrap_or_default();
    let origin = Origin { decision: Some(decision), ..Origin::default() };
    (!base.span().span_context().is_valid()).then(|| base.with_value(origin))
}

/// Notes of a trace that a propagator of somebody else read how its flag was: else it would count as one
/// that started here.
pub(super) fn noted(context: Context) -> Context {
    let span = context.span().span_context().clone();
    let random = span.trace_flags().to_u8() & RANDOM != 0;
    let is_noted = Origin::of(&context, &span).is_some_and(|origin| origin.random.is_some());
    if is_noted || random || !span.is_valid() || !span.is_remote() {
        return context;
    }
    let (trace_id, members) = (Some(span.trace_id()), span.trace_state().header());
    context.with_value(Origin { trace_id, random: Some(false), members, ..Origin::default() })
}
