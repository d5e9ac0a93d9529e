use std::{convert::Infallible, net::SocketAddr};

use axum::{Router, routing::get};
use bytes::Bytes;
use http_body_util::Empty;
use opentelemetry::trace::SpanKind;
use opentelemetry::{Array, Value};
use throughline_middleware::{
    Attempts, Peer,
    options::{CapturedHeaders, ClientOptions, ServerOptions},
};
use tonic::transport::{
    Server,
    server::{TcpConnectInfo, TcpIncoming},
};
use tower::{Layer, ServiceExt, util::MapRequestLayer};

use super::{Sides, Told, client, echo::Echo, hang, peer, unary};
use crate::{
    measured::{counts, measured},
    support::{Telemetry, ask, attributes, expected, serve},
};

#[tokio::test]
async fn one_layer_tells_requests_and_calls_each_in_their_words() {
    // H-100, H-030
    let telemetry = Telemetry::new();
    let router = Router::new()
        .route("/users/{id}", get(async || "ada"))
        .route_service("/test.Echo/{*rest}", Echo::default())
        .layer(telemetry.server());
    let address = serve(router).await;
    let quiet = Telemetry::new();
    let mut client = client(&quiet.client(), address);
    unary(&mut client, "/test.Echo/Unary", tonic::Request::new("hello".into())).await.unwrap();
    ask(address, "GET /users/7 HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n").await;
    // gRPC-Web has its status inside the body.
    let web = "POST /test.Echo/Unary HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\
               content-type: application/grpc-web+proto\r\ncontent-length: 0\r\n\r\n";
    ask(address, web).await;
    let spans: [_; 3] = telemetry.spans().await;
    assert_eq!(
        spans.map(|span| span.name),
        ["test.Echo/Unary", "GET /users/{id}", "POST /test.Echo/{*rest}"]
    );
    let names = Vec::from_iter(measured(&telemetry).into_keys());
    assert_eq!(names, ["http.server.request.duration", "rpc.server.call.duration"]);
    let request = |method: &'static str, route: &'static str| {
        let told = expected([
            ("http.request.method", method.into()),
            ("url.scheme", "http".into()),
            ("http.route", route.into()),
            ("network.protocol.version", "1.1".into()),
            ("http.response.status_code", 200.into()),
        ]);
        (told, 1)
    };
    assert_eq!(
        counts(&telemetry, "http.server.request.duration"),
        [request("GET", "/users/{id}"), request("POST", "/test.Echo/{*rest}")]
    );
}

/// Serves the service by tonic's own server.
fn serve_by_tonic(telemetry: &Telemetry) -> SocketAddr {
    let incoming = TcpIncoming::bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let address = incoming.local_addr().unwrap();
    // As the page of `Peer` has it: tonic knows it in its own way.
    let peer = MapRequestLayer::new(|mut request: http::Request<tonic::body::Body>| {
        let info = request.extensions().get::<TcpConnectInfo>();
        if let Some(address) = info.and_then(TcpConnectInfo::remote_addr) {
            request.extensions_mut().insert(Peer::Socket(address));
        }
        request
    });
    let server = Server::builder().layer(peer).layer(telemetry.server()).add_service(Echo::default());
    tokio::spawn(server.serve_with_incoming(incoming));
    address
}

#[tokio::test]
async fn tonics_own_server_takes_the_layer() {
    // H-100, H-102, H-103
    let mut sides = Sides::new().await;
    sides.address = serve_by_tonic(&sides.served);
    sides.client = client(&sides.called.client(), sides.address);
    sides.unary("/test.Echo/Unary", "hello").await.unwrap();
    let (server, client) = sides.told().await;
    let method = "test.Echo/Unary";
    assert_eq!(server, Told::new(method, false, sides.call(method, "OK", [peer()])));
    assert_eq!(client, Told::new(method, false, sides.call(method, "OK", [])));
}

#[tokio::test]
async fn a_deadline_that_tonics_own_server_keeps_is_told_as_such() {
    // H-102
    let mut sides = Sides::new().await;
    sides.address = serve_by_tonic(&sides.served);
    hang(sides.address).await;
    let [server] = sides.served.spans().await;
    let claimed = [
        peer(),
        ("rpc.method_original", "test.Echo/Unary".into()),
        ("error.type", "DEADLINE_EXCEEDED".into()),
    ];
    assert_eq!(
        Told::of(&server),
        Told::new("grpc", true, sides.call("_OTHER", "DEADLINE_EXCEEDED", claimed))
    );
}

