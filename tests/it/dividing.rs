//! What a real server finds too large arrives in pieces.

use crate::{
    delivery::{counts, record, traces, traces_over},
    support::PATIENCE,
};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
    trace_service_server::{TraceService, TraceServiceServer},
};
use std::sync::{Arc, Mutex};
use tokio::net::TcpListener;
use tokio_stream::wrappers::TcpListenerStream;

/// Spans per request.
#[derive(Clone, Default)]
struct Taken(Arc<Mutex<Vec<usize>>>);

#[tonic::async_trait]
impl TraceService for Taken {
    async fn export(
        &self,
        request: tonic::Request<ExportTraceServiceRequest>,
    ) -> Result<tonic::Response<ExportTraceServiceResponse>, tonic::Status> {
        let resources = request.into_inner().resource_spans.into_iter();
        let spans = resources.flat_map(|of| of.scope_spans).map(|of| of.spans.len()).sum();
        self.0.lock().unwrap().push(spans);
        Ok(tonic::Response::new(ExportTraceServiceResponse::default()))
    }
}

// tonic says OUT_OF_RANGE, which O-031 has repeated: for ever, if it were not divided.
#[tokio::test]
async fn a_message_beyond_the_limit_of_a_grpc_server_arrives_in_pieces() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let taken = Taken::default();
    let service = TraceServiceServer::new(taken.clone()).max_decoding_message_size(8 << 10);
    let server = tonic::transport::Server::builder().add_service(service);
    tokio::spawn(server.serve_with_incoming(TcpListenerStream::new(listener)));

    let telemetry = traces_over("grpc", address, &[]);
    record(&telemetry, 500);
    telemetry.handle().flush(PATIENCE).await.unwrap();
    assert_eq!((counts(&traces(&telemetry)), traces(&telemetry).repeated), ([500, 500, 0, 0, 0], 0));
    let taken = taken.0.lock().unwrap();
    assert!(taken.len() > 3 && taken.iter().sum::<usize>() == 500, "{taken:?}");
}
