//! With a configuration file the advice is what to write there: beside it variables count for nothing.

use super::{one, server};
use crate::support::{gateway::Directory, receiver::Receiver, serve};
use axum::{
    Router,
    http::{HeaderMap, StatusCode},
    routing::post,
};
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
