//! The newest point of each series, as one request.

use super::{
    Form, Kind, Temporality,
    instruments::set,
    walk::{self, Metric, Moment},
};
use crate::{join::put, scan::Record, trace::identity};
use bytes::Bytes;
use std::{
    collections::{BTreeSet, HashMap, HashSet, hash_map::RandomState},
    hash::BuildHasher,
};

/// How large the request may become, in bytes: each metric brings its resource along.
const MAX_BYTES: usize = 64 * 1024 * 1024;

/// What is the newest.
#[derive(Default)]
pub(crate) struct Latest {
    /// An `ExportMetricsServiceRequest` with the newest point of each series.
    pub(crate) request: Vec<u8>,
    /// The names of services of which two processes at a time say that they are the same one.
    pub(crate) colliding: BTreeSet<String>,
}

/// The newest point of each series in the requests, which come newest first. Points of an earlier time than the bound are
/// left out. `None`: it would be too large.
pub(crate) fn latest(bodies: impl IntoIterator<Item = (u64, Bytes)>, from: u64) -> Option<Latest> {
    let random = RandomState::new();
    let mut seen = HashSet::new();
    let (mut latest, mut lives) = (Latest::default(), Lives::default());
    for (_, body) in bodies {
        walk::metrics(&body, |metric| {
            let of = metric.place;
            let names = (metric.name(&body), metric.unit(&body), metric.form);
            let origin = random.hash_one((of.resource(&body), of.scope(&body), names));
            let target = lives.target(random.hash_one(of.resource(&body)), of.resource(&body));
            let series = random.hash_one((target, of.scope(&body), names));
            let mut points = Vec::new();
            for point in metric.points(&body) {
                let moment = walk::moment(&body, point);
                if moment.time < from {
                    continue;
                }
                let attributes = set(walk::attributes(&body, point, metric.form.kind), &random);
                if metric.form.temporality == Temporality::Cumulative {
                    lives.see(target, random.hash_one((series, attributes)), moment);
                }
                if seen.insert(random.hash_one((origin, attributes))) {
                    put(&mut points, 1, point.of(&body));
                }
            }
            if !points.is_empty() && latest.request.len() <= MAX_BYTES {
                put(&mut latest.request, 1, &grouped(&body, of, &metric, &points));
            }
        });
    }
    latest.colliding = lives.colliding();
    (latest.request.len() <= MAX_BYTES).then_some(latest)
}

/// Who says that he is whom, and when he lived.
#[derive(Default)]
struct Lives {
    /// By the hash of the resource.
    resources: HashMap<u64, usize>,
    targets: Vec<[String; 3]>,
    series: HashMap<u64, Moment>,
    colliding: HashSet<usize>,
}

impl Lives {
    /// The number of the process that the resource describes.
    fn target(&mut self, hash: u64, resource: &[u8]) -> usize {
        if let Some(number) = self.resources.get(&hash) {
            return *number;
        }
        let name = identity(resource);
        let number = self.targets.iter().position(|known| *known == name).unwrap_or_else(|| {
            self.targets.push(name);
            self.targets.len() - 1
        });
        self.resources.insert(hash, number);
        number
    }

    /// Of two points of a cumulative series that began at different times, the earlier ended before the later began, if one
    /// process came after the other.
    fn see(&mut self, target: usize, series: u64, moment: Moment) {
        let known = *self.series.entry(series).or_insert(moment);
        let (first, second) = if known.start < moment.start { (known, moment) } else { (moment, known) };
        if first.start > 0 && first.start < second.start && first.time > second.start {
            self.colliding.insert(target);
        }
    }

    fn colliding(&self) -> BTreeSet<String> {
        let names = self.colliding.iter().filter_map(|target| self.targets.get(*target));
        names.map(|[_, name, _]| name.clone()).collect()
    }
}

/// The points of a metric with everything that they belong to.
fn grouped(body: &[u8], of: Record, metric: &Metric, points: &[u8]) -> Vec<u8> {
    let Form { kind, temporality, monotonic } = metric.form;
    let number = match kind {
        Kind::Gauge => 5,
        Kind::Sum => 7,
        Kind::Histogram => 9,
        Kind::ExponentialHistogram => 10,
        Kind::Summary => 11,
    };
    let temporality = match temporality {
        Temporality::Unspecified => 0,
        Temporality::Delta => 1,
        Temporality::Cumulative => 2,
    };
    // What is zero of these fields, or not known of its kind, says nothing.
    let data = [points, &[2 << 3, temporality, 3 << 3, u8::from(monotonic)]].concat();
    let mut whole = Vec::new();
    for (number, text) in [(1, metric.name(body)), (2, metric.description(body)), (3, metric.unit(body))] {
        put(&mut whole, number, text.as_bytes());
    }
    put(&mut whole, number, &data);
    let mut scope = Vec::new();
    put(&mut scope, 1, of.scope(body));
    put(&mut scope, 2, &whole);
    let mut resource = Vec::new();
    put(&mut resource, 1, of.resource(body));
    put(&mut resource, 2, &scope);
    resource
}
