//! A worker that does many jobs at once: its span is linked to the spans of all who asked for them.
//!
//! `cargo run --example worker`; each line of the view's trace has a way to the request behind it, and back.
//!
//! ```text
//! SERVER POST /jobs   SERVER POST /jobs   SERVER POST /jobs
//!         ▲                   ▲                   ▲
//!         └────── links ──────┴───────────────────┘
//!                      INTERNAL batch
//! ```

use axum::{Router, body::Body, extract::State, http::Request, routing::post};
use opentelemetry::{
    Context, KeyValue,
    context::FutureExt,
    global,
    trace::{Link, SpanContext, TraceContextExt, Tracer},
};
use std::{error::Error, time::Duration};
use throughline::{Config, Telemetry};
use tokio::sync::mpsc;
use tower::ServiceExt;

/// Jobs that are done at once.
const BATCH: usize = 3;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let telemetry = Telemetry::init(Config::from_env())?;
    let (jobs, queue) = mpsc::channel(BATCH);
    let app = Router::new().route("/jobs", post(accept)).with_state(jobs).layer(telemetry.server_layer());
    let worker = tokio::spawn(work(queue));

    // Three requests, as if they came over the network.
    for _ in 0..BATCH {
        let answer = app.clone().oneshot(Request::post("/jobs").body(Body::empty())?).await?;
        axum::body::to_bytes(answer.into_body(), 1024).await?;
    }
    drop(app);
    worker.await?;
    telemetry.shutdown(Duration::from_secs(5)).await?;
    Ok(())
}

/// Only the ids of the request go with the job: its span ends with its answer.
async fn accept(State(jobs): State<mpsc::Sender<SpanContext>>) -> &'static str {
    let asked_by = Context::current().span().span_context().clone();
    match jobs.send(asked_by).await {
        Ok(()) => "accepted\n",
        Err(_) => "too late\n",
    }
}

async fn work(mut queue: mpsc::Receiver<SpanContext>) {
    let mut jobs = Vec::with_capacity(BATCH);
    while let Some(job) = queue.recv().await {
        jobs.push(job);
        if jobs.len() < BATCH {
            continue;
        }
        let tracer = global::tracer("worker");
        let span = tracer
            .span_builder("batch")
            .with_attributes([KeyValue::new("batch.size", BATCH as i64)])
            .with_links(jobs.drain(..).map(Link::with_context).collect())
            .start_with_context(&tracer, &Context::new());
        async { tracing::info!("a batch is done") }.with_context(Context::new().with_span(span)).await;
    }
}
