//! What the variables of the layers say is what is told of requests.

use crate::support::{
    HttpClient, PATIENCE, ask,
    child::Process,
    client,
    here::{self, SAMPLED as CALLER},
    receiver::{Decoded, Receiver, attributes, hex},
    request, serve, until,
};
use axum::{
    Router,
    body::Body,
    extract::State,
    http::{HeaderMap, Request},
    routing,
};
use http_body_util::BodyExt;
use std::{
    collections::{BTreeMap, BTreeSet},
    net::SocketAddr,
};
use throughline::{Config, Telemetry, middleware::ClientService};
use tower::{ServiceBuilder, ServiceExt};

type Called = (ClientService<HttpClient>, SocketAddr);

/// Telemetry by these variables, without a fault unless one is expected, and where it goes.
async fn telemetry(vars: &[(&str, &str)], faults: usize) -> (Receiver, Telemetry) {
    let receiver = Receiver::start();
    let endpoint = receiver.http_endpoint();
    let vars = vars.iter().copied().chain([("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint.as_str())]);
    let config = Config::from_vars(vars);
    assert_eq!(config.faults().len(), faults, "{:?}", config.faults());
    (receiver, Telemetry::build(config).unwrap())
}

fn expected<const N: usize>(pairs: [(&str, &str); N]) -> BTreeMap<String, String> {
    pairs.map(|(key, value)| (key.to_owned(), value.to_owned())).into()
}

/// Calls the service behind and answers what that was sent.
async fn relay(State((client, behind)): State<Called>) -> String {
    let call = Request::builder().method("BREW").uri(format!("http://{behind}/?token=a&sig=b"));
    let call = call.header("x-call", "1").header("content-length", "4").body("milk".into()).unwrap();
    let response = client.oneshot(call).await.unwrap();
    String::from_utf8(response.into_body().collect().await.unwrap().to_bytes().to_vec()).unwrap()
}

// H-022, H-032, H-046, H-052, H-053, H-063, H-065, H-074, H-082, H-083, H-08A, H-08B, P-035
#[tokio::test]
async fn what_the_variables_say_is_on_the_wire() {
    let vars = [
        ("OTEL_INSTRUMENTATION_HTTP_KNOWN_METHODS", "BREW"),
        ("OTEL_INSTRUMENTATION_HTTP_SERVER_CAPTURE_REQUEST_HEADERS", "X-Request-Id,cookie"),
        ("OTEL_INSTRUMENTATION_HTTP_SERVER_CAPTURE_RESPONSE_HEADERS", "content-type"),
        ("OTEL_INSTRUMENTATION_HTTP_CLIENT_CAPTURE_REQUEST_HEADERS", "x-call"),
        ("OTEL_INSTRUMENTATION_HTTP_CLIENT_CAPTURE_RESPONSE_HEADERS", "x-answer"),
        ("THROUGHLINE_TRUSTED_PROXIES", "10.0.0.0/8,127.0.0.1"),
        ("THROUGHLINE_PROXY_HEADERS", "forwarded"),
        ("THROUGHLINE_SERVER_SCHEME", "https"),
        ("THROUGHLINE_EXCLUDED_PATHS", "/healthz,/internal/*"),
        ("THROUGHLINE_SERVER_TIMING", "true"),
        ("THROUGHLINE_OMITTED_ATTRIBUTES", "network.peer.port,server.address,server.port"),
        ("THROUGHLINE_SENSITIVE_QUERY_KEYS", "token"),
        ("THROUGHLINE_ACTIVE_REQUESTS", "1"),
        ("THROUGHLINE_BODY_SIZES", "1"),
        ("THROUGHLINE_INJECTED_HOSTS", "!127.0.0.1"),
    ];
    let (receiver, telemetry) = telemetry(&vars, 0).await;
    let behind = routing::any(|headers: HeaderMap| async move {
        let carried = ["traceparent", "baggage"].map(|name| headers.contains_key(name));
        let body = tokio_stream::once(Ok::<_, std::io::Error>(format!("{carried:?}")));
        ([("x-answer", "2")], Body::from_stream(body)) // of unknown length
    });
    let behind = serve(Router::new().route("/", behind)).await;
    let client = ServiceBuilder::new().layer(telemetry.client_layer()).service(client());
    let app = Router::new()
        .route("/items/{id}", routing::any(relay).with_state((client, behind)))
        .route("/healthz", routing::get(|| async {}))
        .route("/internal/{*rest}", routing::get(|| async {}))
        .layer(telemetry.server_layer());
    let address = serve(app).await;

    for path in ["healthz", "internal/metrics"] {
        let response = ask(request("GET", format!("http://{address}/{path}"), &[])).await.unwrap();
        assert!(!response.headers().contains_key("server-timing"), "{path}");
    }
    let headers = [
        CALLER,
        ("baggage", "tenant=a"),
        ("x-request-id", "7"),
        ("cookie", "session=hush"),
        ("user-agent", "test"),
        ("forwarded", "for=192.0.2.60;proto=http"),
        ("x-forwarded-for", "203.0.113.43"),
    ];
    let url = format!("http://{address}/items/7?token=hush&sig=b");
    let response = ask(request("BREW", url.clone(), &headers)).await.unwrap();
    let timing = response.headers()["server-timing"].to_str().unwrap().to_owned();
    let carried = response.into_body().collect().await.unwrap().to_bytes();
    assert_eq!(carried, "[false, false]", "no ids for a host that is excepted");
    ask(request("GET", url, &[])).await.unwrap().into_body().collect().await.unwrap();
    telemetry.shutdown(PATIENCE).await.unwrap();

    let spans = receiver.spans();
    let mut names = Vec::from_iter(spans.iter().map(|(_, span)| span.name.as_str()));
    names.sort_unstable();
    assert_eq!(names, ["BREW", "BREW", "BREW /items/{id}", "HTTP /items/{id}"]);
    let (_, server) = spans.iter().find(|(_, span)| span.name == "BREW /items/{id}").unwrap();
    let (_, client) = spans.iter().find(|(_, span)| span.parent_span_id == server.span_id).unwrap();
    assert_eq!(timing, format!("trace;desc=00-{}-{}-01", hex(&server.trace_id), hex(&server.span_id)));
    let list = |value| {
        format!(
            "Some(ArrayValue(ArrayValue {{ values: [AnyValue {{ value: Some(StringValue({value:?})) }}] }}))"
        )
    };
    assert_eq!(
        attributes(&server.attributes),
        expected([
            ("http.request.method", "\"BREW\""),
            ("http.request.header.x-request-id", &list("7")),
            ("http.request.header.cookie", &list("REDACTED")),
            ("http.response.header.content-type", &list("text/plain; charset=utf-8")),
            ("http.response.status_code", "200"),
            ("http.route", "\"/items/{id}\""),
            ("http.response.body.size", "14"),
            ("url.path", "\"/items/7\""),
            ("url.query", "\"token=REDACTED&sig=b\""),
            ("url.scheme", "\"http\""),
            ("client.address", "\"192.0.2.60\""),
            ("network.peer.address", "\"127.0.0.1\""),
            ("network.protocol.version", "\"1.1\""),
            ("user_agent.original", "\"test\""),
        ])
    );
    assert_eq!(
        attributes(&client.attributes),
        expected([
            ("http.request.method", "\"BREW\""),
            ("http.request.header.x-call", &list("1")),
            ("http.response.header.x-answer", &list("2")),
            ("http.request.body.size", "4"),
            ("http.response.status_code", "200"),
            ("url.full", &format!("\"http://{behind}/?token=REDACTED&sig=b\"")),
            ("network.protocol.version", "\"1.1\""),
        ])
    );
    let (_, other) = spans.iter().find(|(_, span)| span.name == "HTTP /items/{id}").unwrap();
    let told = attributes(&other.attributes);
    assert_eq!(
        ["http.request.method", "http.request.method_original", "url.scheme", "client.address"]
            .map(|key| told[key].as_str()),
        ["\"_OTHER\"", "\"GET\"", "\"https\"", "\"127.0.0.1\""]
    );
    let metrics = BTreeSet::from_iter(receiver.metrics().into_iter().map(|(_, metric)| metric.name));
    let names = [
        "http.server.active_requests",
        "http.server.request.duration",
        "http.server.response.body.size",
        "http.client.active_requests",
        "http.client.request.duration",
        "http.client.request.body.size",
    ];
    assert_eq!(metrics, names.map(String::from).into());
}

// P-034
#[tokio::test]
async fn a_public_endpoint_links_to_its_callers() {
    for (value, faults) in [("true", 0), ("on", 1)] {
        let (receiver, telemetry) = telemetry(&[("THROUGHLINE_PUBLIC_ENDPOINT", value)], faults).await;
        let app = Router::new().route("/", routing::get(|| async {})).layer(telemetry.server_layer());
        let address = serve(app).await;
        ask(request("GET", format!("http://{address}/"), &[CALLER])).await.unwrap();
        telemetry.shutdown(PATIENCE).await.unwrap();
        let spans = receiver.spans();
        let [(_, span)] = &spans[..] else { panic!("one span: {spans:?}") };
        let [link] = &span.links[..] else { panic!("one link: {span:?}") };
        assert_eq!(hex(&link.trace_id), "4bf92f3577b34da6a3ce929d0e0e4736");
        assert!(span.trace_id != link.trace_id && span.parent_span_id.is_empty());
    }
}

// H-065
#[tokio::test]
async fn proxies_that_cannot_be_understood_are_not_believed() {
    let (receiver, telemetry) = telemetry(&[("THROUGHLINE_TRUSTED_PROXIES", "127.0.0.1,10/8")], 1).await;
    let app = Router::new().route("/", routing::get(|| async {})).layer(telemetry.server_layer());
    let address = serve(app).await;
    ask(request("GET", format!("http://{address}/"), &[("x-forwarded-for", "192.0.2.60")])).await.unwrap();
    telemetry.shutdown(PATIENCE).await.unwrap();
    assert_eq!(attributes(&receiver.spans()[0].1.attributes)["client.address"], "\"127.0.0.1\"");
}

// H-091
#[tokio::test]
async fn exceptions_are_told_with_or_without_their_message() {
    for (value, told) in [("", Some("\"out of tea\"")), ("false", None)] {
        let (receiver, telemetry) = telemetry(&[("THROUGHLINE_EXCEPTION_MESSAGES", value)], 0).await;
        #[expect(unreachable_code, reason = "the handler has the type of one that answers")]
        async fn explode() -> &'static str {
            panic!("out of tea");
            ""
        }
        let app = Router::new().route("/", routing::get(explode)).layer(telemetry.server_layer());
        let address = serve(app).await;
        assert!(ask(request("GET", format!("http://{address}/"), &[])).await.is_none());
        telemetry.shutdown(PATIENCE).await.unwrap();
        let logs = receiver.logs();
        let [(_, record)] = &logs[..] else { panic!("one record: {logs:?}") };
        let pairs = [("exception.type", "\"panic\"")].into_iter();
        let pairs = pairs.chain(told.map(|told| ("exception.message", told)));
        let expected = BTreeMap::from_iter(pairs.map(|(key, value)| (key.to_owned(), value.to_owned())));
        assert_eq!(attributes(&record.attributes), expected);
        assert_eq!(record.event_name, "http.server.request.exception");
    }
}

// H-004, H-006, H-009
#[tokio::test]
async fn the_example_tells_of_nests_fallbacks_streams_and_what_its_code_adds() {
    let receiver = Receiver::start();
    let endpoint = receiver.http_endpoint();
    let variables = [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint.as_str()),
        ("OTEL_BSP_SCHEDULE_DELAY", "50"),
        ("OTEL_BLRP_SCHEDULE_DELAY", "50"),
        ("THROUGHLINE_OMITTED_ATTRIBUTES", "network.peer.port,server.port"),
    ];
    let example = Process::example("options", &["127.0.0.1:0"], &variables);
    let line = example.line(&["curl http://", "/healthz"]).await;
    let base = line.split_whitespace().nth(1).unwrap().strip_suffix("/healthz").unwrap().to_owned();
    let get = async |path: &str, headers: &[(&str, &str)]| {
        let response = ask(request("GET", format!("{base}{path}"), headers)).await.unwrap();
        let (status, timed) = (response.status().as_u16(), response.headers().contains_key("server-timing"));
        let body = response.into_body().collect().await.unwrap().to_bytes();
        (status, timed, String::from_utf8(body.to_vec()).unwrap())
    };
    assert_eq!(get("/healthz", &[CALLER]).await, (200, false, String::new()));
    assert_eq!(get("/nowhere", &[CALLER]).await, (404, true, "no such page\n".into()));
    let headers = [CALLER, ("x-tenant", "blue"), ("x-request-id", "8")];
    assert_eq!(get("/api/orders/7", &headers).await, (200, true, "order 7\n".into()));
    let events = get("/api/orders/7/events", &[CALLER]).await;
    assert_eq!(events, (200, true, "data: packed\n\ndata: shipped\n\n".into()));
    until("four spans and two records of the stream", || async {
        let told = receiver.logs().into_iter().filter(|(_, record)| !record.trace_id.is_empty());
        (receiver.spans().len() >= 4 && told.count() >= 2).then_some(())
    })
    .await;

    let served = |name: &str, path: &str, status: &str, more: &[(&str, &str)]| {
        let told = [
            ("http.request.method", "\"GET\""),
            ("http.response.status_code", status),
            ("url.path", path),
            ("url.scheme", "\"http\""),
            ("server.address", "\"127.0.0.1\""),
            ("client.address", "\"127.0.0.1\""),
            ("network.peer.address", "\"127.0.0.1\""),
            ("network.protocol.version", "\"1.1\""),
        ];
        here::span(name, here::CALLER, 0, &[&told[..], more].concat())
    };
    let list = "Some(ArrayValue(ArrayValue { values: [AnyValue { value: Some(StringValue(\"8\")) }] }))";
    let order = [
        ("http.route", "\"/api/orders/{id}\""),
        ("http.request.header.x-request-id", list),
        ("app.tenant", "\"blue\""),
        ("app.order.id", "7"),
    ];
    let stream = [("http.route", "\"/api/orders/{id}/events\"")];
    assert_eq!(
        here::spans(&receiver, here::SERVER),
        [
            served("GET", "\"/nowhere\"", "404", &[]),
            served("GET /api/orders/{id}", "\"/api/orders/7\"", "200", &order),
            served("GET /api/orders/{id}/events", "\"/api/orders/7/events\"", "200", &stream),
        ]
    );
    let inner = here::span("order", "GET /api/orders/{id}", 0, &[("id", "\"7\"")]);
    assert_eq!(here::spans(&receiver, here::INTERNAL), [inner]);
}
