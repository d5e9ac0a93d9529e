//! Every log line has the ids of its span, and says the same as its record.

mod node; // with `NODE_IP` set, each event is in one place only
mod records; // what leaves over OTLP
mod talking; // values that log while they are shown
mod variables; // what the variables say
pub(crate) mod writing; // lines that nobody reads, filters that change, lines judged by others

use crate::support::{
    child::Process,
    receiver::{Decoded, Receiver, attributes, hex, service, value},
    until,
};
use serde_json::Value;
use std::collections::BTreeMap;

/// The lines of the example, as JSON, by their message; those about the end of a span also by its name.
async fn told(receiver: &Receiver, variables: &[(&str, &str)]) -> (BTreeMap<String, Value>, Process) {
    let endpoint = receiver.http_endpoint();
    let own = [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint.as_str()),
        ("OTEL_SERVICE_NAME", "logs"),
        ("OTEL_METRICS_EXPORTER", "none"),
        ("THROUGHLINE_LOG_FORMAT", "json"),
    ];
    let mut example = Process::example("logs", &[], &[&own, variables].concat());
    assert!(example.ended().await.success(), "{:#?}", example.lines());
    example.line(&["shutdown: Ok"]).await;
    let objects = example.lines().into_iter().filter_map(|line| serde_json::from_str::<Value>(&line).ok());
    let by_message = objects.map(|line| match line["message"].as_str().unwrap_or_default() {
        "close" => (format!("close {}", line["span"].as_str().unwrap()), line),
        message => (message.to_owned(), line),
    });
    (by_message.collect(), example)
}

fn id(line: &Value, name: &str) -> String {
    line.get(name).map_or(String::new(), |id| id.as_str().unwrap().to_owned())
}

// H-092
#[tokio::test]
async fn every_line_of_a_request_has_the_ids_of_its_span_and_so_has_its_record() {
    let receiver = Receiver::start();
    let (lines, _) = told(&receiver, &[("THROUGHLINE_LOG_PANICS", "true")]).await;
    let spans: BTreeMap<String, _> =
        receiver.spans().into_iter().map(|(_, span)| (span.name.clone(), span)).collect();
    assert_eq!(spans.keys().collect::<Vec<_>>(), ["GET /", "child", "grandchild", "named"]);

    let places: BTreeMap<&str, String> = lines
        .iter()
        .map(|(message, line)| {
            let span = spans.values().find(|span| hex(&span.span_id) == id(line, "span_id"));
            if let Some(span) = span {
                assert_eq!(
                    (id(line, "trace_id"), id(line, "trace_flags")),
                    (hex(&span.trace_id), "01".into())
                );
            }
            (message.as_str(), span.map_or_else(|| id(line, "span_id"), |span| span.name.clone()))
        })
        .collect();
    let start = lines.keys().find(|message| message.starts_with("throughline ")).unwrap();
    let expected = [
        ("after an await", "GET /"),
        ("by the log crate", "GET /"),
        ("in a blocking task", "GET /"),
        ("in a child span", "child"),
        ("in a grandchild", "grandchild"),
        ("in a spawned task", "GET /"),
        ("in the body", "GET /"),
        ("in the handler", "GET /"),
        ("outside of any request", ""),
        ("panicked: in a task that panics", "GET /"),
        (start.as_str(), ""),
        ("with a parent", "named"),
    ];
    assert_eq!(places, expected.map(|(message, span)| (message, span.to_owned())).into());

    // The `log` crate's own place, and no fields for it.
    let mut by_log = lines["by the log crate"].clone();
    ["timestamp", "trace_id", "span_id"].iter().for_each(|name| drop(by_log[*name].take()));
    assert_eq!(
        by_log,
        serde_json::json!({
            "timestamp": null, "severity": "INFO", "trace_id": null, "span_id": null, "trace_flags": "01",
            "target": "logs", "message": "by the log crate",
        })
    );

    // The records: the same events, the same ids.
    let records = receiver.logs();
    let of_log =
        records.iter().find(|(_, record)| value(record.body.as_ref()) == "\"by the log crate\"").unwrap();
    let place = attributes(&of_log.1.attributes);
    assert_eq!(place.keys().collect::<Vec<_>>(), ["code.file.path", "code.line.number"]);
    assert_eq!(place["code.file.path"], "\"examples/logs.rs\"");
    let mut of_records: Vec<_> = records
        .iter()
        .map(|(resource, record)| {
            assert_eq!(service(resource), "logs");
            (value(record.body.as_ref()), hex(&record.trace_id), hex(&record.span_id), record.flags)
        })
        .collect();
    let flags = |line| u32::from_str_radix(&id(line, "trace_flags"), 16).unwrap_or_default();
    let mut of_lines: Vec<_> = lines
        .iter()
        .map(|(message, line)| {
            (format!("{message:?}"), id(line, "trace_id"), id(line, "span_id"), flags(line))
        })
        .collect();
    // Said twice, for two parts.
    of_lines.extend(of_lines.iter().find(|line| line.0.contains("in the body")).cloned());
    of_lines.sort();
    of_records.sort();
    assert_eq!(of_records, of_lines);
}

