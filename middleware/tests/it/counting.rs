//! What clients measure when they are asked to: calls under way, sizes of bodies.

use std::{sync::Arc, time::Duration};

use axum::{BoxError, Router, body::Body, routing::any};
use bytes::Bytes;
use http::{Method, Request, Response};
use http_body_util::{BodyExt, Full, combinators::BoxBody};
use hyper_util::{client::legacy::Client, rt::TokioExecutor};
use opentelemetry::Value;
use throughline_middleware::{ClientLayer, UrlTemplate, options::ClientOptions};
use tokio::{net::TcpListener, sync::Notify};
use tower::{Layer, Service, ServiceBuilder, ServiceExt, timeout::TimeoutLayer};

use crate::{
    calling::{plain, request},
    measured::{Instrument, Point, counts, measured, points},
    support::{LIMIT, Telemetry, attributes, data, expected, nobody, remote, serve, until},
};

fn all_measured(telemetry: &Telemetry) -> ClientLayer {
    let mut options = ClientOptions::default();
    options.active_requests = true;
    options.body_sizes = true;
    telemetry.client().with_options(options)
}

/// Answers as many bytes as the path says; with `/stream` bytes whose number nobody knows beforehand.
async fn parrot() -> std::net::SocketAddr {
    let answer = async |request: axum::extract::Request| match request.uri().path() {
        "/stream" => {
            let (frames, body) = remote();
            frames.send(data("bytes")).unwrap();
            frames.send(None).unwrap();
            Response::new(Body::new(body.map_err(axum::Error::new)))
        }
        path => Response::new(Body::from("x".repeat(path[1..].parse().unwrap()))),
    };
    serve(Router::new().fallback(any(answer))).await
}

type AnyBody = BoxBody<Bytes, BoxError>;

fn known(text: &'static str) -> AnyBody {
    Full::new(Bytes::from(text)).map_err(|never| match never {}).boxed()
}

fn unknown() -> AnyBody {
    let (frames, body) = remote();
    frames.send(data("bytes")).unwrap();
    frames.send(None).unwrap();
    body.map_err(BoxError::from).boxed()
}

#[tokio::test]
async fn bodies_are_as_long_as_they_say() {
    // H-08A, H-087
    let address = parrot().await;
    for (method, path, body, length, sizes) in [
        (Method::POST, "/7", known("hello"), None, [Some(5), Some(7)]),
        (Method::GET, "/0", known(""), None, [Some(0), Some(0)]),
        (Method::HEAD, "/7", known(""), None, [Some(0), Some(0)]),
        (Method::POST, "/stream", unknown(), None, [None, None]),
        (Method::POST, "/7", unknown(), Some("5"), [Some(5), Some(7)]),
    ] {
        let telemetry = Telemetry::new();
        let client = Client::builder(TokioExecutor::new()).build_http::<AnyBody>();
        let request = Request::builder()
            .method(method.clone())
            .uri(format!("http://{address}{path}"))
            .extension(UrlTemplate::new("/{size}"));
        let request =
            length.into_iter().fold(request, |request, length| request.header("content-length", length));
        let client = all_measured(&telemetry).layer(client);
        client.oneshot(request.body(body).unwrap()).await.unwrap();

        let method = if method == Method::HEAD {
            "HEAD"
        } else if method == Method::GET {
            "GET"
        } else {
            "POST"
        };
        let series = expected([
            ("http.request.method", method.into()),
            ("url.template", "/{size}".into()),
            ("server.address", "127.0.0.1".into()),
            ("server.port", i64::from(address.port()).into()),
            ("network.protocol.version", "1.1".into()),
            ("http.response.status_code", 200.into()),
        ]);
        let [span] = telemetry.spans().await;
        let mut told = series.clone();
        told.insert("url.full".into(), format!("http://{address}{path}").into());
        let mut instruments = measured(&telemetry);
        for (which, size) in ["request", "response"].into_iter().zip(sizes) {
            told.extend(size.map(|size| (format!("http.{which}.body.size"), Value::from(size))));
            let instrument = instruments.remove(&format!("http.client.{which}.body.size"));
            let measured = instrument.map(|instrument| {
                assert_eq!(instrument.unit, "By");
                assert_eq!(instrument.description, format!("Size of HTTP client {which} bodies."));
                instrument.points
            });
            let point = |size| Point { attributes: series.clone(), count: 1, sum: size as f64 };
            assert_eq!(measured, size.map(|size| vec![point(size)]), "{method} {path} {which}");
        }
        assert_eq!(attributes(&span.attributes), told, "{method} {path}");
    }
}

