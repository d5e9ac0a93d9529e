//! Where a moment is on the axis.

use crate::{time::duration, trace::Trace};
use maud::{Markup, html};

/// Where the axis has its marks, in per cent.
const MARKS: [u64; 5] = [0, 25, 50, 75, 100];

/// The time that is shown.
pub(crate) struct Axis {
    /// The start of the trace.
    origin: u64,
    start: u64,
    length: f64,
}

impl Axis {
    /// The time of the trace, or a part of it: from its start, in nanoseconds.
    pub(crate) fn of(trace: &Trace, zoom: Option<(u64, u64)>) -> Self {
        let (origin, end) = trace.extent();
        let (from, to) = zoom.unwrap_or((0, end - origin));
        let start = origin.saturating_add(from);
        Axis { origin, start, length: to.saturating_sub(from).max(1) as f64 }
    }

    /// In per cent; less than zero before what is shown, more than a hundred behind it.
    pub(super) fn at(&self, time: u64) -> f64 {
        let offset = time.abs_diff(self.start) as f64 * if time < self.start { -1.0 } else { 1.0 };
        // SVG has no room for more.
        (offset * 100.0 / self.length).clamp(-1e4, 1e4)
    }

    /// Whether something of a time is shown.
    pub(super) fn shows(&self, from: u64, to: u64) -> bool {
        self.at(to) >= 0.0 && self.at(from) <= 100.0
    }

    /// From the start of the trace, in nanoseconds: what is shown.
    pub(crate) fn extent(&self) -> (u64, u64) {
        let from = self.start.saturating_sub(self.origin);
        (from, from.saturating_add(self.length as u64))
    }

    /// The marks with their times from the start of the trace.
    pub(super) fn marks(&self) -> Markup {
        let (from, _) = self.extent();
        let time = |mark: u64| from.saturating_add((self.length * mark as f64 / 100.0) as u64);
        html! {
            span.marks data-draw {
                @for mark in MARKS {
                    span { @if time(mark) == 0 { "0" } @else { (duration(time(mark))) } }
                }
            }
        }
    }
}

/// A number of per cent as SVG has it.
pub(super) fn percent(value: f64) -> String {
    let text = format!("{value:.2}");
    format!("{}%", text.trim_end_matches('0').trim_end_matches('.'))
}
