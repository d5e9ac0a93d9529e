//! OTLP as JSON, from its protobuf bytes and back: by the table of [`shape`](crate::shape), without decoding into types.
//!
//! ```
//! use throughline_sender::{Signal, json};
//!
//! // One resource, one scope, one log record with a severity and a trace id.
//! let record = b"\x10\x09\x4a\x10\x5b\x8e\xff\xf7\x98\x03\x81\x03\xd2\x69\xb6\x33\x81\x3f\xc6\x0c";
//! let request = [&b"\x0a\x18\x12\x16\x12\x14"[..], record].concat();
//!
//! assert_eq!(
//!     String::from_utf8(json::to_json(Signal::Logs, &request)?)?,
//!     concat!(
//!         r#"{"resourceLogs":[{"scopeLogs":[{"logRecords":["#,
//!         r#"{"severityNumber":9,"traceId":"5b8efff798038103d269b633813fc60c"}]}]}]}"#,
//!     )
//! );
//! let json = br#"{"resourceLogs": [{"scopeLogs": [{"logRecords": [
//!     {"traceId": "5B8EFFF798038103D269B633813FC60C", "severityNumber": 9, "unknown": {}}
//! ]}]}]}"#;
//! assert_eq!(json::from_json(Signal::Logs, json, 1000)?.map(|request| request.len()), Some(request.len()));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Semantics
//! Names in lowerCamelCase, ids in hexadecimal, other bytes in base64, enumerations as numbers, integers of 64
//! bits as strings, `"NaN"` and `"Infinity"` as strings (O-080…O-084). What is zero, empty or not there is left
//! out, unless it was chosen among several, or may be absent and is there: an attribute of the value 0 stays. No
//! white space. Fields come in the order of their numbers; unknown ones are left out. What a protobuf decoder
//! takes is taken here too: fields in any order, messages in pieces, numbers packed or not.
//!
//! What is read may have its members in any order, unknown ones among them, white space, `null` for what is unset,
//! integers as numbers or as strings, also `1.5e18`, ids in capital letters, and base64 of either alphabet with or
//! without padding. Names in snake_case are unknown. A fault is: a name that stands twice, or two of one choice; an
//! enumeration by its name; an id of another length than 32 or 16 digits; a number that its field cannot hold; what is
//! not JSON. Half a surrogate pair is read as U+FFFD.
//!
//! # Limits
//! Messages nest up to 90 deep; what is unknown, up to 128. To write, a message and those around it have up to 1,048,576
//! fields together, and what comes out has at most 64 MiB: beyond is a [`Fault`]. To read needs no memory but that of
//! what comes out, and time in proportion to the text and the depth.

mod reading; // of short answers
mod writing; // of single values
mod request; // what others write
mod token; // … piece by piece
mod number; // … to the last digit

pub(crate) use reading::{message, partial_success};
#[cfg(feature = "prometheus")]
pub(crate) use writing::text;

use crate::{
    Signal,
    shape::{Field, Kind, Label, Shape},
    transport::MAX_REQUEST_BYTES,
    wire::{Fault, Fields, Slice, Value, Varints},
};
use request::Stop;

/// How deep messages may nest. A value inside a value takes two levels; other decoders stop at 100.
const MAX_DEPTH: usize = 90;
/// How many fields are remembered at a time, of 48 bytes each: those of a message and of all around it. An empty message
/// is two bytes on the wire, a request may have millions.
const MAX_FIELDS: usize = 1 << 20;

/// Writes an `Export…ServiceRequest` as OTLP/JSON. It is also the `TracesData`, `MetricsData` or `LogsData` of a file,
/// which have the same fields.
///
/// # Errors
/// If the bytes are not a request of this signal, or what comes out is beyond the limits.
pub fn to_json(signal: Signal, request: &[u8]) -> Result<Vec<u8>, Fault> {
    write(signal, request, MAX_REQUEST_BYTES)
}

/// Reads OTLP/JSON as an `Export…ServiceRequest` in protobuf; `None` if that would be, or might become, larger than so
/// many bytes. It is never more than four times as large as the JSON.
///
/// # Errors
/// If the bytes are not JSON, or not that of a request of this signal.
pub fn from_json(signal: Signal, json: &[u8], most: usize) -> Result<Option<Vec<u8>>, Fault> {
    match request::read(Shape::of(signal), json, most) {
        Ok(request) => Ok(Some(request)),
        Err(Stop::TooLarge) => Ok(None),
        Err(Stop::Fault(fault)) => Err(fault),
    }
}

fn write(signal: Signal, request: &[u8], most: usize) -> Result<Vec<u8>, Fault> {
    let whole = Slice { prefix: 0, start: 0, end: request.len() };
    let mut writer = Writer { request, most, remembered: 0, out: Vec::with_capacity(request.len() * 2) };
    writer.message(Shape::of(signal), &[whole], MAX_DEPTH)?;
    Ok(writer.out)
}

struct Writer<'a> {
    request: &'a [u8],
    most: usize,
    /// Fields of the messages that are being written.
    remembered: usize,
    out: Vec<u8>,
}

/// A known field, and what stood there.
#[derive(Clone, Copy)]
struct Stood {
    number: u32,
    field: &'static Field,
    value: Value,
}

