//! Work that leaves its request and keeps its trace: a task, a thread, a set, a queue, a stream.
//!
//! `cargo run --example tasks [ADDRESS]`, then the `curl` that it prints: every line has the same `trace_id`.

use axum::{
    Router,
    body::{Body, Bytes},
    extract::State,
    routing::post,
};
use std::{convert::Infallible, error::Error, net::SocketAddr, pin::Pin, time::Duration};
use throughline::{Config, Telemetry, carry, carry_fn};
use tokio::{
    net::TcpListener,
    sync::mpsc::{self, Sender},
    task::{JoinSet, spawn_blocking, yield_now},
};
use tokio_stream::{Stream, StreamExt};

type Job = Pin<Box<dyn Future<Output = ()> + Send>>;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let telemetry = Telemetry::init(Config::from_env())?;
    let (background, mut jobs) = mpsc::channel::<Job>(16);
    let worker = tokio::spawn(async move {
        while let Some(job) = jobs.recv().await {
            job.await;
        }
    });
    let app =
        Router::new().route("/orders", post(order)).with_state(background).layer(telemetry.server_layer());
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:8080".into());
    let listener = TcpListener::bind(address).await?;
    println!("curl -X POST http://{}/orders", listener.local_addr()?);
    axum::serve(listener, app.into_make_service_with_connect_info::<SocketAddr>())
        .with_graceful_shutdown(throughline::stop_signal())
        .await?;
    worker.await?;
    telemetry.shutdown(Duration::from_secs(5)).await?;
    Ok(())
}

#[tracing::instrument(skip_all)]
async fn order(State(background): State<Sender<Job>>) -> Body {
    tokio::spawn(carry(confirm()));

    // A closure that panics or a queue that is closed would be no reason to refuse the order.
    let _ = spawn_blocking(carry_fn(print_invoice)).await;

    let mut parts = JoinSet::new();
    for part in ["tea", "pot"] {
        parts.spawn(carry(pack(part)));
    }
    parts.join_all().await;

    let _ = background.send(Box::pin(carry(ship()))).await;

    Body::from_stream(carry(progress()))
}

#[tracing::instrument]
async fn confirm() {
    yield_now().await;
    tracing::info!("confirming");
}

#[tracing::instrument]
fn print_invoice() {
    tracing::info!("printing the invoice");
}

#[tracing::instrument]
async fn pack(part: &'static str) {
    yield_now().await;
    tracing::info!(part, "packing");
}

#[tracing::instrument]
async fn ship() {
    yield_now().await;
    tracing::info!("shipping");
}

fn progress() -> impl Stream<Item = Result<Bytes, Infallible>> + Send {
    tokio_stream::iter(["packed\n", "shipped\n"]).map(|step| {
        tracing::info!("telling progress");
        Ok(Bytes::from(step))
    })
}
