//! A plain OTLP server made of axum, tonic and the official message types: none of our own code.

use axum::{
    Router,
    body::Bytes,
    extract::{Path, State},
    http::{HeaderMap, StatusCode},
    routing::post,
};
use flate2::read::GzDecoder;
use opentelemetry_proto::tonic::{
    collector::{
        logs::v1::{ExportLogsServiceRequest, ExportLogsServiceResponse, logs_service_server},
        metrics::v1::{ExportMetricsServiceRequest, ExportMetricsServiceResponse, metrics_service_server},
        trace::v1::{
            ExportTracePartialSuccess, ExportTraceServiceRequest, ExportTraceServiceResponse,
            trace_service_server,
        },
    },
    common::v1::{AnyValue, KeyValue, any_value::Value},
    logs::v1::LogRecord,
    metrics::v1::Metric,
    resource::v1::Resource,
    trace::v1::Span,
};
use prost::Message;
use std::{
    collections::{BTreeMap, VecDeque},
    io::Read,
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Instant,
};
use tokio::net::TcpListener;
use tonic::codec::CompressionEncoding;

/// The server; it stops with the runtime of the test.
#[derive(Clone)]
pub(crate) struct Receiver {
    pub(crate) http: SocketAddr,
    pub(crate) grpc: SocketAddr,
    received: Arc<Mutex<Received>>,
}

#[derive(Default)]
struct Received {
    traces: Vec<ExportTraceServiceRequest>,
    metrics: Vec<ExportMetricsServiceRequest>,
    logs: Vec<ExportLogsServiceRequest>,
    requests: Vec<(String, HeaderMap)>,
    times: Vec<Instant>,
    answers: VecDeque<Answer>,
}

/// What is answered instead of success.
#[derive(Clone)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(&'static str, &'static str)>,
    pub(crate) body: Vec<u8>,
    /// gRPC: a `google.rpc.Status`.
    pub(crate) details: Vec<u8>,
}

impl Answer {
    pub(crate) fn status(status: u16) -> Self {
        Answer { status, headers: vec![], body: vec![], details: vec![] }
    }
}

impl Receiver {
    pub(crate) async fn start() -> Self {
        let http = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let grpc = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let receiver = Receiver {
            http: http.local_addr().unwrap(),
            grpc: grpc.local_addr().unwrap(),
            received: Arc::default(),
        };
        let routes = Router::new().route("/{*path}", post(take)).with_state(receiver.clone());
        tokio::spawn(async move { axum::serve(http, routes).await });
        let incoming = tokio_stream::wrappers::TcpListenerStream::new(grpc);
        macro_rules! service {
            ($server:path) => {
                <$server>::new(receiver.clone())
                    .accept_compressed(CompressionEncoding::Gzip)
                    .accept_compressed(CompressionEncoding::Zstd)
            };
        }
        let server = tonic::transport::Server::builder()
            .add_service(service!(trace_service_server::TraceServiceServer<Receiver>))
            .add_service(service!(metrics_service_server::MetricsServiceServer<Receiver>))
            .add_service(service!(logs_service_server::LogsServiceServer<Receiver>));
        tokio::spawn(server.serve_with_incoming(incoming));
        receiver
    }

    /// Answers the next requests so, in this order; then with success again.
    pub(crate) fn answer(&self, answers: impl IntoIterator<Item = Answer>) {
        self.received.lock().unwrap().answers.extend(answers);
    }

    /// Path and headers of every request, the refused ones among them.
    pub(crate) fn requests(&self) -> Vec<(String, HeaderMap)> {
        self.received.lock().unwrap().requests.clone()
    }

    /// When each request came.
    pub(crate) fn times(&self) -> Vec<Instant> {
        self.received.lock().unwrap().times.clone()
    }

    /// Every span that was acknowledged, with its resource.
    pub(crate) fn spans(&self) -> Vec<(Resource, Span)> {
        let received = self.received.lock().unwrap();
        let resources = received.traces.iter().flat_map(|request| &request.resource_spans);
        let with_resource = resources.flat_map(|r| {
            let spans = r.scope_spans.iter().flat_map(|scope| &scope.spans);
            spans.map(|span| (r.resource.clone().unwrap_or_default(), span.clone()))
        });
        with_resource.collect()
    }

    /// Every log record that was acknowledged, with its resource.
    pub(crate) fn logs(&self) -> Vec<(Resource, LogRecord)> {
        let received = self.received.lock().unwrap();
        let resources = received.logs.iter().flat_map(|request| &request.resource_logs);
        let with_resource = resources.flat_map(|r| {
            let records = r.scope_logs.iter().flat_map(|scope| &scope.log_records);
            records.map(|record| (r.resource.clone().unwrap_or_default(), record.clone()))
        });
        with_resource.collect()
    }