impl Writer<'_> {
    /// A message may come in pieces, which are one after the other the whole.
    fn message(&mut self, shape: &'static Shape, pieces: &[Slice], depth: usize) -> Result<(), Fault> {
        let at = pieces.first().map_or(0, |piece| piece.start);
        let depth = depth.checked_sub(1).ok_or(Fault { reason: "messages nest too deep", at })?;
        self.out.push(b'{');
        let mut is_first = true;
        let fields = self.fields(shape, pieces)?;
        self.remembered += fields.len();
        for same in fields.chunk_by(|one, other| one.number == other.number) {
            let before = self.out.len();
            if !is_first {
                self.out.push(b',');
            }
            if self.member(same, at, depth)? {
                is_first = false;
            } else {
                self.out.truncate(before);
            }
            self.has_room(at)?;
        }
        self.remembered -= fields.len();
        self.out.push(b'}');
        Ok(())
    }

    fn has_room(&self, at: usize) -> Result<(), Fault> {
        match self.out.len() > self.most {
            true => Err(Fault { reason: "the request is too large as JSON", at }),
            false => Ok(()),
        }
    }

    /// The known fields of a message by their numbers, those of one number in their order, of several choices only the
    /// last.
    fn fields(&self, shape: &'static Shape, pieces: &[Slice]) -> Result<Vec<Stood>, Fault> {
        let mut fields: Vec<Stood> = Vec::new();
        let (mut choice, mut chosen_from) = (0, 0);
        for piece in pieces {
            for found in Fields::within(self.request, *piece) {
                let found = found?;
                let Some(field) = shape.field(found.number) else { continue };
                if field.label == Label::Choice && found.number != choice {
                    (choice, chosen_from) = (found.number, fields.len());
                }
                if self.remembered + fields.len() == MAX_FIELDS {
                    return Err(Fault { reason: "too many fields", at: piece.start });
                }
                fields.push(Stood { number: found.number, field, value: found.value });
            }
        }
        let mut place = 0;
        fields.retain(|stood| {
            place += 1;
            place > chosen_from || stood.field.label != Label::Choice
        });
        fields.sort_by_key(|stood| stood.number); // nothing to do for what encoders write
        Ok(fields)
    }

    /// One name and its value; whether there was anything to write.
    fn member(&mut self, same: &[Stood], at: usize, depth: usize) -> Result<bool, Fault> {
        let Some(last) = same.last() else { return Ok(false) };
        let Field { name, label, kind } = *last.field;
        writing::text(&mut self.out, name);
        self.out.push(b':');
        match (kind, label) {
            (_, Label::Many) => self.list(same, at, depth),
            (Kind::Message(shape), _) => {
                let pieces =
                    same.iter().map(|stood| slice(stood.value, at)).collect::<Result<Vec<_>, _>>()?;
                self.message(shape, &pieces, depth).map(|()| true)
            }
            _ => {
                let is_default = self.scalar(kind, last.value, at)?;
                Ok(label != Label::One || !is_default)
            }
        }
    }

    fn list(&mut self, same: &[Stood], at: usize, depth: usize) -> Result<bool, Fault> {
        self.out.push(b'[');
        let empty = self.out.len();
        for Stood { field, value, .. } in same {
            self.has_room(at)?;
            match (field.kind, *value) {
                (Kind::Message(shape), value) => {
                    let piece = slice(value, at)?;
                    self.message(shape, &[piece], depth)?;
                    self.out.push(b',');
                }
                (kind @ (Kind::Uint64 | Kind::Fixed64 | Kind::Double), Value::Slice(packed)) => {
                    self.packed(kind, packed)?;
                }
                (kind, value) => {
                    self.scalar(kind, value, at)?;
                    self.out.push(b',');
                }
            }
        }
        let is_empty = self.out.len() == empty;
        if !is_empty {
            self.out.pop(); // the last comma
        }
        self.out.push(b']');
        Ok(!is_empty)
    }

    fn packed(&mut self, kind: Kind, packed: Slice) -> Result<(), Fault> {
        if let Kind::Uint64 = kind {
            for number in Varints::within(self.request, packed) {
                writing::number(&mut self.out, kind, number?);
                self.out.push(b',');
            }
            return Ok(());
        }
        let (numbers, torn) = packed.of(self.request).as_chunks();
        if !torn.is_empty() {
            return Err(Fault { reason: "the bytes end inside a number", at: packed.start });
        }
        for number in numbers {
            writing::number(&mut self.out, kind, u64::from_le_bytes(*number));
            self.out.push(b',');
        }
        Ok(())
    }

    /// One value; whether it is zero or empty.
    fn scalar(&mut self, kind: Kind, value: Value, at: usize) -> Result<bool, Fault> {
        let number = match (kind, value) {
            (Kind::Text, value) => {
                let slice = slice(value, at)?;
                let text = std::str::from_utf8(slice.of(self.request));
                let text = text.map_err(|_| Fault { reason: "a text is not UTF-8", at: slice.start })?;
                writing::text(&mut self.out, text);
                return Ok(text.is_empty());
            }
            (Kind::Bytes | Kind::Id, value) => {
                let bytes = slice(value, at)?.of(self.request);
                match kind {
                    Kind::Id => writing::hex(&mut self.out, bytes),
                    _ => writing::base64(&mut self.out, bytes),
                }
                return Ok(bytes.is_empty());
            }
            (Kind::Fixed64 | Kind::Sfixed64 | Kind::Double, Value::Fixed64(number)) => number,
            (Kind::Fixed32, Value::Fixed32(number)) => number.into(),
            (
                Kind::Bool | Kind::Int32 | Kind::Uint32 | Kind::Sint32 | Kind::Int64 | Kind::Uint64,
                Value::Varint(number),
            ) => number,
            _ => return Err(wrong(at)),
        };
        Ok(writing::number(&mut self.out, kind, number))
    }
}

fn slice(value: Value, at: usize) -> Result<Slice, Fault> {
    match value {
        Value::Slice(slice) => Ok(slice),
        _ => Err(wrong(at)),
    }
}

fn wrong(at: usize) -> Fault {
    Fault { reason: "a known field has the wrong wire type", at }
}

#[cfg(test)]
mod tests;
