//! What is kept of the measurements of one instrument.

use super::stream::Stream;
use crate::{callback::lock, config::ExemplarFilter, log::Ids};
use opentelemetry::KeyValue;
use std::{
    collections::HashMap,
    hash::{BuildHasher, RandomState},
    sync::{Arc, Mutex, MutexGuard},
    time::SystemTime,
};

/// Parts with a lock of their own.
const SHARDS: usize = 8;
/// Sets of attributes in a part: together more than the 2,000 series of an instrument, so that with as many none makes
/// room for another, although the parts are not equally full.
const MOST_SETS: usize = 320;

/// The reservoir of an instrument, for all its streams.
#[derive(Debug)]
pub(super) struct Reservoir {
    filter: ExemplarFilter,
    /// The bounds of all streams that are histograms with bounds, so that each bucket of each has its last.
    bounds: Vec<f64>,
    /// How many measurements are kept beside those.
    size: usize,
    /// What strangers write into attributes must not be able to collide.
    hasher: RandomState,
    shards: [Mutex<Shard>; SHARDS],
}

#[derive(Debug, Default)]
struct Shard {
    places: HashMap<u64, usize>,
    sets: Vec<Set>,
    /// Which one makes room.
    oldest: usize,
    random: u64,
}

/// What is kept of the measurements with one set of attributes.
#[derive(Clone, Debug)]
pub(super) struct Set {
    hash: u64,
    pub(super) attributes: Arc<[KeyValue]>,
    /// The last one of each bucket.
    pub(super) last: Vec<(usize, Kept)>,
    /// A few of all.
    pub(super) few: Vec<Kept>,
}

/// A measurement.
#[derive(Clone, Copy, Debug)]
pub(super) struct Kept {
    pub(super) value: Value,
    /// Nanoseconds since 1970.
    pub(super) time: u64,
    pub(super) span: Active,
    /// Drawn by lot, so that the highest ones are a fair choice, also of several sets; zero after a collection.
    pub(super) rank: u64,
}

/// A value in the type of its instrument.
#[derive(Clone, Copy, Debug)]
pub(super) enum Value {
    Integer(i64),
    Double(f64),
}

/// The span that was active, if there was one.
#[derive(Clone, Copy, Debug)]
pub(super) struct Active(pub(super) Option<Ids>);

impl Reservoir {
    pub(super) fn new(filter: ExemplarFilter, streams: &[Stream]) -> Self {
        let mut bounds: Vec<f64> = streams.iter().flat_map(|stream| stream.bounds.iter().copied()).collect();
        bounds.sort_by(f64::total_cmp);
        bounds.dedup();
        let size = streams.iter().map(Stream::size).max().unwrap_or_default();
        let hasher = RandomState::new();
        let shard = |number: usize| {
            // Odd, as a generator that shifts must not begin with zero.
            Mutex::new(Shard { random: hasher.hash_one(number) | 1, ..Shard::default() })
        };
        let shards = std::array::from_fn(shard);
        Reservoir { filter, bounds, size, hasher, shards }
    }

    /// Whether the filter lets a measurement through that is taken now.
    #[inline]
    pub(super) fn admits(&self) -> bool {
        Ids::are_sampled() || self.filter == ExemplarFilter::AlwaysOn
    }

    /// The same for the same attributes in any order.
    pub(super) fn hash(&self, attributes: &[KeyValue]) -> u64 {
        let hashes = attributes.iter().map(|attribute| self.hasher.hash_one(attribute));
        hashes.fold(0, u64::wrapping_add)
    }

    /// Keeps a measurement of the active span, or not. Apart, so that those which are not let through save no registers.
    #[inline(never)]
    pub(super) fn offer(&self, value: Value, hash: u64, attributes: &[KeyValue]) {
        let span = Active(Ids::active());
        let double = value.as_double();
        // The SDK does not record it either.
        if !double.is_finite() {
            return;
        }
        let time = nanoseconds(SystemTime::now());
        let mut shard = self.shard(hash);
        let rank = shard.draw();
        let kept = Kept { value, time, span, rank };
        let Some(set) = shard.set(hash, attributes) else { return };
        if !self.bounds.is_empty() {
            let bucket = self.bounds.partition_point(|bound| *bound < double);
            match set.last.iter_mut().find(|(taken, _)| *taken == bucket) {
                Some((_, last)) => *last = kept,
                None => set.last.push((bucket, kept)),
            }
        }
        if set.few.len() < self.size {
            set.few.push(kept);
        } else if let Some(lowest) = set.few.iter_mut().min_by_key(|kept| kept.rank)
            && lowest.rank < rank
        {
            *lowest = kept;
        }
    }

    /// Copies what is kept. From now on it is drawn anew.
    pub(super) fn collect(&self) -> Vec<Set> {
        let mut sets = Vec::new();
        for shard in &self.shards {
            let mut shard = lock(shard);
            sets.extend(shard.sets.iter().cloned());
            shard.sets.iter_mut().flat_map(|set| &mut set.few).for_each(|kept| kept.rank = 0);
        }
        sets
    }

    fn shard(&self, hash: u64) -> MutexGuard<'_, Shard> {
        lock(&self.shards[hash as usize % SHARDS])
    }
}

impl Shard {
    /// A number above zero.
    fn draw(&mut self) -> u64 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        self.random
    }

    fn set(&mut self, hash: u64, attributes: &[KeyValue]) -> Option<&mut Set> {
        if let Some(place) = self.places.get(&hash) {
            let set = self.sets.get_mut(*place)?;
            if !is_same(&set.attributes, attributes) {
                *set = Set::new(hash, attributes);
            }
            return Some(set);
        }
        let new = Set::new(hash, attributes);
        let place = if self.sets.len() < MOST_SETS { self.sets.len() } else { self.oldest };
        self.places.insert(hash, place);
        if place == self.sets.len() {
            self.sets.push(new);
        } else {
            self.oldest = (place + 1) % MOST_SETS;
            let former = std::mem::replace(self.sets.get_mut(place)?, new);
            self.places.remove(&former.hash);
        }
        self.sets.get_mut(place)
    }
}

impl Set {
    fn new(hash: u64, attributes: &[KeyValue]) -> Self {
        Set { hash, attributes: attributes.into(), last: Vec::new(), few: Vec::new() }
    }
}

/// Whether attributes with the same hash are the same: mostly in the same order too. Of a key that is there twice the
/// first one counts.
fn is_same(known: &[KeyValue], attributes: &[KeyValue]) -> bool {
    let has = |one: &KeyValue| known.iter().find(|known| known.key == one.key) == Some(one);
    known == attributes || known.len() == attributes.len() && attributes.iter().all(has)
}

impl Value {
    pub(super) fn as_double(self) -> f64 {
        match self {
            Value::Integer(value) => value as f64,
            Value::Double(value) => value,
        }
    }
}

impl From<f64> for Value {
    fn from(value: f64) -> Self {
        Value::Double(value)
    }
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Value::Integer(value)
    }
}

impl From<u64> for Value {
    /// OTLP has no larger integers.
    fn from(value: u64) -> Self {
        i64::try_from(value).map_or(Value::Double(value as f64), Value::Integer)
    }
}

pub(super) fn nanoseconds(time: SystemTime) -> u64 {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}
