use super::*;
use opentelemetry_proto::tonic::{
    common::v1::{ArrayValue, KeyValueList},
    logs::v1::{ResourceLogs, ScopeLogs},
    metrics::v1::{ExponentialHistogram, Gauge, Histogram, ResourceMetrics, ScopeMetrics},
    trace::v1::{ResourceSpans, ScopeSpans, Status, span},
};
use proptest::prelude::*;

const TIME: u64 = 1_795_293_870_123_456_789;

fn attribute(key: &str, value: Value) -> KeyValue {
    KeyValue { key: key.into(), value: Some(AnyValue { value: Some(value) }), ..KeyValue::default() }
}

fn of_span(span: Span) -> Vec<u8> {
    let scope_spans = vec![ScopeSpans { spans: vec![span], ..ScopeSpans::default() }];
    let resource_spans = vec![ResourceSpans { scope_spans, ..ResourceSpans::default() }];
    ExportTraceServiceRequest { resource_spans }.encode_to_vec()
}

fn of_record(record: LogRecord) -> Vec<u8> {
    let scope_logs = vec![ScopeLogs { log_records: vec![record], ..ScopeLogs::default() }];
    let resource_logs = vec![ResourceLogs { scope_logs, ..ResourceLogs::default() }];
    ExportLogsServiceRequest { resource_logs }.encode_to_vec()
}

fn written(signal: Signal, request: &[u8]) -> String {
    String::from_utf8(lines(signal, request).unwrap()).unwrap()
}

#[test]
fn a_span_is_one_line_with_all_that_it_holds() {
    let span = Span {
        trace_id: vec![0xab; 16],
        span_id: vec![1; 8],
        parent_span_id: vec![2; 8],
        name: "GET /\n2026 forged".into(),
        kind: 2,
        start_time_unix_nano: TIME,
        end_time_unix_nano: TIME + 1_500_000,
        attributes: vec![
            attribute("a b", Value::StringValue("x\"\r\u{1b}[2J\u{202e}".into())),
            attribute("n", Value::IntValue(-1)),
            attribute("f", Value::DoubleValue(0.5)),
            attribute("l", Value::ArrayValue(ArrayValue { values: vec![text("x"), AnyValue::default()] })),
            attribute(
                "m",
                Value::KvlistValue(KeyValueList { values: vec![attribute("k", Value::BoolValue(true))] }),
            ),
            attribute("b", Value::BytesValue(vec![0, 255])),
        ],
        events: vec![span::Event {
            name: "e".into(),
            attributes: vec![attribute("k", Value::IntValue(1))],
            ..Default::default()
        }],
        links: vec![span::Link { trace_id: vec![3; 16], span_id: vec![4; 8], ..Default::default() }],
        status: Some(Status { code: StatusCode::Error as i32, message: "no\tgood".into() }),
        dropped_events_count: 7,
        ..Span::default()
    };
    let expected = format!(
        "2026-11-21T20:44:30.123456Z span GET /\\n2026 forged server 1.5ms ERROR no\\tgood trace_id={} span_id={} \
         parent_span_id={} a b=\"x\\\"\\r\\u001b[2J\\u202e\" n=-1 f=0.5 l=[\"x\",null] m={{ k=true }} b=00ff \
         event=\"e\" k=1 link={}/{} dropped_events=7\n",
        "ab".repeat(16),
        "01".repeat(8),
        "02".repeat(8),
        "03".repeat(16),
        "04".repeat(8),
    );
    assert_eq!(written(Signal::Traces, &of_span(span)), expected);
}

#[test]
fn each_point_of_a_metric_is_a_line() {
    let point = |value| NumberDataPoint { time_unix_nano: TIME, value: Some(value), ..Default::default() };
    let metric = |name: &str, data| Metric {
        name: name.into(),
        unit: "By".into(),
        data: Some(data),
        ..Metric::default()
    };
    let histogram = HistogramDataPoint {
        time_unix_nano: TIME,
        count: 2,
        sum: Some(3.0),
        min: Some(1.0),
        ..Default::default()
    };
    let exponential = ExponentialHistogramDataPoint { count: 1, max: Some(9.5), ..Default::default() };
    let metrics = vec![
        metric(
            "gauge",
            Data::Gauge(Gauge {
                data_points: vec![
                    point(number_data_point::Value::AsInt(1)),
                    point(number_data_point::Value::AsDouble(0.5)),
                ],
            }),
        ),
        metric(
            "histogram",
            Data::Histogram(Histogram { data_points: vec![histogram], ..Default::default() }),
        ),
        metric(
            "exp",
            Data::ExponentialHistogram(ExponentialHistogram {
                data_points: vec![exponential],
                ..Default::default()
            }),
        ),
    ];
    let scope_metrics = vec![ScopeMetrics { metrics, ..ScopeMetrics::default() }];
    let resource_metrics = vec![ResourceMetrics { scope_metrics, ..ResourceMetrics::default() }];
    let request = ExportMetricsServiceRequest { resource_metrics }.encode_to_vec();
    assert_eq!(
        written(Signal::Metrics, &request),
        "2026-11-21T20:44:30.123456Z metric gauge value=1 By\n\
         2026-11-21T20:44:30.123456Z metric gauge value=0.5 By\n\
         2026-11-21T20:44:30.123456Z metric histogram count=2 sum=3 min=1 By\n\
         1970-01-01T00:00:00.000000Z metric exp count=1 max=9.5 By\n"
    );
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_text_of_the_program_breaks_a_line(name in any::<String>(), key in any::<String>(), value in any::<String>(), time in any::<u64>()) {
        let attributes = vec![attribute(&key, Value::StringValue(value.clone()))];
        let span = Span { name: name.clone(), attributes: attributes.clone(), start_time_unix_nano: time, kind: time as i32, ..Span::default() };
        let record = LogRecord {
            severity_text: name.clone(),
            event_name: value.clone(),
            body: Some(text(&value)),
            attributes,
            time_unix_nano: time,
            ..LogRecord::default()
        };
        for line in [written(Signal::Traces, &of_span(span)), written(Signal::Logs, &of_record(record))] {
            prop_assert!(line.ends_with('\n') && !line.trim_end_matches('\n').chars().any(char::is_control), "{:?}", line);
        }
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        for signal in Signal::ALL {
            let _ = lines(signal, &bytes);
        }
    }
}
