//! What cannot be sent waits, on disk too, outlives the process, and is accounted for to the last item.

mod killed; // the service too
mod measured; // the account, as measurements

use crate::{
    delivery::{counts, record},
    support::{PATIENCE, receiver::Receiver, until},
};
use opentelemetry::metrics::MeterProvider;
use std::{
    path::PathBuf,
    sync::atomic::{AtomicUsize, Ordering},
    time::{Duration, Instant},
};
use throughline::{Config, Stats, Telemetry, sender::Signal, testing::Fault};
use tracing_subscriber::prelude::*;

/// A directory of one test, removed at its end.
struct Directory(PathBuf);

impl Directory {
    fn new() -> Self {
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("throughline-outage-{}-{number}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        Directory(path)
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn config(receiver: &Receiver, directory: Option<&Directory>) -> Config {
    let mut config = Config::from_vars([
        ("OTEL_EXPORTER_OTLP_ENDPOINT", receiver.http_endpoint()),
        ("OTEL_METRIC_EXPORT_INTERVAL", "600000".into()),
    ]);
    config.queue.directory = directory.map(|directory| directory.0.clone());
    config
}

fn of(telemetry: &Telemetry, signal: Signal) -> Stats {
    telemetry.handle().stats().into_iter().find(|stats| stats.signal == signal).unwrap()
}

/// Three spans, two log records, one measurement.
fn work(telemetry: &Telemetry) {
    record(telemetry, 3);
    let subscriber = tracing_subscriber::registry().with(telemetry.layers());
    tracing::subscriber::with_default(subscriber, || {
        tracing::info!("one");
        tracing::info!("two");
    });
    telemetry.meter_provider().meter("test").u64_counter("work").build().add(1, &[]);
}

#[tokio::test]
async fn a_shutdown_in_an_outage_leaves_all_signals_to_the_next_start() {
    let (receiver, directory) = (Receiver::start(), Directory::new());
    receiver.then_always(Fault::Status(503));
    let telemetry = Telemetry::build(config(&receiver, Some(&directory))).unwrap();
    work(&telemetry);
    let handle = telemetry.handle();
    telemetry.shutdown(Duration::from_millis(500)).await.unwrap();
    for (stats, items) in handle.stats().iter().zip([3, 1, 2]) {
        assert_eq!((counts(stats), stats.on_disk), ([items, 0, 0, 0, items], items), "{stats:?}");
    }

    receiver.recover();
    let next = Telemetry::build(config(&receiver, Some(&directory))).unwrap();
    for (stats, items) in next.handle().stats().iter().zip([3, 1, 2]) {
        assert_eq!((counts(stats)[0], stats.adopted), (items, items), "{stats:?}");
    }
    record(&next, 1);
    let handle = next.handle();
    next.shutdown(PATIENCE).await.unwrap();
    assert_eq!(receiver.complaints(), [""; 0]);
    let delivered = [Signal::Traces, Signal::Metrics, Signal::Logs].map(|signal| receiver.items(signal));
    assert_eq!((delivered, receiver.repeated_spans()), ([4, 1, 2], 0));
    for (stats, items) in handle.stats().iter().zip(delivered) {
        assert_eq!((counts(stats), stats.on_disk), ([items, items, 0, 0, 0], 0), "{stats:?}");
    }
}

#[tokio::test]
async fn telemetry_that_is_only_dropped_leaves_to_disk_what_it_could_not_deliver() {
    let (receiver, directory) = (Receiver::start(), Directory::new());
    receiver.then_always(Fault::Status(503));
    let telemetry = Telemetry::build(config(&receiver, Some(&directory))).unwrap();
    work(&telemetry);
    let handle = telemetry.handle();
    drop(telemetry);
    let on_disk: Vec<_> = handle.stats().iter().map(|stats| (counts(stats)[4], stats.on_disk)).collect();
    assert_eq!(on_disk, [(3, 3), (1, 1), (2, 2)]);
}

#[test]
fn a_directory_that_cannot_be_used_fails_the_start_and_a_disabled_one_is_not_made() {
    let (receiver, directory) = (Receiver::start(), Directory::new());
    std::fs::write(&directory.0, "a file").unwrap();
    let error = Telemetry::build(config(&receiver, Some(&directory))).unwrap_err();
    let expected =
        format!("THROUGHLINE_QUEUE_DIRECTORY: the queue directory {} cannot be used", directory.0.display());
    assert!(error.is_configuration() && error.to_string().starts_with(&expected), "{error}");
    std::fs::remove_file(&directory.0).unwrap();
    let mut config = config(&receiver, Some(&directory));
    config.disabled = true;
    drop(Telemetry::build(config).unwrap());
    assert!(!directory.0.exists());
}

// O-039
#[tokio::test]
async fn a_dead_destination_takes_nothing_from_another_one() {
    let (dead, alive, directory) = (Receiver::start(), Receiver::start(), Directory::new());
    dead.then_always(Fault::Hang);
    let mut config = config(&alive, Some(&directory));
    let second = Config::from_vars([("OTEL_EXPORTER_OTLP_ENDPOINT", dead.http_endpoint())]);
    config.traces.destinations.extend(second.traces.destinations);
    let telemetry = Telemetry::build(config).unwrap();
    let handle = telemetry.handle();
    for round in 1..20 {
        record(&telemetry, 512);
        let delivered = || handle.stats()[0].delivered == round * 512;
        until("the batch at the living one", || async { delivered().then_some(()) }).await;
    }
    let stats = handle.stats();
    assert_eq!((counts(&stats[0])[1], counts(&stats[1])), (19 * 512, [19 * 512, 0, 0, 0, 19 * 512]));
    let start = Instant::now();
    telemetry.shutdown(Duration::from_secs(1)).await.unwrap();
    assert!(start.elapsed() < Duration::from_secs(4), "{:?}", start.elapsed());
    assert_eq!(handle.stats()[1].on_disk, 19 * 512);
}

#[tokio::test]
async fn every_fault_is_accounted_for_as_the_other_side_saw_it() {
    let (receiver, directory) = (Receiver::start(), Directory::new());
    let telemetry = Telemetry::build(config(&receiver, Some(&directory))).unwrap();
    let partial = Fault::Partial { rejected: 2, message: "too old".into() };
    // Of ten spans each: refused, repeated; what the receiver takes, and what of it twice.
    let faults = [
        (Fault::Status(503), [0, 0], [10, 0]),
        (Fault::LostAnswer, [0, 10], [20, 10]),
        (partial, [2, 0], [8, 0]),
        (Fault::Status(400), [10, 0], [0, 0]),
        (Fault::Status(413), [0, 0], [10, 0]),
        (Fault::Garbage, [0, 0], [10, 0]),
        (Fault::CloseUnread, [0, 10], [10, 0]),
    ];
    let (mut recorded, mut expected, mut taken) = (0, [0, 0], [0, 0]);
    for (fault, ours, theirs) in faults {
        receiver.script(Signal::Traces, 1, fault.clone());
        record(&telemetry, 10);
        let flushed = telemetry.handle().flush(PATIENCE).await;
        assert_eq!(flushed.is_err(), ours[0] > 0, "{fault:?}: {flushed:?}");
        recorded += 10;
        (0..2).for_each(|at| (expected[at], taken[at]) = (expected[at] + ours[at], taken[at] + theirs[at]));
        let stats = of(&telemetry, Signal::Traces);
        let [failed, repeated] = expected;
        assert_eq!(counts(&stats), [recorded, recorded - failed, failed, 0, 0], "{fault:?}");
        assert_eq!(stats.repeated, repeated, "{fault:?}");
        assert_eq!([receiver.items(Signal::Traces), receiver.repeated_spans()], taken, "{fault:?}");
    }
}