#[tokio::test]
async fn metadata_is_told_where_it_is_asked_for() {
    // H-103, H-070, H-071
    let (served, called) = (Telemetry::new(), Telemetry::new());
    let asked = || CapturedHeaders::new(["x-tenant", "authorization", "x-none"]).unwrap();
    let answered = || CapturedHeaders::new(["x-reply", "x-none"]).unwrap();
    let (mut server_options, mut client_options) = (ServerOptions::default(), ClientOptions::default());
    (server_options.request_headers, server_options.response_headers) = (asked(), answered());
    (client_options.request_headers, client_options.response_headers) = (asked(), answered());
    // What is measured of requests alone is not measured of calls.
    (server_options.body_sizes, server_options.active_requests) = (true, true);
    (client_options.body_sizes, client_options.active_requests) = (true, true);
    let router = Router::new()
        .route_service("/test.Echo/{*rest}", Echo::default())
        .layer(served.server().with_options(server_options));
    let address = serve(router).await;
    let mut client = client(&called.client().with_options(client_options), address);
    let mut request = tonic::Request::new("hello".to_owned());
    request.metadata_mut().append("x-tenant", "one".parse().unwrap());
    request.metadata_mut().append("x-tenant", "two".parse().unwrap());
    request.metadata_mut().insert("authorization", "Bearer secret".parse().unwrap());
    unary(&mut client, "/test.Echo/Unary", request).await.unwrap();

    let list = |values: &[&'static str]| {
        Value::Array(Array::String(values.iter().map(|value| (*value).into()).collect()))
    };
    for [span] in [served.spans().await, called.spans().await] {
        let mut told = attributes(&span.attributes);
        if span.span_kind == SpanKind::Server {
            assert!(
                told.remove("network.peer.address").is_some() && told.remove("network.peer.port").is_some()
            );
        }
        assert_eq!(
            told,
            expected([
                ("rpc.system.name", "grpc".into()),
                ("rpc.method", "test.Echo/Unary".into()),
                ("rpc.response.status_code", "OK".into()),
                ("server.address", "127.0.0.1".into()),
                ("server.port", i64::from(address.port()).into()),
                ("rpc.request.metadata.x-tenant", list(&["one", "two"])),
                ("rpc.request.metadata.authorization", list(&["REDACTED"])),
                ("rpc.response.metadata.x-reply", list(&["first", "second"])),
            ])
        );
    }
    assert_eq!(Vec::from_iter(measured(&served).into_keys()), ["rpc.server.call.duration"]);
    assert_eq!(Vec::from_iter(measured(&called).into_keys()), ["rpc.client.call.duration"]);
}

/// A call as it comes over HTTP/1.1, with a method of this many letters.
fn call(letters: usize) -> http::Request<Empty<Bytes>> {
    let request = http::Request::post(format!("/test.Echo/{}", "m".repeat(letters)));
    let request = request.header("content-type", "application/grpc").header("host", "chosen.example:81");
    request.extension(Attempts::default()).body(Empty::new()).unwrap()
}

/// Answers without a status of gRPC's.
async fn answer(_: http::Request<Empty<Bytes>>) -> Result<http::Response<Empty<Bytes>>, Infallible> {
    Ok(http::Response::new(Empty::new()))
}

#[tokio::test]
async fn a_servers_call_tells_no_host_that_is_not_its_authority_and_of_its_method_no_more_than_the_limit() {
    // H-100, H-103
    let telemetry = Telemetry::new();
    telemetry.server().layer(tower::service_fn(answer)).oneshot(call(8000)).await.unwrap();
    let [span] = telemetry.spans().await;
    let told = expected([
        ("rpc.system.name", "grpc".into()),
        ("rpc.method", "_OTHER".into()),
        ("rpc.method_original", format!("test.Echo/{}", "m".repeat(4096 - 10)).into()),
        ("rpc.response.status_code", "UNKNOWN".into()),
        ("error.type", "UNKNOWN".into()),
    ]);
    assert_eq!(attributes(&span.attributes), told);
}

#[tokio::test]
async fn a_clients_call_has_nothing_of_the_words_of_http() {
    // H-011, H-021, H-104
    let telemetry = Telemetry::new();
    let mut options = ClientOptions::default();
    options.known_methods = Vec::new();
    let client = telemetry.client().with_options(options).layer(tower::service_fn(answer));
    let first = call(1);
    let mut again = call(1);
    *again.extensions_mut() = first.extensions().clone();
    client.clone().oneshot(first).await.unwrap();
    client.oneshot(again).await.unwrap();
    let told = expected([
        ("rpc.system.name", "grpc".into()),
        ("rpc.method", "test.Echo/m".into()),
        ("rpc.response.status_code", "UNKNOWN".into()),
        ("server.address", "chosen.example".into()),
        ("server.port", 81.into()),
        ("error.type", "UNKNOWN".into()),
    ]);
    for span in telemetry.spans::<2>().await {
        assert_eq!(attributes(&span.attributes), told);
    }
}
