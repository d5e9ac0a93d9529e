//! A tenth of the traces, and all that callers want to have recorded; measurements and log lines stay complete.
//!
//! `cargo run --example sampling`. The variables for the same: `OTEL_TRACES_SAMPLER=parentbased_traceidratio`,
//! `OTEL_TRACES_SAMPLER_ARG=0.1`, `THROUGHLINE_EXCLUDED_PATHS=/healthz`.

use axum::{Router, body::Body, http::Request, routing::get};
use std::{error::Error, time::Duration};
use throughline::{Config, Telemetry, config::Sampler, sender::Signal};
use tower::ServiceExt;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut config = Config::from_env();
    config.sampler = Sampler::ParentBasedTraceIdRatio(0.1);
    // Neither span nor measurement: what Kubernetes asks every few seconds is no traffic.
    config.server.excluded_paths.push("/healthz".into());
    let telemetry = Telemetry::init(config)?;
    let app = Router::new()
        .route("/", get(|| async { "hello\n" }))
        .route("/healthz", get(|| async {}))
        .layer(telemetry.server_layer());

    for number in 0..1_000 {
        let path = if number % 2 == 0 { "/" } else { "/healthz" };
        ask(&app, Request::get(path)).await?;
    }
    // Sampled by the caller, so recorded here: a trace is whole or not there.
    let caller = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    ask(&app, Request::get("/").header("traceparent", caller)).await?;

    let stats = telemetry.handle().stats();
    let traces = stats.iter().find(|stats| stats.signal == Signal::Traces);
    let recorded = traces.map_or(0, |stats| stats.recorded);
    println!("of 501 requests {recorded} are recorded as spans");
    telemetry.shutdown(Duration::from_secs(5)).await?;
    Ok(())
}

async fn ask(app: &Router, request: axum::http::request::Builder) -> Result<(), Box<dyn Error>> {
    let answer = app.clone().oneshot(request.body(Body::empty())?).await?;
    // The span ends with the body.
    axum::body::to_bytes(answer.into_body(), 1024).await?;
    Ok(())
}
