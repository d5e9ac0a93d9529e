//! Calls over hyper-util's client, as services make them: what is told of each, and how each fails.

use std::{io, time::Duration};

use axum::{BoxError, Router, http::StatusCode, routing::get};
use bytes::Bytes;
use http::{Request, Response, Version};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper_util::{
    client::legacy::{
        Client,
        connect::{HttpConnector, HttpInfo, dns::Name},
    },
    rt::TokioExecutor,
};
use opentelemetry::{
    Key, Value,
    logs::{AnyValue, Severity},
    trace::{Status, TraceContextExt},
};
use opentelemetry_sdk::logs::{InMemoryLogExporter, SdkLoggerProvider};
use throughline_middleware::{
    ClientLayer, Peer, UrlTemplate,
    options::{CapturedHeaders, ClientOptions, OnRequest},
};
use tokio::{io::AsyncWriteExt, net::TcpListener};
use tower::{Layer, Service, ServiceBuilder, ServiceExt, timeout::TimeoutLayer};

use crate::{
    measured::{Instrument, Point, counts, measured},
    support::{LIMIT, Telemetry, attributes, expected, read_until, serve},
};

pub(crate) type Plain = Client<HttpConnector, Full<Bytes>>;

pub(crate) fn plain() -> Plain {
    Client::builder(TokioExecutor::new()).build_http()
}

/// The recipe of the client's page: the peer is told, and the kind of an error.
pub(crate) fn recorded(
    layer: &ClientLayer,
    client: Plain,
) -> impl Service<Request<Full<Bytes>>, Response: std::fmt::Debug, Error = BoxError, Future: Send> + Clone + use<>
{
    ServiceBuilder::new().layer(layer.clone()).map_response(with_peer).map_err(BoxError::from).service(client)
}

fn with_peer(mut response: Response<Incoming>) -> Response<Incoming> {
    if let Some(info) = response.extensions().get::<HttpInfo>() {
        let peer = Peer::Socket(info.remote_addr());
        response.extensions_mut().insert(peer);
    }
    response
}

pub(crate) fn request(url: impl AsRef<str>) -> Request<Full<Bytes>> {
    Request::get(url.as_ref()).body(Full::default()).unwrap()
}

#[tokio::test]
async fn a_call_is_told_with_its_peer_and_the_version_that_was_spoken() {
    // H-037: the protocol's name is always `http`, which is not told; H-067, H-081, H-086, H-07B
    for (version, told) in [(Version::HTTP_11, "1.1"), (Version::HTTP_2, "2")] {
        let telemetry = Telemetry::new();
        let address = serve(Router::new().route("/items/{id}", get(async || "a price"))).await;
        let client =
            Client::builder(TokioExecutor::new()).http2_only(version == Version::HTTP_2).build_http();
        let url = format!("http://{address}/items/42?sig=secret");
        recorded(&telemetry.client(), client).oneshot(request(&url)).await.unwrap();

        let [span] = telemetry.spans().await;
        assert_eq!((span.name.as_ref(), &span.status), ("GET", &Status::Unset));
        let measures = expected([
            ("http.request.method", "GET".into()),
            ("server.address", "127.0.0.1".into()),
            ("server.port", i64::from(address.port()).into()),
            ("network.protocol.version", told.into()),
            ("http.response.status_code", 200.into()),
        ]);
        let mut told = measures.clone();
        told.extend(expected([
            ("url.full", url.replace("secret", "REDACTED").into()),
            ("network.peer.address", "127.0.0.1".into()),
            ("network.peer.port", i64::from(address.port()).into()),
        ]));
        assert_eq!(attributes(&span.attributes), told);
        let duration = Instrument {
            unit: "s".into(),
            description: "Duration of HTTP client requests.".into(),
            bounds: vec![0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0],
            points: vec![Point {
                attributes: measures,
                count: 1,
                sum: span.end_time.duration_since(span.start_time).unwrap().as_secs_f64(),
            }],
        };
        assert_eq!(measured(&telemetry), [("http.client.request.duration".into(), duration)].into());
    }
}

