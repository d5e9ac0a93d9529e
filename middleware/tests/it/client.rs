//! One request that leaves is one CLIENT span, one duration and one `traceparent`.

use std::{
    convert::Infallible,
    sync::{Arc, Mutex},
};

use axum::{Router, http::StatusCode, routing::get};
use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use http_body_util::{BodyExt, Empty, Full};
use opentelemetry::{
    Context,
    trace::{FutureExt, SpanId, SpanKind, Status, TraceContextExt, Tracer, TracerProvider},
};
use opentelemetry_sdk::trace::Sampler;
use tokio::net::TcpListener;
use tower::{Layer, Service, ServiceExt};

use crate::support::{Series, Telemetry, attributes, data, expected, fetch, lines, nobody, remote, serve};

/// A router that keeps the headers of its requests.
fn keeping(seen: &Arc<Mutex<Vec<HeaderMap>>>) -> Router {
    let seen = Arc::clone(seen);
    let handler = async move |headers: HeaderMap| seen.lock().unwrap().push(headers);
    Router::new().route("/users/{id}", get(handler))
}

fn parent(telemetry: &Telemetry) -> Context {
    Context::new().with_span(telemetry.tracers.tracer("parent").start("parent"))
}

#[tokio::test]
async fn a_call_is_told_with_all_its_attributes_and_its_id_is_the_one_that_is_sent() {
    // H-001, H-002, H-008, H-030, H-050, H-051, H-066, H-067, H-075, H-081, H-086, P-001, P-030, P-032
    let telemetry = Telemetry::new();
    let seen = Arc::default();
    let address = serve(keeping(&seen)).await;
    let request = Request::get(format!("http://user:password@{address}/users/42?color=blue&sig=abc"))
        .header("traceparent", "00-12345678901234567890123456789012-1234567890123456-01")
        .header("tracestate", "stale=1");
    let parent = parent(&telemetry);
    let client = telemetry.client().layer(tower::service_fn(|mut request: Request<Empty<Bytes>>| {
        // What a client does with credentials is not the layer's to say.
        *request.uri_mut() = request.uri().to_string().replace("user:password@", "").parse().unwrap();
        fetch(request)
    }));
    let call = client.oneshot(request.body(Empty::new()).unwrap());
    call.with_context(parent.clone()).await.unwrap();

    let [span] = telemetry.spans().await;
    assert_eq!(
        (span.name.as_ref(), &span.span_kind, &span.status),
        ("GET", &SpanKind::Client, &Status::Unset)
    );
    assert_eq!(span.parent_span_id, parent.span().span_context().span_id());
    assert_eq!(span.span_context.trace_id(), parent.span().span_context().trace_id());
    assert_eq!(span.instrumentation_scope.name(), "throughline");
    assert_eq!(
        attributes(&span.attributes),
        expected([
            ("http.request.method", "GET".into()),
            (
                "url.full",
                format!("http://REDACTED:REDACTED@{address}/users/42?color=blue&sig=REDACTED").into()
            ),
            ("server.address", "127.0.0.1".into()),
            ("server.port", i64::from(address.port()).into()),
            ("network.protocol.version", "1.1".into()),
            ("http.response.status_code", 200.into()),
        ])
    );
    let [series] = &telemetry.called()[..] else { panic!("one series") };
    assert_eq!(
        *series,
        Series {
            attributes: expected([
                ("http.request.method", "GET".into()),
                ("server.address", "127.0.0.1".into()),
                ("server.port", i64::from(address.port()).into()),
                ("network.protocol.version", "1.1".into()),
                ("http.response.status_code", 200.into()),
            ]),
            count: 1,
            sum: span.end_time.duration_since(span.start_time).unwrap().as_secs_f64(),
            bounds: series.bounds.clone(),
        }
    );
    assert_eq!(series.bounds.len(), 14);

    let sent = seen.lock().unwrap().remove(0);
    let (trace, id) = (span.span_context.trace_id(), span.span_context.span_id());
    assert_eq!(lines(&sent, "traceparent"), [format!("00-{trace}-{id}-03")]);
    assert!(!sent.contains_key("tracestate"));
}

