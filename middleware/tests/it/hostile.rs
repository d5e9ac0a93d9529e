//! Whatever callers send, nothing panics, nothing grows with what they choose, and no long text of theirs is kept.

use std::{
    collections::BTreeSet,
    net::SocketAddr,
    sync::atomic::{AtomicUsize, Ordering},
};

use axum::{
    Router,
    body::Body,
    routing::{any, get},
};
use bytes::Bytes;
use http::{Request, Version};
use http_body_util::{BodyExt, Empty};
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use opentelemetry::{Array, Value};
use throughline_middleware::options::{CapturedHeaders, ProxyHeaders, ServerOptions, TrustedProxies};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use tower::{Layer, ServiceExt};

use crate::support::{Attributes, Random, Telemetry, ask, attributes, expected, get_request, serve};

/// Sends requests over one connection, which the last of them closes.
async fn ask_all(address: SocketAddr, requests: impl Iterator<Item = String> + Send + 'static) -> String {
    let stream = TcpStream::connect(address).await.unwrap();
    let (mut reader, mut writer) = stream.into_split();
    let writing = tokio::spawn(async move {
        for request in requests {
            writer.write_all(request.as_bytes()).await.unwrap();
        }
        writer
    });
    let mut answers = Vec::new();
    reader.read_to_end(&mut answers).await.unwrap();
    drop(writing.await.unwrap());
    String::from_utf8(answers).unwrap()
}

/// All options that make a layer read what callers send.
fn curious() -> ServerOptions {
    let mut options = ServerOptions::default();
    options.trusted_proxies = TrustedProxies::everybody();
    options.request_headers = CapturedHeaders::new(["x-any", "host", "referer"]).unwrap();
    options.active_requests = true;
    options.body_sizes = true;
    options.sampled_by_attributes = true;
    options.server_timing = true;
    options
}

/// The attribute sets of all measured requests.
fn series(telemetry: &Telemetry) -> BTreeSet<String> {
    telemetry.requests().iter().map(|(attributes, _)| format!("{attributes:?}")).collect()
}

#[tokio::test]
async fn ten_thousand_paths_are_one_series_and_one_name() {
    // H-002, H-004, H-088
    let telemetry = Telemetry::new();
    let router = Router::new().route("/users/{id}", get(async || "ada")).layer(telemetry.server());
    let address = serve(router).await;
    let mut random = Random(7);
    let paths = (0..10_000).map(move |number| match number {
        9_999 => get_request("/last"),
        _ => format!("GET /{:x}/{:x}?{:x} HTTP/1.1\r\nhost: h\r\n\r\n", random.next(), random.next(), number),
    });
    let answers = ask_all(address, paths).await;
    assert_eq!(answers.matches("HTTP/1.1 404").count(), 10_000);
    assert_eq!(
        telemetry.requests(),
        [(
            expected([
                ("http.request.method", "GET".into()),
                ("url.scheme", "http".into()),
                ("network.protocol.version", "1.1".into()),
                ("http.response.status_code", 404.into()),
            ]),
            10_000
        )]
    );
    let names = telemetry.ended().into_iter().map(|span| span.name).collect::<BTreeSet<_>>();
    assert_eq!(Vec::from_iter(names), ["GET"]);
}

