//! One request that arrives is one SERVER span and one duration, with the same end.

use std::{
    net::SocketAddr,
    sync::atomic::{AtomicUsize, Ordering},
};

use axum::{
    Router,
    body::Body,
    extract::ConnectInfo,
    http::StatusCode,
    response::IntoResponse,
    routing::{any, get},
};
use bytes::Bytes;
use http::{Request, Response, Version};
use http_body_util::{BodyExt, Empty};
use opentelemetry::{
    Context,
    trace::{SpanId, SpanKind, Status, TraceContextExt},
};
use throughline_middleware::Route;
use tower::{Layer, ServiceExt};

use crate::support::{Series, Telemetry, ask, attributes, expected, fetch, get_request, respond, serve};

const BOUNDS: [f64; 14] = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0];

#[tokio::test]
async fn a_matched_route_is_told_with_all_its_attributes_and_no_others() {
    // H-001, H-002, H-006, H-030, H-031, H-035, H-036, H-037, H-038, H-039, H-040, H-041, H-042, H-043, H-044,
    // H-051, H-061, H-065, H-075, H-07B, H-080, H-084, H-08E: forwarding headers, which anybody can send, are not
    // believed
    let telemetry = Telemetry::new();
    let router = Router::new().route("/users/{id}", get(|| async { "ada" })).layer(telemetry.server());
    let (peer, response) = ask(
        serve(router).await,
        "GET /users/42?color=blue&sig=abc HTTP/1.1\r\nhost: api.example.com:8443\r\nuser-agent: curl/8\r\n\
         authorization: Bearer secret\r\nx-forwarded-for: 10.0.0.7\r\nx-forwarded-proto: https\r\n\
         forwarded: for=10.0.0.7;host=evil\r\nconnection: close\r\n\r\n",
    )
    .await;
    assert!(response.starts_with("HTTP/1.1 200 OK"));

    let [span] = telemetry.spans().await;
    assert_eq!(span.name, "GET /users/{id}");
    assert_eq!(span.span_kind, SpanKind::Server);
    assert_eq!(span.status, Status::Unset);
    assert_eq!(span.parent_span_id, SpanId::INVALID);
    assert_eq!((span.events.len(), span.links.len()), (0, 0));
    assert_eq!(span.instrumentation_scope.name(), "throughline");
    assert_eq!(span.instrumentation_scope.version(), Some(env!("CARGO_PKG_VERSION")));
    assert_eq!(span.instrumentation_scope.schema_url(), Some("https://opentelemetry.io/schemas/1.42.0"));
    assert_eq!(
        attributes(&span.attributes),
        expected([
            ("http.request.method", "GET".into()),
            ("url.scheme", "http".into()),
            ("url.path", "/users/42".into()),
            ("url.query", "color=blue&sig=REDACTED".into()),
            ("http.route", "/users/{id}".into()),
            ("server.address", "api.example.com".into()),
            ("server.port", 8443.into()),
            ("client.address", "127.0.0.1".into()),
            ("network.peer.address", "127.0.0.1".into()),
            ("network.peer.port", i64::from(peer.port()).into()),
            ("network.protocol.version", "1.1".into()),
            ("user_agent.original", "curl/8".into()),
            ("http.response.status_code", 200.into()),
        ])
    );
    let duration = span.end_time.duration_since(span.start_time).unwrap();
    assert_eq!(
        telemetry.served(),
        [Series {
            attributes: expected([
                ("http.request.method", "GET".into()),
                ("url.scheme", "http".into()),
                ("http.route", "/users/{id}".into()),
                ("http.response.status_code", 200.into()),
                ("network.protocol.version", "1.1".into()),
            ]),
            count: 1,
            sum: duration.as_secs_f64(),
            bounds: BOUNDS.to_vec(),
        }]
    );
}

