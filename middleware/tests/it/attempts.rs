//! Each request that leaves is told, whatever sends it again.

use std::{
    future::{Ready, ready},
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use axum::{Router, extract::Path, http::StatusCode, response::Redirect, routing::get};
use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use http_body_util::Full;
use opentelemetry::trace::{FutureExt, SpanId, Status, TraceContextExt, Tracer, TracerProvider};
use opentelemetry_sdk::trace::SpanData;
use throughline_middleware::{
    Attempts,
    options::{ClientOptions, Hosts},
};
use tower::{
    ServiceBuilder, ServiceExt,
    retry::{Policy, RetryLayer},
};
use tower_http::follow_redirect::FollowRedirectLayer;

use crate::{
    calling::{plain, request},
    measured::counts,
    support::{Attributes, Telemetry, attributes, expected, lines, serve},
};

/// Tries again, with a clone of the request, as long as the answer is 503.
#[derive(Clone)]
struct Again;

impl<B, R, E> Policy<Request<B>, Response<R>, E> for Again
where
    B: Clone,
{
    type Future = Ready<()>;

    fn retry(&mut self, _: &mut Request<B>, result: &mut Result<Response<R>, E>) -> Option<Ready<()>> {
        let is_busy = |response: &Response<R>| response.status() == StatusCode::SERVICE_UNAVAILABLE;
        result.as_ref().is_ok_and(is_busy).then(|| ready(()))
    }

    fn clone_request(&mut self, request: &Request<B>) -> Option<Request<B>> {
        Some(request.clone())
    }
}

pub(crate) type Seen = Arc<Mutex<Vec<HeaderMap>>>;

/// Answers 503 twice and then 200; `/from/{number}` leads to `/from/{number - 1}`, 0 to the given URL.
pub(crate) async fn moody(seen: &Seen, leads_to: Option<String>) -> SocketAddr {
    let (answered, seen) = (Arc::new(AtomicUsize::new(0)), Arc::clone(seen));
    let busy = async move || match answered.fetch_add(1, Ordering::Relaxed) {
        0 | 1 => StatusCode::SERVICE_UNAVAILABLE,
        _ => StatusCode::OK,
    };
    let keep = axum::middleware::map_request(move |request: axum::extract::Request| {
        seen.lock().unwrap().push(request.headers().clone());
        ready(request)
    });
    let leads = async move |Path(number): Path<usize>| match number.checked_sub(1) {
        Some(next) => Redirect::temporary(&format!("/from/{next}")),
        None => Redirect::temporary(leads_to.as_deref().unwrap_or("/quiet")),
    };
    let router = Router::new()
        .route("/busy", get(busy))
        .route("/quiet", get(async || "quiet"))
        .route("/from/{number}", get(leads))
        .layer(keep);
    serve(router).await
}

/// The `traceparent` of each request that arrived.
pub(crate) fn arrived(seen: &Seen) -> Vec<String> {
    seen.lock().unwrap().iter().flat_map(|headers| lines(headers, "traceparent")).collect()
}

/// The `traceparent` that each span should have sent.
pub(crate) fn sent(spans: &[SpanData]) -> Vec<String> {
    let line =
        |span: &SpanData| format!("00-{}-{}-03", span.span_context.trace_id(), span.span_context.span_id());
    spans.iter().map(line).collect()
}

/// A call's attributes, with `extra` ones.
fn told<const N: usize>(
    address: SocketAddr,
    path: &str,
    status: i64,
    extra: [(&str, opentelemetry::Value); N],
) -> Attributes {
    let mut told = expected([
        ("http.request.method", "GET".into()),
        ("url.full", format!("http://{address}{path}").into()),
        ("server.address", "127.0.0.1".into()),
        ("server.port", i64::from(address.port()).into()),
        ("network.protocol.version", "1.1".into()),
        ("http.response.status_code", status.into()),
    ]);
    told.extend(expected(extra));
    told
}

fn counted(path: &str) -> Request<Full<Bytes>> {
    let mut request = request(path);
    request.extensions_mut().insert(Attempts::default());
    request
}

#[tokio::test]
async fn every_attempt_is_a_span_with_its_number_and_ids_of_its_own() {
    // H-010, H-011, H-012, H-076, P-030
    let (telemetry, seen) = (Telemetry::new(), Seen::default());
    let address = moody(&seen, None).await;
    let client =
        ServiceBuilder::new().layer(RetryLayer::new(Again)).layer(telemetry.client()).service(plain());
    let parent = opentelemetry::Context::new().with_span(telemetry.tracers.tracer("").start("parent"));
    let call = client.oneshot(counted(&format!("http://{address}/busy")));
    assert_eq!(call.with_context(parent.clone()).await.unwrap().status(), 200);

    let spans: [_; 3] = telemetry.spans().await;
    let failed = || ("error.type", "503".into());
    let number = |number: i64| ("http.request.resend_count", number.into());
    assert_eq!(
        spans.each_ref().map(|span| (attributes(&span.attributes), span.status.clone())),
        [
            (told(address, "/busy", 503, [failed()]), Status::error("")),
            (told(address, "/busy", 503, [failed(), number(1)]), Status::error("")),
            (told(address, "/busy", 200, [number(2)]), Status::Unset),
        ]
    );
    // Nothing encloses them but what did before.
    let parent = parent.span().span_context().span_id();
    assert_eq!(spans.each_ref().map(|span| span.parent_span_id), [parent; 3]);
    let ids: std::collections::HashSet<SpanId> =
        spans.iter().map(|span| span.span_context.span_id()).collect();
    assert_eq!(ids.len(), 3);
    assert_eq!(arrived(&seen), sent(&spans));
    // How often a request was sent makes no series.
    let mut series = [(told(address, "", 200, []), 1), (told(address, "", 503, [failed()]), 2)];
    series.iter_mut().for_each(|(attributes, _)| drop(attributes.remove("url.full")));
    series.reverse();
    assert_eq!(counts(&telemetry, "http.client.request.duration"), series);
}

#[tokio::test]
async fn a_layer_outside_of_what_retries_tells_the_call_and_not_what_was_overcome() {
    // H-07C
    let (telemetry, seen) = (Telemetry::new(), Seen::default());
    let address = moody(&seen, None).await;
    let client =
        ServiceBuilder::new().layer(telemetry.client()).layer(RetryLayer::new(Again)).service(plain());
    client.oneshot(counted(&format!("http://{address}/busy"))).await.unwrap();
    let spans: [_; 1] = telemetry.spans().await;
    assert_eq!(spans[0].status, Status::Unset);
    assert_eq!(attributes(&spans[0].attributes), told(address, "/busy", 200, []));
    assert_eq!(arrived(&seen), [sent(&spans), sent(&spans), sent(&spans)].concat());
}

#[tokio::test]
async fn every_redirect_is_a_span_with_its_own_url() {
    // H-010, H-011, H-012
    let seen = Seen::default();
    let address = moody(&seen, None).await;
    for is_counted in [true, false] {
        let telemetry = Telemetry::new();
        seen.lock().unwrap().clear();
        let client = ServiceBuilder::new()
            .layer(FollowRedirectLayer::new())
            .layer(telemetry.client())
            .service(plain());
        let url = format!("http://{address}/from/1");
        let request = if is_counted { counted(&url) } else { request(&url) };
        assert_eq!(client.oneshot(request).await.unwrap().status(), 200);
        let spans: [_; 3] = telemetry.spans().await;
        let number =
            |number: i64| Vec::from_iter(is_counted.then_some(("http.request.resend_count", number)));
        let told = |path, status, number: Vec<(&str, i64)>| {
            let mut told = told(address, path, status, []);
            told.extend(number.into_iter().map(|(key, number)| (key.to_owned(), number.into())));
            told
        };
        assert_eq!(
            spans.each_ref().map(|span| attributes(&span.attributes)),
            [told("/from/1", 307, vec![]), told("/from/0", 307, number(1)), told("/quiet", 200, number(2)),]
        );
        assert_eq!(arrived(&seen), sent(&spans));
    }
}

#[tokio::test]
async fn a_redirect_to_a_host_that_gets_no_ids_gets_none() {
    // P-035, H-012
    let (telemetry, seen, strangers) = (Telemetry::new(), Seen::default(), Seen::default());
    let stranger = moody(&strangers, None).await;
    let elsewhere = format!("http://localhost:{}/quiet", stranger.port());
    let address = moody(&seen, Some(elsewhere)).await;
    let mut options = ClientOptions::default();
    options.injected_hosts = Hosts::only(["127.0.0.1"]).unwrap();
    let client = ServiceBuilder::new()
        .layer(FollowRedirectLayer::new())
        .layer(telemetry.client().with_options(options))
        .service(plain());
    assert_eq!(client.oneshot(request(format!("http://{address}/from/0"))).await.unwrap().status(), 200);
    let spans: [_; 2] = telemetry.spans().await;
    assert_eq!(arrived(&seen), sent(&spans[..1]));
    assert_eq!(arrived(&strangers), [""; 0]);
    let told = attributes(&spans[1].attributes);
    assert_eq!(told["server.address"], "localhost".into());
}
