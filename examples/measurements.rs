//! Measurements of your own; those of a sampled request lead to its trace.
//!
//! `cargo run --example measurements` prints what Prometheus would fetch. A line with `# {trace_id=…}` has an exemplar.

use axum::{Router, body::Body, extract::State, http::Request, routing::post};
use opentelemetry::{
    KeyValue, global,
    metrics::{Counter, Histogram},
};
use std::{
    error::Error,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};
use throughline::{Config, Telemetry, config::Scrape};
use tower::ServiceExt;

/// Instruments are made once.
#[derive(Clone)]
struct Shop {
    orders: Counter<u64>,
    price: Histogram<f64>,
    stock: Arc<AtomicU64>,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut config = Config::from_env();
    config.scrape = Some(Scrape::mounted());
    let telemetry = Telemetry::init(config)?;

    let meter = global::meter("shop");
    let stock = Arc::new(AtomicU64::new(100));
    let left = Arc::clone(&stock);
    // Asked once for each collection; no span is active then, so there is no exemplar.
    let _gauge = meter
        .u64_observable_gauge("shop.stock")
        .with_unit("{item}")
        .with_callback(move |observer| observer.observe(left.load(Relaxed), &[]))
        .build();
    let shop = Shop {
        orders: meter.u64_counter("shop.orders").with_unit("{order}").build(),
        price: meter.f64_histogram("shop.order.price").with_boundaries(vec![5.0, 20.0, 50.0]).build(),
        stock,
    };
    let app = Router::new()
        .route("/orders", post(order))
        .with_state(shop)
        .layer(telemetry.server_layer())
        // Behind the layer: what fetches measurements is not measured.
        .route_service("/metrics", telemetry.scrape_service());

    ask(&app, Request::post("/orders")).await?;
    let page = Request::get("/metrics").header("accept", "application/openmetrics-text;version=1.0.0");
    let page = ask(&app, page).await?;
    for line in page.lines().filter(|line| line.contains("shop_")) {
        println!("{line}");
    }
    telemetry.shutdown(Duration::from_secs(5)).await?;
    Ok(())
}

async fn order(State(shop): State<Shop>) -> &'static str {
    let kind = [KeyValue::new("kind", "tea")];
    shop.orders.add(1, &kind);
    shop.price.record(12.5, &kind);
    shop.stock.fetch_sub(1, Relaxed);
    "ordered\n"
}

async fn ask(app: &Router, request: axum::http::request::Builder) -> Result<String, Box<dyn Error>> {
    let answer = app.clone().oneshot(request.body(Body::empty())?).await?;
    Ok(String::from_utf8(axum::body::to_bytes(answer.into_body(), 1 << 20).await?.into())?)
}
