//! A fault that does not end: the limit of a shutdown is kept, what is lost is counted, and others get everything.

use super::{ITEMS, PROTOCOLS, config, config_to, measured::agree, record, stats};
use crate::support::receiver::Receiver;
use std::time::{Duration, Instant};
use throughline::{
    Config, Stats, Telemetry,
    sender::Signal,
    testing::{Fault::*, RetryAfter::Seconds},
};

const LIMIT: Duration = Duration::from_millis(500);

/// One test for each row: the fault, and whether the content is taken in spite of it.
macro_rules! faults {
    ($($name:ident: $fault:expr => $taken:expr;)*) => {
        $(#[tokio::test]
        async fn $name() {
            last(|receiver| receiver.then_always($fault), $taken).await;
        })*
    };
}

// O-036, O-039
faults! {
    no_answer: Hang => false;
    busy: Status(503) => false;
    busy_for_an_hour: Later(503, Seconds(3_600)) => false;
    unavailable_for_an_hour: CodeLater(14, Duration::from_secs(3_600)) => false;
    closed_unread: CloseUnread => false;
    answers_that_are_lost: LostAnswer => true;
    answers_that_take_an_hour: Slow(Duration::from_secs(225)) => true;
}

#[tokio::test]
async fn nobody_there() {
    last(Receiver::refuse, false).await;
}

#[tokio::test]
async fn a_network_that_swallows_everything() {
    // Accepts in the system's name, and never reads.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", silent.local_addr().unwrap());
    for protocol in PROTOCOLS {
        let healthy = Receiver::start();
        shut_down(config_to(&endpoint, protocol, &[]), &healthy, protocol).await;
    }
}

async fn last(fault: impl Fn(&Receiver) -> &Receiver, taken: bool) {
    for protocol in PROTOCOLS {
        let (dead, healthy) = (Receiver::start(), Receiver::start());
        fault(&dead);
        shut_down(config(&dead, protocol, &[]), &healthy, protocol).await;
        for signal in Signal::ALL {
            assert_eq!(dead.items(signal) >= ITEMS, taken, "{protocol}: {}", signal.name());
        }
    }
}

/// Shuts telemetry down that goes to a dead destination and to a healthy one.
async fn shut_down(mut to_both: Config, healthy: &Receiver, protocol: &str) {
    let to_healthy = config(healthy, protocol, &[]);
    to_both.traces.destinations.extend(to_healthy.traces.destinations);
    to_both.metrics.destinations.extend(to_healthy.metrics.destinations);
    to_both.logs.destinations.extend(to_healthy.logs.destinations);
    let telemetry = Telemetry::build(to_both).unwrap();
    record(&telemetry);
    assert!(telemetry.handle().flush(LIMIT).await.is_err(), "{protocol}");
    agree(&telemetry, healthy, LIMIT, protocol).await;
    let (handle, start) = (telemetry.handle(), Instant::now());
    let error = telemetry.shutdown(LIMIT).await.unwrap_err().to_string();
    assert!(start.elapsed() < LIMIT * 4, "{protocol}: {:?}", start.elapsed());

    let starts: Vec<&str> = error.lines().map(|line| line.split(": ").next().unwrap()).collect();
    assert_eq!(starts, ["logs", "metrics", "traces"], "{protocol}: {error}");
    let rows = stats(&handle);
    let (to_healthy, to_dead): (Vec<_>, Vec<_>) = rows.iter().partition(|row| {
        [healthy.http_address(), healthy.grpc_address()]
            .iter()
            .any(|of| row.destination.contains(&of.to_string()))
    });
    assert_eq!((to_healthy.len(), to_dead.len()), (3, 3), "{protocol}: {rows:?}");
    // Measurements were collected for each flush.
    let all = |row: &Stats| if row.signal == Signal::Metrics { row.recorded } else { ITEMS };
    for row in to_dead {
        let found = (row.recorded, row.delivered, row.failed, row.dropped, row.queued);
        assert_eq!(found, (all(row), 0, 0, all(row), 0), "{protocol}: {row:?}");
    }
    for row in to_healthy {
        let found = (row.recorded, row.delivered, healthy.items(row.signal));
        assert_eq!(found, (all(row), all(row), all(row)), "{protocol}: {row:?}");
    }
    assert_eq!((healthy.repeated_spans(), healthy.complaints().len()), (0, 0), "{protocol}");
}
