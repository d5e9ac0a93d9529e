//! OTLP over HTTP, seen by a client that trusts nothing.

use super::*;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceResponse;
use prost::Message;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// `google.rpc.Status`, as its own specification has it.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Rpc {
    #[prost(int32, tag = "1")]
    pub(super) code: i32,
    #[prost(string, tag = "2")]
    pub(super) message: String,
}

pub(super) fn fault(reply: &Reply) -> Rpc {
    assert_eq!(reply.header("content-type"), Some(PROTOBUF));
    Rpc::decode(reply.body.clone()).unwrap()
}

// O-060, O-061
#[tokio::test]
async fn each_signal_is_taken_and_answered_with_no_byte() {
    let collector = start(|_| ());
    let requests = [
        ("/v1/traces", traces("a", vec![span(1, 0, "x"), span(2, 1, "y")]).encode_to_vec()),
        ("/v1/metrics", metrics("a").encode_to_vec()),
        ("/v1/logs", logs("a", vec![log(1, "l")]).encode_to_vec()),
    ];
    for (path, body) in requests {
        let reply = post(&collector, path, &body).await;
        assert_eq!((reply.status, reply.body.len()), (StatusCode::OK, 0), "{path}");
        assert_eq!(reply.header("content-type"), Some(PROTOBUF));
        assert_eq!(reply.header("content-length"), Some("0"));
    }
    let counters = collector.counters();
    assert_eq!((counters.requests, counters.refused_requests, counters.rejected_items), (3, 0, 0));
    assert_eq!((counters.spans, counters.data_points, counters.log_records), (2, 3, 1));
}

// O-052
#[tokio::test]
async fn an_empty_request_is_a_success() {
    let collector = start(|_| ());
    for path in ["/v1/traces", "/v1/metrics", "/v1/logs"] {
        let reply = post(&collector, path, b"").await;
        assert_eq!((reply.status, reply.body.len()), (StatusCode::OK, 0));
    }
    assert_eq!((collector.counters().requests, collector.counters().stored_bytes), (3, 0));
}

// O-063, O-068
#[tokio::test]
async fn the_content_type_may_have_parameters_and_capitals_and_the_body_gzip_or_identity() {
    let collector = start(|_| ());
    let address = collector.http_address().unwrap();
    let plain = traces("a", vec![span(1, 0, "x")]).encode_to_vec();
    let zipped = gzip(&plain);
    for (kind, encoding, body) in [
        ("application/x-protobuf; charset=utf-8", "identity", &plain),
        ("Application/X-Protobuf ;v=1", "gzip", &zipped),
        (PROTOBUF, "GZIP", &zipped),
    ] {
        let headers = [("content-type", kind), ("content-encoding", encoding)];
        let reply = send(address, "POST", "/v1/traces", &headers, body).await;
        assert_eq!((reply.status, reply.body.len()), (StatusCode::OK, 0), "{kind} {encoding}");
    }
    assert_eq!(collector.counters().spans, 3);
}