#[tokio::test]
async fn requests_without_a_route_are_one_series_however_many_paths_there_are() {
    // H-004, H-076, H-088
    let telemetry = Telemetry::new();
    let router = Router::new().route("/users/{id}", get(|| async { "ada" })).layer(telemetry.server());
    for path in 0..50 {
        let request = Request::get(format!("/nope/{path}")).body(Body::empty()).unwrap();
        router.clone().oneshot(request).await.unwrap().collect().await.unwrap();
    }
    let spans: [_; 50] = telemetry.spans().await;
    assert_eq!(spans[7].name, "GET");
    assert_eq!(spans[7].status, Status::Unset);
    assert_eq!(
        attributes(&spans[7].attributes),
        expected([
            ("http.request.method", "GET".into()),
            ("url.scheme", "http".into()),
            ("url.path", "/nope/7".into()),
            ("network.protocol.version", "1.1".into()),
            ("http.response.status_code", 404.into()),
        ])
    );
    let series = telemetry.served();
    assert_eq!(series.len(), 1);
    assert_eq!(series[0].count, 50);
    assert_eq!(
        series[0].attributes,
        expected([
            ("http.request.method", "GET".into()),
            ("url.scheme", "http".into()),
            ("network.protocol.version", "1.1".into()),
            ("http.response.status_code", 404.into()),
        ])
    );
}

#[tokio::test]
async fn an_unknown_method_is_other_and_only_the_span_knows_its_name() {
    // H-003, H-020, H-021, H-024, H-034
    let telemetry = Telemetry::new();
    let router = Router::new().route("/pots/{id}", any(|| async { "coffee" })).layer(telemetry.server());
    ask(serve(router).await, "BREW /pots/1 HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n").await;
    let [span] = telemetry.spans().await;
    assert_eq!(span.name, "HTTP /pots/{id}");
    let told = attributes(&span.attributes);
    assert_eq!(told["http.request.method"], "_OTHER".into());
    assert_eq!(told["http.request.method_original"], "BREW".into());
    assert_eq!(
        telemetry.served()[0].attributes,
        expected([
            ("http.request.method", "_OTHER".into()),
            ("url.scheme", "http".into()),
            ("http.route", "/pots/{id}".into()),
            ("network.protocol.version", "1.1".into()),
            ("http.response.status_code", 200.into()),
        ])
    );
}

#[tokio::test]
async fn only_codes_from_500_on_are_a_servers_error() {
    // H-033, H-075, H-076, H-077, H-078, H-07B
    for (code, error) in [
        (200, None),
        (302, None),
        (400, None),
        (404, None),
        (499, None),
        (500, Some("500")),
        (503, Some("503")),
        (600, Some("600")),
    ] {
        let telemetry = Telemetry::new();
        let status = StatusCode::from_u16(code).unwrap();
        let service = telemetry.server().layer(respond(move || status.into_response()));
        service.oneshot(Request::new(())).await.unwrap().collect().await.unwrap();
        let [span] = telemetry.spans().await;
        assert_eq!(span.status, if error.is_some() { Status::error("") } else { Status::Unset }, "{code}");
        let told = attributes(&span.attributes);
        assert_eq!(told["http.response.status_code"], i64::from(code).into());
        assert_eq!(told.get("error.type"), error.map(Into::into).as_ref());
        let measured = &telemetry.served()[0].attributes;
        assert_eq!(measured["http.response.status_code"], i64::from(code).into());
        assert_eq!(measured.get("error.type"), error.map(Into::into).as_ref());
    }
}

