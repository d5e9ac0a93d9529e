//! SIGTERM under load loses nothing that was recorded.

use crate::support::{
    child::Process,
    get,
    receiver::{Decoded, Receiver, hex},
};
use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};
use throughline::{sender::Signal, testing::Fault};

/// Spans of one call through the chain.
const SPANS: usize = 4;
const CALLERS: usize = 8;

// O-102
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_call_that_was_answered_is_delivered_whole() {
    let receiver = Receiver::start();
    let endpoint = receiver.http_endpoint();
    // A delay longer than the test: what arrives in time arrives because of the shutdown, or of full batches.
    let mut chain = Process::example(
        "chain",
        &["127.0.0.1:0"],
        &[
            ("OTEL_EXPORTER_OTLP_ENDPOINT", &endpoint),
            ("OTEL_BSP_SCHEDULE_DELAY", "600000"),
            ("RUST_LOG", "warn"),
        ],
    );
    let url = chain.line(&["GET http://", "answered 200"]).await.split(' ').nth(1).unwrap().to_owned();
    chain.line(&["stop with"]).await;

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
    chain.terminate();
    assert!(chain.ended().await.success(), "{:#?}", chain.lines().iter().rev().take(5).collect::<Vec<_>>());

    let mut spans: HashMap<String, usize> = HashMap::new();
    for (_, span) in receiver.spans() {
        *spans.entry(hex(&span.trace_id)).or_default() += 1;
    }
    let mut calls = 0;
    for caller in callers {
        for id in caller.await.unwrap() {
            calls += 1;
            assert_eq!(spans.get(&id), Some(&SPANS), "the spans of answered call {calls}, trace {id}");
        }
    }
    assert!(calls > 200);
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
