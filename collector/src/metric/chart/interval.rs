//! What happened between two points of a series.

use super::{
    super::{Buckets, Measured, Point, Series, Temporality},
    distribution::Distribution,
    finite,
};

/// A first cumulative point says what came since its start, which may be long ago: up to this long it is shown anyway.
const FIRST: u64 = 120_000_000_000;

/// What goes so many times into the time between two points is short.
const SHORT: u64 = 10;

/// The time between two points where there is only one, in nanoseconds.
const SECOND: u64 = 1_000_000_000;

/// What came within a time.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Interval {
    pub(super) from: u64,
    pub(super) to: u64,
    /// How much, or how many values.
    pub(super) amount: f64,
    /// Where the values lay.
    pub(super) values: Option<Distribution>,
}

/// The intervals of a series of counts, in the order of time. They do not overlap.
pub(super) fn intervals(series: &Series) -> Vec<Interval> {
    // Summaries count since their start and do not say so.
    let is_delta = series.form.temporality == Temporality::Delta;
    let mut intervals: Vec<Interval> = Vec::with_capacity(series.points.len());
    let mut before: Option<&Point> = None;
    let reach = match (series.points.first(), series.points.last()) {
        (Some(first), Some(last)) => FIRST.max(last.time - first.time),
        _ => FIRST,
    };
    for (place, point) in series.points.iter().enumerate() {
        let Some(amount) = amount(&point.measured) else { continue };
        let usual = series.points.get(place + 1).map_or(SECOND, |next| next.time.saturating_sub(point.time));
        let made = match before {
            _ if is_delta => alone(point, amount, before.map_or(point.start, |before| before.time)),
            Some(before) if !point.reset => between(before, point, amount),
            Some(before) => alone(point, amount, before.time).map(|it| it.stretched(usual, before.time)),
            None if series.points.len() > 1 && point.time.saturating_sub(point.start) > reach => None,
            None => alone(point, amount, 0).map(|it| it.stretched(usual, 0)),
        };
        intervals.extend(made);
        before = Some(point);
    }
    intervals
}

impl Interval {
    /// What began just before it was collected came within the time since the collection before, which is as long as the
    /// one that follows: a single value a millisecond after the start is no thousand a second.
    fn stretched(self, usual: u64, earliest: u64) -> Interval {
        let is_short = (self.to - self.from).saturating_mul(SHORT) < usual;
        let from = if is_short { self.to.saturating_sub(usual).max(earliest).max(1) } else { self.from };
        Interval { from, ..self }
    }
}

/// All of a point, not before a time.
fn alone(point: &Point, amount: f64, earliest: u64) -> Option<Interval> {
    let from = if point.start == 0 { earliest } else { point.start.max(earliest) };
    let values = Distribution::of(&point.measured);
    (0 < from && from < point.time).then_some(Interval { from, to: point.time, amount, values })
}

/// What a cumulative point has more than the one before.
fn between(before: &Point, point: &Point, amount: f64) -> Option<Interval> {
    let more = amount - self::amount(&before.measured).unwrap_or(amount);
    let values = difference(&before.measured, &point.measured);
    let values = values.as_ref().and_then(Distribution::of);
    (before.time < point.time).then_some(Interval { from: before.time, to: point.time, amount: more, values })
}

/// How much, or how many values.
fn amount(measured: &Measured) -> Option<f64> {
    match measured {
        Measured::Number { .. } => number(measured),
        Measured::Histogram { count, .. }
        | Measured::Exponential { count, .. }
        | Measured::Summary { count, .. } => Some(*count as f64),
    }
}

/// The value of a gauge or sum.
pub(super) fn number(measured: &Measured) -> Option<f64> {
    match measured {
        Measured::Number { value } => finite(value),
        _ => None,
    }
}

/// The values that came between two cumulative histograms; `None`: their buckets cannot be compared, or count less.
fn difference(before: &Measured, now: &Measured) -> Option<Measured> {
    let mut more = now.clone();
    match (before, &mut more) {
        (
            Measured::Histogram { bounds: old_bounds, counts: old, .. },
            Measured::Histogram { bounds, counts, .. },
        ) if old_bounds == bounds && old.len() == counts.len() => {
            for (now, before) in counts.iter_mut().zip(old) {
                *now = now.checked_sub(*before)?;
            }
        }
        (
            Measured::Exponential {
                scale: old_scale, zero_count: old_zero, positive: p, negative: n, ..
            },
            Measured::Exponential { scale, zero_count, positive, negative, .. },
        ) => {
            // A histogram that has to hold more doubles the width of its buckets.
            let least = (*scale).min(*old_scale);
            *positive = subtracted(&coarser(p, *old_scale, least), &coarser(positive, *scale, least))?;
            *negative = subtracted(&coarser(n, *old_scale, least), &coarser(negative, *scale, least))?;
            *zero_count = zero_count.checked_sub(*old_zero)?;
            *scale = least;
        }
        _ => return None,
    }
    Some(more)
}

/// The same values in buckets of a lower scale.
fn coarser(buckets: &Buckets, scale: i32, wanted: i32) -> Buckets {
    // An index has 32 bits: further shifts change nothing.
    let by = scale.saturating_sub(wanted).clamp(0, 62) as u32;
    let index = |at: usize| (i64::from(buckets.offset) + at as i64) >> by;
    let offset = index(0);
    let mut counts: Vec<u64> = Vec::new();
    for (at, count) in buckets.counts.iter().enumerate() {
        let place = (index(at) - offset) as usize;
        counts.resize(counts.len().max(place + 1), 0);
        if let Some(sum) = counts.get_mut(place) {
            *sum = sum.saturating_add(*count);
        }
    }
    Buckets { offset: offset as i32, counts }
}

/// What later buckets have more than earlier ones of the same scale; `None`: they have less.
fn subtracted(before: &Buckets, now: &Buckets) -> Option<Buckets> {
    let mut more = now.clone();
    for (at, count) in before.counts.iter().enumerate().filter(|(_, count)| **count > 0) {
        let place = i64::from(before.offset) + at as i64 - i64::from(now.offset);
        let now = more.counts.get_mut(usize::try_from(place).ok()?)?;
        *now = now.checked_sub(*count)?;
    }
    Some(more)
}
