//! From stored bytes to points.

use super::{
    Buckets, Exemplar, Extent, Kind, Measured, Point, message as raw,
    walk::{self, Moment},
};
use crate::{
    otlp,
    scan::TraceId,
    trace::{Attributes, Value, decode, hex, id},
    wire::Slice,
};
use std::collections::HashSet;

/// The program says that there is no value (`NO_RECORDED_VALUE`).
const MISSING: u32 = 1;

/// One point with its attributes.
pub(crate) fn read(
    body: &[u8],
    slice: Slice,
    kind: Kind,
    traces: &mut HashSet<TraceId>,
) -> (Attributes, Point) {
    let point = point(slice.of(body), walk::moment(body, slice), kind, traces);
    (attributes(walk::attributes(body, slice, kind)), point)
}

/// One point, not yet compared with others. The traces that its exemplars name are added to the others.
pub(super) fn point(bytes: &[u8], moment: Moment, kind: Kind, traces: &mut HashSet<TraceId>) -> Point {
    let (measured, flags, exemplars) = match kind {
        Kind::Gauge | Kind::Sum => number(decode(bytes)),
        Kind::Histogram => histogram(decode(bytes)),
        Kind::ExponentialHistogram => exponential(decode(bytes)),
        Kind::Summary => summary(decode(bytes)),
    };
    let measured = match flags & MISSING {
        0 => measured,
        _ => Measured::Number { value: Value::Empty },
    };
    traces.extend(exemplars.iter().filter_map(|exemplar| TraceId::try_from(&*exemplar.trace_id).ok()));
    let exemplars = exemplars.into_iter().map(exemplar).collect();
    Point { time: moment.time, start: moment.start, reset: false, measured, exemplars }
}

/// The attributes of a point, each decoded by itself.
pub(super) fn attributes<'a>(bytes: impl Iterator<Item = &'a [u8]>) -> Attributes {
    bytes.map(decode::<otlp::Attribute>).collect::<Vec<_>>().into()
}

type Decoded = (Measured, u32, Vec<raw::Exemplar>);

fn number(raw: raw::Number) -> Decoded {
    let value = match raw.amount {
        Some(raw::Amount::Int(int)) => Value::Int(int),
        Some(raw::Amount::Double(double)) => Value::Double(double),
        None => Value::Empty,
    };
    (Measured::Number { value }, raw.flags, raw.exemplars)
}

fn histogram(raw: raw::Histogram) -> Decoded {
    let extent = Extent { sum: raw.sum, min: raw.min, max: raw.max };
    let (count, bounds, counts) = (raw.count, raw.bounds, raw.counts);
    (Measured::Histogram { count, extent, bounds, counts }, raw.flags, raw.exemplars)
}

fn exponential(raw: raw::Exponential) -> Decoded {
    let measured = Measured::Exponential {
        count: raw.count,
        extent: Extent { sum: raw.sum, min: raw.min, max: raw.max },
        scale: raw.scale,
        zero_count: raw.zero_count,
        zero_threshold: raw.zero_threshold,
        positive: buckets(raw.positive),
        negative: buckets(raw.negative),
    };
    (measured, raw.flags, raw.exemplars)
}

fn buckets(raw: Option<raw::Buckets>) -> Buckets {
    raw.map(|raw| Buckets { offset: raw.offset, counts: raw.counts }).unwrap_or_default()
}

fn summary(raw: raw::Summary) -> Decoded {
    let quantiles = raw.quantiles.iter().map(|quantile| (quantile.quantile, quantile.value)).collect();
    (Measured::Summary { count: raw.count, sum: raw.sum, quantiles }, raw.flags, Vec::new())
}

fn exemplar(raw: raw::Exemplar) -> Exemplar {
    Exemplar {
        time: raw.time,
        value: match raw.value {
            Some(raw::Measurement::Int(int)) => Value::Int(int),
            Some(raw::Measurement::Double(double)) => Value::Double(double),
            None => Value::Empty,
        },
        trace_id: id(&raw.trace_id).map(hex),
        span_id: id(&raw.span_id).map(hex),
        attributes: raw.attributes.into(),
        stored: false,
    }
}
