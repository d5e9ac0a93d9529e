//! However a program ends, what was promised is delivered, in time.

use super::{record, to};
use crate::support::{
    PATIENCE,
    child::Process,
    receiver::{Decoded, Receiver},
};
use opentelemetry::trace::{Tracer, TracerProvider};
use std::time::{Duration, Instant};
use throughline::{
    Config, Telemetry,
    testing::{Fault, Recorded},
};
use tokio::{
    net::TcpListener,
    runtime::{Builder, Runtime},
};

/// Names of the spans and messages of the records, sorted, but for the line at the start.
fn told(recorded: &Recorded) -> (Vec<&str>, Vec<String>) {
    let mut spans: Vec<_> = recorded.spans.iter().map(|span| span.name.as_str()).collect();
    let logs = recorded.logs.iter().map(|log| log.body.to_string().trim_matches('"').to_owned());
    let mut logs: Vec<_> = logs.filter(|text| !text.starts_with("throughline ")).collect();
    spans.sort_unstable();
    logs.sort_unstable();
    (spans, logs)
}

/// Runs the example until it ends in this way; nothing leaves by itself before the end.
async fn end(ending: &str, receiver: &Receiver) -> (Option<i32>, Vec<String>) {
    let endpoint = receiver.http_endpoint();
    let variables = [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint.as_str()),
        ("OTEL_BSP_SCHEDULE_DELAY", "600000"),
        ("OTEL_BLRP_SCHEDULE_DELAY", "600000"),
    ];
    let mut program = Process::example("endings", &[ending], &variables);
    let status = program.ended().await;
    (status.code(), program.lines())
}

#[tokio::test]
async fn a_program_that_unwinds_delivers_and_one_that_does_not_cannot() {
    let once = (vec!["work"], vec!["working"]);
    let panicked = (vec!["work"], vec!["panicked: no way on", "working"]);
    let went_on = (vec!["work", "work"], vec!["panicked: no way on", "working", "working"]);
    let nothing = (vec![], vec![]);
    for (ending, code, expected) in [
        ("shutdown", Some(0), &once),
        ("drop", Some(0), &once),
        ("error", Some(1), &once),
        ("panic", Some(101), &panicked),
        ("thread", Some(0), &went_on),
        ("exit", Some(0), &nothing),
        ("abort", None, &nothing),
    ] {
        let receiver = Receiver::start();
        let (found, lines) = end(ending, &receiver).await;
        assert_eq!(found, code, "{ending}: {lines:#?}");
        let recorded = receiver.recorded();
        let (spans, logs) = told(&recorded);
        assert_eq!(
            (spans, logs),
            (expected.0.clone(), expected.1.iter().map(|text| (*text).to_owned()).collect()),
            "{ending}"
        );
        assert_eq!(receiver.complaints(), [""; 0], "{ending}");
    }
}

#[tokio::test]
async fn a_program_that_cannot_deliver_ends_in_time_and_says_what_is_lost() {
    for (ending, limit, words) in [
        ("shutdown", 5, "traces: 1 spans not delivered: "),
        ("drop", 2, "dropped without a shutdown: logs: 2 log records not delivered: "),
        ("panic", 2, "dropped without a shutdown: logs: 3 log records not delivered: "),
    ] {
        let receiver = Receiver::start();
        receiver.then_always(Fault::Hang);
        let start = Instant::now();
        let (code, lines) = end(ending, &receiver).await;
        assert!(start.elapsed() < Duration::from_secs(4 * limit), "{ending}: {:?}", start.elapsed());
        assert_eq!(code == Some(0), ending == "drop", "{lines:#?}");
        assert!(lines.iter().any(|line| line.contains(words)), "{ending}: {lines:#?}");
    }
}

