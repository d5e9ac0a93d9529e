//! A program that calls a service with hyper-util's client, as a part of its own trace.
//!
//! ```sh
//! cargo run --example hello
//! cargo run --example call_with_hyper http://127.0.0.1:8080/hello/ada
//! ```
//!
//! Two lines tell the layer what only the client knows: who answered, and of which kind an error is.

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Empty};
use hyper_util::{
    client::legacy::{Client, connect::HttpInfo},
    rt::TokioExecutor,
};
use std::time::Duration;
use throughline::{Config, Telemetry, middleware::Peer};
use tower::{BoxError, ServiceBuilder, ServiceExt};

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let url = std::env::args().nth(1).unwrap_or_else(|| "http://127.0.0.1:8080/hello/ada".into());
    let telemetry = Telemetry::init(Config::from_env())?;
    let client = ServiceBuilder::new()
        .layer(telemetry.client_layer())
        .map_response(with_peer)
        .map_err(BoxError::from)
        .service(Client::builder(TokioExecutor::new()).build_http());

    let answer = client.oneshot(Request::get(url).body(Empty::<Bytes>::new())?).await?;
    let body = answer.into_body().collect().await?.to_bytes();
    print!("{}", String::from_utf8_lossy(&body));
    telemetry.shutdown(Duration::from_secs(5)).await?;
    Ok(())
}

fn with_peer<B>(mut response: Response<B>) -> Response<B> {
    if let Some(info) = response.extensions().get::<HttpInfo>() {
        let peer = Peer::Socket(info.remote_addr());
        response.extensions_mut().insert(peer);
    }
    response
}
