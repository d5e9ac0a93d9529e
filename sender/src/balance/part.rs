//! A request in parts: what belongs together stays together, and each part goes another way.
//!
//! Nothing is decoded: spans and log records are copied as they are, each under what stands above it (resource and
//! scope), which is repeated in every part that needs it. A request that goes one way as a whole is not copied.

use super::{Key, table::key};
use crate::{
    Hold, Request, Signal, split,
    wire::{Fault, Fields, Slice},
};
use bytes::Bytes;
use prost::encoding::{encode_varint, encoded_len_varint};

/// The least that parts may take together, however small the request.
const LEAST_ROOM: usize = 16 << 20;
/// How many times the size of a larger request they may take.
const MOST_GROWTH: usize = 4;

/// The parts of a request and where each goes, which `way` says of a key. What is no request goes as a whole, and so does
/// one whose parts would take far more room than it does.
pub(crate) fn parts(
    signal: Signal,
    by: Key,
    request: &Request,
    way: &impl Fn(u64) -> usize,
    hold: &Hold,
) -> Vec<(usize, Request)> {
    let body = &request.body;
    let ways = ways(signal, by, body, way).unwrap_or_default();
    let Some(first) = ways.first() else { return vec![(way(key(body)), request.clone())] };
    let is_divided = ways.iter().any(|way| way != first) && u32::try_from(body.len()).is_ok();
    let room = body.len().saturating_mul(MOST_GROWTH).max(LEAST_ROOM);
    let parts = is_divided.then(|| divided(signal, by, body, &ways, room)).flatten();
    parts.map_or_else(
        || vec![(usize::from(*first), request.clone())],
        |parts| counted(parts, request.items, hold),
    )
}

/// What a request is divided between.
#[derive(Clone, Copy, PartialEq)]
enum Grain {
    /// Spans and log records.
    Items,
    /// Everything of a resource.
    Resources,
}

fn grain(signal: Signal, by: Key) -> Grain {
    match (signal, by) {
        (Signal::Traces | Signal::Logs, Key::Trace) => Grain::Items,
        _ => Grain::Resources,
    }
}

/// Where each grain of a request goes, in their order.
fn ways(signal: Signal, by: Key, body: &[u8], way: &impl Fn(u64) -> usize) -> Result<Vec<u16>, Fault> {
    let way = |key| u16::try_from(way(key)).unwrap_or(u16::MAX);
    let mut ways = Vec::new();
    let mut last: Option<([u8; 16], u16)> = None;
    for resource_items in slices(Fields::of(body), 1) {
        let resource_items = resource_items?;
        if grain(signal, by) == Grain::Resources {
            ways.push(way(resource(body, resource_items, by)?));
            continue;
        }
        let mut of_resource = None;
        for scope_items in slices(Fields::within(body, resource_items), 2) {
            for item in slices(Fields::within(body, scope_items?), 2) {
                let trace = trace(signal, body, item?)?;
                ways.push(match (trace, last, of_resource) {
                    // Spans of one trace stand next to each other.
                    (Some(trace), Some((known, way)), _) if trace == known => way,
                    (Some(trace), ..) => last.insert((trace, way(key(&trace)))).1,
                    (None, _, Some(way)) => way,
                    (None, ..) => *of_resource.insert(way(resource(body, resource_items, by)?)),
                });
            }
        }
    }
    Ok(ways)
}

/// The id of the trace that a span or log record belongs to.
fn trace(signal: Signal, body: &[u8], item: Slice) -> Result<Option<[u8; 16]>, Fault> {
    let number = if signal == Signal::Traces { 1 } else { 9 };
    let mut trace = None;
    for slice in slices(Fields::within(body, item), number) {
        trace = slice?.of(body).try_into().ok().filter(|id| *id != [0; 16]);
    }
    Ok(trace)
}

/// The key of a resource: the name of its service, or all that it is.
fn resource(body: &[u8], resource_items: Slice, by: Key) -> Result<u64, Fault> {
    let (mut whole, mut service) = (0, None);
    for resource in slices(Fields::within(body, resource_items), 1) {
        let resource = resource?;
        whole ^= key(resource.of(body));
        for attribute in slices(Fields::within(body, resource), 1) {
            let attribute = attribute?;
            let names = slices(Fields::within(body, attribute), 1);
            let is_name =
                names.last().is_some_and(|name| name.is_ok_and(|name| name.of(body) == b"service.name"));
            if is_name && let Some(value) = slices(Fields::within(body, attribute), 2).last() {
                service = Some(key(value?.of(body)));
            }
        }
    }
    Ok(service.filter(|_| by != Key::Resource).unwrap_or(whole))
}

fn slices(fields: Fields<'_>, number: u32) -> impl Iterator<Item = Result<Slice, Fault>> {
    fields.filter_map(move |field| field.map(|field| field.within(number)).transpose())
}

/// Some of the bytes of a request, which has less than 4 GiB.
type Range = std::ops::Range<u32>;

/// Pieces of a request in their order; what stands next to each other is one.
#[derive(Default)]
struct Pieces {
    ranges: Vec<Range>,
    bytes: usize,
}

impl Pieces {
    fn add(&mut self, start: usize, end: usize) {
        let (start, end) = (start as u32, end as u32);
        self.bytes += (end - start) as usize;
        match self.ranges.last_mut() {
            Some(last) if last.end == start => last.end = end,
            _ => self.ranges.push(start..end),
        }
    }

    fn write(&self, body: &[u8], to: &mut Vec<u8>) {
        for range in &self.ranges {
            to.extend_from_slice(body.get(range.start as usize..range.end as usize).unwrap_or_default());
        }
    }
}

