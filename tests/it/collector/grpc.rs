//! OTLP over gRPC, seen by real clients and by one that breaks the rules.

use super::*;
use opentelemetry_proto::tonic::collector::{
    logs::v1::logs_service_client::LogsServiceClient,
    metrics::v1::metrics_service_client::MetricsServiceClient,
    trace::v1::trace_service_client::TraceServiceClient,
};
use prost::Message;
use throughline_sender::Signal;
use tonic::{Code as Rpc, codec::CompressionEncoding, transport::Channel};

async fn channel(address: SocketAddr) -> Channel {
    Channel::from_shared(format!("http://{address}")).unwrap().connect().await.unwrap()
}

fn framed(flag: u8, message: &[u8]) -> Vec<u8> {
    [&[flag], &(message.len() as u32).to_be_bytes()[..], message].concat()
}

/// The status of gRPC, in the trailers or, without a message, in the headers.
fn status(reply: &Reply) -> (i32, &str) {
    assert_eq!((reply.status, reply.header("content-type")), (StatusCode::OK, Some("application/grpc")));
    let headers = if reply.trailers.is_empty() { &reply.headers } else { &reply.trailers };
    let message = headers.get("grpc-message").map_or("", |message| message.to_str().unwrap());
    (headers["grpc-status"].to_str().unwrap().parse().unwrap(), message)
}

// O-050, O-051, O-052
#[tokio::test]
async fn each_signal_is_taken_plain_and_with_gzip_and_no_partial_success_is_set() {
    let collector = start(|_| ());
    let channel = channel(collector.grpc_address().unwrap()).await;
    for zip in [false, true] {
        let mut client = TraceServiceClient::new(channel.clone());
        if zip {
            client = client
                .send_compressed(CompressionEncoding::Gzip)
                .accept_compressed(CompressionEncoding::Gzip);
        }
        let answer = client.export(traces("a", vec![span(1, 0, "x")])).await.unwrap();
        assert_eq!(answer.into_inner().partial_success, None);
        assert_eq!(
            client.export(ExportTraceServiceRequest::default()).await.unwrap().into_inner().partial_success,
            None
        );
        let mut client = MetricsServiceClient::new(channel.clone());
        if zip {
            client = client.send_compressed(CompressionEncoding::Gzip);
        }
        assert_eq!(client.export(metrics("a")).await.unwrap().into_inner().partial_success, None);
        let mut client = LogsServiceClient::new(channel.clone());
        if zip {
            client = client.send_compressed(CompressionEncoding::Gzip);
        }
        assert_eq!(
            client.export(logs("a", vec![log(1, "l")])).await.unwrap().into_inner().partial_success,
            None
        );
    }
    let counters = collector.counters();
    assert_eq!((counters.spans, counters.data_points, counters.log_records), (2, 6, 2));
    assert_eq!((counters.requests, counters.refused_requests), (8, 0));
}

// O-053
#[tokio::test]
async fn a_partial_success_says_how_many_and_why() {
    let collector = start(|_| ());
    let mut record = log(1, "l");
    record.trace_id = vec![1; 3];
    let mut client = LogsServiceClient::new(channel(collector.grpc_address().unwrap()).await);
    let answer = client.export(logs("a", vec![record, log(1, "m")])).await.unwrap().into_inner();
    let partial = answer.partial_success.unwrap();
    assert_eq!(partial.rejected_log_records, 1);
    assert_eq!(partial.error_message, "log records rejected: 1; a trace id is not 16 bytes long");
}

// O-054
#[tokio::test]
async fn too_large_a_message_is_resource_exhausted_without_details_before_and_after_decompression() {
    let collector = start(|config| config.max_request_bytes = 100_000);
    let channel = channel(collector.grpc_address().unwrap()).await;
    let plain = TraceServiceClient::new(channel.clone());
    let zipped = TraceServiceClient::new(channel).send_compressed(CompressionEncoding::Gzip);
    for mut client in [plain, zipped] {
        for bytes in [100_000, 3_000_000] {
            let fault = client.export(traces("a", vec![span(1, 0, &"x".repeat(bytes))])).await.unwrap_err();
            assert_eq!(fault.code(), Rpc::ResourceExhausted, "{fault:?}");
            assert!(fault.message().contains("100000 bytes"), "{fault:?}");
            assert!(fault.details().is_empty());
        }
        client.export(traces("a", vec![span(1, 0, "small")])).await.unwrap();
    }
    assert_eq!((collector.counters().spans, collector.counters().refused_requests), (2, 4));
}

// O-054: never acknowledged and then dropped.
#[tokio::test]
async fn a_message_larger_than_the_store_is_resource_exhausted() {
    let collector = start(|config| config.max_bytes = 50_000);
    let mut client = TraceServiceClient::new(channel(collector.grpc_address().unwrap()).await);
    let fault = client.export(traces("a", vec![span(1, 0, &"x".repeat(60_000))])).await.unwrap_err();
    assert_eq!(fault.code(), Rpc::ResourceExhausted);
    assert_eq!(collector.counters().spans, 0);
}

