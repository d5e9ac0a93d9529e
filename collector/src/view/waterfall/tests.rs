use super::*;
use crate::{
    scan::{items, scan},
    store::{Found, Stored},
    trace,
};
use opentelemetry_proto::tonic::{
    collector::{logs::v1::ExportLogsServiceRequest, trace::v1::ExportTraceServiceRequest},
    common::v1::{AnyValue, KeyValue, any_value},
    logs::v1::{LogRecord as SentLog, ResourceLogs, ScopeLogs},
    resource::v1::Resource,
    trace::v1::{ResourceSpans, ScopeSpans, Span as Sent},
};
use proptest::prelude::*;
use prost::Message;
use throughline_sender::Signal;

const ID: [u8; 16] = [7; 16];

fn text(key: &str, value: &str) -> KeyValue {
    let value = Some(AnyValue { value: Some(any_value::Value::StringValue(value.to_owned())) });
    KeyValue { key: key.to_owned(), value, ..Default::default() }
}

fn resource(service: &str) -> Option<Resource> {
    Some(Resource { attributes: vec![text("service.name", service)], ..Default::default() })
}

/// A span by its number, that of its parent (0: none), its start and its end.
fn sent(id: u64, parent: u64, start: u64, end: u64) -> Sent {
    Sent {
        trace_id: ID.to_vec(),
        span_id: id.to_be_bytes().to_vec(),
        parent_span_id: if parent == 0 { Vec::new() } else { parent.to_be_bytes().to_vec() },
        name: format!("span {id}"),
        start_time_unix_nano: start,
        end_time_unix_nano: end,
        ..Default::default()
    }
}

fn stored(signal: Signal, body: Vec<u8>) -> Vec<Stored> {
    let body = bytes::Bytes::from(body);
    let chunk = body.as_ptr() as u64;
    let all = items(signal, &body, scan(signal, &body).unwrap().placed).unwrap();
    all.into_iter().map(|item| Stored { chunk, body: body.clone(), place: item.place }).collect()
}

fn of(services: Vec<(&str, Vec<Sent>)>, logs: Vec<(u64, u64)>) -> Trace {
    let resource_spans = |(service, spans)| ResourceSpans {
        resource: resource(service),
        scope_spans: vec![ScopeSpans { spans, ..Default::default() }],
        ..Default::default()
    };
    let resource_spans = services.into_iter().map(resource_spans).collect();
    let log_record = |(span, time): (u64, u64)| SentLog {
        trace_id: ID.to_vec(),
        span_id: span.to_be_bytes().to_vec(),
        time_unix_nano: time,
        ..Default::default()
    };
    let log_records = logs.into_iter().map(log_record).collect();
    let scope_logs = vec![ScopeLogs { log_records, ..Default::default() }];
    let resource_logs = vec![ResourceLogs { scope_logs, ..Default::default() }];
    let spans = ExportTraceServiceRequest { resource_spans }.encode_to_vec();
    let logs = ExportLogsServiceRequest { resource_logs }.encode_to_vec();
    let found = Found { spans: stored(Signal::Traces, spans), logs: stored(Signal::Logs, logs) };
    trace::trace(&ID, &found)
}

fn all(under: Option<usize>) -> Wanted<'static> {
    Wanted { under, skip: 0, selected: None, found: &[], lines: true }
}

/// The rows in words.
fn told(trace: &Trace, wanted: &Wanted<'_>) -> Vec<String> {
    let word = |row: &Row<'_>| match row {
        Row::Span { place, folded: 0 } => trace.spans[*place].name.to_string(),
        Row::Span { place, folded } => format!("{} +{folded}", trace.spans[*place].name),
        Row::Line { depth, log } => format!("line {depth} {}", log.time),
        Row::Peer { name, .. } => format!("peer {name}"),
        Row::Gap { under, skip, count, depth } => format!("gap {under:?} {skip} {count} {depth}"),
    };
    Outline::of(trace).rows(wanted).iter().map(word).collect()
}

