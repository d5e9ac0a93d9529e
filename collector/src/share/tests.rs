use super::*;
use crate::Config;

fn intake() -> Intake {
    Intake::start(&Config::default()).unwrap()
}

const TRACES: &str = r#"{"resourceSpans":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"a"}}]},"scopeSpans":[{"scope":{"name":"lib"},"spans":[{"traceId":"0101010101010101","spanId":"02"}],"schemaUrl":"u"}],"schemaUrl":"v"}]}"#;

/// A request with a span of each of the traces.
fn traces(ids: &[u8]) -> String {
    let span = |id: &u8| {
        format!(r#"{{"traceId":"{:02x}","spanId":"{:02x}","name":"s"}}"#, Hex(*id, 16), Hex(*id, 8))
    };
    let spans: Vec<String> = ids.iter().map(span).collect();
    let attribute = r#"{"key":"service.name","value":{"stringValue":"a"}}"#;
    format!(
        r#"{{"resourceSpans":[{{"resource":{{"attributes":[{attribute}]}},"scopeSpans":[{{"scope":{{"name":"lib"}},"spans":[{}],"schemaUrl":"u"}}],"schemaUrl":"v"}}]}}"#,
        spans.join(",")
    )
}

fn logs(id: u8) -> String {
    format!(
        r#"{{"resourceLogs":[{{"scopeLogs":[{{"logRecords":[{{"body":{{"stringValue":"said"}},"traceId":"{:02x}"}}]}}]}}]}}"#,
        Hex(id, 16)
    )
}

/// A byte so many times, in hexadecimal digits.
struct Hex(u8, usize);

impl std::fmt::LowerHex for Hex {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        (0..self.1).try_for_each(|_| write!(f, "{:02x}", self.0))
    }
}

fn set(ids: &[u8]) -> HashSet<TraceId> {
    ids.iter().map(|id| [*id; 16]).collect()
}

#[test]
fn what_is_exported_is_the_traces_alone_with_all_that_they_belong_to() {
    let intake = intake();
    let metrics = r#"{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"name":"m","gauge":{"dataPoints":[{"asInt":"1"}]}}]}]}]}"#;
    let file = [traces(&[1, 2, 3]), logs(2), logs(3), metrics.to_owned(), traces(&[4])].join("\n");
    let imported = import(&intake, file.as_bytes());
    let expected = Imported { requests: 5, spans: 4, log_records: 2, data_points: 1, ..Imported::default() };
    assert_eq!(imported, expected);
    let exported = String::from_utf8(export(&intake, &set(&[2])).unwrap()).unwrap();
    assert_eq!(exported, format!("{}\n{}\n", traces(&[2]), logs(2)));
    let exported = String::from_utf8(export(&intake, &set(&[1, 4])).unwrap()).unwrap();
    let (first, second) = (traces(&[1]), traces(&[4]));
    let joined = format!("{},{}", &first[..first.len() - 2], &second[18..]);
    assert_eq!(exported, format!("{joined}\n"));
    assert_eq!(export(&intake, &set(&[9])), Some(Vec::new()));
}

#[test]
fn what_is_imported_again_is_the_same() {
    let (one, other) = (intake(), intake());
    import(&one, [traces(&[1, 2]), logs(1)].join("\n").as_bytes());
    let exported = export(&one, &set(&[1, 2])).unwrap();
    assert_eq!(import(&other, &exported).requests, 2);
    assert_eq!(export(&other, &set(&[1, 2])).unwrap(), exported);
    assert_eq!(look::trace(&other, &[1; 16]), look::trace(&one, &[1; 16]));
}

