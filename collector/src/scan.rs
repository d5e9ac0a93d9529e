//! Finds the spans, log records and data points of a request: ids and places, nothing decoded.

use crate::{
    check::{MAX_DEPTH, known, message},
    otlp,
    wire::{Fault, Field, Fields, Slice, Value},
};
use std::collections::HashSet;
use throughline_sender::{
    Signal,
    shape::{Kind, Shape},
};

/// The sixteen bytes of a trace id.
pub(crate) type TraceId = [u8; 16];

/// Marks a resource or a scope that the request leaves out.
const ABSENT: u32 = u32::MAX;

/// What a message in a record takes in memory at least, in bytes. On the wire, two are enough.
const MESSAGE: usize = size_of::<otlp::Attribute>();

/// How many times its own size a usual request takes when all of it is decoded.
const EXPECTED: usize = 8;

/// Where a span or a log record and what it belongs to are in the request: the offsets of three lengths.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Record {
    pub(crate) record: u32,
    pub(crate) resource: u32,
    pub(crate) scope: u32,
}

impl Record {
    /// Nowhere.
    pub(crate) const NONE: Record = Record { record: ABSENT, resource: ABSENT, scope: ABSENT };

    /// The bytes of the record.
    pub(crate) fn record(self, body: &[u8]) -> &[u8] {
        at(body, self.record)
    }

    /// The bytes of its resource; empty when the request has none.
    pub(crate) fn resource(self, body: &[u8]) -> &[u8] {
        at(body, self.resource)
    }

    /// The bytes of its scope; empty when the request has none.
    pub(crate) fn scope(self, body: &[u8]) -> &[u8] {
        at(body, self.scope)
    }
}

fn at(body: &[u8], prefix: u32) -> &[u8] {
    if prefix == ABSENT {
        return &[];
    }
    Slice::at(body, prefix as usize).map(|slice| slice.of(body)).unwrap_or_default()
}

/// A span or log record of a trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Item {
    pub(crate) trace: TraceId,
    pub(crate) place: Record,
}

/// What a request holds, counted. Nothing is allocated for it, however many items there are.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Scan {
    /// How many spans, log records or data points are taken.
    pub(crate) taken: u64,
    /// How many of the spans and log records belong to a trace.
    pub(crate) placed: usize,
    /// How many are not taken.
    pub(crate) rejected: u64,
    /// Why the first of them is not.
    pub(crate) fault: &'static str,
    /// How much memory it takes to look at it, beyond what its size lets expect, in bytes.
    pub(crate) surplus: usize,
    /// Whether a resource or a scope came in pieces, which belong together: see [`joined`](crate::join::joined).
    pub(crate) is_split: bool,
}

/// Checks a request whole and counts what is in it, in one walk. Bodies are shorter than 4 GiB.
pub(crate) fn scan(signal: Signal, body: &[u8]) -> Result<Scan, Fault> {
    let mut count = Count { signal, body, scan: Scan::default(), messages: 0 };
    count.request()?;
    let Count { mut scan, messages, .. } = count;
    // Records are decoded by the trace or by the hundred, what is in them at once.
    let inner = messages.saturating_sub(usize::try_from(scan.taken + scan.rejected).unwrap_or(usize::MAX));
    scan.surplus = inner.saturating_mul(MESSAGE).saturating_sub(body.len().saturating_mul(EXPECTED));
    Ok(scan)
}

/// A walk through the levels at which a request is counted. Below them there is only to check.
struct Count<'a> {
    signal: Signal,
    body: &'a [u8],
    scan: Scan,
    messages: usize,
}

