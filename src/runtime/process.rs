//! What the system tells of the process (H-121), by the names, units and kinds of the semantic conventions.
//!
//! | | Linux | other Unix | elsewhere |
//! |---|---|---|---|
//! | `process.uptime` | since its start | since telemetry was made | since telemetry was made |
//! | `process.cpu.time`, `.context_switches`, `.paging.faults` | yes | yes | no |
//! | `process.memory.usage`, `.memory.virtual`, `.thread.count` | yes | no | no |
//! | `process.unix.file_descriptor.count` | yes | no | no |
//! | `process.disk.io` | where `/proc/self/io` can be read | no | no |
//!
//! Of the recommended ones `process.network.io` is missing: no system tells it of a process. `process.cpu.utilization` is
//! opt-in, and what a query makes of `process.cpu.time`.

use crate::{
    callback::{Callbacks, lock},
    resource,
};
use opentelemetry::{KeyValue, metrics::Meter};
use std::{
    fs::{self, File},
    io::Read,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

/// The files that are read have some kilobytes at most.
const MAX_FILE_BYTES: u64 = 64 << 10;
/// To count more file descriptors one by one would take too long; kernels from 6.2 on tell their number.
const MOST_DESCRIPTORS: usize = 65_536;

/// What one reading found; `None` where the system does not tell.
#[derive(Clone, Copy, Debug, Default)]
struct Reading {
    user: Option<Duration>,
    system: Option<Duration>,
    memory: Option<u64>,
    virtual_memory: Option<u64>,
    threads: Option<u64>,
    descriptors: Option<u64>,
    voluntary: Option<u64>,
    involuntary: Option<u64>,
    minor: Option<u64>,
    major: Option<u64>,
    read: Option<u64>,
    written: Option<u64>,
}

type Latest = Arc<Mutex<Reading>>;

/// What a counter is divided in, by the value of its attribute.
type Halves = [(&'static str, Option<u64>); 2];

/// Adds the instruments of the process; they are told what was read at the beginning of a collection.
pub(super) fn measure(meter: &Meter, callbacks: &Callbacks) {
    let latest = Latest::default();
    let of = latest.clone();
    callbacks.read_before(move || *lock(&of) = Reading::now());

    uptime(meter);
    cpu_time(meter, &latest);
    level(meter, &latest, "process.memory.usage", "By", "The physical memory in use.", |of| of.memory);
    let words = "The virtual memory in use.";
    level(meter, &latest, "process.memory.virtual", "By", words, |of| of.virtual_memory);
    level(meter, &latest, "process.thread.count", "{thread}", "The threads of the process.", |of| of.threads);
    let (name, words) = ("process.unix.file_descriptor.count", "The file descriptors in use.");
    level(meter, &latest, name, "{file_descriptor}", words, |of| of.descriptors);
    let (name, key) = ("process.context_switches", "process.context_switch.type");
    let words = "How often a thread of the process was switched away from.";
    counter(meter, &latest, (name, "{context_switch}", words), key, |of| {
        [("voluntary", of.voluntary), ("involuntary", of.involuntary)]
    });
    let (name, key) = ("process.paging.faults", "system.paging.fault.type");
    counter(meter, &latest, (name, "{fault}", "The page faults of the process."), key, |of| {
        [("minor", of.minor), ("major", of.major)]
    });
    let words = "The bytes that the process made the storage move.";
    counter(meter, &latest, ("process.disk.io", "By", words), "disk.io.direction", |of| {
        [("read", of.read), ("write", of.written)]
    });
}

fn uptime(meter: &Meter) {
    let (start, before) = (Instant::now(), resource::age().unwrap_or_default());
    let gauge = meter.f64_observable_gauge("process.uptime").with_unit("s");
    let gauge = gauge.with_description("How long the process has run.");
    gauge.with_callback(move |to| to.observe((before + start.elapsed()).as_secs_f64(), &[])).build();
}

fn cpu_time(meter: &Meter, latest: &Latest) {
    let latest = latest.clone();
    let modes = ["user", "system"].map(|mode| [KeyValue::new("cpu.mode", mode)]);
    let counter = meter.f64_observable_counter("process.cpu.time").with_unit("s");
    let counter = counter.with_description("The time that processors spent on the process.");
    let observe = counter.with_callback(move |to| {
        let reading = *lock(&latest);
        for (time, mode) in [reading.user, reading.system].into_iter().zip(&modes) {
            if let Some(time) = time {
                to.observe(time.as_secs_f64(), mode);
            }
        }
    });
    observe.build();
}

fn level(
    meter: &Meter,
    latest: &Latest,
    name: &'static str,
    unit: &'static str,
    description: &'static str,
    read: fn(&Reading) -> Option<u64>,
) {
    let latest = latest.clone();
    let counter = meter.i64_observable_up_down_counter(name).with_unit(unit).with_description(description);
    let observe = counter.with_callback(move |to| {
        if let Some(value) = read(&lock(&latest)) {
            to.observe(i64::try_from(value).unwrap_or(i64::MAX), &[]);
        }
    });
    observe.build();
}

fn counter(
    meter: &Meter,
    latest: &Latest,
    (name, unit, description): (&'static str, &'static str, &'static str),
    key: &'static str,
    read: fn(&Reading) -> Halves,
) {
    let latest = latest.clone();
    let counter = meter.u64_observable_counter(name).with_unit(unit).with_description(description);
    let observe = counter.with_callback(move |to| {
        for (word, value) in read(&lock(&latest)) {
            if let Some(value) = value {
                to.observe(value, &[KeyValue::new(key, word)]);
            }
        }
    });
    observe.build();
}

impl Reading {
    fn now() -> Self {
        let mut reading = Reading::default();
        reading.used();
        if let Some(status) = file("/proc/self/status") {
            reading.status(&status);
        }
        if let Some(io) = file("/proc/self/io") {
            reading.read = number(&io, "read_bytes:");
            reading.written = number(&io, "write_bytes:");
        }
        reading.descriptors = descriptors();
        reading
    }

    /// Of all threads, those that have ended among them: `/proc` tells the context switches of single threads only.
    #[cfg(unix)]
    fn used(&mut self) {
        use nix::sys::{
            resource::{UsageWho, getrusage},
            time::TimeVal,
        };
        let Ok(usage) = getrusage(UsageWho::RUSAGE_SELF) else { return };
        let time = |time: TimeVal| {
            let (seconds, rest) = (u64::try_from(time.tv_sec()).ok()?, u64::try_from(time.tv_usec()).ok()?);
            Duration::from_secs(seconds).checked_add(Duration::from_micros(rest))
        };
        (self.user, self.system) = (time(usage.user_time()), time(usage.system_time()));
        self.voluntary = u64::try_from(usage.voluntary_context_switches()).ok();
        self.involuntary = u64::try_from(usage.involuntary_context_switches()).ok();
        self.minor = u64::try_from(usage.minor_page_faults()).ok();
        self.major = u64::try_from(usage.major_page_faults()).ok();
    }

    #[cfg(not(unix))]
    fn used(&mut self) {}

    fn status(&mut self, status: &str) {
        let bytes = |key| number(status, key)?.checked_mul(1024);
        self.memory = bytes("VmRSS:");
        self.virtual_memory = bytes("VmSize:");
        self.threads = number(status, "Threads:");
    }
}

/// The number of a line that begins so. Units are not looked at: they are always the same.
fn number(text: &str, key: &str) -> Option<u64> {
    let value = text.lines().find_map(|line| line.strip_prefix(key))?;
    value.split_ascii_whitespace().next()?.parse().ok()
}

fn file(path: &str) -> Option<String> {
    let mut text = String::new();
    File::open(path).ok()?.take(MAX_FILE_BYTES).read_to_string(&mut text).ok()?;
    Some(text)
}

fn descriptors() -> Option<u64> {
    let directory = "/proc/self/fd";
    let told = fs::metadata(directory).ok()?.len();
    if told > 0 {
        return Some(told);
    }
    let counted = fs::read_dir(directory).ok()?.take(MOST_DESCRIPTORS).count();
    // Without that of the directory itself.
    (counted < MOST_DESCRIPTORS).then(|| counted.saturating_sub(1) as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_that_of_its_line_and_nothing_else() {
        let status = "Name:\tVmRSS:\\n 7\nVmSize:\t  2048 kB\nVmRSS:\t    12 kB\nThreads:\t3\n";
        let mut reading = Reading::default();
        reading.status(status);
        let read = (reading.memory, reading.virtual_memory, reading.threads);
        assert_eq!(read, (Some(12 * 1024), Some(2048 * 1024), Some(3)));
        for odd in ["", "VmRSS:", "VmRSS: x kB", "VmRSS: 18446744073709551615 kB", "VmRSS: -1 kB"] {
            let mut reading = Reading::default();
            reading.status(odd);
            assert_eq!(
                (reading.memory, reading.virtual_memory, reading.threads),
                (None, None, None),
                "{odd}"
            );
        }
    }
}
