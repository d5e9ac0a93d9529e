//! From a sample to its trace: exemplars, which OpenMetrics alone has (B-024).

use super::{labels::Labels, number, value};
use crate::wire::{Fault, Field, Fields, Slice, Value};

/// Names and values of the labels of an exemplar have at most so many characters together.
const MOST_CHARACTERS: usize = 128;
/// The number of the field in which an exemplar has the attributes that its point has not.
const FILTERED: u32 = 7;

/// An exemplar before its attributes.
#[derive(Clone, Copy)]
pub(super) struct Exemplar {
    place: Slice,
    /// Nanoseconds since 1970.
    time: u64,
    pub(super) value: f64,
    trace: Option<Slice>,
    span: Option<Slice>,
}

impl Exemplar {
    pub(super) fn read(request: &[u8], place: Slice) -> Result<Self, Fault> {
        let mut exemplar = Exemplar { place, time: 0, value: 0.0, trace: None, span: None };
        for field in Fields::within(request, place) {
            match field? {
                Field { number: 2, value: Value::Fixed64(bits) } => exemplar.time = bits,
                Field { number: 3, value: Value::Fixed64(bits) } => exemplar.value = f64::from_bits(bits),
                Field { number: 6, value: Value::Fixed64(bits) } => exemplar.value = bits as i64 as f64,
                Field { number: 4, value: Value::Slice(slice) } => exemplar.span = id(request, slice, 8),
                Field { number: 5, value: Value::Slice(slice) } => exemplar.trace = id(request, slice, 16),
                _ => {}
            }
        }
        Ok(exemplar)
    }

    /// Of two the one to be told: the later one.
    pub(super) fn later(self, other: Option<Exemplar>) -> Option<Exemplar> {
        match other {
            Some(other) if other.time > self.time => Some(other),
            _ => Some(self),
        }
    }

    /// Writes ` # {labels} value time`. The attributes are all there, or none.
    pub(super) fn write(self, out: &mut Vec<u8>, request: &[u8], labels: &mut Labels) -> Result<(), Fault> {
        out.extend_from_slice(b" # {");
        let mut characters = 0;
        let from = out.len();
        for (name, id) in [("span_id", self.span), ("trace_id", self.trace)] {
            let Some(id) = id else { continue };
            if out.len() > from {
                out.push(b',');
            }
            out.extend_from_slice(name.as_bytes());
            out.extend_from_slice(b"=\"");
            for byte in id.of(request) {
                const DIGITS: &[u8; 16] = b"0123456789abcdef";
                let digit = |number: u8| DIGITS.get(usize::from(number)).copied().unwrap_or(b'0');
                out.extend_from_slice(&[digit(byte >> 4), digit(byte & 15)]);
            }
            out.push(b'"');
            characters += name.len() + 2 * id.of(request).len();
        }
        self.attributes(out, request, labels, from, MOST_CHARACTERS - characters)?;
        out.extend_from_slice(b"} ");
        number::double(out, self.value);
        if self.time > 0 {
            out.push(b' ');
            number::seconds(out, self.time);
        }
        Ok(())
    }

    fn attributes(
        self,
        out: &mut Vec<u8>,
        request: &[u8],
        labels: &mut Labels,
        from: usize,
        room: usize,
    ) -> Result<(), Fault> {
        labels.without(match (self.trace.is_some(), self.span.is_some()) {
            (false, false) => &[],
            (true, false) => &["trace_id"],
            (false, true) => &["span_id"],
            (true, true) => &["trace_id", "span_id"],
        });
        let before = out.len();
        if before > from {
            out.push(b',');
        }
        let open = out.len();
        labels.write(out, request, self.place, FILTERED)?;
        if out.len() == open || characters(out.get(open..).unwrap_or_default()) > room {
            out.truncate(before);
        }
        Ok(())
    }
}

/// How many characters names and values have, without what stands between and before them.
fn characters(labels: &[u8]) -> usize {
    let (mut count, mut is_quoted, mut is_escaped) = (0, false, false);
    for c in value::text(labels).chars() {
        match c {
            '\\' if is_quoted && !is_escaped => is_escaped = true,
            '"' if !is_escaped => is_quoted = !is_quoted,
            '=' | ',' if !is_quoted => {}
            _ => (count, is_escaped) = (count + 1, false),
        }
    }
    count
}

/// The id in the slice: one of another length, or of zeros, is none.
fn id(request: &[u8], slice: Slice, length: usize) -> Option<Slice> {
    let bytes = slice.of(request);
    (bytes.len() == length && bytes.iter().any(|byte| *byte != 0)).then_some(slice)
}
