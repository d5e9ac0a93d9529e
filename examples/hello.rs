//! The program of the README.

use axum::{Router, extract::Path, routing::get};
use std::{error::Error, net::SocketAddr, time::Duration};
use throughline::{Config, Telemetry};
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let telemetry = Telemetry::init(Config::from_env())?;
    let app = Router::new().route("/hello/{name}", get(hello)).layer(telemetry.server_layer());
    let listener = TcpListener::bind("127.0.0.1:8080").await?;
    axum::serve(listener, app.into_make_service_with_connect_info::<SocketAddr>())
        .with_graceful_shutdown(throughline::stop_signal())
        .await?;
    telemetry.shutdown(Duration::from_secs(5)).await?;
    Ok(())
}

async fn hello(Path(name): Path<String>) -> String {
    tracing::info!(name, "saying hello");
    format!("hello, {name}\n")
}
