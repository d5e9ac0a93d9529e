//! What an exchange has once its span is started.

use std::{cell::Cell, time::SystemTime};

use opentelemetry::{
    Context,
    trace::{Link, SpanBuilder, TraceContextExt},
};

use super::opening::{Opening, Settled, Tell};
use crate::{
    attributes,
    instruments::{Describe, Expected, Instruments},
    unrecorded,
};

/// A span that was started, or what stands for one.
pub(super) struct Started {
    pub(super) context: Context,
    pub(super) is_recorded: bool,
    /// Where it is not known here, the span has it from the tracer.
    pub(super) began: Option<SystemTime>,
    pub(super) settled: Settled,
}

impl Started {
    /// Starts the span; `tell` is called only if it is, or is about to be, recorded.
    #[inline]
    pub(super) fn start(
        instruments: &Instruments,
        parent: &Context,
        opening: &Opening<'_>,
        tell: Tell<'_>,
    ) -> Self {
        let expected = Expected::of(parent);
        let is_decided = expected == Expected::Unrecorded && instruments.rules().parent_decides;
        // Where telemetry is suppressed the parent goes on unchanged.
        if is_decided && !parent.is_telemetry_suppressed() {
            let (context, settled) = (unrecorded::child_of(parent), Settled::default());
            return Self { context, is_recorded: false, began: None, settled };
        }
        Self::ask(instruments, parent, opening, tell, expected)
    }

    /// Asks the tracer, which asks the sampler.
    fn ask(
        instruments: &Instruments,
        parent: &Context,
        opening: &Opening<'_>,
        tell: Tell<'_>,
        expected: Expected,
    ) -> Self {
        let settled = Cell::new(Settled::default());
        let describe = || {
            let mut draft = opening.draft(instruments.rules(), tell, &settled);
            if expected == Expected::Unrecorded {
                draft.name.get_or_insert_with(|| opening.series.span_name());
            }
            draft
        };
        let mut builder = match expected {
            // Most likely nobody will read more.
            Expected::Unrecorded => SpanBuilder::from_name(opening.series.brief_name()),
            Expected::Recorded | Expected::Either => SpanBuilder::from_name(opening.series.span_name()),
        };
        builder.span_kind = Some(instruments.side().kind());
        // A span that nobody keeps needs no time of day.
        builder.start_time = (expected != Expected::Unrecorded).then(SystemTime::now);
        let began = builder.start_time;
        builder.links =
            opening.link.map(|caller| vec![Link::with_context(caller.span().span_context().clone())]);
        let is_described = expected == Expected::Recorded || instruments.rules().sampled_by_attributes;
        if is_described {
            describe().complete(&mut builder);
        } else if expected == Expected::Either {
            builder.attributes = Some(Vec::with_capacity(attributes::MOST_ATTRIBUTES));
        }
        let describe: Option<Describe<'_>> = if is_described { None } else { Some(&describe) };
        let (context, is_recorded) = instruments.tracer().start(builder, parent, describe);
        Self { context, is_recorded, began, settled: settled.get() }
    }
}
