//! The list of instruments: names are read, points only counted.

use super::{
    Form, Instrument,
    walk::{self, Metric},
};
use crate::{
    store::Stored,
    trace::{Name, Resources},
};
use bytes::Bytes;
use std::{
    collections::{BTreeMap, HashSet, hash_map::RandomState},
    hash::BuildHasher,
};

/// What makes an instrument: service, scope, name, unit, form.
type Key = (Name, Name, String, String, Form);

/// What is counted of one.
#[derive(Default)]
struct Count {
    description: String,
    series: HashSet<u64>,
    points: usize,
    latest: u64,
}

/// The instruments in the requests, which come newest first: at most as many as the limit, those that are in the
/// newest requests. By service, scope and name.
pub(crate) fn instruments(
    bodies: impl IntoIterator<Item = (u64, Bytes)>,
    service: Option<&str>,
    limit: usize,
) -> Vec<Instrument> {
    let mut resources = Resources::default();
    let mut counts: BTreeMap<Key, Count> = BTreeMap::new();
    let random = RandomState::new();
    for (chunk, body) in bodies {
        walk::metrics(&body, |metric| {
            let stored = Stored { chunk, body: body.clone(), place: metric.place };
            let resource = resources.of(&stored);
            let name = resources.service(resource);
            if service.is_some_and(|wanted| name != *wanted) {
                return;
            }
            let (instrument, unit) = (metric.name(&body).to_owned(), metric.unit(&body).to_owned());
            let key = (name, resources.scope(&stored), instrument, unit, metric.form);
            if counts.len() == limit && !counts.contains_key(&key) {
                return;
            }
            let count = counts.entry(key).or_insert_with(|| {
                let description = metric.description(&body).to_owned();
                Count { description, ..Count::default() }
            });
            count.add(&metric, &body, resource, &random);
        });
    }
    let instrument = |((service, scope, name, unit, form), count): (Key, Count)| Instrument {
        service,
        scope,
        name,
        description: count.description,
        unit,
        form,
        series: count.series.len(),
        points: count.points,
        latest: count.latest,
    };
    counts.into_iter().map(instrument).collect()
}

impl Count {
    fn add(&mut self, metric: &Metric, body: &[u8], resource: usize, random: &RandomState) {
        for point in metric.points(body) {
            let attributes = walk::attributes(body, point, metric.form.kind);
            self.series.insert(random.hash_one((resource, set(attributes, random))));
            self.points += 1;
            self.latest = self.latest.max(walk::moment(body, point).time);
        }
    }
}

/// A number for a set of attributes, whatever their order.
pub(super) fn set<'a>(attributes: impl Iterator<Item = &'a [u8]>, random: &RandomState) -> u64 {
    attributes.fold(0, |set: u64, attribute| set.wrapping_add(random.hash_one(attribute)))
}
