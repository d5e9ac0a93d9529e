//! The check of requests against the table of OTLP.
//!
//! What passes decodes: a request is answered with 400 at the door (O-064), never found broken by somebody who looks at
//! a trace later. The outer levels of a request are those of [`scan`](crate::scan::scan), which asks here for the rest.

use std::str;
use throughline_sender::{
    shape::{Kind, Label, Shape},
    wire::{Fault, Field, Fields, Slice, Value, Varints},
};

/// How deep messages may nest. A value inside a value takes two levels; other decoders stop at 100.
pub(crate) const MAX_DEPTH: usize = 90;

/// Checks a message, down to the last value of the last attribute, and says of how many messages it is made.
pub(crate) fn message(body: &[u8], slice: Slice, shape: &Shape, depth: usize) -> Result<usize, Fault> {
    let at = slice.start;
    let Some(depth) = depth.checked_sub(1) else {
        return Err(Fault { reason: "messages nest too deep", at });
    };
    let mut messages = 1;
    for field in Fields::within(body, slice) {
        messages += known(body, field?, shape, depth, at)?;
    }
    Ok(messages)
}

/// Checks a field of a message of this shape, which begins there, and says of how many messages it is made.
#[inline]
pub(crate) fn known(
    body: &[u8],
    field: Field,
    shape: &Shape,
    depth: usize,
    at: usize,
) -> Result<usize, Fault> {
    let Some(known) = shape.field(field.number) else { return Ok(0) };
    match (known.kind, field.value) {
        (Kind::Message(shape), Value::Slice(slice)) if shape.is_attribute() && is_plain(slice.of(body)) => {
            return Ok(2);
        }
        (Kind::Message(shape), Value::Slice(slice)) => return message(body, slice, shape, depth),
        (Kind::Text, Value::Slice(slice)) => {
            if str::from_utf8(slice.of(body)).is_err() {
                return Err(Fault { reason: "a text is not UTF-8", at: slice.start });
            }
        }
        (Kind::Bytes | Kind::Id, Value::Slice(_)) => {}
        (Kind::Fixed64 | Kind::Sfixed64 | Kind::Double, Value::Fixed64(_)) => {}
        (Kind::Fixed32, Value::Fixed32(_)) => {}
        (
            Kind::Bool | Kind::Int32 | Kind::Uint32 | Kind::Sint32 | Kind::Int64 | Kind::Uint64,
            Value::Varint(_),
        ) => {}
        (kind, Value::Slice(packed)) if known.label == Label::Many => numbers(body, kind, packed)?,
        _ => return Err(Fault { reason: "a known field has the wrong wire type", at }),
    }
    Ok(0)
}

/// Whether an attribute is a key and a text, both short and ASCII, and nothing else: then no byte of it is wrong, and its
/// fields need no look of their own.
fn is_plain(attribute: &[u8]) -> bool {
    let Some((&[0x0a, length], rest)) = attribute.split_first_chunk() else { return false };
    let Some(&[0x12, value, 0x0a, text]) = rest.get(usize::from(length)..).and_then(<[u8]>::first_chunk)
    else {
        return false;
    };
    let [length, value, text] = [length, value, text].map(usize::from);
    attribute.len() == length + text + 6 && value == text + 2 && attribute.is_ascii()
}

/// Numbers that are packed into one field.
fn numbers(body: &[u8], kind: Kind, packed: Slice) -> Result<(), Fault> {
    match kind {
        Kind::Fixed64 | Kind::Double if (packed.end - packed.start).is_multiple_of(8) => Ok(()),
        Kind::Uint64 => Varints::within(body, packed).try_for_each(|number| number.map(drop)),
        _ => Err(Fault { reason: "a known field has the wrong wire type", at: packed.start }),
    }
}

/// Checks a whole request, without counting what is in it.
#[cfg(test)]
pub(crate) fn check(signal: throughline_sender::Signal, body: &[u8]) -> Result<usize, Fault> {
    message(body, Slice { prefix: 0, start: 0, end: body.len() }, Shape::of(signal), MAX_DEPTH)
}

