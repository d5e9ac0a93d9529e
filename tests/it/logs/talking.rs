//! What a value logs while it is shown, in a process whose subscriber is that of all its threads.

use crate::support::{PATIENCE, child::Process, receiver::*};
use serde_json::{Value, json};
use std::fmt;
use throughline::{Config, Telemetry};
use tracing::{field, info_span};

/// Logs and makes a span whenever it is shown.
struct Talks;

impl fmt::Debug for Talks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        info_span!("meanwhile", value = ?Some(1)).in_scope(|| tracing::info!("meanwhile"));
        f.write_str("told")
    }
}

#[test]
#[ignore = "the process of the test below"]
fn process() {
    let telemetry = Telemetry::init(Config::from_env()).unwrap();
    let span = info_span!("work", text = "tea", talks = ?Talks, later = field::Empty);
    span.record("later", field::debug(Talks));
    span.in_scope(|| tracing::info!(talks = ?Talks, "inside"));
    drop(span);
    telemetry.shutdown_blocking(PATIENCE).unwrap();
}

#[tokio::test]
async fn a_value_that_logs_while_it_is_shown_loses_no_line_and_no_span() {
    let receiver = Receiver::start();
    let endpoint = format!("http://{}", receiver.http_address());
    let variables = [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint.as_str()),
        ("OTEL_METRICS_EXPORTER", "none"),
        ("OTEL_LOGS_EXPORTER", "none"),
        ("THROUGHLINE_LOG_FORMAT", "json"),
    ];
    let mut process = Process::this_test("logs::talking::process", &variables);
    assert!(process.ended().await.success(), "{:#?}", process.lines());
    let lines = process.lines().into_iter().filter_map(|line| serde_json::from_str::<Value>(&line).ok());
    let told = lines.filter(|line| line["target"] != "throughline").map(|line| {
        let ids = ["trace_id", "span_id"].map(|name| line[name].as_str().unwrap().to_owned());
        let names = ["message", "span"].map(|name| line[name].as_str().unwrap().to_owned());
        (names, line["fields"].clone(), line["span_fields"].clone(), ids)
    });
    let told: Vec<_> = told.collect();
    let spans = receiver.spans();
    let ids = spans.iter().map(|(_, span)| (span.name.as_str(), [hex(&span.trace_id), hex(&span.span_id)]));
    let ids: Vec<_> = ids.collect();
    let line = |names: [&str; 2], fields: Value, of_spans: Value, span: usize| {
        assert_eq!(ids[span].0, names[1]);
        (names.map(str::to_owned), fields, of_spans, ids[span].1.clone())
    };
    let meanwhile = |fields, span| line(["meanwhile"; 2], Value::Null, fields, span);
    // Two values of the span, shown for the span and for its lines; then the value of the event, in the span.
    let mut expected = Vec::from([0, 1, 2, 3].map(|time| meanwhile(json!({"value": "Some(1)"}), time)));
    let fields = json!({"text": "tea", "talks": "told", "later": "told", "value": "Some(1)"});
    expected.push(meanwhile(fields, 4));
    let fields = json!({"text": "tea", "talks": "told", "later": "told"});
    expected.push(line(["inside", "work"], json!({"talks": "told"}), fields, 5));
    assert_eq!((told, ids.len()), (expected, 6));
    let expected = [("later", "\"told\""), ("talks", "\"told\""), ("text", "\"tea\"")];
    let expected = expected.map(|(name, value)| (name.to_owned(), value.to_owned()));
    assert_eq!(attributes(&spans[5].1.attributes), expected.into());
}

#[tokio::test]
async fn a_value_that_logs_while_a_filter_looks_at_it_harms_nobody() {
    let receiver = Receiver::start();
    let endpoint = format!("http://{}", receiver.http_address());
    let filter = "info,[work{talks=told}]=debug,[work{later=told}]=debug,[meanwhile{value}]=debug";
    for (closing, of_spans) in [("none", filter), ("close", filter), ("close", "off")] {
        let variables = [
            ("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint.as_str()),
            ("OTEL_METRICS_EXPORTER", "none"),
            ("OTEL_LOGS_EXPORTER", "none"),
            ("RUST_LOG", filter),
            ("THROUGHLINE_SPAN_FILTER", of_spans),
            ("THROUGHLINE_LOG_SPANS", closing),
        ];
        let mut process = Process::this_test("logs::talking::process", &variables);
        assert!(process.ended().await.success(), "{:#?}", process.lines());
    }
    let spans = receiver.spans();
    let works = spans.iter().filter(|(_, span)| span.name == "work");
    let expected = [("later", "\"told\""), ("talks", "\"told\""), ("text", "\"tea\"")];
    let expected = expected.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let works: Vec<_> = works.map(|(_, span)| attributes(&span.attributes)).collect();
    assert_eq!(works, [expected.clone().into(), expected.into()]);
}
