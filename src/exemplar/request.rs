//! Exemplars in the encoded points: request → request, copied but for the lengths around them.
//!
//! A field may stand anywhere in its message, so a point gets its exemplars behind what it has.

use super::{
    Snapshot,
    choice::{Point, Points},
    reservoir::Set,
    stream::{Kind, Stream},
};
use crate::sender::wire::{Fault, Field, Fields, Slice, Value as Written};
use opentelemetry_proto::tonic::common::v1::InstrumentationScope;
use prost::{
    Message,
    encoding::{WireType, encode_key, encode_varint},
};

// Numbers of fields, outermost first.
const RESOURCE_METRICS: u32 = 1;
const SCOPE_METRICS: u32 = 2;
const METRICS: u32 = 2;
const DATA_POINTS: u32 = 1;

/// Adds what is kept of the instruments of each scope.
pub(super) fn add<'k>(
    body: &[u8],
    of: impl Fn(&InstrumentationScope, &str) -> &'k [Snapshot],
) -> Result<Vec<u8>, Fault> {
    let whole = Slice { prefix: 0, start: 0, end: body.len() };
    let mut written = Vec::with_capacity(body.len() + body.len() / 4);
    change(body, whole, RESOURCE_METRICS, &mut written, |resource, written| {
        change(body, resource, SCOPE_METRICS, written, |of_scope, written| {
            let (scope, schema_url) = scope(body, of_scope)?;
            let instruments = of(&scope, schema_url);
            change(body, of_scope, METRICS, written, |metric, written| {
                let sources = Metric::read(body, metric)?.sources(instruments);
                if sources.is_empty() {
                    written.extend_from_slice(metric.of(body));
                    return Ok(());
                }
                add_to_metric(body, metric, &sources, written)
            })
        })
    })?;
    Ok(written)
}

/// Copies a message; of each field with the number, what `write` makes of it.
fn change(
    body: &[u8],
    message: Slice,
    number: u32,
    written: &mut Vec<u8>,
    mut write: impl FnMut(Slice, &mut Vec<u8>) -> Result<(), Fault>,
) -> Result<(), Fault> {
    let mut fields = Fields::within(body, message);
    let mut from = fields.offset();
    let mut inner = Vec::new();
    while let Some(field) = fields.next() {
        let field = field?;
        match field.value {
            Written::Slice(slice) if field.number == number => {
                inner.clear();
                write(slice, &mut inner)?;
                encode_key(number, WireType::LengthDelimited, written);
                encode_varint(inner.len() as u64, written);
                written.extend_from_slice(&inner);
            }
            _ => written.extend_from_slice(body.get(from..fields.offset()).unwrap_or_default()),
        }
        from = fields.offset();
    }
    Ok(())
}

/// The scope of these metrics, with its schema URL.
fn scope(body: &[u8], of_scope: Slice) -> Result<(InstrumentationScope, &str), Fault> {
    let (mut scope, mut schema_url) = (InstrumentationScope::default(), "");
    for field in Fields::within(body, of_scope) {
        let field = field?;
        match (field.number, field.value) {
            (1, Written::Slice(slice)) => scope = decode(body, slice)?,
            (3, Written::Slice(slice)) => schema_url = text(body, slice)?,
            _ => {}
        }
    }
    Ok((scope, schema_url))
}

/// What is read of a metric before its points.
struct Metric<'a> {
    name: &'a str,
    description: &'a str,
    unit: &'a str,
    kind: Option<Kind>,
}

impl<'a> Metric<'a> {
    fn read(body: &'a [u8], metric: Slice) -> Result<Self, Fault> {
        let mut read = Metric { name: "", description: "", unit: "", kind: None };
        for field in Fields::within(body, metric) {
            let field = field?;
            match (field.number, field.value) {
                (1, Written::Slice(slice)) => read.name = text(body, slice)?,
                (2, Written::Slice(slice)) => read.description = text(body, slice)?,
                (3, Written::Slice(slice)) => read.unit = text(body, slice)?,
                (5, Written::Slice(_)) => read.kind = Some(Kind::Gauge),
                (7, Written::Slice(sum)) => {
                    let is_monotonic = Fields::within(body, sum).any(|field| {
                        field.is_ok_and(|field| field.number == 3 && field.value == Written::Varint(1))
                    });
                    read.kind = Some(Kind::Sum { is_monotonic });
                }
                (9, Written::Slice(_)) => read.kind = Some(Kind::Histogram),
                (10, Written::Slice(_)) => read.kind = Some(Kind::Exponential),
                _ => {}
            }
        }
        Ok(read)
    }

    /// Of which instruments it is.
    fn sources<'k>(&self, instruments: &'k [Snapshot]) -> Vec<Source<'k>> {
        let Some(kind) = self.kind else { return Vec::new() };
        let is_this = |stream: &Stream| {
            stream.kind == kind
                && stream.name.eq_ignore_ascii_case(self.name)
                && stream.description == self.description
                && stream.unit == self.unit
        };
        let sources = instruments.iter().flat_map(|instrument| {
            let streams = instrument.known.streams.iter().filter(|stream| is_this(stream));
            streams.map(|stream| Source { stream, sets: &instrument.sets })
        });
        sources.collect()
    }
}

/// A stream of an instrument, and what is kept of that.
pub(super) struct Source<'k> {
    pub(super) stream: &'k Stream,
    pub(super) sets: &'k [Set],
}

impl Kind {
    /// The field of a metric where its points are, and that of such a point where its exemplars are.
    fn fields(self) -> (u32, u32) {
        match self {
            Kind::Gauge => (5, 5),
            Kind::Sum { .. } => (7, 5),
            Kind::Histogram => (9, 8),
            Kind::Exponential => (10, 11),
        }
    }
}

fn add_to_metric(
    body: &[u8],
    metric: Slice,
    sources: &[Source<'_>],
    written: &mut Vec<u8>,
) -> Result<(), Fault> {
    let Some(kind) = sources.first().map(|source| source.stream.kind) else { return Ok(()) };
    let (data, exemplars) = kind.fields();
    change(body, metric, data, written, |data, written| {
        let mut points = Points::default();
        for field in Fields::within(body, data) {
            if let Field { number: DATA_POINTS, value: Written::Slice(slice) } = field? {
                points.push(Point::read(body, slice, kind)?);
            }
        }
        let mut chosen = points.choose(sources).into_iter();
        change(body, data, DATA_POINTS, written, |point, written| {
            written.extend_from_slice(point.of(body));
            for exemplar in chosen.next().unwrap_or_default() {
                prost::encoding::message::encode(exemplars, &exemplar, written);
            }
            Ok(())
        })
    })
}

fn text(body: &[u8], slice: Slice) -> Result<&str, Fault> {
    std::str::from_utf8(slice.of(body)).map_err(|_| Fault { reason: "a text is not UTF-8", at: slice.start })
}

pub(super) fn decode<M: Message + Default>(body: &[u8], slice: Slice) -> Result<M, Fault> {
    M::decode(slice.of(body)).map_err(|_| Fault { reason: "a message cannot be read", at: slice.start })
}