// O-055
#[tokio::test]
async fn broken_messages_and_frames_are_invalid_arguments() {
    let collector = start(|_| ());
    let address = collector.grpc_address().unwrap();
    let path = Signal::Traces.grpc_path();
    let good = traces("a", vec![span(1, 0, "x")]).encode_to_vec();
    let cut = gzip(&good)[..20].to_vec();
    let kind = ("content-type", "application/grpc+proto");
    for (frame, encoding) in [
        (framed(0, b"hello"), "identity"),
        (framed(0, &good)[..9].to_vec(), "identity"),
        ([framed(0, &good), framed(0, &good)].concat(), "identity"),
        ([framed(0, b""), good.clone()].concat(), "identity"),
        (framed(2, &good), "identity"),
        (framed(1, &good), "identity"),
        (framed(1, &cut), "gzip"),
        (Vec::new(), "identity"),
        (vec![0, 0, 0], "identity"),
    ] {
        let reply =
            call(address, path, &[kind, ("te", "trailers"), ("grpc-encoding", encoding)], &frame).await;
        assert_eq!(status(&reply).0, Rpc::InvalidArgument as i32, "{frame:02x?} {reply:?}");
        assert!(!status(&reply).1.is_empty());
    }
    assert_eq!((collector.counters().refused_requests, collector.counters().spans), (9, 0));
}

// O-050, O-051
#[tokio::test]
async fn unknown_methods_and_compressions_are_unimplemented() {
    let collector = start(|_| ());
    let address = collector.grpc_address().unwrap();
    let kind = ("content-type", "application/grpc");
    let profiles = "/opentelemetry.proto.collector.profiles.v1development.ProfilesService/Export";
    for path in [profiles, "/", "/v1/traces"] {
        let reply = call(address, path, &[kind], &framed(0, b"")).await;
        assert_eq!(status(&reply).0, Rpc::Unimplemented as i32, "{path}");
    }
    let snappy = [kind, ("grpc-encoding", "snappy")];
    let reply = call(address, Signal::Logs.grpc_path(), &snappy, &framed(1, b"x")).await;
    assert_eq!(status(&reply).0, Rpc::Unimplemented as i32);
    assert_eq!(reply.header("grpc-accept-encoding"), Some("identity, gzip, deflate, zstd"));
    assert_eq!(collector.counters().refused_requests, 4);
}

/// The head of a call and so much of its frame: the rest is to come.
async fn begun(
    address: SocketAddr,
    method: &str,
    headers: &[(&str, &str)],
    body: http_body_util::combinators::BoxBody<Bytes, std::convert::Infallible>,
) -> Reply {
    let stream = TokioIo::new(TcpStream::connect(address).await.unwrap());
    let (mut sender, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), stream).await.unwrap();
    tokio::spawn(connection);
    let uri = format!("http://{address}{}", Signal::Traces.grpc_path());
    let mut request = Request::builder().method(method).uri(uri).header("content-type", "application/grpc");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    Reply::of(sender.send_request(request.body(body).unwrap()).await.unwrap()).await
}

/// A body that begins and never ends.
fn endless(start: Vec<u8>) -> http_body_util::combinators::BoxBody<Bytes, std::convert::Infallible> {
    let frame = hyper::body::Frame::data(Bytes::from(start));
    let frames = tokio_stream::StreamExt::chain(tokio_stream::once(Ok(frame)), tokio_stream::pending());
    BodyExt::boxed(http_body_util::StreamBody::new(frames))
}

// O-050, O-055, O-069, O-072
#[tokio::test]
async fn slow_busy_foreign_and_misguided_calls_have_their_codes() {
    let collector = start(|config| config.request_timeout = Duration::from_millis(500));
    let address = collector.grpc_address().unwrap();
    let slow = begun(address, "POST", &[], endless(vec![0; 3])).await;
    assert_eq!(status(&slow).0, Rpc::DeadlineExceeded as i32, "{slow:?}");
    let get = begun(address, "GET", &[], endless(vec![0; 3])).await;
    assert_eq!(status(&get).0, Rpc::Internal as i32, "{get:?}");
    let foreign = begun(address, "POST", &[("origin", "http://evil.example")], endless(Vec::new())).await;
    assert_eq!(status(&foreign).0, Rpc::PermissionDenied as i32, "{foreign:?}");
    assert_eq!((collector.counters().refused_requests, collector.counters().busy_requests), (3, 0));

    // Four buffers of 16 KiB are there at once, and no fifth one.
    let collector = start(|config| config.max_request_bytes = 20_000);
    let address = collector.grpc_address().unwrap();
    let held: Vec<_> =
        (0..4).map(|_| tokio::spawn(begun(address, "POST", &[], endless(vec![0; 100])))).collect();
    let busy = crate::support::until("a refusal for want of memory", || async {
        let call = [("content-type", "application/grpc")];
        let reply = call_traces(address, &call).await;
        (status(&reply).0 != 0).then_some(reply)
    })
    .await;
    assert_eq!(status(&busy).0, Rpc::Unavailable as i32, "{busy:?}");
    assert!(collector.counters().busy_requests >= 1);
    held.iter().for_each(|call| call.abort());
}