// O-036
#[tokio::test]
async fn after_a_shutdown_there_is_nothing_to_wait_for_and_the_statistics_stay() {
    let receiver = Receiver::start();
    let telemetry = Telemetry::build(to(&receiver, "over")).unwrap();
    record(&telemetry);
    let (handle, layer) = (telemetry.handle(), telemetry.server_layer());
    let tracer = telemetry.tracer_provider().clone();
    telemetry.shutdown(PATIENCE).await.unwrap();
    let requests = receiver.requests().len();
    let start = Instant::now();
    let error = handle.flush(PATIENCE).await.unwrap_err();
    assert!(start.elapsed() < PATIENCE, "{:?}", start.elapsed());
    assert!(error.is_undelivered() && error.to_string().contains("already shut down"), "{error}");
    // What comes later is not recorded and breaks nothing.
    drop(tracer.tracer("test").start("late"));
    drop((layer, tracer));
    let counts: Vec<_> = handle
        .stats()
        .iter()
        .map(|row| (row.signal.name(), row.recorded, row.delivered, row.queued))
        .collect();
    assert_eq!(counts, [("traces", 1, 1, 0), ("metrics", 0, 0, 0), ("logs", 1, 1, 0)]);
    assert_eq!(receiver.requests().len(), requests);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn flushes_beside_a_shutdown_end_in_time_and_nothing_is_sent_twice() {
    let receiver = Receiver::start();
    let telemetry = Telemetry::build(to(&receiver, "busy")).unwrap();
    (0..20).for_each(|_| record(&telemetry));
    let flushes = (0..8).map(|_| {
        let handle = telemetry.handle();
        // Whether it is in time depends on who comes first.
        tokio::spawn(async move { drop(handle.flush(PATIENCE).await) })
    });
    let flushes: Vec<_> = flushes.collect();
    telemetry.shutdown(PATIENCE).await.unwrap();
    for flush in flushes {
        flush.await.unwrap();
    }
    assert_eq!((receiver.spans().len(), receiver.logs().len(), receiver.repeated_spans()), (20, 20, 0));
}

#[test]
fn it_works_without_any_runtime() {
    let receiver = Receiver::start();
    let telemetry = Telemetry::build(to(&receiver, "no-runtime")).unwrap();
    record(&telemetry);
    telemetry.shutdown_blocking(PATIENCE).unwrap();
    assert_eq!((receiver.spans().len(), receiver.logs().len()), (1, 1));
}

#[test]
fn a_blocking_shutdown_and_a_drop_inside_a_runtime_do_not_deadlock() {
    let receiver = Receiver::start();
    let runtimes = [Builder::new_current_thread().enable_all().build(), Runtime::new()];
    for runtime in runtimes.map(Result::unwrap) {
        runtime.block_on(async {
            let telemetry = Telemetry::build(to(&receiver, "inside")).unwrap();
            record(&telemetry);
            telemetry.shutdown_blocking(PATIENCE).unwrap();
            let telemetry = Telemetry::build(to(&receiver, "inside")).unwrap();
            record(&telemetry);
            drop(telemetry);
        });
    }
    assert_eq!(receiver.spans().len(), 4);
}

#[test]
fn telemetry_outlives_the_runtime_in_which_it_was_made() {
    let receiver = Receiver::start();
    let made = Runtime::new().unwrap();
    let telemetry = made.block_on(async { Telemetry::build(to(&receiver, "outlives")).unwrap() });
    drop(made);
    record(&telemetry);
    let other = Builder::new_current_thread().build().unwrap(); // without time and IO
    other.block_on(telemetry.shutdown(PATIENCE)).unwrap();
    assert_eq!(receiver.spans().len(), 1);
}

#[test]
fn what_was_recorded_before_a_drop_is_still_delivered() {
    let receiver = Receiver::start();
    let telemetry = Telemetry::build(to(&receiver, "dropped")).unwrap();
    record(&telemetry);
    drop(telemetry);
    assert_eq!(receiver.spans().len(), 1);
}

#[tokio::test]
async fn a_shutdown_that_is_given_up_counts_what_it_loses() {
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap(); // accepts, never answers
    let endpoint = format!("http://{}", silent.local_addr().unwrap());
    let telemetry =
        Telemetry::build(Config::from_vars([("OTEL_EXPORTER_OTLP_ENDPOINT", &endpoint)])).unwrap();
    record(&telemetry);
    let (handle, tracer) = (telemetry.handle(), telemetry.tracer_provider().clone());
    let shutdown = telemetry.shutdown(PATIENCE);
    assert!(tokio::time::timeout(Duration::from_millis(300), shutdown).await.is_err());
    drop(tracer.tracer("test").start("too late"));
    for stats in handle.stats() {
        assert_eq!((stats.dropped, stats.queued), (stats.recorded, 0), "{stats:?}");
    }
}
