//! Which point an exemplar belongs to, and which exemplars a point has.

use super::{
    request::{Source, decode},
    reservoir::{Kept, Set, Value},
    stream::{Kind, Stream},
};
use crate::sender::wire::{Fault, Slice};
use opentelemetry_proto::tonic::{
    common::v1::{KeyValue, any_value},
    metrics::v1::{
        Exemplar, ExponentialHistogramDataPoint, HistogramDataPoint, NumberDataPoint, exemplar,
        number_data_point,
    },
};
use prost::Message;
use std::{
    cmp::Reverse,
    collections::{BTreeMap, HashMap, HashSet},
};

/// The attribute of the point that stands for all series beyond the limit.
const OVERFLOW: &str = "otel.metric.overflow";

/// A point, as far as a choice needs it.
pub(super) struct Point {
    attributes: Vec<KeyValue>,
    /// Nanoseconds since 1970, both included.
    from: u64,
    to: u64,
    bounds: Vec<f64>,
    /// Of a point that has a value of its own: the type of that.
    is_double: Option<bool>,
}

impl Point {
    pub(super) fn read(body: &[u8], point: Slice, kind: Kind) -> Result<Self, Fault> {
        Ok(match kind {
            Kind::Gauge | Kind::Sum { .. } => {
                let point: NumberDataPoint = decode(body, point)?;
                let is_double =
                    point.value.map(|value| matches!(value, number_data_point::Value::AsDouble(_)));
                let (from, to) = (point.start_time_unix_nano, point.time_unix_nano);
                Point { attributes: sorted(point.attributes), from, to, bounds: Vec::new(), is_double }
            }
            Kind::Histogram => {
                let point: HistogramDataPoint = decode(body, point)?;
                let (from, to) = (point.start_time_unix_nano, point.time_unix_nano);
                let bounds = point.explicit_bounds;
                Point { attributes: sorted(point.attributes), from, to, bounds, is_double: None }
            }
            Kind::Exponential => {
                let point: ExponentialHistogramDataPoint = decode(body, point)?;
                let (from, to) = (point.start_time_unix_nano, point.time_unix_nano);
                Point { attributes: sorted(point.attributes), from, to, bounds: Vec::new(), is_double: None }
            }
        })
    }

    fn is_overflow(&self) -> bool {
        let [KeyValue { key, value: Some(value), .. }] = &*self.attributes else { return false };
        key == OVERFLOW && value.value == Some(any_value::Value::BoolValue(true))
    }

    fn has(&self, key: &str) -> bool {
        self.attributes.binary_search_by(|attribute| (*attribute.key).cmp(key)).is_ok()
    }

    fn takes(&self, kept: &Kept) -> bool {
        let is_double = matches!(kept.value, Value::Double(_));
        (self.from..=self.to).contains(&kept.time) && self.is_double.is_none_or(|own| own == is_double)
    }
}

/// The points of a metric, in their order.
#[derive(Default)]
pub(super) struct Points {
    points: Vec<Point>,
    /// By what the attributes are encoded to.
    by_attributes: HashMap<Vec<u8>, usize>,
    /// All keys that a point has.
    keys: HashSet<String>,
    overflow: Option<usize>,
}

/// An exemplar that a point may have.
struct Candidate<'a> {
    kept: &'a Kept,
    /// Where the set is that it is of.
    set: usize,
}

impl Points {
    pub(super) fn push(&mut self, point: Point) {
        let place = self.points.len();
        self.by_attributes.insert(encoded(&point.attributes), place);
        if point.is_overflow() {
            self.overflow = Some(place);
        } else {
            self.keys.extend(point.attributes.iter().map(|attribute| attribute.key.clone()));
        }
        self.points.push(point);
    }

