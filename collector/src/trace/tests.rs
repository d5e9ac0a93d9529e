use super::*;
use crate::{
    check::field,
    otlp,
    scan::{items, scan},
    store::{Found, Stored},
};
use bytes::Bytes;
use prost::Message;
use throughline_sender::Signal;

const ID: [u8; 16] = [0xab; 16];

/// A span by its number, that of its parent (0: none), its start and its end.
fn raw(id: u64, parent: u64, start: u64, end: u64) -> otlp::Span {
    let parent_span_id = if parent == 0 { Vec::new() } else { parent.to_be_bytes().to_vec() };
    otlp::Span {
        span_id: id.to_be_bytes().to_vec(),
        parent_span_id,
        name: format!("span {id}"),
        start,
        end,
        ..Default::default()
    }
}

fn text(key: &str, value: &str) -> otlp::Attribute {
    let content = Some(otlp::Content::Text(value.to_owned()));
    otlp::Attribute { key: key.to_owned(), value: Some(otlp::Any { content }) }
}

fn stored(signal: Signal, service: &str, records: Vec<Vec<u8>>) -> Vec<Stored> {
    let resource = otlp::Resource { attributes: vec![text("service.name", service)] }.encode_to_vec();
    let records: Vec<u8> = records.iter().flat_map(|record| field(2, record)).collect();
    let body = field(1, &[field(2, &records), field(1, &resource)].concat());
    found(signal, body)
}

fn found(signal: Signal, body: impl Into<Bytes>) -> Vec<Stored> {
    let body = body.into();
    let items = items(signal, &body, scan(signal, &body).unwrap().placed).unwrap();
    let chunk = body.as_ptr() as u64;
    items.into_iter().map(|item| Stored { chunk, body: body.clone(), place: item.place }).collect()
}

fn spans(service: &str, spans: &[otlp::Span]) -> Vec<Stored> {
    let record = |span: &otlp::Span| [span.encode_to_vec(), field(1, &ID)].concat();
    stored(Signal::Traces, service, spans.iter().map(record).collect())
}

fn log(span: u64, time: u64, body: &str, fields: &[(&str, &str)]) -> Vec<u8> {
    let log = otlp::Log {
        time,
        severity: 9,
        body: text("", body).value,
        attributes: fields.iter().map(|(key, value)| text(key, value)).collect(),
        trace_id: ID.to_vec(),
        span_id: span.to_be_bytes().to_vec(),
        ..Default::default()
    };
    log.encode_to_vec()
}

fn built(found: &[Stored]) -> Trace {
    trace(&ID, &Found { spans: found.to_vec(), logs: Vec::new() })
}

fn line(found: &[Stored]) -> Summary {
    summary(&ID, &Found { spans: found.to_vec(), logs: Vec::new() }, &mut Resources::default()).unwrap()
}

fn order(trace: &Trace) -> Vec<(&str, usize, bool)> {
    trace.spans.iter().map(|span| (span.name.as_str(), span.depth, span.parent_missing)).collect()
}

#[test]
fn spans_are_in_the_order_of_the_tree_whatever_the_order_of_arrival() {
    let found = spans(
        "a",
        &[raw(4, 2, 30, 40), raw(3, 1, 50, 60), raw(2, 1, 10, 45), raw(5, 2, 20, 25), raw(1, 0, 0, 99)],
    );
    let trace = built(&found);
    assert_eq!(
        order(&trace),
        [
            ("span 1", 0, false),
            ("span 2", 1, false),
            ("span 5", 2, false),
            ("span 4", 2, false),
            ("span 3", 1, false)
        ]
    );
    assert_eq!((&trace.spans[0].children, &trace.spans[1].children), (&vec![1, 4], &vec![2, 3]));
    assert!(trace.complete());
}

#[test]
fn a_span_that_arrived_twice_is_there_once() {
    let mut found = spans("a", &[raw(1, 0, 0, 9), raw(2, 1, 1, 2)]);
    found.extend(found.clone());
    assert_eq!(built(&found).spans.len(), 2);
    assert_eq!(line(&found).spans, 2);
}

#[test]
fn a_trace_without_its_root_is_shown_with_a_mark() {
    let found = spans("a", &[raw(2, 1, 1, 9), raw(3, 2, 2, 3)]);
    let trace = built(&found);
    assert_eq!(order(&trace), [("span 2", 0, true), ("span 3", 1, false)]);
    let summary = line(&found);
    assert_eq!((summary.name.as_str(), summary.complete, trace.complete()), ("span 2", false, false));
    assert!(trace.to_string().contains("(parent missing)"), "{trace}");
}

