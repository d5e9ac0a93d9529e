//! Callers who are strangers decide about neither ids nor sampling, and leave no baggage.

use std::sync::{Arc, Mutex};

use axum::Router;
use bytes::Bytes;
use http::{HeaderMap, Request};
use http_body_util::{BodyExt, Empty};
use opentelemetry::trace::{SpanId, TraceContextExt, TraceFlags};
use opentelemetry_sdk::trace::Sampler;
use throughline_middleware::options::ServerOptions;
use tower::{Layer, ServiceExt};

use crate::support::{Telemetry, ask, fetch, get_request, lines, serve};

const TRACE: &str = "12345678901234567890123456789012";

/// A public endpoint that calls another service, and the headers that arrive there.
async fn endpoint(telemetry: &Telemetry) -> (std::net::SocketAddr, Arc<Mutex<Vec<HeaderMap>>>) {
    let arrived = Arc::<Mutex<Vec<HeaderMap>>>::default();
    let keep = Arc::clone(&arrived);
    let last = serve(Router::new().fallback(async move |headers| keep.lock().unwrap().push(headers))).await;
    let client = telemetry.client();
    let forward = async move || {
        let request = Request::get(format!("http://{last}/")).body(Empty::<Bytes>::new()).unwrap();
        client.layer(tower::service_fn(fetch)).oneshot(request).await.unwrap().collect().await.unwrap();
    };
    let mut options = ServerOptions::default();
    options.public_endpoint = true;
    options.excluded_paths = vec!["/healthz".into()];
    let router = Router::new().fallback(forward).layer(telemetry.server().with_options(options));
    (serve(router).await, arrived)
}

/// A request for this path that brings all that a caller may bring.
fn request(path: &str, flags: &str) -> String {
    let lines = format!(
        "traceparent: 00-{TRACE}-1234567890123456-{flags}\r\ntracestate: a=1\r\nbaggage: tenant=x\r\nhost"
    );
    get_request(path).replace("host", &lines)
}

#[tokio::test]
async fn a_stranger_is_linked_to_and_not_followed() {
    // P-034
    for flags in ["00", "01"] {
        let telemetry = Telemetry::new();
        let (address, arrived) = endpoint(&telemetry).await;
        ask(address, request("/", flags)).await;
        let [client, server] = telemetry.spans().await;
        let own = &server.span_context;
        assert_eq!(server.parent_span_id, SpanId::INVALID);
        assert_ne!(own.trace_id().to_string(), TRACE);
        assert_eq!(own.trace_state().header(), "");
        let [link] = &server.links.links[..] else { panic!("one link") };
        let ids = (link.span_context.trace_id().to_string(), link.span_context.span_id().to_string());
        assert_eq!(ids, (TRACE.into(), "1234567890123456".into()));
        assert_eq!(link.span_context.trace_state().header(), "a=1");
        assert!(link.attributes.is_empty());

        let sent = arrived.lock().unwrap().remove(0);
        let id = client.span_context.span_id();
        assert_eq!(lines(&sent, "traceparent"), [format!("00-{}-{id}-03", own.trace_id())]);
        assert_eq!(["tracestate", "baggage"].map(|name| sent.contains_key(name)), [false; 2]);
    }
}

#[tokio::test]
async fn a_stranger_without_ids_is_not_linked_to() {
    // P-034
    let telemetry = Telemetry::new();
    let (address, _) = endpoint(&telemetry).await;
    ask(address, request("/", "zz")).await;
    let [_, server] = telemetry.spans().await;
    assert_eq!((server.parent_span_id, server.links.len()), (SpanId::INVALID, 0));
}

#[tokio::test]
async fn what_a_stranger_sends_does_not_pass_through_an_excluded_path_or_an_unsampled_span() {
    // P-034
    for (sampler, path) in [(Sampler::AlwaysOn, "/healthz"), (Sampler::AlwaysOff, "/")] {
        let telemetry = Telemetry::sampled(sampler);
        let (address, arrived) = endpoint(&telemetry).await;
        ask(address, request(path, "01")).await;
        let sent = arrived.lock().unwrap().remove(0);
        let [parent] = &lines(&sent, "traceparent")[..] else { panic!("one traceparent") };
        assert!(!parent.contains(TRACE), "{parent}");
        assert_eq!(["tracestate", "baggage"].map(|name| sent.contains_key(name)), [false; 2]);
    }
}

#[tokio::test]
async fn a_caller_who_is_no_stranger_is_followed() {
    // P-034: only by option
    let telemetry = Telemetry::new();
    let router = Router::new().fallback(async || {
        let context = opentelemetry::Context::current();
        assert_eq!(context.span().span_context().trace_flags(), TraceFlags::SAMPLED);
    });
    ask(serve(router.layer(telemetry.server())).await, request("/", "01")).await;
    let [server] = telemetry.spans().await;
    assert_eq!(server.parent_span_id.to_string(), "1234567890123456");
    assert_eq!((server.span_context.trace_id().to_string(), server.links.len()), (TRACE.into(), 0));
}
