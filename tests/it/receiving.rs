//! The receiver of `throughline::testing` judges to the letter and fails as it is told.

use crate::support::{
    PATIENCE,
    gateway::{Authority, Directory},
    receiver::Receiver,
    sending::{failure, sender, span},
};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper_util::{client::legacy::Client, rt::TokioExecutor};
use opentelemetry_proto::tonic::{
    collector::trace::v1::{
        ExportTraceServiceRequest, ExportTraceServiceResponse, trace_service_client::TraceServiceClient,
    },
    trace::v1::{ResourceSpans, ScopeSpans, Span},
};
use prost::Message;
use std::{io::Write, time::Duration};
use throughline::{
    sender::{Protocol, Remote, Signal, Tls},
    testing::{Fault, RetryAfter},
};

const PROTOBUF: (&str, &str) = ("content-type", "application/x-protobuf");
const JSON: (&str, &str) = ("content-type", "application/json");
const GZIP: (&str, &str) = ("content-encoding", "gzip");

/// Status, method, path, headers, body, and what is complained of.
type Case<'a> = (u16, &'a str, &'a str, &'a [(&'a str, &'a str)], Vec<u8>, &'a str);

fn spans(ids: &[u8]) -> ExportTraceServiceRequest {
    let span = |id: &u8| Span { trace_id: vec![1; 16], span_id: vec![*id; 8], ..Span::default() };
    let scope_spans = vec![ScopeSpans { spans: ids.iter().map(span).collect(), ..ScopeSpans::default() }];
    ExportTraceServiceRequest {
        resource_spans: vec![ResourceSpans { scope_spans, ..ResourceSpans::default() }],
    }
}

fn gzip(body: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(body).unwrap();
    encoder.finish().unwrap()
}

async fn send(
    receiver: &Receiver,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: Vec<u8>,
) -> Result<(http::response::Parts, Bytes), String> {
    let mut request = http::Request::builder().method(method);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.uri(format!("{}{path}", receiver.http_endpoint()));
    let client = Client::builder(TokioExecutor::new()).build_http();
    let request = request.body(Full::new(Bytes::from(body))).unwrap();
    let (head, body) = client.request(request).await.map_err(|error| error.to_string())?.into_parts();
    Ok((head, body.collect().await.map_err(|error| error.to_string())?.to_bytes()))
}

// O-040, O-060 to O-065, O-067, O-038
#[tokio::test]
async fn what_is_not_to_the_letter_is_refused_and_told() {
    let receiver = Receiver::setup().basic("user", "pass").bearer("hush").start();
    let body = spans(&[1, 2]).encode_to_vec();
    let (user, token) = (("authorization", "Basic dXNlcjpwYXNz"), ("authorization", "Bearer hush"));
    let path = "/v1/traces";
    let parameter = ("content-type", "application/json; charset=utf-8");
    let nothing =
        ExportTraceServiceRequest { resource_spans: vec![ResourceSpans::default()] }.encode_to_vec();
    let cases: [Case; 14] = [
        (200, "POST", path, &[user, PROTOBUF], body.clone(), ""),
        (200, "POST", path, &[token, PROTOBUF, GZIP], gzip(&body), ""),
        (401, "POST", path, &[PROTOBUF], body.clone(), "the credentials are missing or wrong"),
        (404, "POST", "/v1/trace", &[user, PROTOBUF], body.clone(), "nothing is at \"/v1/trace\""),
        (404, "POST", "/v1/traces/", &[user, PROTOBUF], body.clone(), "nothing is at \"/v1/traces/\""),
        (405, "PUT", path, &[user, PROTOBUF], body.clone(), "PUT instead of POST"),
        (415, "POST", path, &[user], body.clone(), "content-type missing"),
        (415, "POST", path, &[user, parameter], body.clone(), "content-type application/json; charset=utf-8"),
        (400, "POST", path, &[user, PROTOBUF, GZIP], body.clone(), "not what its compression says"),
        (400, "POST", path, &[user, PROTOBUF], gzip(&body), "the body is no protobuf of traces"),
        (
            400,
            "POST",
            path,
            &[user, PROTOBUF, ("content-encoding", "br")],
            body.clone(),
            "\"br\" is not known",
        ),
        (400, "POST", path, &[user, JSON], body.clone(), "the body is no JSON of traces"),
        (400, "POST", path, &[user, PROTOBUF], nothing, "no spans at all"),
        (200, "POST", path, &[user, PROTOBUF], vec![], ""),
    ];
    let mut told = 0;
    for (status, method, path, headers, body, words) in cases {
        let (head, _) = send(&receiver, method, path, headers, body).await.unwrap();
        let complaints = receiver.complaints();
        assert_eq!(head.status, status, "{words}");
        told += usize::from(!words.is_empty());
        assert_eq!(complaints.len(), told, "{complaints:?}");
        assert!(words.is_empty() || complaints[told - 1].contains(words), "{complaints:?}");
    }
    assert_eq!((receiver.items(Signal::Traces), receiver.repeated_spans()), (4, 2));
    let arrived = receiver.requests();
    let compressions: Vec<_> = arrived.iter().map(|arrival| arrival.compression.as_deref()).take(3).collect();
    assert_eq!(compressions, [None, Some("gzip"), None]);
    assert_eq!(arrived.iter().map(|arrival| arrival.taken).collect::<Vec<_>>()[..3], [2, 2, 0]);
}

