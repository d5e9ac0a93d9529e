//! The messages of OTLP as one table: by number what a field holds, and what JSON calls it.
//!
//! What reads requests without decoding them goes by this table: [`json`](crate::json) writes them down,
//! the collector checks them. A field that is left out here is unknown and only skipped (O-080).

use crate::Signal;

/// The known fields of one message.
#[derive(Debug)]
pub struct Shape {
    /// By number, so that a field is found without a search.
    fields: [Option<Field>; SLOTS],
}

/// No message of OTLP has a field with a higher number than 16.
const SLOTS: usize = 17;

/// One field.
#[derive(Clone, Copy, Debug)]
pub struct Field {
    /// The name in OTLP/JSON.
    pub name: &'static str,
    /// How often it may stand, and what is meant if it does not.
    pub label: Label,
    /// What it holds.
    pub kind: Kind,
}

/// How often a field may stand in a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Label {
    /// Once; left out, it is zero or empty. A message is different from none.
    One,
    /// Once; left out, it is different from zero.
    Optional,
    /// Once, and none of the other choices of the message beside it: the last one counts (`oneof`).
    Choice,
    /// As often as you like; numbers also packed into one field.
    Many,
}

/// What a field holds.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    /// `bool`
    Bool,
    /// `int32`, and enumerations
    Int32,
    /// `uint32`
    Uint32,
    /// `sint32`
    Sint32,
    /// `int64`
    Int64,
    /// `uint64`
    Uint64,
    /// `fixed32`
    Fixed32,
    /// `fixed64`
    Fixed64,
    /// `sfixed64`
    Sfixed64,
    /// `double`
    Double,
    /// `string`
    Text,
    /// `bytes` of any meaning
    Bytes,
    /// `bytes` of a trace id or span id
    Id,
    /// Another message.
    Message(&'static Shape),
}

impl Shape {
    /// The request of a signal.
    pub fn of(signal: Signal) -> &'static Shape {
        match signal {
            Signal::Traces => &TRACES,
            Signal::Metrics => &METRICS,
            Signal::Logs => &LOGS,
        }
    }

    /// Whether it is an attribute, a `KeyValue`: most of the messages of most requests are.
    #[inline]
    pub fn is_attribute(&self) -> bool {
        std::ptr::eq(self, &ATTRIBUTE)
    }

    /// The field of this number, if it is known.
    #[inline]
    pub fn field(&self, number: u32) -> Option<&Field> {
        self.fields.get(number as usize)?.as_ref()
    }

    /// The field that JSON calls so, and its number, if it is known. It is looked for behind a number first: most who
    /// write JSON go by the order of the numbers.
    pub fn named(&self, name: &[u8], behind: u32) -> Option<(u32, &Field)> {
        let mut numbers = (behind + 1..SLOTS as u32).chain(0..=behind);
        numbers.find_map(|number| {
            Some((number, self.field(number).filter(|field| field.name.as_bytes() == name)?))
        })
    }
}

use Kind::{
    Bool, Bytes, Double, Fixed32, Fixed64, Id, Int32, Int64, Message, Sfixed64, Sint32, Text, Uint32, Uint64,
};

type Row = (usize, Field);

const fn shape(rows: &[Row]) -> Shape {
    let mut fields = [None; SLOTS];
    let mut next = 0;
    while next < rows.len() {
        fields[rows[next].0] = Some(rows[next].1);
        next += 1;
    }
    Shape { fields }
}

const fn one(number: usize, name: &'static str, kind: Kind) -> Row {
    (number, Field { name, label: Label::One, kind })
}

const fn optional(number: usize, name: &'static str, kind: Kind) -> Row {
    (number, Field { name, label: Label::Optional, kind })
}

const fn choice(number: usize, name: &'static str, kind: Kind) -> Row {
    (number, Field { name, label: Label::Choice, kind })
}

const fn many(number: usize, name: &'static str, kind: Kind) -> Row {
    (number, Field { name, label: Label::Many, kind })
}

