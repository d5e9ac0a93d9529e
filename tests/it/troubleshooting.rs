//! The page about what is missing quotes what the program says.

use crate::support::{child::Process, free_port};

const PAGE: &str = include_str!("../../docs/troubleshooting.md");

/// What is between fences of text, line by line.
fn quoted() -> Vec<&'static str> {
    let blocks = PAGE.split("```text\n").skip(1).map(|rest| rest.split_once("```").unwrap().0);
    blocks.flat_map(str::lines).collect()
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
    let all = [
        said("job", &grpc).await,
        said("job", &[("OTEL_EXPORTER_OTLP_ENDPOINT", "localhost:4318")]).await,
        said("job", &[("OTEL_EXPORTER_OTLP_ENDPOINT", "\"http://localhost:4318\"")]).await,
        said(
            "job",
            &[
                ("OTEL_EXPORTER_OTLP_ENDPOINT", &dead),
                ("OTEL_EXPORTER_OTLP_ENDPONT", "http://collector:4318"),
                ("THROUGHLINE_VEIW", "1"),
                ("OTEL_TRACES_SAMPLER", "allways_on"),
                ("OTEL_RESOURCE_ATTRIBUTES", "service.name=cart,version"),
                ("OTEL_EXPORTER_OTLP_HEADERS", "Authorization: Basic abc"),
            ],
        )
        .await
        .replace(&dead, "http://localhost:4318")
        .replace("(OTEL_EXPORTER_OTLP_ENDPOINT)", "(default)"),
        said("measurements", &[("OTEL_TRACES_EXPORTER", "none"), ("OTEL_LOGS_EXPORTER", "none")]).await,
    ]
    .join("\n");
    let quoted = quoted();
    assert!(quoted.len() > 9);
    for line in quoted {
        assert!(all.contains(line), "{line}\n\n{all}");
    }
}
