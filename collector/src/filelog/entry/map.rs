//! Values by their keys, in the order in which they came.

use super::Value;
use std::{collections::HashMap, slice, sync::Arc};

/// From so many on, keys that are added at once are looked up in an index.
const MANY: usize = 32;

/// A key: cheap to clone, since most are known before the first line is read.
pub type Key = Arc<str>;

/// Values by their keys, in the order in which they came; each key stands once.
///
/// A list: log lines have a handful of attributes, and to look through those is faster than to hash.
#[derive(Clone, Debug, Default)]
pub struct Map(Vec<(Key, Value)>);

impl Map {
    /// No values.
    pub const fn new() -> Self {
        Map(Vec::new())
    }

    /// Values whose keys are known to be different.
    pub(crate) fn of_distinct<V: Into<Value>>(pairs: impl Iterator<Item = (Key, V)>) -> Self {
        Map(pairs.map(|(key, value)| (key, value.into())).collect())
    }

    /// The value with this key.
    pub fn value(&self, key: &str) -> Option<&Value> {
        self.0.iter().find(|(held, _)| **held == *key).map(|(_, value)| value)
    }

    /// The value with this key, to be changed.
    pub fn value_mut(&mut self, key: &str) -> Option<&mut Value> {
        self.0.iter_mut().find(|(held, _)| **held == *key).map(|(_, value)| value)
    }

    /// Adds a value, or puts it in the place of the one with the same key, which is answered.
    pub fn insert(&mut self, key: impl AsRef<str> + Into<Key>, value: impl Into<Value>) -> Option<Value> {
        let value = value.into();
        match self.value_mut(key.as_ref()) {
            Some(held) => Some(std::mem::replace(held, value)),
            None => {
                self.0.push((key.into(), value));
                None
            }
        }
    }

    /// The place of a key, which holds [`Value::Null`] if it is new.
    pub(super) fn place(&mut self, key: &Key) -> &mut Value {
        let at = self.0.iter().position(|(held, _)| held == key).unwrap_or_else(|| {
            self.0.push((key.clone(), Value::Null));
            self.0.len() - 1
        });
        &mut self.0[at].1
    }

    /// Takes a value out.
    pub fn remove(&mut self, key: &str) -> Option<Value> {
        let at = self.0.iter().position(|(held, _)| **held == *key)?;
        Some(self.0.remove(at).1)
    }

    /// Values by keys, some of which may stand twice: the last of them counts.
    pub(crate) fn of_pairs(pairs: Vec<(Key, Value)>) -> Self {
        let mut map = Map::new();
        map.add(pairs);
        map
    }

    /// Adds all values of another map, or puts them in the place of those with the same keys.
    pub fn merge(&mut self, other: Map) {
        if self.0.is_empty() {
            self.0 = other.0;
            return;
        }
        self.add(other.0);
    }

    /// In a time that grows with the number of values, however many there are.
    fn add(&mut self, pairs: Vec<(Key, Value)>) {
        self.0.reserve(pairs.len());
        if pairs.len() < MANY {
            return pairs.into_iter().for_each(|(key, value)| drop(self.insert(key, value)));
        }
        let held = self.0.iter().enumerate();
        let mut places: HashMap<Key, usize> = held.map(|(at, (key, _))| (key.clone(), at)).collect();
        for (key, value) in pairs {
            match places.get(&key) {
                Some(at) => self.0[*at].1 = value,
                None => {
                    places.insert(key.clone(), self.0.len());
                    self.0.push((key, value));
                }
            }
        }
    }

    /// How many values there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Keys and values, in the order in which they came.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.into_iter()
    }
}

/// The order does not matter.
impl PartialEq for Map {
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len() && self.iter().all(|(key, value)| other.value(key) == Some(value))
    }
}

impl<K: AsRef<str> + Into<Key>, V: Into<Value>> FromIterator<(K, V)> for Map {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(pairs: I) -> Self {
        Map::of_pairs(pairs.into_iter().map(|(key, value)| (key.into(), value.into())).collect())
    }
}

impl<const COUNT: usize> From<[(&str, Value); COUNT]> for Map {
    fn from(pairs: [(&str, Value); COUNT]) -> Self {
        Map::from_iter(pairs)
    }
}

impl IntoIterator for Map {
    type Item = (Key, Value);
    type IntoIter = std::vec::IntoIter<(Key, Value)>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl<'a> IntoIterator for &'a Map {
    type Item = (&'a str, &'a Value);
    type IntoIter = std::iter::Map<slice::Iter<'a, (Key, Value)>, fn(&'a (Key, Value)) -> Self::Item>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter().map(|(key, value)| (&**key, value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_stands_once_however_many_there_are() {
        for count in [2, 31, 32, 33, 100_000] {
            let pairs = (0..count).chain(0..count).map(|number| (number.to_string(), Value::Integer(number)));
            let mut map: Map = pairs.collect();
            assert_eq!(map.len() as i64, count);
            let keys: Vec<i64> = map.iter().take(3).map(|(key, _)| key.parse().unwrap()).collect();
            assert_eq!(keys, (0..count.min(3)).collect::<Vec<_>>());
            map.merge((0..=count).map(|number| (number.to_string(), Value::Bool(true))).collect());
            assert_eq!((map.len() as i64, map.value("1")), (count + 1, Some(&Value::Bool(true))));
        }
    }
}
