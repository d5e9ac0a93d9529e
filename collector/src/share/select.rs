//! The spans or log records of some traces, with everything that they belong to, out of a stored request.

use crate::{
    join::put,
    scan::{TraceId, belongs},
    wire::{Fault, Fields, Slice, Value},
};
use std::collections::HashSet;
use throughline_sender::Signal;

/// Which message is rewritten.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Level {
    Request,
    /// The resource is field 1, the scopes are field 2.
    Resource,
    /// The scope is field 1, the items are field 2.
    Scope,
}

/// The part of a request that belongs to the traces; nothing if none does.
pub(super) fn select(signal: Signal, body: &[u8], traces: &HashSet<TraceId>) -> Result<Vec<u8>, Fault> {
    let whole = Slice { prefix: 0, start: 0, end: body.len() };
    Ok(message(signal, body, whole, traces, Level::Request)?.unwrap_or_default())
}

/// `None`: nothing in the message belongs to the traces.
fn message(
    signal: Signal,
    body: &[u8],
    slice: Slice,
    traces: &HashSet<TraceId>,
    level: Level,
) -> Result<Option<Vec<u8>>, Fault> {
    let mut rest = Vec::new();
    let mut is_any = false;
    let mut fields = Fields::within(body, slice);
    let mut from = fields.offset();
    while let Some(field) = fields.next() {
        let field = field?;
        let raw = body.get(from..fields.offset()).unwrap_or_default();
        from = fields.offset();
        let (number, inner) = match (level, field.number, field.value) {
            (Level::Request, 1, Value::Slice(slice)) => {
                (1, message(signal, body, slice, traces, Level::Resource)?)
            }
            (Level::Resource, 2, Value::Slice(slice)) => {
                (2, message(signal, body, slice, traces, Level::Scope)?)
            }
            (Level::Scope, 2, Value::Slice(slice)) => {
                (2, belongs(signal, body, slice, traces)?.then(|| slice.of(body).to_vec()))
            }
            _ => {
                rest.extend_from_slice(raw);
                continue;
            }
        };
        if let Some(inner) = inner {
            is_any = true;
            put(&mut rest, number, &inner);
        }
    }
    Ok(is_any.then_some(rest))
}
