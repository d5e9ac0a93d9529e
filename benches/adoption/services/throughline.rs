//! **throughline**: traces, metrics with exemplars, logs, the runtime
//= throughline = { path = "ROOT" }
//= axum = "0.8"
//= tokio = { version = "1", features = ["macros", "net", "rt-multi-thread"] }
//= tracing = "0.1"

use axum::{Router, extract::Path, routing::get};
use std::{net::SocketAddr, time::Duration};
use throughline::{Config, Telemetry};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let telemetry = Telemetry::init(Config::from_env())?;
    let app = Router::new().route("/lines/{count}", get(lines)).layer(telemetry.server_layer());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    println!("listening on {}", listener.local_addr()?);
    axum::serve(listener, app.into_make_service_with_connect_info::<SocketAddr>())
        .with_graceful_shutdown(throughline::stop_signal())
        .await?;
    telemetry.shutdown(Duration::from_secs(1)).await?;
    Ok(())
}

async fn lines(Path(count): Path<u32>) -> String {
    for line in 0..count {
        tracing::info!(line, "counting");
    }
    format!("{count} lines\n")
}
