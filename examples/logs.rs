//! Log lines from every place of a request, each with the ids of the span it happens in.
//!
//! `cargo run --example logs`; `THROUGHLINE_LOG_FORMAT=json` or `logfmt` for other forms. Serves one request to
//! itself, or as many as the first argument says, and ends.

use axum::{Router, body::Body, response::IntoResponse, routing::get};
use http_body_util::{BodyExt, Empty};
use hyper_util::{client::legacy::Client, rt::TokioExecutor};
use opentelemetry::{Context, context::FutureExt};
use std::{convert::Infallible, error::Error, net::SocketAddr, time::Duration};
use throughline::{Config, Telemetry};
use tokio::{net::TcpListener, task};
use tokio_stream::StreamExt;
use tracing::Instrument;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let count = std::env::args().nth(1).map_or(Ok(1), |count| count.parse())?;
    let telemetry = Telemetry::init(Config::from_env())?;
    let app = Router::new().route("/", get(handler)).layer(telemetry.server_layer());
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}/", listener.local_addr()?).parse::<http::Uri>()?;
    let app = app.into_make_service_with_connect_info::<SocketAddr>();
    let server = tokio::spawn(async move { axum::serve(listener, app).await });
    let client = Client::builder(TokioExecutor::new()).build_http::<Empty<axum::body::Bytes>>();
    for _ in 0..count {
        client.get(url.clone()).await?.into_body().collect().await?;
    }
    server.abort();
    tracing::info!("outside of any request");
    let handle = telemetry.handle();
    let result = telemetry.shutdown(Duration::from_secs(1)).await;
    for stats in handle.stats() {
        eprintln!("{stats:?}");
    }
    eprintln!("shutdown: {result:?}");
    Ok(())
}

async fn handler() -> impl IntoResponse {
    tracing::info!(answer = 42, ratio = 0.5, "in the handler");
    task::yield_now().await;
    tracing::info!("after an await");
    log::info!("by the log crate");
    child().await;

    let named = tracing::info_span!("named");
    tracing::info!(parent: &named, "with a parent");

    // A task, and a thread for what blocks, leave the request unless they take its context along.
    let spawned = async { tracing::info!("in a spawned task") }.with_current_context();
    let context = Context::current();
    let blocking = task::spawn_blocking(move || {
        let _active = context.attach();
        tracing::info!("in a blocking task");
    });
    let panicking = async { fail() }.with_current_context();
    // The last one is an error by intent.
    let _ = tokio::join!(tokio::spawn(spawned), blocking, tokio::spawn(panicking));

    let parts = tokio_stream::iter(["a", "b"]).map(|part| {
        tracing::info!(part, "in the body");
        Ok::<_, Infallible>(part)
    });
    Body::from_stream(parts)
}

#[tracing::instrument(fields(tenant = "shop"))]
async fn child() {
    tracing::info!("in a child span");
    async { tracing::info!("in a grandchild") }.instrument(tracing::info_span!("grandchild")).await;
}

#[allow(clippy::panic, reason = "to show the line")]
fn fail() {
    panic!("in a task that panics");
}
