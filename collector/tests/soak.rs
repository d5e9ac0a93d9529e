//! A collector that takes many times what it may keep needs no more memory in the end than in the beginning.
//!
//! The only test of its binary, so that the memory of the process is the collector's.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on has failed")]

use std::fs;
use throughline_collector::{Collector, Config, metric::Query};
use throughline_sender::{Answer, Signal};

const MIB: usize = 1024 * 1024;

/// How much is kept, and how many times as much comes in while memory is watched: if a tenth of it stayed, it would be seen.
const MAX_BYTES: usize = 4 * MIB;
const TIMES: usize = 32;

/// What the allocator may keep for itself, and a look may need, beyond what the collector counts; and what may come to it
/// while memory is watched.
const SLACK: usize = 24 * MIB;
const GROWTH: usize = 8 * MIB;

fn field(number: u8, content: &[u8]) -> Vec<u8> {
    let mut bytes = vec![number << 3 | 2];
    let mut length = content.len();
    while length > 127 {
        bytes.push(length as u8 | 128);
        length >>= 7;
    }
    bytes.push(length as u8);
    bytes.extend_from_slice(content);
    bytes
}

fn attribute(number: u8, name: &str, value: &str) -> Vec<u8> {
    field(number, &[field(1, name.as_bytes()), field(2, &field(1, value.as_bytes()))].concat())
}

/// A request of each signal in turn, with as many records and as large ones as the number has it.
fn request(number: usize) -> (Signal, Vec<u8>) {
    let signal = Signal::ALL[number % 3];
    let record = |place: usize| {
        let trace = [&[1; 8][..], &(number / 7 + place / 3).to_be_bytes()].concat();
        let id = (number * 1000 + place).to_be_bytes();
        let text = "x".repeat(number * 31 % 700);
        match signal {
            Signal::Traces => [field(1, &trace), field(2, &id), attribute(9, "text", &text)].concat(),
            Signal::Logs if place.is_multiple_of(2) => field(5, &field(1, text.as_bytes())),
            Signal::Logs => [field(9, &trace), attribute(6, "text", &text)].concat(),
            Signal::Metrics => {
                let attributes = attribute(7, "series", &(place % 50).to_string());
                let point = [&[3 << 3 | 1][..], &(number as u64).to_le_bytes(), &attributes].concat();
                [field(1, b"soaked"), field(7, &field(1, &point))].concat()
            }
        }
    };
    let records: Vec<u8> = (0..1 + number % 60).flat_map(|place| field(2, &record(place))).collect();
    let resource = field(1, &attribute(1, "service.name", &format!("service-{}", number % 20)));
    (signal, field(1, &[resource, field(2, &records)].concat()))
}

/// The memory of this process, in bytes; `None` where the system does not tell.
fn resident() -> Option<usize> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:"))?;
    Some(line.split_whitespace().nth(1)?.parse::<usize>().ok()? * 1024)
}

/// Takes requests until so many bytes came in, and looks at everything now and then.
fn soak(collector: &Collector, numbers: &mut impl Iterator<Item = usize>, bytes: usize) {
    let inlet = collector.inlet();
    let mut left = bytes;
    for number in numbers {
        let (signal, body) = request(number);
        left = left.saturating_sub(body.len());
        assert_eq!(inlet.accept(signal, body.into()), Answer::TAKEN);
        let counters = collector.counters();
        assert!(counters.stored_bytes <= MAX_BYTES as u64 && counters.stored_traces <= 500, "{counters:?}");
        if number.is_multiple_of(500) {
            assert!(!collector.traces(20).is_empty());
            assert!(!collector.logs(20).is_empty());
            assert!(!collector.series(&Query::of("soaked")).is_empty());
        }
        if left == 0 {
            return;
        }
    }
}

#[test]
fn memory_stays_flat_however_much_comes_in() {
    let mut config = Config::default();
    (config.grpc, config.http, config.view) = (None, None, None);
    (config.max_bytes, config.max_traces) = (MAX_BYTES, 500);
    let before = resident();
    let collector = Collector::start(config).unwrap();
    let mut numbers = 1..;
    soak(&collector, &mut numbers, 2 * MAX_BYTES);
    let warm = resident();
    soak(&collector, &mut numbers, TIMES * MAX_BYTES);
    let soaked = resident();
    let counters = collector.counters();
    assert!(counters.evicted_requests > 1000, "{counters:?}");
    let (Some(before), Some(warm), Some(soaked)) = (before, warm, soaked) else {
        return eprintln!("not measured: the system does not tell the memory of a process");
    };
    eprintln!("{before} before, {warm} warm, {soaked} soaked");
    assert!(soaked < before + MAX_BYTES + SLACK, "{before} before, {soaked} in the end");
    assert!(soaked < warm + GROWTH, "{warm} when full, {soaked} in the end");
}
