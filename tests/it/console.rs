//! Telemetry on stdout, as a program of its own writes it.

use crate::{
    logs::writing::unread,
    support::{PATIENCE, child::path},
};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use tokio::{process::Command, time::timeout};

const CONSOLE: [(&str, &str); 3] = [
    ("OTEL_TRACES_EXPORTER", "console"),
    ("OTEL_METRICS_EXPORTER", "console"),
    ("OTEL_LOGS_EXPORTER", "console"),
];

/// The lines that an example writes to stdout and to stderr until its end, which is a good one.
async fn written(example: &str, argument: &str, vars: &[(&str, &str)]) -> [Vec<String>; 2] {
    let mut command = Command::new(path(example));
    command.arg(argument).env_clear().envs(vars.iter().copied()).kill_on_drop(true);
    let output = timeout(PATIENCE, command.output()).await.unwrap().unwrap();
    assert!(output.status.success(), "{output:?}");
    [output.stdout, output.stderr]
        .map(|bytes| String::from_utf8(bytes).unwrap().lines().map(str::to_owned).collect())
}

/// A line without what differs from run to run: times, ids, durations, and where the source is.
fn steady(line: &str) -> String {
    let words = line.split(' ').filter_map(|word| match word.split_once('=') {
        Some((name, _)) if name.starts_with("code.") => None,
        Some((name @ ("trace_id" | "span_id"), _)) => Some(format!("{name}=…")),
        _ if word.ends_with(['s', 'Z']) && word.starts_with(|c: char| c.is_ascii_digit()) => Some("…".into()),
        _ => Some(word.to_owned()),
    });
    Vec::from_iter(words).join(" ")
}

// O-019, O-020
#[tokio::test]
async fn the_console_has_one_line_for_each_span_and_record() {
    let vars = [
        ("THROUGHLINE_LOG_OUTPUT", "none"),
        ("RUST_LOG", "info,throughline=off"),
        ("THROUGHLINE_RUNTIME_METRICS", "false"),
    ];
    let [lines, _] = written("job", "", &[&CONSOLE[..], &vars].concat()).await;
    let told: BTreeSet<String> = lines.iter().map(|line| steady(line)).collect();
    let expected = [
        "the sum is 500500",
        "traces to the console: 1 of 1 delivered",
        "metrics to the console: 0 of 0 delivered",
        "logs to the console: 1 of 1 delivered",
        "… span add_up internal … trace_id=… span_id=… limit=1000",
        "… log INFO adding up trace_id=… span_id=…",
    ];
    assert_eq!(told, expected.map(str::to_owned).into(), "{lines:#?}");
}

/// The numbers of a row of the statistics on stderr: recorded, delivered, failed, dropped, queued.
fn counts(lines: &[String], signal: &str) -> [usize; 5] {
    let row = lines.iter().find(|line| line.starts_with(&format!("Stats {{ signal: {signal}, ")));
    let row = row.unwrap_or_else(|| panic!("{signal} in {lines:#?}"));
    ["recorded", "delivered", "failed", "dropped", "queued"].map(|name| {
        let (_, rest) = row.split_once(&format!(" {name}: ")).unwrap();
        rest.split(',').next().unwrap().parse().unwrap()
    })
}

#[tokio::test]
async fn lines_of_three_signals_and_of_the_log_are_whole_and_none_is_missing() {
    let [lines, said] = written("logs", "40", &CONSOLE).await;
    // A log line has its level where a line of the console has its kind.
    let kinds = lines.iter().map(|line| {
        let words = Vec::from_iter(line.split(' ').filter(|word| !word.is_empty()));
        assert!(words[0].len() == 27 && words[0].ends_with('Z'), "torn or foreign: {line}");
        words[1]
    });
    let mut count = BTreeMap::new();
    kinds.for_each(|kind| *count.entry(kind).or_insert(0) += 1);
    let [spans, measurements, records] = ["Traces", "Metrics", "Logs"].map(|signal| {
        let [recorded, delivered, ..] = counts(&said, signal);
        assert_eq!(recorded, delivered, "{signal}");
        recorded
    });
    // Each record is also a log line.
    let log_lines: usize = [count.remove("INFO"), count.remove("ERROR")].into_iter().flatten().sum();
    assert_eq!(count, [("span", spans), ("metric", measurements), ("log", records)].into());
    assert_eq!(log_lines, records);
}

