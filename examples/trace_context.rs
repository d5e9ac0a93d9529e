//! The service that the validation suite of W3C Trace Context talks to: it calls back where it is told to.
//!
//! ```sh
//! cargo run --example trace_context 127.0.0.1:5000
//! # in the folder `test` of the repository w3c/trace-context, with Python and aiohttp:
//! SPEC_LEVEL=2 STRICT_LEVEL=2 python test.py http://127.0.0.1:5000/test
//! ```
//!
//! `POST /test` takes `[{"url": …, "arguments": […]}, …]`, posts to each URL its arguments, in order, and
//! answers 200. All 41 cases pass. Nothing is recorded or sent anywhere else.

use axum::{Json, Router, http::StatusCode, routing::post};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use std::{error::Error, net::SocketAddr};
use throughline::{Config, Telemetry, middleware::ClientService};
use tokio::net::TcpListener;
use tower::{Layer, ServiceExt};

type BoxError = Box<dyn Error + Send + Sync>;
type HttpClient = ClientService<Client<HttpConnector, Full<Bytes>>>;

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:5000".into());
    let nowhere = ["TRACES", "METRICS", "LOGS"].map(|signal| (format!("OTEL_{signal}_EXPORTER"), "none"));
    let telemetry = Telemetry::build(Config::from_vars(nowhere))?;
    let client = telemetry.client_layer().layer(Client::builder(TokioExecutor::new()).build_http());
    let app = Router::new()
        .route("/test", post(async move |Json(calls): Json<serde_json::Value>| answer(&client, &calls).await))
        .layer(telemetry.server_layer());
    let listener = TcpListener::bind(&address).await?;
    println!("POST http://{}/test", listener.local_addr()?);
    axum::serve(listener, app.into_make_service_with_connect_info::<SocketAddr>()).await?;
    Ok(())
}

async fn answer(client: &HttpClient, calls: &serde_json::Value) -> StatusCode {
    for call in calls.as_array().into_iter().flatten() {
        if let Err(error) = post_to(client.clone(), call).await {
            eprintln!("{call}: {error}");
            return StatusCode::BAD_GATEWAY;
        }
    }
    StatusCode::OK
}

async fn post_to(client: HttpClient, call: &serde_json::Value) -> Result<(), BoxError> {
    let request = http::Request::post(call["url"].as_str().ok_or("no url")?)
        .header("content-type", "application/json")
        .body(Full::from(serde_json::to_vec(&call["arguments"])?))?;
    client.oneshot(request).await?.into_body().collect().await?;
    Ok(())
}
