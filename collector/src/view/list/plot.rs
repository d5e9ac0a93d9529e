//! When the traces of a list began and how long they took: a dot for each, which leads to it.

use crate::{
    Summary,
    time::{clock, duration},
    view::text::name,
};
use maud::{Markup, html};

/// The height of the plot and of the line of times below it, in pixels.
const HEIGHT: f64 = 58.0;
const TIMES: f64 = 16.0;

/// How many dots there are; of more, those that the table has first.
const DOTS: usize = 500;

/// The plot. To draw over it asks for the traces of that time, which needs a script.
pub(super) fn plot(traces: &[Summary]) -> Markup {
    let from = traces.iter().map(|trace| trace.start).min().unwrap_or(0);
    let to = traces.iter().map(|trace| trace.start).max().unwrap_or(0);
    let longest = traces.iter().map(|trace| trace.duration).max().unwrap_or(0).max(1);
    html! {
        div.plot.sheet data-draw data-load data-from=(from) data-to=(to) {
            // For the eye: the table has the same, in words and for the keys.
            svg width="100%" height=(HEIGHT + TIMES) aria-hidden="true" {
                line.grid x1="0" x2="100%" y1="4" y2="4" {}
                line.grid x1="0" x2="100%" y1=(HEIGHT) y2=(HEIGHT) {}
                @for trace in traces.iter().take(DOTS) {
                    @let x = (trace.start - from) as f64 * 100.0 / (to - from).max(1) as f64;
                    @let y = HEIGHT - (HEIGHT - 4.0) * (trace.duration as f64 / longest as f64);
                    a href={ "/trace/" (trace.trace_id) } tabindex="-1" {
                        title { (name(&trace.name)) ", " (duration(trace.duration)) " at " (clock(trace.start)) }
                        circle.failed[trace.errors > 0] cx={ (format!("{x:.2}")) "%" } cy=(format!("{y:.1}")) r="3.5" {}
                    }
                }
                text x="0" y="15" { (duration(longest)) }
                text x="0" y=(HEIGHT + 13.0) { (clock(from)) }
                text x="100%" y=(HEIGHT + 13.0) text-anchor="end" { (clock(to)) }
            }
        }
    }
}
