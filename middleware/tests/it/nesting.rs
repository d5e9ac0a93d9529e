//! Routers in routers, layers in layers: one request stays one span, told as its caller sent it.

use std::{convert::Infallible, net::SocketAddr};

use axum::{Router, body::Body, routing::get};
use http::{Request, Response};
use http_body_util::BodyExt;
use opentelemetry::{KeyValue, TraceId};
use throughline_middleware::{Route, ServerSpan};
use tower::{Layer, ServiceExt, service_fn};

use crate::support::{Attributes, Telemetry, ask, attributes, expected, serve};

/// What a request for this path and query tells, sent with this port and answered by this route.
fn told(path: &str, route: &str, peer: SocketAddr) -> Attributes {
    expected([
        ("http.request.method", "GET".into()),
        ("url.scheme", "http".into()),
        ("url.path", path.to_owned().into()),
        ("url.query", "page=2".into()),
        ("http.route", route.to_owned().into()),
        ("server.address", "api.example.com".into()),
        ("server.port", 8443.into()),
        ("client.address", "127.0.0.1".into()),
        ("network.peer.address", "127.0.0.1".into()),
        ("network.peer.port", i64::from(peer.port()).into()),
        ("network.protocol.version", "1.1".into()),
        ("http.response.status_code", 200.into()),
    ])
}

async fn get_page(address: SocketAddr, path: &str) -> SocketAddr {
    let request =
        format!("GET {path}?page=2 HTTP/1.1\r\nhost: api.example.com:8443\r\nconnection: close\r\n\r\n");
    let (peer, answer) = ask(address, request).await;
    assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
    peer
}

#[tokio::test]
async fn a_nested_route_has_the_prefix_of_its_nest() {
    // H-006, H-031, H-039
    let telemetry = Telemetry::new();
    let users = Router::new().route("/users/{id}", get(async || "ada"));
    let inside = Router::new().route("/items/{*rest}", get(async || "item")).layer(telemetry.server());
    let service = Router::new().route("/files/{name}", get(async || "file")).layer(telemetry.server());
    let outside = Router::new().nest("/api", users).layer(telemetry.server());
    let router = outside.nest("/shop/{shop}", inside).nest_service("/static", service);
    let address = serve(router).await;
    let peers = [
        get_page(address, "/api/users/1").await,
        get_page(address, "/shop/7/items/a/b").await,
        get_page(address, "/static/files/logo").await,
    ];
    let [user, item, file] = telemetry.spans().await;
    assert_eq!(user.name, "GET /api/users/{id}");
    assert_eq!(attributes(&user.attributes), told("/api/users/1", "/api/users/{id}", peers[0]));
    assert_eq!(item.name, "GET /shop/{shop}/items/{*rest}");
    let route = "/shop/{shop}/items/{*rest}";
    assert_eq!(attributes(&item.attributes), told("/shop/7/items/a/b", route, peers[1]));
    assert_eq!(file.name, "GET /static/files/{name}");
    let route = "/static/files/{name}";
    assert_eq!(attributes(&file.attributes), told("/static/files/logo", route, peers[2]));
}

#[tokio::test]
async fn of_two_layers_the_outer_one_records_and_the_inner_one_passes_through() {
    // H-080: one request, one duration
    let telemetry = Telemetry::new();
    let inner = Router::new().route("/x/{id}", get(async || "x")).layer(telemetry.server());
    let outer = Router::new().nest("/api", inner).layer(telemetry.server());
    let request = Request::get("/api/x/1")
        .header("traceparent", "00-12345678901234567890123456789012-1234567890123456-01")
        .body(Body::empty())
        .unwrap();
    let response = outer.oneshot(request).await.unwrap();
    assert!(telemetry.ended().is_empty());
    assert_eq!(response.into_body().collect().await.unwrap().to_bytes(), "x");
    let [span] = telemetry.spans().await;
    assert_eq!(span.name, "GET /api/x/{id}");
    assert_eq!(span.parent_span_id.to_string(), "1234567890123456");
    let [series] = &telemetry.served()[..] else { panic!("one series") };
    assert_eq!((series.count, &series.attributes["http.route"]), (1, &"/api/x/{id}".into()));
}

