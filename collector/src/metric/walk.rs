//! Finds metrics and their points in a request, nothing decoded.

use super::{Form, Kind, Temporality};
use crate::{
    scan::{self, Record},
    wire::{Field, Fields, Slice, Value},
};

/// One metric of a request.
pub(crate) struct Metric {
    pub(super) place: Record,
    pub(crate) form: Form,
    name: Option<Slice>,
    description: Option<Slice>,
    unit: Option<Slice>,
    /// Where points are: they may come in pieces.
    data: Vec<Slice>,
}

impl Metric {
    pub(crate) fn name<'a>(&self, body: &'a [u8]) -> &'a str {
        text(body, self.name)
    }

    pub(crate) fn description<'a>(&self, body: &'a [u8]) -> &'a str {
        text(body, self.description)
    }

    pub(crate) fn unit<'a>(&self, body: &'a [u8]) -> &'a str {
        text(body, self.unit)
    }

    /// The points, in the order of the request.
    pub(crate) fn points<'a>(&'a self, body: &'a [u8]) -> impl Iterator<Item = Slice> {
        self.data.iter().flat_map(move |data| {
            fields(Fields::within(body, *data)).filter_map(|field| match field {
                Field { number: 1, value: Value::Slice(point) } => Some(point),
                _ => None,
            })
        })
    }
}

/// When a point is from and since when it counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Moment {
    pub(super) time: u64,
    pub(super) start: u64,
}

/// Shows each metric that has points.
pub(super) fn metrics(body: &[u8], mut each: impl FnMut(Metric)) {
    // What is stored was checked when it came.
    let _ = scan::metrics(body, |slice, place| {
        if let Some(metric) = metric(body, slice, place) {
            each(metric);
        }
    });
}

/// A metric of a request; `None`: it has no points of any kind.
pub(crate) fn metric(body: &[u8], slice: Slice, place: Record) -> Option<Metric> {
    let (mut name, mut description, mut unit) = (None, None, None);
    let mut data = Vec::new();
    let mut choice = 0;
    for field in fields(Fields::within(body, slice)) {
        let Value::Slice(slice) = field.value else { continue };
        match field.number {
            1 => name = Some(slice),
            2 => description = Some(slice),
            3 => unit = Some(slice),
            5 | 7 | 9 | 10 | 11 => {
                // Of several choices, the last one counts.
                if choice != field.number {
                    data.clear();
                }
                choice = field.number;
                data.push(slice);
            }
            _ => {}
        }
    }
    let kind = match choice {
        5 => Kind::Gauge,
        7 => Kind::Sum,
        9 => Kind::Histogram,
        10 => Kind::ExponentialHistogram,
        11 => Kind::Summary,
        _ => return None,
    };
    let (mut temporality, mut monotonic) = (Temporality::Unspecified, false);
    let is_counted = matches!(kind, Kind::Sum | Kind::Histogram | Kind::ExponentialHistogram);
    for field in data.iter().filter(|_| is_counted).flat_map(|data| fields(Fields::within(body, *data))) {
        match field {
            Field { number: 2, value: Value::Varint(number) } => {
                temporality = match number {
                    1 => Temporality::Delta,
                    2 => Temporality::Cumulative,
                    _ => Temporality::Unspecified,
                }
            }
            Field { number: 3, value: Value::Varint(number) } => monotonic = kind == Kind::Sum && number != 0,
            _ => {}
        }
    }
    Some(Metric { place, form: Form { kind, temporality, monotonic }, name, description, unit, data })
}

/// The moment of a point.
pub(super) fn moment(body: &[u8], point: Slice) -> Moment {
    let mut moment = Moment::default();
    for field in fields(Fields::within(body, point)) {
        match field {
            Field { number: 2, value: Value::Fixed64(start) } => moment.start = start,
            Field { number: 3, value: Value::Fixed64(time) } => moment.time = time,
            _ => {}
        }
    }
    moment
}

/// The attributes of a point.
pub(super) fn attributes(body: &[u8], point: Slice, kind: Kind) -> impl Iterator<Item = &[u8]> {
    let wanted = match kind {
        Kind::Gauge | Kind::Sum | Kind::Summary => 7,
        Kind::Histogram => 9,
        Kind::ExponentialHistogram => 1,
    };
    fields(Fields::within(body, point)).filter_map(move |field| match field {
        Field { number, value: Value::Slice(slice) } if number == wanted => Some(slice.of(body)),
        _ => None,
    })
}

/// The text of a field; empty where it is not there.
fn text(body: &[u8], slice: Option<Slice>) -> &str {
    slice.and_then(|slice| str::from_utf8(slice.of(body)).ok()).unwrap_or_default()
}

/// What is stored was checked when it came: there are no faults to see.
fn fields(fields: Fields<'_>) -> impl Iterator<Item = Field> {
    fields.map_while(Result::ok)
}
