//! What a record and its resource know, and which of it are hints.

use super::labels::Labels;
use crate::trace::{Attributes, Value};
use serde::{Serialize, Serializer, ser::SerializeMap};
use std::borrow::Cow;

/// What is said to us, not to Loki.
const HINTS: [&str; 4] = ["loki.attribute.labels", "loki.format", "loki.resource.labels", "loki.tenant"];

/// How many attributes a hint may name: Loki takes fifteen labels unless it is told otherwise (B-052).
const MAX_NAMES: usize = 100;

/// Where hints are looked for.
#[derive(Clone, Copy)]
pub(super) struct Hints<'a> {
    pub(super) record: &'a Attributes,
    pub(super) resource: &'a Attributes,
}

/// Attributes, of which some are left out of lines.
pub(super) struct Hinted<'a> {
    all: &'a Attributes,
    left_out: Vec<String>,
}

impl<'a> Hints<'a> {
    /// The attributes that a hint names, in the resource and in the record.
    pub(super) fn names(self, hint: &str) -> impl Iterator<Item = Cow<'a, str>> {
        let of = |hint: Option<&'a Value>| match hint {
            Some(Value::Text(text)) => (text.as_str(), &[][..]),
            Some(Value::Array(list)) => ("", &list[..]),
            _ => ("", &[][..]),
        };
        let hints = [of(self.resource.get(hint)), of(self.record.get(hint))].into_iter();
        let names = hints.flat_map(|(text, list)| {
            let texts = text.split(',').map(|name| Cow::Borrowed(name.trim()));
            texts.chain(list.iter().map(|name| Cow::Owned(name.to_string())))
        });
        names.filter(|name| !name.is_empty()).take(MAX_NAMES)
    }

    /// The text of a hint; that of the resource comes first.
    pub(super) fn text(self, hint: &str) -> Option<String> {
        self.attribute(hint).map(Value::to_string)
    }

    /// An attribute of the resource, or of the record.
    pub(super) fn attribute(self, name: &str) -> Option<&'a Value> {
        self.resource.get(name).or_else(|| self.record.get(name))
    }
}

impl<'a> Hinted<'a> {
    pub(super) fn of(all: &'a Attributes) -> Self {
        Hinted { all, left_out: Vec::new() }
    }

    /// Makes an attribute a label, if it is there.
    pub(super) fn become_label(&mut self, name: &str, labels: &mut Labels) {
        match self.all.get(name) {
            Some(value) => {
                labels.set(name, value.to_string());
                self.left_out.push(name.to_owned());
            }
            // What is inside of another one stays there.
            None => {
                if let Some(value) = nested(self.all, name) {
                    labels.set(name, value.to_string());
                }
            }
        }
    }

    /// What is not left out.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&'a str, &'a Value)> {
        let is_left_out =
            |name: &str| HINTS.contains(&name) || self.left_out.iter().any(|other| other == name);
        self.all.iter().filter(move |(name, _)| !is_left_out(name))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.iter().next().is_none()
    }
}

impl Serialize for Hinted<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for (name, value) in self.iter() {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

/// `a.b`: `b` of `a`.
fn nested<'a>(attributes: &'a Attributes, name: &str) -> Option<&'a Value> {
    let (outer, inner) = name.split_once('.')?;
    match attributes.get(outer)? {
        Value::Map(map) => map.get(inner).or_else(|| nested(map, inner)),
        _ => None,
    }
}