#[tokio::test]
async fn with_everything_on_these_are_the_instruments() {
    // H-086: open connections, and how long they are, are the client's own to know: a layer sees requests.
    let (telemetry, address) = (Telemetry::new(), parrot().await);
    all_measured(&telemetry).layer(plain()).oneshot(request(format!("http://{address}/7"))).await.unwrap();
    assert_eq!(
        Vec::from_iter(measured(&telemetry).into_keys()),
        [
            "http.client.active_requests",
            "http.client.request.body.size",
            "http.client.request.duration",
            "http.client.response.body.size"
        ]
    );
    let telemetry = Telemetry::new();
    telemetry.client().layer(plain()).oneshot(request(format!("http://{address}/7"))).await.unwrap();
    assert_eq!(Vec::from_iter(measured(&telemetry).into_keys()), ["http.client.request.duration"]);
}

#[tokio::test]
async fn calls_under_way_are_counted_until_their_heads_are_there() {
    // H-08B, H-087
    let telemetry = Telemetry::new();
    let (arrived, answer) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let gates = (Arc::clone(&arrived), Arc::clone(&answer));
    let waits = async move || {
        gates.0.notify_one();
        gates.1.notified().await;
        "answer"
    };
    let address = serve(Router::new().fallback(waits)).await;
    let mut request = request(format!("http://{address}/items/42"));
    request.extensions_mut().insert(UrlTemplate::new("/items/{id}"));
    let call = tokio::spawn(all_measured(&telemetry).layer(plain()).oneshot(request));
    arrived.notified().await;
    let active = |sum| Point {
        attributes: expected([
            ("http.request.method", "GET".into()),
            ("url.template", "/items/{id}".into()),
            ("server.address", "127.0.0.1".into()),
            ("server.port", i64::from(address.port()).into()),
        ]),
        count: 0,
        sum,
    };
    assert_eq!(points(&telemetry, "http.client.active_requests"), [active(1.0)]);
    answer.notify_one();
    let unread = call.await.unwrap().unwrap();
    let instrument = measured(&telemetry).remove("http.client.active_requests");
    assert_eq!(
        instrument,
        Some(Instrument {
            unit: "{request}".into(),
            description: "Number of active HTTP requests.".into(),
            bounds: Vec::new(),
            points: vec![active(0.0)],
        })
    );
    drop(unread);
    assert_eq!(points(&telemetry, "http.client.active_requests"), [active(0.0)]);
}

#[tokio::test]
async fn however_a_call_ends_it_is_under_way_no_longer() {
    // H-08B, H-079, H-07A
    let telemetry = Telemetry::new();
    let layer = all_measured(&telemetry);
    let refused = nobody();
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let silence = format!("http://{}/", silent.local_addr().unwrap());
    let answers = parrot().await;

    layer.layer(plain()).oneshot(request(format!("http://{answers}/7"))).await.unwrap();
    layer.layer(plain()).oneshot(request(format!("http://{refused}/"))).await.unwrap_err();
    let timeout = || TimeoutLayer::new(Duration::from_millis(10));
    let inside = ServiceBuilder::new().layer(layer.clone()).layer(timeout()).service(plain());
    inside.oneshot(request(&silence)).await.unwrap_err();
    let outside = ServiceBuilder::new().layer(timeout()).layer(layer.clone()).service(plain());
    outside.oneshot(request(&silence)).await.unwrap_err();
    let explode = tower::service_fn(async |_: Request<Full<Bytes>>| -> Result<Response<String>, BoxError> {
        panic!("on purpose")
    });
    let panics = tokio::spawn(layer.layer(explode).oneshot(request("http://example.com/")));
    assert!(panics.await.unwrap_err().is_panic());
    // Never polled.
    let mut unpolled = layer.layer(plain());
    drop(unpolled.call(request("http://example.org/")));

    until(LIMIT, || telemetry.ended().len() == 6).await;
    let active = points(&telemetry, "http.client.active_requests");
    assert_eq!(active.len(), 5, "one for each server");
    assert!(active.iter().all(|point| point.sum == 0.0), "{active:?}");
    let ended: u64 = counts(&telemetry, "http.client.request.duration").iter().map(|(_, count)| count).sum();
    assert_eq!(ended, 6);
}