// O-061, O-081: in the words of the request
#[tokio::test]
async fn json_is_taken_and_answered_as_json() {
    let receiver = Receiver::start();
    let body = br#"{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"4bf92f3577b34da6a3ce929d0e0e4736","spanId":"00f067aa0ba902b7","name":"work"}]}]}]}"#;
    let mut answers = Vec::new();
    receiver.then(Fault::Partial { rejected: 1, message: "too old".into() }).then(Fault::Status(400));
    for _ in 0..3 {
        let (head, answer) = send(&receiver, "POST", "/v1/traces", &[JSON], body.to_vec()).await.unwrap();
        assert_eq!(head.headers["content-type"], "application/json");
        answers.push((head.status.as_u16(), serde_json::from_slice::<serde_json::Value>(&answer).unwrap()));
    }
    let partial = serde_json::json!({"partialSuccess": {"rejectedSpans": "1", "errorMessage": "too old"}});
    let told = serde_json::json!({"code": 2, "message": "told to"});
    assert_eq!(answers, [(200, partial), (400, told), (200, serde_json::json!({}))]);
    let taken = receiver
        .bodies(Signal::Traces)
        .into_iter()
        .map(|body| ExportTraceServiceRequest::decode(body).unwrap());
    let names: Vec<_> = taken
        .map(|request| request.resource_spans[0].scope_spans[0].spans.first().map(|span| span.name.clone()))
        .collect();
    assert_eq!(names, [None, Some("work".into())]);
    assert_eq!(receiver.complaints(), [""; 0]);
}

