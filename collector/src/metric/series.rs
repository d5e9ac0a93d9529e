//! The points of series: places are gathered from all requests, and only the newest are decoded.

use super::{
    Kind, Measured, Point, Query, Series, Temporality, build,
    instruments::set,
    walk::{self, Metric, Moment},
};
use crate::{
    scan::TraceId,
    store::Stored,
    trace::{Attributes, Name, Resources, Value},
    wire::Slice,
};
use bytes::Bytes;
use std::{
    cmp::Reverse,
    collections::{BinaryHeap, HashMap, HashSet, hash_map::RandomState},
    hash::BuildHasher,
};

/// When a point is from, the number of its request, which body that is and where it is there.
type Place = (Moment, u64, usize, usize);

/// A series whose points are being looked for.
struct Gathered {
    resource: usize,
    /// Without resource and points.
    series: Series,
    newest: BinaryHeap<Reverse<Place>>,
    /// How many points are within the time that is asked for.
    within: usize,
}

struct Gathering<'a> {
    query: &'a Query,
    limits: (usize, usize),
    resources: Resources,
    random: RandomState,
    /// By a number for all that makes a series; `None`: it is not asked for.
    known: HashMap<u64, Option<usize>>,
    gathered: Vec<Gathered>,
    /// The requests in which the instrument is, with their numbers.
    bodies: Vec<(u64, Bytes)>,
}

/// The series that are asked for, out of requests that come newest first. It is asked once which of the traces that
/// exemplars name are kept.
pub(crate) fn series(
    bodies: impl IntoIterator<Item = (u64, Bytes)>,
    query: &Query,
    kept: impl FnOnce(HashSet<TraceId>) -> HashSet<TraceId>,
) -> Vec<Series> {
    let mut gathering = Gathering {
        query,
        limits: query.limits(),
        resources: Resources::default(),
        random: RandomState::new(),
        known: HashMap::new(),
        gathered: Vec::new(),
        bodies: Vec::new(),
    };
    for (chunk, body) in bodies {
        walk::metrics(&body, |metric| {
            if metric.name(&body) == query.name {
                gathering.metric(chunk, &body, &metric);
            }
        });
    }
    gathering.finish(kept)
}

