//! By option the response tells whoever asked which span was his.

use std::sync::Arc;

use axum::{Router, http::StatusCode, routing::get};
use http::{HeaderMap, Response};
use opentelemetry::trace::noop::NoopTracerProvider;
use opentelemetry_sdk::trace::Sampler;
use throughline_middleware::{ServerLayer, options::ServerOptions, propagation::Composite};

use crate::support::{Telemetry, ask, get_request, serve};

const TRACE: &str = "12345678901234567890123456789012";

fn timed() -> ServerOptions {
    let mut options = ServerOptions::default();
    options.server_timing = true;
    options
}

/// Asks with these flags, if any, and returns the lines of `server-timing`.
async fn timings(router: Router, flags: Option<&str>) -> Vec<String> {
    let parent = flags.map(|flags| format!("traceparent: 00-{TRACE}-1234567890123456-{flags}\r\n"));
    let request = get_request("/").replace("host", &format!("{}host", parent.unwrap_or_default()));
    let (_, response) = ask(serve(router).await, request).await;
    let lines = response.lines().take_while(|line| !line.is_empty());
    let values = lines.filter_map(|line| line.strip_prefix("server-timing: "));
    values.map(String::from).collect()
}

fn page() -> Router {
    Router::new().route("/", get(async || "page"))
}

#[tokio::test]
async fn the_ids_are_those_of_the_server_span_and_the_flags_as_they_came() {
    // P-003, P-031, P-090, P-091
    for (flags, told) in
        [(None, "03"), (Some("00"), "00"), (Some("01"), "01"), (Some("02"), "02"), (Some("03"), "03")]
    {
        for layers in [1, 2] {
            let telemetry = Telemetry::new();
            let router =
                (0..layers).fold(page(), |router, _| router.layer(telemetry.server().with_options(timed())));
            let timings = timings(router, flags).await;
            let [timing] = &timings[..] else { panic!("one line: {timings:?}") };
            let (ids, end) = timing.split_at(timing.len() - 2);
            assert_eq!(end, told);
            let ids = ids.strip_prefix("trace;desc=00-").unwrap();
            match &telemetry.ended()[..] {
                [span] => {
                    let own = &span.span_context;
                    assert_eq!(ids, format!("{}-{}-", own.trace_id(), own.span_id()));
                }
                // Not sampled: the span has ids all the same.
                spans => {
                    assert_eq!((spans.len(), told.parse::<u8>().unwrap() & 1), (0, 0));
                    assert!(ids.starts_with(TRACE) && !ids.contains("1234567890123456-"), "{ids}");
                }
            }
        }
    }
}

#[tokio::test]
async fn a_response_that_tells_timings_of_its_own_keeps_them() {
    // P-091
    let telemetry = Telemetry::new();
    let handler = async || {
        let own = HeaderMap::from_iter([("server-timing".parse().unwrap(), "db;dur=53".parse().unwrap())]);
        let mut response = Response::new(axum::body::Body::empty());
        *response.headers_mut() = own;
        *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
        response
    };
    let router = Router::new().route("/", get(handler)).layer(telemetry.server().with_options(timed()));
    let timings = timings(router, None).await;
    let [span] = telemetry.spans().await;
    let (trace, id) = (span.span_context.trace_id(), span.span_context.span_id());
    assert_eq!(timings, ["db;dur=53".to_owned(), format!("trace;desc=00-{trace}-{id}-03")]);
}

#[tokio::test]
async fn nothing_is_told_by_default_nor_of_what_has_no_span() {
    // P-091
    let telemetry = Telemetry::sampled(Sampler::AlwaysOn);
    let mut excluded = timed();
    excluded.excluded_paths = vec!["/".into()];
    let propagator = Arc::new(Composite::default());
    let disabled = ServerLayer::new(&NoopTracerProvider::new(), &telemetry.meters, propagator);
    for layer in
        [telemetry.server(), telemetry.server().with_options(excluded), disabled.with_options(timed())]
    {
        for flags in [None, Some("01")] {
            assert_eq!(timings(page().layer(layer.clone()), flags).await, [""; 0]);
        }
    }
}
