//! SIGTERM under load loses nothing that was recorded.

use crate::support::{
    PATIENCE,
    child::Process,
    gateway::Directory,
    get,
    receiver::{Decoded, Receiver, hex},
};
use axum::{Router, routing};
use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};
use throughline::{Config, Telemetry, sender::Signal, testing::Fault};
use tokio::{net::TcpListener, runtime::Runtime, task::JoinHandle};

/// Spans of one call through the chain.
const SPANS: usize = 4;
const CALLERS: usize = 8;

/// Calls a service until it no longer answers; gives the trace of each call that it answered, once it has answered some
/// hundred.
async fn load(service: &Process) -> Vec<JoinHandle<Vec<String>>> {
    let url = service.line(&["GET http://", "answered 200"]).await.split(' ').nth(1).unwrap().to_owned();
    service.line(&["stop with"]).await;
    let answered = Arc::new(AtomicUsize::new(0));
    let callers = (0..CALLERS).map(|caller| {
        let (url, answered) = (url.clone(), answered.clone());
        tokio::spawn(async move {
            let mut ids = Vec::new();
            // Ends when the service no longer answers.
            for call in 1..100_000_u32 {
                let id = format!("{caller:016x}{call:016x}").replacen('0', "f", 1);
                let traceparent = format!("00-{id}-00f067aa0ba902b7-01");
                match get(&url, &[("traceparent", &traceparent)]).await {
                    Ok((200, _)) => ids.push(id),
                    _ => return ids,
                }
                answered.fetch_add(1, Ordering::Relaxed);
            }
            ids
        })
    });
    let callers: Vec<_> = callers.collect();
    crate::support::until("some load", || async { (answered.load(Ordering::Relaxed) > 200).then_some(()) })
        .await;
    callers
}

async fn answered(callers: Vec<JoinHandle<Vec<String>>>) -> Vec<String> {
    let mut ids = Vec::new();
    for caller in callers {
        ids.extend(caller.await.unwrap());
    }
    assert!(ids.len() > 200);
    ids
}

/// Puts a chain under load, tells it to stop, and waits for its end; the traces of all answered calls.
async fn stop_under_load(chain: &mut Process) -> Vec<String> {
    let callers = load(chain).await;
    chain.terminate();
    assert!(chain.ended().await.success(), "{:#?}", chain.lines().iter().rev().take(5).collect::<Vec<_>>());
    answered(callers).await
}

/// Every answered call is there with all of its spans.
fn are_whole(calls: &[String], each: usize, receiver: &Receiver) {
    let mut spans: HashMap<String, usize> = HashMap::new();
    for (_, span) in receiver.spans() {
        *spans.entry(hex(&span.trace_id)).or_default() += 1;
    }
    for (number, id) in calls.iter().enumerate() {
        assert_eq!(spans.get(id), Some(&each), "the spans of answered call {number}, trace {id}");
    }
}

// O-102
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_call_that_was_answered_is_delivered_whole() {
    let receiver = Receiver::start();
    let endpoint = receiver.http_endpoint();
    // A delay longer than the test: what arrives in time arrives because of the shutdown, or of full batches.
    let delay = ("OTEL_BSP_SCHEDULE_DELAY", "600000");
    let variables = [("OTEL_EXPORTER_OTLP_ENDPOINT", &*endpoint), delay, ("RUST_LOG", "warn")];
    let mut chain = Process::example("chain", &["127.0.0.1:0"], &variables);
    let calls = stop_under_load(&mut chain).await;
    are_whole(&calls, SPANS, &receiver);
}

// O-102: with a directory for the queue, also while nobody takes anything.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_an_outage_every_call_that_was_answered_is_delivered_whole_by_the_next_start() {
    let (receiver, directory) = (Receiver::start(), Directory::new());
    receiver.then_always(Fault::Status(503));
    let (endpoint, path) = (receiver.http_endpoint(), directory.path().display().to_string());
    let variables = [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", &*endpoint),
        ("THROUGHLINE_QUEUE_DIRECTORY", &*path),
        ("RUST_LOG", "off"),
    ];
    let mut chain = Process::example("chain", &["127.0.0.1:0"], &variables);
    let calls = stop_under_load(&mut chain).await;
    assert_eq!(receiver.items(Signal::Traces), 0);

    receiver.recover();
    let next = Telemetry::build(Config::from_vars(variables)).unwrap();
    next.handle().flush(PATIENCE).await.unwrap();
    are_whole(&calls, SPANS, &receiver);
    let stats = crate::delivery::traces(&next);
    assert_eq!((stats.delivered, receiver.items(Signal::Traces)), (stats.adopted, stats.adopted));
    // Who answers 503 has taken nothing.
    assert_eq!(receiver.repeated_spans(), 0);
}

