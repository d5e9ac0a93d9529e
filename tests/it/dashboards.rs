//! Every chart of the dashboards in `deploy/` finds its series in a real Prometheus.

use crate::support::{PATIENCE, child::Process, get, prometheus::Prometheus, serve};
use axum::{Router, http::StatusCode, routing};
use serde_json::Value;
use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    time::Instant,
};
use throughline::testing::Receiver;

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/deploy/kubernetes/backends/grafana/dashboards");

/// The title of each panel with the expressions for Prometheus in it, as Grafana fills them in for one service.
fn charts() -> Vec<(String, String)> {
    let files = std::fs::read_dir(FOLDER).unwrap().map(|file| file.unwrap().path());
    files.flat_map(|file| of_dashboard(&file)).collect()
}

fn of_dashboard(file: &Path) -> Vec<(String, String)> {
    let dashboard: Value = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
    let title = format!("{}: ", dashboard["title"].as_str().unwrap());
    let panels = dashboard["panels"].as_array().unwrap().iter();
    let targets = panels.flat_map(|panel| {
        let title = format!("{title}{}", panel["title"].as_str().unwrap());
        let targets = panel["targets"].as_array().into_iter().flatten();
        targets.filter(|target| target["datasource"]["uid"] == "prometheus").map(move |target| {
            let expression = target["expr"].as_str().unwrap();
            let filled = [
                ("$__rate_interval", "1m"),
                ("$__range", "1m"),
                ("$job", "middle"),
                ("$instance", ".*"),
                ("$route", ".*"),
            ];
            let fill = |text: String, (variable, value): (&str, &str)| text.replace(variable, value);
            (title.clone(), filled.into_iter().fold(expression.to_owned(), fill))
        })
    });
    targets.collect()
}

#[tokio::test]
async fn every_chart_of_the_dashboards_has_something_to_show() {
    let Some(prometheus) = Prometheus::start("the dashboards", "global: {}\n").await else { return };
    let receiver = Receiver::start();
    let calls = Arc::new(AtomicUsize::new(0));
    let word = move || {
        let is_well = calls.fetch_add(1, Relaxed).is_multiple_of(2);
        async move { if is_well { Ok("bonjour") } else { Err(StatusCode::INTERNAL_SERVER_ERROR) } }
    };
    let back = serve(Router::new().route("/word/greeting", routing::get(word))).await;
    let variables = [
        ("OTEL_SERVICE_NAME", "middle"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", &*receiver.http_endpoint()),
        ("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", &prometheus.endpoint()),
        ("OTEL_METRIC_EXPORT_INTERVAL", "500"),
        ("OTEL_BSP_SCHEDULE_DELAY", "100"),
        ("OTEL_BLRP_SCHEDULE_DELAY", "100"),
        ("THROUGHLINE_SELF_METRICS", "true"),
    ];
    let service = Process::example("languages", &["127.0.0.1:0", &format!("http://{back}")], &variables);
    let listens = service.line(&["listening on"]).await;
    let url = format!("http://{}/greet/ada", listens.rsplit(' ').next().unwrap());

    let charts = charts();
    assert!(charts.len() > 35, "{charts:#?}");
    // Until there are two points of each, and what became of the first ones is measured itself.
    let (mut empty, limit) = (charts, Instant::now() + PATIENCE);
    while !empty.is_empty() {
        assert!(Instant::now() < limit, "nothing in {empty:#?}");
        for _ in 0..2 {
            get(&url, &[]).await.unwrap();
        }
        let mut left = Vec::new();
        for (title, expression) in empty {
            if prometheus.query(&expression).await.is_empty() {
                left.push((title, expression));
            }
        }
        empty = left;
    }
}
