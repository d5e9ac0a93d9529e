//! A part of a stored request: the spans or log records of some traces, single log records, what one service sent, the
//! measurements of one instrument; with everything that they belong to.

use crate::{
    join::put,
    scan::{TraceId, belongs},
    trace::service,
    wire::{Fault, Field, Fields, Slice, Value},
};
use std::collections::HashSet;
use throughline_sender::Signal;

/// What is wanted of a request.
pub(super) enum Choice<'a> {
    /// What belongs to some traces.
    Traces(&'a HashSet<TraceId>),
    /// What one service sent, if one is named, and what one instrument measured, if one is named.
    All { service: Option<&'a str>, instrument: Option<&'a str> },
    /// The log records at these places of the request: the offsets of their lengths.
    Records(HashSet<usize>),
}

impl Choice<'_> {
    /// Whether something of what has this resource is wanted.
    fn takes_resource(&self, body: &[u8], items: Slice) -> bool {
        let Choice::All { service: Some(wanted), .. } = self else { return true };
        service(last(body, items).map(|resource| resource.of(body)).unwrap_or_default()) == *wanted
    }

    /// Whether a span, a log record or a metric is wanted.
    fn takes(&self, signal: Signal, body: &[u8], item: Slice) -> Result<bool, Fault> {
        match self {
            Choice::Traces(traces) => belongs(signal, body, item, traces),
            Choice::All { instrument: Some(wanted), .. } => {
                Ok(last(body, item).is_some_and(|name| name.of(body) == wanted.as_bytes()))
            }
            Choice::All { .. } => Ok(true),
            Choice::Records(places) => Ok(places.contains(&item.prefix)),
        }
    }
}

/// The resource of items, or the name of a metric: field 1 of both.
fn last(body: &[u8], message: Slice) -> Option<Slice> {
    let fields = Fields::within(body, message).map_while(Result::ok);
    let slices = fields.filter_map(|field| match field {
        Field { number: 1, value: Value::Slice(slice) } => Some(slice),
        _ => None,
    });
    slices.last()
}

/// Which message is rewritten.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Level {
    Request,
    /// The resource is field 1, the scopes are field 2.
    Resource,
    /// The scope is field 1, the items are field 2.
    Scope,
}

/// The part of a request that is wanted; nothing if none is.
pub(super) fn select(signal: Signal, body: &[u8], choice: &Choice<'_>) -> Result<Vec<u8>, Fault> {
    if matches!(choice, Choice::All { service: None, instrument: None }) {
        return Ok(body.to_vec());
    }
    let whole = Slice { prefix: 0, start: 0, end: body.len() };
    Ok(message(signal, body, whole, choice, Level::Request)?.unwrap_or_default())
}

/// `None`: nothing in the message is wanted.
fn message(
    signal: Signal,
    body: &[u8],
    slice: Slice,
    choice: &Choice<'_>,
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
                let is_wanted = choice.takes_resource(body, slice);
                (1, if is_wanted { message(signal, body, slice, choice, Level::Resource)? } else { None })
            }
            (Level::Resource, 2, Value::Slice(slice)) => {
                (2, message(signal, body, slice, choice, Level::Scope)?)
            }
            (Level::Scope, 2, Value::Slice(slice)) => {
                (2, choice.takes(signal, body, slice)?.then(|| slice.of(body).to_vec()))
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