#[test]
fn a_trace_whose_caller_alone_is_missing_was_called_from_outside() {
    let server = |id, parent, flags| otlp::Span { kind: 2, flags, ..raw(id, parent, id, 99) };
    let inner = raw(3, 2, 5, 6);
    for (spans_of_the_trace, outside) in [
        (vec![server(2, 1, 0), inner.clone()], true),
        (vec![server(2, 1, 0x301), server(4, 1, 0x301)], true),
        // The parent is in the same process and has only not arrived yet.
        (vec![server(2, 1, 0x101), inner.clone()], false),
        (vec![raw(2, 1, 0, 9), inner.clone()], false),
        // Somebody in the middle is missing.
        (vec![server(1, 0, 0), server(3, 2, 0x301)], false),
        (vec![server(2, 1, 0), server(4, 3, 0)], false),
        (vec![server(1, 0, 0), inner], false),
        (vec![server(4, 5, 0x301), server(5, 4, 0x301)], false),
    ] {
        let found = spans("a", &spans_of_the_trace);
        let (summary, trace) = (line(&found), built(&found));
        assert_eq!((summary.called_from_outside, trace.called_from_outside()), (outside, outside), "{trace}");
        assert!(!summary.complete && !trace.complete());
        let printed = trace.to_string();
        assert_eq!(
            (printed.contains("called from outside"), printed.contains("missing")),
            (outside, !outside)
        );
    }
}

#[test]
fn circles_of_parents_are_cut_and_nothing_is_lost() {
    let found = spans(
        "a",
        &[
            raw(1, 0, 0, 9),
            raw(7, 4, 1, 2),
            raw(4, 6, 2, 3),
            raw(5, 4, 3, 4),
            raw(6, 5, 4, 5),
            raw(8, 8, 9, 9),
        ],
    );
    let trace = built(&found);
    assert_eq!(
        order(&trace),
        [
            ("span 1", 0, false),
            ("span 4", 0, true),
            ("span 7", 1, false),
            ("span 5", 1, false),
            ("span 6", 2, false),
            ("span 8", 0, true)
        ]
    );
    assert!(!trace.complete() && !line(&found).complete);
    let circle = spans("a", &[raw(1, 0, 1, 9), raw(4, 5, 1, 2), raw(5, 4, 1, 2)]);
    assert!(!built(&circle).complete() && !line(&circle).complete);
    let server = |id, parent| otlp::Span { kind: 2, ..raw(id, parent, 1, 2) };
    let both = spans("a", &[server(1, 9), server(4, 5), server(5, 4)]);
    assert!(!built(&both).called_from_outside() && !line(&both).called_from_outside);
}

#[test]
fn a_start_that_was_not_sent_does_not_stretch_the_trace() {
    let now = 1_700_000_000_000_000_000;
    let found = spans("a", &[raw(1, 0, now, now + 100), raw(2, 1, 0, now + 50), raw(3, 1, 0, 0)]);
    let (trace, summary) = (built(&found), line(&found));
    assert_eq!(trace.extent(), (now, now + 100));
    assert_eq!((summary.start, summary.duration), (now, 100));
    let span = trace.span("0000000000000002").unwrap();
    assert_eq!((span.start, span.duration()), (now + 50, 0));
}

#[test]
fn every_span_is_found_by_its_id() {
    let trace = built(&spans("a", &[raw(1, 0, 1, 9), raw(0xabcd, 1, 2, 3)]));
    assert_eq!(trace.span("000000000000abcd").map(|span| span.name.as_str()), Some("span 43981"));
    for other in ["abcd", "000000000000ABCD", "0000000000000002", "", "+00000000000abcd", "x"] {
        assert_eq!(trace.span(other), None, "{other}");
    }
}

