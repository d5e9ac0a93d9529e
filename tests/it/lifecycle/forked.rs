//! A fork: the parent's telemetry stays the parent's, and what the child builds is its own.

use crate::support::{
    PATIENCE,
    child::Process,
    gateway::Directory,
    receiver::{Decoded, Receiver},
};
use opentelemetry::trace::{Tracer, TracerProvider};
use std::{
    collections::BTreeSet,
    fs,
    panic::{AssertUnwindSafe, catch_unwind},
    process,
    time::Instant,
};
use throughline::{Config, Telemetry};
use tokio::runtime::Builder;

fn record(telemetry: &Telemetry, name: &'static str) {
    drop(telemetry.tracer_provider().tracer("test").start(name));
}

#[test]
#[ignore = "the processes of the test below"]
fn processes() {
    let telemetry = Telemetry::build(Config::from_env()).unwrap();
    record(&telemetry, "before");
    match fork::fork().unwrap() {
        fork::Fork::Child => {
            let ended = catch_unwind(AssertUnwindSafe(|| child(telemetry)));
            process::exit(i32::from(ended.is_err()));
        }
        fork::Fork::Parent(child) => {
            let status = fork::waitpid(child).unwrap();
            assert_eq!(status, 0, "the child ended otherwise");
            record(&telemetry, "after");
            telemetry.shutdown_blocking(PATIENCE).unwrap();
        }
    }
}

/// What was built before the fork tells that it cannot deliver, before its limit; what is built now does.
fn child(telemetry: Telemetry) {
    record(&telemetry, "inherited");
    let start = Instant::now();
    let provider = telemetry.tracer_provider().clone();
    let runtime = Builder::new_current_thread().build().unwrap();
    let faults = [
        runtime.block_on(telemetry.handle().flush(PATIENCE)).unwrap_err().to_string(),
        provider.force_flush().unwrap_err().to_string(),
        runtime.block_on(telemetry.shutdown(PATIENCE)).unwrap_err().to_string(),
    ];
    assert!(start.elapsed() < PATIENCE, "{:?}", start.elapsed());
    for fault in faults {
        assert!(fault.contains("telemetry was built before this process was forked"), "{fault}");
    }
    let own = Telemetry::build(Config::from_env()).unwrap();
    record(&own, "own");
    own.shutdown_blocking(PATIENCE).unwrap();
}

#[tokio::test]
async fn a_forked_child_is_told_at_once_that_nothing_leaves_and_what_it_builds_delivers() {
    let (receiver, directory) = (Receiver::start(), Directory::new());
    let (endpoint, queue) = (receiver.http_endpoint(), directory.path().join("queue"));
    let variables = [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", &*endpoint),
        ("OTEL_BSP_SCHEDULE_DELAY", "600000"),
        ("OTEL_METRICS_EXPORTER", "none"),
        ("OTEL_LOGS_EXPORTER", "none"),
        ("THROUGHLINE_QUEUE_DIRECTORY", queue.to_str().unwrap()),
    ];
    let mut parent = Process::this_test("lifecycle::forked::processes", &variables);
    assert!(parent.ended().await.success(), "{:#?}", parent.lines());
    let mut spans = Vec::from_iter(receiver.spans().into_iter().map(|(_, span)| span.name));
    spans.sort();
    assert_eq!(spans, ["after", "before", "own"]);
    // The parent's directory was locked while the child had one: the end of what it inherited gave nothing away.
    let [home] = &Vec::from_iter(fs::read_dir(queue).unwrap())[..] else { panic!("one destination") };
    let slots = fs::read_dir(home.as_ref().unwrap().path()).unwrap();
    let slots = BTreeSet::from_iter(slots.map(|slot| slot.unwrap().file_name().into_string().unwrap()));
    assert_eq!(slots, BTreeSet::from(["process-0", "process-1"].map(String::from)));
}
