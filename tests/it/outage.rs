//! What cannot be sent waits, on disk too, outlives the process, and is accounted for to the last item.

use crate::{
    delivery::{counts, record},
    support::{PATIENCE, receiver::Receiver, until},
};
use opentelemetry::metrics::MeterProvider;
use opentelemetry_proto::tonic::{
    collector::metrics::v1::ExportMetricsServiceRequest,
    metrics::v1::{metric::Data, number_data_point::Value},
};
use prost::Message;
use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
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
    telemetry.shutdown(Duration::from_secs(1)).await.unwrap();
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

/// The values of a metric by `error.type`, of the last request.
fn values(receiver: &Receiver, name: &str) -> BTreeMap<String, i64> {
    let body = receiver.bodies(Signal::Metrics).pop().unwrap();
    let request = ExportMetricsServiceRequest::decode(body).unwrap();
    let scopes = request.resource_metrics.into_iter().flat_map(|of| of.scope_metrics);
    let metric = scopes.flat_map(|of| of.metrics).filter(|metric| metric.name == name);
    let points = metric.flat_map(|metric| match metric.data {
        Some(Data::Sum(sum)) => {
            sum.data_points.into_iter().map(|point| (point.attributes, point.value)).collect::<Vec<_>>()
        }
        Some(Data::Histogram(histogram)) => {
            let count = |count| Some(Value::AsInt(count as i64));
            histogram.data_points.into_iter().map(|point| (point.attributes, count(point.count))).collect()
        }
        other => panic!("{other:?}"),
    });
    let values = points.map(|(attributes, value)| {
        let attributes = crate::support::receiver::attributes(&attributes);
        let Some(Value::AsInt(value)) = value else { panic!("{value:?}") };
        (attributes.get("error.type").map_or("", |value| value.trim_matches('"')).to_owned(), value)
    });
    values.collect()
}

fn map<const N: usize>(pairs: [(&str, i64); N]) -> BTreeMap<String, i64> {
    pairs.map(|(key, value)| (key.to_owned(), value)).into()
}

// H-130, H-131
#[tokio::test]
async fn the_metrics_of_the_standard_say_what_the_statistics_say() {
    let receiver = Receiver::start();
    receiver.script(Signal::Traces, 1, Fault::Partial { rejected: 2, message: "too old".into() });
    let mut config = config(&receiver, None);
    config.self_metrics = true;
    config.traces.max_queue = 20;
    config.traces.max_batch = 20;
    config.traces.schedule_delay = Some(Duration::from_secs(600));
    let telemetry = Telemetry::build(config).unwrap();
    record(&telemetry, 15);
    assert!(telemetry.handle().flush(PATIENCE).await.is_err());
    // Twice as many as the queue holds.
    record(&telemetry, 19);
    let waiting = of(&telemetry, Signal::Traces);
    assert_eq!(counts(&waiting), [34, 13, 2, 0, 19]);
    telemetry.handle().flush(PATIENCE).await.unwrap();
    let stats = of(&telemetry, Signal::Traces);
    // What a flush collects may be from before or after the spans of the same flush.
    telemetry.handle().flush(PATIENCE).await.unwrap();
    assert_eq!(counts(&stats), [34, 32, 2, 0, 0]);
    let value = |name: &str| values(&receiver, &format!("otel.sdk.{name}"));
    assert_eq!(value("exporter.span.exported"), map([("", 32), ("rejected", 2)]));
    assert_eq!(value("exporter.span.inflight"), map([("", 0)]));
    assert_eq!(value("processor.span.processed"), map([("", 34)]));
    assert_eq!(value("processor.span.queue.size"), map([("", 0)]));
    assert_eq!(value("processor.span.queue.capacity"), map([("", 20)]));
    assert_eq!(value("processor.log.processed"), map([]), "no log record, no series");
    let body = receiver.bodies(Signal::Metrics).pop().unwrap();
    let text = String::from_utf8_lossy(&body).into_owned();
    for name in ["otlp_http_span_exporter/0", "batching_span_processor/0", "otlp_http_metric_exporter/0"] {
        assert!(text.contains(name), "{name}");
    }
}

#[tokio::test]
async fn metrics_of_ones_own_do_not_make_an_idle_service_talk() {
    let receiver = Receiver::start();
    let mut config = config(&receiver, None);
    config.self_metrics = true;
    config.metrics.schedule_delay = Some(Duration::from_millis(1));
    let telemetry = Telemetry::build(config).unwrap();
    for _ in 0..50 {
        telemetry.handle().flush(PATIENCE).await.unwrap(); // each collects
    }
    assert_eq!(receiver.requests().len(), 0);
    telemetry.shutdown(PATIENCE).await.unwrap();
    assert_eq!(receiver.requests().len(), 0);
}
