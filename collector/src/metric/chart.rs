//! Charts of series: rates of what is counted, quantiles of what is distributed, values as they are.

mod distribution; // where the values of an interval lay
mod interval; // what happened between two points of a series
mod merge; // several series as one line
#[cfg(test)]
mod tests;

use super::{Exemplar, Kind, Series, Temporality};
use crate::trace::{Name, Value};
use interval::Interval;
use serde::Serialize;

/// How many values a line has at most.
const POINTS: usize = 240;

/// How many groups of series there are at most; those with most points stay.
const GROUPS: usize = 12;

/// How many exemplars a chart has at most: the newest.
const EXEMPLARS: usize = 200;

/// The lines of an instrument, of one form.
///
/// Cumulative points are taken apart into what came between them; one that counts anew begins at zero again. Lines of
/// several series are added up: their buckets, not their quantiles. Within a bucket values count as evenly spread. A line
/// has up to 240 values, a chart 12 groups and the newest 200 exemplars.
#[non_exhaustive]
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Chart {
    /// The unit of the values, in the letters of UCUM; that of rates is this one a second.
    pub unit: String,
    /// The groups of series, by the value of the attribute that they are grouped by.
    pub groups: Vec<Group>,
    /// Measurements that have a trace, and others.
    pub exemplars: Vec<Exemplar>,
    /// Whether there are more groups or exemplars than are listed.
    pub is_cut: bool,
}

/// Series with one value of an attribute, or all of them.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Group {
    /// The value of the attribute; `None` for all series together, or for those without it.
    pub value: Option<String>,
    /// The lines: `value`, `rate`, `p50` and so on.
    pub lines: Vec<Line>,
}

/// One line.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Line {
    /// What it shows.
    pub shows: Shows,
    /// Times with values, in the order of time; a gap is a time without one.
    pub points: Vec<(u64, Option<f64>)>,
}

/// What a line shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Shows {
    /// The values as they are.
    Value,
    /// How much came a second.
    Rate,
    /// What half of the values do not exceed.
    P50,
    /// What 90 of 100 values do not exceed.
    P90,
    /// What 99 of 100 values do not exceed.
    P99,
}

/// The quantiles of a distribution.
pub(crate) const QUANTILES: [(Shows, f64); 3] = [(Shows::P50, 0.5), (Shows::P90, 0.9), (Shows::P99, 0.99)];

impl Shows {
    /// In letters: `p99`.
    pub fn name(self) -> &'static str {
        match self {
            Shows::Value => "value",
            Shows::Rate => "rate",
            Shows::P50 => "p50",
            Shows::P90 => "p90",
            Shows::P99 => "p99",
        }
    }
}

/// The chart of series of one instrument, by an attribute or all together.
pub(crate) fn chart(series: &[Series], by: Option<&str>) -> Chart {
    let Some(first) = series.first() else { return Chart::default() };
    // Series of another form under the same name are not comparable.
    let alike = |one: &&Series| one.form == first.form && one.unit == first.unit;
    let mut groups: Vec<(Option<String>, Vec<&Series>)> = Vec::new();
    for one in series.iter().filter(alike) {
        let value =
            by.and_then(|by| one.attributes.get(by)).map(|value| Name::from(value.to_string()).to_string());
        match groups.iter_mut().find(|(of, _)| *of == value) {
            Some((_, group)) => group.push(one),
            None => groups.push((value, vec![one])),
        }
    }
    groups
        .sort_by_key(|(_, group)| std::cmp::Reverse(group.iter().map(|one| one.points.len()).sum::<usize>()));
    let mut is_cut = groups.len() > GROUPS;
    groups.truncate(GROUPS);
    groups.sort_by(|(one, _), (other, _)| one.cmp(other));
    let shown = groups.iter().flat_map(|(_, group)| group);
    let mut exemplars: Vec<Exemplar> =
        shown.flat_map(|one| &one.points).flat_map(|point| &point.exemplars).cloned().collect();
    exemplars.sort_by_key(|exemplar| std::cmp::Reverse(exemplar.time));
    exemplars.dedup();
    is_cut |= exemplars.len() > EXEMPLARS;
    exemplars.truncate(EXEMPLARS);
    let groups = groups.into_iter().map(|(value, group)| Group { value, lines: lines(&group) });
    Chart { unit: first.unit.clone(), groups: groups.collect(), exemplars, is_cut }
}

fn lines(series: &[&Series]) -> Vec<Line> {
    let Some(first) = series.first() else { return Vec::new() };
    let form = first.form;
    match form.kind {
        Kind::Gauge => values(series),
        Kind::Sum if !form.monotonic && form.temporality != Temporality::Delta => values(series),
        Kind::Summary => summary(series),
        _ => {
            let intervals: Vec<Vec<Interval>> = series.iter().map(|one| interval::intervals(one)).collect();
            let is_sum = form.kind == Kind::Sum;
            merge::lines(&intervals, if is_sum { &[] } else { &QUANTILES }, POINTS)
        }
    }
}

/// The values as they are; of several series their sum, each with the last value that it had.
fn values(series: &[&Series]) -> Vec<Line> {
    let points = series.iter().map(|one| {
        let points = one.points.iter().map(|point| (point.time, interval::number(&point.measured)));
        points.collect::<Vec<_>>()
    });
    vec![Line { shows: Shows::Value, points: merge::values(&points.collect::<Vec<_>>(), POINTS) }]
}

/// The quantiles that the program worked out itself; those of several series cannot be added up: the first one is shown.
fn summary(series: &[&Series]) -> Vec<Line> {
    let Some(first) = series.first() else { return Vec::new() };
    let quantile = |(shows, wanted): (Shows, f64)| {
        let points = first.points.iter().map(|point| {
            let super::Measured::Summary { quantiles, .. } = &point.measured else {
                return (point.time, None);
            };
            let found = quantiles.iter().find(|(quantile, _)| (quantile - wanted).abs() < 1e-9);
            (point.time, found.map(|(_, value)| *value).filter(|value| value.is_finite()))
        });
        Line { shows, points: merge::thinned(points.collect(), POINTS) }
    };
    let quantiles = QUANTILES.into_iter().map(quantile);
    let some = quantiles.filter(|line| line.points.iter().any(|(_, value)| value.is_some()));
    let intervals: Vec<Vec<Interval>> = series.iter().map(|one| interval::intervals(one)).collect();
    some.chain(merge::lines(&intervals, &[], POINTS)).collect()
}

/// A number that is one.
fn finite(value: &Value) -> Option<f64> {
    match value {
        Value::Int(int) => Some(*int as f64),
        Value::Double(double) => Some(*double).filter(|double| double.is_finite()),
        _ => None,
    }
}
