use super::*;
use crate::{check::field, otlp};
use prost::Message;
use std::sync::{Mutex, mpsc};

fn any(content: otlp::Content) -> Option<otlp::Any> {
    Some(otlp::Any { content: Some(content) })
}

fn attribute(key: &str, value: Option<otlp::Any>) -> otlp::Attribute {
    otlp::Attribute { key: key.to_owned(), value }
}

fn string(key: &str, value: &str) -> otlp::Attribute {
    attribute(key, any(otlp::Content::Text(value.to_owned())))
}

/// A resource with an attribute of every kind, a scope with all that it may have, and the records.
fn request(records: &[Vec<u8>]) -> Vec<u8> {
    let list = otlp::Array {
        values: [otlp::Content::Text("x".into()), otlp::Content::Int(1)]
            .into_iter()
            .map(|content| otlp::Any { content: Some(content) })
            .collect(),
    };
    let map = otlp::Resource { attributes: vec![string("k", "v")] };
    let attributes = vec![
        string("service.name", "a b"),
        attribute("n", any(otlp::Content::Int(3))),
        attribute("d", any(otlp::Content::Double(1.5))),
        attribute("t", any(otlp::Content::Bool(true))),
        attribute("l", any(otlp::Content::Array(list))),
        attribute("m", any(otlp::Content::Map(map))),
        attribute("e", Some(otlp::Any::default())),
    ];
    let scope = otlp::Scope {
        name: "lib".to_owned(),
        version: "1.2".to_owned(),
        attributes: vec![string("sa", "sv")],
    };
    let records: Vec<u8> = records.iter().flat_map(|record| field(2, record)).collect();
    let scoped = [field(1, &scope.encode_to_vec()), records, field(3, b"https://y/2")].concat();
    let resource = field(1, &otlp::Resource { attributes }.encode_to_vec());
    field(1, &[resource, field(2, &scoped), field(3, b"https://x/1")].concat())
}

const SECOND: u64 = 1_000_000_000;
const BEGIN: u64 = 1_544_712_660 * SECOND;
const TRACE: [u8; 16] = *b"\x5b\x8e\xff\xf7\x98\x03\x81\x03\xd2\x69\xb6\x33\x81\x3f\xc6\x0c";
const SPAN: [u8; 8] = *b"\xee\xe1\x9b\x7e\xc3\xc1\xb1\x74";

fn spans() -> Vec<u8> {
    let event = otlp::Event {
        time: BEGIN + SECOND / 2,
        name: "ev".to_owned(),
        attributes: vec![string("a", "b")],
        dropped_attributes: 1,
    };
    let link = otlp::Link {
        trace_id: [7; 16].to_vec(),
        span_id: [8; 8].to_vec(),
        trace_state: "x=y".to_owned(),
        attributes: vec![attribute("la", any(otlp::Content::Int(1)))],
        dropped_attributes: 0,
    };
    let span = otlp::Span {
        trace_id: TRACE.to_vec(),
        span_id: SPAN.to_vec(),
        parent_span_id: [9; 8].to_vec(),
        trace_state: "a=b".to_owned(),
        name: "GET /x".to_owned(),
        kind: 2,
        start: BEGIN,
        end: BEGIN + SECOND + 1,
        attributes: vec![string("k", "v w")],
        dropped_attributes: 4,
        events: vec![event],
        dropped_events: 2,
        links: vec![link],
        dropped_links: 3,
        status: Some(otlp::Status { message: "bad".to_owned(), code: 2 }),
        flags: 257,
    };
    let bare = otlp::Span {
        trace_id: TRACE.to_vec(),
        span_id: [6; 8].to_vec(),
        name: "two\n\u{1b}[31m".to_owned(),
        ..Default::default()
    };
    request(&[span.encode_to_vec(), bare.encode_to_vec()])
}

