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
    #[prost(message, repeated, tag = "3")]
    pub(super) details: Vec<Detail>,
}

/// `google.protobuf.Any`.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Detail {
    #[prost(string, tag = "1")]
    pub(super) type_url: String,
    #[prost(bytes = "vec", tag = "2")]
    pub(super) value: Vec<u8>,
}

/// `google.rpc.BadRequest`.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct BadRequest {
    #[prost(message, repeated, tag = "1")]
    pub(super) field_violations: Vec<FieldViolation>,
}

/// `google.rpc.BadRequest.FieldViolation`.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct FieldViolation {
    #[prost(string, tag = "1")]
    pub(super) field: String,
    #[prost(string, tag = "2")]
    pub(super) description: String,
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
    for kind in ["text/plain", "application/protobuf", "application/grpc-web+proto", "", "application/jsonl"]
    {
        let reply = send(address, "POST", "/v1/traces", &[("content-type", kind)], &body).await;
        assert_eq!(reply.status, StatusCode::UNSUPPORTED_MEDIA_TYPE, "{kind}");
        assert_eq!(reply.text(), "send application/x-protobuf or application/json\n");
    }
    let reply = send(address, "POST", "/v1/traces", &[], &body).await;
    assert_eq!(reply.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    for encodings in [&["br"][..], &["gzip, gzip"], &["gzip", "gzip"], &["zstd2"]] {
        let mut headers = vec![("content-type", PROTOBUF)];
        headers.extend(encodings.iter().map(|encoding| ("content-encoding", *encoding)));
        let reply = send(address, "POST", "/v1/traces", &headers, &body).await;
        assert_eq!((reply.status, fault(&reply).code), (StatusCode::UNSUPPORTED_MEDIA_TYPE, 12));
        assert_eq!(reply.header("accept-encoding"), Some("identity, gzip, deflate, zstd"));
    }
    assert_eq!((collector.counters().spans, collector.counters().refused_requests), (0, 10));
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
    assert_eq!(collector.counters().refused_requests, 10);
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
        assert_eq!(fault.details.len(), 1);
        assert_eq!(fault.details[0].type_url, "type.googleapis.com/google.rpc.BadRequest");
        let violations = BadRequest::decode(&fault.details[0].value[..]).unwrap().field_violations;
        let expected = FieldViolation { field: "body".to_owned(), description: fault.message };
        assert_eq!(violations, [expected]);
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
        "POST /v1/traces HTTP/1.1\r\nhost: localhost\r\ncontent-type: {PROTOBUF}\r\ncontent-length: {}\r\n\r\n",
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

/// Everything until the other side closes; every byte of the request can be written.
async fn exchange(address: SocketAddr, head: &str, body: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(body).await.unwrap();
    let mut answer = Vec::new();
    let read = tokio::time::timeout(Duration::from_secs(20), stream.read_to_end(&mut answer));
    read.await.expect("the collector closes the connection").unwrap();
    String::from_utf8(answer).unwrap()
}

// O-071: whatever the reason, a client that still writes reads its answer instead of a broken connection.
#[tokio::test]
async fn answers_before_the_body_is_read_reach_a_client_that_still_writes() {
    let collector = start(|_| ());
    let address = collector.http_address().unwrap();
    let body = vec![b' '; 8 << 20];
    let length = body.len();
    let mut refused = 0;
    for (line, headers, status) in [
        ("POST /v1/traces", "content-type: text/plain", "415"),
        ("POST /v1/traces", "content-type: application/x-protobuf\r\ncontent-encoding: br", "415"),
        ("PUT /v1/traces", "content-type: application/x-protobuf", "405"),
        ("POST /v1/elsewhere", "content-type: application/x-protobuf", "404"),
        ("POST /v1/traces", "content-type: application/x-protobuf\r\norigin: http://evil.example", "403"),
    ] {
        let head = format!(
            "{line} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n{headers}\r\ncontent-length: {length}\r\n\r\n"
        );
        let answer = exchange(address, &head, &body).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{line} {headers}: {answer}");
        refused += 1;
        assert_eq!(collector.counters().refused_requests, refused);
    }
}

// O-071: a client that asks before it sends is answered at once, and not told to go on.
#[tokio::test]
async fn a_client_that_waits_for_leave_to_send_is_told_to_go_on_only_when_its_body_is_wanted() {
    let collector = start(|_| ());
    let address = collector.http_address().unwrap();
    let head = |headers: &str| {
        format!(
            "POST /v1/traces HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\nexpect: 100-continue\r\n{headers}\r\n\r\n"
        )
    };
    for (headers, status) in [
        ("content-type: text/plain\r\ncontent-length: 9", "415"),
        ("content-type: application/x-protobuf\r\ncontent-length: 999999999", "413"),
    ] {
        let answer = exchange(address, &head(headers), b"").await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{answer}");
    }
    let wanted = head("content-type: application/x-protobuf\r\ncontent-length: 0");
    assert!(exchange(address, &wanted, b"").await.contains("HTTP/1.1 200 OK"));
}

// O-069
#[tokio::test]
async fn pages_of_other_sites_cannot_send() {
    let collector = start(|_| ());
    let (http, grpc) = (collector.http_address().unwrap(), collector.grpc_address().unwrap());
    let kind = ("content-type", PROTOBUF);
    let body = traces("a", vec![span(1, 0, "x")]).encode_to_vec();
    for (name, value) in [
        ("origin", "http://evil.example"),
        ("origin", "null"),
        ("host", "evil.example"),
        ("host", "localhost.evil.example:4318"),
    ] {
        for address in [http, grpc] {
            let reply = send(address, "POST", "/v1/traces", &[kind, (name, value)], &body).await;
            assert_eq!((reply.status, fault(&reply).code), (StatusCode::FORBIDDEN, 7), "{name}: {value}");
        }
    }
    assert_eq!((collector.counters().spans, collector.counters().refused_requests), (0, 8));
    for (name, value) in [("origin", "http://localhost:3000"), ("host", "localhost"), ("host", "[::1]:1")] {
        let reply = send(http, "POST", "/v1/traces", &[kind, (name, value)], &body).await;
        assert_eq!(reply.status, StatusCode::OK, "{name}: {value}");
    }
}

// In protobuf, a message that stands twice where one belongs is one message.
#[tokio::test]
async fn a_resource_and_a_scope_in_pieces_are_put_together() {
    let collector = start(|_| ());
    let mut other = traces("b", Vec::new());
    let resource = other.resource_spans[0].resource.as_mut().unwrap();
    resource.attributes = vec![text("host.name", "h")];
    other.resource_spans[0].scope_spans.clear();
    let first = traces("a", vec![span(1, 0, "x")]).resource_spans[0].encode_to_vec();
    let merged = [first, other.resource_spans[0].encode_to_vec()].concat();
    let request = ExportTraceServiceRequest { resource_spans: Vec::new() };
    let mut body = request.encode_to_vec();
    prost::encoding::encode_key(1, prost::encoding::WireType::LengthDelimited, &mut body);
    prost::encoding::encode_varint(merged.len() as u64, &mut body);
    body.extend_from_slice(&merged);
    let official = ExportTraceServiceRequest::decode(&body[..]).unwrap();
    assert_eq!(official.resource_spans[0].resource.as_ref().unwrap().attributes.len(), 2);
    assert_eq!(post(&collector, "/v1/traces", &body).await.status, StatusCode::OK);
    let trace = collector.trace(TRACE_TEXT).unwrap();
    assert_eq!(trace.spans[0].service, "a");
    assert_eq!(trace.resources[0].get("host.name").unwrap().to_string(), "h");
    assert_eq!(trace.spans[0].scope, "tests");
}
