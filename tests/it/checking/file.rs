//! With a configuration file the advice is what to write there: beside it variables count for nothing.

use super::{SECRET, one, run, server};
use crate::support::{gateway::Directory, receiver::Receiver, serve};
use axum::{
    Router,
    http::{HeaderMap, StatusCode},
    routing::post,
};
use serde_json::{Value, json};
use throughline::probe::Finding;

/// The finding about traces, which alone have a destination.
async fn finding(directory: &Directory, exporter: &str, settings: &str) -> Finding {
    let text = format!(
        "file_format: '1.1'\npropagator: {{}}\ntracer_provider:\n  processors:\n    - batch:\n        exporter:\n          \
         {exporter}: {{ {settings} }}\n"
    );
    let path = directory.write("telemetry.yaml", text);
    one(&[("OTEL_CONFIG_FILE", path.to_str().unwrap())]).await
}

// B-091, O-007, O-008: what is advised is done, and works.
#[tokio::test]
async fn what_would_work_is_told_as_it_is_written_in_the_file() {
    let (receiver, directory) = (Receiver::start(), Directory::new());
    let (http, grpc) = (receiver.http_address(), receiver.grpc_address());
    let gateway = serve(Router::new().route("/otlp/v1/traces", post(|| async {}))).await;
    let plain = server(|headers| match super::is_compressed(&headers) {
        true => (StatusCode::UNSUPPORTED_MEDIA_TYPE, HeaderMap::new(), ""),
        false => (StatusCode::OK, HeaderMap::new(), ""),
    });
    let plain = plain.await;
    let (by_grpc, by_http) = ("otlp_grpc", "otlp_http");
    for ((exporter, settings), advice, (right, mended)) in [
        (
            (by_grpc, format!("endpoint: http://{http}")),
            format!(
                "it speaks http/protobuf: in the configuration file, write otlp_http and endpoint: http://{http}/v1/traces"
            ),
            (by_http, format!("endpoint: http://{http}/v1/traces")),
        ),
        (
            (by_http, format!("endpoint: http://{grpc}/v1/traces")),
            format!(
                "it speaks grpc: in the configuration file, write otlp_grpc and endpoint: http://{grpc}/"
            ),
            (by_grpc, format!("endpoint: http://{grpc}/")),
        ),
        (
            (by_http, format!("endpoint: http://{gateway}/v1/traces")),
            format!(
                "the path that is right: in the configuration file, write endpoint: http://{gateway}/otlp/v1/traces"
            ),
            (by_http, format!("endpoint: http://{gateway}/otlp/v1/traces")),
        ),
        (
            (by_http, format!("endpoint: http://{plain}/, compression: gzip")),
            "it takes what is not compressed: in the configuration file, write compression: none".into(),
            (by_http, format!("endpoint: http://{plain}/, compression: none")),
        ),
        (
            (by_http, format!("endpoint: https://{http}/v1/traces")),
            "it speaks plain text: write http:// in the endpoint of the traces in the configuration file"
                .into(),
            (by_http, format!("endpoint: http://{http}/v1/traces")),
        ),
    ] {
        let found = finding(&directory, exporter, &settings).await;
        assert_eq!(found.advice.as_deref(), Some(&*advice), "{found}");
        let found = finding(&directory, right, &mended).await;
        assert_eq!((found.fault, found.advice), (None, None), "{mended}");
    }
}

// B-091, O-093
#[tokio::test]
async fn the_program_prints_each_key_of_the_file_with_its_line() {
    let (receiver, directory) = (Receiver::start(), Directory::new());
    let url = format!("{}/v1/traces", receiver.http_endpoint());
    let text = format!(
        "file_format: '1.1'\npropagator: {{}}\ntracer_provider:\n  processors:\n    - batch:\n        \
         max_queue_size: 100\n        exporter:\n          otlp_http:\n            endpoint: ${{PLACE}}\n            \
         headers_list: x-key={SECRET}\n"
    );
    let path = directory.write("telemetry.yaml", text);
    let path = path.to_str().unwrap();
    let vars = [("OTEL_CONFIG_FILE", path), ("PLACE", &*url), ("OTEL_SERVICE_NAME", "ignored")];
    let (status, text) = run(&["check"], &vars).await;
    let lines = text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "));
    let batch = "tracer_provider.processors[0].batch";
    assert_eq!(
        Vec::from_iter(lines),
        [
            "settings".to_owned(),
            format!("OTEL_CONFIG_FILE {path} environment"),
            "file_format 1.1 line 1".into(),
            "propagator nothing line 2".into(),
            format!("{batch}.max_queue_size 100 line 6"),
            format!("{batch}.exporter.otlp_http.endpoint {url} line 9"),
            format!("{batch}.exporter.otlp_http.headers_list (secret) line 10"),
            format!("{batch}.max_export_batch_size 100 {batch}.max_queue_size"),
            "destinations".into(),
            format!("traces to {url} (OTEL_CONFIG_FILE): works"),
            "metrics to nowhere (OTEL_CONFIG_FILE)".into(),
            "logs to nowhere (OTEL_CONFIG_FILE)".into(),
        ]
    );
    assert_eq!(status, Some(0));
    let (_, told) = run(&["check", "--json", "--all"], &vars).await;
    let told: Value = serde_json::from_str(&told).unwrap();
    let of = |key: &str| {
        let settings = told["settings"].as_array().unwrap();
        settings.iter().find(|setting| setting["variable"] == key).cloned().unwrap_or_default()
    };
    assert_eq!(
        of(&format!("{batch}.max_export_batch_size")),
        json!({
            "variable": format!("{batch}.max_export_batch_size"), "value": "100", "origin": "default",
            "by": format!("{batch}.max_queue_size"), "written": null, "why": null,
        })
    );
    assert_eq!(of("OTEL_SERVICE_NAME"), Value::Null, "it counts for nothing");
}
