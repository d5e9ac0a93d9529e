//! Each option changes what it says and nothing else.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use axum::{
    Router,
    body::Body,
    extract::Request,
    routing::{any, get},
};
use http::{Response, Version};
use http_body_util::BodyExt;
use opentelemetry::{
    Context, KeyValue,
    trace::{FutureExt, SpanId, TraceContextExt, Tracer, TracerProvider},
};
use opentelemetry_sdk::trace::Sampler;
use throughline_middleware::{
    Route, ServerSpan,
    options::{OnRequest, ServerOptions},
};
use tower::ServiceExt;

use crate::support::{Attributes, Telemetry, ask, attributes, expected, get_request, serve};

fn options(change: impl FnOnce(&mut ServerOptions)) -> ServerOptions {
    let mut options = ServerOptions::default();
    change(&mut options);
    options
}

/// What a request of this target with an agent tells by default, sent with this port and answered with 200.
fn by_default(peer: u16) -> Attributes {
    expected([
        ("http.request.method", "GET".into()),
        ("url.scheme", "http".into()),
        ("url.path", "/users/42".into()),
        ("url.query", "token=1&sig=REDACTED".into()),
        ("http.route", "/users/{id}".into()),
        ("server.address", "h".into()),
        ("client.address", "127.0.0.1".into()),
        ("network.peer.address", "127.0.0.1".into()),
        ("network.peer.port", i64::from(peer).into()),
        ("network.protocol.version", "1.1".into()),
        ("user_agent.original", "curl/8".into()),
        ("http.response.status_code", 200.into()),
    ])
}

/// Sends that request through a layer with these options.
async fn told(options: ServerOptions) -> (Telemetry, String, Attributes, Attributes) {
    let telemetry = Telemetry::new();
    let router = Router::new().route("/users/{id}", any(async || "ada"));
    let address = serve(router.layer(telemetry.server().with_options(options))).await;
    let request = get_request("/users/42?token=1&sig=2").replace("host: h", "host: h\r\nuser-agent: curl/8");
    let (peer, _) = ask(address, request).await;
    let [span] = telemetry.spans().await;
    (telemetry, span.name.into_owned(), attributes(&span.attributes), by_default(peer.port()))
}

#[tokio::test]
async fn a_list_of_query_keys_replaces_the_standards() {
    // H-051, H-053
    for (keys, query) in [
        (vec!["token".into()], "token=REDACTED&sig=2"),
        (vec![], "token=1&sig=2"),
        (ServerOptions::default().sensitive_query_keys, "token=1&sig=REDACTED"),
    ] {
        let (_, _, told, mut expected) = told(options(|options| options.sensitive_query_keys = keys)).await;
        expected.insert("url.query".into(), query.into());
        assert_eq!(told, expected);
    }
}

#[tokio::test]
async fn a_list_of_methods_replaces_the_standards() {
    // H-003, H-020, H-021, H-024, H-034
    for (methods, method, name, original) in [
        (vec!["GET", "BREW"], "BREW", "BREW /pots/{id}", None),
        (vec!["GET", "BREW"], "POST", "HTTP /pots/{id}", Some("POST")),
        (vec![], "GET", "HTTP /pots/{id}", Some("GET")),
    ] {
        let telemetry = Telemetry::new();
        let router = Router::new().route("/pots/{id}", any(async || "coffee"));
        let methods = Vec::from_iter(methods.into_iter().map(String::from));
        let options = options(|options| options.known_methods = methods);
        let address = serve(router.layer(telemetry.server().with_options(options))).await;
        ask(address, get_request("/pots/1").replace("GET", method)).await;
        let [span] = telemetry.spans().await;
        assert_eq!(span.name, name);
        let told = attributes(&span.attributes);
        let expected = if original.is_some() { "_OTHER" } else { method };
        assert_eq!(told["http.request.method"], expected.into());
        assert_eq!(told.get("http.request.method_original"), original.map(Into::into).as_ref());
        let [(measured, 1)] = &telemetry.requests()[..] else { panic!("one request") };
        assert_eq!(measured["http.request.method"], expected.into());
        assert!(!measured.contains_key("http.request.method_original"));
    }
}

#[tokio::test]
async fn what_is_omitted_is_missing_of_the_span_and_stays_of_the_measurement() {
    // H-031, H-040, H-044, H-084
    let omitted = ["client.address", "url.query", "user_agent.original", "http.route"];
    let (telemetry, name, told, mut expected) =
        told(options(|options| options.omitted = omitted.map(String::from).to_vec())).await;
    expected.retain(|key, _| !omitted.contains(&key.as_str()));
    assert_eq!(told, expected);
    assert_eq!(name, "GET /users/{id}");
    let [(measured, 1)] = &telemetry.requests()[..] else { panic!("one request") };
    assert_eq!(measured["http.route"], "/users/{id}".into());
}