#[tokio::test]
async fn every_attempt_has_an_id_of_its_own() {
    // H-010, H-012, P-030
    let telemetry = Telemetry::new();
    let seen = Arc::default();
    let address = serve(keeping(&seen)).await;
    let mut client = telemetry.client().layer(tower::service_fn(fetch));
    let parent = parent(&telemetry);
    for attempt in 0..3 {
        let request = Request::get(format!("http://{address}/users/{attempt}")).body(Empty::new()).unwrap();
        let call = {
            let _active = parent.clone().attach();
            client.call(request)
        };
        call.await.unwrap();
    }
    let spans: [_; 3] = telemetry.spans().await;
    let ids = spans.each_ref().map(|span| span.span_context.span_id());
    assert!(ids[0] != ids[1] && ids[1] != ids[2] && ids[0] != ids[2]);
    assert!(spans.iter().all(|span| span.parent_span_id == parent.span().span_context().span_id()));
    let trace = parent.span().span_context().trace_id();
    let sent = Vec::from_iter(seen.lock().unwrap().iter().flat_map(|sent| lines(sent, "traceparent")));
    assert_eq!(sent, ids.map(|id| format!("00-{trace}-{id}-03")));
}

#[tokio::test]
async fn codes_from_400_on_are_a_clients_error() {
    // H-075, H-076, H-077, H-078, H-07B
    for (code, error) in
        [(200, None), (302, None), (404, Some("404")), (503, Some("503")), (600, Some("600"))]
    {
        let telemetry = Telemetry::new();
        let status = StatusCode::from_u16(code).unwrap();
        let address = serve(Router::new().fallback(move || async move { status })).await;
        let client = telemetry.client().layer(tower::service_fn(fetch));
        let request = Request::get(format!("http://{address}/")).body(Empty::new()).unwrap();
        assert_eq!(client.oneshot(request).await.unwrap().status(), status);
        let [span] = telemetry.spans().await;
        assert_eq!(span.status, if error.is_some() { Status::error("") } else { Status::Unset }, "{code}");
        for told in [attributes(&span.attributes), telemetry.called()[0].attributes.clone()] {
            assert_eq!(told["http.response.status_code"], i64::from(code).into());
            assert_eq!(told.get("error.type"), error.map(Into::into).as_ref());
        }
    }
}

#[tokio::test]
async fn a_refused_connection_is_an_error_of_its_type_without_a_code() {
    // H-066, H-079
    let address = nobody();
    let telemetry = Telemetry::new();
    let client = telemetry.client().layer(tower::service_fn(fetch));
    let request = Request::get(format!("http://{address}/")).body(Empty::new()).unwrap();
    assert_eq!(client.oneshot(request).await.unwrap_err().to_string(), "connect");
    let [span] = telemetry.spans().await;
    assert_eq!(span.status, Status::error(""));
    let measured = expected([
        ("http.request.method", "GET".into()),
        ("server.address", "127.0.0.1".into()),
        ("server.port", i64::from(address.port()).into()),
        ("error.type", "it::support::Failure".into()),
    ]);
    let mut told = measured.clone();
    told.insert(String::from("url.full"), format!("http://{address}/").into());
    assert_eq!(attributes(&span.attributes), told);
    assert_eq!(telemetry.called()[0].attributes, measured);
}

#[tokio::test]
async fn a_call_that_its_caller_drops_is_no_error() {
    // H-07A
    let telemetry = Telemetry::new();
    let never = tower::service_fn(|_: Request<String>| {
        std::future::pending::<Result<Response<String>, Infallible>>()
    });
    let mut call = telemetry
        .client()
        .layer(never)
        .call(Request::get("https://example.com/").body(String::new()).unwrap());
    assert!(
        std::pin::pin!(&mut call)
            .poll(&mut std::task::Context::from_waker(std::task::Waker::noop()))
            .is_pending()
    );
    assert!(telemetry.ended().is_empty());
    drop(call);
    let [span] = telemetry.spans().await;
    assert_eq!(span.status, Status::Unset);
    let measured = expected([
        ("http.request.method", "GET".into()),
        ("server.address", "example.com".into()),
        ("server.port", 443.into()),
    ]);
    let mut told = measured.clone();
    told.insert(String::from("url.full"), "https://example.com/".into());
    assert_eq!(attributes(&span.attributes), told);
    assert_eq!(telemetry.called()[0].attributes, measured);
}

#[tokio::test]
async fn a_client_that_panics_is_a_panic() {
    // H-079
    let telemetry = Telemetry::new();
    let explode = tower::service_fn(async |_: Request<String>| -> Result<Response<String>, Infallible> {
        panic!("on purpose")
    });
    let call =
        telemetry.client().layer(explode).oneshot(Request::get("http://h/").body(String::new()).unwrap());
    assert!(tokio::spawn(call).await.unwrap_err().is_panic());
    let [span] = telemetry.spans().await;
    assert_eq!(attributes(&span.attributes)["error.type"], "panic".into());
}

