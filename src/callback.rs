//! Callbacks of observable instruments: one that panics or blocks costs nobody but itself.
//!
//! They are the program's. The SDK would call them while it holds the lock of its collection: a panic then ends all
//! collections for good, and a callback that blocks also blocks whoever makes an instrument. So they are called before
//! the collection, outside of that lock, and the SDK is told what they observed.
//!
//! ```text
//! Reader ─► Callbacks::run(limit) ─► each callback, in turn ─► what it observed
//!    └────► the SDK's collection  ◄────────────────────────────────┘
//! ```
//! A callback may take half of the time that is left of the limit. One that takes longer is left to itself: the others
//! go on without it, and it is not called again until it has come back. What it observed is lost, as is what a callback
//! observed that panicked. Both are said once for each callback.

mod meter; // the instruments whose callbacks are called so
mod observed; // what one callback observed

pub use meter::Meters;

use observed::{Outcome, Turn};
use std::{
    collections::VecDeque,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc},
    time::{Duration, Instant},
};
use tokio::runtime::Handle;

/// Limits beyond it mean "for ever"; much larger ones cannot be added to an instant.
const LONGEST_LIMIT: Duration = Duration::from_secs(365 * 24 * 60 * 60);
/// Whatever the limit, what takes no time is not left.
const LEAST_PATIENCE: Duration = Duration::from_millis(1);

/// All callbacks of one provider. A cheap clone is the same.
#[derive(Clone)]
pub(crate) struct Callbacks(Arc<Shared>);

struct Shared {
    /// On whose blocking threads they are called.
    runtime: Handle,
    readings: Mutex<Vec<Reading>>,
    callbacks: Mutex<Vec<Arc<dyn Turn>>>,
    /// Readers take turns.
    turn: Mutex<()>,
    /// To whoever waits for the callbacks that are under way.
    events: Mutex<Option<mpsc::Sender<Event>>>,
    haste: Mutex<Option<Haste>>,
    failures: Mutex<Vec<String>>,
}

type Reading = Arc<dyn Fn() + Send + Sync>;

/// What whoever waits for the callbacks is told.
enum Event {
    /// The next one is through.
    Done(Outcome),
    /// No more will come of this thread.
    Over,
    /// There is less time than there was.
    Hurry,
}

/// How long somebody who asks for a collection waits for the callbacks.
#[derive(Clone, Copy)]
pub(crate) struct Asked {
    limit: Duration,
    since: Instant,
}

impl Asked {
    pub(crate) fn now(limit: Duration) -> Self {
        Asked { limit, since: Instant::now() }
    }
}

/// A wish that there be less time.
#[derive(Clone, Copy)]
struct Haste {
    since: Instant,
    until: Instant,
}

/// Calls callbacks on a thread of its own, and says when it is gone, for whatever reason.
struct Caller {
    callbacks: VecDeque<Arc<dyn Turn>>,
    events: mpsc::Sender<Event>,
}

impl Callbacks {
    pub(crate) fn new(runtime: Handle) -> Self {
        Callbacks(Arc::new(Shared {
            runtime,
            readings: Mutex::default(),
            callbacks: Mutex::default(),
            turn: Mutex::default(),
            events: Mutex::default(),
            haste: Mutex::default(),
            failures: Mutex::default(),
        }))
    }

    /// Adds something of ours that is read once before each collection, where it is collected: it neither blocks nor
    /// panics.
    pub(crate) fn read_before(&self, reading: impl Fn() + Send + Sync + 'static) {
        lock(&self.0.readings).push(Arc::new(reading));
    }