/// A part that is being made.
struct Part {
    way: u16,
    items: u64,
    body: Vec<u8>,
}

/// All of them, and how many bytes they may still get.
struct Parts {
    parts: Vec<Part>,
    room: usize,
}

impl Parts {
    /// The part that goes this way, for so many more items and bytes.
    fn of(&mut self, way: u16, items: u64, bytes: usize) -> Option<&mut Vec<u8>> {
        self.room = self.room.checked_sub(bytes)?;
        let place = self.parts.iter().position(|part| part.way == way).unwrap_or_else(|| {
            self.parts.push(Part { way, items: 0, body: Vec::new() });
            self.parts.len() - 1
        });
        let part = self.parts.get_mut(place)?;
        part.items += items;
        part.body.reserve(bytes);
        Some(&mut part.body)
    }
}

/// The items of one scope that go one way.
struct Run {
    way: u16,
    scope: usize,
    items: u64,
    pieces: Pieces,
}

/// The parts; `None` if they take more room than there is.
fn divided(signal: Signal, by: Key, body: &Bytes, ways: &[u16], room: usize) -> Option<Vec<Part>> {
    let (mut ways, mut parts) = (ways.iter().copied(), Parts { parts: Vec::new(), room });
    let (mut fields, mut from, mut heads) = (Fields::of(body), 0, Pieces::default());
    while let Some(field) = fields.next() {
        let (start, end) = (from, fields.offset());
        from = end;
        match (field.ok()?.within(1), grain(signal, by)) {
            (None, _) => heads.add(start, end),
            (Some(slice), Grain::Items) => resource_in_parts(body, slice, &mut ways, &mut parts)?,
            (Some(_), Grain::Resources) => {
                let whole = body.slice(start..end);
                let part = parts.of(ways.next()?, split::items(signal, &whole), whole.len())?;
                part.extend_from_slice(&whole);
            }
        }
    }
    for place in 0..parts.parts.len() {
        heads.write(body, parts.of(parts.parts[place].way, 0, heads.bytes)?);
    }
    Some(parts.parts)
}

fn resource_in_parts(
    body: &[u8],
    slice: Slice,
    ways: &mut impl Iterator<Item = u16>,
    parts: &mut Parts,
) -> Option<()> {
    let (mut scopes, mut runs, mut heads) = (Vec::new(), Vec::new(), Pieces::default());
    let mut fields = Fields::within(body, slice);
    let mut from = fields.offset();
    while let Some(field) = fields.next() {
        let (start, end) = (from, fields.offset());
        from = end;
        match field.ok()?.within(2) {
            None => heads.add(start, end),
            Some(slice) => scope_in_runs(body, slice, ways, &mut scopes, &mut runs)?,
        }
    }
    runs.sort_by_key(|run: &Run| run.way);
    for of_way in runs.chunk_by(|one, other| one.way == other.way) {
        let head_of = |run: &Run| scopes.get(run.scope).map_or(0, |heads: &Pieces| heads.bytes);
        let length_of = |run: &Run| head_of(run) + run.pieces.bytes;
        let length = heads.bytes + of_way.iter().map(|run| framed_length(length_of(run))).sum::<usize>();
        let items = of_way.iter().map(|run| run.items).sum();
        let part = parts.of(of_way.first()?.way, items, framed_length(length))?;
        frame(1, length, part);
        heads.write(body, part);
        for run in of_way {
            frame(2, length_of(run), part);
            scopes.get(run.scope)?.write(body, part);
            run.pieces.write(body, part);
        }
    }
    Some(())
}

/// Adds the items of a scope to the ways that they go.
fn scope_in_runs(
    body: &[u8],
    slice: Slice,
    ways: &mut impl Iterator<Item = u16>,
    scopes: &mut Vec<Pieces>,
    runs: &mut Vec<Run>,
) -> Option<()> {
    let (first, scope, mut heads) = (runs.len(), scopes.len(), Pieces::default());
    let mut fields = Fields::within(body, slice);
    let mut from = fields.offset();
    while let Some(field) = fields.next() {
        let (start, end) = (from, fields.offset());
        from = end;
        if field.ok()?.within(2).is_none() {
            heads.add(start, end);
            continue;
        }
        let way = ways.next()?;
        let known = runs[first..].iter().position(|run| run.way == way);
        let place = known.map_or(runs.len(), |place| first + place);
        if known.is_none() {
            runs.push(Run { way, scope, items: 0, pieces: Pieces::default() });
        }
        let run = runs.get_mut(place)?;
        run.items += 1;
        run.pieces.add(start, end);
    }
    if runs.len() > first {
        scopes.push(heads);
    }
    Some(())
}

/// The head of a message in a message: its number, below sixteen, and its length.
fn frame(number: u8, length: usize, to: &mut Vec<u8>) {
    to.push(number << 3 | 2);
    encode_varint(length as u64, to);
}

fn framed_length(length: usize) -> usize {
    1 + encoded_len_varint(length as u64) + length
}

/// What was counted stays what it was, whoever counted it.
fn counted(mut parts: Vec<Part>, mut items: u64, hold: &Hold) -> Vec<(usize, Request)> {
    parts.retain(|part| part.items > 0);
    let mut requests = Vec::with_capacity(parts.len());
    let count = parts.len();
    for (place, mut part) in (1..).zip(parts) {
        // It may wait for long.
        part.body.shrink_to_fit();
        let of_part = if place == count { items } else { part.items.min(items) };
        items -= of_part;
        requests.push((usize::from(part.way), Request { items: of_part, body: hold.hold(part.body) }));
    }
    requests
}

#[cfg(test)]
mod tests;
