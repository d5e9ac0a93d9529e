//! Trace ids and baggage go through a service: in at one socket, out at another.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use axum::{Router, extract::Path, routing::get};
use bytes::Bytes;
use http::{HeaderMap, Request};
use http_body_util::{BodyExt, Empty};
use opentelemetry::{Context, baggage::BaggageExt, trace::noop::NoopTracerProvider};
use opentelemetry_sdk::trace::Sampler;
use throughline_middleware::{ClientLayer, ServerLayer, propagation::Composite};
use tower::{Layer, ServiceExt};

use crate::support::{Telemetry, ask, fetch, lines, serve};

pub(crate) const TRACE: &str = "12345678901234567890123456789012";

/// A service that calls another for each request, and what arrived there.
pub(crate) struct Chain {
    address: SocketAddr,
    arrived: Arc<Mutex<Vec<HeaderMap>>>,
}

impl Chain {
    pub(crate) async fn new(telemetry: &Telemetry) -> Self {
        Self::with(telemetry.server(), telemetry.client()).await
    }

    async fn with(server: ServerLayer, client: ClientLayer) -> Self {
        let arrived = Arc::<Mutex<Vec<HeaderMap>>>::default();
        let keep = Arc::clone(&arrived);
        let last =
            serve(Router::new().fallback(async move |headers| keep.lock().unwrap().push(headers))).await;
        let forward = async move |Path(calls): Path<usize>| {
            for _ in 0..calls {
                let request = Request::get(format!("http://{last}/")).body(Empty::<Bytes>::new()).unwrap();
                let client = client.layer(tower::service_fn(fetch));
                client.oneshot(request).await.unwrap().collect().await.unwrap();
            }
            Context::map_current(|context| {
                context.baggage().get("tenant").map(ToString::to_string).unwrap_or_default()
            })
        };
        let address = serve(Router::new().route("/{calls}", get(forward)).layer(server)).await;
        Self { address, arrived }
    }

    /// Sends these header lines and returns the headers that arrive at the end, and the answer.
    pub(crate) async fn pass(&self, lines: impl AsRef<[u8]>) -> (HeaderMap, String) {
        let (mut arrived, answer) = self.pass_to(1, lines).await;
        (arrived.remove(0), answer)
    }

    /// Sends these header lines to a handler that makes so many calls, and returns what arrives with each.
    pub(crate) async fn pass_to(&self, calls: usize, lines: impl AsRef<[u8]>) -> (Vec<HeaderMap>, String) {
        let start = format!("GET /{calls} HTTP/1.1\r\nhost: h\r\nconnection: close\r\n");
        let (_, answer) = ask(self.address, [start.as_bytes(), lines.as_ref(), b"\r\n"].concat()).await;
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        (std::mem::take(&mut *self.arrived.lock().unwrap()), answer)
    }
}

pub(crate) fn parent(headers: &HeaderMap) -> [String; 3] {
    let lines = lines(headers, "traceparent");
    let [line] = &lines[..] else { panic!("exactly one traceparent: {lines:?}") };
    let [version, trace, span, flags] = *line.split('-').collect::<Vec<_>>() else { panic!("{line}") };
    assert_eq!(version, "00");
    [trace, span, flags].map(String::from)
}

#[tokio::test]
async fn a_trace_goes_through_and_every_span_is_its_predecessors_child() {
    // P-001, P-007, P-009, P-030
    let telemetry = Telemetry::new();
    let chain = Chain::new(&telemetry).await;
    let (arrived, _) = chain
        .pass(format!("TraceParent:  \t00-{TRACE}-1234567890123456-01 \t \r\ntracestate: a=1\r\n"))
        .await;
    let [client, server] = telemetry.spans().await;
    assert_eq!(server.parent_span_id.to_string(), "1234567890123456");
    assert!(server.parent_span_is_remote);
    assert_eq!(client.parent_span_id, server.span_context.span_id());
    assert!(!client.parent_span_is_remote);
    let id = client.span_context.span_id().to_string();
    assert_eq!(parent(&arrived), [TRACE, &id, "01"]);
    assert_eq!(lines(&arrived, "tracestate"), ["a=1"]);
    assert_eq!(server.span_context.trace_state().header(), "a=1");
}

#[tokio::test]
async fn members_are_neither_written_nor_changed_by_the_layers() {
    // P-051, P-052
    for (sent, passed) in
        [("", None), ("tracestate: a=1,ot=th:8;rv:0123456789abcd\r\n", Some("a=1,ot=th:8;rv:0123456789abcd"))]
    {
        for flags in ["00", "01", "03"] {
            let telemetry = Telemetry::new();
            let chain = Chain::new(&telemetry).await;
            let (arrived, _) =
                chain.pass(format!("traceparent: 00-{TRACE}-1234567890123456-{flags}\r\n{sent}")).await;
            assert_eq!(lines(&arrived, "tracestate"), Vec::from_iter(passed), "{flags}");
        }
    }
}

