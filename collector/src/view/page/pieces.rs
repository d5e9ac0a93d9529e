//! Pieces of the page of a trace, which a script puts into it: rows that were folded, the details of a span.

use super::{
    super::{
        condition::Condition,
        palette::Palette,
        panel,
        query::Query,
        waterfall::{Axis, Outline, Path, Wanted, Waterfall},
    },
    Focus, found,
    head::tools,
};
use crate::{
    intake::Intake,
    look,
    trace::{Span, Trace, parse},
};
use maud::{Markup, html};
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

/// The bar, and the details of the span that is asked for, if it is; `None` when the trace is not kept.
pub(crate) fn details(intake: &Intake, palette: &Palette, id: &str, query: &Query) -> Option<Markup> {
    let trace = look::trace(intake, &parse(id)?)?;
    let focus = Focus::of(&trace, query);
    let condition = Condition::parse(&focus.find);
    let found = found(&trace, &focus, &condition);
    let span = focus.span.as_deref().and_then(|id| trace.span(id));
    Some(html! {
        (tools(&trace, &focus, &found, condition.err().as_ref()))
        @if let Some(span) = span { (panel(intake, &trace, span, &focus, palette)) }
    })
}

pub(super) fn panel(intake: &Intake, trace: &Trace, span: &Span, focus: &Focus, palette: &Palette) -> Markup {
    let backlinks = look::backlinks(intake, &trace.trace_id, &span.span_id);
    panel::panel(trace, span, &backlinks, focus, palette)
}