#[tokio::test]
async fn host_and_port_are_what_the_caller_wrote() {
    // H-061, H-062
    let host = |target: &str, host: &str| {
        format!("GET {target} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n")
    };
    for (request, address, port) in [
        (host("/", "example.com:8080"), Some("example.com"), Some(8080)),
        (host("/", "example.com"), Some("example.com"), None),
        (host("/", "[2001:db8::1]:8080"), Some("2001:db8::1"), Some(8080)),
        (host("http://h:81/", "other:82"), Some("h"), Some(81)),
        (host("/", "not a host"), None, None),
        (String::from("GET / HTTP/1.0\r\n\r\n"), None, None),
    ] {
        let telemetry = Telemetry::new();
        let router = Router::new().route("/", get(|| async {})).layer(telemetry.server());
        ask(serve(router).await, &request).await;
        let [span] = telemetry.spans().await;
        let told = attributes(&span.attributes);
        assert_eq!(told.get("server.address"), address.map(Into::into).as_ref(), "{request}");
        assert_eq!(told.get("server.port"), port.map(|port: i64| port.into()).as_ref(), "{request}");
        assert_eq!(told["url.scheme"], "http".into());
    }
}

#[tokio::test]
async fn http2_is_told_with_its_version_and_its_authority() {
    // H-042, H-060
    let telemetry = Telemetry::new();
    let address = serve(Router::new().route("/", get(|| async { "two" })).layer(telemetry.server())).await;
    let request = Request::get(format!("http://{address}/")).version(Version::HTTP_2);
    fetch(request.body(Empty::new()).unwrap()).await.unwrap().collect().await.unwrap();
    let [span] = telemetry.spans().await;
    let mut told = attributes(&span.attributes);
    assert!(told.remove("network.peer.port").is_some());
    assert_eq!(
        told,
        expected([
            ("http.request.method", "GET".into()),
            ("url.scheme", "http".into()),
            ("url.path", "/".into()),
            ("http.route", "/".into()),
            ("server.address", "127.0.0.1".into()),
            ("server.port", i64::from(address.port()).into()),
            ("client.address", "127.0.0.1".into()),
            ("network.peer.address", "127.0.0.1".into()),
            ("network.protocol.version", "2".into()),
            ("http.response.status_code", 200.into()),
        ])
    );
}

#[tokio::test]
async fn a_mapped_peer_is_told_as_the_ipv4_address_it_is() {
    // H-040, H-041
    let telemetry = Telemetry::new();
    let router = Router::new().layer(telemetry.server());
    let peer: SocketAddr = "[::ffff:192.0.2.60]:4711".parse().unwrap();
    let request = Request::get("https://h/").extension(ConnectInfo(peer)).body(Body::empty()).unwrap();
    router.oneshot(request).await.unwrap();
    let [span] = telemetry.spans().await;
    let told = attributes(&span.attributes);
    assert_eq!(told["client.address"], "192.0.2.60".into());
    assert_eq!(told["network.peer.address"], "192.0.2.60".into());
    assert_eq!(told["network.peer.port"], 4711.into());
    // H-032
    assert_eq!(told["url.scheme"], "https".into());
}

#[tokio::test]
async fn values_from_outside_are_cut_and_need_not_be_text() {
    // H-044
    let telemetry = Telemetry::new();
    let router = Router::new().fallback(|| async {}).layer(telemetry.server());
    let request = format!("GET /{0}?{0} HTTP/1.1\r\nconnection: close\r\nuser-agent: ", "a".repeat(20_000));
    let request = [request.as_bytes(), b"agent \xff", b"\r\nhost: \xff\xfe\r\n\r\n"].concat();
    ask(serve(router).await, request).await;
    let [span] = telemetry.spans().await;
    let told = attributes(&span.attributes);
    assert_eq!(told["user_agent.original"], "agent \u{fffd}".into());
    assert_eq!(told["url.path"].as_str().len(), 4096);
    assert_eq!(told["url.query"].as_str().len(), 4096);
    assert!(!told.contains_key("server.address"));
}