#[tokio::test]
async fn options_shape_what_is_told_of_a_call() {
    // H-002, H-021, H-046, H-053, H-070, H-071, H-086: a template is told where the program knows one
    let telemetry = Telemetry::new();
    let router = Router::new().fallback(async || [("x-reply", "one"), ("set-cookie", "secret")]);
    let address = serve(router).await;
    let mut options = ClientOptions::default();
    options.request_headers = CapturedHeaders::new(["x-tenant", "authorization"]).unwrap();
    options.response_headers = CapturedHeaders::new(["x-reply", "set-cookie", "x-none"]).unwrap();
    options.sensitive_query_keys = vec!["color".into()];
    options.omitted = vec!["network.protocol.version".into(), "server.port".into()];
    options.on_request = Some(OnRequest::new(|request, span| {
        let length = i64::try_from(request.uri.path().len()).unwrap();
        span.set(opentelemetry::KeyValue::new("app.path_length", length));
    }));
    let request = Request::builder()
        .method("BREW")
        .uri(format!("http://{address}/items/42?color=blue&sig=1"))
        .header("x-tenant", "a")
        .header("x-tenant", "b")
        .header("authorization", "Bearer secret")
        .extension(UrlTemplate::new("/items/{id}"))
        .body(Full::default());
    let client = recorded(&telemetry.client().with_options(options), plain());
    client.oneshot(request.unwrap()).await.unwrap();

    let [span] = telemetry.spans().await;
    assert_eq!(span.name, "HTTP /items/{id}");
    let list = |values: &[&'static str]| {
        let values = values.iter().map(|value| (*value).into()).collect();
        Value::Array(opentelemetry::Array::String(values))
    };
    assert_eq!(
        attributes(&span.attributes),
        expected([
            ("http.request.method", "_OTHER".into()),
            ("http.request.method_original", "BREW".into()),
            ("url.full", format!("http://{address}/items/42?color=REDACTED&sig=1").into()),
            ("url.template", "/items/{id}".into()),
            ("server.address", "127.0.0.1".into()),
            ("network.peer.address", "127.0.0.1".into()),
            ("network.peer.port", i64::from(address.port()).into()),
            ("http.response.status_code", 200.into()),
            ("http.request.header.x-tenant", list(&["a", "b"])),
            ("http.request.header.authorization", list(&["REDACTED"])),
            ("http.response.header.x-reply", list(&["one"])),
            ("http.response.header.set-cookie", list(&["REDACTED"])),
            ("app.path_length", 9.into()),
        ])
    );
    let series = expected([
        ("http.request.method", "_OTHER".into()),
        ("url.template", "/items/{id}".into()),
        ("server.address", "127.0.0.1".into()),
        ("server.port", i64::from(address.port()).into()),
        ("network.protocol.version", "1.1".into()),
        ("http.response.status_code", 200.into()),
    ]);
    assert_eq!(counts(&telemetry, "http.client.request.duration"), [(series, 1)]);
}

/// Who does not answer as one should.
enum Peers {
    /// Nobody listens.
    Absent,
    /// Takes the request and never answers.
    Silent,
    /// Closes in the middle of the answer's head.
    Rude,
    /// Resets the connection once it has read.
    Broken,
}

impl Peers {
    async fn start(self) -> std::net::SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        if matches!(self, Self::Absent) {
            return address;
        }
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            match self {
                Self::Absent | Self::Silent => std::future::pending().await,
                Self::Rude => {
                    read_until(&mut stream, "\r\n\r\n").await;
                    stream.write_all(b"HTTP/1.1 20").await.unwrap();
                }
                // What came in and was not read makes the end a reset.
                Self::Broken => drop(stream.peek(&mut [0]).await.unwrap()),
            }
        });
        address
    }
}

#[tokio::test]
async fn a_call_without_an_answer_is_told_by_its_kind_and_as_a_log_record() {
    // H-066, H-079, H-090, H-091, H-07B
    for (peer, limit, error, message) in [
        (
            Peers::Absent,
            LIMIT,
            "connect",
            "client error (Connect): tcp connect error: Connection refused (os error 111)",
        ),
        (Peers::Silent, Duration::from_millis(20), "timeout", "request timed out"),
        (
            Peers::Rude,
            LIMIT,
            "reset",
            "client error (SendRequest): connection closed before message completed",
        ),
        (
            Peers::Broken,
            LIMIT,
            "reset",
            "client error (SendRequest): connection error: Connection reset by peer (os error 104)",
        ),
    ] {
        let address = peer.start().await;
        let telemetry = Telemetry::new();
        let records = InMemoryLogExporter::default();
        let loggers = SdkLoggerProvider::builder().with_simple_exporter(records.clone()).build();
        let client = ServiceBuilder::new()
            .layer(telemetry.client().with_exceptions(&loggers))
            .layer(TimeoutLayer::new(limit))
            .service(plain());
        client.oneshot(request(format!("http://{address}/"))).await.unwrap_err();

        let [span] = telemetry.spans().await;
        let measures = expected([
            ("http.request.method", "GET".into()),
            ("server.address", "127.0.0.1".into()),
            ("server.port", i64::from(address.port()).into()),
            ("error.type", error.into()),
        ]);
        let mut told = measures.clone();
        told.insert("url.full".into(), format!("http://{address}/").into());
        assert_eq!((&span.status, attributes(&span.attributes)), (&Status::error(""), told));
        assert_eq!(counts(&telemetry, "http.client.request.duration"), [(measures, 1)]);

        let [record] = &records.get_emitted_logs().unwrap()[..] else { panic!("one record") };
        let record = &record.record;
        assert_eq!(record.event_name(), Some("http.client.request.exception"));
        assert_eq!(record.severity_number(), Some(Severity::Warn));
        let ids = record.trace_context().map(|context| (context.trace_id, context.span_id));
        assert_eq!(ids, Some((span.span_context.trace_id(), span.span_context.span_id())));
        let told = Vec::from_iter(record.attributes_iter().cloned());
        let boxed = std::any::type_name::<BoxError>();
        let text = |text: &str| AnyValue::from(text.to_owned());
        assert_eq!(
            told,
            [(Key::from("exception.type"), text(boxed)), (Key::from("exception.message"), text(message))]
        );
    }
}

