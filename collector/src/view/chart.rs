//! Charts as SVG: curves over time, dots for single measurements, both axes with round numbers.
//!
//! A chart is as wide as its frame: curves are stretched, texts and dots are not. Nothing in it needs a script; what a dot
//! or a curve stands for is told by its title.

mod axis; // round numbers
mod unit; // how values are written

use super::text::name;
use crate::time::{clock, day};
use axis::Axis;
use maud::{Markup, html};
pub(crate) use unit::Unit;

/// The height of the plot, in pixels.
const HEIGHT: f64 = 180.0;

/// Curves are drawn in a square of this side and stretched.
const SIDE: f64 = 1000.0;

/// What a chart shows.
pub(crate) struct Chart {
    /// What stands above it.
    pub(crate) title: String,
    pub(crate) unit: Unit,
    /// The time that it covers, from its first to its last moment.
    pub(crate) extent: (u64, u64),
    pub(crate) curves: Vec<Curve>,
    pub(crate) dots: Vec<Dot>,
}

/// One line of a chart.
pub(crate) struct Curve {
    /// What it is called in the legend.
    pub(crate) label: String,
    /// The number of its colour.
    pub(crate) colour: usize,
    /// Times with values, in the order of time; a time without a value is a gap.
    pub(crate) points: Vec<(u64, Option<f64>)>,
}

/// A single measurement.
pub(crate) struct Dot {
    pub(crate) time: u64,
    pub(crate) value: f64,
    /// Where it leads; `None`: it has no trace.
    pub(crate) link: Option<String>,
    /// What it says of itself.
    pub(crate) title: String,
}

impl Chart {
    /// The time from the first to the last point of some curves.
    pub(crate) fn extent<'a>(curves: impl Iterator<Item = &'a [(u64, Option<f64>)]>) -> (u64, u64) {
        let times = curves.flat_map(|points| points.iter().map(|(time, _)| *time));
        times.fold((u64::MAX, 0), |(from, to), time| (from.min(time), to.max(time)))
    }

    /// The chart in a frame; nothing where there is nothing to draw.
    pub(crate) fn draw(&self) -> Markup {
        let values = self.curves.iter().flat_map(|curve| &curve.points).filter_map(|(_, value)| *value);
        let dots = self.dots.iter().map(|dot| dot.value);
        let values = values.chain(dots).filter(|value| value.is_finite());
        let (low, high) =
            values.fold((0.0_f64, 0.0_f64), |(low, high), value| (low.min(value), high.max(value)));
        let axis = Axis::of(low, high, &self.unit);
        html! {
            figure.chart.sheet {
                figcaption { (self.title) @if let Some(unit) = self.unit.noun() { span.count { (unit) } } }
                div.graph {
                    (self.scale(&axis))
                    (self.plot(&axis))
                }
                @if self.curves.len() > 1 || !self.dots.is_empty() { (self.legend()) }
            }
        }
    }

    fn scale(&self, axis: &Axis) -> Markup {
        html! {
            svg.scale width="64" height=(HEIGHT + 20.0) aria-hidden="true" {
                @for tick in axis.ticks() {
                    text x="56" y=(px(HEIGHT * (1.0 - axis.at(tick)) + 4.0)) text-anchor="end" { (self.unit.text(tick)) }
                }
            }
        }
    }

    fn plot(&self, axis: &Axis) -> Markup {
        let (from, to) = self.extent;
        html! {
            svg.plot height=(HEIGHT + 20.0) role="group" aria-label=(self.told()) {
                @for tick in axis.ticks() {
                    @let y = px(HEIGHT * (1.0 - axis.at(tick)));
                    line.grid x1="0" x2="100%" y1=(y) y2=(y) {}
                }
                @for (time, anchor, is_quarter) in times(from, to) {
                    text.quarter[is_quarter] x={ (percent(self.at(time))) "%" } y=(HEIGHT + 16.0) text-anchor=(anchor) { (moment(time)) }
                }
                svg width="100%" height=(HEIGHT) viewBox={ "0 0 " (SIDE) " " (SIDE) } preserveAspectRatio="none" {
                    @for curve in &self.curves {
                        path.curve.{ "s" (curve.colour) } d=(self.path(curve, axis)) {}
                    }
                }
                @for curve in &self.curves {
                    // A value between two gaps has no line that could be seen.
                    @for (time, value) in alone(&curve.points) {
                        circle.point.{ "s" (curve.colour) } cx={ (percent(self.at(time))) "%" }
                            cy=(px(HEIGHT * (1.0 - axis.at(value)))) r="2.5" {}
                    }
                }
                @for dot in &self.dots { (self.dot(dot, axis)) }
            }
        }
    }

    fn dot(&self, dot: &Dot, axis: &Axis) -> Markup {
        let (x, y) = (format!("{}%", percent(self.at(dot.time))), px(HEIGHT * (1.0 - axis.at(dot.value))));
        html! {
            @match &dot.link {
                Some(link) => a.exemplar href=(link) {
                    title { (dot.title) }
                    circle.reach cx=(x) cy=(y) r="9" {}
                    circle.spot cx=(x) cy=(y) r="4" {}
                },
                None => g.exemplar.without { title { (dot.title) } circle.spot cx=(x) cy=(y) r="3.5" {} },
            }
        }
    }

    fn legend(&self) -> Markup {
        html! {
            p.legend {
                @if self.curves.len() > 1 {
                    @for curve in &self.curves {
                        @let last = curve.last();
                        span.chip.{ "s" (curve.colour) } {
                            span.dot {}
                            span.word title=(name(&curve.label)) { (name(&curve.label)) }
                            @if let Some(last) = last { span.count title="the last value" { (self.unit.text(last)) } }
                        }
                    }
                }
                @if self.dots.iter().any(|dot| dot.link.is_some()) {
                    span.chip { svg.sign width="10" height="10" aria-hidden="true" { circle.spot cx="5" cy="5" r="3.5" {} } "leads to its trace" }
                }
                @if self.dots.iter().any(|dot| dot.link.is_none()) {
                    span.chip.without { svg.sign width="10" height="10" aria-hidden="true" { circle.spot cx="5" cy="5" r="3.5" {} } "no trace" }
                }
            }
        }
    }

    /// The chart in words.
    fn told(&self) -> String {
        let last = |curve: &Curve| Some(format!("{} {}", name(&curve.label), self.unit.text(curve.last()?)));
        let curves: Vec<String> = self.curves.iter().filter_map(last).collect();
        format!("{}; last values: {}", self.title, curves.join(", "))
    }

    fn path(&self, curve: &Curve, axis: &Axis) -> String {
        let mut path = String::new();
        let mut is_down = false;
        for (time, value) in &curve.points {
            let Some(value) = value.filter(|value| value.is_finite()) else {
                is_down = false;
                continue;
            };
            let (x, y) = (SIDE * self.at(*time), SIDE * (1.0 - axis.at(value)));
            path.push_str(&format!("{}{x:.1} {y:.1}", if is_down { 'L' } else { 'M' }));
            is_down = true;
        }
        path
    }

    /// Where a time is, from 0 to 1.
    fn at(&self, time: u64) -> f64 {
        let (from, to) = self.extent;
        let length = to.saturating_sub(from).max(1) as f64;
        (time.saturating_sub(from) as f64 / length).min(1.0)
    }
}