impl Count<'_> {
    fn request(&mut self) -> Result<(), Fault> {
        let shape = Shape::of(self.signal);
        self.messages += 1;
        for field in Fields::of(self.body) {
            let field = field?;
            match inner(field, shape) {
                Some((1, slice, shape)) => self.resource_items(slice, shape)?,
                _ => self.check(field, shape, 1, 0)?,
            }
        }
        Ok(())
    }

    fn resource_items(&mut self, slice: Slice, shape: &Shape) -> Result<(), Fault> {
        let mut is_described = false;
        self.messages += 1;
        for field in Fields::within(self.body, slice) {
            let field = field?;
            match inner(field, shape) {
                Some((2, slice, shape)) => self.scope_items(slice, shape)?,
                found => {
                    self.describe(found, &mut is_described);
                    self.check(field, shape, 2, slice.start)?;
                }
            }
        }
        Ok(())
    }

    fn scope_items(&mut self, slice: Slice, shape: &Shape) -> Result<(), Fault> {
        let mut is_described = false;
        self.messages += 1;
        for field in Fields::within(self.body, slice) {
            let field = field?;
            match inner(field, shape) {
                Some((2, slice, shape)) => self.record(slice, shape)?,
                found => {
                    self.describe(found, &mut is_described);
                    self.check(field, shape, 3, slice.start)?;
                }
            }
        }
        Ok(())
    }

    fn record(&mut self, slice: Slice, shape: &Shape) -> Result<(), Fault> {
        if self.signal == Signal::Metrics {
            self.messages += message(self.body, slice, shape, MAX_DEPTH - 3)?;
            self.scan.taken += points(self.body, slice)?;
            return Ok(());
        }
        let mut ids = Ids::default();
        self.messages += 1;
        for field in Fields::within(self.body, slice) {
            let field = field?;
            ids.see(self.signal, field);
            self.check(field, shape, 4, slice.start)?;
        }
        match ids.trace(self.signal, self.body) {
            Ok(trace) => {
                self.scan.taken += 1;
                self.scan.placed += usize::from(trace.is_some());
            }
            Err(fault) => {
                if self.scan.rejected == 0 {
                    self.scan.fault = fault;
                }
                self.scan.rejected += 1;
            }
        }
        Ok(())
    }

    /// A resource or a scope; the second one at its place is another piece of the first.
    fn describe(&mut self, found: Option<(u32, Slice, &Shape)>, is_described: &mut bool) {
        if matches!(found, Some((1, ..))) {
            self.scan.is_split |= *is_described;
            *is_described = true;
        }
    }

    #[inline]
    fn check(&mut self, field: Field, shape: &Shape, level: usize, at: usize) -> Result<(), Fault> {
        self.messages += known(self.body, field, shape, MAX_DEPTH - level, at)?;
        Ok(())
    }
}

/// The message in a field, its number and its shape.
#[inline]
fn inner(field: Field, shape: &Shape) -> Option<(u32, Slice, &'static Shape)> {
    match (shape.field(field.number)?.kind, field.value) {
        (Kind::Message(shape), Value::Slice(slice)) => Some((field.number, slice, shape)),
        _ => None,
    }
}

/// The spans or log records that belong to a trace, in the order of the request; `placed` says how many.
pub(crate) fn items(signal: Signal, body: &[u8], placed: usize) -> Result<Vec<Item>, Fault> {
    let mut items = Vec::with_capacity(placed);
    walk(body, |slice, place| {
        if let Ok(Some(trace)) = trace(signal, body, slice)? {
            items.push(Item { trace, place });
        }
        Ok(())
    })?;
    Ok(items)
}

/// Shows each log record that is taken, with or without a trace.
pub(crate) fn logs(body: &[u8], mut each: impl FnMut(Record)) -> Result<(), Fault> {
    walk(body, |slice, place| {
        if trace(Signal::Logs, body, slice)?.is_ok() {
            each(place);
        }
        Ok(())
    })?;
    Ok(())
}

/// Shows each metric of a request, and what it belongs to.
pub(crate) fn metrics(body: &[u8], mut each: impl FnMut(Slice, Record)) -> Result<(), Fault> {
    walk(body, |slice, place| {
        each(slice, place);
        Ok(())
    })?;
    Ok(())
}

/// Shows each span, log record or metric.
fn walk(body: &[u8], mut each: impl FnMut(Slice, Record) -> Result<(), Fault>) -> Result<(), Fault> {
    for resource_items in slices(Fields::of(body), 1) {
        let resource_items = resource_items?;
        let resource = last(body, resource_items, 1)?;
        for scope_items in slices(Fields::within(body, resource_items), 2) {
            let scope_items = scope_items?;
            let scope = last(body, scope_items, 1)?;
            for record in slices(Fields::within(body, scope_items), 2) {
                let record = record?;
                each(record, Record { record: record.prefix as u32, resource, scope })?;
            }
        }
    }
    Ok(())
}

