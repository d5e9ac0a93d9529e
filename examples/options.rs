//! What the layer makes of nested routers, a fallback, a health path and a stream, and what code tells of a request.
//!
//! `cargo run --example options [ADDRESS]`, then the lines that it prints; with `THROUGHLINE_VIEW` or an OTLP endpoint
//! in the environment the spans are to be seen there.

use axum::{
    Router,
    extract::Path,
    http::StatusCode,
    response::{Sse, sse::Event},
    routing::get,
};
use opentelemetry::KeyValue;
use std::{convert::Infallible, error::Error, net::SocketAddr, time::Duration};
use throughline::{
    Config, Telemetry,
    middleware::{
        ServerSpan,
        options::{CapturedHeaders, OnRequest, RequestHead, SpanDraft},
    },
};
use tokio::net::TcpListener;
use tokio_stream::{Stream, StreamExt};

/// Characters of an attribute that callers choose.
const MOST_CHARACTERS: usize = 64;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut config = Config::from_env();
    // What the variables say is in the options already.
    config.server.excluded_paths.push("/healthz".into());
    config.server.request_headers = CapturedHeaders::new(["x-request-id"])?;
    config.server.server_timing = true;
    config.server.on_request = Some(OnRequest::new(tell_tenant));
    let telemetry = Telemetry::init(config)?;

    let orders = Router::new().route("/orders/{id}", get(order)).route("/orders/{id}/events", get(events));
    let app = Router::new()
        .nest("/api", orders)
        .route("/healthz", get(|| async {}))
        .fallback(|| async { (StatusCode::NOT_FOUND, "no such page\n") })
        .layer(telemetry.server_layer());

    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:8080".into());
    let listener = TcpListener::bind(address).await?;
    let address = listener.local_addr()?;
    println!(
        "curl -i -H 'x-tenant: blue' http://{address}/api/orders/7   # GET /api/orders/{{id}}, app.tenant, app.order.id"
    );
    println!("curl http://{address}/api/orders/7/events                  # lasts as long as the stream");
    println!("curl http://{address}/nowhere                              # GET, without a route");
    println!("curl http://{address}/healthz                              # no span");
    axum::serve(listener, app.into_make_service_with_connect_info::<SocketAddr>())
        .with_graceful_shutdown(throughline::stop_signal())
        .await?;
    telemetry.shutdown(Duration::from_secs(5)).await?;
    Ok(())
}

/// The hook: sees the head of each request whose span is recorded, before it is served.
fn tell_tenant(request: RequestHead<'_>, span: &mut SpanDraft) {
    if let Some(tenant) = request.headers.get("x-tenant").and_then(|value| value.to_str().ok()) {
        span.set(KeyValue::new("app.tenant", tenant.chars().take(MOST_CHARACTERS).collect::<String>()));
    }
}

/// `ServerSpan` is the span of the request, also where another is active.
#[tracing::instrument(skip(span))]
async fn order(span: ServerSpan, Path(id): Path<i64>) -> String {
    span.set(KeyValue::new("app.order.id", id));
    format!("order {id}\n")
}

/// The span ends with the last event, or as cancelled when the reader goes away.
async fn events(Path(id): Path<i64>) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    Sse::new(tokio_stream::iter(["packed", "shipped"]).map(move |step| {
        tracing::info!(id, step, "telling");
        Ok(Event::default().data(step))
    }))
}
