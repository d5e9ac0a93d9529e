//! A service and its test: what it records is compared as a tree.
//!
//! `cargo test --example tested` runs the test, `cargo run --example tested` the service. All about it: docs/testing.md.

use axum::{Router, extract::Path, routing::get};
use std::{error::Error, net::SocketAddr, time::Duration};
use throughline::{Config, Telemetry};
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let telemetry = Telemetry::init(Config::from_env())?;
    let listener = TcpListener::bind("127.0.0.1:8080").await?;
    axum::serve(listener, shop(&telemetry).into_make_service_with_connect_info::<SocketAddr>())
        .with_graceful_shutdown(throughline::stop_signal())
        .await?;
    telemetry.shutdown(Duration::from_secs(5)).await?;
    Ok(())
}

fn shop(telemetry: &Telemetry) -> Router {
    Router::new().route("/items/{id}", get(item)).layer(telemetry.server_layer())
}

async fn item(Path(id): Path<u64>) -> String {
    tracing::info!(id, "found it");
    look_up(id)
}

#[tracing::instrument]
fn look_up(id: u64) -> String {
    format!("item {id}\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::{body::Body, http::Request};
    use throughline::testing;
    use tower::ServiceExt;

    #[tokio::test]
    async fn an_item_is_looked_up_in_its_request() {
        let telemetry = testing::telemetry();
        let request = Request::get("/items/7").body(Body::empty()).unwrap();
        let answer = shop(&telemetry).oneshot(request).await.unwrap();
        assert_eq!(axum::body::to_bytes(answer.into_body(), 100).await.unwrap(), "item 7\n");

        telemetry.recorded().await.tree().only(["http.route", "id"]).assert_eq(
            r#"
            #1 SERVER GET /items/{id}
               http.route = "/items/{id}"
               INFO tested: "found it" id=7
               #2 INTERNAL look_up
                  id = 7
            "#,
        );
    }
}
