//! Requests with everything in them that OTLP has, from a generator that is the same in every run.

use opentelemetry_proto::tonic::{
    collector::{
        logs::v1::ExportLogsServiceRequest, metrics::v1::ExportMetricsServiceRequest,
        trace::v1::ExportTraceServiceRequest,
    },
    common::v1::{AnyValue, ArrayValue, InstrumentationScope, KeyValue, KeyValueList, any_value::Value},
    logs::v1::{LogRecord, ResourceLogs, ScopeLogs},
    metrics::v1::{
        Exemplar, ExponentialHistogram, ExponentialHistogramDataPoint, Gauge, Histogram, HistogramDataPoint,
        Metric, NumberDataPoint, ResourceMetrics, ScopeMetrics, Sum, Summary, SummaryDataPoint, exemplar,
        exponential_histogram_data_point::Buckets, metric::Data, number_data_point,
        summary_data_point::ValueAtQuantile,
    },
    resource::v1::Resource,
    trace::v1::{
        ResourceSpans, ScopeSpans, Span, Status,
        span::{Event, Link},
    },
};

/// Throws what goes into a request.
pub(crate) struct Dice {
    state: u64,
    /// Whether also what the official types of Rust do not read: numbers that are none, empty lists, empty keys.
    anything: bool,
}

impl Dice {
    pub(crate) fn new(anything: bool) -> Self {
        Dice { state: 0x9e37_79b9_7f4a_7c15, anything }
    }

    fn bits(&mut self) -> u64 {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        self.state
    }

    fn below(&mut self, sides: u64) -> u64 {
        self.bits() % sides
    }

    fn wide(&mut self) -> u64 {
        let bits = self.bits();
        [0, 1, bits, bits >> 40, u64::MAX][self.below(5) as usize]
    }

    fn narrow(&mut self) -> u32 {
        self.wide() as u32
    }

    fn small(&mut self, sides: u64) -> i32 {
        self.below(sides) as i32
    }

    fn double(&mut self) -> f64 {
        let bits = f64::from_bits(self.bits());
        match self.below(if self.anything { 8 } else { 5 }) {
            0 => 0.0,
            1 => -0.0,
            2 => 1.5,
            3 => 1e21,
            4 if bits.is_finite() => bits,
            4 => 5e-324,
            5 => f64::NAN,
            6 => f64::INFINITY,
            _ => f64::NEG_INFINITY,
        }
    }

    fn text(&mut self) -> String {
        ["", "text", "q\"\\/\n\r\t\0\u{1b}\u{7f}", "é😀\u{2028}", "0", "NaN"][self.below(6) as usize].into()
    }

    fn id(&mut self, bytes: usize) -> Vec<u8> {
        if self.below(4) == 0 { vec![] } else { self.bits().to_be_bytes().repeat(bytes / 8) }
    }

    fn some<T>(&mut self, mut make: impl FnMut(&mut Self) -> T) -> Option<T> {
        (self.below(3) > 0).then(|| make(self))
    }

    fn many<T>(&mut self, most: u64, mut make: impl FnMut(&mut Self) -> T) -> Vec<T> {
        (0..self.below(most + 1)).map(|_| make(self)).collect()
    }

    fn value(&mut self, depth: u64) -> AnyValue {
        let least = usize::from(!self.anything);
        let value = match self.below(if depth == 0 { 6 } else { 8 }) {
            0 => None,
            1 => Some(Value::StringValue(self.text())),
            2 => Some(Value::BoolValue(self.below(2) == 0)),
            3 => Some(Value::IntValue(self.wide() as i64)),
            4 => Some(Value::DoubleValue(self.double())),
            5 => Some(Value::BytesValue(self.text().into_bytes())),
            6 => {
                let mut values = self.many(3, |dice| dice.value(depth - 1));
                values.resize_with(values.len().max(least), || self.value(depth - 1));
                Some(Value::ArrayValue(ArrayValue { values }))
            }
            _ => {
                let mut values = self.many(3, |dice| dice.attribute(depth - 1));
                values.resize_with(values.len().max(least), || self.attribute(depth - 1));
                Some(Value::KvlistValue(KeyValueList { values }))
            }
        };
        AnyValue { value }
    }

