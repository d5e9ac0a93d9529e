//! A collector through which many times passes what it may hold, in and out of outages, needs no more memory in the end
//! than in the beginning, and in an outage what waits and a bounded rest.
//!
//! The only test of its binary, so that the memory of the process is the collector's.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on has failed")]

#[path = "support/until.rs"]
mod until;

use bytes::Bytes;
use std::{
    fs,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};
use throughline_collector::{Collector, Config, Destination};
use throughline_sender::{Accept, Answer, Inlet, Signal};

const MIB: usize = 1024 * 1024;

/// What may wait.
const QUEUE: usize = 8 * MIB;

/// How often the destination goes away before and while memory is watched.
const WARM: usize = 3;
const WATCHED: usize = 12;

/// What the allocator may keep for itself beyond what waits, at any time and from round to round.
const SLACK: usize = 32 * MIB;
const GROWTH: usize = 6 * MIB;

/// A destination that comes and goes.
#[derive(Default)]
struct Sink {
    is_away: AtomicBool,
    requests: AtomicU64,
}

impl Accept for Sink {
    fn accept(&self, _: Signal, _: Bytes) -> Answer {
        if self.is_away.load(Relaxed) {
            return Answer::Busy { cause: "away".to_owned(), after: Some(Duration::from_millis(1)) };
        }
        self.requests.fetch_add(1, Relaxed);
        Answer::TAKEN
    }
}

/// A span of the trace with this number, with a text of some hundred bytes.
fn request(number: u64) -> Bytes {
    let field = |number: u8, content: &[u8]| {
        let length = content.len();
        let head = [number << 3 | 2, (length & 127) as u8 | 128, (length >> 7) as u8];
        [&head[..], content].concat()
    };
    let text = "x".repeat(200 + number as usize % 700);
    let span =
        [field(1, &[7; 16]), field(2, &(number + 1).to_be_bytes()), field(5, text.as_bytes())].concat();
    field(1, &field(2, &field(2, &span))).into()
}

/// A line of what the system tells of this process, in bytes; `None` where it does not tell.
fn memory(of: &str) -> Option<usize> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(of))?;
    Some(line.split_whitespace().next()?.parse::<usize>().ok()? * 1024)
}

/// Fills the queue while the destination is away, and waits until it is empty again; how many requests were taken.
fn round(collector: &Collector, sink: &Sink, numbers: &mut impl Iterator<Item = u64>) -> u64 {
    let inlet = collector.inlet();
    sink.is_away.store(true, Relaxed);
    let taken = numbers
        .take_while(|number| matches!(inlet.accept(Signal::Traces, request(*number)), Answer::Taken { .. }));
    let taken = taken.count() as u64;
    assert!(collector.counters().held_bytes as usize > QUEUE / 2);
    sink.is_away.store(false, Relaxed);
    // What was delivered is let go of a moment after it is counted.
    let is_empty = || collector.forwarded()[0].queued == 0 && collector.counters().held_bytes == 0;
    let missing = || format!("{:?} {:?}", collector.forwarded(), collector.counters());
    until::until(|| is_empty().then_some(()), missing);
    taken
}

// B-068
#[test]
fn memory_stays_flat_however_often_the_destination_goes_away() {
    let sink = Arc::new(Sink::default());
    let mut config = Config::default();
    (config.grpc, config.http, config.view, config.max_bytes) = (None, None, None, 0);
    config.queue_bytes = QUEUE;
    config.batch.delay = Duration::from_millis(1);
    let inlet = Inlet::named("sink", Shared(Arc::clone(&sink)));
    config.destinations.add(Signal::Traces, Destination::Local(inlet));
    let before = memory("VmRSS:");
    let collector = Collector::start(config).unwrap();
    let mut numbers = 0..;
    let mut taken: u64 = (0..WARM).map(|_| round(&collector, &sink, &mut numbers)).sum();
    let warm = memory("VmRSS:");
    taken += (0..WATCHED).map(|_| round(&collector, &sink, &mut numbers)).sum::<u64>();
    let (soaked, peak) = (memory("VmRSS:"), memory("VmHWM:"));
    let forwarded = &collector.forwarded()[0];
    assert_eq!((forwarded.accepted, forwarded.delivered), (taken, taken));
    assert!(sink.requests.load(Relaxed) > 0);
    let (Some(before), Some(warm), Some(soaked), Some(peak)) = (before, warm, soaked, peak) else {
        return eprintln!("not measured: the system does not tell the memory of a process");
    };
    eprintln!("{before} before, {warm} warm, {soaked} soaked, {peak} at most");
    assert!(peak < before + QUEUE + SLACK, "{before} before, {peak} at most");
    assert!(soaked < warm + GROWTH, "{warm} at first, {soaked} in the end");
}

/// The sink, for the collector and for the test.
struct Shared(Arc<Sink>);

impl Accept for Shared {
    fn accept(&self, signal: Signal, request: Bytes) -> Answer {
        self.0.accept(signal, request)
    }
}
