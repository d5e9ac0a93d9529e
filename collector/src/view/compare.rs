//! Two traces beside each other: spans of the same service, kind and name below the same parent are the same.

use super::{
    frame::{Frame, Tab, empty},
    palette::Palette,
    query::Query,
    text::{http_status, name, several},
};
use crate::{
    intake::Intake,
    look,
    time::{clock, day, duration},
    trace::{Kind, Span, Status, Trace, parse},
};
use maud::{Markup, html};
use std::collections::{HashMap, VecDeque};

/// How many rows are shown.
const MAX_ROWS: usize = 500;

/// How many levels are indented; the style sheet has as many.
const MAX_INDENT: usize = 20;

/// Below how many times its length a duration counts as the same.
const SAME: f64 = 1.1;

/// A span of both, or of one of them.
struct Pair<'a> {
    depth: usize,
    spans: [Option<&'a Span>; 2],
}

/// The page for the two traces of the query.
pub(crate) fn page(intake: &Intake, palette: &Palette, query: &Query) -> Markup {
    let ids: Vec<_> = query.values("trace").filter_map(parse).collect();
    let content = match ids[..] {
        [first, second] if first != second => {
            match (look::trace(intake, &first), look::trace(intake, &second)) {
                (Some(first), Some(second)) => compared(&[first, second], palette),
                _ => refused("One of the traces is not here any more"),
            }
        }
        _ => refused("Mark two traces to compare them"),
    };
    Frame::new(Tab::Traces, "Two traces").page(content)
}

fn refused(heading: &str) -> Markup {
    empty(heading, html! { p { a.button href="/" { "All traces" } } })
}

fn compared(traces: &[Trace; 2], palette: &Palette) -> Markup {
    let pairs = pairs(traces);
    let longest =
        pairs.iter().flat_map(|pair| pair.spans).flatten().map(Span::duration).max().unwrap_or(0).max(1);
    html! {
        section.title {
            p.back { a href="/" { "Traces" } " / two of them" }
            h1 { "Two traces" }
        }
        div.cards.two {
            @for (trace, letter) in traces.iter().zip(["A", "B"]) { (head(trace, letter)) }
        }
        div.sheet {
            table.compared {
                thead {
                    tr { th { "Span" } th.took { "A" } th.took { "B" } th.number { "B − A" } }
                }
                tbody { @for pair in pairs.iter().take(MAX_ROWS) { (line(traces, pair, longest, palette)) } }
            }
        }
        @if pairs.len() > MAX_ROWS { p.hint { (several(pairs.len() - MAX_ROWS, "more span")) } }
    }
}

fn head(trace: &Trace, letter: &str) -> Markup {
    let (start, end) = trace.extent();
    let title = trace.title();
    html! {
        div.sheet.card {
            h2 {
                span.badge.plain { (letter) } " "
                a href={ "/trace/" (trace.trace_id) } { (title.map_or("log records only".to_owned(), |span| name(&span.name))) }
                " " (http_status(title.and_then(Span::http_status)))
                @if trace.errors() > 0 { " " span.badge.bad { (several(trace.errors(), "error")) } }
            }
            p.hint {
                (duration(end - start)) " · " (several(trace.spans.len(), "span")) " · " (day(start)) " " (clock(start))
                " · " span.id { (trace.trace_id.get(..8).unwrap_or_default()) }
            }
        }
    }
}

fn line(traces: &[Trace; 2], pair: &Pair<'_>, longest: u64, palette: &Palette) -> Markup {
    let [first, second] = pair.spans;
    let Some(span) = first.or(second) else { return html! {} };
    html! {
        tr {
            td {
                div.label.{ "s" (palette.colour(&span.service)) " d" (pair.depth.min(MAX_INDENT)) } {
                    span.stripe title=(name(&span.service)) {}
                    span.service { (name(&span.service)) }
                    span.name title=(name(&span.name)) { (name(&span.name)) }
                    @if !matches!(span.kind, Kind::Internal | Kind::Unspecified) { span.kind { (span.kind.name()) } }
                }
            }
            @for (trace, span) in traces.iter().zip(pair.spans) { td.took { (bar(trace, span, longest)) } }
            td.number { (difference(first, second)) }
        }
    }
}

fn bar(trace: &Trace, span: Option<&Span>, longest: u64) -> Markup {
    let share = |span: &Span| span.duration() as f64 * 100.0 / longest as f64;
    html! {
        @match span {
            Some(span) => {
                a.line.failed[span.status == Status::Error] data-row
                    href={ "/trace/" (trace.trace_id) "?span=" (span.span_id) } {
                    span.value { (duration(span.duration())) }
                    svg.share width="100%" height="6" aria-hidden="true" {
                        rect.fill width={ (format!("{:.1}", share(span).max(0.5))) "%" } height="6" rx="3" {}
                    }
                }
            }
            None => span.hint { "not there" }
        }
    }
}

fn difference(first: Option<&Span>, second: Option<&Span>) -> Markup {
    let (Some(first), Some(second)) = (first, second) else {
        return html! { span.badge.plain { @if first.is_some() { "only in A" } @else { "only in B" } } };
    };
    let (first, second) = (first.duration(), second.duration());
    let ratio = second.max(1) as f64 / first.max(1) as f64;
    let tone = match ratio {
        ratio if ratio > SAME => "warn",
        ratio if ratio < 1.0 / SAME => "good",
        _ => "hint",
    };
    let sign = if second >= first { "+" } else { "−" };
    html! { span.(tone) { (sign) (duration(second.abs_diff(first))) } }
}

/// The spans of both in the order of the first tree; what only the second has stands behind its siblings.
fn pairs(traces: &[Trace; 2]) -> Vec<Pair<'_>> {
    let roots = |trace: &Trace| -> Vec<usize> {
        trace.spans.iter().enumerate().filter(|(_, span)| span.depth == 0).map(|(place, _)| place).collect()
    };
    let mut pairs = Vec::new();
    let mut stack = Vec::new();
    let mut next = matched(traces, [&roots(&traces[0]), &roots(&traces[1])]);
    let mut depth = 0;
    loop {
        // Last first, since the stack gives back the last one first.
        stack.extend(next.into_iter().rev().map(|places| (depth, places)));
        let Some((level, places)) = stack.pop() else { return pairs };
        let span = |of: usize| places[of].and_then(|place| traces[of].spans.get(place));
        let spans = [span(0), span(1)];
        let children = |of: usize| spans[of].map_or(&[][..], |span| span.children.as_slice());
        next = matched(traces, [children(0), children(1)]);
        depth = level + 1;
        pairs.push(Pair { depth: level, spans });
    }
}

/// Siblings that are the same, in pairs.
fn matched(traces: &[Trace; 2], [first, second]: [&[usize]; 2]) -> Vec<[Option<usize>; 2]> {
    let key = |of: usize, place: usize| {
        traces[of].spans.get(place).map(|span| (span.service.as_str(), span.name.as_str(), span.kind.name()))
    };
    let mut others: HashMap<_, VecDeque<usize>> = HashMap::new();
    for place in second {
        others.entry(key(1, *place)).or_default().push_back(*place);
    }
    let mut all: Vec<[Option<usize>; 2]> = Vec::with_capacity(first.len());
    for place in first {
        let other = others.get_mut(&key(0, *place)).and_then(VecDeque::pop_front);
        all.push([Some(*place), other]);
    }
    let mut rest: Vec<usize> = others.into_values().flatten().collect();
    rest.sort_unstable();
    all.extend(rest.into_iter().map(|place| [None, Some(place)]));
    all
}