/// A request with a point of each of two instruments of a service.
fn metrics(service: &str) -> String {
    let metric = |name: &str| {
        format!(
            r#"{{"name":"{name}","unit":"s","gauge":{{"dataPoints":[{{"timeUnixNano":"5","asInt":"1"}}]}}}}"#
        )
    };
    let attribute = format!(r#"{{"key":"service.name","value":{{"stringValue":"{service}"}}}}"#);
    let both = format!("{},{}", metric("one"), metric("other"));
    format!(
        r#"{{"resourceMetrics":[{{"resource":{{"attributes":[{attribute}]}},"scopeMetrics":[{{"scope":{{"name":"lib"}},"metrics":[{both}]}}]}}]}}"#
    )
}

#[test]
fn measurements_are_exported_by_service_and_by_instrument_and_come_back_as_the_same() {
    let (one, other) = (intake(), intake());
    import(&one, [metrics("a"), metrics("b"), logs(1), traces(&[1])].join("\n").as_bytes());
    let export = |from: &Intake, signals: &[Signal], service: Option<&str>, instrument: Option<&str>| {
        String::from_utf8(export_all(from, signals, service, instrument).unwrap()).unwrap()
    };
    let only = [Signal::Metrics];
    assert_eq!(export(&one, &only, Some("b"), None), format!("{}\n", metrics("b")));
    let half = |service: &str| {
        let (whole, from) = (metrics(service), r#","unit":"s","gauge""#);
        let (first, second) =
            (whole.find(r#"{"name":"one""#).unwrap(), whole.find(r#"{"name":"other""#).unwrap());
        assert!(whole.contains(from));
        format!("{}{}", &whole[..first], &whole[second..])
    };
    assert_eq!(export(&one, &only, Some("a"), Some("other")), format!("{}\n", half("a")));
    assert_eq!(export(&one, &only, Some("nobody"), None), "");
    assert_eq!(export(&one, &only, None, Some("none")), "");
    // The name of an instrument says nothing of log records.
    let all = export(&one, &[Signal::Logs, Signal::Metrics], None, Some("one"));
    assert_eq!((all.lines().count(), all.lines().next()), (2, Some(&*logs(1))));
    let all = export(&one, &Signal::ALL, None, None);
    let imported = import(&other, all.as_bytes());
    assert_eq!((imported.spans, imported.log_records, imported.data_points, imported.refused), (1, 1, 4, 0));
    assert_eq!(export(&other, &Signal::ALL, None, None), all);
}

#[test]
fn an_export_that_would_be_too_large_is_none_and_one_that_is_large_has_several_lines() {
    let intake = intake();
    let text = "x".repeat(1024 * 1024);
    let large = || logs(1).replace("said", &text);
    for _ in 0..10 {
        import(&intake, large().as_bytes());
    }
    let exported = export_all(&intake, &[Signal::Logs], None, None).unwrap();
    assert_eq!(exported.iter().filter(|byte| **byte == b'\n').count(), 4);
    let mut lines = Lines { written: vec![b' '; MAX_BYTES - 10 * text.len()] };
    assert_eq!(
        lines.add(Signal::Logs, look::bodies(&intake, Signal::Logs), |_| Choice::All {
            service: None,
            instrument: None
        }),
        None
    );
}

#[test]
fn several_signals_in_one_object_and_objects_in_a_list_are_all_taken() {
    let (spans, logs) = (traces(&[1]), logs(1));
    let both = format!("{},{}", &spans[..spans.len() - 1], &logs[1..]);
    for file in [both, format!("[{spans},\n{logs}]"), format!("a line\n{logs}\n{spans}\n")] {
        let imported = import(&intake(), file.as_bytes());
        assert_eq!((imported.requests, imported.spans, imported.log_records), (2, 1, 1), "{file}");
    }
}

#[test]
fn what_is_no_telemetry_is_passed_over_and_what_is_broken_is_told() {
    let file = format!("{{\"level\":\"info\"}}\nhello\n{TRACES}\n{}\n", traces(&[1]));
    let imported = import(&intake(), file.as_bytes());
    assert_eq!((imported.requests, imported.spans, imported.passed_over, imported.refused), (1, 1, 2, 1));
    let fault = imported.fault.unwrap();
    assert!(fault.starts_with("not traces in JSON: "), "{fault}");
    assert_eq!(import(&intake(), b""), Imported::default());
}

#[test]
fn spans_with_invalid_ids_are_left_out_one_by_one() {
    let file = traces(&[1, 0]);
    let imported = import(&intake(), file.as_bytes());
    assert_eq!((imported.requests, imported.spans, imported.rejected), (1, 1, 1));
}