/// What Kubernetes gives a pod between SIGTERM and SIGKILL, unless it says otherwise.
const GRACE: Duration = Duration::from_secs(30);

#[test]
#[ignore = "the process of the test below"]
fn pod() {
    Runtime::new().unwrap().block_on(async {
        let telemetry = Telemetry::init(Config::from_env()).unwrap();
        let app = Router::new().route("/", routing::get(|| async {})).layer(telemetry.server_layer());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        println!("\nGET http://{}/ will be answered 200", listener.local_addr().unwrap());
        println!("\nstop with SIGTERM");
        let served = axum::serve(listener, app).with_graceful_shutdown(throughline::stop_signal());
        served.await.unwrap();
        // Five seconds are left to what else the end of a pod takes.
        telemetry.shutdown(GRACE - Duration::from_secs(5)).await.unwrap();
    });
}

// O-036, O-102: a gateway that comes back within the grace period gets everything, without a disk.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_outage_that_ends_within_the_grace_period_costs_nothing() {
    let receiver = Receiver::start();
    receiver.then_always(Fault::Status(503));
    let endpoint = receiver.http_endpoint();
    let variables = [("OTEL_EXPORTER_OTLP_ENDPOINT", &*endpoint), ("RUST_LOG", "off")];
    let mut pod = Process::this_test("stopping::pod", &variables);
    let callers = load(&pod).await;
    let start = Instant::now();
    pod.terminate();
    let calls = answered(callers).await;
    // The last calls are answered: what is tried now is tried by the shutdown.
    let tried = receiver.requests().len();
    assert!(receiver.until(|receiver| receiver.requests().len() > tried + 6).await);
    assert_eq!(receiver.items(Signal::Traces), 0);
    receiver.recover();
    assert!(pod.ended().await.success(), "{:#?}", pod.lines());
    assert!(start.elapsed() < GRACE, "{:?}", start.elapsed());
    are_whole(&calls, 1, &receiver);
    assert_eq!((receiver.repeated_spans(), receiver.complaints()), (0, vec![]));
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn each_signal_that_asks_for_a_stop_is_heard() {
    for (name, number) in [("INT", 2), ("TERM", 15)] {
        let receiver = Receiver::start();
        let endpoint = receiver.http_endpoint();
        let variables =
            [("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint.as_str()), ("OTEL_BSP_SCHEDULE_DELAY", "600000")];
        let mut chain = Process::example("chain", &["127.0.0.1:0"], &variables);
        chain.line(&["GET http://", "answered 200"]).await;
        crate::support::until("its handler", || async { catches(chain.id(), number).then_some(()) }).await;
        chain.signal(name);
        assert!(chain.ended().await.success(), "SIG{name}: {:#?}", chain.lines());
        assert_eq!(receiver.items(Signal::Traces), SPANS as u64, "SIG{name}");
    }
}

/// Whether a process has a handler for this signal.
#[cfg(target_os = "linux")]
fn catches(process: u32, signal: u32) -> bool {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:")).unwrap();
    u64::from_str_radix(caught.trim(), 16).unwrap() >> (signal - 1) & 1 == 1
}

// The promise of the grace period: what cannot be delivered in time is named, and the end comes in time.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_answered_and_cannot_be_delivered_is_named() {
    let receiver = Receiver::start();
    let endpoint = receiver.http_endpoint();
    let variables = [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint.as_str()),
        ("RUST_LOG", "off"),
        ("OTEL_METRICS_EXPORTER", "none"),
    ];
    let mut chain = Process::example("chain", &["127.0.0.1:0"], &variables);
    let url = chain.line(&["GET http://", "answered 200"]).await.split(' ').nth(1).unwrap().to_owned();
    chain.line(&["stop with"]).await;
    assert_eq!(receiver.items(Signal::Traces), SPANS as u64);
    receiver.then_always(Fault::Hang);
    for _ in 0..20 {
        assert_eq!(get(&url, &[]).await.unwrap().0, 200);
    }
    let start = Instant::now();
    chain.terminate();
    assert!(!chain.ended().await.success());
    // Five seconds are the limit of the example.
    assert!(start.elapsed() < Duration::from_secs(4 * 5), "{:?}", start.elapsed());
    // The front has two spans of each call; its error ends the program.
    chain.line(&["traces: 40 spans not delivered: "]).await;
}
