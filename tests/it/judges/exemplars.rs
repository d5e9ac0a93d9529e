//! Prometheus keeps what it is told, and finds it by the query of a chart.

use super::{free_port, scratch, serve_one_call};
use crate::support::{PATIENCE, child::Process, get, peer, until};
use throughline::{Config, Telemetry};

// B-014, O-100
#[tokio::test]
async fn a_real_prometheus_finds_the_trace_of_a_request() {
    let remedy = "Prometheus 3 with its OTLP receiver";
    let Some(prometheus) = peer("prometheus finds traces", "THROUGHLINE_TEST_PROMETHEUS", remedy) else {
        return;
    };
    let (directory, port) = (scratch("prometheus-exemplars"), free_port());
    let config = directory.join("prometheus.yml");
    std::fs::write(&config, "global: {}\n").unwrap();
    let server = Process::start(
        &prometheus,
        &[
            &format!("--config.file={}", config.display()),
            &format!("--storage.tsdb.path={}", directory.join("data").display()),
            &format!("--web.listen-address=127.0.0.1:{port}"),
            "--web.enable-otlp-receiver",
            "--enable-feature=exemplar-storage",
        ],
        &[],
    );
    let base = format!("http://127.0.0.1:{port}");
    until("a ready prometheus", || async {
        get(&format!("{base}/-/ready"), &[]).await.ok().filter(|(status, _)| *status == 200)
    })
    .await;
    let telemetry = Telemetry::build(Config::from_vars([
        ("OTEL_SERVICE_NAME", "cart"),
        ("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", &*format!("{base}/api/v1/otlp/v1/metrics")),
        ("OTEL_TRACES_EXPORTER", "none"),
        ("OTEL_LOGS_EXPORTER", "none"),
    ]))
    .unwrap();
    serve_one_call(&telemetry).await;
    // A second time the same: it must not be refused.
    telemetry.handle().flush(PATIENCE).await.unwrap();

    let query = "query=http_server_request_duration_seconds_bucket&start=0&end=4000000000";
    let (status, answer) = get(&format!("{base}/api/v1/query_exemplars?{query}"), &[]).await.unwrap();
    let answer: serde_json::Value = serde_json::from_str(&answer).unwrap();
    let series = answer["data"].as_array().unwrap();
    assert_eq!((status, series.len()), (200, 1), "{answer}");
    assert_eq!(series[0]["seriesLabels"]["http_route"], "/items/{id}");
    let exemplars = series[0]["exemplars"].as_array().unwrap();
    let labels = exemplars[0]["labels"].as_object().unwrap();
    assert_eq!(exemplars.len(), 1, "{answer}");
    assert_eq!(labels.keys().collect::<Vec<_>>(), ["span_id", "trace_id"]);
    assert_eq!(labels["trace_id"], "4bf92f3577b34da6a3ce929d0e0e4736");
    drop(server);
    std::fs::remove_dir_all(directory).unwrap();
}