#[tokio::test]
async fn a_closure_may_name_a_span_and_replace_add_and_remove_what_it_tells() {
    // H-031, H-054
    let hook = OnRequest::new(|request, span| {
        assert_eq!((request.method.as_str(), request.uri.path()), ("GET", "/users/42"));
        assert_eq!((request.version, request.headers["host"].as_bytes()), (Version::HTTP_11, &b"h"[..]));
        assert!(request.extensions.get::<axum::extract::MatchedPath>().is_some());
        let told = span.attributes().iter().find(|attribute| attribute.key.as_str() == "url.path");
        assert_eq!(told.map(|told| told.value.to_string()), Some("/users/42".into()));
        span.rename("chosen");
        span.set(KeyValue::new("url.path", "/users/-"));
        span.set(KeyValue::new("app.tenant", "acme"));
        span.remove("user_agent.original");
    });
    let (telemetry, name, told, mut expected) =
        told(options(|options| options.on_request = Some(hook))).await;
    expected.insert("url.path".into(), "/users/-".into());
    expected.insert("app.tenant".into(), "acme".into());
    expected.remove("user_agent.original");
    assert_eq!((name.as_str(), told), ("chosen", expected));
    let [(measured, 1)] = &telemetry.requests()[..] else { panic!("one request") };
    assert!(!measured.contains_key("app.tenant"));
}

#[tokio::test]
async fn a_name_that_was_chosen_stays_when_the_route_becomes_known() {
    // H-005
    let telemetry = Telemetry::new();
    let hook = OnRequest::new(|request, span| span.rename(format!("page {}", request.uri.path().len())));
    let options = options(|options| options.on_request = Some(hook));
    let handler = async || {
        let mut response = Response::new(Body::empty());
        response.extensions_mut().insert(Route::new("/late/{id}"));
        response
    };
    let router = Router::new().fallback(handler).layer(telemetry.server().with_options(options));
    ask(serve(router).await, get_request("/late/1")).await;
    let [span] = telemetry.spans().await;
    assert_eq!(span.name, "page 7");
    assert_eq!(attributes(&span.attributes)["http.route"], "/late/{id}".into());
}

#[tokio::test]
async fn a_closure_that_sets_what_the_end_tells_makes_no_attribute_twice() {
    // H-005, H-036
    let hook = OnRequest::new(|_, span| {
        for key in [
            "http.route",
            "http.response.status_code",
            "network.protocol.version",
            "error.type",
            "app.tenant",
        ] {
            span.set(KeyValue::new(key, "mine"));
        }
    });
    let (telemetry, name, told, mut expected) =
        told(options(|options| options.on_request = Some(hook))).await;
    expected.insert("http.route".into(), "mine".into());
    expected.insert("app.tenant".into(), "mine".into());
    assert_eq!((name.as_str(), told), ("GET /users/{id}", expected));
    let [(measured, 1)] = &telemetry.requests()[..] else { panic!("one request") };
    assert_eq!(measured["http.route"], "/users/{id}".into());
}

#[tokio::test]
async fn a_closure_that_panics_neither_fails_the_request_nor_hides_it() {
    for sampled_by_attributes in [false, true] {
        let hook = OnRequest::new(|_, span| {
            span.set(KeyValue::new("app.tenant", "acme"));
            panic!("no tenant like that");
        });
        let (telemetry, name, told, mut expected) = told(options(|options| {
            options.on_request = Some(hook);
            options.sampled_by_attributes = sampled_by_attributes;
        }))
        .await;
        expected.insert("app.tenant".into(), "acme".into());
        assert_eq!((name.as_str(), told), ("GET /users/{id}", expected));
        assert_eq!(telemetry.measured(), 1);
    }
}

#[tokio::test]
async fn a_closure_runs_once_also_where_it_leaves_nothing() {
    for flags in ["01", "00"] {
        let calls = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&calls);
        let hook = OnRequest::new(move |_, span| {
            count.fetch_add(1, Ordering::Relaxed);
            let keys = Vec::from_iter(span.attributes().iter().map(|told| told.key.to_string()));
            keys.iter().for_each(|key| span.remove(key));
        });
        let telemetry = Telemetry::sampled(Sampler::AlwaysOn);
        let options = options(|options| options.on_request = Some(hook));
        let address = serve(Router::new().layer(telemetry.server().with_options(options))).await;
        let parent = format!("00-12345678901234567890123456789012-1234567890123456-{flags}\r\nhost");
        ask(address, get_request("/").replace("host", &format!("traceparent: {parent}"))).await;
        let [span] = telemetry.spans().await;
        let left =
            expected([("network.protocol.version", "1.1".into()), ("http.response.status_code", 404.into())]);
        assert_eq!((calls.load(Ordering::Relaxed), attributes(&span.attributes)), (1, left));
    }
}