// O-063
#[tokio::test]
async fn other_content_types_and_encodings_get_415() {
    let collector = start(|_| ());
    let address = collector.http_address().unwrap();
    let body = traces("a", vec![span(1, 0, "x")]).encode_to_vec();
    for kind in ["text/plain", "application/protobuf", "application/grpc-web+proto", "", "application/json"] {
        let reply = send(address, "POST", "/v1/traces", &[("content-type", kind)], &body).await;
        assert_eq!(reply.status, StatusCode::UNSUPPORTED_MEDIA_TYPE, "{kind}");
        assert!(reply.text().contains("application/x-protobuf"));
    }
    let reply = send(address, "POST", "/v1/traces", &[], &body).await;
    assert_eq!(reply.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    let headers = [("content-type", PROTOBUF), ("content-encoding", "zstd")];
    let reply = send(address, "POST", "/v1/traces", &headers, &body).await;
    assert_eq!(reply.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    assert!(fault(&reply).message.contains("gzip"));
    assert_eq!(collector.counters().spans, 0);
}

// O-062, O-067
#[tokio::test]
async fn other_methods_get_405_and_other_paths_404() {
    let collector = start(|_| ());
    let address = collector.http_address().unwrap();
    for method in ["GET", "PUT", "DELETE", "OPTIONS", "HEAD"] {
        let reply = send(address, method, "/v1/logs", &[("content-type", PROTOBUF)], b"").await;
        assert_eq!(
            (reply.status, reply.header("allow")),
            (StatusCode::METHOD_NOT_ALLOWED, Some("POST")),
            "{method}"
        );
    }
    for path in ["/", "/v1/trace", "/v1/traces/", "//v1/traces", "/v1development/profiles"] {
        assert_eq!(post(&collector, path, b"").await.status, StatusCode::NOT_FOUND, "{path}");
    }
}

// O-064
#[tokio::test]
async fn an_undecodable_body_gets_400_with_a_status() {
    let collector = start(|_| ());
    let mut cut = traces("a", vec![span(1, 0, "x")]).encode_to_vec();
    cut.pop();
    let metrics = metrics("a").encode_to_vec();
    for body in [&b"hello"[..], &cut, b"\xff\xff\xff\xff", &metrics] {
        let reply = post(&collector, "/v1/traces", body).await;
        assert_eq!(reply.status, StatusCode::BAD_REQUEST, "{body:02x?}");
        let fault = fault(&reply);
        assert_eq!(fault.code, 3);
        assert!(fault.message.contains("traces"), "{}", fault.message);
    }
    let counters = collector.counters();
    assert_eq!((counters.refused_requests, counters.requests, counters.stored_bytes), (4, 0, 0));
}

// O-065
#[tokio::test]
async fn broken_gzip_gets_400() {
    let collector = start(|_| ());
    let address = collector.http_address().unwrap();
    let zipped = gzip(&traces("a", vec![span(1, 0, "x")]).encode_to_vec());
    let headers = [("content-type", PROTOBUF), ("content-encoding", "gzip")];
    for body in [&zipped[..zipped.len() - 3], &zipped[..zipped.len() / 2], &b"not gzip"[..]] {
        let reply = send(address, "POST", "/v1/traces", &headers, body).await;
        assert_eq!((reply.status, fault(&reply).code), (StatusCode::BAD_REQUEST, 3));
    }
    assert_eq!(collector.counters().spans, 0);
}

// O-053
#[tokio::test]
async fn spans_with_invalid_ids_are_rejected_one_by_one() {
    let collector = start(|_| ());
    let with = |change: fn(&mut Span)| {
        let mut span = span(9, 0, "bad");
        change(&mut span);
        span
    };
    let spans = vec![
        span(1, 0, "good"),
        with(|span| span.trace_id = vec![1; 8]),
        with(|span| span.trace_id = Vec::new()),
        with(|span| span.trace_id = vec![0; 16]),
        with(|span| span.span_id = vec![1; 7]),
        with(|span| span.span_id = vec![0; 8]),
        with(|span| span.parent_span_id = vec![1; 16]),
    ];
    let reply = post(&collector, "/v1/traces", &traces("a", spans).encode_to_vec()).await;
    assert_eq!(reply.status, StatusCode::OK);
    let partial = ExportTraceServiceResponse::decode(reply.body).unwrap().partial_success.unwrap();
    assert_eq!(partial.rejected_spans, 6);
    assert_eq!(partial.error_message, "spans rejected: 6; a trace id is not 16 bytes long");
    let counters = collector.counters();
    assert_eq!((counters.spans, counters.rejected_items, counters.stored_traces), (1, 6, 1));
    assert_eq!(collector.trace(TRACE_TEXT).unwrap().spans.len(), 1);
}

// O-072
#[tokio::test]
async fn requests_follow_each_other_on_one_connection_even_before_the_answers() {
    let collector = start(|_| ());
    let mut stream = TcpStream::connect(collector.http_address().unwrap()).await.unwrap();
    let body = traces("a", vec![span(1, 0, "x")]).encode_to_vec();
    let head = format!(
        "POST /v1/traces HTTP/1.1\r\nhost: a\r\ncontent-type: {PROTOBUF}\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    let request = [head.as_bytes(), &body].concat();
    stream.write_all(&request.repeat(20)).await.unwrap();
    let (mut answers, mut piece) = (String::new(), [0; 4096]);
    while answers.matches("HTTP/1.1 200 OK").count() < 20 {
        let count = stream.read(&mut piece).await.unwrap();
        assert!(count > 0, "{answers}");
        answers.push_str(std::str::from_utf8(&piece[..count]).unwrap());
    }
    assert_eq!(collector.counters().spans, 20);
}
