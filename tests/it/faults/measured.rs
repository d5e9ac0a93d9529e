//! What is measured of ourselves is what the statistics say, and so what the receiver counted.

use super::stats;
use crate::support::receiver::Receiver;
use std::time::Duration;
use throughline::{
    Stats, Telemetry,
    sender::Signal,
    testing::{Point, Recorded, Value},
};

/// Compares the statistics with the `otel.sdk.*` of the next collection, which goes to this receiver among others (H-130,
/// H-131). Nothing else may be recorded meanwhile.
pub(super) async fn agree(telemetry: &Telemetry, receiver: &Receiver, limit: Duration, context: &str) {
    let rows = stats(&telemetry.handle());
    // An error if another destination takes nothing.
    let _ = telemetry.handle().flush(limit).await;
    let told = Told(receiver.recorded());
    for row in &rows {
        let exporter = |what| told.of(&format!("exporter.{}.{what}", carried(row.signal)), Some(port(row)));
        let ([exported, rejected, dropped], [inflight, ..]) = (exporter("exported"), exporter("inflight"));
        assert_eq!(
            [exported, rejected, dropped, inflight],
            [row.delivered, row.failed, row.dropped, row.queued],
            "{context}: {row:?} is measured otherwise"
        );
    }
    for signal in [Signal::Traces, Signal::Logs] {
        let item = carried(signal);
        let [processed, ..] = told.of(&format!("processor.{item}.processed"), None);
        let [waiting, ..] = told.of(&format!("processor.{item}.queue.size"), None);
        let created = if signal == Signal::Traces { "span.started" } else { "log.created" };
        let [created, ..] = told.of(created, None);
        for row in rows.iter().filter(|row| row.signal == signal) {
            assert_eq!((processed + waiting, created), (row.recorded, row.recorded), "{context}: {row:?}");
        }
    }
}

struct Told(Recorded);

impl Told {
    /// The sums of the series without an error, of what was rejected, and of what was dropped; into this port, if one is
    /// named.
    fn of(&self, name: &str, port: Option<i64>) -> [u64; 3] {
        let name = format!("otel.sdk.{name}");
        let metrics = self.0.metrics.iter().filter(|metric| metric.name == name);
        let points = Vec::from_iter(metrics.flat_map(|metric| &metric.points).filter(|point| {
            let found = point.attributes.get("server.port");
            port.is_none_or(|port| found.is_some_and(|found| *found == port))
        }));
        let sum = |error: Value| {
            let is_it =
                |point: &&&Point| *point.attributes.get("error.type").unwrap_or(&Value::Absent) == error;
            points.iter().filter(is_it).map(|point| point.value as u64).sum()
        };
        let word = |word: &str| sum(Value::Text(word.into()));
        [sum(Value::Absent), word("rejected"), word("dropped")]
    }
}

/// What the standard calls what an exporter carries.
fn carried(signal: Signal) -> &'static str {
    match signal {
        Signal::Traces => "span",
        Signal::Metrics => "metric_data_point",
        Signal::Logs => "log",
    }
}

fn port(row: &Stats) -> i64 {
    let (_, place) = row.destination.split_once("127.0.0.1:").expect("a destination of the test");
    place.split(|c: char| !c.is_ascii_digit()).next().unwrap().parse().unwrap()
}
