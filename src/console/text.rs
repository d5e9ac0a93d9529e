//! Requests → lines for people.

use crate::{
    log::{Clock, Place, escape},
    sender::Signal,
};
use opentelemetry_proto::tonic::{
    collector::{
        logs::v1::ExportLogsServiceRequest, metrics::v1::ExportMetricsServiceRequest,
        trace::v1::ExportTraceServiceRequest,
    },
    common::v1::{AnyValue, KeyValue, any_value::Value},
    logs::v1::LogRecord,
    metrics::v1::{
        ExponentialHistogramDataPoint, HistogramDataPoint, Metric, NumberDataPoint, SummaryDataPoint,
        metric::Data, number_data_point,
    },
    trace::v1::{Span, status::StatusCode},
};
use prost::Message;
use std::{
    fmt::{self, Display},
    io::Write as _,
    time::{Duration, SystemTime},
};

/// One line for each item of a request.
pub(super) fn lines(signal: Signal, request: &[u8]) -> Result<Vec<u8>, String> {
    let mut lines = Lines::default();
    match signal {
        Signal::Traces => {
            let of = decode::<ExportTraceServiceRequest>(request)?.resource_spans;
            let spans = of.iter().flat_map(|of| &of.scope_spans).flat_map(|of| &of.spans);
            spans.for_each(|span| lines.span(span));
        }
        Signal::Metrics => {
            let of = decode::<ExportMetricsServiceRequest>(request)?.resource_metrics;
            let metrics = of.iter().flat_map(|of| &of.scope_metrics).flat_map(|of| &of.metrics);
            metrics.for_each(|metric| lines.metric(metric));
        }
        Signal::Logs => {
            let of = decode::<ExportLogsServiceRequest>(request)?.resource_logs;
            let records = of.iter().flat_map(|of| &of.scope_logs).flat_map(|of| &of.log_records);
            records.for_each(|record| lines.record(record));
        }
    }
    Ok(lines.bytes)
}

fn decode<M: Message + Default>(request: &[u8]) -> Result<M, String> {
    M::decode(request).map_err(|error| error.to_string())
}

/// The kinds of a span, by their numbers.
const KINDS: [&str; 6] = ["", " internal", " server", " client", " producer", " consumer"];

#[derive(Default)]
struct Lines {
    bytes: Vec<u8>,
    clock: Clock,
}

impl Lines {
    fn start(&mut self, nanoseconds: u64, what: &str) {
        let time = SystemTime::UNIX_EPOCH + Duration::from_nanos(nanoseconds);
        self.clock.write(&mut self.bytes, time);
        self.plain(format_args!(" {what} "));
    }

    /// What is ours, and numbers.
    fn plain(&mut self, text: fmt::Arguments<'_>) {
        // Writing to memory does not fail.
        let _ = self.bytes.write_fmt(text);
    }

    /// What is the program's.
    fn open(&mut self, text: &str) {
        escape(&mut self.bytes, text, Place::Open);
    }

    fn ids(&mut self, ids: [(&str, &[u8]); 3]) {
        for (name, id) in ids.into_iter().filter(|(_, id)| !id.is_empty()) {
            self.plain(format_args!(" {name}={}", Hexadecimal(id)));
        }
    }

    fn attributes(&mut self, attributes: &[KeyValue]) {
        for attribute in attributes {
            self.bytes.push(b' ');
            self.open(&attribute.key);
            self.bytes.push(b'=');
            self.value(attribute.value.as_ref());
        }
    }

    fn value(&mut self, value: Option<&AnyValue>) {
        match value.and_then(|value| value.value.as_ref()) {
            Some(Value::StringValue(text)) => {
                self.bytes.push(b'"');
                escape(&mut self.bytes, text, Place::Quoted);
                self.bytes.push(b'"');
            }
            Some(Value::BoolValue(truth)) => self.plain(format_args!("{truth}")),
            Some(Value::IntValue(number)) => self.plain(format_args!("{number}")),
            Some(Value::DoubleValue(number)) => self.plain(format_args!("{number}")),
            Some(Value::BytesValue(bytes)) => self.plain(format_args!("{}", Hexadecimal(bytes))),
            Some(Value::ArrayValue(list)) => {
                self.bytes.push(b'[');
                for (index, value) in list.values.iter().enumerate() {
                    self.bytes.extend_from_slice(if index > 0 { b"," } else { b"" });
                    self.value(Some(value));
                }
                self.bytes.push(b']');
            }
            Some(Value::KvlistValue(map)) => {
                self.bytes.push(b'{');
                self.attributes(&map.values);
                self.bytes.extend_from_slice(b" }");
            }
            _ => self.bytes.extend_from_slice(b"null"),
        }
    }

    fn dropped(&mut self, what: &str, count: u32) {
        if count > 0 {
            self.plain(format_args!(" dropped_{what}={count}"));
        }
    }

