//! axum-tracing-opentelemetry 0.42, init-tracing-opentelemetry 0.44: traces, logs
//= axum = "0.8"
//= axum-tracing-opentelemetry = "0.42"
//= init-tracing-opentelemetry = { version = "0.44", features = ["logs", "otlp", "tracing_subscriber_ext"] }
//= tokio = { version = "1", features = ["macros", "net", "rt-multi-thread", "signal"] }
//= tracing = "0.1"

use axum::{Router, extract::Path, routing::get};
use axum_tracing_opentelemetry::middleware::OtelAxumLayer;
use init_tracing_opentelemetry::TracingConfig;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let _guard = TracingConfig::production().init_subscriber()?;
    let app = Router::new().route("/lines/{count}", get(lines)).layer(OtelAxumLayer::default());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    println!("listening on {}", listener.local_addr()?);
    let stop = async { drop(tokio::signal::ctrl_c().await) };
    Ok(axum::serve(listener, app).with_graceful_shutdown(stop).await?)
}

async fn lines(Path(count): Path<u32>) -> String {
    for line in 0..count {
        tracing::info!(line, "counting");
    }
    format!("{count} lines\n")
}
