//! One list of attributes, and what is done to it.

use super::{
    Action, Failure, Kind, Value,
    client::{Asked, Client},
    value,
};
use crate::{
    Error,
    edit::{Edits, frame, framed},
    syntax::compiled,
    wire::{Fault, Fields, Slice, Value as Content},
};
use regex::Regex;
use std::borrow::Cow;

/// An action that is ready to be done.
pub(super) enum Step {
    /// Whether it is added, and whether it is changed.
    Set {
        key: String,
        source: Source,
        adds: bool,
        changes: bool,
    },
    Delete(String),
    DeleteMatching(Regex),
    Hash(String),
    Extract(String, Regex),
    Convert(String, Kind),
}

/// Where a value comes from.
pub(super) enum Source {
    /// It is this, encoded.
    Constant(Vec<u8>),
    Attribute(String, Option<Box<Source>>),
    /// The place of the answer.
    Context(usize, Option<Box<Source>>),
}

impl Step {
    pub(super) fn new(action: &Action, asked: &mut Asked) -> Result<Self, Error> {
        let mut set = |key: &String, value: &Value, adds, changes| {
            let source = Source::new(value, asked)?;
            Ok(Step::Set { key: key.clone(), source, adds, changes })
        };
        Ok(match action {
            Action::Insert(key, value) => set(key, value, true, false)?,
            Action::Update(key, value) => set(key, value, false, true)?,
            Action::Upsert(key, value) => set(key, value, true, true)?,
            Action::Delete(key) => Step::Delete(key.clone()),
            Action::DeleteMatching(pattern) => Step::DeleteMatching(regex(pattern)?),
            Action::Hash(key) => Step::Hash(key.clone()),
            Action::Extract(key, pattern) => Step::Extract(key.clone(), regex(pattern)?),
            Action::Convert(key, kind) => Step::Convert(key.clone(), *kind),
        })
    }
}

fn regex(pattern: &str) -> Result<Regex, Error> {
    compiled(pattern).map_err(|fault| Error::pattern(&fault))
}

impl Source {
    fn new(value: &Value, asked: &mut Asked) -> Result<Self, Error> {
        Ok(match value {
            Value::Text(text) => Source::Constant(value::text(text)),
            Value::Int(number) => Source::Constant(value::int(*number)),
            Value::Double(number) => Source::Constant(value::double(*number)),
            Value::Bool(truth) => Source::Constant(value::bool(*truth)),
            Value::Attribute(key) => Source::Attribute(key.clone(), None),
            Value::AttributeOr(key, other) => {
                Source::Attribute(key.clone(), Some(Box::new(Source::new(other, asked)?)))
            }
            Value::Context(context) => Source::Context(asked.place(context)?, None),
            Value::ContextOr(context, other) => {
                Source::Context(asked.place(context)?, Some(Box::new(Source::new(other, asked)?)))
            }
        })
    }

    fn value(&self, list: &[Attribute<'_>], client: &Client) -> Option<Vec<u8>> {
        let (found, other) = match self {
            Source::Constant(value) => return Some(value.clone()),
            Source::Attribute(key, other) => (last(list, key), other),
            Source::Context(place, other) => (client.answer(*place), other),
        };
        match found {
            Some(value) => Some(value.to_vec()),
            None => other.as_ref()?.value(list, client),
        }
    }
}

/// One attribute, while actions are done.
struct Attribute<'a> {
    /// Where it was; `None`: it is new.
    place: Option<(usize, usize)>,
    key: Cow<'a, [u8]>,
    /// An encoded `AnyValue`; `None`: the attribute is to go.
    value: Option<Cow<'a, [u8]>>,
    is_changed: bool,
}

/// Does everything to the attributes of a message, which stand in the field of this number.
pub(super) fn change(
    body: &[u8],
    slice: Slice,
    number: u32,
    steps: &[Step],
    client: &Client,
    edits: &mut Edits,
) -> Result<(), Failure> {
    if steps.is_empty() {
        return Ok(());
    }
    if edits.are_too_many() {
        return Err(Failure::TooLarge);
    }
    let mut list = Vec::new();
    let mut fields = Fields::within(body, slice);
    let mut from = fields.offset();
    while let Some(field) = fields.next() {
        let field = field?;
        if let Content::Slice(slice) = field.value
            && field.number == number
        {
            list.push(attribute(body, slice, (from, fields.offset()))?);
        }
        from = fields.offset();
    }
    steps.iter().for_each(|step| step.act(&mut list, client));
    for attribute in list.iter().filter(|attribute| attribute.is_changed) {
        let with = attribute.written(number);
        match attribute.place {
            Some((start, end)) => edits.replace(start, end, with),
            None if with.is_empty() => {}
            None => edits.replace(slice.end, slice.end, with),
        }
    }
    Ok(())
}