#[tokio::test]
async fn a_thousand_methods_and_hosts_are_one_series_and_one_name() {
    // H-003, H-021, H-024, H-084, H-085, H-088
    let telemetry = Telemetry::new();
    let router = Router::new().route("/{any}", any(async || "any"));
    let address = serve(router.layer(telemetry.server().with_options(curious()))).await;
    let mut random = Random(11);
    let requests = (0..1_000).map(move |number| {
        let (method, host) = (random.next(), random.next());
        let close = if number == 999 { "connection: close\r\n" } else { "" };
        format!(
            "M{method:x} /{number} HTTP/1.1\r\nhost: {host:x}.example:{}\r\nx-forwarded-host: {host:x}\r\n\
             x-forwarded-proto: {method:x}\r\nx-forwarded-for: {method}\r\nuser-agent: {host:x}\r\n{close}\r\n",
            host % 65_536
        )
    });
    let answers = ask_all(address, requests).await;
    assert_eq!(answers.matches("HTTP/1.1 200").count(), 1_000);
    let begun = expected([("http.request.method", "_OTHER".into()), ("url.scheme", "http".into())]);
    assert_eq!(telemetry.being_served(), [(begun.clone(), 0)]);
    let mut told = begun;
    told.extend(expected([
        ("http.route", "/{any}".into()),
        ("network.protocol.version", "1.1".into()),
        ("http.response.status_code", 200.into()),
    ]));
    assert_eq!(telemetry.requests(), [(told, 1_000)]);
    let names = telemetry.ended().into_iter().map(|span| span.name).collect::<BTreeSet<_>>();
    assert_eq!(Vec::from_iter(names), ["HTTP /{any}"]);
}

#[tokio::test]
async fn a_service_that_answers_every_path_is_not_made_a_service_of_ten_thousand_calls() {
    // H-088, H-100: only an answer in gRPC's own words says that a method exists
    let telemetry = Telemetry::new();
    let address = serve(Router::new().fallback(async || "index").layer(telemetry.server())).await;
    let mut random = Random(13);
    let calls = (0..3_000).map(move |number| {
        let close = if number == 2_999 { "connection: close\r\n" } else { "" };
        let path = random.next();
        format!(
            "POST /{path:x}/{number} HTTP/1.1\r\nhost: h\r\ncontent-type: application/grpc\r\n{close}\r\n"
        )
    });
    let answers = ask_all(address, calls).await;
    assert_eq!(answers.matches("HTTP/1.1 200").count(), 3_000);
    let spans = telemetry.ended();
    let names = spans.iter().map(|span| span.name.to_string()).collect::<BTreeSet<_>>();
    assert_eq!((spans.len(), Vec::from_iter(names)), (3_000, vec![String::from("grpc")]));
    let called = telemetry.durations(
        "rpc.server.call.duration",
        "Measures the duration of an incoming Remote Procedure Call (RPC).",
    );
    assert_eq!(Vec::from_iter(called.iter().map(|series| series.count)), [3_000]);
}

/// Every text of a span.
fn texts(told: &Attributes) -> Vec<&str> {
    let texts = told.values().flat_map(|value| match value {
        Value::String(text) => vec![text.as_str()],
        Value::Array(Array::String(texts)) => texts.iter().map(|text| text.as_str()).collect(),
        _ => Vec::new(),
    });
    texts.collect()
}

#[tokio::test]
async fn long_and_unreadable_values_are_cut_and_every_request_is_served() {
    // H-044, H-064, H-072: 64 KiB of everything, bytes that are no text, chains without end
    let noise = (0x20..=0xff).filter(|byte| *byte != 0x7f).cycle().take(64 * 1024).collect::<Vec<u8>>();
    let chain = b"1.2.3.4,".repeat(8 * 1024);
    let values = [b"a".repeat(64 * 1024), noise, chain, b"\xff".repeat(64 * 1024), Vec::new()];
    for headers in [ProxyHeaders::XForwarded, ProxyHeaders::Forwarded] {
        let telemetry = Telemetry::new();
        let mut options = curious();
        options.trusted_proxies = TrustedProxies::everybody().with_headers(headers);
        let address =
            serve(Router::new().fallback(async || "any").layer(telemetry.server().with_options(options)))
                .await;
        for name in [
            "x-any",
            "user-agent",
            "referer",
            "host",
            "forwarded",
            "x-forwarded-for",
            "x-forwarded-host",
            "x-forwarded-proto",
            "traceparent",
            "tracestate",
            "baggage",
            "content-type",
        ] {
            for value in &values {
                let head = format!("GET /?{name} HTTP/1.1\r\nconnection: close\r\n{name}: ");
                let (_, answer) = ask(address, [head.as_bytes(), value, b"\r\n\r\n"].concat()).await;
                assert!(answer.starts_with("HTTP/1.1 200"), "{name}: {answer}");
            }
        }
        let spans = telemetry.ended();
        for span in &spans {
            let told = attributes(&span.attributes);
            assert!(texts(&told).iter().all(|text| text.len() <= 4096), "{told:?}");
        }
        assert_eq!((spans.len(), series(&telemetry).len()), (60, 1));
    }
}