#[tokio::test]
async fn a_route_that_becomes_known_late_names_the_span() {
    // H-005
    let telemetry = Telemetry::new();
    let service = telemetry.server().layer(respond(|| {
        let mut response = Response::new(Empty::<Bytes>::new());
        response.extensions_mut().insert(Route::new("/late/{id}"));
        response
    }));
    let mut request = Request::get("/late/1").body(()).unwrap();
    service.clone().oneshot(request.clone()).await.unwrap();
    request.extensions_mut().insert(Route::new("/early/{id}"));
    service.oneshot(request.clone()).await.unwrap();
    let early = telemetry.server().layer(respond(|| Response::new(Empty::<Bytes>::new())));
    early.oneshot(request).await.unwrap();
    let spans: [_; 3] = telemetry.spans().await;
    for (span, route) in spans.iter().zip(["/late/{id}", "/late/{id}", "/early/{id}"]) {
        assert_eq!(span.name, format!("GET {route}"));
        assert_eq!(attributes(&span.attributes)["http.route"], route.into());
    }
    let mut routes =
        Vec::from_iter(telemetry.served().into_iter().map(|series| series.attributes["http.route"].clone()));
    routes.sort_by_key(ToString::to_string);
    assert_eq!(routes, ["/early/{id}".into(), "/late/{id}".into()]);
}

#[tokio::test]
async fn a_status_that_the_user_set_stays() {
    // H-07D
    let telemetry = Telemetry::new();
    let service = telemetry.server().layer(respond(|| {
        Context::current().span().set_status(Status::Ok);
        StatusCode::INTERNAL_SERVER_ERROR.into_response()
    }));
    service.oneshot(Request::new(())).await.unwrap().collect().await.unwrap();
    let [span] = telemetry.spans().await;
    assert_eq!(span.status, Status::Ok);
}

// H-041: absent without connect info, and that is said, once
#[tokio::test]
async fn a_missing_peer_is_noticed_once_and_one_that_is_there_never() {
    static NOTICES: AtomicUsize = AtomicUsize::new(0);
    let telemetry = Telemetry::new();
    let layer = || {
        telemetry.server().on_notice(|text| {
            assert!(text.contains("into_make_service_with_connect_info"));
            NOTICES.fetch_add(1, Ordering::Relaxed);
        })
    };
    let address = serve(Router::new().layer(layer())).await;
    ask(address, get_request("/known")).await;
    assert_eq!(NOTICES.load(Ordering::Relaxed), 0);

    let router = Router::new().route("/", get(|| async {})).layer(layer());
    for _ in 0..3 {
        let request = Request::get("/").body(Body::empty()).unwrap();
        drop(router.clone().oneshot(request).await.unwrap());
    }
    assert_eq!(NOTICES.load(Ordering::Relaxed), 1);
}

// H-036: what no router says, nobody knows; that the layer is at the wrong place for it is said, once
#[tokio::test]
async fn a_layer_around_a_router_is_told_where_it_belongs() {
    static NOTICES: AtomicUsize = AtomicUsize::new(0);
    let telemetry = Telemetry::new();
    let layer = || {
        telemetry.server().on_notice(|text| {
            NOTICES.fetch_add(usize::from(text.contains("its last Router::layer")), Ordering::Relaxed);
        })
    };
    let request = |path: &str| Request::get(path).body(Body::empty()).unwrap();
    let router = Router::new().route("/", get(|| async {}));
    let route = |mut response: Response<Body>| {
        response.extensions_mut().insert(Route::new("/"));
        response
    };
    // Where it belongs, a route of the program's own, and what nobody serves.
    drop(router.clone().fallback(|| async {}).layer(layer()).oneshot(request("/other")).await.unwrap());
    drop(layer().layer(router.clone()).oneshot(request("/nowhere")).await.unwrap());
    let told = tower::ServiceExt::<Request<Body>>::map_response(router.clone(), route);
    drop(layer().layer(told).oneshot(request("/")).await.unwrap());
    assert_eq!(NOTICES.load(Ordering::Relaxed), 0);

    let around = layer().layer(router);
    for _ in 0..3 {
        drop(around.clone().oneshot(request("/")).await.unwrap());
    }
    assert_eq!(NOTICES.load(Ordering::Relaxed), 1);
}