#[tokio::test]
async fn a_closure_does_not_run_for_what_is_not_recorded() {
    let calls = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&calls);
    let hook = OnRequest::new(move |_, _| {
        count.fetch_add(1, Ordering::Relaxed);
    });
    let telemetry = Telemetry::sampled(Sampler::AlwaysOff);
    let options = options(|options| options.on_request = Some(hook));
    let address = serve(Router::new().layer(telemetry.server().with_options(options))).await;
    ask(address, get_request("/")).await;
    assert_eq!((calls.load(Ordering::Relaxed), telemetry.measured()), (0, 1));
}

#[tokio::test]
async fn an_excluded_path_is_neither_span_nor_measurement_and_its_context_passes_through() {
    // Exact paths and beginnings; a layer further in does not record it either.
    let excluded =
        || options(|options| options.excluded_paths = vec!["/healthz".into(), "/internal/*".into()]);
    let told = async || {
        Context::map_current(|context| {
            let span = context.span().span_context().clone();
            format!("{} {} {}", span.trace_id(), span.span_id(), span.is_remote())
        })
    };
    let telemetry = Telemetry::new();
    let mut options = excluded();
    options.active_requests = true;
    options.server_timing = true;
    let router = Router::new()
        .fallback(told)
        .layer(telemetry.server())
        .layer(telemetry.server().with_options(options));
    let address = serve(router).await;
    let parent = "traceparent: 00-12345678901234567890123456789012-1234567890123456-01\r\nhost";
    for path in ["/healthz", "/healthz?verbose", "/internal/", "/internal/a/b"] {
        let (_, response) = ask(address, get_request(path).replace("host", parent)).await;
        assert!(response.ends_with("12345678901234567890123456789012 1234567890123456 true"), "{response}");
        assert!(!response.contains("server-timing"), "{response}");
    }
    assert_eq!((telemetry.ended().len(), telemetry.instruments()), (0, vec![]));
    for path in ["/healthz/", "/internal", "/"] {
        ask(address, get_request(path)).await;
    }
    assert_eq!((telemetry.spans::<3>().await.len(), telemetry.measured()), (3, 3));
}

#[tokio::test]
async fn a_handler_tells_the_server_span_whatever_is_active_there() {
    // The span itself, not the one that was opened inside.
    let telemetry = Telemetry::new();
    let tracer = telemetry.tracers.tracer("handler");
    let handler = move |span: ServerSpan, request: Request| {
        let own = Context::current_with_span(tracer.start("own"));
        let of_request = request.extensions().get::<ServerSpan>().unwrap().clone();
        let work = async move {
            span.set(KeyValue::new("app.order.id", 7));
            of_request.set(KeyValue::new("app.customer", "ada"));
            Context::current().span().end();
            span.context().span().span_context().span_id().to_string()
        };
        work.with_context(own)
    };
    let router = Router::new().route("/orders/{id}", get(handler)).layer(telemetry.server());
    let (_, response) = ask(serve(router).await, get_request("/orders/7")).await;
    let [own, server] = telemetry.spans().await;
    assert!(response.ends_with(&server.span_context.span_id().to_string()));
    assert_eq!(own.parent_span_id, server.span_context.span_id());
    assert_eq!(attributes(&own.attributes), Attributes::new());
    let mut told = attributes(&server.attributes);
    let of_handler = ["app.order.id", "app.customer"].map(|key| told.remove(key));
    assert_eq!(of_handler, [Some(7.into()), Some("ada".into())]);
    assert_eq!(told["http.route"], "/orders/{id}".into());
}

#[tokio::test]
async fn without_a_span_the_handler_tells_nothing_and_is_served() {
    let handler = async |span: ServerSpan| {
        span.set(KeyValue::new("app.order.id", 7));
        assert_eq!(span.context().span().span_context().span_id(), SpanId::INVALID);
        "served"
    };
    let excluded = options(|options| options.excluded_paths = vec!["*".into()]);
    let unsampled = Telemetry::sampled(Sampler::AlwaysOff);
    for layer in [None, Some(Telemetry::new().server().with_options(excluded)), Some(unsampled.server())] {
        let router = Router::new().route("/", get(handler));
        let router = match layer {
            Some(layer) => router.layer(layer),
            None => router,
        };
        let request = Request::get("/").body(Body::empty()).unwrap();
        let response = router.oneshot(request).await.unwrap().collect().await.unwrap();
        assert_eq!(response.to_bytes(), "served");
    }
}
