//! More is recorded than can leave.

use super::{counts, record, traces};
use crate::support::{PATIENCE, until};
use bytes::Bytes;
use std::{
    sync::atomic::{AtomicBool, Ordering},
    thread,
};
use throughline::{
    Config, Telemetry,
    sender::{Accept, Answer, Destination, Inlet, Signal},
};
use tokio::{runtime::Handle, task::block_in_place};

struct Taking;

impl Accept for Taking {
    fn accept(&self, _: Signal, _: Bytes) -> Answer {
        Answer::TAKEN
    }
}

// O-036
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn who_records_without_a_pause_keeps_nothing_from_leaving_and_no_flush_from_its_end() {
    let mut config = Config::from_vars([("OTEL_METRICS_EXPORTER", "none"), ("OTEL_LOGS_EXPORTER", "none")]);
    config.traces.destinations = vec![Destination::Local(Inlet::new(Taking))];
    let telemetry = Telemetry::build(config).unwrap();
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while !over.load(Ordering::Relaxed) {
                    record(&telemetry, 100);
                }
            });
        }
        let watching = async {
            until("a full queue", || async { (traces(&telemetry).dropped > 0).then_some(()) }).await;
            let before = traces(&telemetry).delivered;
            until("more to be delivered", || async { (traces(&telemetry).delivered > before).then_some(()) })
                .await;
            telemetry.handle().flush(PATIENCE).await.map_err(|error| error.to_string())
        };
        let waiting = std::panic::AssertUnwindSafe(|| Handle::current().block_on(watching));
        let flushed = block_in_place(|| std::panic::catch_unwind(waiting));
        // First of all, else the threads would go on for ever.
        over.store(true, Ordering::Relaxed);
        assert_eq!(flushed.unwrap(), Ok(()));
    });
    let handle = telemetry.handle();
    telemetry.shutdown(PATIENCE).await.unwrap();
    let [recorded, delivered, failed, dropped, queued] = counts(&handle.stats()[0]);
    assert_eq!((recorded - delivered - dropped, failed, queued), (0, 0, 0));
}
