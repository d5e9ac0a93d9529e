use axum::{
    Router,
    body::{Body, to_bytes},
    extract::Path,
    http::Request,
    routing::get,
};
use std::time::Duration;
use throughline::{
    Config, Telemetry,
    sender::Signal,
    testing::{self, Fault, Receiver},
};
use tower::ServiceExt;

/// What is tested: as a rule, in a file of its own.
fn shop(telemetry: &Telemetry) -> Router {
    Router::new().route("/items/{id}", get(item)).layer(telemetry.server_layer())
}

async fn item(Path(id): Path<i64>) -> String {
    let name = look_up(id).await;
    tracing::info!(target: "shop", id, "found it");
    name
}

#[tracing::instrument]
async fn look_up(id: i64) -> String {
    format!("item {id}\n")
}

async fn ask(shop: Router, path: &str) {
    let request = Request::get(path).body(Body::empty()).unwrap();
    let response = shop.oneshot(request).await.unwrap();
    // The span ends with the body; one that nobody reads is a failure.
    to_bytes(response.into_body(), usize::MAX).await.unwrap();
}

#[tokio::test]
async fn an_item_is_one_trace_with_its_log_line() {
    let telemetry = testing::telemetry();
    ask(shop(&telemetry), "/items/7").await;

    telemetry.recorded().await.tree().only(["http.route", "id"]).assert_eq(
        r#"
        #1 SERVER GET /items/{id}
           http.route = "/items/{id}"
           INFO shop: "found it" id=7
           #2 INTERNAL look_up
              id = 7
        "#,
    );
}

#[tokio::test]
async fn a_wrong_id_is_told_and_measured() {
    let telemetry = testing::telemetry();
    ask(shop(&telemetry), "/items/seven").await;
    ask(shop(&telemetry), "/items/7").await;

    let recorded = telemetry.recorded().await;
    let spans = recorded.spans.all("GET /items/{id}");
    assert!(spans.iter().any(|span| span["http.response.status_code"] == 400));
    let duration = recorded.metrics.one("http.server.request.duration");
    assert_eq!(duration.count(), 2);
    assert_eq!(duration.with("http.response.status_code", 400).count(), 1);
    assert_eq!(recorded.logs.one("found it")["id"], 7);
}

#[tokio::test]
async fn an_outage_of_the_collector_costs_no_span() {
    let receiver = Receiver::start();
    receiver.then(Fault::Status(503)).then(Fault::CloseUnread);
    let telemetry = Telemetry::build(Config::from_vars([
        ("OTEL_EXPORTER_OTLP_ENDPOINT", receiver.http_endpoint()),
        ("OTEL_METRICS_EXPORTER", "none".into()),
    ]))
    .unwrap();
    ask(shop(&telemetry), "/items/7").await;
    telemetry.shutdown(Duration::from_secs(10)).await.unwrap();

    assert_eq!(receiver.items(Signal::Traces), 1);
    assert_eq!(receiver.recorded().spans.one("GET /items/{id}")["http.route"], "/items/{id}");
    assert!(receiver.complaints().is_empty());
}
