//! tower-http's `TraceLayer` and tracing-opentelemetry, put together by hand as tutorials do.

use std::time::Duration;

use axum::{body::Body, extract::MatchedPath};
use http::{Request, Response, header};
use opentelemetry::global;
use opentelemetry_http::HeaderExtractor;
use tower_http::trace::TraceLayer;
use tracing::{Span, field::Empty};
use tracing_opentelemetry::OpenTelemetrySpanExt;

use super::{Peer, Side, Signals, Stage};
use crate::load;

pub const SERVER: Peer = Peer {
    name: "tower-http",
    title: "tower-http 0.7 `TraceLayer`, tracing-opentelemetry 0.34, by hand",
    side: Side::Server,
    signals: Signals::Spans,
    over: Some("bare"),
    stage: || {
        Stage::tracing(|| {
            let layer = TraceLayer::new_for_http().make_span_with(span).on_request(()).on_response(
                |response: &Response<_>, _: Duration, span: &Span| {
                    span.record("http.response.status_code", response.status().as_u16());
                },
            );
            load::arriving(load::router().layer(layer))
        })
    },
};

fn span(request: &Request<Body>) -> Span {
    let route = request.extensions().get::<MatchedPath>().map_or("", MatchedPath::as_str);
    let header = |name| request.headers().get(name).and_then(|value| value.to_str().ok());
    let span = tracing::info_span!(
        "request",
        otel.name = format!("{} {route}", request.method()),
        otel.kind = "server",
        http.request.method = %request.method(),
        http.route = route,
        url.path = request.uri().path(),
        url.query = request.uri().query(),
        url.scheme = "http",
        server.address = header(header::HOST),
        user_agent.original = header(header::USER_AGENT),
        network.protocol.version = "1.1",
        http.response.status_code = Empty,
    );
    let parent =
        global::get_text_map_propagator(|propagator| propagator.extract(&HeaderExtractor(request.headers())));
    // Refused only if the span has begun.
    let _ = span.set_parent(parent);
    span
}