impl Curve {
    fn last(&self) -> Option<f64> {
        self.points.iter().rev().find_map(|(_, value)| value.filter(|value| value.is_finite()))
    }
}

/// The points that have no neighbours with a value.
fn alone(points: &[(u64, Option<f64>)]) -> impl Iterator<Item = (u64, f64)> {
    let is_known =
        |at: Option<usize>| at.and_then(|at| points.get(at)).is_some_and(|(_, value)| value.is_some());
    points.iter().enumerate().filter_map(move |(at, (time, value))| {
        let is_alone = !is_known(at.checked_sub(1)) && !is_known(Some(at + 1));
        value.filter(|value| is_alone && value.is_finite()).map(|value| (*time, value))
    })
}

/// Moments for the axis of time, on which side of them they are written, and whether they are left out where there is little
/// room.
fn times(from: u64, to: u64) -> Vec<(u64, &'static str, bool)> {
    if from >= to {
        return if from == to { vec![(to, "end", false)] } else { Vec::new() };
    }
    let part = |share: u64| from + ((to - from) / 4).saturating_mul(share);
    vec![
        (from, "start", false),
        (part(1), "middle", true),
        (part(2), "middle", false),
        (part(3), "middle", true),
        (to, "end", false),
    ]
}

/// The time of the day to the second, with the day where it is another one than today's would look like: midnight.
fn moment(time: u64) -> String {
    let clock = clock(time);
    match clock.get(..8).unwrap_or_default() {
        "00:00:00" => day(time),
        seconds => seconds.to_owned(),
    }
}

fn px(value: f64) -> String {
    format!("{value:.1}")
}

fn percent(share: f64) -> String {
    format!("{:.2}", share * 100.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chart(points: Vec<(u64, Option<f64>)>, dots: Vec<Dot>) -> String {
        let curves = vec![Curve { label: "p99".to_owned(), colour: 3, points }];
        let extent = Chart::extent(curves.iter().map(|curve| curve.points.as_slice()));
        let (title, unit) = ("time <to> answer".to_owned(), Unit::of("s"));
        Chart { title, unit, extent, curves, dots }.draw().into_string()
    }

    #[test]
    fn a_gap_parts_the_curve_and_what_stands_alone_is_a_point() {
        let drawn =
            chart(vec![(0, Some(0.0)), (10, Some(1.0)), (20, None), (30, Some(1.0)), (40, None)], Vec::new());
        assert!(drawn.contains(r#"d="M0.0 1000.0L250.0 0.0M750.0 0.0""#), "{drawn}");
        assert_eq!(drawn.matches("<circle class=\"point").count(), 1);
        assert!(drawn.contains("time &lt;to&gt; answer; last values: p99 1.00 s"), "{drawn}");
    }

    #[test]
    fn a_dot_leads_to_its_trace_or_says_that_it_has_none() {
        let dot = |link: Option<&str>| Dot {
            time: 5,
            value: 2.0,
            link: link.map(str::to_owned),
            title: if link.is_some() { "2 s" } else { "2 s, no trace" }.to_owned(),
        };
        let drawn = chart(vec![(0, Some(1.0)), (10, Some(1.0))], vec![dot(Some("/trace/ab")), dot(None)]);
        assert_eq!(drawn.matches("<a class=\"exemplar\" href=\"/trace/ab\"").count(), 1);
        assert_eq!(drawn.matches("<g class=\"exemplar without\">").count(), 1);
        assert!(drawn.contains("<title>2 s, no trace</title>"));
        // The axis reaches up to them.
        assert!(drawn.contains(">2.00 s</text>"), "{drawn}");
    }

    #[test]
    fn whatever_the_values_are_no_coordinate_is_not_a_number() {
        let odd = [f64::NAN, f64::INFINITY, f64::MAX, f64::MIN, 0.0, 1e-300];
        for value in odd {
            for other in odd {
                let drawn = chart(vec![(u64::MAX, Some(value)), (0, Some(other)), (7, None)], Vec::new());
                assert!(!drawn.contains("NaN") && !drawn.contains("inf"), "{value} {other}: {drawn}");
            }
        }
        assert!(chart(Vec::new(), Vec::new()).contains("<svg"));
    }
}
