//! Pieces of the page of a trace, which a script puts into it: rows that were folded, the details of a span.

use super::{
    super::{
        palette::Palette,
        panel,
        query::Query,
        waterfall::{Axis, Outline, Path, Wanted, Waterfall},
    },
    Focus,
};
use crate::{
    intake::Intake,
    look,
    trace::{Span, Trace, parse},
};
use maud::Markup;
use std::collections::HashSet;

/// The rows that are asked for as `under` and `skip`; `None` when the trace is not kept.
pub(crate) fn rows(intake: &Intake, palette: &Palette, id: &str, query: &Query) -> Option<Markup> {
    let trace = look::trace(intake, &parse(id)?)?;
    let focus = Focus::of(&trace, query);
    let outline = Outline::of(&trace);
    let (axis, path) = (Axis::of(&trace, focus.zoom), Path::of(&trace));
    let under = focus.under.as_deref().and_then(|id| trace.place(id));
    let wanted = Wanted { under, skip: focus.skip, selected: None, found: &[], lines: focus.lines };
    let none = HashSet::new();
    let waterfall = Waterfall::new(&trace, &focus, &outline, (&axis, &path), palette, &none);
    Some(waterfall.rows(&outline.rows(&wanted), None))
}

/// The details of the span that is asked for; `None` when it is not kept.
pub(crate) fn details(intake: &Intake, palette: &Palette, id: &str, query: &Query) -> Option<Markup> {
    let trace = look::trace(intake, &parse(id)?)?;
    let focus = Focus::of(&trace, query);
    let span = trace.span(focus.span.as_deref()?)?;
    Some(panel(intake, &trace, span, &focus, palette))
}

pub(super) fn panel(intake: &Intake, trace: &Trace, span: &Span, focus: &Focus, palette: &Palette) -> Markup {
    let backlinks = look::backlinks(intake, &trace.trace_id, &span.span_id);
    panel::panel(trace, span, &backlinks, focus, palette)
}