#[tokio::test]
async fn each_fault_is_what_it_says_over_http() {
    let receiver = Receiver::start();
    let body = || spans(&[1, 2, 3]).encode_to_vec();
    let ask = || send(&receiver, "POST", "/v1/traces", &[PROTOBUF], body());
    let status = async |fault: Fault| {
        receiver.then(fault);
        let (head, body) = ask().await.unwrap();
        let header =
            |name| head.headers.get(name).map(|value: &http::HeaderValue| value.to_str().unwrap().to_owned());
        (head.status.as_u16(), header("retry-after"), header("content-type"), body.len())
    };
    let protobuf = || Some("application/x-protobuf".to_owned());
    assert_eq!(
        status(Fault::Later(503, RetryAfter::Seconds(7))).await,
        (503, Some("7".into()), protobuf(), 11)
    );
    let (_, date, ..) = status(Fault::Later(429, RetryAfter::Date(Duration::from_secs(60)))).await;
    assert!(date.as_ref().is_some_and(|date| date.ends_with(" GMT")), "{date:?}");
    let half = Duration::from_millis(1500);
    assert_eq!(status(Fault::CodeLater(14, half)).await, (503, Some("2".into()), protobuf(), 67));
    assert_eq!(status(Fault::Code(16)).await, (401, None, protobuf(), 11));
    assert_eq!(receiver.items(Signal::Traces), 0);

    assert_eq!(status(Fault::Garbage).await, (200, None, protobuf(), 8));
    assert_eq!(status(Fault::WrongType).await, (200, None, Some("text/html".into()), 29));
    assert_eq!(status(Fault::Empty).await, (200, None, None, 0));
    assert_eq!(status(Fault::NoContent).await, (204, None, None, 0));
    assert_eq!(status(Fault::Slow(Duration::from_millis(1))).await, (200, None, protobuf(), 32));
    assert_eq!(status(Fault::Oversized(5 << 20)).await, (200, None, protobuf(), 5 << 20));
    assert_eq!(receiver.items(Signal::Traces), 6 * 3);
    for whole in [Fault::Slow(Duration::ZERO), Fault::Oversized(1000)] {
        receiver.then(whole);
        let (_, body) = ask().await.unwrap();
        assert_eq!(ExportTraceServiceResponse::decode(body), Ok(ExportTraceServiceResponse::default()));
    }

    for (fault, taken) in [(Fault::CloseUnread, 0), (Fault::LostAnswer, 3), (Fault::TornAnswer, 3)] {
        let before = receiver.items(Signal::Traces);
        receiver.then(fault.clone());
        assert!(ask().await.is_err(), "{fault:?}");
        assert_eq!(receiver.items(Signal::Traces) - before, taken, "{fault:?}");
    }
    assert_eq!(receiver.complaints(), [""; 0]);
}

#[tokio::test]
async fn what_hangs_is_answered_when_it_is_released_and_what_was_given_up_is_not_taken() {
    let receiver = Receiver::start();
    receiver.script(Signal::Traces, None, Fault::Hang);
    let ask = |id| send(&receiver, "POST", "/v1/traces", &[PROTOBUF], spans(&[id]).encode_to_vec());
    assert!(tokio::time::timeout(Duration::from_millis(100), ask(1)).await.is_err());
    let (answer, ()) = tokio::join!(ask(2), async {
        assert!(
            receiver
                .until(|receiver| receiver.requests().iter().filter(|of| of.items > 0).count() == 2)
                .await
        );
        receiver.release();
    });
    assert_eq!(answer.unwrap().0.status, 200);
    assert_eq!((receiver.items(Signal::Traces), receiver.requests().len()), (1, 2));
}

#[tokio::test]
async fn a_receiver_that_refuses_keeps_its_ports_and_comes_back() {
    let receiver = Receiver::start();
    let ask = || send(&receiver, "POST", "/v1/traces", &[PROTOBUF], spans(&[1]).encode_to_vec());
    assert!(ask().await.is_ok());
    for _ in 0..3 {
        receiver.refuse();
        for address in [receiver.http_address(), receiver.grpc_address()] {
            let refused = tokio::net::TcpStream::connect(address).await.unwrap_err();
            assert_eq!(refused.kind(), std::io::ErrorKind::ConnectionRefused);
        }
        receiver.recover();
        assert!(ask().await.is_ok());
    }
    assert_eq!((receiver.connections(), receiver.complaints().len()), (4, 0));
}

