//! Takes a request apart, record by record: no more than one of them is decoded at a time.

use crate::{
    metric::{self, Metric},
    otlp,
    scan::Record,
    trace::decode,
    wire::{Fields, Slice, Value},
};
use std::fmt::{self, Write};
use throughline_sender::Signal;

/// One thing in a request, with its number among its siblings.
pub(super) enum Part<'a> {
    /// Who recorded what follows.
    Resource(Group<'a, otlp::Resource>),
    /// With what.
    Scope(Group<'a, otlp::Scope>),
    Span(usize, otlp::Span),
    Log(usize, otlp::Log),
    /// A metric that has points, and the whole request.
    Metric(usize, Metric, &'a [u8]),
    /// One that has none: its name, description and unit.
    Empty(usize, [&'a str; 3]),
}

/// A resource or a scope.
pub(super) struct Group<'a, M> {
    pub(super) signal: Signal,
    pub(super) number: usize,
    pub(super) message: M,
    pub(super) schema_url: &'a str,
}

/// The line with the counts.
pub(super) fn counts(signal: Signal, body: &[u8], out: &mut impl Write) -> fmt::Result {
    let (mut resources, mut records, mut points) = (0, 0, 0);
    for resource in messages(Fields::of(body), 1) {
        resources += 1;
        for scope in messages(Fields::within(body, resource), 2) {
            for record in messages(Fields::within(body, scope), 2) {
                records += 1;
                let metric = (signal == Signal::Metrics).then(|| metric::found(body, record, Record::NONE));
                points += metric.flatten().map_or(0, |metric| metric.points(body).count());
            }
        }
    }
    match signal {
        Signal::Traces => writeln!(out, "Traces\t{{\"resource spans\": {resources}, \"spans\": {records}}}"),
        Signal::Metrics => writeln!(
            out,
            "Metrics\t{{\"resource metrics\": {resources}, \"metrics\": {records}, \"data points\": {points}}}"
        ),
        Signal::Logs => {
            writeln!(out, "Logs\t{{\"resource logs\": {resources}, \"log records\": {records}}}")
        }
    }
}

/// Shows every part of a request, in its order.
pub(super) fn parts<'a>(
    signal: Signal,
    body: &'a [u8],
    mut each: impl FnMut(Part<'a>) -> fmt::Result,
) -> fmt::Result {
    for (number, resource) in messages(Fields::of(body), 1).enumerate() {
        let (message, schema_url) = (described(body, resource), schema(body, resource));
        each(Part::Resource(Group { signal, number, message, schema_url }))?;
        for (number, scope) in messages(Fields::within(body, resource), 2).enumerate() {
            let (message, schema_url) = (described(body, scope), schema(body, scope));
            each(Part::Scope(Group { signal, number, message, schema_url }))?;
            for (number, record) in messages(Fields::within(body, scope), 2).enumerate() {
                each(match signal {
                    Signal::Traces => Part::Span(number, decode(record.of(body))),
                    Signal::Logs => Part::Log(number, decode(record.of(body))),
                    Signal::Metrics => match metric::found(body, record, Record::NONE) {
                        Some(metric) => Part::Metric(number, metric, body),
                        None => Part::Empty(number, [1, 2, 3].map(|field| text(body, record, field))),
                    },
                })?;
            }
        }
    }
    Ok(())
}

/// The resource or scope of a group; empty when it has none.
fn described<M: prost::Message + Default>(body: &[u8], group: Slice) -> M {
    messages(Fields::within(body, group), 1).last().map(|slice| decode(slice.of(body))).unwrap_or_default()
}

fn schema(body: &[u8], group: Slice) -> &str {
    text(body, group, 3)
}

fn text(body: &[u8], message: Slice, number: u32) -> &str {
    let slice = messages(Fields::within(body, message), number).last();
    slice.and_then(|slice| str::from_utf8(slice.of(body)).ok()).unwrap_or_default()
}

/// What cannot be read ends the message: whoever takes requests has checked them.
fn messages(fields: Fields<'_>, number: u32) -> impl Iterator<Item = Slice> {
    fields.map_while(Result::ok).filter_map(move |field| match field.value {
        Value::Slice(slice) if field.number == number => Some(slice),
        _ => None,
    })
}