    fn attribute(&mut self, depth: u64) -> KeyValue {
        let key = if self.anything { self.text() } else { "key".into() };
        KeyValue { key, value: self.some(|dice| dice.value(depth)), ..KeyValue::default() }
    }

    fn attributes(&mut self) -> Vec<KeyValue> {
        self.many(3, |dice| dice.attribute(3))
    }

    fn resource(&mut self) -> Resource {
        let (attributes, dropped_attributes_count) = (self.attributes(), self.narrow());
        Resource { attributes, dropped_attributes_count, ..Resource::default() }
    }

    fn scope(&mut self) -> InstrumentationScope {
        InstrumentationScope {
            name: self.text(),
            version: self.text(),
            attributes: self.attributes(),
            dropped_attributes_count: self.narrow(),
        }
    }

    pub(crate) fn traces(&mut self) -> ExportTraceServiceRequest {
        let scope_spans = |dice: &mut Self| ScopeSpans {
            scope: dice.some(Self::scope),
            spans: dice.many(3, Self::span),
            schema_url: dice.text(),
        };
        let resource_spans = |dice: &mut Self| ResourceSpans {
            resource: dice.some(Self::resource),
            scope_spans: dice.many(2, scope_spans),
            schema_url: dice.text(),
        };
        ExportTraceServiceRequest { resource_spans: vec![resource_spans(self), resource_spans(self)] }
    }

    fn span(&mut self) -> Span {
        Span {
            trace_id: self.id(16),
            span_id: self.id(8),
            trace_state: self.text(),
            parent_span_id: self.id(8),
            flags: self.narrow(),
            name: self.text(),
            kind: self.small(6),
            start_time_unix_nano: self.wide(),
            end_time_unix_nano: self.wide(),
            attributes: self.attributes(),
            dropped_attributes_count: self.narrow(),
            events: self.many(2, |dice| Event {
                time_unix_nano: dice.wide(),
                name: dice.text(),
                attributes: dice.attributes(),
                dropped_attributes_count: dice.narrow(),
            }),
            dropped_events_count: self.narrow(),
            links: self.many(2, |dice| Link {
                trace_id: dice.id(16),
                span_id: dice.id(8),
                trace_state: dice.text(),
                attributes: dice.attributes(),
                dropped_attributes_count: dice.narrow(),
                flags: dice.narrow(),
            }),
            dropped_links_count: self.narrow(),
            status: self.some(|dice| Status { message: dice.text(), code: dice.small(3) }),
        }
    }

    pub(crate) fn logs(&mut self) -> ExportLogsServiceRequest {
        let scope_logs = |dice: &mut Self| ScopeLogs {
            scope: dice.some(Self::scope),
            log_records: dice.many(3, Self::record),
            schema_url: dice.text(),
        };
        let resource_logs = |dice: &mut Self| ResourceLogs {
            resource: dice.some(Self::resource),
            scope_logs: dice.many(2, scope_logs),
            schema_url: dice.text(),
        };
        ExportLogsServiceRequest { resource_logs: vec![resource_logs(self), resource_logs(self)] }
    }

    fn record(&mut self) -> LogRecord {
        LogRecord {
            time_unix_nano: self.wide(),
            observed_time_unix_nano: self.wide(),
            severity_number: self.small(25),
            severity_text: self.text(),
            body: self.some(|dice| dice.value(3)),
            attributes: self.attributes(),
            dropped_attributes_count: self.narrow(),
            flags: self.narrow(),
            trace_id: self.id(16),
            span_id: self.id(8),
            event_name: self.text(),
        }
    }

