//! The spans of a trace over time.

mod axis;
mod path;
pub(crate) mod peer;
mod rows;
#[cfg(test)]
mod tests;

pub(crate) use axis::Axis;
pub(crate) use path::Path;
pub(crate) use rows::{MAX_ROWS, Outline, Row, Wanted};

use super::{
    line,
    page::Focus,
    palette::Palette,
    panel,
    text::{http_status, name, several, short},
};
use crate::{
    time::{clock, duration},
    trace::{Kind, LogRecord, Span, Status, Trace},
};
use axis::percent;
use maud::{Markup, html};
use std::collections::{HashMap, HashSet};

/// How many levels are indented; the style sheet has as many. Deeper spans say how deep they are.
const MAX_INDENT: usize = 20;

/// How many log records and events a bar shows, and how many pieces of the critical path.
const MAX_DOTS: usize = 50;
const MAX_PIECES: usize = 12;

/// The shortest piece of the critical path that is drawn, in per cent of the width.
const MIN_PIECE: f64 = 0.05;

/// All that rows are made of.
pub(crate) struct Waterfall<'a> {
    pub(crate) trace: &'a Trace,
    pub(crate) focus: &'a Focus,
    pub(crate) outline: &'a Outline<'a>,
    pub(crate) axis: &'a Axis,
    pub(crate) path: &'a Path,
    pub(crate) palette: &'a Palette,
    /// The places of the spans that are found.
    pub(crate) found: &'a HashSet<usize>,
    logs: HashMap<&'a str, Vec<&'a LogRecord>>,
}

impl<'a> Waterfall<'a> {
    pub(crate) fn new(
        trace: &'a Trace,
        focus: &'a Focus,
        outline: &'a Outline<'a>,
        (axis, path): (&'a Axis, &'a Path),
        palette: &'a Palette,
        found: &'a HashSet<usize>,
    ) -> Self {
        let mut logs: HashMap<&str, Vec<&LogRecord>> = HashMap::new();
        for log in &trace.logs {
            logs.entry(log.span_id.as_deref().unwrap_or_default()).or_default().push(log);
        }
        Waterfall { trace, focus, outline, axis, path, palette, found, logs }
    }

    /// The head with the times, which a script lets zoom.
    pub(crate) fn head(&self) -> Markup {
        let (from, to) = self.axis.extent();
        html! {
            div.axis.grid data-from=(from) data-to=(to) {
                span.label { "Span" }
                (self.axis.marks())
            }
        }
    }

