use super::*;
use crate::{
    check::field,
    scan::{items, scan},
};
use std::collections::HashMap;

/// A small generator of numbers: the same ones in each run.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }
}

fn placed(signal: Signal, body: &[u8]) -> Vec<Item> {
    items(signal, body, scan(signal, body).unwrap().placed).unwrap()
}

fn spans(traces: &[u8]) -> (Bytes, Vec<Item>) {
    let spans: Vec<u8> = traces
        .iter()
        .flat_map(|trace| field(2, &[field(1, &[*trace + 1; 16]), field(2, &[7; 8])].concat()))
        .collect();
    let body = field(1, &field(2, &spans));
    let items = placed(Signal::Traces, &body);
    (body.into(), items)
}

fn logs(traces: &[u8]) -> (Bytes, Vec<Item>) {
    let records: Vec<u8> = traces
        .iter()
        .flat_map(|trace| field(2, &if *trace == 0 { Vec::new() } else { field(9, &[*trace + 1; 16]) }))
        .collect();
    let body = field(1, &field(2, &records));
    let items = placed(Signal::Logs, &body);
    (body.into(), items)
}

/// Counts everything again, from nothing.
fn recount(store: &Store) -> usize {
    let chunks: usize = store.chunks.iter().map(Chunk::cost).sum();
    let places: usize = store.traces.values().map(|e| e.spans.len() + e.logs.len()).sum();
    chunks + places * PLACE + store.traces.len() * TRACE
}

#[test]
fn the_count_of_bytes_is_exact_through_random_requests_and_an_empty_store_counts_zero() {
    for seed in 1..60 {
        let mut random = Random(seed * 7919);
        let mut store = Store::new(6000 + random.below(20_000) as usize, 3 + random.below(60) as usize);
        for _ in 0..300 {
            let count = random.below(30);
            let traces: Vec<u8> = (0..count).map(|_| random.below(80) as u8).collect();
            let (signal, (body, items)) = match random.below(3) {
                0 => (Signal::Logs, logs(&traces)),
                _ => (Signal::Traces, spans(&traces)),
            };
            let before = store.level();
            let surplus = random.below(4) as usize * 500;
            if store.add(signal, body, surplus, &items).is_err() {
                assert_eq!(store.level(), before);
            }
            assert_eq!(store.level().bytes, recount(&store));
            assert!(store.level().bytes <= store.max_bytes);
            assert!(store.level().traces <= store.max_traces);
            // Every trace has its turn, and those that are passed over are never the most of them.
            let current = store.turns.iter().filter(|turn| is_current(&store.traces, turn)).count();
            assert_eq!(current, store.traces.len());
            assert!(store.turns.len() <= 2 * store.traces.len(), "{} turns", store.turns.len());
            let oldest = store.first;
            assert!(
                store.traces.values().flat_map(|e| e.spans.iter().chain(&e.logs)).all(|p| p.chunk >= oldest)
            );
        }
        while !store.chunks.is_empty() {
            store.evict_request();
        }
        assert_eq!((store.level().bytes, store.level().traces), (0, 0));
    }
}

#[test]
fn every_item_that_was_taken_is_found_until_its_request_leaves() {
    let mut store = Store::new(1 << 20, 1000);
    let mut expected: HashMap<u8, usize> = HashMap::new();
    for traces in [&[1u8, 2, 1][..], &[2, 3], &[1, 1, 1, 2]] {
        let (body, items) = spans(traces);
        store.add(Signal::Traces, body, 0, &items).unwrap();
        for trace in traces {
            *expected.entry(*trace).or_default() += 1;
        }
    }
    for (trace, count) in expected {
        let found = store.find(&[trace + 1; 16]).unwrap();
        assert_eq!(found.spans.len(), count);
        for span in found.spans {
            assert_eq!(&span.place.record(&span.body)[2..18], &[trace + 1; 16]);
        }
    }
    store.evict_request();
    assert_eq!(store.find(&[2; 16]).unwrap().spans.len(), 3);
    assert_eq!(store.find(&[3; 16]).unwrap().spans.len(), 2);
}

#[test]
fn a_request_larger_than_the_store_is_refused_and_nothing_leaves_for_it() {
    let (small, small_items) = spans(&[1]);
    let (large, large_items) = spans(&[2; 200]);
    let mut store = Store::new(4000, 100);
    store.add(Signal::Traces, small, 0, &small_items).unwrap();
    assert_eq!(store.add(Signal::Traces, large, 0, &large_items), Err(TooLarge::Bytes));
    assert!(store.find(&[2; 16]).is_some());
}

#[test]
fn a_request_with_more_traces_than_the_store_keeps_is_refused() {
    let (body, items) = spans(&[1, 2, 3, 4]);
    assert_eq!(Store::new(1 << 20, 3).add(Signal::Traces, body.clone(), 0, &items), Err(TooLarge::Traces));
    assert_eq!(Store::new(1 << 20, 4).add(Signal::Traces, body, 0, &items), Ok(()));
    let (body, items) = spans(&[1, 2, 1, 2, 1, 2]);
    assert_eq!(Store::new(1 << 20, 2).add(Signal::Traces, body, 0, &items), Ok(()));
}

#[test]
fn the_oldest_trace_leaves_when_there_are_too_many() {
    let mut store = Store::new(1 << 20, 2);
    for trace in 0..3 {
        let (body, items) = spans(&[trace]);
        store.add(Signal::Traces, body, 0, &items).unwrap();
    }
    assert_eq!(store.newest().map(|id| id[0]).collect::<Vec<_>>(), [3, 2]);
    assert!(store.find(&[1; 16]).is_none());
    assert_eq!(store.level().evicted_traces, 1);
}

#[test]
fn a_trace_of_the_newest_request_never_leaves_for_it_and_others_leave_by_their_last_arrival() {
    let mut store = Store::new(1 << 20, 3);
    for traces in [&[1u8][..], &[2], &[3], &[1, 4]] {
        let (body, items) = spans(traces);
        store.add(Signal::Traces, body, 0, &items).unwrap();
    }
    assert_eq!(store.newest().map(|id| id[0]).collect::<Vec<_>>(), [5, 2, 4]);
    assert_eq!(store.find(&[2; 16]).unwrap().spans.len(), 2);
    assert!(store.find(&[3; 16]).is_none());
}

#[test]
fn log_records_without_a_trace_take_no_place() {
    let (body, items) = logs(&[0; 500]);
    assert!(items.is_empty());
    let mut store = Store::new(body.len() + CHUNK, 10);
    assert!(store.could_fit(body.len(), 0) && !store.could_fit(body.len(), 1));
    assert_eq!(store.add(Signal::Logs, body, 0, &items), Ok(()));
    assert_eq!(store.level().bytes, store.max_bytes);
}
