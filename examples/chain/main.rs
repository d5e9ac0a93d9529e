//! Two services, one call through both, one trace, seen at once.
//!
//! ```text
//! caller ──► front  GET /hello/{name} ──► back  GET /greeting/{name}
//!              └───────── spans, log records, measurements ─────────┘
//!                                     │
//!                    the collector in this program ──► tree, view
//! ```
//! `cargo run --example chain [ADDRESS]` makes the call, prints the trace with its log lines, and serves on
//! until ctrl-c. If the environment names an OTLP endpoint, the services send there instead.

mod service;

use axum::{
    Router,
    extract::{Path, State},
    http::{Request, StatusCode},
    routing::get,
};
use http_body_util::{BodyExt, Empty};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use service::{BoxError, LIMIT, Service};
use std::{error::Error, net::SocketAddr};
use throughline::{Config, Telemetry, collector::Collector, middleware::ClientService, sender::Destination};
use tower::{Service as _, ServiceBuilder};

type PlainClient = Client<HttpConnector, Empty<axum::body::Bytes>>;

/// The trace of a caller, to try out.
const CALLER: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), BoxError> {
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:8080".into()).parse()?;
    let config = Config::from_env();
    config.check()?;
    let collector = match config.traces.is_default() {
        true => Some(Collector::start((&config.view).into())?),
        false => None,
    };
    let config = match &collector {
        Some(collector) => config.or_send_to(Destination::Local(collector.inlet())),
        None => config,
    };

    let back = Service::start("back", &config, SocketAddr::from(([127, 0, 0, 1], 0)), back)?;
    let target = back.address;
    let front = Service::start("front", &config, address, move |telemetry| front(telemetry, target))?;
    println!("{}\n{}\n", back.summary, front.summary);

    let url = format!("http://{}/hello/ada", front.address);
    let answer = plain_client().call(Request::get(&url).body(Empty::new())?).await?;
    println!("\nGET {url} answered {}\n", answer.status());

    for service in [&front, &back] {
        if let Err(error) = service.telemetry.flush(LIMIT).await {
            println!("not delivered yet: {error}\n");
        }
    }
    if let Some(collector) = &collector {
        for summary in collector.traces(1) {
            if let Some(trace) = collector.trace(&summary.trace_id) {
                println!("{trace}");
            }
            if let Some(url) = collector.trace_url(&summary.trace_id) {
                println!("see it at  {url}");
            }
        }
    }
    println!("try        curl -H 'traceparent: 00-{CALLER}-00f067aa0ba902b7-01' {url}");
    if let Some(url) = collector.as_ref().and_then(|collector| collector.trace_url(CALLER)) {
        println!("then open  {url}");
    }
    println!("stop with  ctrl-c");

    throughline::stop_signal().await;
    front.stop()?;
    back.stop()?;
    Ok(())
}

/// The service that people call.
fn front(telemetry: &Telemetry, back: SocketAddr) -> Router {
    let client = ServiceBuilder::new().layer(telemetry.client_layer()).service(plain_client());
    Router::new()
        .route("/hello/{name}", get(hello))
        .with_state((client, back))
        .layer(telemetry.server_layer())
}

async fn hello(
    State((mut client, back)): State<(ClientService<PlainClient>, SocketAddr)>,
    Path(name): Path<String>,
) -> Result<String, StatusCode> {
    tracing::info!(name, "asking back for a greeting");
    let uri = format!("http://{back}/greeting/{name}");
    let request = Request::get(uri).body(Empty::new()).map_err(|_| StatusCode::BAD_REQUEST)?;
    let unreachable = |error: &(dyn Error + 'static)| {
        tracing::error!(error, "back cannot be reached");
        StatusCode::BAD_GATEWAY
    };
    let response = client.call(request).await.map_err(|error| unreachable(&error))?;
    if !response.status().is_success() {
        tracing::error!(status = response.status().as_u16(), "back did not greet");
        return Err(StatusCode::BAD_GATEWAY);
    }
    let body = response.into_body().collect().await.map_err(|error| unreachable(&error))?;
    Ok(String::from_utf8_lossy(&body.to_bytes()).into_owned())
}

/// The service behind it.
fn back(telemetry: &Telemetry) -> Router {
    Router::new().route("/greeting/{name}", get(greeting)).layer(telemetry.server_layer())
}

async fn greeting(Path(name): Path<String>) -> String {
    let language = look_up_language(&name).await;
    tracing::info!(name, language, "greeting");
    match language {
        "fr" => format!("bonjour, {name}\n"),
        _ => format!("hello, {name}\n"),
    }
}

#[tracing::instrument]
async fn look_up_language(name: &str) -> &'static str {
    tokio::task::yield_now().await; // where a database would be asked
    tracing::debug!("looked up");
    if name.ends_with('a') { "fr" } else { "en" }
}

fn plain_client() -> PlainClient {
    Client::builder(TokioExecutor::new()).build_http()
}
