//! What the pages show in the tests: a shop with a front, a back, a database that tells nothing, and its failures.

use opentelemetry_proto::tonic::{
    collector::{logs::v1::ExportLogsServiceRequest, trace::v1::ExportTraceServiceRequest},
    common::v1::{AnyValue, InstrumentationScope, KeyValue, any_value::Value},
    logs::v1::{LogRecord, ResourceLogs, ScopeLogs},
    resource::v1::Resource,
    trace::v1::{ResourceSpans, ScopeSpans, Span, Status, span::Event, span::Link},
};
use prost::Message;
use std::time::{SystemTime, UNIX_EPOCH};
use throughline_collector::Collector;
use throughline_sender::Signal;

const MILLI: u64 = 1_000_000;

/// Nanoseconds since 1970.
fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos() as u64
}

pub(super) fn text(key: &str, value: &str) -> KeyValue {
    let value = Some(AnyValue { value: Some(Value::StringValue(value.to_owned())) });
    KeyValue { key: key.to_owned(), value, ..Default::default() }
}

fn number(key: &str, value: i64) -> KeyValue {
    KeyValue { value: Some(AnyValue { value: Some(Value::IntValue(value)) }), ..text(key, "") }
}

pub(super) fn trace_id(trace: u32) -> Vec<u8> {
    (u128::from(trace) | 0xabcd << 96).to_be_bytes().to_vec()
}

fn span_id(trace: u32, span: u32) -> Vec<u8> {
    (u64::from(trace) << 32 | u64::from(span)).to_be_bytes().to_vec()
}

/// A span by its number and that of its parent, 0 for none.
pub(super) fn span(trace: u32, id: u32, parent: u32, name: &str, start: u64, end: u64) -> Span {
    Span {
        trace_id: trace_id(trace),
        span_id: span_id(trace, id),
        parent_span_id: if parent == 0 { Vec::new() } else { span_id(trace, parent) },
        name: name.to_owned(),
        kind: 1,
        start_time_unix_nano: start,
        end_time_unix_nano: end,
        ..Default::default()
    }
}

pub(super) fn send(collector: &Collector, service: &str, spans: Vec<Span>) {
    let attributes = vec![text("service.name", service), text("service.version", "1.2.3")];
    let resource = Some(Resource { attributes, ..Default::default() });
    let scope = Some(InstrumentationScope { name: "tests".to_owned(), ..Default::default() });
    let scope_spans = vec![ScopeSpans { scope, spans, ..Default::default() }];
    let request = ExportTraceServiceRequest {
        resource_spans: vec![ResourceSpans { resource, scope_spans, ..Default::default() }],
    };
    collector.inlet().accept(Signal::Traces, request.encode_to_vec().into());
}

pub(super) fn log(collector: &Collector, service: &str, log_records: Vec<LogRecord>) {
    let attributes = vec![text("service.name", service)];
    let resource = Some(Resource { attributes, ..Default::default() });
    let scope_logs = vec![ScopeLogs { log_records, ..Default::default() }];
    let request = ExportLogsServiceRequest {
        resource_logs: vec![ResourceLogs { resource, scope_logs, ..Default::default() }],
    };
    collector.inlet().accept(Signal::Logs, request.encode_to_vec().into());
}

pub(super) fn line(trace: u32, id: u32, time: u64, severity: i32, body: &str) -> LogRecord {
    LogRecord {
        time_unix_nano: time,
        severity_number: severity,
        severity_text: if severity < 13 { "INFO" } else { "ERROR" }.to_owned(),
        body: text("", body).value,
        attributes: vec![text("cart", "7f3a")],
        trace_id: trace_id(trace),
        span_id: span_id(trace, id),
        ..Default::default()
    }
}

/// One request to the shop: so many milliseconds, so long ago; a failure is told by the back.
pub(super) fn visit(collector: &Collector, trace: u32, millis: u64, ago: u64, fails: bool) {
    let start = now() - ago * 1000 * MILLI;
    let at = |percent: u64| start + millis * MILLI * percent / 100;
    let status = if fails { 500 } else { 200 };
    let request = |route: &str, method: &str, address: &str| {
        vec![
            text("http.request.method", method),
            text("http.route", route),
            text("url.scheme", "http"),
            text("url.path", &route.replace("{id}", "42")),
            text("server.address", address),
            number("server.port", 8080),
            number("http.response.status_code", status),
        ]
    };
    let error = |message: &str| fails.then(|| Status { code: 2, message: message.to_owned() });
    let root = Span {
        kind: 2,
        attributes: request("/orders/{id}", "POST", "shop.example"),
        status: error(""),
        ..span(trace, 1, 0, "POST /orders/{id}", at(0), at(100))
    };
    let call = Span {
        kind: 3,
        attributes: request("/stock/{id}", "GET", "back"),
        status: error(""),
        ..span(trace, 2, 1, "GET", at(12), at(80))
    };
    let render = span(trace, 3, 1, "render the order", at(82), at(96));
    let exception = Event {
        time_unix_nano: at(60),
        name: "exception".to_owned(),
        attributes: vec![text("exception.type", "OutOfStock"), text("exception.message", "none left")],
        ..Default::default()
    };
    let answer = Span {
        kind: 2,
        attributes: request("/stock/{id}", "GET", "back"),
        status: error("none left"),
        events: if fails { vec![exception] } else { Vec::new() },
        // To the visit before this one.
        links: vec![Link {
            trace_id: trace_id(trace - 1),
            span_id: span_id(trace - 1, 1),
            ..Default::default()
        }],
        ..span(trace, 4, 2, "GET /stock/{id}", at(15), at(78))
    };
    let query = Span {
        kind: 3,
        attributes: vec![
            text("db.system.name", "postgresql"),
            text("db.namespace", "stock"),
            text("db.query.text", "SELECT count FROM stock WHERE id = $1"),
        ],
        ..span(trace, 5, 4, "SELECT stock", at(20), at(55))
    };
    send(collector, "front", vec![root, call, render]);
    send(collector, "back", vec![answer, query]);
    log(collector, "front", vec![line(trace, 1, at(5), 9, "order placed")]);
    let told = if fails {
        line(trace, 4, at(60), 17, "none left of 42")
    } else {
        line(trace, 4, at(58), 9, "stock counted")
    };
    log(collector, "back", vec![told]);
}

/// A trace of one root, groups and spans in them, of which the last failed; the number of its spans.
pub(super) fn large(collector: &Collector, trace: u32, groups: u32, each: u32) -> u32 {
    let start = now() - 60_000 * MILLI;
    let mut spans = vec![span(trace, 1, 0, "import", start, start + 5000 * MILLI)];
    for group in 0..groups {
        let id = 2 + group * (each + 1);
        let begin = start + u64::from(group) * MILLI;
        spans.push(span(trace, id, 1, &format!("group {group}"), begin, begin + 4000 * MILLI));
        for one in 1..=each {
            let begin = begin + u64::from(one) * MILLI / 2;
            spans.push(span(trace, id + one, id, &format!("item {group}.{one}"), begin, begin + MILLI));
        }
    }
    if let Some(last) = spans.last_mut() {
        last.status = Some(Status { code: 2, message: "the last one is broken".to_owned() });
    }
    let count = spans.len() as u32;
    send(collector, "importer", spans);
    count
}