#[tokio::test]
async fn a_call_ends_with_the_head_of_the_response() {
    // H-008
    let telemetry = Telemetry::new();
    let (frames, body) = remote();
    let body = Mutex::new(Some(body));
    let service = tower::service_fn(|_: Request<String>| {
        std::future::ready(Ok::<_, Infallible>(Response::new(body.lock().unwrap().take().unwrap())))
    });
    let client = telemetry.client().layer(service);
    let response = client.oneshot(Request::get("http://h/").body(String::new()).unwrap()).await.unwrap();
    let [span] = telemetry.spans().await;
    assert_eq!(span.status, Status::Unset);
    frames.send(data("late")).unwrap();
    frames.send(None).unwrap();
    assert_eq!(response.collect().await.unwrap().to_bytes(), "late");
    assert_eq!(telemetry.called()[0].count, 1);
}

#[tokio::test]
async fn the_port_is_the_schemes_where_the_url_has_none_and_host_stands_in_for_a_relative_url() {
    // H-066
    for (url, host, full, address, port) in [
        ("http://example.com/a", None, "http://example.com/a", "example.com", 80),
        ("https://[2001:db8::1]", None, "https://[2001:db8::1]/", "2001:db8::1", 443),
        ("ws://example.com/a", None, "ws://example.com/a", "example.com", 80),
        ("wss://user:pw@example.com/a", None, "wss://REDACTED:REDACTED@example.com/a", "example.com", 443),
        ("ftp://example.com:21/a", None, "ftp://example.com:21/a", "example.com", 21),
        ("/b?c", Some("example.com:81"), "http://example.com:81/b?c", "example.com", 81),
    ] {
        let telemetry = Telemetry::new();
        let service =
            tower::service_fn(async |_: Request<String>| Ok::<_, Infallible>(Response::new(String::new())));
        let request = host.into_iter().fold(Request::get(url), |request, host| request.header("host", host));
        telemetry.client().layer(service).oneshot(request.body(String::new()).unwrap()).await.unwrap();
        let [span] = telemetry.spans().await;
        let told = attributes(&span.attributes);
        assert_eq!(told["url.full"], full.into());
        assert_eq!((&told["server.address"], &told["server.port"]), (&address.into(), &port.into()));
    }
}

#[tokio::test]
async fn what_the_request_does_not_tell_of_its_url_is_left_out() {
    // H-066
    for (url, expected) in [
        ("/only/path?a=1", expected([])),
        ("coap://h/a", expected([("url.full", "coap://h/a".into()), ("server.address", "h".into())])),
    ] {
        let telemetry = Telemetry::new();
        let service =
            tower::service_fn(async |_: Request<String>| Ok::<_, Infallible>(Response::new(String::new())));
        telemetry
            .client()
            .layer(service)
            .oneshot(Request::get(url).body(String::new()).unwrap())
            .await
            .unwrap();
        let [span] = telemetry.spans().await;
        let mut told = attributes(&span.attributes);
        for other in ["http.request.method", "network.protocol.version", "http.response.status_code"] {
            assert!(told.remove(other).is_some());
        }
        assert_eq!(told, expected);
    }
}

#[tokio::test]
async fn an_unsampled_call_still_passes_its_ids_on() {
    // P-002, P-005, P-031
    let telemetry = Telemetry::sampled(Sampler::AlwaysOff);
    let seen = Arc::default();
    let address = serve(keeping(&seen)).await;
    let client = telemetry.client().layer(tower::service_fn(fetch));
    let request = Request::get(format!("http://{address}/users/1")).body(Empty::new()).unwrap();
    client.oneshot(request).await.unwrap();
    assert!(telemetry.ended().is_empty());
    assert_eq!(telemetry.called()[0].count, 1);
    let [sent] = &lines(&seen.lock().unwrap()[0], "traceparent")[..] else { panic!("one line") };
    assert!(sent.ends_with("-02"));
    assert_ne!(&sent[36..52], SpanId::INVALID.to_string());
}

#[tokio::test]
async fn an_active_span_survives_a_client_whose_provider_is_shut_down() {
    // P-033, and: the layer ends only what it started
    let (telemetry, stopped) = (Telemetry::new(), Telemetry::new());
    stopped.tracers.shutdown().unwrap();
    let parent = parent(&telemetry);
    let seen = Arc::new(Mutex::new(HeaderMap::new()));
    let service = tower::service_fn(|request: Request<String>| {
        *seen.lock().unwrap() = request.headers().clone();
        std::future::ready(Ok::<_, Infallible>(Response::new(Full::new(Bytes::new()))))
    });
    let client = stopped.client().layer(service);
    let call = client.oneshot(Request::get("http://h/").body(String::new()).unwrap());
    call.with_context(parent.clone()).await.unwrap();
    assert!(parent.span().is_recording());
    let sent = lines(&seen.lock().unwrap(), "traceparent").concat();
    assert!(sent.contains(&parent.span().span_context().span_id().to_string()));
}
