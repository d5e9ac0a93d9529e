//! Calls over reqwest are told like those over any other client, each attempt on its own.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use axum::{
    Router,
    http::StatusCode,
    routing::{get, post},
};
use http::{Extensions, HeaderMap};
use opentelemetry::{
    Value,
    logs::{AnyValue, Severity},
    trace::{FutureExt, SpanKind, Status, TraceContextExt, Tracer, TracerProvider},
};
use opentelemetry_sdk::logs::{InMemoryLogExporter, SdkLoggerProvider};
use reqwest_middleware::{
    ClientBuilder, ClientWithMiddleware, Middleware, Next,
    reqwest::{self, Client, Request, Response, redirect},
};
use throughline_middleware::{
    ClientLayer, UrlTemplate,
    options::{CapturedHeaders, ClientOptions, Hosts},
};
use tokio::net::TcpListener;

use crate::{
    attempts::{Seen, arrived, moody, sent},
    measured::{Point, counts, measured, points},
    support::{Attributes, LIMIT, Telemetry, attributes, expected, nobody, serve, until},
};

fn client(layer: &ClientLayer) -> ClientWithMiddleware {
    ClientBuilder::new(Client::new()).with(layer.reqwest()).build()
}

/// What is told of a GET over HTTP/1.1 that was answered, and of its series.
fn told<const N: usize>(
    address: std::net::SocketAddr,
    path: &str,
    status: i64,
    extra: [(&str, Value); N],
) -> (Attributes, Attributes) {
    let mut series = expected([
        ("http.request.method", "GET".into()),
        ("server.address", "127.0.0.1".into()),
        ("server.port", i64::from(address.port()).into()),
        ("network.protocol.version", "1.1".into()),
        ("http.response.status_code", status.into()),
    ]);
    series.extend((status >= 400).then(|| ("error.type".into(), status.to_string().into())));
    let mut told = series.clone();
    told.extend(expected([
        ("url.full", format!("http://{address}{path}").into()),
        ("network.peer.address", "127.0.0.1".into()),
        ("network.peer.port", i64::from(address.port()).into()),
    ]));
    told.extend(expected(extra));
    (told, series)
}

#[tokio::test]
async fn a_call_is_told_whole_with_the_fragment_and_its_body_is_left_alone() {
    // H-008, H-010, H-050, H-051, H-066, H-067, H-081, H-086, P-030
    let (telemetry, seen) = (Telemetry::new(), Arc::<Mutex<Vec<HeaderMap>>>::default());
    let keep = Arc::clone(&seen);
    let handler = async move |headers: HeaderMap| {
        keep.lock().unwrap().push(headers);
        ([("x-answer", "42")], "a price")
    };
    let address = serve(Router::new().route("/items/{id}", get(handler))).await;
    let parent = opentelemetry::Context::new().with_span(telemetry.tracers.tracer("").start("parent"));
    let call = client(&telemetry.client())
        .get(format!("http://user:password@{address}/items/42?color=blue&sig=secret#reviews"))
        .send();
    let answer = call.with_context(parent.clone()).await.unwrap();
    let [span] = telemetry.spans().await;
    assert_eq!((answer.status(), answer.headers()["x-answer"].to_str().unwrap()), (StatusCode::OK, "42"));
    assert_eq!(answer.text().await.unwrap(), "a price");

    assert_eq!(
        (span.name.as_ref(), &span.span_kind, &span.status),
        ("GET", &SpanKind::Client, &Status::Unset)
    );
    assert_eq!(span.parent_span_id, parent.span().span_context().span_id());
    let (told, series) = told(address, "/items/42?color=blue&sig=REDACTED#reviews", 200, []);
    assert_eq!(attributes(&span.attributes), told);
    assert_eq!(arrived(&seen), sent(std::slice::from_ref(&span)));
    let duration = span.end_time.duration_since(span.start_time).unwrap().as_secs_f64();
    assert_eq!(
        points(&telemetry, "http.client.request.duration"),
        [Point { attributes: series, count: 1, sum: duration }]
    );
}

#[tokio::test]
async fn credentials_in_a_url_that_goes_out_as_it_is_are_not_told() {
    // H-050
    let telemetry = Telemetry::new();
    let address = serve(Router::new().fallback(async || "a price")).await;
    let url = format!("http://user:password@{address}/").parse().unwrap();
    client(&telemetry.client()).execute(Request::new(reqwest::Method::GET, url)).await.unwrap();
    let [span] = telemetry.spans().await;
    let full = format!("http://REDACTED:REDACTED@{address}/");
    assert_eq!(attributes(&span.attributes)["url.full"], full.into());
}

/// Tries again as long as the answer is 503.
struct Again;

#[async_trait]
impl Middleware for Again {
    async fn handle(
        &self,
        request: Request,
        extensions: &mut Extensions,
        next: Next<'_>,
    ) -> reqwest_middleware::Result<Response> {
        for _ in 0..5 {
            let answer = next.clone().run(request.try_clone().unwrap(), extensions).await?;
            if answer.status() != StatusCode::SERVICE_UNAVAILABLE {
                return Ok(answer);
            }
        }
        next.run(request, extensions).await
    }
}