impl Gathering<'_> {
    fn metric(&mut self, chunk: u64, body: &Bytes, metric: &Metric) {
        let stored = Stored { chunk, body: body.clone(), place: metric.place };
        let resource = self.resources.of(&stored);
        let service = self.resources.service(resource);
        if self.query.service.as_ref().is_some_and(|wanted| service != **wanted) {
            return;
        }
        if self.bodies.last().is_none_or(|(last, _)| *last != chunk) {
            self.bodies.push((chunk, body.clone()));
        }
        let scope = self.resources.scope(&stored);
        let unit = metric.unit(body);
        let origin = self.random.hash_one((resource, scope.as_str(), unit, metric.form));
        for point in metric.points(body) {
            let moment = walk::moment(body, point);
            if moment.time > self.query.to {
                continue;
            }
            let attributes = || walk::attributes(body, point, metric.form.kind);
            let identity = self.random.hash_one((origin, set(attributes(), &self.random)));
            let number = match self.known.get(&identity) {
                Some(known) => *known,
                // Older points of a series tell where the first one within the time goes on from.
                None if moment.time < self.query.from => continue,
                None => {
                    let new = self.begin(metric, resource, (&service, &scope), unit, attributes());
                    self.known.insert(identity, new);
                    new
                }
            };
            let Some(gathered) = number.and_then(|number| self.gathered.get_mut(number)) else { continue };
            gathered.within += usize::from(moment.time >= self.query.from);
            gathered.newest.push(Reverse((moment, chunk, self.bodies.len() - 1, point.prefix)));
            if gathered.newest.len() > self.limits.1 + 1 {
                gathered.newest.pop();
            }
        }
    }

    /// Begins a series; `None`: it does not pass, or there are enough.
    fn begin<'b>(
        &mut self,
        metric: &Metric,
        resource: usize,
        (service, scope): (&Name, &Name),
        unit: &str,
        attributes: impl Iterator<Item = &'b [u8]>,
    ) -> Option<usize> {
        if self.gathered.len() == self.limits.0 {
            return None;
        }
        let attributes = build::attributes(attributes);
        let passes = |(name, value): &(String, String)| {
            attributes.get(name).is_some_and(|found| found.to_string() == *value)
        };
        if !self.query.attributes.iter().all(passes) {
            return None;
        }
        let series = Series {
            service: service.clone(),
            scope: scope.clone(),
            name: self.query.name.clone(),
            unit: unit.to_owned(),
            form: metric.form,
            resource: Attributes::default(),
            attributes,
            points: Vec::new(),
            older: 0,
        };
        self.gathered.push(Gathered { resource, series, newest: BinaryHeap::new(), within: 0 });
        Some(self.gathered.len() - 1)
    }

    fn finish(self, kept: impl FnOnce(HashSet<TraceId>) -> HashSet<TraceId>) -> Vec<Series> {
        let resources = self.resources.into_attributes();
        let mut traces = HashSet::new();
        let mut all = Vec::with_capacity(self.gathered.len());
        for Gathered { resource, mut series, newest, within } in self.gathered {
            series.resource = resources.get(resource).cloned().unwrap_or_default();
            let mut places: Vec<Place> = newest.into_iter().map(|Reverse(place)| place).collect();
            places.sort_unstable();
            // What was sent twice was taken first in the older request.
            places.dedup_by_key(|(moment, ..)| *moment);
            let decode = |(moment, _, body, prefix): Place| {
                let body = self.bodies.get(body).map(|(_, body)| body.as_ref()).unwrap_or_default();
                let bytes = Slice::at(body, prefix).map(|slice| slice.of(body)).unwrap_or_default();
                build::point(bytes, moment, series.form.kind, &mut traces)
            };
            let mut points: Vec<Point> = places.into_iter().map(decode).collect();
            mark_resets(&mut points, &series);
            let first = points.partition_point(|point| point.time < self.query.from);
            series.points = points.split_off(first.max(points.len().saturating_sub(self.limits.1)));
            series.older = within.saturating_sub(series.points.len());
            all.push(series);
        }
        let kept = kept(traces);
        let exemplars =
            all.iter_mut().flat_map(|series| &mut series.points).flat_map(|point| &mut point.exemplars);
        for exemplar in exemplars {
            let trace = exemplar.trace_id.as_deref().and_then(crate::trace::parse);
            exemplar.stored = trace.is_some_and(|trace| kept.contains(&trace));
        }
        all
    }
}

/// Marks the points of a cumulative series that count anew.
fn mark_resets(points: &mut [Point], series: &Series) {
    if series.form.temporality != Temporality::Cumulative && series.form.kind != Kind::Summary {
        return;
    }
    let grows = series.form.kind != Kind::Sum || series.form.monotonic;
    let mut before: Option<(u64, Option<f64>)> = None;
    for point in points {
        let count = count(&point.measured).filter(|_| grows);
        point.reset = before.is_some_and(|(start, before)| {
            let is_less = count.zip(before).is_some_and(|(count, before)| count < before);
            is_less || start > 0 && point.start > start
        });
        // A point without a value says nothing of how far the series got.
        let reached = before.and_then(|(_, count)| count).filter(|_| !point.reset);
        before = Some((point.start, count.or(reached)));
    }
}

/// What never falls without a reset. Counts of more than 53 bits are compared without their last digits.
fn count(measured: &Measured) -> Option<f64> {
    match measured {
        Measured::Number { value: Value::Int(int) } => Some(*int as f64),
        Measured::Number { value: Value::Double(double) } => Some(*double),
        Measured::Number { .. } => None,
        Measured::Histogram { count, .. }
        | Measured::Exponential { count, .. }
        | Measured::Summary { count, .. } => Some(*count as f64),
    }
}
