//! Throws requests at the collector's store and at its terminal, and looks at everything that is kept. How: see
//! variables.rs.

#![no_main]

use std::{io, time::Duration};
use throughline::sender::{Accept, Answer, Signal};
use throughline_collector::{Collector, Config, debug, metric::Query};

/// Small, so that requests leave again.
const MAX_BYTES: usize = 8 * 1024;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let mut config = Config::default();
    (config.grpc, config.http, config.view) = (None, None, None);
    (config.max_bytes, config.max_traces) = (MAX_BYTES, 8);
    let collector = Collector::start(config).unwrap();
    let mut options = debug::Options::default();
    options.verbosity = debug::Verbosity::Detailed;
    let terminal = options.start_with(io::sink()).unwrap();
    let mut rest = data;
    // A signal, a length, a request.
    while let Some((&[signal, length], behind)) = rest.split_first_chunk() {
        let (request, behind) = behind.split_at(behind.len().min(usize::from(length)));
        let signal = Signal::ALL[usize::from(signal) % Signal::ALL.len()];
        if let Answer::Taken { .. } = collector.inlet().accept(signal, request.to_vec().into()) {
            terminal.accept(signal, request.to_vec().into());
        }
        assert!(collector.counters().stored_bytes <= MAX_BYTES as u64);
        rest = behind;
    }
    look(&collector);
    assert!(terminal.close(Duration::from_secs(60)));
    assert_eq!(terminal.skipped(), 0);
    assert!(collector.stop_blocking(Duration::from_secs(60)).is_ok());
});

fn look(collector: &Collector) {
    let traces = collector.traces(100);
    assert!(traces.len() as u64 <= collector.counters().stored_traces);
    for summary in traces {
        let trace = collector.trace(&summary.trace_id).unwrap();
        assert_eq!((trace.spans.len(), trace.complete()), (summary.spans, summary.complete));
        assert!(!trace.to_string().is_empty());
        serde_json::to_vec(&trace).unwrap();
    }
    serde_json::to_vec(&collector.logs(1000)).unwrap();
    for instrument in collector.instruments(1000) {
        let mut query = Query::of(instrument.name);
        (query.series, query.points) = (1000, 100);
        let series = collector.series(&query);
        assert!(instrument.points == 0 || !series.is_empty());
        for series in &series {
            assert!(series.points.is_sorted_by_key(|point| point.time));
            assert!(!series.points[0].reset || series.older > 0);
        }
        serde_json::to_vec(&series).unwrap();
    }
}
