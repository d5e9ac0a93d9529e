//! Throws files at the import: what it takes leaves as a file that is taken again, whole. How: see variables.rs.

#![no_main]

use std::time::Duration;
use throughline_collector::{Collector, Config};

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let [one, other] = [start(), start()];
    let imported = one.import(data);
    assert!(imported.refused == 0 || imported.fault.is_some());
    let traces = one.traces(1000);
    let file = one.export(traces.iter().map(|trace| trace.trace_id.as_str())).unwrap();
    let again = other.import(&file);
    assert_eq!((again.rejected, again.refused, again.passed_over), (0, 0, 0), "{again:?}");
    assert!(again.spans <= imported.spans && again.log_records <= imported.log_records);
    for trace in &traces {
        let [before, after] = [&one, &other].map(|collector| collector.trace(&trace.trace_id).unwrap());
        assert_eq!(before.to_string(), after.to_string());
    }
    for collector in [one, other] {
        collector.stop_blocking(Duration::from_secs(60)).unwrap();
    }
});

fn start() -> Collector {
    let mut config = Config::default();
    (config.grpc, config.http, config.view) = (None, None, None);
    Collector::start(config).unwrap()
}