fn slices(fields: Fields<'_>, number: u32) -> impl Iterator<Item = Result<Slice, Fault>> {
    fields.filter_map(move |field| match field {
        Ok(field) => match field.value {
            Value::Slice(slice) if field.number == number => Some(Ok(slice)),
            _ => None,
        },
        Err(fault) => Some(Err(fault)),
    })
}

/// It may stand behind what it describes.
fn last(body: &[u8], message: Slice, number: u32) -> Result<u32, Fault> {
    let mut place = ABSENT;
    for slice in slices(Fields::within(body, message), number) {
        place = slice?.prefix as u32;
    }
    Ok(place)
}

/// Gauge, sum, histogram, exponential histogram and summary keep their points in field 1.
fn points(body: &[u8], metric: Slice) -> Result<u64, Fault> {
    let mut count = 0;
    for kind in [5, 7, 9, 10, 11] {
        for data in slices(Fields::within(body, metric), kind) {
            count += slices(Fields::within(body, data?), 1).count() as u64;
        }
    }
    Ok(count)
}

/// Whether a span or log record is not taken. Measurements always are.
pub(crate) fn is_rejected(signal: Signal, body: &[u8], record: Slice) -> Result<bool, Fault> {
    Ok(signal != Signal::Metrics && trace(signal, body, record)?.is_err())
}

/// Whether a span or log record is one of these traces.
pub(crate) fn belongs(
    signal: Signal,
    body: &[u8],
    record: Slice,
    traces: &HashSet<TraceId>,
) -> Result<bool, Fault> {
    let id = trace(signal, body, record)?.ok().flatten();
    Ok(id.is_some_and(|id| traces.contains(&id)))
}

/// The trace of a span or log record, or why the item is rejected.
fn trace(signal: Signal, body: &[u8], record: Slice) -> Result<Result<Option<TraceId>, &'static str>, Fault> {
    let mut ids = Ids::default();
    for field in Fields::within(body, record) {
        ids.see(signal, field?);
    }
    Ok(ids.trace(signal, body))
}

/// The ids of a span or log record; the last of each counts.
#[derive(Default)]
struct Ids {
    trace: Option<Slice>,
    span: Option<Slice>,
    parent: Option<Slice>,
}

impl Ids {
    #[inline]
    fn see(&mut self, signal: Signal, field: Field) {
        let Value::Slice(slice) = field.value else { return };
        match (signal, field.number) {
            (Signal::Traces, 1) | (Signal::Logs, 9) => self.trace = Some(slice),
            (Signal::Traces, 2) | (Signal::Logs, 10) => self.span = Some(slice),
            (Signal::Traces, 4) => self.parent = Some(slice),
            _ => {}
        }
    }

    /// The trace, or why the item is rejected.
    fn trace(self, signal: Signal, body: &[u8]) -> Result<Option<TraceId>, &'static str> {
        let [trace, span, parent] =
            [self.trace, self.span, self.parent].map(|id| id.map(|id| id.of(body)).unwrap_or_default());
        match signal {
            Signal::Traces => of_span(trace, span, parent),
            _ => of_log(trace, span),
        }
    }
}

fn of_span(trace: &[u8], span: &[u8], parent: &[u8]) -> Result<Option<TraceId>, &'static str> {
    let id = TraceId::try_from(trace).map_err(|_| "a trace id is not 16 bytes long")?;
    if id == [0; 16] {
        return Err("a trace id is all zero");
    }
    if span.len() != 8 {
        return Err("a span id is not 8 bytes long");
    }
    if span == [0; 8] {
        return Err("a span id is all zero");
    }
    if !matches!(parent.len(), 0 | 8) {
        return Err("a parent span id is not 8 bytes long");
    }
    Ok(Some(id))
}

/// A log record may be outside of any trace: without ids, or with zeros.
fn of_log(trace: &[u8], span: &[u8]) -> Result<Option<TraceId>, &'static str> {
    if !matches!(span.len(), 0 | 8) {
        return Err("a span id is not 8 bytes long");
    }
    if trace.is_empty() {
        return Ok(None);
    }
    let id = TraceId::try_from(trace).map_err(|_| "a trace id is not 16 bytes long")?;
    Ok(Some(id).filter(|id| *id != [0; 16]))
}

#[cfg(test)]
mod tests;
