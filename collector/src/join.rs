//! Joins resources and scopes that came in pieces.
//!
//! In protobuf, a message that stands twice where one belongs is one message: the fields of both. A request is
//! brought into the form with one piece before it is kept, so that one offset is enough to find it.

use crate::wire::{Fault, Fields, Slice, Value};

/// Which message is rewritten; all are alike for spans, log records and metrics.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Level {
    /// `Export…ServiceRequest`.
    Request,
    /// `Resource…`: the resource is field 1, the scopes are field 2.
    Resource,
    /// `Scope…`: the scope is field 1, the items are field 2.
    Scope,
}

/// How many times the size of the request is needed meanwhile: one copy at each level.
pub(crate) const COPIES: usize = 3;

/// The same request with every resource and every scope in one piece.
pub(crate) fn joined(body: &[u8]) -> Result<Vec<u8>, Fault> {
    message(body, Slice { prefix: 0, start: 0, end: body.len() }, Level::Request)
}

fn message(body: &[u8], slice: Slice, level: Level) -> Result<Vec<u8>, Fault> {
    let mut described: Option<Vec<u8>> = None;
    let mut rest = Vec::with_capacity(slice.end - slice.start);
    let mut fields = Fields::within(body, slice);
    let mut from = fields.offset();
    while let Some(field) = fields.next() {
        let field = field?;
        let raw = body.get(from..fields.offset()).unwrap_or_default();
        from = fields.offset();
        match (level, field.number, field.value) {
            (Level::Request, 1, Value::Slice(slice)) => {
                put(&mut rest, 1, &message(body, slice, Level::Resource)?);
            }
            (Level::Resource, 2, Value::Slice(slice)) => {
                put(&mut rest, 2, &message(body, slice, Level::Scope)?);
            }
            (Level::Resource | Level::Scope, 1, Value::Slice(piece)) => {
                described.get_or_insert_default().extend_from_slice(piece.of(body));
            }
            _ => rest.extend_from_slice(raw),
        }
    }
    if let Some(described) = described {
        put(&mut rest, 1, &described);
    }
    Ok(rest)
}

/// Adds a message or a text as a field.
pub(crate) fn put(bytes: &mut Vec<u8>, number: u8, content: &[u8]) {
    bytes.push(number << 3 | 2);
    prost::encoding::encode_varint(content.len() as u64, bytes);
    bytes.extend_from_slice(content);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{check::field, scan::scan};
    use throughline_sender::Signal;

    #[test]
    fn pieces_become_one_and_everything_else_stays() {
        let scope = [field(1, b"a"), field(2, b"span"), field(1, b"b"), field(3, b"url")].concat();
        let body = field(1, &[field(1, b"x"), field(2, &scope), field(1, b""), field(1, b"y")].concat());
        let scope = [field(2, b"span"), field(3, b"url"), field(1, b"ab")].concat();
        let expected = field(1, &[field(2, &scope), field(1, b"xy")].concat());
        assert_eq!(joined(&body).unwrap(), expected);
        assert_eq!(joined(&expected).unwrap(), expected);
        assert!(joined(&body[..body.len() - 1]).is_err());
    }

    #[test]
    fn only_a_request_with_pieces_is_split() {
        let whole = field(1, &[field(1, b""), field(2, &field(1, b""))].concat());
        assert!(!scan(Signal::Traces, &whole).unwrap().is_split);
        let split_resource = field(1, &[field(1, b""), field(1, b"")].concat());
        let split_scope = field(1, &field(2, &[field(1, b""), field(1, b"")].concat()));
        for split in [split_resource, split_scope] {
            assert!(scan(Signal::Traces, &split).unwrap().is_split);
            assert!(!scan(Signal::Traces, &joined(&split).unwrap()).unwrap().is_split);
        }
    }
}