#[tokio::test]
async fn lines_of_an_unsampled_trace_have_its_ids_and_say_so() {
    let receiver = Receiver::start();
    let (lines, _) = told(&receiver, &[("OTEL_TRACES_SAMPLER", "always_off")]).await;
    let inside: Vec<_> = lines.values().filter(|line| line.get("trace_id").is_some()).collect();
    assert_eq!(inside.len(), 9, "{lines:#?}");
    for line in inside {
        assert_eq!((id(line, "trace_id").len(), id(line, "span_id").len()), (32, 16));
        assert_eq!(id(line, "trace_flags"), "00");
        assert_eq!(id(line, "trace_id"), id(&lines["in the handler"], "trace_id"));
    }
    assert_eq!(receiver.spans().len(), 0);
}

#[tokio::test]
async fn lines_have_what_the_variables_ask_for() {
    let receiver = Receiver::start();
    let (lines, example) = told(
        &receiver,
        &[
            ("THROUGHLINE_LOG_FIELDS", "flat"),
            ("THROUGHLINE_LOG_SERVICE_NAME", "true"),
            ("THROUGHLINE_LOG_SOURCE", "true"),
            ("THROUGHLINE_LOG_SPANS", "close"),
            ("THROUGHLINE_LOG_SPAN_FIELDS", "lines,records"),
            ("THROUGHLINE_LOG_OUTPUT", "stderr"),
            ("OTEL_BLRP_MAX_EXPORT_BATCH_SIZE", "3"),
        ],
    )
    .await;
    let keys =
        |message: &str| lines[message].as_object().unwrap().keys().map(String::as_str).collect::<Vec<_>>();
    let common = [
        "code.file.path",
        "code.line.number",
        "message",
        "service.name",
        "severity",
        "span_id",
        "target",
        "timestamp",
        "trace_flags",
        "trace_id",
    ];
    let with = |more: &[&'static str]| {
        let mut keys = [&common, more].concat();
        keys.sort_unstable();
        keys
    };
    assert_eq!(keys("after an await"), with(&[]));
    assert_eq!(keys("in the handler"), with(&["answer", "ratio"]));
    assert_eq!(keys("in a grandchild"), with(&["span", "tenant"]));
    assert_eq!(keys("close grandchild"), with(&["span", "tenant", "time.busy_ms", "time.idle_ms"]));
    let line = &lines["in a grandchild"];
    assert_eq!((&line["service.name"], &line["span"]), (&"logs".into(), &"grandchild".into()));
    assert_eq!(line["code.file.path"], "examples/logs.rs");
    assert!(example.lines().iter().all(|line| !line.contains("panicked:")), "only by option");

    let records = receiver.logs();
    let requests = receiver.requests().iter().filter(|arrival| arrival.path == "/v1/logs").count();
    assert!(requests >= records.len().div_ceil(3), "{requests} requests of three records at most");
    let record =
        records.iter().find(|(_, record)| value(record.body.as_ref()) == "\"in a grandchild\"").unwrap();
    let attributes = attributes(&record.1.attributes);
    assert_eq!(
        attributes.keys().collect::<Vec<_>>(),
        ["code.file.path", "code.line.number", "tenant"],
        "span moments are no records, span fields are by option"
    );
}

#[tokio::test]
async fn a_panic_is_one_line_with_its_place_and_the_hook_that_was_there_still_runs() {
    let receiver = Receiver::start();
    let (lines, example) = told(&receiver, &[("THROUGHLINE_LOG_PANICS", "1")]).await;
    let line = &lines["panicked: in a task that panics"];
    let fields = line["fields"].as_object().unwrap();
    assert_eq!(
        fields.keys().collect::<Vec<_>>(),
        ["code.column.number", "code.file.path", "code.line.number", "exception.message", "thread.name"]
    );
    assert_eq!(fields["code.file.path"], "examples/logs.rs");
    assert_eq!(fields["exception.message"], "in a task that panics");
    assert_eq!((&line["severity"], &line["target"]), (&"ERROR".into(), &"panic".into()));
    let place = format!(
        "panicked at examples/logs.rs:{}:{}",
        fields["code.line.number"], fields["code.column.number"]
    );
    until("the words of the hook before", || async {
        example.lines().iter().any(|line| line.contains(&place)).then_some(())
    })
    .await;
    let (_, record) = receiver
        .logs()
        .into_iter()
        .find(|(_, record)| value(record.body.as_ref()).contains("panicked: "))
        .unwrap();
    assert_eq!(
        attributes(&record.attributes).keys().collect::<Vec<_>>(),
        ["code.column.number", "code.file.path", "code.line.number", "exception.message", "thread.name"]
    );
    assert_eq!(attributes(&record.attributes)["code.file.path"], "\"examples/logs.rs\"");
}
