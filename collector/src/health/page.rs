//! The counters of a collector in Prometheus's text, version 0.0.4.

use crate::{Counters, Forwarded};
use std::fmt::Write;

pub(super) const KIND: &str = "text/plain; version=0.0.4; charset=utf-8";

/// What a row of a table is: it only grows, or it goes up and down.
#[derive(Clone, Copy)]
enum Kind {
    Counter,
    Gauge,
}

use Kind::{Counter, Gauge};

type Row<T> = (&'static str, Kind, &'static str, fn(&T) -> u64);

#[rustfmt::skip]
const OWN: &[Row<Counters>] = &[
    ("requests_total", Counter, "Requests that were taken.", |own| own.requests),
    ("refused_requests_total", Counter, "Requests that were refused for good.", |own| own.refused_requests),
    ("busy_requests_total", Counter, "Requests that were told to come again.", |own| own.busy_requests),
    ("spans_total", Counter, "Spans that were taken.", |own| own.spans),
    ("log_records_total", Counter, "Log records that were taken.", |own| own.log_records),
    ("data_points_total", Counter, "Data points that were taken.", |own| own.data_points),
    ("rejected_items_total", Counter, "Spans and log records with invalid ids.", |own| own.rejected_items),
    ("stored_bytes", Gauge, "Bytes that are kept, requests and index.", |own| own.stored_bytes),
    ("stored_traces", Gauge, "Traces that are kept.", |own| own.stored_traces),
    ("evicted_requests_total", Counter, "Requests that left to make room for others.", |own| own.evicted_requests),
    ("evicted_traces_total", Counter, "Traces that left to make room for others.", |own| own.evicted_traces),
    ("held_bytes", Gauge, "Bytes of request bodies in memory.", |own| own.held_bytes),
    ("log_files", Gauge, "Log files that are known.", |own| own.log_files),
    ("open_log_files", Gauge, "Log files that are open.", |own| own.open_log_files),
    ("log_file_bytes_total", Counter, "Bytes of log files that were read.", |own| own.log_file_bytes),
    ("log_file_entries_total", Counter, "Entries of log files that were read.", |own| own.log_file_entries),
    ("log_file_commits_total", Counter, "How often it was written down how far files are read.", |own| own.log_file_commits),
    ("refused_log_file_requests_total", Counter, "Requests of entries that no way out can take.", |own| own.refused_log_file_requests),
];

#[rustfmt::skip]
const OF_DESTINATIONS: &[Row<Forwarded>] = &[
    ("accepted_items_total", Counter, "Taken for a destination; equal to delivered, rejected, dropped and queued together.", |way| way.accepted),
    ("delivered_items_total", Counter, "Acknowledged by it.", |way| way.delivered),
    ("rejected_by_destination_items_total", Counter, "Refused by it for good.", |way| way.rejected),
    ("dropped_items_total", Counter, "Lost here.", |way| way.dropped),
    ("queued_items", Gauge, "Waiting, or under way.", |way| way.queued),
    ("queued_on_disk_items", Gauge, "Of those, on disk.", |way| way.on_disk),
    ("repeated_items_total", Counter, "Sent again although an earlier attempt may have been taken.", |way| way.repeated),
    ("left_out_members", Gauge, "Of several servers, those that are away.", |way| way.members.iter().filter(|one| one.left_out).count() as u64),
];

/// All of them.
pub(super) fn page(own: &Counters, forwarded: &[Forwarded]) -> String {
    let mut page = String::new();
    for (name, kind, help, value) in OWN {
        head(&mut page, name, *kind, help);
        let _ = writeln!(page, "throughline_collector_{name} {}", value(own));
    }
    for (name, kind, help, value) in OF_DESTINATIONS.iter().filter(|_| !forwarded.is_empty()) {
        head(&mut page, name, *kind, help);
        for way in forwarded {
            let _ = writeln!(page, "throughline_collector_{name}{{{}}} {}", labels(way), value(way));
        }
    }
    page
}

fn head(page: &mut String, name: &str, kind: Kind, help: &str) {
    let kind = match kind {
        Counter => "counter",
        Gauge => "gauge",
    };
    // Writing into a string cannot fail.
    let _ = write!(
        page,
        "# HELP throughline_collector_{name} {help}\n# TYPE throughline_collector_{name} {kind}\n"
    );
}

/// What tells a destination from all others.
fn labels(way: &Forwarded) -> String {
    let mut labels = format!("signal=\"{}\",destination=\"{}\"", way.signal, escaped(&way.destination));
    if !way.exit.is_empty() {
        // Writing into a string cannot fail.
        let _ = write!(labels, ",exit=\"{}\"", escaped(&way.exit));
    }
    labels
}

fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A counter that is added is in one of the tables.
    #[test]
    fn every_counter_is_on_the_page() {
        let own = serde_json::to_value(Counters::default()).unwrap();
        let page = page(&Counters::default(), &[]);
        for name in own.as_object().unwrap().keys() {
            let is_there =
                [format!("throughline_collector_{name} "), format!("throughline_collector_{name}_total ")]
                    .iter()
                    .any(|name| page.contains(name.as_str()));
            assert!(is_there, "{name}");
        }
    }
}
