//! Throws files at what is kept on disk for the view: what a start finds in them, the next one finds again. How: see
//! variables.rs.

#![no_main]

use std::{fs, iter, path::PathBuf, sync::LazyLock, time::Duration};
use throughline::sender::{Answer, Signal};
use throughline_collector::{Collector, Config, Counters, keep};

static DIRECTORY: LazyLock<PathBuf> =
    LazyLock::new(|| std::env::temp_dir().join(format!("throughline-fuzz-keep-{}", std::process::id())));

/// A segment with two requests.
static WHOLE: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let collector = start();
    // A log record of a trace, and one of none.
    let record = b"\x10\x09\x4a\x10\x5b\x8e\xff\xf7\x98\x03\x81\x03\xd2\x69\xb6\x33\x81\x3f\xc6\x0c";
    for request in [[&b"\x0a\x18\x12\x16\x12\x14"[..], record].concat(), b"\x0a\x04\x12\x02\x12\x00".to_vec()] {
        assert_eq!(collector.inlet().accept(Signal::Logs, request.into()), Answer::TAKEN);
    }
    collector.stop_blocking(Duration::from_secs(60)).unwrap();
    fs::read(segment()).unwrap()
});

fn segment() -> PathBuf {
    DIRECTORY.join("0000000000000001.segment")
}

fn start() -> Collector {
    let mut config = Config::default();
    (config.grpc, config.http, config.view) = (None, None, None);
    (config.max_bytes, config.keep) = (1 << 20, Some(keep::Options::of(&*DIRECTORY)));
    Collector::start(config).unwrap()
}

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let whole = &*WHOLE;
    let Some((choice, data)) = data.split_first() else { return };
    // Behind what is right, over it, or all of it.
    let file = match choice % 3 {
        0 => [whole, data].concat(),
        1 => whole.iter().zip(data.iter().chain(iter::repeat(&0))).map(|(one, other)| one ^ other).collect(),
        _ => data.to_vec(),
    };
    fs::write(segment(), &file).unwrap();
    let [first, second] = [look(), look()];
    assert_eq!(first, second);
    assert!(choice % 3 != 0 || first.log_records >= 2);
    assert_eq!(fs::read(segment()).unwrap(), file);
});

fn look() -> Counters {
    let collector = start();
    serde_json::to_vec(&collector.logs(1000)).unwrap();
    let counters = collector.counters();
    collector.stop_blocking(Duration::from_secs(60)).unwrap();
    counters
}