/// A length-delimited field, for the requests that tests are made of.
#[cfg(test)]
pub(crate) fn field(number: u8, content: &[u8]) -> Vec<u8> {
    let mut bytes = vec![number << 3 | 2];
    prost::encode_length_delimiter(content.len(), &mut bytes).unwrap();
    bytes.extend_from_slice(content);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use throughline_sender::Signal;

    fn log_with_body(value: &[u8]) -> Vec<u8> {
        field(1, &field(2, &field(2, &field(5, value))))
    }

    #[test]
    fn a_fault_deep_inside_is_found() {
        assert_eq!(check(Signal::Logs, &log_with_body(&field(1, b"text"))), Ok(5));
        assert_eq!(
            check(Signal::Logs, &log_with_body(&field(1, b"\xff"))).unwrap_err().reason,
            "a text is not UTF-8"
        );
        assert!(check(Signal::Logs, &log_with_body(&[0x0a, 0x05])).is_err());
        assert!(check(Signal::Logs, &log_with_body(&[0x08, 0x05])).is_err());
    }

    #[test]
    fn values_nest_as_deep_as_the_bound_and_no_deeper() {
        let nested = |levels: usize| (0..levels).fold(field(1, b"x"), |value, _| field(5, &field(1, &value)));
        assert_eq!(check(Signal::Logs, &log_with_body(&nested(40))), Ok(85));
        assert_eq!(
            check(Signal::Logs, &log_with_body(&nested(2000))).unwrap_err().reason,
            "messages nest too deep"
        );
    }

    #[test]
    fn the_bounds_of_a_histogram_are_not_taken_for_its_attributes() {
        let point = [field(7, &0.005_f64.to_le_bytes()), field(9, &field(1, b"key"))].concat();
        let metrics = field(1, &field(2, &field(2, &field(9, &field(1, &point)))));
        assert_eq!(check(Signal::Metrics, &metrics), Ok(7));
    }

    // The short way must never say more than the long one.
    #[test]
    fn attributes_in_any_form_are_found_broken_where_they_are() {
        let span = |attribute: &[u8]| field(1, &field(2, &field(2, &field(9, attribute))));
        let whole = [field(1, b"key"), field(2, &field(1, b"text"))].concat();
        assert!(is_plain(&whole));
        assert_eq!(check(Signal::Traces, &span(&whole)), Ok(6));
        let empty = [field(1, b""), field(2, &field(1, b""))].concat();
        assert!(is_plain(&empty));
        let text = [field(1, b"key"), field(2, &field(1, "t\u{e9}xt".as_bytes()))].concat();
        let number = [field(1, b"key"), field(2, &[0x18, 7])].concat();
        let twice = [field(1, b"key"), field(2, &field(1, b"text")), field(1, b"k")].concat();
        let long = [field(1, b"key"), field(2, &field(1, &[b'x'; 128]))].concat();
        for unusual in [text, number, twice, long] {
            assert!(!is_plain(&unusual));
            assert_eq!(check(Signal::Traces, &span(&unusual)), Ok(6));
        }
        for place in 0..whole.len() {
            for byte in 0..=u8::MAX {
                let mut changed = whole.clone();
                changed[place] = byte;
                let slice = Slice { prefix: 0, start: 0, end: changed.len() };
                let Kind::Message(resource) = Shape::of(Signal::Logs).field(1).unwrap().kind else {
                    panic!()
                };
                let Kind::Message(resource) = resource.field(1).unwrap().kind else { panic!() };
                let Kind::Message(attribute) = resource.field(1).unwrap().kind else { panic!() };
                assert!(attribute.is_attribute());
                let found = message(&changed, slice, attribute, 10);
                assert!(!is_plain(&changed) || found == Ok(2), "{changed:?}");
            }
        }
        for length in 0..whole.len() {
            assert!(!is_plain(&whole[..length]), "{length}");
        }
    }

    #[test]
    fn unknown_fields_are_skipped() {
        assert_eq!(check(Signal::Traces, &field(9, b"\xff\xff")), Ok(1));
    }
}