#[tokio::test]
async fn a_target_is_cut_whatever_its_form() {
    // H-031, H-039, H-062
    let long = "é%41&sig=".repeat(2_500);
    let cut = "é%41&sig=".repeat(410);
    let (cut, redacted) = (format!("/{}", &cut[..4_095]), "é%41&sig=REDACTED&".repeat(300));
    let long_query = "é%41&sig=1&".repeat(2_500);
    for (request, path, query) in [
        (format!("GET /{long}?{long_query} HTTP/1.1"), cut.as_str(), Some(&redacted[..4_096])),
        (format!("GET http://h/{long} HTTP/1.1"), cut.as_str(), None),
        (String::from("OPTIONS * HTTP/1.1"), "*", None),
        (String::from("CONNECT h:443 HTTP/1.1"), "", None),
        (String::from("GET /? HTTP/1.0"), "/", Some("")),
    ] {
        let telemetry = Telemetry::new();
        let address = serve(Router::new().fallback(async || "any").layer(telemetry.server())).await;
        ask(address, format!("{request}\r\nhost: h\r\nconnection: close\r\n\r\n")).await;
        let [span] = telemetry.spans().await;
        let told = attributes(&span.attributes);
        let text = |key| told.get(key).map(ToString::to_string);
        assert_eq!(text("url.path").as_deref(), Some(path));
        assert_eq!(text("url.query").as_deref(), query);
    }
}

#[tokio::test]
async fn streams_of_http2_are_bounded_alike() {
    // H-024, H-042, H-088
    let telemetry = Telemetry::new();
    let router = Router::new().fallback(async || "any");
    let address = serve(router.layer(telemetry.server().with_options(curious()))).await;
    let stream = TcpStream::connect(address).await.unwrap();
    stream.set_nodelay(true).unwrap();
    let (mut sender, connection) =
        http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    let mut random = Random(19);
    for _ in 0..200 {
        let (method, scheme, host) = (random.next(), random.next(), random.next());
        let request = Request::builder()
            .method(format!("M{method:x}").as_str())
            .uri(format!("s{scheme:x}://u:{host:x}@{host:x}.example:{}/{method:x}?{scheme:x}", host % 65_536))
            .version(Version::HTTP_2)
            .header("x-any", vec![0xff; 1024])
            .header("x-any", "second")
            .body(Empty::<Bytes>::new())
            .unwrap();
        sender.ready().await.unwrap();
        let answer = sender.send_request(request);
        tokio::spawn(async move { answer.await.unwrap().collect().await.unwrap() });
    }
    let spans: [_; 200] = telemetry.spans().await;
    assert!(spans.iter().all(|span| span.name == "HTTP"));
    for span in &spans {
        assert!(texts(&attributes(&span.attributes)).iter().all(|text| text.len() <= 4096));
    }
    assert_eq!(series(&telemetry).len(), 1);
}

#[tokio::test]
async fn what_the_layer_says_itself_has_no_word_of_the_callers() {
    // Each of the two notices, no peer and no route, is a text of the program, said once, however much is asked.
    static NOTICES: AtomicUsize = AtomicUsize::new(0);
    let telemetry = Telemetry::new();
    let layer = telemetry.server().with_options(curious()).on_notice(|text| {
        assert!(text.chars().all(|character| character == ' ' || character.is_ascii_graphic()), "{text}");
        NOTICES.fetch_add(1, Ordering::Relaxed);
    });
    let service = layer.layer(Router::new().fallback(async || "any"));
    for number in 0..100 {
        let request = Request::get(format!("/{number}")).header("user-agent", "\t\u{fffd}".as_bytes());
        service.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
    }
    assert_eq!(NOTICES.load(Ordering::Relaxed), 2);
}