    /// Calls each callback that is not still under way since an earlier collection. Blocks for at most about the limit,
    /// less if somebody asks for it, or hurries. `Some`: what a callback did, as `error.type`.
    pub(crate) fn run(&self, limit: Duration, asked: Option<Asked>) -> Option<&'static str> {
        let _turn = lock(&self.0.turn);
        let readings = lock(&self.0.readings).clone();
        readings.iter().for_each(|reading| reading());
        let mut waiting: VecDeque<_> =
            lock(&self.0.callbacks).iter().filter(|callback| callback.rests()).cloned().collect();
        let limit = asked.map_or(limit, |asked| limit.min(asked.limit));
        let deadline = Instant::now() + limit.min(LONGEST_LIMIT);
        let mut failure = None;
        while !waiting.is_empty() {
            let told = self.call(waiting.clone());
            while let Some(callback) = waiting.front() {
                let left = self.until(deadline, asked).saturating_duration_since(Instant::now());
                let patience = (left / 2).max(LEAST_PATIENCE);
                match told.recv_timeout(patience) {
                    Ok(Event::Done(outcome)) => {
                        failure = failure.or(self.note(outcome));
                        waiting.pop_front();
                    }
                    Ok(Event::Hurry) => {}
                    Ok(Event::Over) | Err(_) => {
                        failure = failure.or(self.note(callback.leave(patience)));
                        waiting.pop_front();
                        break;
                    }
                }
            }
        }
        *lock(&self.0.events) = None;
        failure
    }

    /// Leaves the callbacks only this much time, those that are under way and those that are called before somebody
    /// asks for it.
    pub(crate) fn hurry(&self, limit: Duration) {
        let since = Instant::now();
        *lock(&self.0.haste) = Some(Haste { since, until: since + limit.min(LONGEST_LIMIT) });
        if let Some(events) = &*lock(&self.0.events) {
            // Whoever waits may be through.
            let _ = events.send(Event::Hurry);
        }
    }

    /// What was said of callbacks so far, each once.
    pub(crate) fn failures(&self) -> Vec<String> {
        lock(&self.0.failures).clone()
    }

    fn add(&self, callback: Arc<dyn Turn>) {
        lock(&self.0.callbacks).push(callback);
    }

    /// A run that was asked for knows its time: only who hurries later changes it.
    fn until(&self, deadline: Instant, asked: Option<Asked>) -> Instant {
        let haste = *lock(&self.0.haste);
        let haste = haste.filter(|haste| asked.is_none_or(|asked| asked.since < haste.since));
        haste.filter(|haste| haste.until > Instant::now()).map_or(deadline, |haste| deadline.min(haste.until))
    }

    fn note(&self, outcome: Outcome) -> Option<&'static str> {
        if let Some(words) = outcome.words {
            tracing::warn!(target: "throughline", "{words}");
            lock(&self.0.failures).push(words);
        }
        outcome.error
    }

    fn call(&self, callbacks: VecDeque<Arc<dyn Turn>>) -> mpsc::Receiver<Event> {
        let (events, told) = mpsc::channel();
        *lock(&self.0.events) = Some(events.clone());
        let caller = Caller { callbacks, events };
        self.0.runtime.spawn_blocking(move || caller.call());
        told
    }
}

impl fmt::Debug for Callbacks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Callbacks").field("number", &lock(&self.0.callbacks).len()).finish()
    }
}

impl Caller {
    fn call(&self) {
        for callback in &self.callbacks {
            // Nobody waits any more: another thread goes on with the rest.
            if self.events.send(Event::Done(callback.call())).is_err() {
                return;
            }
        }
    }
}

impl Drop for Caller {
    fn drop(&mut self) {
        let _ = self.events.send(Event::Over);
    }
}

/// A lock that a panic does not close: what it guards is always whole.
pub(crate) fn lock<T: ?Sized>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Config, config::Temporality, reader::Reader};
    use opentelemetry::metrics::MeterProvider;
    use opentelemetry_sdk::metrics::{
        ManualReader, SdkMeterProvider, data::ResourceMetrics, reader::MetricReader,
    };
    use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
    use tokio::runtime::{Builder, Runtime};

    fn runtime() -> Runtime {
        Builder::new_current_thread().build().unwrap()
    }

    // H-121: the process is read once, whatever number of instruments tell of it.
    #[test]
    fn what_is_ours_is_read_once_for_each_collection() {
        let (runtime, reads) = (runtime(), Arc::new(AtomicUsize::new(0)));
        let callbacks = Callbacks::new(runtime.handle().clone());
        let counted = reads.clone();
        callbacks.read_before(move || {
            counted.fetch_add(1, Relaxed);
        });
        let sdk = SdkMeterProvider::builder().with_reader(ManualReader::builder().build()).build();
        let meter = Meters::new(sdk, callbacks.clone()).meter("test");
        for name in ["one", "two", "three"] {
            meter.u64_observable_gauge(name).with_callback(|to| to.observe(1, &[])).build();
        }
        for collections in 1..4 {
            callbacks.run(Duration::MAX, None);
            assert_eq!(reads.load(Relaxed), collections);
        }
    }

    #[test]
    fn a_runtime_that_has_ended_calls_nothing_and_keeps_nobody() {
        let (runtime, calls) = (runtime(), Arc::new(AtomicUsize::new(0)));
        let callbacks = Callbacks::new(runtime.handle().clone());
        let measurements = Config::from_vars([("", ""); 0]).measurements;
        let reader = Reader::new(Temporality::Cumulative, &measurements, callbacks.clone());
        let sdk = SdkMeterProvider::builder().with_reader(reader.clone()).build();
        let meter = Meters::new(sdk, callbacks).meter("test");
        let counted = calls.clone();
        let gauge = meter.u64_observable_gauge("asked").with_callback(move |to| {
            counted.fetch_add(1, Relaxed);
            to.observe(1, &[]);
        });
        gauge.build();
        let told = || {
            let mut metrics = ResourceMetrics::default();
            reader.collect(&mut metrics).unwrap();
            metrics.scope_metrics().count()
        };
        assert_eq!((told(), calls.load(Relaxed)), (1, 1));
        drop(runtime);
        told();
        assert_eq!(calls.load(Relaxed), 1);
    }
}
