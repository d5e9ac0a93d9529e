//! A service between one of Node and one of Python: one call through three languages, one trace.
//!
//! ```text
//! caller ──► front.cjs           ──► this                  ──► back.py
//!            Express                 axum                      FastAPI
//!            OTLP/HTTP, protobuf     OTLP/HTTP, protobuf       OTLP/gRPC
//! ```
//! Each in a terminal of its own, with a collector that shows what came: the first line of each script says what it needs.
//!
//! ```sh
//! throughline collect                                     # then open http://127.0.0.1:4319/
//! uvicorn --app-dir examples/languages back:app --port 8082
//! OTEL_SERVICE_NAME=middle cargo run --example languages -- 127.0.0.1:8081 http://127.0.0.1:8082
//! node examples/languages/front.cjs 8080 http://127.0.0.1:8081
//! curl http://127.0.0.1:8080/hello/ada
//! ```

use axum::{
    Router,
    extract::{Path, State},
    http::{Request, StatusCode},
    routing::get,
};
use bytes::Bytes;
use http_body_util::{BodyExt, Empty};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use std::{net::SocketAddr, time::Duration};
use throughline::{Config, Telemetry, middleware::ClientService};
use tokio::net::TcpListener;
use tower::{BoxError, Service, ServiceBuilder};

#[derive(Clone)]
struct Back {
    client: ClientService<Client<HttpConnector, Empty<Bytes>>>,
    url: String,
}

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let mut arguments = std::env::args().skip(1);
    let address = arguments.next().unwrap_or_else(|| "127.0.0.1:8081".into());
    let url = arguments.next().unwrap_or_else(|| "http://127.0.0.1:8082".into());

    let telemetry = Telemetry::init(Config::from_env())?;
    let client = Client::builder(TokioExecutor::new()).build_http();
    let back = Back { client: ServiceBuilder::new().layer(telemetry.client_layer()).service(client), url };
    let app =
        Router::new().route("/greet/{name}", get(greet)).with_state(back).layer(telemetry.server_layer());

    let listener = TcpListener::bind(address).await?;
    println!("listening on {}", listener.local_addr()?);
    axum::serve(listener, app.into_make_service_with_connect_info::<SocketAddr>())
        .with_graceful_shutdown(throughline::stop_signal())
        .await?;
    telemetry.shutdown(Duration::from_secs(5)).await?;
    Ok(())
}

async fn greet(
    State(mut back): State<Back>,
    Path(name): Path<String>,
) -> Result<String, (StatusCode, String)> {
    tracing::info!(name, "asking for a word");
    let word = back.word().await.map_err(|error| (StatusCode::BAD_GATEWAY, error.to_string()))?;
    Ok(format!("{word}, {name}"))
}

impl Back {
    async fn word(&mut self) -> Result<String, BoxError> {
        let request = Request::get(format!("{}/word/greeting", self.url)).body(Empty::new())?;
        let answer = self.client.call(request).await?;
        if !answer.status().is_success() {
            return Err(format!("the back answered {}", answer.status()).into());
        }
        Ok(String::from_utf8(answer.into_body().collect().await?.to_bytes().into())?)
    }
}
