//! Values by their keys, in the order in which they came.

use super::Value;
use std::{slice, sync::Arc};

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

    /// Adds all values of another map, or puts them in the place of those with the same keys.
    pub fn merge(&mut self, other: Map) {
        if self.0.is_empty() {
            self.0 = other.0;
            return;
        }
        self.0.reserve(other.0.len());
        for (key, value) in other.0 {
            self.insert(key, value);
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
        let mut map = Map::new();
        for (key, value) in pairs {
            map.insert(key, value);
        }
        map
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
