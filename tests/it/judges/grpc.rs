//! tonic, the server that most programs of Rust are: what our gRPC exporter sends, plain and with gzip.

use super::*;
use crate::support::arbitrary::Dice;
use opentelemetry_proto::tonic::collector::{
    logs::v1::{
        ExportLogsServiceRequest, ExportLogsServiceResponse,
        logs_service_server::{LogsService, LogsServiceServer},
    },
    metrics::v1::{
        ExportMetricsServiceRequest, ExportMetricsServiceResponse,
        metrics_service_server::{MetricsService, MetricsServiceServer},
    },
    trace::v1::{
        ExportTracePartialSuccess, ExportTraceServiceRequest, ExportTraceServiceResponse,
        trace_service_server::{TraceService, TraceServiceServer},
    },
};
use prost::Message;
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};
use throughline::sender::{Destination, Limits, Remote, Request, Sender, Signal};
use tokio_stream::wrappers::TcpListenerStream;
use tonic::{Response, Status, async_trait, codec::CompressionEncoding, transport::Server};

/// What arrived of one signal: the message, and the headers of its request.
type Taken<T> = Arc<Mutex<Vec<(T, BTreeMap<String, String>)>>>;

#[derive(Clone, Default)]
struct Judge {
    traces: Taken<ExportTraceServiceRequest>,
    metrics: Taken<ExportMetricsServiceRequest>,
    logs: Taken<ExportLogsServiceRequest>,
}

fn take<T>(taken: &Taken<T>, request: tonic::Request<T>) {
    let headers = request.metadata().clone().into_headers();
    let text = |value: &http::HeaderValue| value.to_str().unwrap().to_owned();
    let headers = headers.iter().map(|(name, value)| (name.to_string(), text(value))).collect();
    taken.lock().unwrap().push((request.into_inner(), headers));
}

#[async_trait]
impl TraceService for Judge {
    async fn export(
        &self,
        request: tonic::Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        take(&self.traces, request);
        // The default of every field: a success, of which nothing is to be told (O-034).
        let partial_success = Some(ExportTracePartialSuccess::default());
        Ok(Response::new(ExportTraceServiceResponse { partial_success }))
    }
}

#[async_trait]
impl MetricsService for Judge {
    async fn export(
        &self,
        request: tonic::Request<ExportMetricsServiceRequest>,
    ) -> Result<Response<ExportMetricsServiceResponse>, Status> {
        take(&self.metrics, request);
        Ok(Response::new(ExportMetricsServiceResponse::default()))
    }
}

#[async_trait]
impl LogsService for Judge {
    async fn export(
        &self,
        request: tonic::Request<ExportLogsServiceRequest>,
    ) -> Result<Response<ExportLogsServiceResponse>, Status> {
        take(&self.logs, request);
        Ok(Response::new(ExportLogsServiceResponse::default()))
    }
}

/// Serves all three signals; takes gzip only if told to.
async fn serve(judge: &Judge, gzip: bool) -> SocketAddr {
    let mut traces = TraceServiceServer::new(judge.clone());
    let mut metrics = MetricsServiceServer::new(judge.clone());
    let mut logs = LogsServiceServer::new(judge.clone());
    if gzip {
        traces = traces.accept_compressed(CompressionEncoding::Gzip);
        metrics = metrics.accept_compressed(CompressionEncoding::Gzip);
        logs = logs.accept_compressed(CompressionEncoding::Gzip);
    }
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = Server::builder().add_service(traces).add_service(metrics).add_service(logs);
    tokio::spawn(server.serve_with_incoming(TcpListenerStream::new(listener)));
    address
}

fn sender(signal: Signal, address: SocketAddr, compression: Compression) -> Sender {
    let mut remote = Remote::new(Protocol::Grpc, format!("http://{address}").parse().unwrap());
    remote.compression = compression;
    Sender::start(signal, Destination::Remote(remote), Limits::default()).unwrap()
}