// A request of some kilobytes must not become gigabytes of names.
#[test]
fn names_are_cut_and_shared_by_the_spans_of_a_resource_and_a_scope() {
    let long = "n".repeat(100_000);
    let scope =
        otlp::Scope { name: long.clone(), version: "1".to_owned(), ..Default::default() }.encode_to_vec();
    let record = |id| {
        let named = otlp::Span { name: long.clone(), ..raw(id, 0, 1, 2) };
        field(2, &[named.encode_to_vec(), field(1, &ID)].concat())
    };
    let records: Vec<u8> = (1..=3).flat_map(record).collect();
    let resource = otlp::Resource { attributes: vec![text("service.name", &long)] }.encode_to_vec();
    let body = field(1, &[field(1, &resource), field(2, &[field(1, &scope), records].concat())].concat());
    let found = found(Signal::Traces, body);
    let trace = built(&found);
    for span in &trace.spans {
        for name in [&span.name, &span.service, &span.scope] {
            assert_eq!(name.chars().count(), 256);
            assert!(name.ends_with('…'));
        }
        assert!(std::ptr::eq(span.service.as_str(), trace.spans[0].service.as_str()));
        assert!(std::ptr::eq(span.scope.as_str(), trace.spans[0].scope.as_str()));
    }
    let json = serde_json::to_string(&Trace { resources: Vec::new(), ..trace }).unwrap();
    assert!(json.len() < 10_000, "{}", json.len());
    assert!(line(&found).name.len() < 1000 && line(&found).services[0].0.len() < 1000);
}

// The work must not grow with the size of the resource times the number of its spans.
#[test]
fn a_resource_is_looked_at_once_for_all_of_its_spans_and_once_for_each_request() {
    let many: Vec<otlp::Span> = (1..=100).map(|id| raw(id, 0, 1, 2)).collect();
    let (first, second) = (spans("a", &many), spans("a", &many[..1]));
    let mut resources = Resources::default();
    let numbers: Vec<usize> = first.iter().chain(&second).map(|stored| resources.of(stored)).collect();
    assert!(numbers.iter().all(|number| *number == 0));
    assert_eq!(resources.looks(), 2);
}