    /// The rows. The details of the selected span stand in its row; where there is room, the style sheet moves them to
    /// the side.
    pub(crate) fn rows(&self, rows: &[Row<'_>], panel: Option<&Markup>) -> Markup {
        html! {
            @for row in rows {
                @match row {
                    Row::Span { place, folded } => (self.span(*place, *folded, panel)),
                    Row::Line { depth, log } => (self.line(*depth, log)),
                    Row::Peer { place, name } => (self.peer(*place, name)),
                    Row::Gap { under, skip, count, depth } => (self.gap(*under, *skip, *count, *depth)),
                }
            }
        }
    }

    fn span(&self, place: usize, folded: usize, panel: Option<&Markup>) -> Markup {
        let Some(span) = self.trace.spans.get(place) else { return html! {} };
        let is_selected = self.focus.span.as_ref() == Some(&span.span_id);
        let failed = span.status == Status::Error;
        // A click on the selected span closes its details.
        let link = if is_selected { self.focus.close() } else { self.focus.select(span) };
        html! {
            li.row.grid.chosen[is_selected].failed[failed].hit[self.found.contains(&place)]
                .{ "s" (self.palette.colour(&span.service)) } id={ "span-" (span.span_id) } data-depth=(span.depth) {
                span.label.(indent(span.depth)) {
                    @if span.depth > MAX_INDENT { span.depth title="levels above it" { (span.depth) } }
                    (self.fold(span, folded))
                    a.open href=(link) data-row { (self.words(place, span)) }
                    (self.marks(place, span))
                }
                (self.bar(place, span))
                @if let Some(panel) = panel.filter(|_| is_selected) { (panel) }
            }
        }
    }

    /// Without a script it leads to the descendants alone.
    fn fold(&self, span: &Span, folded: usize) -> Markup {
        let words = |count| format!("{} below {}", several(count, "span"), name(&span.name));
        html! {
            @if folded > 0 {
                a.fold href=(self.focus.below(Some(span), 0)) data-fetch aria-expanded="false" title=(words(folded)) {
                    span.unseen { (words(folded)) }
                }
                span.badge.plain { "+" (folded) }
            } @else if !span.children.is_empty() {
                a.fold href=(self.focus.below(Some(span), 0)) aria-expanded="true" {
                    span.unseen { "Fold " (name(&span.name)) }
                }
            } @else { span.leaf {} }
        }
    }

    fn words(&self, place: usize, span: &Span) -> Markup {
        let is_new = self.outline.parent(place).is_none_or(|parent| parent.service != span.service);
        html! {
            span.stripe {}
            @if is_new { span.service { (name(&span.service)) } " " }
            span.name title=(name(&span.name)) { (name(&span.name)) }
            @if let Some(path) = span.path() { " " span.path { (short(path)) } }
        }
    }

    fn marks(&self, place: usize, span: &Span) -> Markup {
        let from_outside = self.trace.called_from_outside();
        let skew = self.outline.parent(place).and_then(|parent| peer::skew(parent, span));
        html! {
            @if !matches!(span.kind, Kind::Internal | Kind::Unspecified) { span.kind { (span.kind.name()) } }
            (http_status(span.http_status()))
            @if span.status == Status::Error { span.cross title={ "Error" (short(&panel::cause(span))) } { "!" } }
            @if span.parent_missing && !from_outside {
                span.badge title="its parent is not here (yet)" { "no parent" }
            }
            @if let Some(skew) = skew {
                span.badge title="it lies outside of the call that it answers: the clocks of the two machines differ at least by this" {
                    "clock " (if skew < 0 { "−" } else { "+" }) (duration(skew.unsigned_abs()))
                }
            }
        }
    }

    fn bar(&self, place: usize, span: &Span) -> Markup {
        let (from, to) = (self.axis.at(span.start), self.axis.at(span.end));
        if !self.axis.shows(span.start, span.end) {
            let side = if to < 0.0 { "before" } else { "after" };
            return html! { span.away.(side) { (duration(span.duration())) } };
        }
        // Even the shortest span gets a line that can be seen.
        let (x, width) = (percent(from.min(99.7)), percent((to - from).max(0.3)));
        // The text stands where there is room: behind the bar, before it, or on it.
        let (at, anchor, shift, side) = match (from, to) {
            (_, to) if to < 84.0 => (to, "start", "7", "beside"),
            (from, _) if from > 16.0 => (from, "end", "-7", "beside"),
            _ => (to.min(100.0), "end", "-8", "inside"),
        };
        html! {
            svg.extent width="100%" height="26" aria-hidden="true" {
                rect.fill x=(x) y="6" width=(width) height="11" rx="2.5" {}
                @if span.status == Status::Error { rect.ring x=(x) y="4" width=(width) height="15" rx="3.5" {} }
                @for (x, width) in self.pieces(place) { rect.path x=(x) y="18.5" width=(width) height="2.5" {} }
                @for event in span.events.iter().filter(|event| self.axis.shows(event.time, event.time)).take(MAX_DOTS) {
                    circle.event cx=(percent(self.axis.at(event.time))) cy="11.5" r="3" {}
                }
                @for log in self.logs.get(span.span_id.as_str()).into_iter().flatten()
                    .filter(|log| self.axis.shows(log.time, log.time)).take(MAX_DOTS) {
                    circle.{ "log level-" (line::tone(log)) } cx=(percent(self.axis.at(log.time))) cy="11.5" r="2.6" {}
                }
                text.(side) x=(percent(at)) dx=(shift) y="16" text-anchor=(anchor) { (duration(span.duration())) }
            }
        }
    }

    /// When the span was on the critical path: pieces that nearly touch are one.
    fn pieces(&self, place: usize) -> Vec<(String, String)> {
        let mut joined: Vec<(f64, f64)> = Vec::new();
        for (from, to) in self.path.pieces(place) {
            let (from, to) = (self.axis.at(*from).max(0.0), self.axis.at(*to).min(100.0));
            match joined.last_mut() {
                Some((begin, _)) if *begin - to < MIN_PIECE => *begin = from,
                _ if to - from >= MIN_PIECE => joined.push((from, to)),
                _ => {}
            }
        }
        let drawn = joined.into_iter().take(MAX_PIECES);
        drawn.map(|(from, to)| (percent(from), percent((to - from).max(0.1)))).collect()
    }

    fn line(&self, depth: usize, log: &LogRecord) -> Markup {
        let at = self.axis.at(log.time);
        html! {
            li.row.grid.line-row data-depth=(depth) {
                span.label.(indent(depth)) {
                    span.leaf {}
                    (line::level(log)) span.message { (line::message(log)) }
                }
                span.extent {
                    @if (0.0..=100.0).contains(&at) {
                        svg width="100%" height="20" aria-hidden="true" {
                            circle.{ "log level-" (line::tone(log)) } cx=(percent(at)) cy="10" r="3" {}
                        }
                    } @else { span.hint { (clock(log.time)) } }
                }
            }
        }
    }

    /// The lane of somebody who tells nothing: as long as the call.
    fn peer(&self, place: usize, peer: &str) -> Markup {
        let Some(span) = self.trace.spans.get(place) else { return html! {} };
        let (from, to) = (self.axis.at(span.start), self.axis.at(span.end));
        html! {
            li.row.grid.peer data-depth=(span.depth + 1) {
                span.label.(indent(span.depth + 1)) {
                    span.leaf {} span.stripe {}
                    span.name title={ (name(peer)) " tells nothing of this call itself" } { (name(peer)) }
                    span.hint { "not instrumented" }
                }
                svg.extent width="100%" height="20" aria-hidden="true" {
                    @if self.axis.shows(span.start, span.end) {
                        rect.ghost x=(percent(from.min(99.7))) y="5" width=(percent((to - from).max(0.3))) height="9" rx="2.5" {}
                    }
                }
            }
        }
    }

    fn gap(&self, under: Option<usize>, skip: usize, count: usize, depth: usize) -> Markup {
        let under = under.and_then(|place| self.trace.spans.get(place));
        html! {
            li.row.gap data-depth=(depth) {
                span.label.(indent(depth)) {
                    span.leaf {}
                    a.more href=(self.focus.below(under, skip)) data-fetch data-row { (several(count, "more span")) }
                }
            }
        }
    }
}

fn indent(depth: usize) -> String {
    format!("d{}", depth.min(MAX_INDENT))
}