    fn span(&mut self, span: &Span) {
        self.start(span.start_time_unix_nano, "span");
        self.open(&span.name);
        let kind = usize::try_from(span.kind).ok().and_then(|kind| KINDS.get(kind)).unwrap_or(&"");
        let took = Duration::from_nanos(span.end_time_unix_nano.saturating_sub(span.start_time_unix_nano));
        self.plain(format_args!("{kind} {took:?}"));
        if let Some(status) = span.status.as_ref().filter(|status| status.code == StatusCode::Error as i32) {
            self.bytes.extend_from_slice(b" ERROR");
            if !status.message.is_empty() {
                self.bytes.push(b' ');
                self.open(&status.message);
            }
        }
        let ids = [
            ("trace_id", &*span.trace_id),
            ("span_id", &span.span_id),
            ("parent_span_id", &span.parent_span_id),
        ];
        self.ids(ids);
        self.attributes(&span.attributes);
        for event in &span.events {
            self.bytes.extend_from_slice(b" event=");
            self.value(Some(&text(&event.name)));
            self.attributes(&event.attributes);
        }
        for link in &span.links {
            self.plain(format_args!(" link={}/{}", Hexadecimal(&link.trace_id), Hexadecimal(&link.span_id)));
        }
        self.dropped("attributes", span.dropped_attributes_count);
        self.dropped("events", span.dropped_events_count);
        self.dropped("links", span.dropped_links_count);
        self.bytes.push(b'\n');
    }

    fn record(&mut self, record: &LogRecord) {
        let time = match record.time_unix_nano {
            0 => record.observed_time_unix_nano,
            time => time,
        };
        self.start(time, "log");
        if !record.severity_text.is_empty() {
            self.open(&record.severity_text);
            self.bytes.push(b' ');
        }
        if !record.event_name.is_empty() {
            self.open(&record.event_name);
            self.bytes.push(b' ');
        }
        match record.body.as_ref().and_then(|body| body.value.as_ref()) {
            Some(Value::StringValue(text)) => self.open(text),
            Some(_) => self.value(record.body.as_ref()),
            None => self.bytes.push(b'-'),
        }
        self.ids([("trace_id", &*record.trace_id), ("span_id", &record.span_id), ("", &[])]);
        self.attributes(&record.attributes);
        self.dropped("attributes", record.dropped_attributes_count);
        self.bytes.push(b'\n');
    }

    fn metric(&mut self, metric: &Metric) {
        match &metric.data {
            Some(Data::Gauge(gauge)) => self.points(metric, &gauge.data_points),
            Some(Data::Sum(sum)) => self.points(metric, &sum.data_points),
            Some(Data::Histogram(histogram)) => self.points(metric, &histogram.data_points),
            Some(Data::ExponentialHistogram(histogram)) => self.points(metric, &histogram.data_points),
            Some(Data::Summary(summary)) => self.points(metric, &summary.data_points),
            None => {}
        }
    }

    fn points<P: Point>(&mut self, metric: &Metric, points: &[P]) {
        for point in points {
            self.start(point.time(), "metric");
            self.open(&metric.name);
            for (name, number) in point.numbers() {
                self.plain(format_args!(" {name}={number}"));
            }
            if !metric.unit.is_empty() {
                self.bytes.push(b' ');
                self.open(&metric.unit);
            }
            self.attributes(point.attributes());
            self.bytes.push(b'\n');
        }
    }
}

fn text(text: &str) -> AnyValue {
    AnyValue { value: Some(Value::StringValue(text.into())) }
}

/// What the points of all metrics have.
trait Point {
    fn time(&self) -> u64;
    fn attributes(&self) -> &[KeyValue];
    /// Its numbers, with their names.
    fn numbers(&self) -> Vec<(&'static str, String)>;
}

macro_rules! point {
    ($($point:ty: |$self:ident| $numbers:expr;)*) => {
        $(impl Point for $point {
            fn time(&self) -> u64 {
                self.time_unix_nano
            }

            fn attributes(&self) -> &[KeyValue] {
                &self.attributes
            }

            fn numbers(&$self) -> Vec<(&'static str, String)> {
                $numbers
            }
        })*
    };
}

point! {
    NumberDataPoint: |self| {
        let value = self.value.as_ref().map(|value| match value {
            number_data_point::Value::AsInt(number) => number.to_string(),
            number_data_point::Value::AsDouble(number) => number.to_string(),
        });
        present([("value", value)])
    };
    HistogramDataPoint: |self| histogram(self.count, self.sum, self.min, self.max);
    ExponentialHistogramDataPoint: |self| histogram(self.count, self.sum, self.min, self.max);
    SummaryDataPoint: |self| histogram(self.count, Some(self.sum), None, None);
}

fn histogram(
    count: u64,
    sum: Option<f64>,
    min: Option<f64>,
    max: Option<f64>,
) -> Vec<(&'static str, String)> {
    let text = |number: Option<f64>| number.map(|number| number.to_string());
    present([("count", Some(count.to_string())), ("sum", text(sum)), ("min", text(min)), ("max", text(max))])
}

fn present<const COUNT: usize>(
    numbers: [(&'static str, Option<String>); COUNT],
) -> Vec<(&'static str, String)> {
    numbers.into_iter().filter_map(|(name, number)| Some((name, number?))).collect()
}

struct Hexadecimal<'a>(&'a [u8]);

impl Display for Hexadecimal<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

#[cfg(test)]
mod tests;
