//! OTLP/JSON: every request as any decoder of it reads it, and answers in it.

use crate::support::{
    PATIENCE,
    arbitrary::Dice,
    child::Process,
    peer,
    sending::{remote, sender, span},
    serve,
};
use axum::{Router, body::Bytes, extract::State, http::HeaderMap, routing};
use opentelemetry_proto::tonic::{
    collector::{
        logs::v1::ExportLogsServiceRequest, metrics::v1::ExportMetricsServiceRequest,
        trace::v1::ExportTraceServiceRequest,
    },
    common::v1::{AnyValue, InstrumentationScope, KeyValue, any_value::Value},
    resource::v1::Resource,
};
use prost::Message;
use std::sync::{Arc, Mutex};
use throughline::sender::{
    Compression, Destination, Limits, Protocol, Remote, Request, Sender, Signal,
    json::{from_json, to_json},
};

type Received = Arc<Mutex<Vec<(HeaderMap, Bytes)>>>;

/// A server that answers each request so.
async fn answering(status: u16, answer: &'static str) -> (std::net::SocketAddr, Received) {
    let received = Received::default();
    let take = move |State(received): State<Received>, headers: HeaderMap, body: Bytes| async move {
        received.lock().unwrap().push((headers, body));
        let status = axum::http::StatusCode::from_u16(status).unwrap();
        (status, [("content-type", "application/json")], answer)
    };
    let app = Router::new().route("/v1/traces", routing::post(take)).with_state(received.clone());
    (serve(app).await, received)
}