fn logs() -> Vec<u8> {
    let log = otlp::Log {
        time: BEGIN + 300_000_000,
        observed: BEGIN + 300_000_001,
        severity: 10,
        severity_text: "Information".to_owned(),
        body: any(otlp::Content::Text("hello world".to_owned())),
        attributes: vec![string("k", "v")],
        flags: 1,
        trace_id: TRACE.to_vec(),
        span_id: SPAN.to_vec(),
        event_name: "evn".to_owned(),
    };
    let map = otlp::Resource { attributes: vec![attribute("k", any(otlp::Content::Int(1)))] };
    let bare = otlp::Log { body: any(otlp::Content::Map(map)), ..Default::default() };
    request(&[log.encode_to_vec(), bare.encode_to_vec()])
}

fn fixed(number: u8, value: u64) -> Vec<u8> {
    [&[number << 3 | 1][..], &value.to_le_bytes()].concat()
}

fn double(number: u8, value: f64) -> Vec<u8> {
    fixed(number, value.to_bits())
}

fn metrics() -> Vec<u8> {
    let times = [fixed(2, BEGIN), fixed(3, BEGIN + 300_000_000)].concat();
    let label = |number| field(number, &string("k", "v").encode_to_vec());
    let metric = |name: &str, kind, data: &[u8]| [field(1, name.as_bytes()), field(kind, data)].concat();
    let described = [field(2, b"what it is"), field(3, b"s")].concat();
    let gauge = [&times[..], &label(7), &double(4, 1.5)].concat();
    let missing = [fixed(3, BEGIN), vec![8 << 3, 1]].concat();
    let gauges = metric("g", 5, &[field(1, &gauge), field(1, &missing)].concat());
    let exemplar = [
        fixed(2, BEGIN),
        double(3, 2.5),
        field(4, &SPAN),
        field(5, &TRACE),
        field(7, &string("fa", "fv").encode_to_vec()),
    ]
    .concat();
    let sum = [&times[..], &fixed(6, 5), &field(5, &exemplar)].concat();
    let sums = metric("s", 7, &[field(1, &sum), vec![16, 2, 24, 1]].concat());
    let counts: Vec<u8> = [1_u64, 1, 1].iter().flat_map(|count| count.to_le_bytes()).collect();
    let bounds: Vec<u8> = [0.005_f64, 0.5].iter().flat_map(|bound| bound.to_le_bytes()).collect();
    let histogram = [
        &times[..],
        &label(9),
        &fixed(4, 3),
        &double(5, 1.25),
        &field(6, &counts),
        &field(7, &bounds),
        &double(11, 0.001),
        &double(12, 1.0),
    ]
    .concat();
    let histograms =
        metric("h", 9, &[field(1, &histogram), field(1, &fixed(3, BEGIN)), vec![16, 1]].concat());
    let exponential = [
        &times[..],
        &fixed(4, 5),
        &double(5, 10.0),
        &[6 << 3, 2],
        &fixed(7, 1),
        &field(8, &[&[8, 4][..], &field(2, &[1, 0, 2])].concat()),
        &field(9, &field(2, &[1, 1])),
        &double(12, -3.0),
        &double(13, 3.0),
    ]
    .concat();
    let exponentials = metric("e", 10, &[field(1, &exponential), vec![16, 2]].concat());
    let quantile = |quantile, value| field(6, &[double(1, quantile), double(2, value)].concat());
    let summary =
        [&times[..], &fixed(4, 4), &double(5, 10.0), &quantile(0.5, 2.0), &quantile(1.0, 4.0)].concat();
    let summaries = metric("q", 11, &field(1, &summary));
    request(&[[gauges, described].concat(), sums, histograms, exponentials, summaries, field(1, b"none")])
}

// B-070
#[test]
fn each_signal_is_written_in_each_form() {
    let all = [(Signal::Traces, spans()), (Signal::Logs, logs()), (Signal::Metrics, metrics())];
    let written =
        |verbosity| all.iter().map(|(signal, body)| text(*signal, body, verbosity)).collect::<String>();
    assert_eq!(
        written(Verbosity::Basic),
        "Traces\t{\"resource spans\": 1, \"spans\": 2}\n\
         Logs\t{\"resource logs\": 1, \"log records\": 2}\n\
         Metrics\t{\"resource metrics\": 1, \"metrics\": 6, \"data points\": 7}\n"
    );
    assert_eq!(written(Verbosity::Normal), include_str!("tests/normal.txt"));
    assert_eq!(written(Verbosity::Detailed), include_str!("tests/detailed.txt"));
}