static ANY: Shape = shape(&[
    choice(1, "stringValue", Text),
    choice(2, "boolValue", Bool),
    choice(3, "intValue", Int64),
    choice(4, "doubleValue", Double),
    choice(5, "arrayValue", Message(&ARRAY)),
    choice(6, "kvlistValue", Message(&LIST)),
    choice(7, "bytesValue", Bytes),
    choice(8, "stringValueStrindex", Int32),
]);
static ARRAY: Shape = shape(&[many(1, "values", Message(&ANY))]);
static LIST: Shape = shape(&[many(1, "values", Message(&ATTRIBUTE))]);
static ATTRIBUTE: Shape =
    shape(&[one(1, "key", Text), one(2, "value", Message(&ANY)), one(3, "keyStrindex", Int32)]);
static RESOURCE: Shape = shape(&[
    many(1, "attributes", Message(&ATTRIBUTE)),
    one(2, "droppedAttributesCount", Uint32),
    many(3, "entityRefs", Message(&ENTITY)),
]);
static ENTITY: Shape = shape(&[
    one(1, "schemaUrl", Text),
    one(2, "type", Text),
    many(3, "idKeys", Text),
    many(4, "descriptionKeys", Text),
]);
static SCOPE: Shape = shape(&[
    one(1, "name", Text),
    one(2, "version", Text),
    many(3, "attributes", Message(&ATTRIBUTE)),
    one(4, "droppedAttributesCount", Uint32),
]);

static TRACES: Shape = shape(&[many(1, "resourceSpans", Message(&RESOURCE_SPANS))]);
static RESOURCE_SPANS: Shape = shape(&[
    one(1, "resource", Message(&RESOURCE)),
    many(2, "scopeSpans", Message(&SCOPE_SPANS)),
    one(3, "schemaUrl", Text),
]);
static SCOPE_SPANS: Shape =
    shape(&[one(1, "scope", Message(&SCOPE)), many(2, "spans", Message(&SPAN)), one(3, "schemaUrl", Text)]);
static SPAN: Shape = shape(&[
    one(1, "traceId", Id),
    one(2, "spanId", Id),
    one(3, "traceState", Text),
    one(4, "parentSpanId", Id),
    one(5, "name", Text),
    one(6, "kind", Int32),
    one(7, "startTimeUnixNano", Fixed64),
    one(8, "endTimeUnixNano", Fixed64),
    many(9, "attributes", Message(&ATTRIBUTE)),
    one(10, "droppedAttributesCount", Uint32),
    many(11, "events", Message(&EVENT)),
    one(12, "droppedEventsCount", Uint32),
    many(13, "links", Message(&LINK)),
    one(14, "droppedLinksCount", Uint32),
    one(15, "status", Message(&STATUS)),
    one(16, "flags", Fixed32),
]);
static EVENT: Shape = shape(&[
    one(1, "timeUnixNano", Fixed64),
    one(2, "name", Text),
    many(3, "attributes", Message(&ATTRIBUTE)),
    one(4, "droppedAttributesCount", Uint32),
]);
static LINK: Shape = shape(&[
    one(1, "traceId", Id),
    one(2, "spanId", Id),
    one(3, "traceState", Text),
    many(4, "attributes", Message(&ATTRIBUTE)),
    one(5, "droppedAttributesCount", Uint32),
    one(6, "flags", Fixed32),
]);
static STATUS: Shape = shape(&[one(2, "message", Text), one(3, "code", Int32)]);

static LOGS: Shape = shape(&[many(1, "resourceLogs", Message(&RESOURCE_LOGS))]);
static RESOURCE_LOGS: Shape = shape(&[
    one(1, "resource", Message(&RESOURCE)),
    many(2, "scopeLogs", Message(&SCOPE_LOGS)),
    one(3, "schemaUrl", Text),
]);
static SCOPE_LOGS: Shape = shape(&[
    one(1, "scope", Message(&SCOPE)),
    many(2, "logRecords", Message(&LOG)),
    one(3, "schemaUrl", Text),
]);
static LOG: Shape = shape(&[
    one(1, "timeUnixNano", Fixed64),
    one(2, "severityNumber", Int32),
    one(3, "severityText", Text),
    one(5, "body", Message(&ANY)),
    many(6, "attributes", Message(&ATTRIBUTE)),
    one(7, "droppedAttributesCount", Uint32),
    one(8, "flags", Fixed32),
    one(9, "traceId", Id),
    one(10, "spanId", Id),
    one(11, "observedTimeUnixNano", Fixed64),
    one(12, "eventName", Text),
]);