    /// Every metric that was acknowledged, with its resource.
    pub(crate) fn metrics(&self) -> Vec<(Resource, Metric)> {
        let received = self.received.lock().unwrap();
        let resources = received.metrics.iter().flat_map(|request| &request.resource_metrics);
        let with_resource = resources.flat_map(|r| {
            let metrics = r.scope_metrics.iter().flat_map(|scope| &scope.metrics);
            metrics.map(|metric| (r.resource.clone().unwrap_or_default(), metric.clone()))
        });
        with_resource.collect()
    }
}

async fn take(
    State(receiver): State<Receiver>,
    Path(path): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> (StatusCode, HeaderMap, Vec<u8>) {
    let mut received = receiver.received.lock().unwrap();
    received.requests.push((format!("/{path}"), headers.clone()));
    received.times.push(Instant::now());
    if let Some(answer) = received.answers.pop_front() {
        let headers =
            answer.headers.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()));
        return (StatusCode::from_u16(answer.status).unwrap(), headers.collect(), answer.body);
    }
    let body = match headers.get("content-encoding").map(|value| value.as_bytes()) {
        Some(b"gzip") => {
            let mut plain = Vec::new();
            GzDecoder::new(&body[..]).read_to_end(&mut plain).unwrap();
            plain
        }
        Some(b"zstd") => zstd::decode_all(&body[..]).unwrap(),
        _ => body.to_vec(),
    };
    match path.rsplit('/').next() {
        Some("traces") => received.traces.push(Message::decode(&body[..]).unwrap()),
        Some("metrics") => received.metrics.push(Message::decode(&body[..]).unwrap()),
        Some("logs") => received.logs.push(Message::decode(&body[..]).unwrap()),
        _ => return (StatusCode::NOT_FOUND, HeaderMap::new(), b"no such path".to_vec()),
    }
    (StatusCode::OK, HeaderMap::new(), vec![])
}

macro_rules! grpc {
    ($trait:path, $request:ident, $response:ident, $field:ident, $path:literal, $partial:expr) => {
        #[tonic::async_trait]
        impl $trait for Receiver {
            async fn export(
                &self,
                request: tonic::Request<$request>,
            ) -> Result<tonic::Response<$response>, tonic::Status> {
                let mut received = self.received.lock().unwrap();
                let (metadata, _, message) = request.into_parts();
                received.requests.push(($path.into(), metadata.into_headers()));
                received.times.push(Instant::now());
                if let Some(answer) = received.answers.pop_front() {
                    let text = String::from_utf8(answer.body).unwrap();
                    if answer.status == 0 {
                        return Ok(tonic::Response::new(($partial)(text)));
                    }
                    let code = tonic::Code::from_i32(answer.status.into());
                    return Err(tonic::Status::with_details(code, text, answer.details.into()));
                }
                received.$field.push(message);
                Ok(tonic::Response::new($response::default()))
            }
        }
    };
}

/// One span rejected, for this reason.
fn one_rejected(error_message: String) -> ExportTraceServiceResponse {
    ExportTraceServiceResponse {
        partial_success: Some(ExportTracePartialSuccess { rejected_spans: 1, error_message }),
    }
}

grpc!(
    trace_service_server::TraceService,
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
    traces,
    "grpc traces",
    one_rejected
);
grpc!(
    metrics_service_server::MetricsService,
    ExportMetricsServiceRequest,
    ExportMetricsServiceResponse,
    metrics,
    "grpc metrics",
    |_: String| ExportMetricsServiceResponse::default()
);
grpc!(
    logs_service_server::LogsService,
    ExportLogsServiceRequest,
    ExportLogsServiceResponse,
    logs,
    "grpc logs",
    |_: String| ExportLogsServiceResponse::default()
);

/// The whole attribute set, comparable: `200` is an integer, `"200"` a string.
pub(crate) fn attributes(attributes: &[KeyValue]) -> BTreeMap<String, String> {
    attributes.iter().map(|pair| (pair.key.clone(), value(pair.value.as_ref()))).collect()
}

/// One value, comparable.
pub(crate) fn value(value: Option<&AnyValue>) -> String {
    match value.and_then(|value| value.value.as_ref()) {
        Some(Value::StringValue(text)) => format!("{text:?}"),
        Some(Value::IntValue(number)) => number.to_string(),
        Some(Value::DoubleValue(number)) => format!("{number:?}"),
        Some(Value::BoolValue(truth)) => truth.to_string(),
        other => format!("{other:?}"),
    }
}

pub(crate) fn service(resource: &Resource) -> String {
    attributes(&resource.attributes).get("service.name").cloned().unwrap_or_default().trim_matches('"').into()
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
