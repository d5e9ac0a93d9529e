//! What is personal or secret stays in the process.
//!
//! `OTEL_TRACES_EXPORTER=console cargo run --example redaction` prints the span of one request that is full of secrets. The
//! variables for the same: `THROUGHLINE_OMITTED_ATTRIBUTES`, `THROUGHLINE_SENSITIVE_QUERY_KEYS`,
//! `THROUGHLINE_EXCEPTION_MESSAGES=false`.

use axum::{Router, body::Body, http::Request, routing::get};
use opentelemetry::KeyValue;
use std::{error::Error, time::Duration};
use throughline::{
    Config, Telemetry,
    middleware::options::{CapturedHeaders, OnRequest, RequestHead, SpanDraft},
};
use tower::ServiceExt;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut config = Config::from_env();
    let server = &mut config.server;
    // Not told at all.
    server.omitted.extend(["client.address".into(), "user_agent.original".into()]);
    // Of a query, the values of these become REDACTED, beside those that the conventions name.
    server.sensitive_query_keys.push("token".into());
    // Of secrets such as cookies, only that they were there.
    server.request_headers = CapturedHeaders::new(["cookie", "x-request-id"])?;
    // A path with a secret in it.
    server.on_request = Some(OnRequest::new(hide_code));
    // Panics and errors may quote what they were given.
    server.exception_messages = false;
    let telemetry = Telemetry::init(config)?;

    let app = Router::new()
        .route("/reset-password/{code}", get(|| async { "done\n" }))
        .layer(telemetry.server_layer());
    let request = Request::get("/reset-password/s3cret?token=s3cret&page=2")
        .header("cookie", "session=s3cret")
        .header("user-agent", "s3cret/1.0")
        .header("x-request-id", "42")
        .header("authorization", "Bearer s3cret");
    let answer = app.oneshot(request.body(Body::empty())?).await?;
    axum::body::to_bytes(answer.into_body(), 1024).await?;
    telemetry.shutdown(Duration::from_secs(5)).await?;
    Ok(())
}

fn hide_code(request: RequestHead<'_>, span: &mut SpanDraft) {
    if request.uri.path().starts_with("/reset-password/") {
        span.set(KeyValue::new("url.path", "/reset-password/-"));
    }
}