/// Judged by a gRPC library that is not ours.
#[tokio::test]
async fn tonic_reads_every_answer_over_grpc() {
    let receiver = Receiver::start();
    let connect = || TraceServiceClient::connect(receiver.grpc_endpoint());
    let mut client = connect().await.unwrap().send_compressed(tonic::codec::CompressionEncoding::Gzip);
    assert_eq!(client.export(spans(&[1])).await.unwrap().into_inner(), ExportTraceServiceResponse::default());
    assert_eq!(receiver.requests()[0].compression.as_deref(), Some("gzip"));
    for fault in [Fault::Slow(Duration::from_millis(1)), Fault::Oversized(100_000)] {
        receiver.then(fault);
        let answer = client.export(spans(&[1])).await.unwrap();
        assert_eq!(answer.into_inner(), ExportTraceServiceResponse::default());
    }
    receiver.then(Fault::Partial { rejected: 1, message: "too old".into() });
    let partial = client.export(spans(&[1, 2])).await.unwrap().into_inner().partial_success.unwrap();
    assert_eq!((partial.rejected_spans, partial.error_message.as_str()), (1, "too old"));
    assert_eq!((receiver.items(Signal::Traces), receiver.repeated_spans()), (4, 2));

    receiver.then(Fault::CodeLater(8, Duration::from_millis(1500)));
    let refused = client.export(spans(&[1])).await.unwrap_err();
    assert_eq!((refused.code(), refused.message()), (tonic::Code::ResourceExhausted, "told to"));
    let retry_info = b"\x08\x08\x12\x07told to\x1a\x36\x0a\x28type.googleapis.com/google.rpc.RetryInfo\x12\x0a\x0a\x08\x08\x01\x10\x80\xca\xb5\xee\x01";
    assert_eq!(refused.details(), &retry_info[..]);
    for (fault, code) in [
        (Fault::Code(3), tonic::Code::InvalidArgument),
        (Fault::Status(503), tonic::Code::Unavailable),
        (Fault::Garbage, tonic::Code::Internal),
    ] {
        receiver.then(fault.clone());
        assert_eq!(client.export(spans(&[1])).await.unwrap_err().code(), code, "{fault:?}");
    }
    for fault in [Fault::LostAnswer, Fault::TornAnswer, Fault::CloseUnread, Fault::Empty, Fault::WrongType] {
        let mut client = connect().await.unwrap();
        receiver.script(Signal::Traces, 1, fault.clone());
        assert!(client.export(spans(&[1])).await.is_err(), "{fault:?}");
    }
    assert_eq!(receiver.items(Signal::Traces), 4 + 1 + 2);
    assert_eq!(receiver.complaints(), [""; 0]);
}

// O-015: for both protocols, told apart by ALPN.
#[tokio::test]
async fn with_tls_only_clients_of_the_authority_are_let_in() {
    let (directory, authority, of_clients) =
        (Directory::new(), Authority::new(), Authority::named("clients"));
    let (server, client) = (authority.identity("localhost"), of_clients.identity("client"));
    let setup = Receiver::setup().tls(&server.certificate, &server.key).client_authority(&of_clients.pem());
    let receiver = setup.start();
    let certificate = Some(directory.write("authority.pem", authority.pem()));
    let stranger = Tls { certificate, ..Tls::default() };
    let known = Tls {
        client_certificate: Some(directory.write("client.pem", &client.certificate)),
        client_key: Some(directory.write("client.key", &client.key)),
        ..stranger.clone()
    };
    for (protocol, endpoint) in
        [(Protocol::HttpProtobuf, receiver.http_endpoint()), (Protocol::Grpc, receiver.grpc_endpoint())]
    {
        let mut remote = Remote::new(protocol, format!("{endpoint}/v1/traces").parse().unwrap());
        remote.tls = known.clone();
        let sender = sender(remote.clone());
        sender.send(span("known"));
        sender.flush(PATIENCE).await.unwrap();
        remote.tls = stranger.clone();
        let sender = crate::support::sending::sender(remote);
        sender.send(span("stranger"));
        failure(&sender).await;
    }
    let names = receiver.recorded().spans.iter().map(|span| span.name.clone()).collect::<Vec<_>>();
    assert_eq!(names, ["known", "known"]);
    // Who is turned away may know it before the receiver says it.
    assert!(receiver.until(|receiver| receiver.complaints().len() >= 2).await);
    let complaints = receiver.complaints();
    assert!(complaints.iter().all(|words| words.contains("a TLS handshake failed")), "{complaints:#?}");
}