#[tokio::test]
async fn every_attempt_is_a_span_with_its_number_and_ids_of_its_own() {
    // H-010, H-011, H-012, H-076
    let (telemetry, seen) = (Telemetry::new(), Seen::default());
    let address = moody(&seen, None).await;
    let client = ClientBuilder::new(Client::new()).with(Again).with(telemetry.client().reqwest()).build();
    client.get(format!("http://{address}/busy")).send().await.unwrap();
    // Another call counts on its own.
    client.get(format!("http://{address}/quiet")).send().await.unwrap();
    let spans: [_; 4] = telemetry.spans().await;
    let number = |number: i64| ("http.request.resend_count", number.into());
    assert_eq!(
        spans.each_ref().map(|span| attributes(&span.attributes)),
        [
            told(address, "/busy", 503, []).0,
            told(address, "/busy", 503, [number(1)]).0,
            told(address, "/busy", 200, [number(2)]).0,
            told(address, "/quiet", 200, []).0,
        ]
    );
    assert_eq!(arrived(&seen), sent(&spans));
}

#[tokio::test]
async fn redirects_that_reqwest_follows_are_one_call_to_the_url_that_was_asked_for() {
    // H-010: attempts that cannot be hooked
    let (telemetry, seen) = (Telemetry::new(), Seen::default());
    let address = moody(&seen, None).await;
    let layer = telemetry.client();
    client(&layer).get(format!("http://{address}/from/1")).send().await.unwrap();
    let spans: [_; 1] = telemetry.spans().await;
    assert_eq!(attributes(&spans[0].attributes), told(address, "/from/1", 200, []).0);
    assert_eq!(arrived(&seen), [sent(&spans), sent(&spans), sent(&spans)].concat());

    let plain = Client::builder().redirect(redirect::Policy::none()).build().unwrap();
    let client = ClientBuilder::new(plain).with(layer.reqwest()).build();
    client.get(format!("http://{address}/from/1")).send().await.unwrap();
    let [_, span] = telemetry.spans().await;
    assert_eq!(attributes(&span.attributes), told(address, "/from/1", 307, []).0);
}

#[tokio::test]
async fn a_call_without_an_answer_is_told_by_its_kind_and_without_its_secrets() {
    // H-079, H-090, H-091, H-07B
    let absent = nobody();
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let refused =
        "error sending request: client error (Connect): tcp connect error: Connection refused (os error 111)";
    let late = "error sending request: operation timed out";
    for (address, limit, error, message) in [
        (absent, LIMIT, "connect", refused),
        (silent.local_addr().unwrap(), Duration::from_millis(20), "timeout", late),
    ] {
        let telemetry = Telemetry::new();
        let records = InMemoryLogExporter::default();
        let loggers = SdkLoggerProvider::builder().with_simple_exporter(records.clone()).build();
        let client = client(&telemetry.client().with_exceptions(&loggers));
        let call = client.get(format!("http://{address}/?sig=secret")).timeout(limit).send();
        assert!(call.await.unwrap_err().to_string().contains("secret"), "it is reqwest that tells");

        let [span] = telemetry.spans().await;
        let series = expected([
            ("http.request.method", "GET".into()),
            ("server.address", "127.0.0.1".into()),
            ("server.port", i64::from(address.port()).into()),
            ("error.type", error.into()),
        ]);
        let mut told = series.clone();
        told.insert("url.full".into(), format!("http://{address}/?sig=REDACTED").into());
        assert_eq!((&span.status, attributes(&span.attributes)), (&Status::error(""), told));
        assert_eq!(counts(&telemetry, "http.client.request.duration"), [(series, 1)]);
        let [record] = &records.get_emitted_logs().unwrap()[..] else { panic!("one record") };
        assert_eq!(record.record.event_name(), Some("http.client.request.exception"));
        assert_eq!(record.record.severity_number(), Some(Severity::Warn));
        let text = |text: &str| AnyValue::from(text.to_owned());
        let told = record.record.attributes_iter().map(|(key, value)| (key.as_str(), value.clone()));
        assert_eq!(
            Vec::from_iter(told),
            [("exception.type", text("reqwest::error::Error")), ("exception.message", text(message))]
        );
    }
}

/// Fails by itself.
struct Refusing;

#[async_trait]
impl Middleware for Refusing {
    async fn handle(
        &self,
        request: Request,
        _: &mut Extensions,
        _: Next<'_>,
    ) -> reqwest_middleware::Result<Response> {
        match request.url().path() {
            "/panic" => panic!("on purpose"),
            "/reset" => Err(reqwest_middleware::Error::middleware(std::io::Error::from(
                std::io::ErrorKind::ConnectionReset,
            ))),
            path => Err(reqwest_middleware::Error::middleware(std::io::Error::other(path.to_owned()))),
        }
    }
}