#[test]
fn the_critical_path_is_what_everything_waited_for() {
    // A waits 20..50 for B, then 60..90 for C; D, beside C, ends earlier and does not matter.
    let spans = vec![
        sent(1, 0, 10, 100),
        sent(2, 1, 20, 50),
        sent(3, 1, 60, 90),
        sent(4, 1, 62, 80),
        sent(5, 3, 65, 95),
    ];
    let trace = of(vec![("a", spans)], vec![]);
    let path = Path::of(&trace);
    let pieces = |id: usize| path.pieces(trace.place(&format!("{id:016x}")).unwrap()).to_vec();
    assert_eq!(pieces(1), [(90, 100), (50, 60), (10, 20)]);
    assert_eq!(pieces(2), [(20, 50)]);
    assert_eq!(pieces(3), [(60, 65)]);
    assert_eq!(pieces(4), []);
    assert_eq!(pieces(5), [(65, 90)], "no longer than its parent");
}

#[test]
fn log_records_stand_between_the_spans_by_their_times_and_a_silent_peer_below_its_call() {
    let attributes = vec![text("db.system.name", "postgresql"), text("db.namespace", "shop")];
    let query = Sent { kind: 3, attributes, ..sent(3, 1, 40, 50) };
    let call = Sent { kind: 3, attributes: vec![text("server.address", "back")], ..sent(4, 1, 60, 90) };
    let answer = Sent { kind: 2, ..sent(5, 4, 65, 80) };
    let front = vec![sent(1, 0, 0, 100), sent(2, 1, 10, 20), query, call];
    let trace =
        of(vec![("front", front), ("back", vec![answer])], vec![(1, 5), (1, 30), (1, 95), (2, 15), (5, 70)]);
    let expected = [
        "span 1",
        "line 1 5",
        "span 2",
        "line 2 15",
        "line 1 30",
        "span 3",
        "peer postgresql shop",
        "span 4",
        "span 5",
        "line 3 70",
        "line 1 95",
    ];
    assert_eq!(told(&trace, &all(None)), expected);
    assert_eq!(told(&trace, &all(Some(3))), ["span 5", "line 3 70"]);
}

#[test]
fn a_clock_is_wrong_if_an_answer_lies_outside_of_its_call() {
    let skew = |start, end, kind| {
        let call = Sent { kind: 3, ..sent(1, 0, 100, 200) };
        let answer = Sent { kind, ..sent(2, 1, start, end) };
        let trace = of(vec![("front", vec![call]), ("back", vec![answer])], vec![]);
        peer::skew(&trace.spans[0], &trace.spans[1])
    };
    assert_eq!(skew(110, 190, 2), None);
    assert_eq!(skew(90, 150, 2), Some(-10));
    assert_eq!(skew(150, 230, 2), Some(30));
    assert_eq!(skew(110, 300, 2), None, "it answers early and goes on working");
    assert_eq!(skew(90, 150, 1), None, "of the same process");
}

#[test]
fn of_a_large_trace_the_top_what_is_selected_and_what_failed_is_shown() {
    let mut spans = vec![sent(1, 0, 1, 10_000)];
    for group in 0..10 {
        spans.push(sent(10 + group, 1, 1 + 10 * group, 9000));
        for one in 0..1000 {
            spans.push(sent(1000 + group * 1000 + one, 10 + group, 1 + 10 * group + one, 8000));
        }
    }
    let last = spans.len() - 1;
    spans[last].status =
        Some(opentelemetry_proto::tonic::trace::v1::Status { code: 2, ..Default::default() });
    let trace = of(vec![("a", spans)], vec![]);
    let rows = told(&trace, &all(None));
    assert_eq!(rows.iter().filter(|row| row.starts_with("span")).count(), MAX_ROWS);
    assert_eq!(rows[..3], ["span 1", "span 10", "span 1000"]);
    assert!(rows.contains(&"gap Some(1) 488 512 2".to_owned()), "{rows:?}");
    assert!(rows.contains(&"span 11 +1000".to_owned()));
    // The one that failed is the last of the last ones.
    assert_eq!(rows[rows.len() - 2..], ["gap Some(9010) 0 999 2", "span 10999"]);
    let selected = trace.place(&format!("{:016x}", 5500)).unwrap();
    let rows = told(&trace, &Wanted { selected: Some(selected), ..all(None) });
    assert!(rows.contains(&"span 5500".to_owned()));
    // What a gap leads to begins where the gap does.
    let rows = told(&trace, &Wanted { skip: 488, ..all(Some(1)) });
    assert_eq!((rows[0].as_str(), rows.len()), ("span 1488", 501));
    assert_eq!(rows[500], "gap Some(1) 988 12 2");
}