#[tokio::test]
async fn an_outer_layer_learns_from_an_inner_one_what_only_the_inner_router_knows() {
    // H-005, H-006
    let telemetry = Telemetry::new();
    let users = || Router::new().route("/users/{id}", get(async || "ada"));
    let nested = Router::new().nest_service("/api", users().layer(telemetry.server()));
    let unlayered = Router::new().nest_service("/api", users());
    let around = telemetry.server().layer(nested.clone());
    let request = || Request::get("/api/users/1").body(Body::empty()).unwrap();
    nested.layer(telemetry.server()).oneshot(request()).await.unwrap();
    around.oneshot(request()).await.unwrap();
    unlayered.layer(telemetry.server()).oneshot(request()).await.unwrap();
    let spans: [_; 3] = telemetry.spans().await;
    let names = spans.each_ref().map(|span| span.name.as_ref());
    assert_eq!(names, ["GET /api/users/{id}", "GET /api/users/{id}", "GET"]);
    assert_eq!(attributes(&spans[0].attributes)["http.route"], "/api/users/{id}".into());
    assert!(!attributes(&spans[2].attributes).contains_key("http.route"));
}

#[tokio::test]
async fn an_inner_layer_leaves_the_route_of_a_response_as_it_is() {
    // H-005
    let telemetry = Telemetry::new();
    let service = tower::service_fn(async |_: Request<()>| {
        let mut response = Response::new(Body::empty());
        response.extensions_mut().insert(Route::new("/late/{id}"));
        Ok::<_, Infallible>(response)
    });
    let service = telemetry.server().layer(telemetry.server().layer(service));
    let mut request = Request::get("/late/1").body(()).unwrap();
    request.extensions_mut().insert(Route::new("/early/{id}"));
    service.oneshot(request).await.unwrap();
    let [span] = telemetry.spans().await;
    assert_eq!(span.name, "GET /late/{id}");
}

#[tokio::test]
async fn a_request_that_a_handler_makes_is_another_one() {
    // H-010: the mark of the layer is on the request, not on what runs meanwhile
    let telemetry = Telemetry::new();
    let inner = telemetry.server().layer(Router::new().route("/inner", get(async || "inner")));
    let handler = async move || inner.oneshot(Request::get("/inner").body(Body::empty()).unwrap()).await;
    let outer = Router::new().route("/outer", get(handler)).layer(telemetry.server());
    let response = outer.oneshot(Request::get("/outer").body(Body::empty()).unwrap()).await.unwrap();
    response.into_body().collect().await.unwrap();
    let spans: [_; 2] = telemetry.spans().await;
    assert_ne!(spans[0].span_context.trace_id(), spans[1].span_context.trace_id());
}

#[tokio::test]
async fn the_span_of_another_request_that_a_request_is_made_with_is_not_its_own() {
    for (flags, expected) in [("01", &[(true, true), (false, false)][..]), ("00", &[(false, false)])] {
        let telemetry = Telemetry::new();
        let inner = telemetry.server().layer(service_fn(async |request: Request<Body>| {
            let span = request.extensions().get::<ServerSpan>().cloned().unwrap_or_default();
            span.set(KeyValue::new("app.inner", true));
            Ok::<_, Infallible>(Response::new(Body::empty()))
        }));
        let outer = telemetry.server().layer(service_fn(async |request: Request<Body>| {
            let mut next = Request::new(Body::empty());
            next.extensions_mut().insert(request.extensions().get::<ServerSpan>().unwrap().clone());
            let parent = format!("00-{:032x}-{:016x}-{flags}", 1, 1).parse().unwrap();
            next.headers_mut().insert("traceparent", parent);
            inner.clone().oneshot(next).await
        }));
        drop(outer.oneshot(Request::new(Body::empty())).await.unwrap());
        let told = telemetry.ended().into_iter().map(|span| {
            let is_told = span.attributes.iter().any(|told| told.key.as_str() == "app.inner");
            (span.span_context.trace_id() == TraceId::from(1), is_told)
        });
        assert_eq!(Vec::from_iter(told), expected);
    }
}
