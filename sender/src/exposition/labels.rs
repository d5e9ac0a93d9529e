//! Attributes → labels.
//!
//! The points of a metric mostly have the same keys in the same order. What becomes of such a row of keys is found out once and
//! kept as a [`Plan`]; a point only has its values filled in.

use super::{name, value};
use crate::wire::{Fault, Field, Fields, Slice, Value};
use std::collections::BTreeMap;

/// Rows of keys that are remembered; a metric with more of them is written more slowly.
const MOST_PLANS: usize = 16;

/// A label that is not of the point: of the scope, or of the target.
#[derive(Clone, Debug)]
pub(super) struct Fixed {
    /// By which it is sorted among the keys of attributes.
    pub(super) key: String,
    pub(super) value: String,
    /// Takes the place of an attribute; else their values are joined.
    pub(super) wins: bool,
}

/// Makes the labels of one metric after the other.
#[derive(Default)]
pub(super) struct Labels {
    fixed: Vec<Fixed>,
    /// A name that the format itself gives a meaning.
    taken: Option<&'static str>,
    /// What is told in another way.
    without: &'static [&'static str],
    plans: Vec<Plan>,
    /// The attributes of the point, key and value.
    attributes: Vec<(Slice, Slice)>,
}

/// What becomes of one row of keys.
struct Plan {
    keys: Vec<Vec<u8>>,
    /// In the order of their names.
    labels: Vec<Label>,
}

struct Label {
    /// The name and what follows it, up to the value.
    open: Vec<u8>,
    /// Whose values are joined.
    sources: Vec<Source>,
}

enum Source {
    Attribute(usize),
    Fixed(usize),
}

impl Labels {
    /// For another metric: with these labels too, and without one of the name that is taken.
    pub(super) fn set(&mut self, fixed: Vec<Fixed>, taken: Option<&'static str>) {
        self.fixed = fixed;
        self.taken = taken;
        self.plans.clear();
    }

    /// Leaves out attributes of these keys, or that become labels of these names.
    pub(super) fn without(&mut self, names: &'static [&'static str]) {
        if self.without != names {
            self.without = names;
            self.plans.clear();
        }
    }

    /// Writes `name="value"` with commas between them. Labels without a value are none.
    ///
    /// Attributes are the fields of this number in the slice. Keys that become the same name have their values joined with
    /// `;`, in the order of the keys (B-011).
    pub(super) fn write(
        &mut self,
        out: &mut Vec<u8>,
        request: &[u8],
        of: Slice,
        number: u32,
    ) -> Result<(), Fault> {
        self.attributes.clear();
        for field in Fields::within(request, of) {
            if let Field { number: found, value: Value::Slice(attribute) } = field?
                && found == number
            {
                self.attributes.push(pair(request, attribute)?);
            }
        }
        let Labels { fixed, taken, without, plans, attributes } = self;
        let is_same = |plan: &Plan| {
            plan.keys.len() == attributes.len()
                && plan.keys.iter().zip(&*attributes).all(|(key, (found, _))| key == found.of(request))
        };
        let index = match plans.iter().position(is_same) {
            Some(index) => index,
            None => {
                if plans.len() >= MOST_PLANS {
                    plans.clear();
                }
                let keys = attributes.iter().map(|(key, _)| key.of(request).to_vec());
                plans.push(Plan::new(keys.collect(), fixed, *taken, without));
                plans.len() - 1
            }
        };
        match plans.get(index) {
            Some(plan) => plan.write(out, request, attributes, fixed),
            None => Ok(()),
        }
    }
}

impl Plan {
    fn new(keys: Vec<Vec<u8>>, fixed: &[Fixed], taken: Option<&str>, without: &[&str]) -> Self {
        let texts: Vec<String> = keys.iter().map(|key| value::text(key).into_owned()).collect();
        let of_point = texts.iter().enumerate().filter(|(_, key)| !without.contains(&key.as_str()));
        let of_point = of_point.map(|(index, key)| (key.as_str(), Source::Attribute(index)));
        let of_fixed = fixed.iter().enumerate().map(|(index, of)| (of.key.as_str(), Source::Fixed(index)));
        let mut sources: Vec<(&str, Source)> = of_point.chain(of_fixed).collect();
        sources.sort_by_key(|(key, _)| *key);
        let mut labels: BTreeMap<String, Vec<Source>> = BTreeMap::new();
        for (key, source) in sources {
            let Some(name) = name::label(key).filter(|name| name != "__name__") else { continue };
            if without.contains(&name.as_str()) {
                continue;
            }
            // As Prometheus renames what it finds where it has a meaning of its own.
            let name = if Some(&*name) == taken { format!("exported_{name}") } else { name };
            labels.entry(name).or_default().push(source);
        }
        for sources in labels.values_mut() {
            let wins = |source: &Source| matches!(source, Source::Fixed(index) if fixed.get(*index).is_some_and(|of| of.wins));
            if sources.iter().any(wins) {
                sources.retain(wins);
            }
        }
        let labels =
            labels.into_iter().map(|(name, sources)| Label { open: format!("{name}=\"").into(), sources });
        Plan { keys, labels: labels.collect() }
    }

    fn write(
        &self,
        out: &mut Vec<u8>,
        request: &[u8],
        attributes: &[(Slice, Slice)],
        fixed: &[Fixed],
    ) -> Result<(), Fault> {
        let begin = out.len();
        for label in &self.labels {
            let before = out.len();
            if before > begin {
                out.push(b',');
            }
            out.extend_from_slice(&label.open);
            let open = out.len();
            for source in &label.sources {
                if out.len() > open {
                    out.push(b';');
                }
                match source {
                    Source::Attribute(index) => {
                        if let Some((_, slice)) = attributes.get(*index) {
                            value::write(out, request, *slice)?;
                        }
                    }
                    Source::Fixed(index) => {
                        let text = fixed.get(*index).map(|fixed| fixed.value.as_bytes());
                        out.extend_from_slice(text.unwrap_or_default());
                    }
                }
            }
            if out.len() == open {
                out.truncate(before);
            } else {
                escape_from(out, open);
                out.push(b'"');
            }
        }
        Ok(())
    }
}

/// Key and value of an attribute.
pub(super) fn pair(request: &[u8], attribute: Slice) -> Result<(Slice, Slice), Fault> {
    let none = Slice { prefix: attribute.start, start: attribute.start, end: attribute.start };
    let (mut key, mut value) = (none, none);
    for field in Fields::within(request, attribute) {
        match field? {
            Field { number: 1, value: Value::Slice(slice) } => key = slice,
            Field { number: 2, value: Value::Slice(slice) } => value = slice,
            _ => {}
        }
    }
    Ok((key, value))
}

/// Escapes what was written from here on, as the value of a label.
pub(super) fn escape_from(out: &mut Vec<u8>, from: usize) {
    let needs = |byte: &u8| matches!(byte, b'"' | b'\\' | b'\n');
    let Some(first) = out.get(from..).and_then(|text| text.iter().position(needs)) else { return };
    let rest = out.split_off(from + first);
    escape(out, &rest, true);
}

/// Writes a text between quotation marks, or one of metadata, where those need not be escaped.
pub(super) fn escape(out: &mut Vec<u8>, text: &[u8], quotes: bool) {
    for byte in text {
        match byte {
            b'\\' => out.extend_from_slice(b"\\\\"),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'"' if quotes => out.extend_from_slice(b"\\\""),
            byte => out.push(*byte),
        }
    }
}
