//! What Tokio tells of a runtime (H-120).
//!
//! The semantic conventions have nothing for Rust; the names are those that are in use, with the units and kinds that
//! the conventions ask for: durations in seconds, and what can be summed up over runtimes as up-down counters.
//! A program that is compiled with `--cfg tokio_unstable` tells more.

use crate::callback::lock;
use ::tokio::runtime::{Handle, Id, RuntimeMetrics};
use opentelemetry::{KeyValue, metrics::Meter};
use std::sync::{Arc, Mutex};

/// The runtimes that are measured.
pub(super) struct Runtimes(Watched);

type Watched = Arc<Mutex<Vec<Runtime>>>;

#[derive(Clone)]
struct Runtime {
    id: Id,
    attributes: Vec<KeyValue>,
    metrics: RuntimeMetrics,
}

impl Runtimes {
    pub(super) fn add(&self, name: Option<&str>, runtime: &Handle) {
        let (id, mut runtimes) = (runtime.id(), lock(&self.0));
        if runtimes.iter().any(|known| known.id == id) {
            return;
        }
        let mut attributes = vec![KeyValue::new("tokio.runtime.id", id.to_string())];
        attributes.extend(name.map(|name| KeyValue::new("tokio.runtime.name", name.to_owned())));
        runtimes.push(Runtime { id, attributes, metrics: runtime.metrics() });
    }
}

/// What there is of a runtime or of one of its workers.
struct Row<R> {
    name: &'static str,
    unit: &'static str,
    description: &'static str,
    kind: Kind,
    read: R,
}

enum Kind {
    /// What only grows.
    Counter,
    /// What rises and falls.
    Level,
}

use Kind::{Counter, Level};

type OfRuntime = Row<fn(&RuntimeMetrics) -> u64>;
type OfWorker = Row<fn(&RuntimeMetrics, usize) -> u64>;

#[rustfmt::skip]
const OF_RUNTIME: &[OfRuntime] = &[
    Row { name: "tokio.workers", unit: "{worker}", kind: Level, description: "The worker threads.", read: |of| of.num_workers() as u64 },
    Row { name: "tokio.alive_tasks", unit: "{task}", kind: Level, description: "The tasks that have not ended.", read: |of| of.num_alive_tasks() as u64 },
    Row { name: "tokio.global_queue_depth", unit: "{task}", kind: Level, description: "The tasks that wait in the queue of all workers.", read: |of| of.global_queue_depth() as u64 },
    #[cfg(tokio_unstable)]
    Row { name: "tokio.blocking_threads", unit: "{thread}", kind: Level, description: "The threads for what blocks.", read: |of| of.num_blocking_threads() as u64 },
    #[cfg(tokio_unstable)]
    Row { name: "tokio.idle_blocking_threads", unit: "{thread}", kind: Level, description: "Those of them that have nothing to do.", read: |of| of.num_idle_blocking_threads() as u64 },
    #[cfg(tokio_unstable)]
    Row { name: "tokio.blocking_queue_depth", unit: "{task}", kind: Level, description: "What waits for such a thread.", read: |of| of.blocking_queue_depth() as u64 },
    #[cfg(all(tokio_unstable, target_has_atomic = "64"))]
    Row { name: "tokio.spawned_tasks_count", unit: "{task}", kind: Counter, description: "The tasks that were spawned.", read: |of| of.spawned_tasks_count() },
    #[cfg(all(tokio_unstable, target_has_atomic = "64"))]
    Row { name: "tokio.remote_schedules", unit: "{task}", kind: Counter, description: "The tasks that were scheduled from outside of the runtime.", read: |of| of.remote_schedule_count() },
    #[cfg(all(tokio_unstable, target_has_atomic = "64"))]
    Row { name: "tokio.budget_forced_yields", unit: "{yield}", kind: Counter, description: "How often a task had to yield since its budget was used up.", read: |of| of.budget_forced_yield_count() },
];

