//! The messages of OTLP as tables, and the check of a whole request against them.
//!
//! What passes [`check`] decodes: a request is answered with 400 at the door (O-064), never found broken by
//! somebody who looks at a trace later. Fields that a table leaves out are unknown and only skipped.

use super::{Fault, Fields, Slice, Value, varints};
use std::str;
use throughline_sender::Signal;

/// How deep messages may nest. A value inside a value takes two levels; other decoders stop at 100.
const MAX_DEPTH: usize = 90;

/// What one field holds.
enum Type {
    Varint,
    Fixed64,
    Fixed32,
    /// Many, packed into one field or one by one.
    Varints,
    /// Many, packed into one field or one by one.
    Fixed64s,
    Text,
    Bytes,
    Message(&'static Shape),
}

use Type::{Bytes, Fixed32, Fixed64, Fixed64s, Message, Text, Varint, Varints};

/// The known fields of one message, by number.
pub(crate) struct Shape(&'static [(u32, Type)]);

static ANY: Shape = Shape(&[
    (1, Text),
    (2, Varint),
    (3, Varint),
    (4, Fixed64),
    (5, Message(&ARRAY)),
    (6, Message(&ATTRIBUTES)),
    (7, Bytes),
    (8, Varint),
]);
static ARRAY: Shape = Shape(&[(1, Message(&ANY))]);
/// Also the list of key and value inside a value.
static ATTRIBUTES: Shape = Shape(&[(1, Message(&ATTRIBUTE))]);
static ATTRIBUTE: Shape = Shape(&[(1, Text), (2, Message(&ANY)), (3, Varint)]);
static RESOURCE: Shape = Shape(&[(1, Message(&ATTRIBUTE)), (2, Varint), (3, Message(&ENTITY))]);
static ENTITY: Shape = Shape(&[(1, Text), (2, Text), (3, Text), (4, Text)]);
static SCOPE: Shape = Shape(&[(1, Text), (2, Text), (3, Message(&ATTRIBUTE)), (4, Varint)]);

static TRACES: Shape = Shape(&[(1, Message(&RESOURCE_SPANS))]);
static RESOURCE_SPANS: Shape = Shape(&[(1, Message(&RESOURCE)), (2, Message(&SCOPE_SPANS)), (3, Text)]);
static SCOPE_SPANS: Shape = Shape(&[(1, Message(&SCOPE)), (2, Message(&SPAN)), (3, Text)]);
static SPAN: Shape = Shape(&[
    (1, Bytes),
    (2, Bytes),
    (3, Text),
    (4, Bytes),
    (5, Text),
    (6, Varint),
    (7, Fixed64),
    (8, Fixed64),
    (9, Message(&ATTRIBUTE)),
    (10, Varint),
    (11, Message(&EVENT)),
    (12, Varint),
    (13, Message(&LINK)),
    (14, Varint),
    (15, Message(&STATUS)),
    (16, Fixed32),
]);
static EVENT: Shape = Shape(&[(1, Fixed64), (2, Text), (3, Message(&ATTRIBUTE)), (4, Varint)]);
static LINK: Shape =
    Shape(&[(1, Bytes), (2, Bytes), (3, Text), (4, Message(&ATTRIBUTE)), (5, Varint), (6, Fixed32)]);
static STATUS: Shape = Shape(&[(2, Text), (3, Varint)]);

static LOGS: Shape = Shape(&[(1, Message(&RESOURCE_LOGS))]);
static RESOURCE_LOGS: Shape = Shape(&[(1, Message(&RESOURCE)), (2, Message(&SCOPE_LOGS)), (3, Text)]);
static SCOPE_LOGS: Shape = Shape(&[(1, Message(&SCOPE)), (2, Message(&LOG)), (3, Text)]);
static LOG: Shape = Shape(&[
    (1, Fixed64),
    (2, Varint),
    (3, Text),
    (5, Message(&ANY)),
    (6, Message(&ATTRIBUTE)),
    (7, Varint),
    (8, Fixed32),
    (9, Bytes),
    (10, Bytes),
    (11, Fixed64),
    (12, Text),
]);

static METRICS: Shape = Shape(&[(1, Message(&RESOURCE_METRICS))]);
static RESOURCE_METRICS: Shape = Shape(&[(1, Message(&RESOURCE)), (2, Message(&SCOPE_METRICS)), (3, Text)]);
static SCOPE_METRICS: Shape = Shape(&[(1, Message(&SCOPE)), (2, Message(&METRIC)), (3, Text)]);
static METRIC: Shape = Shape(&[
    (1, Text),
    (2, Text),
    (3, Text),
    (5, Message(&GAUGE)),
    (7, Message(&SUM)),
    (9, Message(&HISTOGRAMS)),
    (10, Message(&EXPONENTIALS)),
    (11, Message(&SUMMARIES)),
    (12, Message(&ATTRIBUTE)),
]);
static GAUGE: Shape = Shape(&[(1, Message(&NUMBER))]);
static SUM: Shape = Shape(&[(1, Message(&NUMBER)), (2, Varint), (3, Varint)]);
static NUMBER: Shape = Shape(&[
    (2, Fixed64),
    (3, Fixed64),
    (4, Fixed64),
    (5, Message(&EXEMPLAR)),
    (6, Fixed64),
    (7, Message(&ATTRIBUTE)),
    (8, Varint),
]);
static HISTOGRAMS: Shape = Shape(&[(1, Message(&HISTOGRAM)), (2, Varint)]);
static HISTOGRAM: Shape = Shape(&[
    (2, Fixed64),
    (3, Fixed64),
    (4, Fixed64),
    (5, Fixed64),
    (6, Fixed64s),
    (7, Fixed64s),
    (8, Message(&EXEMPLAR)),
    (9, Message(&ATTRIBUTE)),
    (10, Varint),
    (11, Fixed64),
    (12, Fixed64),
]);
static EXPONENTIALS: Shape = Shape(&[(1, Message(&EXPONENTIAL)), (2, Varint)]);
static EXPONENTIAL: Shape = Shape(&[
    (1, Message(&ATTRIBUTE)),
    (2, Fixed64),
    (3, Fixed64),
    (4, Fixed64),
    (5, Fixed64),
    (6, Varint),
    (7, Fixed64),
    (8, Message(&BUCKETS)),
    (9, Message(&BUCKETS)),
    (10, Varint),
    (11, Message(&EXEMPLAR)),
    (12, Fixed64),
    (13, Fixed64),
    (14, Fixed64),
]);
static BUCKETS: Shape = Shape(&[(1, Varint), (2, Varints)]);
static SUMMARIES: Shape = Shape(&[(1, Message(&SUMMARY))]);
static SUMMARY: Shape = Shape(&[
    (2, Fixed64),
    (3, Fixed64),
    (4, Fixed64),
    (5, Fixed64),
    (6, Message(&QUANTILE)),
    (7, Message(&ATTRIBUTE)),
    (8, Varint),
]);
static QUANTILE: Shape = Shape(&[(1, Fixed64), (2, Fixed64)]);
static EXEMPLAR: Shape =
    Shape(&[(2, Fixed64), (3, Fixed64), (4, Bytes), (5, Bytes), (6, Fixed64), (7, Message(&ATTRIBUTE))]);

/// Checks a whole `Export…ServiceRequest`, down to the last value of the last attribute, and says of how many messages
/// it is made.
pub(crate) fn check(signal: Signal, body: &[u8]) -> Result<usize, Fault> {
    let shape = match signal {
        Signal::Traces => &TRACES,
        Signal::Metrics => &METRICS,
        Signal::Logs => &LOGS,
    };
    message(body, Slice { prefix: 0, start: 0, end: body.len() }, shape, MAX_DEPTH)
}

fn message(body: &[u8], slice: Slice, shape: &Shape, depth: usize) -> Result<usize, Fault> {
    let at = slice.start;
    let Some(depth) = depth.checked_sub(1) else {
        return Err(Fault { reason: "messages nest too deep", at });
    };
    let mut messages = 1;
    for field in Fields::within(body, slice) {
        let field = field?;
        let Some((_, kind)) = shape.0.iter().find(|(number, _)| *number == field.number) else {
            continue;
        };
        match (kind, field.value) {
            (Varint, Value::Varint) | (Fixed64, Value::Fixed64) | (Fixed32, Value::Fixed32) => {}
            (Varints, Value::Varint) | (Fixed64s, Value::Fixed64) | (Bytes, Value::Slice(_)) => {}
            (Varints, Value::Slice(numbers)) => varints(body, numbers)?,
            (Fixed64s, Value::Slice(numbers)) if (numbers.end - numbers.start) % 8 == 0 => {}
            (Text, Value::Slice(text)) => {
                if str::from_utf8(text.of(body)).is_err() {
                    return Err(Fault { reason: "a text is not UTF-8", at: text.start });
                }
            }
            (Message(shape), Value::Slice(slice)) => messages += message(body, slice, shape, depth)?,
            _ => return Err(Fault { reason: "a known field has the wrong wire type", at }),
        }
    }
    Ok(messages)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::field;

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

    #[test]
    fn unknown_fields_are_skipped() {
        assert_eq!(check(Signal::Traces, &field(9, b"\xff\xff")), Ok(1));
    }
}