// O-033, O-040, O-061, O-083
#[tokio::test]
async fn a_request_in_json_is_typed_so_and_its_answer_is_read_as_json() {
    let partial = r#"{"partialSuccess":{"rejectedSpans":"1","errorMessage":"too old"}}"#;
    let (address, received) = answering(200, partial).await;
    let mut remote = remote(Protocol::HttpJson, "http://127.0.0.1", address);
    remote.compression = Compression::Gzip;
    let sender = sender(remote.clone());
    sender.send(span("work"));
    let fault = format!("{remote} took a request of 1 spans, but rejected 1: too old");
    assert_eq!(
        sender.flush(PATIENCE).await.unwrap_err().to_string(),
        format!("traces: 1 spans not delivered: {fault}")
    );
    assert_eq!(sender.stats().failed, 1);
    {
        let received = received.lock().unwrap();
        let [(headers, body)] = &received[..] else { panic!("one request") };
        assert_eq!(
            (&headers["content-type"], &headers["content-encoding"]),
            (&"application/json".parse().unwrap(), &"gzip".parse().unwrap())
        );
        let json = std::io::read_to_string(flate2::read::GzDecoder::new(&body[..])).unwrap();
        assert_eq!(
            json,
            r#"{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"01010101010101010101010101010101","spanId":"0202020202020202","name":"work"}]}]}]}"#
        );
    }

    let (address, _) = answering(400, r#"{"code":3,"message":"no such thing"}"#).await;
    let sender = crate::support::sending::sender(crate::support::sending::remote(
        Protocol::HttpJson,
        "http://127.0.0.1",
        address,
    ));
    sender.send(span("work"));
    let error = sender.flush(PATIENCE).await.unwrap_err().to_string();
    assert!(error.ends_with("answered 400 Bad Request: no such thing"), "{error}");
}

fn text(key: &str, value: &str) -> KeyValue {
    let value = Some(AnyValue { value: Some(Value::StringValue(value.into())) });
    KeyValue { key: key.into(), value, ..KeyValue::default() }
}

fn json(signal: Signal, request: &impl Message) -> String {
    String::from_utf8(to_json(signal, &request.encode_to_vec()).unwrap()).unwrap()
}

// O-086: requests like the examples of the specification, one of each signal, written out whole.
#[test]
fn requests_like_those_of_the_specification_are_written_as_there() {
    use opentelemetry_proto::tonic::{logs::v1::*, metrics::v1::*, trace::v1::*};
    let resource = Some(Resource { attributes: vec![text("service.name", "cart")], ..Resource::default() });
    let scope = Some(InstrumentationScope {
        name: "shop".into(),
        version: "1.2.3".into(),
        attributes: vec![text("team", "one")],
        dropped_attributes_count: 0,
    });
    let around = r#""resource":{"attributes":[{"key":"service.name","value":{"stringValue":"cart"}}]}"#;
    let inside = r#""scope":{"name":"shop","version":"1.2.3","attributes":[{"key":"team","value":{"stringValue":"one"}}]}"#;

    let span = Span {
        trace_id: vec![0x5b; 16],
        span_id: vec![0xee; 8],
        parent_span_id: vec![0xef; 8],
        name: "pay".into(),
        kind: 2,
        start_time_unix_nano: 1_795_000_000_000_000_001,
        end_time_unix_nano: 1_795_000_000_500_000_000,
        attributes: vec![text("how", "card")],
        status: Some(Status { message: "no money".into(), code: 2 }),
        flags: 0x301,
        ..Span::default()
    };
    let request = ExportTraceServiceRequest {
        resource_spans: vec![ResourceSpans {
            resource: resource.clone(),
            scope_spans: vec![ScopeSpans {
                scope: scope.clone(),
                spans: vec![span],
                schema_url: String::new(),
            }],
            schema_url: "https://opentelemetry.io/schemas/1.42.0".into(),
        }],
    };
    let item = concat!(
        r#"{"traceId":"5b5b5b5b5b5b5b5b5b5b5b5b5b5b5b5b","spanId":"eeeeeeeeeeeeeeee","parentSpanId":"efefefefefefefef","#,
        r#""name":"pay","kind":2,"startTimeUnixNano":"1795000000000000001","endTimeUnixNano":"1795000000500000000","#,
        r#""attributes":[{"key":"how","value":{"stringValue":"card"}}],"status":{"message":"no money","code":2},"flags":769}"#,
    );
    assert_eq!(
        json(Signal::Traces, &request),
        format!(
            r#"{{"resourceSpans":[{{{around},"scopeSpans":[{{{inside},"spans":[{item}]}}],"schemaUrl":"https://opentelemetry.io/schemas/1.42.0"}}]}}"#
        )
    );

    let point = NumberDataPoint {
        attributes: vec![text("how", "card")],
        start_time_unix_nano: 1,
        time_unix_nano: 2,
        value: Some(number_data_point::Value::AsDouble(5.0)),
        ..NumberDataPoint::default()
    };
    let sum = Sum { data_points: vec![point], aggregation_temporality: 2, is_monotonic: true };
    let metric = Metric {
        name: "paid".into(),
        unit: "1".into(),
        data: Some(metric::Data::Sum(sum)),
        ..Metric::default()
    };
    let request = ExportMetricsServiceRequest {
        resource_metrics: vec![ResourceMetrics {
            resource: resource.clone(),
            scope_metrics: vec![ScopeMetrics {
                scope: scope.clone(),
                metrics: vec![metric],
                ..ScopeMetrics::default()
            }],
            ..ResourceMetrics::default()
        }],
    };
    let item = concat!(
        r#"{"name":"paid","unit":"1","sum":{"dataPoints":[{"startTimeUnixNano":"1","timeUnixNano":"2","asDouble":5.0,"#,
        r#""attributes":[{"key":"how","value":{"stringValue":"card"}}]}],"aggregationTemporality":2,"isMonotonic":true}}"#,
    );
    assert_eq!(
        json(Signal::Metrics, &request),
        format!(r#"{{"resourceMetrics":[{{{around},"scopeMetrics":[{{{inside},"metrics":[{item}]}}]}}]}}"#)
    );

    let record = LogRecord {
        time_unix_nano: 1,
        observed_time_unix_nano: 2,
        severity_number: 9,
        severity_text: "INFO".into(),
        body: text("", "paid").value,
        attributes: vec![KeyValue {
            key: "amount".into(),
            value: Some(AnyValue { value: Some(Value::IntValue(7)) }),
            ..KeyValue::default()
        }],
        trace_id: vec![0x5b; 16],
        span_id: vec![0xee; 8],
        event_name: "shop.paid".into(),
        ..LogRecord::default()
    };
    let request = ExportLogsServiceRequest {
        resource_logs: vec![ResourceLogs {
            resource,
            scope_logs: vec![ScopeLogs { scope, log_records: vec![record], ..ScopeLogs::default() }],
            ..ResourceLogs::default()
        }],
    };
    let item = concat!(
        r#"{"timeUnixNano":"1","severityNumber":9,"severityText":"INFO","body":{"stringValue":"paid"},"#,
        r#""attributes":[{"key":"amount","value":{"intValue":"7"}}],"traceId":"5b5b5b5b5b5b5b5b5b5b5b5b5b5b5b5b","#,
        r#""spanId":"eeeeeeeeeeeeeeee","observedTimeUnixNano":"2","eventName":"shop.paid"}"#,
    );
    assert_eq!(
        json(Signal::Logs, &request),
        format!(r#"{{"resourceLogs":[{{{around},"scopeLogs":[{{{inside},"logRecords":[{item}]}}]}}]}}"#)
    );
}

// O-080…O-085
#[test]
fn the_official_types_read_back_what_they_were() {
    let mut dice = Dice::new(false);
    for _ in 0..300 {
        let (traces, metrics, logs) = (dice.traces(), dice.metrics(), dice.logs());
        let written = json(Signal::Traces, &traces);
        assert_eq!(
            serde_json::from_str::<ExportTraceServiceRequest>(&written).expect(&written),
            traces,
            "{written}"
        );
        let written = json(Signal::Metrics, &metrics);
        assert_eq!(
            serde_json::from_str::<ExportMetricsServiceRequest>(&written).expect(&written),
            metrics,
            "{written}"
        );
        let written = json(Signal::Logs, &logs);
        assert_eq!(
            serde_json::from_str::<ExportLogsServiceRequest>(&written).expect(&written),
            logs,
            "{written}"
        );
    }
}

// O-080…O-085: nothing is lost or changed on the way through JSON and back.
#[test]
fn what_was_written_is_read_as_the_same_request() {
    let mut dice = Dice::new(false);
    let there_and_back = |signal, request: Vec<u8>| {
        let json = to_json(signal, &request).unwrap();
        let read = from_json(signal, &json, usize::MAX).unwrap().unwrap();
        assert_eq!(read.len(), request.len());
        read
    };
    for _ in 0..300 {
        let (traces, metrics, logs) = (dice.traces(), dice.metrics(), dice.logs());
        let read = there_and_back(Signal::Traces, traces.encode_to_vec());
        assert_eq!(ExportTraceServiceRequest::decode(&read[..]).unwrap(), traces);
        let read = there_and_back(Signal::Metrics, metrics.encode_to_vec());
        assert_eq!(ExportMetricsServiceRequest::decode(&read[..]).unwrap(), metrics);
        let read = there_and_back(Signal::Logs, logs.encode_to_vec());
        assert_eq!(ExportLogsServiceRequest::decode(&read[..]).unwrap(), logs);
    }
}

// … nor of what those types do not read from JSON.
#[test]
fn numbers_that_are_none_and_empty_values_are_read_as_they_were() {
    let mut dice = Dice::new(true);
    for _ in 0..300 {
        for signal in Signal::ALL {
            let request = match signal {
                Signal::Traces => dice.traces().encode_to_vec(),
                Signal::Metrics => dice.metrics().encode_to_vec(),
                Signal::Logs => dice.logs().encode_to_vec(),
            };
            let json = to_json(signal, &request).unwrap();
            let read = from_json(signal, &json, usize::MAX).unwrap().unwrap();
            // Bits of a NaN have no name in JSON.
            assert_eq!(String::from_utf8(to_json(signal, &read).unwrap()), String::from_utf8(json));
            assert_eq!(read.len(), request.len());
        }
    }
}

// O-080…O-085: with what the official types of Rust do not take.
#[tokio::test]
async fn pythons_official_messages_are_the_same_from_json_and_from_protobuf() {
    let Some(python) =
        peer("python compares", "THROUGHLINE_TEST_PYTHON", "a Python with opentelemetry-proto")
    else {
        return;
    };
    let judge = Process::start(
        &python,
        &["-u", concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/judges/otlp.py")],
        &[],
    );
    let address = judge.line(&["listening on"]).await.split(' ').next_back().unwrap().to_owned();
    let sender = |signal: Signal, protocol| {
        let url = format!("http://{address}/{}", signal.http_path());
        let remote = Remote::new(protocol, url.parse().unwrap());
        Sender::start(signal, Destination::Remote(remote), Limits::default()).unwrap()
    };
    let mut dice = Dice::new(true);
    let mut lines = 1;
    for signal in Signal::ALL {
        let [protobuf, json] =
            [Protocol::HttpProtobuf, Protocol::HttpJson].map(|protocol| sender(signal, protocol));
        for _ in 0..100 {
            let body: Bytes = match signal {
                Signal::Traces => dice.traces().encode_to_vec().into(),
                Signal::Metrics => dice.metrics().encode_to_vec().into(),
                Signal::Logs => dice.logs().encode_to_vec().into(),
            };
            for sender in [&protobuf, &json] {
                sender.send(Request { items: 1, body: body.clone() });
                let sent = sender.flush(PATIENCE).await;
                assert!(sent.is_ok(), "{:#?}", judge.lines().last_chunk::<3>());
                lines += 1;
            }
            let told = crate::support::until("two lines of the judge", || async {
                Some(judge.lines()).filter(|told| told.len() == lines)
            })
            .await;
            assert_eq!(told[lines - 2], told[lines - 1]);
        }
    }
}