    /// Returns the exemplars of each point.
    pub(super) fn choose(&self, sources: &[Source<'_>]) -> Vec<Vec<Exemplar>> {
        let size = sources.iter().map(|source| source.stream.size()).max().unwrap_or_default();
        let sets = sources.iter().flat_map(|source| {
            source.sets.iter().filter_map(|set| {
                let attributes = sorted(set.attributes.iter().map(KeyValue::from).collect());
                Some((self.place(&attributes, source.stream)?, attributes, set))
            })
        });
        let sets: Vec<(usize, Vec<KeyValue>, &Set)> = sets.collect();
        let mut candidates: Vec<Vec<Candidate<'_>>> = self.points.iter().map(|_| Vec::new()).collect();
        for (number, (place, _, set)) in sets.iter().enumerate() {
            let (Some(point), Some(candidates)) = (self.points.get(*place), candidates.get_mut(*place))
            else {
                continue;
            };
            let last = set.last.iter().map(|(_, kept)| kept).filter(|_| size == 0);
            let few = set.few.iter().filter(|_| size > 0);
            let kept = last.chain(few).filter(|kept| point.takes(kept));
            candidates.extend(kept.map(|kept| Candidate { kept, set: number }));
        }
        let chosen = self.points.iter().zip(candidates).map(|(point, candidates)| {
            let chosen = match size {
                0 => last_of_each_bucket(&point.bounds, candidates),
                _ => highest(size, candidates),
            };
            let exemplars = chosen.into_iter().map(|Candidate { kept, set }| {
                let attributes = sets.get(set).map(|(_, attributes, _)| &**attributes).unwrap_or_default();
                let dropped = attributes.iter().filter(|attribute| !point.has(&attribute.key));
                written(kept, dropped.cloned().collect())
            });
            exemplars.collect()
        });
        chosen.collect()
    }

    /// The point in which measurements with these attributes are counted.
    fn place(&self, attributes: &[KeyValue], stream: &Stream) -> Option<usize> {
        let left =
            attributes.iter().filter(|attribute| !stream.is_filtered || self.keys.contains(&attribute.key));
        self.by_attributes.get(&encoded(left)).copied().or(self.overflow)
    }
}

fn last_of_each_bucket<'a>(bounds: &[f64], candidates: Vec<Candidate<'a>>) -> Vec<Candidate<'a>> {
    let mut buckets = BTreeMap::new();
    for candidate in candidates {
        let value = candidate.kept.value.as_double();
        let bucket = bounds.partition_point(|bound| *bound < value);
        let last = buckets.entry(bucket);
        last.and_modify(|last: &mut Candidate<'a>| {
            if last.kept.time < candidate.kept.time {
                *last = Candidate { ..candidate };
            }
        })
        .or_insert(candidate);
    }
    buckets.into_values().collect()
}

/// Chooses by lot, and among those of earlier collections the latest.
fn highest(size: usize, mut candidates: Vec<Candidate<'_>>) -> Vec<Candidate<'_>> {
    candidates.sort_by_key(|candidate| Reverse((candidate.kept.rank, candidate.kept.time)));
    candidates.truncate(size);
    candidates
}

fn written(kept: &Kept, filtered_attributes: Vec<KeyValue>) -> Exemplar {
    let value = match kept.value {
        Value::Integer(value) => exemplar::Value::AsInt(value),
        Value::Double(value) => exemplar::Value::AsDouble(value),
    };
    Exemplar {
        filtered_attributes,
        time_unix_nano: kept.time,
        span_id: kept.span.0.map(|ids| ids.span_id.to_bytes().to_vec()).unwrap_or_default(),
        trace_id: kept.span.0.map(|ids| ids.trace_id.to_bytes().to_vec()).unwrap_or_default(),
        value: Some(value),
    }
}

/// In the order of the keys, each key once: the first, as the SDK has it.
pub(super) fn sorted(mut attributes: Vec<KeyValue>) -> Vec<KeyValue> {
    attributes.sort_by(|one, other| one.key.cmp(&other.key));
    attributes.dedup_by(|one, other| one.key == other.key);
    attributes
}

/// For comparisons: values that are not numbers are equal here.
pub(super) fn encoded<'a>(attributes: impl IntoIterator<Item = &'a KeyValue>) -> Vec<u8> {
    attributes.into_iter().flat_map(Message::encode_length_delimited_to_vec).collect()
}
