//! A page for Prometheus, on a port of its own or on that of the program.
//!
//! `OTEL_METRICS_EXPORTER=prometheus cargo run --example scrape --features prometheus`, then
//! `curl http://localhost:9464/metrics`; the same page is at `http://127.0.0.1:8080/metrics`. In a container
//! `OTEL_EXPORTER_PROMETHEUS_HOST=0.0.0.0`.

use axum::{Router, routing::get};
use std::{error::Error, net::SocketAddr, time::Duration};
use throughline::{Config, Telemetry, config::Scrape};
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut config = Config::from_env();
    config.scrape.get_or_insert_with(Scrape::mounted);
    let telemetry = Telemetry::init(config)?;
    let app = Router::new()
        .route("/", get(|| async { "hello\n" }))
        .layer(telemetry.server_layer())
        .route_service("/metrics", telemetry.scrape_service());

    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:8080".into());
    let listener = TcpListener::bind(address).await?;
    println!("the page is at http://{}/metrics", listener.local_addr()?);
    if let Some(address) = telemetry.scrape_address() {
        println!("the page is at http://{address}/metrics");
    }
    axum::serve(listener, app.into_make_service_with_connect_info::<SocketAddr>())
        .with_graceful_shutdown(throughline::stop_signal())
        .await?;
    telemetry.shutdown(Duration::from_secs(5)).await?;
    Ok(())
}