    pub(crate) fn metrics(&mut self) -> ExportMetricsServiceRequest {
        let scope_metrics = |dice: &mut Self| ScopeMetrics {
            scope: dice.some(Self::scope),
            metrics: dice.many(3, Self::metric),
            schema_url: dice.text(),
        };
        let resource_metrics = |dice: &mut Self| ResourceMetrics {
            resource: dice.some(Self::resource),
            scope_metrics: dice.many(2, scope_metrics),
            schema_url: dice.text(),
        };
        ExportMetricsServiceRequest { resource_metrics: vec![resource_metrics(self), resource_metrics(self)] }
    }

    fn metric(&mut self) -> Metric {
        let data = match self.below(6) {
            0 => None,
            1 => Some(Data::Gauge(Gauge { data_points: self.many(2, Self::number) })),
            2 => Some(Data::Sum(Sum {
                data_points: self.many(2, Self::number),
                aggregation_temporality: self.small(3),
                is_monotonic: self.below(2) == 0,
            })),
            3 => Some(Data::Histogram(Histogram {
                data_points: self.many(2, Self::histogram),
                aggregation_temporality: self.small(3),
            })),
            4 => Some(Data::ExponentialHistogram(ExponentialHistogram {
                data_points: self.many(2, Self::exponential),
                aggregation_temporality: self.small(3),
            })),
            _ => Some(Data::Summary(Summary { data_points: self.many(2, Self::summary) })),
        };
        let (name, description, unit) = (self.text(), self.text(), self.text());
        Metric { name, description, unit, metadata: self.attributes(), data }
    }

    fn number(&mut self) -> NumberDataPoint {
        NumberDataPoint {
            attributes: self.attributes(),
            start_time_unix_nano: self.wide(),
            time_unix_nano: self.wide(),
            exemplars: self.many(2, Self::exemplar),
            flags: self.narrow(),
            value: self.some(|dice| match dice.below(2) {
                0 => number_data_point::Value::AsDouble(dice.double()),
                _ => number_data_point::Value::AsInt(dice.wide() as i64),
            }),
        }
    }

    fn exemplar(&mut self) -> Exemplar {
        Exemplar {
            filtered_attributes: self.attributes(),
            time_unix_nano: self.wide(),
            span_id: self.id(8),
            trace_id: self.id(16),
            value: self.some(|dice| match dice.below(2) {
                0 => exemplar::Value::AsDouble(dice.double()),
                _ => exemplar::Value::AsInt(dice.wide() as i64),
            }),
        }
    }

    fn histogram(&mut self) -> HistogramDataPoint {
        HistogramDataPoint {
            attributes: self.attributes(),
            start_time_unix_nano: self.wide(),
            time_unix_nano: self.wide(),
            count: self.wide(),
            sum: self.some(Self::double),
            bucket_counts: self.many(4, Self::wide),
            explicit_bounds: self.many(4, Self::double),
            exemplars: self.many(2, Self::exemplar),
            flags: self.narrow(),
            min: self.some(Self::double),
            max: self.some(Self::double),
        }
    }

    fn exponential(&mut self) -> ExponentialHistogramDataPoint {
        let buckets = |dice: &mut Self| Buckets {
            offset: dice.narrow() as i32,
            bucket_counts: dice.many(4, Self::wide),
        };
        ExponentialHistogramDataPoint {
            attributes: self.attributes(),
            start_time_unix_nano: self.wide(),
            time_unix_nano: self.wide(),
            count: self.wide(),
            sum: self.some(Self::double),
            scale: self.narrow() as i32,
            zero_count: self.wide(),
            positive: self.some(buckets),
            negative: self.some(buckets),
            flags: self.narrow(),
            exemplars: self.many(2, Self::exemplar),
            min: self.some(Self::double),
            max: self.some(Self::double),
            zero_threshold: self.double(),
        }
    }

    fn summary(&mut self) -> SummaryDataPoint {
        SummaryDataPoint {
            attributes: self.attributes(),
            start_time_unix_nano: self.wide(),
            time_unix_nano: self.wide(),
            count: self.wide(),
            sum: self.double(),
            quantile_values: self
                .many(3, |dice| ValueAtQuantile { quantile: dice.double(), value: dice.double() }),
            flags: self.narrow(),
        }
    }
}