#[cfg(target_has_atomic = "64")]
#[rustfmt::skip]
const OF_WORKER: &[OfWorker] = &[
    Row { name: "tokio.worker.park_count", unit: "{park}", kind: Counter, description: "How often the worker went to sleep.", read: |of, worker| of.worker_park_count(worker) },
    #[cfg(tokio_unstable)]
    Row { name: "tokio.worker.local_queue_depth", unit: "{task}", kind: Level, description: "The tasks that wait for the worker.", read: |of, worker| of.worker_local_queue_depth(worker) as u64 },
    #[cfg(tokio_unstable)]
    Row { name: "tokio.worker.noops", unit: "{operation}", kind: Counter, description: "How often the worker woke up and found nothing to do.", read: |of, worker| of.worker_noop_count(worker) },
    #[cfg(tokio_unstable)]
    Row { name: "tokio.worker.polls", unit: "{poll}", kind: Counter, description: "The tasks that the worker polled.", read: |of, worker| of.worker_poll_count(worker) },
    #[cfg(tokio_unstable)]
    Row { name: "tokio.worker.task_steals", unit: "{task}", kind: Counter, description: "The tasks that the worker took from others.", read: |of, worker| of.worker_steal_count(worker) },
    #[cfg(tokio_unstable)]
    Row { name: "tokio.worker.steal_operations", unit: "{operation}", kind: Counter, description: "How often the worker took tasks from others.", read: |of, worker| of.worker_steal_operations(worker) },
    #[cfg(tokio_unstable)]
    Row { name: "tokio.worker.local_schedules", unit: "{task}", kind: Counter, description: "The tasks that the worker scheduled for itself.", read: |of, worker| of.worker_local_schedule_count(worker) },
    #[cfg(tokio_unstable)]
    Row { name: "tokio.worker.overflows", unit: "{operation}", kind: Counter, description: "How often the queue of the worker was full.", read: |of, worker| of.worker_overflow_count(worker) },
];
/// Tokio does not count there.
#[cfg(not(target_has_atomic = "64"))]
const OF_WORKER: &[OfWorker] = &[];

/// Adds the instruments; they read what they tell when they are asked.
pub(super) fn measure(meter: &Meter) -> Runtimes {
    let watched = Watched::default();
    for row in OF_RUNTIME {
        add(meter, row, &watched, |runtime, observe| {
            observe((row.read)(&runtime.metrics), &runtime.attributes);
        });
    }
    for row in OF_WORKER {
        add(meter, row, &watched, |runtime, observe| {
            each_worker(runtime, |worker, attributes| {
                observe((row.read)(&runtime.metrics, worker), attributes);
            });
        });
    }
    #[cfg(target_has_atomic = "64")]
    busy_duration(meter, &watched);
    Runtimes(watched)
}

/// A duration in seconds, which is no whole number as all the others are.
#[cfg(target_has_atomic = "64")]
fn busy_duration(meter: &Meter, watched: &Watched) {
    let watched = watched.clone();
    let counter = meter.f64_observable_counter("tokio.worker.busy_duration").with_unit("s");
    let counter = counter.with_description("How long the worker was busy.");
    let observe = counter.with_callback(move |to| {
        for runtime in &*lock(&watched) {
            each_worker(runtime, |worker, attributes| {
                to.observe(runtime.metrics.worker_total_busy_duration(worker).as_secs_f64(), attributes);
            });
        }
    });
    observe.build();
}

fn each_worker(runtime: &Runtime, mut observe: impl FnMut(usize, &[KeyValue])) {
    for worker in 0..runtime.metrics.num_workers() {
        let index = KeyValue::new("tokio.worker.index", i64::try_from(worker).unwrap_or(i64::MAX));
        observe(worker, &[&*runtime.attributes, &[index]].concat());
    }
}

fn add<R>(
    meter: &Meter,
    row: &Row<R>,
    watched: &Watched,
    each: impl Fn(&Runtime, &mut dyn FnMut(u64, &[KeyValue])) + Send + Sync + 'static,
) {
    let watched = watched.clone();
    let all = move |observe: &mut dyn FnMut(u64, &[KeyValue])| {
        lock(&watched).iter().for_each(|runtime| each(runtime, observe));
    };
    match row.kind {
        Counter => {
            let counter = meter.u64_observable_counter(row.name).with_unit(row.unit);
            let counter = counter.with_description(row.description);
            counter.with_callback(move |to| all(&mut |value, of| to.observe(value, of))).build();
        }
        Level => {
            let counter = meter.i64_observable_up_down_counter(row.name).with_unit(row.unit);
            let counter = counter.with_description(row.description);
            let observe = counter.with_callback(move |to| {
                all(&mut |value, of| to.observe(i64::try_from(value).unwrap_or(i64::MAX), of));
            });
            observe.build();
        }
    }
}
