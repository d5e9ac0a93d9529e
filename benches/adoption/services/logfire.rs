//! logfire 0.13, axum-tracing-opentelemetry 0.38, axum-otel-metrics 0.14: traces, metrics, logs
//= axum = "0.8"
//= axum-otel-metrics = "0.14"
//= axum-tracing-opentelemetry = { version = "0.38", features = ["tracing_level_info"] }
//= logfire = { version = "0.13", features = ["export-http-protobuf"] }
//= tokio = { version = "1", features = ["macros", "net", "rt-multi-thread"] }
//= tracing = "0.1"

use axum::{Router, extract::Path, routing::get};
use axum_otel_metrics::HttpMetricsLayerBuilder;
use axum_tracing_opentelemetry::middleware::OtelAxumLayer;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let logfire = logfire::configure().with_token("none").finish()?;
    let app = Router::new()
        .route("/lines/{count}", get(lines))
        .layer(OtelAxumLayer::default())
        .layer(HttpMetricsLayerBuilder::new().build());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    println!("listening on {}", listener.local_addr()?);
    axum::serve(listener, app).await?;
    logfire.shutdown()?;
    Ok(())
}

async fn lines(Path(count): Path<u32>) -> String {
    for line in 0..count {
        tracing::info!(line, "counting");
    }
    format!("{count} lines\n")
}