// O-050, O-051, O-054: each message as it was given, and the headers that every gRPC server wants.
#[tokio::test]
async fn tonic_reads_every_message_as_it_was_sent_plain_and_with_gzip() {
    for (compression, coding) in [(Compression::None, None), (Compression::Gzip, Some("gzip"))] {
        let judge = Judge::default();
        let address = serve(&judge, true).await;
        let mut dice = Dice::new(false);
        let [traces, metrics, logs] = [Signal::Traces, Signal::Metrics, Signal::Logs]
            .map(|signal| sender(signal, address, compression));
        let (mut spans, mut points, mut records) = (vec![], vec![], vec![]);
        for _ in 0..20 {
            spans.push(dice.traces());
            points.push(dice.metrics());
            records.push(dice.logs());
            traces.send(Request { items: 1, body: spans[spans.len() - 1].encode_to_vec().into() });
            metrics.send(Request { items: 1, body: points[points.len() - 1].encode_to_vec().into() });
            logs.send(Request { items: 1, body: records[records.len() - 1].encode_to_vec().into() });
        }
        for sender in [&traces, &metrics, &logs] {
            sender.flush(PATIENCE).await.unwrap();
            let stats = sender.stats();
            assert_eq!((stats.delivered, stats.repeated, stats.last_failure), (20, 0, None));
        }
        assert_eq!(messages(&judge.traces, coding), spans);
        assert_eq!(messages(&judge.metrics, coding), points);
        assert_eq!(messages(&judge.logs, coding), records);
    }
}

/// The messages, after the headers of each were compared.
fn messages<T: Clone + Message>(taken: &Taken<T>, coding: Option<&str>) -> Vec<T> {
    let version = env!("CARGO_PKG_VERSION");
    let taken = taken.lock().unwrap();
    for (message, headers) in &*taken {
        let mut wanted = BTreeMap::from([
            ("content-type".into(), "application/grpc".into()),
            ("te".into(), "trailers".into()),
            ("user-agent".into(), format!("throughline/{version} OTel-OTLP-Exporter-Rust/{version}")),
        ]);
        match coding {
            // How long it is then is gzip's affair.
            Some(coding) => wanted.extend([
                ("grpc-encoding".into(), coding.into()),
                ("content-length".into(), headers["content-length"].clone()),
            ]),
            None => wanted.extend([("content-length".into(), (message.encoded_len() + 5).to_string())]),
        }
        assert_eq!(*headers, wanted);
    }
    taken.iter().map(|(message, _)| message.clone()).collect()
}

#[tokio::test]
async fn what_a_service_records_reaches_tonic_whole() {
    let judge = Judge::default();
    let endpoint = format!("http://{}", serve(&judge, true).await);
    let telemetry = Telemetry::build(Config::from_vars([
        ("OTEL_SERVICE_NAME", "cart"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint.as_str()),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
        ("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip"),
        ("OTEL_BSP_SCHEDULE_DELAY", "600000"),
        ("OTEL_BLRP_SCHEDULE_DELAY", "600000"),
        ("OTEL_METRIC_EXPORT_INTERVAL", "600000"),
    ]))
    .unwrap();
    serve_one_call(&telemetry).await;
    for stats in telemetry.handle().stats() {
        assert_eq!((stats.delivered, stats.recorded), (1, 1), "{stats:?}");
    }
    let (traces, metrics, logs) = (
        messages(&judge.traces, Some("gzip")),
        messages(&judge.metrics, Some("gzip")),
        messages(&judge.logs, Some("gzip")),
    );
    let ([traces], [metrics], [logs]) = (&traces[..], &metrics[..], &logs[..]) else { panic!("one of each") };
    let span = &traces.resource_spans[0].scope_spans[0].spans[0];
    let metric = &metrics.resource_metrics[0].scope_metrics[0].metrics[0];
    let record = &logs.resource_logs[0].scope_logs[0].log_records[0];
    assert_eq!(
        (span.name.as_str(), metric.name.as_str()),
        ("GET /items/{id}", "http.server.request.duration")
    );
    assert_eq!((&record.trace_id, &record.span_id), (&span.trace_id, &span.span_id));
}

// O-031: UNIMPLEMENTED is for good.
#[tokio::test]
async fn a_tonic_that_takes_no_gzip_is_told_of_in_its_own_words() {
    let judge = Judge::default();
    let sender = sender(Signal::Traces, serve(&judge, false).await, Compression::Gzip);
    sender.send(span("zipped"));
    let said = sender.flush(PATIENCE).await.unwrap_err().to_string();
    assert!(said.contains("answered UNIMPLEMENTED: Content is compressed with `gzip`"), "{said}");
    assert_eq!((sender.stats().failed, judge.traces.lock().unwrap().len()), (1, 0));
}