#[tokio::test]
async fn a_malformed_parent_restarts_the_trace() {
    // P-006, P-010, P-014, P-016, P-018, P-019, P-020
    let telemetry = Telemetry::new();
    let chain = Chain::new(&telemetry).await;
    let valid = format!("traceparent: 00-{TRACE}-1234567890123456-01\r\n");
    let huge = format!("traceparent: 00-{}\r\n", "1".repeat(64 * 1024));
    for lines in [
        valid.replace("-01", "-01-").as_bytes(),
        valid.replace("00-", "ff-").as_bytes(),
        valid.replace(TRACE, &"0".repeat(32)).as_bytes(),
        valid.replace("-01", "-1").as_bytes(),
        valid.repeat(2).as_bytes(),
        b"traceparent: \r\n",
        b"traceparent: \xff\xfe\r\n",
        huge.as_bytes(),
        b"",
    ] {
        let (arrived, _) = chain.pass([lines, b"tracestate: a=1\r\n"].concat()).await;
        let [trace, _, flags] = parent(&arrived);
        assert_ne!(trace, TRACE);
        assert_eq!(flags, "03");
        assert!(!arrived.contains_key("tracestate"));
    }
}

#[tokio::test]
async fn lines_of_tracestate_are_combined() {
    // P-040, P-041, P-043, P-046
    let chain = Chain::new(&Telemetry::new()).await;
    let valid = format!("traceparent: 00-{TRACE}-1234567890123456-01\r\n");
    for (state, expected) in [
        (
            "tracestate: foo=1,bar=2\r\ntracestate: rojo=1,congo=2\r\ntracestate: baz=3\r\n",
            Some("foo=1,bar=2,rojo=1,congo=2,baz=3"),
        ),
        ("tracestate: foo=1 \t , \t bar=2\r\ntracestate:\r\n", Some("foo=1,bar=2")),
        ("tracestate: foo@@bar=1\r\n", Some("foo@@bar=1")),
        ("tracestate: foo=1\r\ntracestate: foo.bar=1\r\n", None),
        ("tracestate:\r\n", None),
    ] {
        let (arrived, _) = chain.pass(format!("{valid}{state}")).await;
        assert_eq!(parent(&arrived)[0], TRACE);
        assert_eq!(lines(&arrived, "tracestate"), Vec::from_iter(expected));
    }
}

#[tokio::test]
async fn the_random_flag_goes_through_sampled_or_not() {
    // P-002, P-003, P-004, P-005, P-031
    let telemetry = Telemetry::new();
    let unsampled = Telemetry::sampled(Sampler::AlwaysOff);
    let (chain, unsampled_chain) = (Chain::new(&telemetry).await, Chain::new(&unsampled).await);
    for (incoming, sampled, never_sampled) in
        [("00", "00", "00"), ("01", "01", "00"), ("02", "02", "02"), ("03", "03", "02"), ("ff", "03", "02")]
    {
        let line = format!("traceparent: 00-{TRACE}-1234567890123456-{incoming}\r\n");
        for (chain, expected) in [(&chain, sampled), (&unsampled_chain, never_sampled)] {
            let [trace, span, flags] = parent(&chain.pass(&line).await.0);
            assert_eq!((trace.as_str(), flags.as_str()), (TRACE, expected), "{incoming}");
            assert_ne!(span, "1234567890123456");
        }
    }
    assert_eq!(parent(&unsampled_chain.pass("").await.0)[2], "02");
    assert!(unsampled.ended().is_empty());
}

#[tokio::test]
async fn baggage_goes_through_with_or_without_a_trace() {
    // P-060, P-062, P-063, P-066
    let chain = Chain::new(&Telemetry::new()).await;
    for trace in ["", "traceparent: 00-12345678901234567890123456789012-1234567890123456-01\r\n"] {
        let (arrived, answer) = chain
            .pass(format!("{trace}baggage: tenant=50%25%20Am%C3%A9lie;p=1\r\nbaggage: code=%2541, bad\r\n"))
            .await;
        assert!(answer.ends_with("50% Amélie\r\n0\r\n\r\n") || answer.ends_with("50% Amélie"), "{answer}");
        assert_eq!(lines(&arrived, "baggage"), ["code=%2541,tenant=50%25%20Am%C3%A9lie;p=1"]);
    }
}

#[tokio::test]
async fn without_an_sdk_everything_is_passed_on_unchanged() {
    // P-004, P-033, P-051, P-066
    let telemetry = Telemetry::new();
    let propagator = Arc::new(Composite::default());
    let server = ServerLayer::new(&NoopTracerProvider::new(), &telemetry.meters, propagator.clone());
    let client = ClientLayer::new(&NoopTracerProvider::new(), &telemetry.meters, propagator);
    let chain = Chain::with(server, client).await;
    let incoming = format!(
        "traceparent: 00-{TRACE}-1234567890123456-03\r\ntracestate: a=1,foo@@bar=2\r\nbaggage: tenant=a\r\n"
    );
    let (arrived, _) = chain.pass(incoming).await;
    assert_eq!(parent(&arrived), [TRACE, "1234567890123456", "03"]);
    assert_eq!(lines(&arrived, "tracestate"), ["a=1,foo@@bar=2"]);
    assert_eq!(lines(&arrived, "baggage"), ["tenant=a"]);

    let (arrived, _) = chain.pass("").await;
    assert!(!arrived.contains_key("traceparent"));
}