static METRICS: Shape = shape(&[many(1, "resourceMetrics", Message(&RESOURCE_METRICS))]);
static RESOURCE_METRICS: Shape = shape(&[
    one(1, "resource", Message(&RESOURCE)),
    many(2, "scopeMetrics", Message(&SCOPE_METRICS)),
    one(3, "schemaUrl", Text),
]);
static SCOPE_METRICS: Shape = shape(&[
    one(1, "scope", Message(&SCOPE)),
    many(2, "metrics", Message(&METRIC)),
    one(3, "schemaUrl", Text),
]);
static METRIC: Shape = shape(&[
    one(1, "name", Text),
    one(2, "description", Text),
    one(3, "unit", Text),
    choice(5, "gauge", Message(&GAUGE)),
    choice(7, "sum", Message(&SUM)),
    choice(9, "histogram", Message(&HISTOGRAMS)),
    choice(10, "exponentialHistogram", Message(&EXPONENTIALS)),
    choice(11, "summary", Message(&SUMMARIES)),
    many(12, "metadata", Message(&ATTRIBUTE)),
]);
static GAUGE: Shape = shape(&[many(1, "dataPoints", Message(&NUMBER))]);
static SUM: Shape = shape(&[
    many(1, "dataPoints", Message(&NUMBER)),
    one(2, "aggregationTemporality", Int32),
    one(3, "isMonotonic", Bool),
]);
static NUMBER: Shape = shape(&[
    one(2, "startTimeUnixNano", Fixed64),
    one(3, "timeUnixNano", Fixed64),
    choice(4, "asDouble", Double),
    many(5, "exemplars", Message(&EXEMPLAR)),
    choice(6, "asInt", Sfixed64),
    many(7, "attributes", Message(&ATTRIBUTE)),
    one(8, "flags", Uint32),
]);
static HISTOGRAMS: Shape =
    shape(&[many(1, "dataPoints", Message(&HISTOGRAM)), one(2, "aggregationTemporality", Int32)]);
static HISTOGRAM: Shape = shape(&[
    one(2, "startTimeUnixNano", Fixed64),
    one(3, "timeUnixNano", Fixed64),
    one(4, "count", Fixed64),
    optional(5, "sum", Double),
    many(6, "bucketCounts", Fixed64),
    many(7, "explicitBounds", Double),
    many(8, "exemplars", Message(&EXEMPLAR)),
    many(9, "attributes", Message(&ATTRIBUTE)),
    one(10, "flags", Uint32),
    optional(11, "min", Double),
    optional(12, "max", Double),
]);
static EXPONENTIALS: Shape =
    shape(&[many(1, "dataPoints", Message(&EXPONENTIAL)), one(2, "aggregationTemporality", Int32)]);
static EXPONENTIAL: Shape = shape(&[
    many(1, "attributes", Message(&ATTRIBUTE)),
    one(2, "startTimeUnixNano", Fixed64),
    one(3, "timeUnixNano", Fixed64),
    one(4, "count", Fixed64),
    optional(5, "sum", Double),
    one(6, "scale", Sint32),
    one(7, "zeroCount", Fixed64),
    one(8, "positive", Message(&BUCKETS)),
    one(9, "negative", Message(&BUCKETS)),
    one(10, "flags", Uint32),
    many(11, "exemplars", Message(&EXEMPLAR)),
    optional(12, "min", Double),
    optional(13, "max", Double),
    one(14, "zeroThreshold", Double),
]);
static BUCKETS: Shape = shape(&[one(1, "offset", Sint32), many(2, "bucketCounts", Uint64)]);
static SUMMARIES: Shape = shape(&[many(1, "dataPoints", Message(&SUMMARY))]);
static SUMMARY: Shape = shape(&[
    one(2, "startTimeUnixNano", Fixed64),
    one(3, "timeUnixNano", Fixed64),
    one(4, "count", Fixed64),
    one(5, "sum", Double),
    many(6, "quantileValues", Message(&QUANTILE)),
    many(7, "attributes", Message(&ATTRIBUTE)),
    one(8, "flags", Uint32),
]);
static QUANTILE: Shape = shape(&[one(1, "quantile", Double), one(2, "value", Double)]);
static EXEMPLAR: Shape = shape(&[
    one(2, "timeUnixNano", Fixed64),
    choice(3, "asDouble", Double),
    one(4, "spanId", Id),
    one(5, "traceId", Id),
    choice(6, "asInt", Sfixed64),
    many(7, "filteredAttributes", Message(&ATTRIBUTE)),
]);
