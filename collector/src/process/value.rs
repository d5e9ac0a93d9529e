//! What an attribute holds: read from and written as an `AnyValue`.

use super::Context;
use crate::{
    edit::framed,
    wire::{Fields, Value as Content},
};
use prost::encoding::encode_varint;
use std::borrow::Cow;

/// What an attribute is to hold.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Value {
    /// A text.
    Text(String),
    /// An integer.
    Int(i64),
    /// A number.
    Double(f64),
    /// True or false.
    Bool(bool),
    /// What the attribute with this key holds; without it the action does nothing (`from_attribute`).
    Attribute(String),
    /// The same, or this value if there is none (`default_value`).
    AttributeOr(String, Box<Value>),
    /// What is known of who sent the request; where it is not known the action does nothing (`from_context`).
    Context(Context),
    /// The same, or this value if it is not known.
    ContextOr(Context, Box<Value>),
}

/// A kind of value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A text.
    Text,
    /// An integer.
    Int,
    /// A number.
    Double,
}

/// What an `AnyValue` holds, as far as actions look at it.
#[derive(Debug, PartialEq)]
pub(super) enum Held<'a> {
    Text(&'a str),
    Bool(bool),
    Int(i64),
    Double(f64),
    /// Bytes, a list, attributes, or nothing.
    Other,
}

pub(super) fn text(text: &str) -> Vec<u8> {
    framed(1, text.as_bytes())
}

pub(super) fn int(number: i64) -> Vec<u8> {
    let mut value = vec![3 << 3];
    encode_varint(number as u64, &mut value);
    value
}

pub(super) fn double(number: f64) -> Vec<u8> {
    [&[4 << 3 | 1][..], &number.to_le_bytes()].concat()
}

pub(super) fn bool(truth: bool) -> Vec<u8> {
    vec![2 << 3, u8::from(truth)]
}

/// Reads an `AnyValue`: of several choices the last one counts.
pub(super) fn held(value: &[u8]) -> Held<'_> {
    let mut held = Held::Other;
    for field in Fields::of(value).flatten() {
        held = match (field.number, field.value) {
            (1, Content::Slice(slice)) => str::from_utf8(slice.of(value)).map_or(Held::Other, Held::Text),
            (2, Content::Varint(truth)) => Held::Bool(truth != 0),
            (3, Content::Varint(number)) => Held::Int(number as i64),
            (4, Content::Fixed64(bits)) => Held::Double(f64::from_bits(bits)),
            (5..=8, _) => Held::Other,
            _ => held,
        };
    }
    held
}

/// The SHA-1 of a value, as a text.
pub(super) fn hash(value: &[u8]) -> Vec<u8> {
    let bytes = match held(value) {
        Held::Text(text) => Cow::Borrowed(text.as_bytes()),
        Held::Bool(truth) => vec![u8::from(truth)].into(),
        Held::Int(number) => number.to_le_bytes().to_vec().into(),
        Held::Double(number) => number.to_le_bytes().to_vec().into(),
        Held::Other => Cow::Borrowed(value),
    };
    text(&sha1_smol::Sha1::from(&bytes).digest().to_string())
}

/// The value as one of another kind; `None`: it stays as it is.
pub(super) fn converted(value: &[u8], kind: Kind) -> Option<Vec<u8>> {
    Some(match (kind, held(value)) {
        (Kind::Text, Held::Int(number)) => text(&number.to_string()),
        (Kind::Text, Held::Double(number)) => text(&number.to_string()),
        (Kind::Text, Held::Bool(truth)) => text(&truth.to_string()),
        (Kind::Int, Held::Text(text)) => int(text.trim().parse().ok()?),
        (Kind::Int, Held::Double(number)) => int(number as i64),
        (Kind::Int, Held::Bool(truth)) => int(i64::from(truth)),
        (Kind::Double, Held::Text(text)) => double(text.trim().parse().ok()?),
        (Kind::Double, Held::Int(number)) => double(number as f64),
        (Kind::Double, Held::Bool(truth)) => double(if truth { 1.0 } else { 0.0 }),
        _ => return None,
    })
}