#[test]
fn a_chain_of_thousands_is_shown_piece_by_piece() {
    let spans = (1..=3000).map(|id| sent(id, id - 1, id, 10_000)).collect();
    let trace = of(vec![("a", spans)], vec![]);
    let rows = told(&trace, &all(None));
    assert_eq!((rows.len(), rows[499].as_str()), (MAX_ROWS, "span 500 +2500"));
    let rows = told(&trace, &all(Some(499)));
    assert_eq!((rows[0].as_str(), rows[499].as_str()), ("span 501", "span 1000 +2000"));
    assert_eq!(told(&trace, &Wanted { selected: Some(2500), ..all(None) }).len(), MAX_ROWS);
    assert_eq!(Path::of(&trace).length(2999), 7000);
}

fn trees() -> impl Strategy<Value = Vec<(u64, u64, u64)>> {
    // Each has a parent among those before it, or none.
    proptest::collection::vec((any::<u64>(), 0..1000_u64, 0..1000_u64), 1..60).prop_map(|all| {
        let span = |(place, (parent, start, length)): (usize, (u64, u64, u64))| {
            (parent % (place as u64 + 1), start, start + length)
        };
        all.into_iter().enumerate().map(span).collect()
    })
}

proptest! {
    #[test]
    fn every_span_has_a_row_or_is_counted_where_it_is_folded(tree in trees(), copies in 1..30_u64, skip in 0..40_usize) {
        let count = tree.len() as u64;
        let spans = (0..copies).flat_map(|copy| {
            tree.iter().zip(1..).map(move |((parent, start, end), id)| {
                sent(copy * count + id, if *parent == 0 { 0 } else { copy * count + parent }, *start, *end)
            })
        });
        let trace = of(vec![("a", spans.collect())], vec![]);
        let outline = Outline::of(&trace);
        let wanted = Wanted { skip, ..all(None) };
        let rows = outline.rows(&wanted);
        let (mut shown, mut hidden) = (0, 0);
        for row in &rows {
            match row {
                Row::Span { folded, .. } => { shown += 1; hidden += folded; }
                Row::Gap { count, .. } => hidden += count,
                _ => {}
            }
        }
        prop_assert!(shown <= MAX_ROWS);
        prop_assert_eq!(shown + hidden, trace.spans.len().saturating_sub(skip));
        // What a gap leads to begins with what it hides.
        for row in &rows {
            if let Row::Gap { under, skip, count, .. } = row {
                let behind = outline.rows(&Wanted { under: *under, skip: *skip, ..all(None) });
                let is_first = matches!(behind[0], Row::Span { place, .. } if place == under.map_or(0, |it| it + 1) + skip);
                prop_assert!(is_first && *count > 0);
            }
        }
    }

    #[test]
    fn the_critical_path_is_as_long_as_the_span_that_ends_last_and_never_twice_at_once(tree in trees()) {
        let spans = tree.iter().zip(1..).map(|((parent, start, end), id)| sent(id, *parent, start + 1, end + 1));
        let trace = of(vec![("a", spans.collect())], vec![]);
        let path = Path::of(&trace);
        let root = trace.spans.iter().filter(|span| span.depth == 0).max_by_key(|span| (span.end, span.duration())).unwrap();
        let mut pieces: Vec<(u64, u64)> =
            (0..trace.spans.len()).flat_map(|place| path.pieces(place).to_vec()).collect();
        pieces.sort_unstable();
        prop_assert!(pieces.windows(2).all(|pair| pair[0].1 <= pair[1].0), "{:?}", pieces);
        prop_assert!(pieces.iter().all(|(from, to)| from < to && *to <= root.end));
        let length: u64 = pieces.iter().map(|(from, to)| to - from).sum();
        prop_assert_eq!(length, root.duration());
    }
}
