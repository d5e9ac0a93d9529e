//! What came with a trace from outside and the API's span context cannot hold.

use std::sync::LazyLock;

use opentelemetry::{
    Context, TraceId,
    trace::{SpanContext, TraceContextExt, TraceState},
};

use super::tracestate;

/// The trace id's low 56 bits are random (W3C Trace Context level 2 §2.2.3.2.2).
pub(super) const RANDOM: u8 = 0x02;

/// What a context keeps of the trace that it continues: the SDK forgets flags when it drops a span, and the
/// API refuses keys that level 2 allows.
#[derive(Debug)]
pub(super) struct Origin {
    /// The trace that came so; none: any.
    trace_id: Option<TraceId>,
    /// Whether it came with [`RANDOM`].
    pub(super) random: bool,
    /// The members of its `tracestate` as they came, joined.
    members: String,
    /// The members that the API's type can hold, which samplers see.
    seen: TraceState,
}

/// A context that holds nothing but a trace without the random flag, as most come. It is shared, so that a
/// request that comes so costs no more than its span. It names no trace: a flag that is not set only says
/// that nothing is known (§2.2.3.2.2), which is true of every trace.
static NOT_RANDOM: LazyLock<Context> = LazyLock::new(|| {
    Context::new().with_value(Origin {
        trace_id: None,
        random: false,
        members: String::new(),
        seen: TraceState::NONE,
    })
});

impl Origin {
    /// Returns what is known of the trace of a span.
    pub(super) fn of<'a>(context: &'a Context, span: &SpanContext) -> Option<&'a Self> {
        let is_same = |origin: &&Self| origin.trace_id.is_none_or(|trace_id| trace_id == span.trace_id());
        context.get::<Self>().filter(is_same)
    }

    /// Returns the `tracestate` to send on with a span: as it came, unless somebody in the process changed
    /// the members that the API shows. Then theirs come first, after them those that the API could not show
    /// (§3.5: unknown members are not removed).
    pub(super) fn state(&self, state: &TraceState) -> String {
        if self.seen == *state {
            return self.members.clone();
        }
        let kept = tracestate::members(&self.members).filter(|(key, _)| self.seen.get(key).is_none());
        tracestate::join(&state.into_iter().chain(kept).take(tracestate::MOST_MEMBERS).collect::<Vec<_>>())
    }
}

/// Returns the context of a trace from outside: the base, or an empty one, with the span and with what its
/// origin is. `members` is the span's `tracestate` as it came, `random_ids` what is assumed of traces of
/// which nothing is noted.
pub(super) fn with_remote(
    base: Option<&Context>,
    span: SpanContext,
    members: String,
    random_ids: bool,
) -> Context {
    let random = span.trace_flags().to_u8() & RANDOM != 0;
    let is_plain = members.is_empty();
    match base {
        None if is_plain && !random => NOT_RANDOM.with_remote_span_context(span),
        None if is_plain && random_ids => Context::new().with_remote_span_context(span),
        // Is passed on as one that started here: there is nothing to note.
        Some(base) if is_plain && random == random_ids && base.get::<Origin>().is_none() => {
            base.with_remote_span_context(span)
        }
        _ => {
            let seen = span.trace_state().clone();
            let origin = Origin { trace_id: Some(span.trace_id()), random, members, seen };
            base.unwrap_or(&Context::new()).with_value(origin).with_remote_span_context(span)
        }
    }
}

/// Notes of a trace that a propagator of somebody else read how its flag was: else it would count as one
/// that started here.
pub(super) fn noted(context: Context) -> Context {
    let span = context.span().span_context().clone();
    let random = span.trace_flags().to_u8() & RANDOM != 0;
    if random || !span.is_valid() || !span.is_remote() || Origin::of(&context, &span).is_some() {
        return context;
    }
    let (trace_id, seen) = (Some(span.trace_id()), span.trace_state().clone());
    context.with_value(Origin { trace_id, random, members: seen.header(), seen })
}