/// What a message without attributes gets; `None`: nothing.
pub(super) fn made(number: u32, steps: &[Step], client: &Client) -> Option<Vec<u8>> {
    let mut list = Vec::new();
    steps.iter().for_each(|step| step.act(&mut list, client));
    let made: Vec<u8> = list.iter().flat_map(|attribute| attribute.written(number)).collect();
    Some(made).filter(|made| !made.is_empty())
}

/// The last key counts, a value may come in pieces.
fn attribute(body: &[u8], slice: Slice, place: (usize, usize)) -> Result<Attribute<'_>, Fault> {
    let (mut key, mut value): (&[u8], Option<Cow<'_, [u8]>>) = (&[], None);
    for field in Fields::within(body, slice) {
        let field = field?;
        let Content::Slice(slice) = field.value else { continue };
        match field.number {
            1 => key = slice.of(body),
            2 => match &mut value {
                Some(value) => value.to_mut().extend_from_slice(slice.of(body)),
                None => value = Some(Cow::Borrowed(slice.of(body))),
            },
            _ => {}
        }
    }
    let value = Some(value.unwrap_or_default());
    Ok(Attribute { place: Some(place), key: Cow::Borrowed(key), value, is_changed: false })
}

impl Attribute<'_> {
    fn is(&self, key: &str) -> bool {
        self.value.is_some() && *self.key == *key.as_bytes()
    }

    fn set(&mut self, value: Option<Vec<u8>>) {
        self.value = value.map(Cow::Owned);
        self.is_changed = true;
    }

    /// As a field; empty when the attribute is to go.
    fn written(&self, number: u32) -> Vec<u8> {
        let Some(value) = &self.value else { return Vec::new() };
        let mut pair = framed(1, &self.key);
        frame(2, value, &mut pair);
        framed(number, &pair)
    }
}

fn last<'a>(list: &'a [Attribute<'_>], key: &str) -> Option<&'a [u8]> {
    list.iter().rfind(|attribute| attribute.is(key)).and_then(|attribute| attribute.value.as_deref())
}

impl Step {
    fn act(&self, list: &mut Vec<Attribute<'_>>, client: &Client) {
        match self {
            Step::Set { key, source, adds, changes } => {
                let is_there = list.iter().any(|attribute| attribute.is(key));
                if if is_there { *changes } else { *adds }
                    && let Some(value) = source.value(list, client)
                {
                    upsert(list, key, &value);
                }
            }
            Step::Delete(key) => each(list, key, |_| Some(None)),
            Step::DeleteMatching(pattern) => {
                for attribute in list.iter_mut().filter(|attribute| attribute.value.is_some()) {
                    if str::from_utf8(&attribute.key).is_ok_and(|key| pattern.is_match(key)) {
                        attribute.set(None);
                    }
                }
            }
            Step::Hash(key) => each(list, key, |value| Some(Some(value::hash(value)))),
            Step::Convert(key, kind) => each(list, key, |value| value::converted(value, *kind).map(Some)),
            Step::Extract(key, pattern) => {
                for (key, value) in extracted(list, key, pattern) {
                    upsert(list, &key, &value);
                }
            }
        }
    }
}

/// Changes those with a key; `None`: one stays as it is.
fn each(list: &mut [Attribute<'_>], key: &str, new: impl Fn(&[u8]) -> Option<Option<Vec<u8>>>) {
    for attribute in list.iter_mut().filter(|attribute| attribute.is(key)) {
        if let Some(value) = attribute.value.as_deref().and_then(&new) {
            attribute.set(value);
        }
    }
}

fn upsert(list: &mut Vec<Attribute<'_>>, key: &str, value: &[u8]) {
    if list.iter().any(|attribute| attribute.is(key)) {
        return each(list, key, |_| Some(Some(value.to_vec())));
    }
    let (key, value) = (key.as_bytes().to_vec().into(), Some(value.to_vec().into()));
    list.push(Attribute { place: None, key, value, is_changed: true });
}

fn extracted(list: &[Attribute<'_>], key: &str, pattern: &Regex) -> Vec<(String, Vec<u8>)> {
    let Some(value::Held::Text(text)) = last(list, key).map(value::held) else { return Vec::new() };
    let Some(groups) = pattern.captures(text) else { return Vec::new() };
    let names = pattern.capture_names().flatten();
    let found = names.filter_map(|name| Some((name.to_owned(), value::text(groups.name(name)?.as_str()))));
    found.collect()
}
