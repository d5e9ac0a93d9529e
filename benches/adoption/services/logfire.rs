//! logfire 0.13, axum-tracing-opentelemetry 0.38, axum-otel-metrics 0.14: traces, metrics, logs, OTLP over HTTPS
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
        .route("/hello/{name}", get(hello))
        .layer(OtelAxumLayer::default())
        .layer(HttpMetricsLayerBuilder::new().build());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    println!("listening");
    axum::serve(listener, app).await?;
    logfire.shutdown()?;
    Ok(())
}

async fn hello(Path(name): Path<String>) -> String {
    tracing::info!(name, "saying hello");
    format!("hello, {name}\n")
}
