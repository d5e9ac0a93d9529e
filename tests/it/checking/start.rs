//! What keeps a service from starting is found out before it starts.

use super::{SECRET, finding, run};
use crate::support::{gateway::Directory, receiver::Receiver};
use serde_json::Value;
use throughline::{Config, Telemetry, probe::probe};

async fn probed(vars: &[(&str, &str)]) -> Vec<String> {
    probe(&Config::from_vars(vars.iter().copied())).await.iter().map(ToString::to_string).collect()
}

#[tokio::test]
async fn an_endpoint_that_cannot_be_understood_is_a_finding_also_beside_the_console() {
    let vars = [
        ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "localhost:4318"),
        ("OTEL_TRACES_EXPORTER", "console,otlp"),
        ("OTEL_METRICS_EXPORTER", "none"),
        ("OTEL_LOGS_EXPORTER", "console"),
    ];
    assert_eq!(
        probed(&vars).await,
        [
            "traces to nowhere (OTEL_EXPORTER_OTLP_TRACES_ENDPOINT): is not a URL; did you mean \
             http://localhost:4318? No other destination takes its place",
            "traces to the console (OTEL_TRACES_EXPORTER): works",
            "logs to the console (OTEL_LOGS_EXPORTER): works",
        ]
    );
    let (status, text) = run(&["check"], &vars).await;
    assert_eq!((status, text.matches("traces to nowhere").count()), (Some(1), 1), "{text}");
    assert!(text.contains("metrics to nowhere (OTEL_METRICS_EXPORTER)"), "{text}");
}

#[tokio::test]
async fn a_directory_that_cannot_be_used_is_told_and_one_that_can_is_not_made() {
    let (receiver, directory) = (Receiver::start(), Directory::new());
    let file = directory.write("file", "a file");
    let endpoint = receiver.http_endpoint();
    let at = |path: &str| {
        let path = directory.path().join(path).display().to_string();
        [("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint.clone()), ("THROUGHLINE_QUEUE_DIRECTORY", path)]
    };
    let vars = at("file");
    let vars = vars.each_ref().map(|(name, value)| (*name, value.as_str()));
    let error = Telemetry::build(Config::from_vars(vars)).unwrap_err().to_string();
    let finding_of_file = finding(&vars).await;
    assert_eq!(finding_of_file.fault, Some(error), "as the start says it");
    std::fs::remove_file(file).unwrap();
    let vars = at("new/queue");
    let vars = vars.each_ref().map(|(name, value)| (*name, value.as_str()));
    assert_eq!(finding(&vars).await.fault, None);
    assert!(!directory.path().join("new").exists());
}

#[tokio::test]
async fn a_file_that_cannot_be_used_is_the_fault_of_every_signal_and_the_variable_that_disables_is_not_read()
{
    let directory = Directory::new();
    let text = format!("file_format: '1.1'\npropagator: {{}}\n{SECRET}: true\nlog_level: '{SECRET}'\n");
    let path = directory.write("broken.yaml", text.replace(&format!("{SECRET}:"), "disabld:"));
    let path = path.to_str().unwrap();
    let vars = [("OTEL_CONFIG_FILE", path), ("OTEL_SDK_DISABLED", "true")];
    let error = Telemetry::build(Config::from_vars(vars)).unwrap_err().to_string();
    let first = error.lines().next().unwrap();
    let expected = ["traces", "metrics", "logs"].map(|signal| format!("{signal} to nowhere: {first}"));
    assert_eq!(probed(&vars).await, expected);
    let (status, json) = run(&["check", "--json"], &vars).await;
    let json: Value = serde_json::from_str(&json).unwrap();
    let faults: Vec<String> = json["faults"]
        .as_array()
        .unwrap()
        .iter()
        .map(|fault| {
            format!("{}: {}", fault["variable"].as_str().unwrap(), fault["message"].as_str().unwrap())
        })
        .collect();
    assert_eq!((status, faults.join("\n")), (Some(1), error));
    assert!(!json.to_string().contains(SECRET), "{json}");
    let path = directory.write("disabled.yaml", "file_format: '1.1'\npropagator: {}\ndisabled: true\n");
    let (status, text) = run(&["check"], &[("OTEL_CONFIG_FILE", path.to_str().unwrap())]).await;
    assert_eq!(status, Some(0), "{text}");
    assert!(text.contains("nothing is recorded (OTEL_CONFIG_FILE)"), "{text}");
}

#[tokio::test]
async fn the_view_is_asked_instead_of_a_collector_that_is_not_there() {
    let free = || std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let (http, view) = (free().local_addr().unwrap().to_string(), free().local_addr().unwrap().to_string());
    let vars = [
        ("THROUGHLINE_VIEW", "1"),
        ("THROUGHLINE_COLLECTOR_GRPC", "off"),
        ("THROUGHLINE_COLLECTOR_HTTP", &*http),
        ("THROUGHLINE_COLLECTOR_VIEW", &*view),
        ("OTEL_TRACES_EXPORTER", "none"),
        ("OTEL_LOGS_EXPORTER", "none"),
    ];
    assert_eq!(probed(&vars).await, ["metrics to the collector in this program: works"]);
    let foreign = free();
    let taken = foreign.local_addr().unwrap().to_string();
    let vars = [&vars[..3], &[("THROUGHLINE_COLLECTOR_VIEW", &*taken)], &vars[4..]].concat();
    let error = Telemetry::build(Config::from_vars(vars.clone())).unwrap_err().to_string();
    let [said] = &probed(&vars).await[..] else { panic!("one finding") };
    assert!(said.contains(&error), "{error} in {said}");
}
