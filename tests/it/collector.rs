//! The embedded collector keeps its promises: to those who send, to those who look, to the program around it.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on has failed")]

mod access;
mod browsing;
mod check;
mod encodings;
mod fed;
mod frames;
mod grpc;
mod handle;
mod http;
mod json;
mod limits;
mod pages;
mod scrape;
mod searching;
mod series;
mod tls;
mod view;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{HeaderMap, Request, StatusCode};
use hyper_util::rt::{TokioExecutor, TokioIo};
use opentelemetry_proto::tonic::{
    collector::{
        logs::v1::ExportLogsServiceRequest, metrics::v1::ExportMetricsServiceRequest,
        trace::v1::ExportTraceServiceRequest,
    },
    common::v1::{AnyValue, InstrumentationScope, KeyValue, any_value::Value},
    logs::v1::{LogRecord, ResourceLogs, ScopeLogs},
    metrics::v1::{
        Gauge, Histogram, HistogramDataPoint, Metric, NumberDataPoint, ResourceMetrics, ScopeMetrics, metric,
    },
    resource::v1::Resource,
    trace::v1::{ResourceSpans, ScopeSpans, Span, Status, status::StatusCode as Code},
};
use std::{io::Write, net::SocketAddr, time::Duration};
use throughline_collector::{Collector, Config};
use tokio::net::TcpStream;

const TRACE: [u8; 16] = [0x5b; 16];
const TRACE_TEXT: &str = "5b5b5b5b5b5b5b5b5b5b5b5b5b5b5b5b";
const PROTOBUF: &str = "application/x-protobuf";

/// A collector at free ports.
fn start(change: impl FnOnce(&mut Config)) -> Collector {
    let any = Some(SocketAddr::from(([127, 0, 0, 1], 0)));
    let mut config = Config::default();
    (config.grpc, config.http, config.view) = (any, any, any);
    change(&mut config);
    Collector::start(config).unwrap()
}

fn text(key: &str, value: &str) -> KeyValue {
    let value = Some(AnyValue { value: Some(Value::StringValue(value.to_owned())) });
    KeyValue { key: key.to_owned(), value, ..Default::default() }
}

fn service(name: &str) -> Option<Resource> {
    Some(Resource { attributes: vec![text("service.name", name)], ..Default::default() })
}

/// A span by its number and that of its parent, 0 for none.
fn span(id: u8, parent: u8, name: &str) -> Span {
    Span {
        trace_id: TRACE.to_vec(),
        span_id: vec![id; 8],
        parent_span_id: if parent == 0 { Vec::new() } else { vec![parent; 8] },
        name: name.to_owned(),
        kind: 2,
        start_time_unix_nano: 1_700_000_000_000_000_000 + u64::from(id) * 1_000_000,
        end_time_unix_nano: 1_700_000_000_100_000_000,
        ..Default::default()
    }
}

fn failed(span: Span, message: &str) -> Span {
    Span { status: Some(Status { message: message.to_owned(), code: Code::Error as i32 }), ..span }
}

fn traces(name: &str, spans: Vec<Span>) -> ExportTraceServiceRequest {
    let scope = Some(InstrumentationScope { name: "tests".to_owned(), ..Default::default() });
    let scope_spans = vec![ScopeSpans { scope, spans, ..Default::default() }];
    let resource_spans = vec![ResourceSpans { resource: service(name), scope_spans, ..Default::default() }];
    ExportTraceServiceRequest { resource_spans }
}

fn log(span: u8, body: &str) -> LogRecord {
    LogRecord {
        time_unix_nano: 1_700_000_000_050_000_000,
        severity_number: 9,
        severity_text: "INFO".to_owned(),
        body: text("", body).value,
        attributes: vec![text("field", "of the record")],
        trace_id: TRACE.to_vec(),
        span_id: vec![span; 8],
        ..Default::default()
    }
}

fn logs(name: &str, log_records: Vec<LogRecord>) -> ExportLogsServiceRequest {
    let scope_logs = vec![ScopeLogs { log_records, ..Default::default() }];
    let resource_logs = vec![ResourceLogs { resource: service(name), scope_logs, ..Default::default() }];
    ExportLogsServiceRequest { resource_logs }
}

/// Three data points: a gauge of two, a histogram of one.
fn metrics(name: &str) -> ExportMetricsServiceRequest {
    let point = NumberDataPoint { attributes: vec![text("a", "b")], ..Default::default() };
    let gauge = metric::Data::Gauge(Gauge { data_points: vec![point.clone(), point] });
    let point = HistogramDataPoint {
        attributes: vec![text("a", "b")],
        bucket_counts: vec![1, 2, 3],
        explicit_bounds: vec![0.005, 10.0],
        count: 6,
        sum: Some(1.5),
        ..Default::default()
    };
    let histogram =
        metric::Data::Histogram(Histogram { data_points: vec![point], aggregation_temporality: 2 });
    let metric = |data| Metric { name: "m".to_owned(), data: Some(data), ..Default::default() };
    let metrics = vec![metric(gauge), metric(histogram)];
    let scope_metrics = vec![ScopeMetrics { metrics, ..Default::default() }];
    let resource_metrics =
        vec![ResourceMetrics { resource: service(name), scope_metrics, ..Default::default() }];
    ExportMetricsServiceRequest { resource_metrics }
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// What came back.
#[derive(Debug)]
struct Reply {
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
    trailers: HeaderMap,
}

impl Reply {
    fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    async fn of(response: hyper::Response<hyper::body::Incoming>) -> Self {
        let (head, body) = response.into_parts();
        let collected = body.collect().await.unwrap();
        let trailers = collected.trailers().cloned().unwrap_or_default();
        Reply { status: head.status, headers: head.headers, body: collected.to_bytes(), trailers }
    }
}

/// One request on a connection of its own, over HTTP/1.1.
async fn send(address: SocketAddr, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Reply {
    let stream = TokioIo::new(TcpStream::connect(address).await.unwrap());
    let (mut sender, connection) = hyper::client::conn::http1::handshake(stream).await.unwrap();
    tokio::spawn(connection);
    let mut request = Request::builder().method(method).uri(path);
    if !headers.iter().any(|(name, _)| *name == "host") {
        request = request.header("host", address.to_string());
    }
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.body(Full::new(Bytes::copy_from_slice(body))).unwrap();
    let response = tokio::time::timeout(Duration::from_secs(20), sender.send_request(request)).await;
    Reply::of(response.unwrap().unwrap()).await
}

async fn post(collector: &Collector, path: &str, body: &[u8]) -> Reply {
    send(collector.http_address().unwrap(), "POST", path, &[("content-type", PROTOBUF)], body).await
}

/// One request over HTTP/2 without any library of gRPC.
async fn call(address: SocketAddr, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Reply {
    let stream = TokioIo::new(TcpStream::connect(address).await.unwrap());
    let (mut sender, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), stream).await.unwrap();
    tokio::spawn(connection);
    let mut request = Request::builder().method("POST").uri(format!("http://{address}{path}"));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.body(Full::new(Bytes::copy_from_slice(body))).unwrap();
    Reply::of(sender.send_request(request).await.unwrap()).await
}
