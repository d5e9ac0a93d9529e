//! Throws bytes at the collector's check of protobuf: what it takes is written as JSON and looked at without a fault.
//! How: see variables.rs.

#![no_main]

use std::sync::LazyLock;
use throughline_collector::{Collector, Config};
use throughline_sender::{Answer, Signal, json::to_json};

static COLLECTOR: LazyLock<Collector> = LazyLock::new(|| {
    let mut config = Config::default();
    (config.grpc, config.http, config.view) = (None, None, None);
    (config.max_bytes, config.max_traces) = (1 << 20, 100);
    Collector::start(config).unwrap()
});

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let Some((signal, request)) = data.split_first() else { return };
    let signal = Signal::ALL[usize::from(*signal) % Signal::ALL.len()];
    if let Answer::Taken { .. } = COLLECTOR.inlet().accept(signal, request.to_vec().into()) {
        to_json(signal, request).unwrap();
        for summary in COLLECTOR.traces(3) {
            assert!(!COLLECTOR.trace(&summary.trace_id).unwrap().to_string().contains('\u{1b}'));
        }
    }
});
