//! The newest point of each series, as one request.

use super::{
    Form, Kind, Temporality,
    instruments::set,
    walk::{self, Metric},
};
use crate::{join::put, scan::Record};
use bytes::Bytes;
use std::{
    collections::{HashSet, hash_map::RandomState},
    hash::BuildHasher,
};

/// How large the request may become, in bytes: each metric brings its resource along.
const MAX_BYTES: usize = 64 * 1024 * 1024;

/// An `ExportMetricsServiceRequest` with the newest point of each series in the requests, which come newest first.
/// Points of an earlier time than the bound are left out. `None`: it would be too large.
pub(crate) fn latest(bodies: impl IntoIterator<Item = (u64, Bytes)>, from: u64) -> Option<Vec<u8>> {
    let random = RandomState::new();
    let mut seen = HashSet::new();
    let mut request = Vec::new();
    for (_, body) in bodies {
        walk::metrics(&body, |metric| {
            let of = metric.place;
            let names = (metric.name(&body), metric.unit(&body), metric.form);
            let origin = random.hash_one((of.resource(&body), of.scope(&body), names));
            let mut points = Vec::new();
            for point in metric.points(&body) {
                let attributes = walk::attributes(&body, point, metric.form.kind);
                let identity = random.hash_one((origin, set(attributes, &random)));
                if walk::moment(&body, point).time >= from && seen.insert(identity) {
                    put(&mut points, 1, point.of(&body));
                }
            }
            if !points.is_empty() && request.len() <= MAX_BYTES {
                put(&mut request, 1, &grouped(&body, of, &metric, &points));
            }
        });
    }
    (request.len() <= MAX_BYTES).then_some(request)
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
