//! Several series as one line.

use super::{Line, Shows, distribution::Distribution, interval::Interval};

/// A time, and the value that there is, if there is one.
type Points = Vec<(u64, Option<f64>)>;

/// The lines of quantiles, and the one of the rate: intervals of several series cut where any of them ends, or evenly
/// where that would be more points than wanted. What is in an interval counts as evenly spread over it.
pub(super) fn lines(series: &[Vec<Interval>], quantiles: &[(Shows, f64)], most: usize) -> Vec<Line> {
    let borders = borders(series, most);
    let mut rate: Points = Vec::with_capacity(borders.len());
    let mut found: Vec<Points> = vec![Vec::with_capacity(borders.len()); quantiles.len()];
    // What a value is of begins before it.
    rate.extend(borders.first().map(|first| (*first, None)));
    found.iter_mut().for_each(|points| points.extend(borders.first().map(|first| (*first, None))));
    // Where each series has been read to.
    let mut next = vec![0; series.len()];
    for pair in borders.windows(2) {
        let [from, to] = *pair else { continue };
        let (mut amount, mut is_known, mut values) = (0.0, false, Distribution::default());
        for (intervals, next) in series.iter().zip(&mut next) {
            while let Some(interval) = intervals.get(*next).filter(|interval| interval.from < to) {
                let shared = interval.to.min(to).saturating_sub(interval.from.max(from));
                let part = shared as f64 / (interval.to - interval.from) as f64;
                if part > 0.0 {
                    is_known = true;
                    amount += interval.amount * part;
                    if let Some(own) = interval.values.as_ref().filter(|_| !quantiles.is_empty()) {
                        values.absorb(own, part);
                    }
                }
                if interval.to > to {
                    break;
                }
                *next += 1;
            }
        }
        let seconds = (to - from) as f64 / 1e9;
        rate.push((to, is_known.then_some(amount / seconds)));
        let own = values.quantiles([0.5, 0.9, 0.99]);
        for (number, points) in found.iter_mut().enumerate() {
            points.push((to, own.and_then(|own| own.get(number).copied())));
        }
    }
    let named = quantiles.iter().zip(found).map(|((shows, _), points)| Line { shows: *shows, points });
    named.chain([Line { shows: Shows::Rate, points: rate }]).collect()
}

/// Where the parts of a line begin and end.
fn borders(series: &[Vec<Interval>], most: usize) -> Vec<u64> {
    let mut borders: Vec<u64> =
        series.iter().flatten().flat_map(|interval| [interval.from, interval.to]).collect();
    borders.sort_unstable();
    borders.dedup();
    match (borders.first(), borders.last()) {
        (Some(first), Some(last)) if borders.len() > most + 1 => {
            let (first, length) = (*first, last - first);
            let border = |at: usize| first + (u128::from(length) * at as u128 / most as u128) as u64;
            let mut even: Vec<u64> = (0..=most).map(border).collect();
            even.dedup();
            even
        }
        _ => borders,
    }
}

/// The sum of values of several series: at each time that any of them tells, each counts with the last that it told.
pub(super) fn values(series: &[Points], most: usize) -> Points {
    let mut told: Vec<(u64, usize, Option<f64>)> = Vec::new();
    for (number, points) in series.iter().enumerate() {
        told.extend(points.iter().map(|(time, value)| (*time, number, *value)));
    }
    told.sort_by_key(|(time, number, _)| (*time, *number));
    let mut last: Vec<Option<f64>> = vec![None; series.len()];
    let mut sum: Points = Vec::with_capacity(told.len());
    for same in told.chunk_by(|one, other| one.0 == other.0) {
        for (_, number, value) in same {
            if let Some(last) = last.get_mut(*number) {
                *last = *value;
            }
        }
        let known = last.iter().flatten();
        let value = known.clone().next().map(|_| known.sum());
        sum.extend(same.first().map(|(time, ..)| (*time, value)));
    }
    thinned(sum, most)
}

/// Fewer points that look the same: of each part of the time the lowest and the highest value.
pub(super) fn thinned(points: Points, most: usize) -> Points {
    if points.len() <= most {
        return points;
    }
    let size = points.len().div_ceil((most / 2).max(1));
    let extremes = points.chunks(size).flat_map(|part| {
        let known = || part.iter().filter_map(|(time, value)| Some((*time, (*value)?)));
        let low = known().min_by(|one, other| one.1.total_cmp(&other.1));
        let high = known().max_by(|one, other| one.1.total_cmp(&other.1));
        match (low, high) {
            (Some(low), Some(high)) if low.0 == high.0 => vec![(low.0, Some(low.1))],
            (Some(low), Some(high)) => {
                let (first, second) = if low.0 < high.0 { (low, high) } else { (high, low) };
                vec![(first.0, Some(first.1)), (second.0, Some(second.1))]
            }
            _ => part.first().map(|(time, _)| (*time, None)).into_iter().collect(),
        }
    });
    extremes.collect()
}