/// `google.rpc.Status` beside the code.
fn details(reply: &Reply) -> super::http::Rpc {
    use base64::{Engine, engine::general_purpose::STANDARD_NO_PAD};
    let details = STANDARD_NO_PAD.decode(reply.header("grpc-status-details-bin").unwrap()).unwrap();
    super::http::Rpc::decode(&details[..]).unwrap()
}

// O-054, O-055: what may come again says when, what may not does not, and bad data says what is bad.
#[tokio::test]
async fn details_tell_what_to_do_about_a_refusal() {
    let collector = start(|config| (config.max_request_bytes, config.receive.max_requests) = (100, 1));
    let address = collector.grpc_address().unwrap();
    let call = async |body: &[u8]| {
        call(address, Signal::Traces.grpc_path(), &[("content-type", "application/grpc")], body).await
    };
    let large = call(&framed(0, &[0; 101])).await;
    assert_eq!((status(&large).0, large.header("grpc-status-details-bin")), (8, None));
    let bad = details(&call(&framed(0, b"bad")).await);
    let [detail] = &bad.details[..] else { panic!("{bad:?}") };
    assert_eq!((bad.code, detail.type_url.as_str()), (3, "type.googleapis.com/google.rpc.BadRequest"));
    assert!(
        super::http::BadRequest::decode(&detail.value[..]).unwrap().field_violations[0]
            .description
            .contains("traces")
    );

    // It comes again should it be the one that is refused.
    let slow = tokio::spawn(async move {
        loop {
            begun(address, "POST", &[], endless(vec![0; 3])).await;
        }
    });
    let busy = crate::support::until("a refusal", || async {
        let reply = call(&framed(0, b"")).await;
        (status(&reply).0 != 0).then_some(reply)
    })
    .await;
    let busy = details(&busy);
    let [detail] = &busy.details[..] else { panic!("{busy:?}") };
    assert_eq!((busy.code, detail.type_url.as_str()), (14, "type.googleapis.com/google.rpc.RetryInfo"));
    assert_eq!(detail.value, [0x0a, 2, 8, 1]); // one second
    slow.abort();
}

// O-056
#[tokio::test]
async fn an_answer_is_short_however_much_is_wrong_with_a_request() {
    let collector = start(|_| ());
    let spans = (0..20_000).map(|_| Span { name: "no ids".into(), ..Span::default() }).collect();
    let mut client = TraceServiceClient::new(channel(collector.grpc_address().unwrap()).await);
    let answer = client.export(traces("a", spans)).await.unwrap().into_inner();
    assert_eq!(answer.partial_success.as_ref().unwrap().rejected_spans, 20_000);
    assert!(answer.encoded_len() < 200);
}

async fn call_traces(address: SocketAddr, headers: &[(&str, &str)]) -> Reply {
    call(address, Signal::Traces.grpc_path(), headers, &framed(0, b"")).await
}

// O-057
#[tokio::test]
async fn many_calls_go_over_one_connection_at_a_time() {
    let collector = start(|_| ());
    let client = TraceServiceClient::new(channel(collector.grpc_address().unwrap()).await);
    let calls: Vec<_> = (0..300)
        .map(|_| {
            let mut client = client.clone();
            tokio::spawn(async move { client.export(traces("a", vec![span(1, 0, "x")])).await })
        })
        .collect();
    for call in calls {
        call.await.unwrap().unwrap();
    }
    assert_eq!(collector.counters().spans, 300);
    assert_eq!(collector.trace(TRACE_TEXT).unwrap().spans.len(), 1);
}

// O-008, O-060, O-072: a mixed-up port is no fault.
#[tokio::test]
async fn both_ports_take_both_protocols() {
    let collector = start(|_| ());
    let (grpc, http) = (collector.grpc_address().unwrap(), collector.http_address().unwrap());
    let request = traces("a", vec![span(1, 0, "x")]);
    TraceServiceClient::new(channel(http).await).export(request.clone()).await.unwrap();
    let kind = [("content-type", PROTOBUF)];
    let body = request.encode_to_vec();
    assert_eq!(send(grpc, "POST", "/v1/traces", &kind, &body).await.status, StatusCode::OK);
    assert_eq!(call(http, "/v1/traces", &kind, &body).await.status, StatusCode::OK);
    assert_eq!(collector.counters().spans, 3);
}
