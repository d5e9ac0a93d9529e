//! opentelemetry 0.33, tracing-opentelemetry 0.34, opentelemetry-instrumentation-tower 0.19, by hand: traces, metrics, logs
//= axum = "0.8"
//= opentelemetry = "0.33"
//= opentelemetry_sdk = "0.33"
//= opentelemetry-otlp = { version = "0.33", features = ["reqwest-rustls"] }
//= opentelemetry-appender-tracing = "0.33"
//= opentelemetry-instrumentation-tower = { version = "0.19", features = ["axum"] }
//= tokio = { version = "1", features = ["macros", "net", "rt-multi-thread", "signal"] }
//= tracing = "0.1"
//= tracing-opentelemetry = "0.34"
//= tracing-subscriber = { version = "0.3", features = ["env-filter"] }

use axum::{Router, extract::Path, routing::get};
use opentelemetry::{global, trace::TracerProvider};
use opentelemetry_appender_tracing::layer::OpenTelemetryTracingBridge;
use opentelemetry_instrumentation_tower::http::server::Layer;
use opentelemetry_otlp::{LogExporter, MetricExporter, SpanExporter};
use opentelemetry_sdk::{
    logs::SdkLoggerProvider, metrics::SdkMeterProvider, propagation::TraceContextPropagator, trace::SdkTracerProvider,
};
use tracing_subscriber::prelude::*;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    global::set_text_map_propagator(TraceContextPropagator::new());
    let spans = SdkTracerProvider::builder().with_batch_exporter(SpanExporter::builder().with_http().build()?).build();
    let meters =
        SdkMeterProvider::builder().with_periodic_exporter(MetricExporter::builder().with_http().build()?).build();
    let logs = SdkLoggerProvider::builder().with_batch_exporter(LogExporter::builder().with_http().build()?).build();
    global::set_tracer_provider(spans.clone());
    global::set_meter_provider(meters.clone());
    tracing_subscriber::registry()
        .with(tracing_subscriber::EnvFilter::from_default_env())
        .with(tracing_subscriber::fmt::layer())
        .with(tracing_opentelemetry::layer().with_tracer(spans.tracer("service")))
        .with(OpenTelemetryTracingBridge::new(&logs))
        .init();
    let app = Router::new().route("/lines/{count}", get(lines)).layer(Layer::new());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    println!("listening on {}", listener.local_addr()?);
    let stop = async { drop(tokio::signal::ctrl_c().await) };
    axum::serve(listener, app).with_graceful_shutdown(stop).await?;
    (spans.shutdown()?, meters.shutdown()?, logs.shutdown()?);
    Ok(())
}

async fn lines(Path(count): Path<u32>) -> String {
    for line in 0..count {
        tracing::info!(line, "counting");
    }
    format!("{count} lines\n")
}
