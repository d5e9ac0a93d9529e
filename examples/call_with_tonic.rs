//! gRPC and ordinary requests on one port, and a program that calls: one layer on each side tells both kinds.
//!
//! `cargo run --example call_with_tonic`; the service is the one of gRPC that tells how others are.

use axum::{Router, routing::get};
use http::Uri;
use std::{net::SocketAddr, time::Duration};
use throughline::{Config, Telemetry};
use tokio::net::TcpListener;
use tonic::transport::Channel;
use tonic_health::pb::{HealthCheckRequest, health_client::HealthClient};
use tower::{BoxError, ServiceBuilder};

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let telemetry = Telemetry::init(Config::from_env())?;
    let address = serve(&telemetry).await?;

    let origin: Uri = format!("http://{address}").parse()?;
    let channel = ServiceBuilder::new()
        .layer(telemetry.client_layer())
        .map_err(BoxError::from)
        .service(Channel::builder(origin.clone()).connect_lazy());
    // With its origin, so that the layer knows where it calls.
    let mut client = HealthClient::with_origin(channel, origin);
    let answer = client.check(HealthCheckRequest::default()).await?.into_inner();
    println!("{address} is {}", answer.status().as_str_name());

    telemetry.shutdown(Duration::from_secs(5)).await?;
    Ok(())
}

/// Serves both kinds, each known by the type of its content.
async fn serve(telemetry: &Telemetry) -> Result<SocketAddr, BoxError> {
    let (_reporter, health) = tonic_health::server::health_reporter();
    let app = Router::new()
        .route("/", get(async || "ask me over gRPC\n"))
        .route_service("/grpc.health.v1.Health/{*method}", health)
        .layer(telemetry.server_layer());
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let service = app.into_make_service_with_connect_info::<SocketAddr>();
    tokio::spawn(async move { axum::serve(listener, service).await });
    Ok(address)
}
