//! A service without traffic sends nothing and sleeps.

use crate::support::{child::Process, receiver::Receiver};
use std::{collections::BTreeMap, fs, time::Duration};
use throughline::sender::Signal;

/// How often each thread of ours has gone to sleep, by its number and name.
#[cfg(target_os = "linux")]
fn sleeps(process: u32) -> BTreeMap<String, u64> {
    let mut sleeps = BTreeMap::new();
    for task in fs::read_dir(format!("/proc/{process}/task")).unwrap().flatten() {
        // A thread may end while its directory is read.
        let Ok(status) = fs::read_to_string(task.path().join("status")) else { continue };
        let value = |key: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(key));
            line.unwrap().trim_start_matches(':').trim().to_owned()
        };
        let name = format!("{} {}", value("Pid"), value("Name"));
        if name.contains("throughline") {
            sleeps.insert(name, value("voluntary_ctxt_switches").parse().unwrap());
        }
    }
    sleeps
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn an_idle_service_sends_nothing_and_sleeps() {
    let receiver = Receiver::start();
    let endpoint = receiver.http_endpoint();
    let delay = ("OTEL_BSP_SCHEDULE_DELAY", "100");
    let variables = [("OTEL_EXPORTER_OTLP_ENDPOINT", &*endpoint), delay];
    let services = Process::example("chain", &["127.0.0.1:0"], &variables);
    services.line(&["stop with"]).await;
    // The spans of its one call, which are the last thing to come.
    assert!(receiver.until(|receiver| receiver.items(Signal::Traces) == 4).await);
    rests(&receiver, &services).await;
}

// What it tells of itself is asked for when it is collected, once a minute.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn an_idle_program_that_is_measured_sleeps_too() {
    let receiver = Receiver::start();
    let endpoint = receiver.http_endpoint();
    let variables = [("OTEL_EXPORTER_OTLP_ENDPOINT", &*endpoint), ("OTEL_LOGS_EXPORTER", "none")];
    let program = Process::example("options", &["127.0.0.1:0"], &variables);
    program.line(&["curl http://", "/healthz"]).await;
    rests(&receiver, &program).await;
}

#[cfg(target_os = "linux")]
async fn rests(receiver: &Receiver, services: &Process) {
    let (before, requests) = (sleeps(services.id()), receiver.requests().len());
    tokio::time::sleep(Duration::from_secs(3)).await;
    let after = sleeps(services.id());
    assert_eq!(after.keys().collect::<Vec<_>>(), before.keys().collect::<Vec<_>>());
    assert!(!after.is_empty());
    for (thread, times) in after {
        let woken = times - before[&thread];
        assert!(woken <= 3, "{thread} woke {woken} times with nothing to do");
    }
    assert_eq!(receiver.requests().len(), requests);
}