#[test]
fn a_text_ends_where_it_is_too_long() {
    let many = request(&vec![otlp::Log::default().encode_to_vec(); 20_000]);
    let long = text(Signal::Logs, &many, Verbosity::Detailed);
    assert!((MAX_TEXT - 100..MAX_TEXT + 100).contains(&long.len()), "{}", long.len());
    let end: Vec<&str> = long.lines().rev().take(2).collect();
    assert_eq!(end[0], "");
    assert!(end[1].starts_with("… 1048") && end[1].ends_with(" bytes of a larger text"), "{end:?}");
}

// B-070
#[test]
fn some_requests_of_a_second_are_picked_and_every_so_many_behind_them() {
    let picked = |initial, thereafter| {
        let options =
            Options { sampling_initial: initial, sampling_thereafter: thereafter, ..Options::default() };
        let mut sampling = Sampling { options, windows: [(None, 0); 3] };
        let start = Instant::now();
        let mut pick = |second, signal| sampling.picks(signal, start + WINDOW * second);
        let first: Vec<bool> = (0..8).map(|_| pick(0, Signal::Traces)).collect();
        let of_others = pick(0, Signal::Logs);
        let next: Vec<bool> = (0..3).map(|_| pick(1, Signal::Traces)).collect();
        let places =
            |picks: Vec<bool>| (1..).zip(picks).filter_map(|(n, p)| p.then_some(n)).collect::<Vec<_>>();
        (places(first), of_others, places(next))
    };
    assert_eq!(picked(2, 1), ((1..9).collect(), true, vec![1, 2, 3]));
    assert_eq!(picked(2, 3), (vec![1, 2, 5, 8], true, vec![1, 2]));
    assert_eq!(picked(1, 0), (vec![1], true, vec![1]));
    assert_eq!(picked(0, 0), (vec![], false, vec![]));
}

/// Waits for a word before it writes anything.
struct Slow(mpsc::Receiver<()>, Arc<Mutex<Vec<u8>>>);

impl Write for Slow {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let _ = self.0.recv();
        self.1.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_terminal_that_nobody_reads_holds_nobody_up_and_what_is_not_written_is_counted() {
    let (go, wait) = mpsc::channel();
    let written = Arc::default();
    let exporter = Options::default().start_with(Slow(wait, Arc::clone(&written))).unwrap();
    let large = Bytes::from(field(1, &field(2, &field(2, &field(5, &field(1, &[b'x'; MAX_WAITING / 4]))))));
    for _ in 0..20 {
        assert_eq!(exporter.accept(Signal::Logs, large.clone()), Answer::TAKEN);
    }
    assert!(!exporter.close(Duration::from_millis(50)));
    let skipped = exporter.skipped();
    // Three wait, and one more may have been on its way already.
    assert!((16..=17).contains(&skipped), "{skipped}");
    drop(go);
    assert!(exporter.close(Duration::from_secs(20)));
    assert_eq!(exporter.accept(Signal::Logs, large), Answer::TAKEN);
    assert_eq!(exporter.skipped(), skipped + 1);
    let lines = String::from_utf8(written.lock().unwrap().clone()).unwrap();
    assert_eq!(lines, "Logs\t{\"resource logs\": 1, \"log records\": 1}\n".repeat(20 - skipped as usize));
}

#[test]
fn a_closed_pipe_counts_every_request() {
    struct Closed;
    impl Write for Closed {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::BrokenPipe.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let exporter = Options::default().start_with(Closed).unwrap();
    (0..3).for_each(|_| assert_eq!(exporter.accept(Signal::Traces, spans().into()), Answer::TAKEN));
    assert!(exporter.close(Duration::from_secs(20)));
    assert_eq!(exporter.skipped(), 3);
}