#[test]
fn the_last_of_several_attributes_with_one_name_counts() {
    let attributes = Attributes::from(vec![
        text("a", "1"),
        text("b", "2"),
        text("a", "3"),
        text("c", "4"),
        text("a", "5"),
    ]);
    assert_eq!(serde_json::to_string(&attributes).unwrap(), r#"{"b":"2","c":"4","a":"5"}"#);
}

#[test]
fn services_are_counted_in_the_order_of_their_first_spans() {
    assert_eq!(tally(["b", "a", "b"].into_iter()), [("b".to_owned(), 2), ("a".to_owned(), 1)]);
}

#[test]
fn the_newest_log_records_are_those_of_the_latest_times_whichever_request_came_last() {
    let bodies: Vec<Bytes> = [&[5, 1][..], &[9, 7, 3]]
        .iter()
        .map(|times| {
            let records: Vec<u8> =
                times.iter().flat_map(|time| field(2, &log(1, *time, &time.to_string(), &[]))).collect();
            field(1, &field(2, &records)).into()
        })
        .collect();
    let asked = |limit, most, least| {
        let (logs, is_all) = matching(bodies.clone(), limit, most, |log| log.time >= least);
        (logs.iter().map(|log| log.time).collect::<Vec<_>>(), is_all)
    };
    assert_eq!((asked(1, 10, 0), asked(3, 10, 0)), ((vec![9], false), (vec![9, 7, 5], false)));
    assert_eq!((asked(5, 10, 0), asked(3, 10, 4)), ((vec![9, 7, 5, 3, 1], true), (vec![9, 7, 5], true)));
    // No further request is read when so many records were.
    assert_eq!((asked(5, 2, 0), asked(0, 10, 0)), ((vec![5, 1], false), (vec![], false)));
}

#[test]
fn a_chain_of_ten_thousand_spans_is_built_and_printed() {
    let chain: Vec<otlp::Span> = (1..=10_000).map(|id| raw(id, id - 1, id, 20_000 - id)).collect();
    let trace = built(&spans("a", &chain));
    assert_eq!(trace.spans.last().map(|span| (span.depth, span.parent_missing)), Some((9999, false)));
    let printed = trace.to_string();
    assert!(printed.lines().count() > 10_000 && printed.len() < 4_000_000, "{}", printed.len());
}

#[test]
fn the_summary_agrees_with_the_trace() {
    let mut failed = raw(2, 1, 10, 500);
    failed.status = Some(otlp::Status { message: String::new(), code: 2 });
    let mut found = spans("back", &[failed]);
    found.extend(spans("front", &[raw(1, 0, 5, 400), raw(3, 1, 6, 7)]));
    let summary = line(&found);
    assert_eq!((summary.name.as_str(), summary.service.as_str()), ("span 1", "front"));
    assert_eq!((summary.start, summary.duration, summary.spans, summary.errors), (5, 495, 3, 1));
    assert_eq!(summary.services, [("front".to_owned(), 2), ("back".to_owned(), 1)]);
    let trace = built(&found);
    assert_eq!((trace.services(), trace.errors(), trace.complete()), (summary.services, 1, summary.complete));
    assert_eq!(trace.resources.len(), 2);
}

#[test]
fn the_printed_tree_has_spans_outcomes_and_log_records_in_their_places() {
    let ms = 1_000_000;
    let named = |mut span: otlp::Span, name: &str, kind, status: i64| {
        let content = Some(otlp::Content::Int(status));
        let value = Some(otlp::Any { content });
        span.attributes = vec![otlp::Attribute { key: "http.response.status_code".to_owned(), value }];
        if status == 0 {
            span.attributes.clear();
        }
        otlp::Span { name: name.to_owned(), kind, ..span }
    };
    let mut charge = named(raw(4, 3, 20 * ms, 100 * ms), "POST /charge", 2, 502);
    charge.status = Some(otlp::Status { message: "card\u{1b}[31m refused".to_owned(), code: 2 });
    let mut all = spans(
        "front",
        &[
            named(raw(1, 0, 1, 128 * ms), "POST /orders", 2, 502),
            named(raw(2, 1, ms, 4 * ms), "authorize", 1, 0),
            named(raw(3, 1, 5 * ms, 110 * ms), "POST", 3, 502),
        ],
    );
    all.extend(spans("back", &[charge]));
    let logs = stored(
        Signal::Logs,
        "front",
        vec![
            log(1, 0, "order accepted", &[("items", "3"), ("note", "two words")]),
            log(4, 21 * ms, "asking\nthe bank", &[]),
            log(9, 22 * ms, "from elsewhere", &[]),
        ],
    );
    let printed = trace(&ID, &Found { spans: all, logs }).to_string();
    let expected = "\
trace abababababababababababababababab · 128 ms · 4 spans · 2 services · 1 error

front  SERVER POST /orders         128 ms  502
       │ 00:00:00.000 INFO  order accepted items=3 note=\"two words\"
front  ├─ INTERNAL authorize      3.00 ms
front  └─ CLIENT POST              105 ms  502
back      └─ SERVER POST /charge  80.0 ms  502  ERROR card\\u{1b}[31m refused
               00:00:00.021 INFO  asking\\nthe bank

log records of spans that are not here
  00:00:00.022 INFO  from elsewhere
";
    assert_eq!(printed, expected, "\n{printed}\n{expected}");
}

#[test]
fn values_of_every_kind_serialise_and_ids_are_read_in_either_case() {
    let any = |content| otlp::Any { content: Some(content) };
    let all = otlp::Array {
        values: vec![
            otlp::Any::default(),
            any(otlp::Content::Text("a".to_owned())),
            any(otlp::Content::Bool(true)),
            any(otlp::Content::Int(-1)),
            any(otlp::Content::Double(0.5)),
            any(otlp::Content::Bytes(vec![0, 255])),
            any(otlp::Content::Map(otlp::Resource { attributes: vec![text("k", "v")] })),
        ],
    };
    let value = Value::from(any(otlp::Content::Array(all)));
    assert_eq!(value.to_string(), r#"[null,"a",true,-1,0.5,"00ff",{"k":"v"}]"#);
    for (content, json) in [
        (otlp::Content::Int(1 << 53), "9007199254740992"),
        (otlp::Content::Int((1 << 53) + 1), "\"9007199254740993\""),
        (otlp::Content::Int(i64::MIN), "\"-9223372036854775808\""),
        (otlp::Content::Double(f64::NAN), "\"NaN\""),
        (otlp::Content::Double(f64::INFINITY), "\"Infinity\""),
        (otlp::Content::Double(f64::NEG_INFINITY), "\"-Infinity\""),
    ] {
        assert_eq!(serde_json::to_string(&Value::from(any(content))).unwrap(), json);
    }
    assert_eq!(parse("ABababababababababababababababab"), Some(ID));
    assert_eq!(parse(&"ab".repeat(15)), None);
    assert_eq!(parse(&"zz".repeat(16)), None);
}
