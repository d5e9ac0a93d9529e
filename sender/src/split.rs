//! A request in two parts: it is too large for the other side, or its first items are settled already.
//!
//! Nothing is decoded: the bytes are divided between two spans, data points or log records. What stands above them
//! (resource, scope, the head of a metric) is repeated in both parts.

use crate::{Request, Signal, wire};
use bytes::{BufMut, Bytes, BytesMut};
use prost::encoding::encode_varint;

/// The fields that lead from a request to its items: of resources, scopes, then spans or log records.
const LEVELS: [&[u32]; 3] = [&[1], &[2], &[2]];
/// … of metrics, their `gauge`, `sum`, `histogram`, `exponential_histogram` or `summary`, then data points.
const LEVELS_OF_METRICS: [&[u32]; 5] = [&[1], &[2], &[2], &[5, 7, 9, 10, 11], &[1]];

/// Both halves of a request, by its items; `None` if it holds one, or is no request.
pub(crate) fn halves(signal: Signal, request: &Request) -> Option<[Request; 2]> {
    let first = count(&request.body, levels(signal))? / 2;
    let [before, after] = divide(&request.body, levels(signal), first).filter(|_| first > 0)?;
    // What was counted stays what it was, whoever counted it.
    let items = first.min(request.items);
    Some([Request { items, body: before }, Request { items: request.items - items, body: after }])
}

/// What follows the first items of a request; all of it if it is no request.
pub(crate) fn behind(signal: Signal, body: Bytes, items: u64) -> Bytes {
    match divide(&body, levels(signal), items) {
        Some([_, after]) if items > 0 => after,
        _ => body,
    }
}

/// How many items a request holds; none if it is no request.
pub(crate) fn items(signal: Signal, body: &Bytes) -> u64 {
    count(body, levels(signal)).unwrap_or(0)
}

fn levels(signal: Signal) -> &'static [&'static [u32]] {
    match signal {
        Signal::Metrics => &LEVELS_OF_METRICS,
        Signal::Traces | Signal::Logs => &LEVELS,
    }
}

/// Divides a message behind its first items.
fn divide(message: &Bytes, levels: &[&[u32]], mut first: u64) -> Option<[Bytes; 2]> {
    let (level, deeper) = levels.split_first()?;
    let [mut before, mut after] = [BytesMut::new(), BytesMut::new()];
    for field in fields(message)? {
        if !level.contains(&field.number) {
            before.put_slice(&field.whole);
            after.put_slice(&field.whole);
            continue;
        }
        let items = count(&field.content, deeper)?;
        if first == 0 {
            after.put_slice(&field.whole);
        } else if items <= first {
            before.put_slice(&field.whole);
            first -= items;
        } else {
            let [in_first, in_second] = divide(&field.content, deeper, first)?;
            nest(field.number, &in_first, &mut before);
            nest(field.number, &in_second, &mut after);
            first = 0;
        }
    }
    Some([before.freeze(), after.freeze()])
}

fn count(message: &Bytes, levels: &[&[u32]]) -> Option<u64> {
    let Some((level, deeper)) = levels.split_first() else { return Some(1) };
    let fields = fields(message)?;
    let children = fields.iter().filter(|field| level.contains(&field.number));
    children.map(|child| count(&child.content, deeper)).sum()
}

struct Field {
    number: u32,
    /// With tag and length.
    whole: Bytes,
    /// Of a message in the message; empty for what is none.
    content: Bytes,
}

/// The fields of a protobuf message; `None` if it is none.
fn fields(message: &Bytes) -> Option<Vec<Field>> {
    let (mut walk, mut fields, mut start) = (wire::Fields::of(message), Vec::new(), 0);
    while let Some(field) = walk.next() {
        let wire::Field { number, value } = field.ok()?;
        let content = match value {
            wire::Value::Slice(slice) => message.slice(slice.start..slice.end),
            _ => Bytes::new(),
        };
        let end = walk.offset();
        fields.push(Field { number, whole: message.slice(start..end), content });
        start = end;
    }
    Some(fields)
}

fn nest(number: u32, content: &[u8], to: &mut BytesMut) {
    encode_varint(u64::from(number << 3 | 2), to);
    encode_varint(content.len() as u64, to);
    to.put_slice(content);
}

#[cfg(test)]
mod tests;
