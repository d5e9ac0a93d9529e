//! The page about what is missing quotes what the program says.

use crate::support::{
    child::{self, Process},
    free_port,
    gateway::Directory,
};
use axum::{Router, body::Body, http::Request, routing::get};
use std::time::Duration;
use throughline::{Config, Telemetry, testing::Receiver};
use tower::{Layer, ServiceExt};
use tracing_subscriber::util::SubscriberInitExt;

const PAGE: &str = include_str!("../../docs/troubleshooting.md");

/// What is between fences of text, line by line.
fn quoted() -> Vec<&'static str> {
    let blocks = PAGE.split("```text\n").skip(1).map(|rest| rest.split_once("```").unwrap().0);
    blocks.flat_map(str::lines).collect()
}

const NOWHERE: [(&str, &str); 3] =
    [("OTEL_TRACES_EXPORTER", "none"), ("OTEL_METRICS_EXPORTER", "none"), ("OTEL_LOGS_EXPORTER", "none")];

#[test]
#[ignore = "a process of the test below"]
fn subscriber_first() {
    tracing_subscriber::registry().init();
    println!("{}", Telemetry::init(Config::from_env()).unwrap_err());
}

#[tokio::test]
#[ignore = "a process of the test below"]
async fn layer_outside() {
    let telemetry = Telemetry::init(Config::from_env()).unwrap();
    println!("{}", Telemetry::init(Config::from_env()).unwrap_err());
    let service = telemetry.server_layer().layer(Router::new().route("/", get(|| async {})));
    service.oneshot(Request::get("/").body(Body::empty()).unwrap()).await.unwrap();
    telemetry.shutdown(Duration::from_secs(5)).await.unwrap();
}

/// All that a test of this program says.
async fn said_here(test: &str) -> String {
    let mut process = Process::this_test(&format!("troubleshooting::{test}"), &NOWHERE);
    assert!(process.ended().await.success(), "{:#?}", process.lines());
    process.lines().join("\n")
}

/// All that a service, and the check before it, say in a directory with a `.env` that nobody reads.
async fn said_beside_a_file() -> String {
    let directory = Directory::new();
    directory.write(".env", "OTEL_SERVICE_NAME=cart\n");
    let mut service = Process::start_in(directory.path(), child::path("job"), &[], &NOWHERE);
    let program = env!("CARGO_BIN_EXE_throughline");
    let mut check = Process::start_in(directory.path(), program, &["check"], &NOWHERE);
    assert!(service.ended().await.success() && check.ended().await.success());
    let told = check.lines().iter().any(|line| line.ends_with("; here by --env-file"));
    assert!(told, "{:#?}", check.lines());
    service.lines().join("\n")
}

/// All that a program with these variables says.
async fn said(example: &str, variables: &[(&str, &str)]) -> String {
    let mut process = Process::example(example, &[], variables);
    process.ended().await;
    process.lines().join("\n")
}

#[tokio::test]
async fn every_line_of_the_page_is_one_that_a_newcomers_mistake_brings_about() {
    let dead = format!("http://localhost:{}", free_port());
    let grpc = [
        // Of this machine, and nobody listens there.
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.99.99.99:4318"),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "100"),
    ];
    let http =
        [("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.99.99.99:4317"), ("OTEL_EXPORTER_OTLP_TIMEOUT", "100")];
    let receiver = Receiver::start();
    let endpoint = receiver.http_endpoint();
    let wrong_path = [("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", &*endpoint), NOWHERE[1], NOWHERE[2]];
    let misspelt = [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", &*dead),
        ("OTEL_EXPORTER_OTLP_ENDPONT", "http://collector:4318"),
        ("THROUGHLINE_VEIW", "1"),
        ("OTEL_TRACES_SAMPLER", "allways_on"),
        ("OTEL_RESOURCE_ATTRIBUTES", "service.name=cart,version"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "Authorization: Basic abc"),
    ];
    // Some wait until the limit of their shutdown.
    let all = tokio::join!(
        said("job", &grpc),
        said("job", &http),
        said("job", &wrong_path),
        said("job", &[("OTEL_EXPORTER_OTLP_ENDPOINT", "localhost:4318")]),
        said("job", &[("OTEL_EXPORTER_OTLP_ENDPOINT", "\"http://localhost:4318\"")]),
        said("job", &misspelt),
        said("measurements", &[NOWHERE[0], NOWHERE[2]]),
        said_beside_a_file(),
        said_here("subscriber_first"),
        said_here("layer_outside"),
    );
    let misspelt =
        all.5.replace(&dead, "http://localhost:4318").replace("(OTEL_EXPORTER_OTLP_ENDPOINT)", "(default)");
    let all = [all.0, all.1, all.2, all.3, all.4, misspelt, all.6, all.7, all.8, all.9].join("\n");
    // What a feature that is missing brings about is seen by a program without features: tests/features runs it.
    let all = format!("{all}\n{}", include_str!("../features"));
    let quoted = quoted();
    assert!(quoted.len() > 9);
    for line in quoted {
        assert!(all.contains(line), "{line}\n\n{all}");
    }
}
