//! The value of an attribute as text.

use crate::wire::{Fault, Field, Fields, Slice, Value};
use base64::{Engine, engine::general_purpose::STANDARD};
use std::{borrow::Cow, io::Write};

/// How deep lists and maps may nest; deeper ones are left out.
const MAX_DEPTH: usize = 32;

/// Text, whatever the bytes are.
pub(super) fn text(bytes: &[u8]) -> Cow<'_, str> {
    String::from_utf8_lossy(bytes)
}

/// Writes a value: texts as they are, lists and maps as JSON, bytes in base64.
pub(super) fn write(out: &mut Vec<u8>, request: &[u8], value: Slice) -> Result<(), Fault> {
    match last(request, value)? {
        // By far the most: without a copy where it is valid.
        Some(Field { number: 1, value: Value::Slice(slice) }) => {
            let bytes = slice.of(request);
            match std::str::from_utf8(bytes) {
                Ok(text) => out.extend_from_slice(text.as_bytes()),
                Err(_) => out.extend_from_slice(text(bytes).as_bytes()),
            }
        }
        Some(Field { number: 7, value: Value::Slice(slice) }) => {
            out.extend_from_slice(STANDARD.encode(slice.of(request)).as_bytes());
        }
        Some(field) => other(out, request, field, MAX_DEPTH)?,
        None => {}
    }
    Ok(())
}

/// The choice that counts: the last one.
fn last(request: &[u8], value: Slice) -> Result<Option<Field>, Fault> {
    Fields::within(request, value).try_fold(None, |_, field| field.map(Some))
}

fn other(out: &mut Vec<u8>, request: &[u8], field: Field, depth: usize) -> Result<(), Fault> {
    match (field.number, field.value) {
        (2, Value::Varint(bits)) => push(out, format_args!("{}", bits != 0)),
        (3, Value::Varint(bits)) => push(out, format_args!("{}", bits as i64)),
        (4, Value::Fixed64(bits)) => double(out, f64::from_bits(bits)),
        (5, Value::Slice(list)) => {
            members(out, request, list, b"[]", depth, |out, value, depth| inner(out, request, value, depth))?
        }
        (6, Value::Slice(map)) => members(out, request, map, b"{}", depth, |out, member, depth| {
            let (mut key, mut value) = (&b""[..], None);
            for field in Fields::within(request, member) {
                match field? {
                    Field { number: 1, value: Value::Slice(slice) } => key = slice.of(request),
                    Field { number: 2, value: Value::Slice(slice) } => value = Some(slice),
                    _ => {}
                }
            }
            quoted(out, &text(key));
            out.push(b':');
            match value {
                Some(value) => inner(out, request, value, depth),
                None => null(out),
            }
        })?,
        _ => {}
    }
    Ok(())
}

/// A value inside of another.
fn inner(out: &mut Vec<u8>, request: &[u8], value: Slice, depth: usize) -> Result<(), Fault> {
    match last(request, value)? {
        Some(Field { number: 1, value: Value::Slice(slice) }) => quoted(out, &text(slice.of(request))),
        Some(Field { number: 7, value: Value::Slice(slice) }) => {
            quoted(out, &STANDARD.encode(slice.of(request)));
        }
        Some(field @ Field { number: 2..=6, .. }) if depth > 0 => other(out, request, field, depth)?,
        _ => null(out)?,
    }
    Ok(())
}

fn members(
    out: &mut Vec<u8>,
    request: &[u8],
    of: Slice,
    brackets: &[u8; 2],
    depth: usize,
    mut write: impl FnMut(&mut Vec<u8>, Slice, usize) -> Result<(), Fault>,
) -> Result<(), Fault> {
    out.push(brackets[0]);
    let mut is_first = true;
    for field in Fields::within(request, of) {
        if let Field { number: 1, value: Value::Slice(member) } = field? {
            if !is_first {
                out.push(b',');
            }
            is_first = false;
            write(out, member, depth - 1)?;
        }
    }
    out.push(brackets[1]);
    Ok(())
}

fn null(out: &mut Vec<u8>) -> Result<(), Fault> {
    out.extend_from_slice(b"null");
    Ok(())
}

/// Shortest digits; without a fraction where there is none.
fn double(out: &mut Vec<u8>, value: f64) {
    match value {
        value if value.is_nan() => out.extend_from_slice(b"NaN"),
        f64::INFINITY => out.extend_from_slice(b"Infinity"),
        f64::NEG_INFINITY => out.extend_from_slice(b"-Infinity"),
        value if value != 0.0 && !(1e-6..1e21).contains(&value.abs()) => push(out, format_args!("{value:e}")),
        value => push(out, format_args!("{value}")),
    }
}

fn quoted(out: &mut Vec<u8>, text: &str) {
    crate::json::text(out, text);
}

fn push(out: &mut Vec<u8>, text: std::fmt::Arguments<'_>) {
    // Writing to a vector cannot fail.
    let _ = out.write_fmt(text);
}

#[cfg(test)]
mod tests {
    use super::*;
    use opentelemetry_proto::tonic::common::v1::{
        AnyValue, ArrayValue, KeyValue, KeyValueList, any_value::Value as Any,
    };
    use prost::Message;

    #[test]
    fn what_is_no_text_becomes_one() {
        let value = |value| AnyValue { value: Some(value) };
        let list = value(Any::ArrayValue(ArrayValue {
            values: vec![
                value(Any::StringValue("a\"b".into())),
                value(Any::IntValue(-1)),
                AnyValue::default(),
            ],
        }));
        let map = value(Any::KvlistValue(KeyValueList {
            values: vec![KeyValue { key: "k".into(), value: Some(list.clone()), ..KeyValue::default() }],
        }));
        let deep = (0..100)
            .fold(AnyValue::default(), |deep, _| value(Any::ArrayValue(ArrayValue { values: vec![deep] })));
        let brackets = |count| "[".repeat(count) + "null" + &"]".repeat(count);
        for (value, expected) in [
            (value(Any::StringValue("a\"b\n".into())), "a\"b\n".to_owned()),
            (value(Any::BoolValue(true)), "true".into()),
            (value(Any::IntValue(i64::MIN)), i64::MIN.to_string()),
            (value(Any::DoubleValue(2.0)), "2".into()),
            (value(Any::DoubleValue(-1e300)), "-1e300".into()),
            (value(Any::DoubleValue(f64::NEG_INFINITY)), "-Infinity".into()),
            (value(Any::BytesValue(vec![0, 255])), "AP8=".into()),
            (list, r#"["a\"b",-1,null]"#.into()),
            (map, r#"{"k":["a\"b",-1,null]}"#.into()),
            (AnyValue::default(), String::new()),
            (deep, brackets(MAX_DEPTH)),
        ] {
            let (request, mut out) = (value.encode_to_vec(), Vec::new());
            write(&mut out, &request, Slice { prefix: 0, start: 0, end: request.len() }).unwrap();
            assert_eq!(String::from_utf8(out).unwrap(), expected);
        }
    }
}