#[tokio::test]
async fn a_name_that_nobody_knows_is_a_connection_that_failed() {
    // H-079
    let telemetry = Telemetry::new();
    let nobody = tower::service_fn(async |_: Name| {
        Err::<std::vec::IntoIter<std::net::SocketAddr>, _>(io::Error::other("no such host"))
    });
    let client = Client::builder(TokioExecutor::new()).build(HttpConnector::new_with_resolver(nobody));
    let client = ServiceBuilder::new().layer(telemetry.client()).map_err(BoxError::from).service(client);
    client.oneshot(request("http://nobody.test/")).await.unwrap_err();
    let [span] = telemetry.spans().await;
    assert_eq!(
        attributes(&span.attributes),
        expected([
            ("http.request.method", "GET".into()),
            ("url.full", "http://nobody.test/".into()),
            ("server.address", "nobody.test".into()),
            ("server.port", 80.into()),
            ("error.type", "connect".into()),
        ])
    );
}

#[tokio::test]
async fn tokios_own_timeout_is_one_too() {
    // H-079
    let telemetry = Telemetry::new();
    let late = tower::service_fn(async |_: Request<Full<Bytes>>| {
        let never = std::future::pending::<Response<String>>();
        tokio::time::timeout(Duration::ZERO, never).await.map_err(BoxError::from)
    });
    telemetry.client().layer(late).oneshot(request("http://h/")).await.unwrap_err();
    let [span] = telemetry.spans().await;
    assert_eq!(attributes(&span.attributes)["error.type"], "timeout".into());
}

#[tokio::test]
async fn a_call_that_its_caller_stops_waiting_for_is_no_error() {
    // H-07A: the timeout is outside of the layer
    let telemetry = Telemetry::new();
    let address = Peers::Silent.start().await;
    let client = ServiceBuilder::new()
        .layer(TimeoutLayer::new(Duration::from_millis(20)))
        .layer(telemetry.client())
        .service(plain());
    client.oneshot(request(format!("http://{address}/"))).await.unwrap_err();
    let [span] = telemetry.spans().await;
    let measures = expected([
        ("http.request.method", "GET".into()),
        ("server.address", "127.0.0.1".into()),
        ("server.port", i64::from(address.port()).into()),
    ]);
    let mut told = measures.clone();
    told.insert("url.full".into(), format!("http://{address}/").into());
    assert_eq!((&span.status, attributes(&span.attributes)), (&Status::Unset, told));
    assert_eq!(counts(&telemetry, "http.client.request.duration"), [(measures, 1)]);
}

#[tokio::test]
async fn a_status_that_the_program_gives_its_call_stays() {
    // H-075, H-07D
    let telemetry = Telemetry::new();
    let address = serve(Router::new().fallback(async || StatusCode::NOT_FOUND)).await;
    let client = ServiceBuilder::new().layer(telemetry.client()).map_response(|response: Response<_>| {
        // Not found is what it hopes for.
        opentelemetry::Context::current().span().set_status(Status::Ok);
        response
    });
    client.service(plain()).oneshot(request(format!("http://{address}/"))).await.unwrap();
    let [span] = telemetry.spans().await;
    assert_eq!(span.status, Status::Ok);
    assert_eq!(attributes(&span.attributes)["error.type"], "404".into());
}