#[tokio::test]
async fn what_another_middleware_fails_with_makes_few_kinds() {
    // H-079, H-08B
    let telemetry = Telemetry::new();
    let mut options = ClientOptions::default();
    options.active_requests = true;
    let layer = telemetry.client().with_options(options).reqwest();
    let client = ClientBuilder::new(Client::new()).with(layer).with(Refusing).build();
    for path in ["reset", "any", "other"] {
        client.get(format!("http://h/{path}")).send().await.unwrap_err();
    }
    // No URL that reqwest would send anything to.
    let nowhere = Request::new(reqwest::Method::GET, "data:text/plain,hello#a".parse().unwrap());
    client.execute(nowhere).await.unwrap_err();
    let panics = tokio::spawn(client.get("http://h/panic").send());
    assert!(panics.await.unwrap_err().is_panic());
    let spans: [_; 5] = telemetry.spans().await;
    let errors = spans.each_ref().map(|span| attributes(&span.attributes)["error.type"].to_string());
    assert_eq!(errors, ["reset", "_OTHER", "_OTHER", "_OTHER", "panic"]);
    assert_eq!(
        attributes(&spans[3].attributes),
        expected([("http.request.method", "GET".into()), ("error.type", "_OTHER".into())])
    );
    assert!(points(&telemetry, "http.client.active_requests").iter().all(|point| point.sum == 0.0));
}

#[tokio::test]
async fn a_call_that_its_caller_drops_is_no_error() {
    // H-07A, H-08B
    let telemetry = Telemetry::new();
    let mut options = ClientOptions::default();
    options.active_requests = true;
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = silent.local_addr().unwrap();
    let client = client(&telemetry.client().with_options(options));
    let call = tokio::spawn(client.get(format!("http://{address}/")).send());
    let _connection = silent.accept().await.unwrap();
    call.abort();
    until(LIMIT, || telemetry.ended().len() == 1).await;
    let [span] = telemetry.spans().await;
    let told = attributes(&span.attributes);
    let is_dropped = call.await.is_err_and(|error| error.is_cancelled());
    assert_eq!((is_dropped, &span.status, told.get("error.type")), (true, &Status::Unset, None));
    assert!(points(&telemetry, "http.client.active_requests").iter().all(|point| point.sum == 0.0));
}

#[tokio::test]
async fn options_hold_for_reqwest_too() {
    // H-002, H-046, H-08A, H-087, P-035, and: reqwest shows no trailers, so that gRPC is told as HTTP
    let (telemetry, seen) = (Telemetry::new(), Seen::default());
    let keep = Arc::clone(&seen);
    let handler = async move |headers: HeaderMap, body: String| {
        keep.lock().unwrap().push(headers);
        ([("x-reply", "one")], body.repeat(2))
    };
    let address = serve(Router::new().route("/items/{id}", post(handler))).await;
    let mut options = ClientOptions::default();
    options.body_sizes = true;
    options.injected_hosts = Hosts::except(["127.0.0.1"]).unwrap();
    options.request_headers = CapturedHeaders::new(["content-type"]).unwrap();
    options.response_headers = CapturedHeaders::new(["x-reply"]).unwrap();
    let call = client(&telemetry.client().with_options(options))
        .post(format!("http://{address}/items/42"))
        .header("content-type", "application/grpc")
        .with_extension(UrlTemplate::new("/items/{id}"))
        .body("hello");
    assert_eq!(call.send().await.unwrap().text().await.unwrap(), "hellohello");

    let [span] = telemetry.spans().await;
    assert_eq!(span.name, "POST /items/{id}");
    let list = |value: &'static str| Value::Array(opentelemetry::Array::String(vec![value.into()]));
    let (mut told, mut series) = told(
        address,
        "/items/42",
        200,
        [
            ("http.request.body.size", 5.into()),
            ("http.response.body.size", 10.into()),
            ("http.request.header.content-type", list("application/grpc")),
            ("http.response.header.x-reply", list("one")),
        ],
    );
    for set in [&mut told, &mut series] {
        set.extend(expected([
            ("http.request.method", "POST".into()),
            ("url.template", "/items/{id}".into()),
        ]));
    }
    assert_eq!(attributes(&span.attributes), told);
    let sums = measured(&telemetry).into_iter().flat_map(|(name, instrument)| {
        instrument.points.into_iter().map(move |point| (name.clone(), point.attributes, point.sum))
    });
    let duration = span.end_time.duration_since(span.start_time).unwrap().as_secs_f64();
    assert_eq!(
        Vec::from_iter(sums),
        [
            ("http.client.request.body.size".into(), series.clone(), 5.0),
            ("http.client.request.duration".into(), series.clone(), duration),
            ("http.client.response.body.size".into(), series, 10.0),
        ]
    );
    assert_eq!(arrived(&seen), [""; 0]);
}