#[tokio::test]
async fn a_stdout_that_is_gone_refuses_everything_and_nothing_panics() {
    let said = unread("2", &[&CONSOLE[..], &[("THROUGHLINE_LOG_OUTPUT", "none")]].concat(), true).await;
    let lines = Vec::from_iter(said.lines().map(str::to_owned));
    for signal in ["Traces", "Metrics", "Logs"] {
        let [recorded, delivered, failed, dropped, queued] = counts(&lines, signal);
        assert!(recorded > 0, "{said}");
        assert_eq!((delivered, failed, dropped, queued), (0, recorded, 0, 0), "{signal}: {said}");
    }
    assert!(said.contains("stdout cannot be written to: Broken pipe (os error 32)"), "{said}");
    assert!(said.contains("shutdown: Err(") && !said.contains("panicked at src"), "{said}");
}

#[tokio::test]
async fn a_stdout_that_nobody_reads_keeps_the_limit_of_the_shutdown_and_loses_what_it_says() {
    let said = unread("400", &[&CONSOLE[..], &[("THROUGHLINE_LOG_OUTPUT", "none")]].concat(), false).await;
    let lines = Vec::from_iter(said.lines().map(str::to_owned));
    let [recorded, delivered, failed, dropped, queued] = counts(&lines, "Logs");
    assert!(dropped > 0 && failed == 0, "{said}");
    assert_eq!(recorded, delivered + dropped + queued, "{said}");
    assert!(said.contains("stdout takes nothing more: its reader does not read"), "{said}");
}

// O-020, O-080…O-084
#[tokio::test]
async fn otlp_on_stdout_is_one_object_a_line() {
    let exporter = "otlp/stdout";
    let vars = [
        ("OTEL_TRACES_EXPORTER", exporter),
        ("OTEL_METRICS_EXPORTER", exporter),
        ("OTEL_LOGS_EXPORTER", exporter),
        ("OTEL_SERVICE_NAME", "cart"),
        ("THROUGHLINE_RESOURCE_DETECTORS", "none"),
        ("THROUGHLINE_LOG_OUTPUT", "none"),
    ];
    let [lines, said] = written("logs", "3", &vars).await;
    assert!(said.iter().any(|line| line == "shutdown: Ok(())"), "{said:#?}");
    let mut items: BTreeMap<String, usize> = BTreeMap::new();
    for line in &lines {
        let object: BTreeMap<String, Value> =
            serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        assert_eq!(object.len(), 1, "{line}");
        let (kind, resources) = object.into_iter().next().unwrap();
        let [scopes, of] = match kind.as_str() {
            "resourceSpans" => ["scopeSpans", "spans"],
            "resourceMetrics" => ["scopeMetrics", "metrics"],
            "resourceLogs" => ["scopeLogs", "logRecords"],
            _ => panic!("{line}"),
        };
        for resource in resources.as_array().unwrap() {
            let attributes = resource["resource"]["attributes"].as_array().unwrap();
            let name = attributes.iter().find(|attribute| attribute["key"] == "service.name").unwrap();
            assert_eq!(name["value"]["stringValue"], "cart");
            let scopes = resource[scopes].as_array().unwrap();
            *items.entry(kind.clone()).or_default() +=
                scopes.iter().map(|scope| scope[of].as_array().unwrap().len()).sum::<usize>();
        }
    }
    let [spans, _, records] = ["Traces", "Metrics", "Logs"].map(|signal| counts(&said, signal));
    assert_eq!((items["resourceSpans"], items["resourceLogs"]), (spans[1], records[1]), "{items:?}");
    assert!(spans[1] > 0 && items.contains_key("resourceMetrics"), "{items:?}");
}
