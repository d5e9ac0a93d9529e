//! The ids of an event: those of the span it happens in.

use super::{line, span::Kept};
use opentelemetry::{
    Context, SpanId, TraceFlags, TraceId,
    trace::{SpanContext, TraceContextExt},
};
use std::sync::OnceLock;
use tracing::{
    Dispatch, Event,
    dispatcher::{self, WeakDispatch},
    span,
};
use tracing_opentelemetry::get_otel_context;
use tracing_subscriber::{Registry, registry::LookupSpan};

/// A span in its trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ids {
    pub(crate) trace_id: TraceId,
    pub(crate) span_id: SpanId,
    pub(crate) flags: TraceFlags,
}

impl Ids {
    /// Those of the active OpenTelemetry context: two nanoseconds and no lock.
    pub(crate) fn active() -> Option<Self> {
        if line::is_ending() {
            return None;
        }
        Context::map_current(|context| {
            context.has_active_span().then(|| Ids::of(context.span().span_context()))
        })?
    }

    /// Whether there are active ones, of a span that is sampled: what every measurement is asked, so nothing is copied.
    #[inline]
    pub(crate) fn are_sampled() -> bool {
        let is_sampled = |context: &Context| {
            context.has_active_span() && {
                let span = context.span();
                span.span_context().is_sampled() && span.span_context().is_valid()
            }
        };
        !line::is_ending() && Context::map_current(is_sampled)
    }

    fn of(span: &SpanContext) -> Option<Self> {
        span.is_valid().then(|| Ids {
            trace_id: span.trace_id(),
            span_id: span.span_id(),
            flags: span.trace_flags(),
        })
    }
}

/// The subscriber that a layer became a part of, in which spans can be looked up past every filter.
#[derive(Debug, Default)]
pub(crate) struct Spans(OnceLock<WeakDispatch>);

impl Spans {
    pub(crate) fn register(&self, dispatch: &Dispatch) {
        // A layer becomes part of one subscriber only.
        let _ = self.0.set(dispatch.downgrade());
    }

    /// The ids of an event: of the span it names, else of the active context. An event with `parent: None` has
    /// the latter too, since `tracing` makes that of a parent which a filter took away.
    pub(crate) fn ids(&self, event: &Event<'_>) -> Option<Ids> {
        match event.parent() {
            None => Ids::active(),
            // In a list of layers nobody said what the subscriber is: then it may still be that of the program.
            Some(parent) => match self.0.get() {
                Some(_) => self.ids_of(parent),
                None => dispatcher::get_default(|dispatch| ids_in(dispatch, parent)),
            },
        }
    }

    /// The ids of a `tracing` span.
    pub(crate) fn ids_of(&self, id: &span::Id) -> Option<Ids> {
        ids_in(&self.0.get()?.upgrade()?, id)
    }
}

/// The ids of a `tracing` span. One that is none of OpenTelemetry's, since its trace is not sampled or a filter
/// wants none, has the ids of the place where it was made.
fn ids_in(dispatch: &Dispatch, id: &span::Id) -> Option<Ids> {
    // Held, so that the spans cannot go away: to ask for the context of one that is gone would panic.
    let span = dispatch.downcast_ref::<Registry>()?.span(id)?;
    span.scope().find_map(|span| {
        let own = get_otel_context(&span.id(), dispatch);
        let own = own.and_then(|context| Ids::of(context.span().span_context()));
        own.or_else(|| span.extensions().get::<Kept>()?.origin)
    })
}
