//! Telemetry whose destination is the test.

use super::{Logs, Metrics, Recorded, Spans, begun::Begun, fail, receiver::Content};
use crate::{
    Config, Telemetry,
    config::LogOutput,
    sender::{Accept, Answer, Destination, Inlet, Signal},
};
use bytes::Bytes;
use std::{
    fmt,
    ops::Deref,
    sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc},
    time::{Duration, Instant},
};
use tracing::{Dispatch, dispatcher};
use tracing_subscriber::layer::SubscriberExt;

/// The longest wait for what began to end, and for a condition.
const PATIENCE: Duration = Duration::from_secs(10);
/// How often a condition is asked whether it holds: nobody tells when a log record is made.
const PAUSE: Duration = Duration::from_millis(5);
/// Measurements are collected when they are asked for, and not before.
const NEVER: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// Telemetry of a test: all of a [`Telemetry`], and what it recorded.
///
/// It is the subscriber of the thread that made it, until it is dropped, and therefore stays on that thread.
pub struct Capture {
    // The first to be dropped: then nothing more is recorded.
    _subscriber: dispatcher::DefaultGuard,
    dispatch: Dispatch,
    telemetry: Telemetry,
    begun: Begun,
    memory: Arc<Memory>,
}

impl Capture {
    #[track_caller]
    pub(super) fn start(mut config: Config) -> Self {
        let memory = Arc::new(Memory::default());
        for export in [&mut config.traces, &mut config.metrics, &mut config.logs] {
            export.destinations = vec![Destination::Local(Inlet::new(Inside(memory.clone())))];
        }
        config.metrics.schedule_delay = Some(NEVER);
        let begun = Begun::new();
        let watch = begun.clone();
        let telemetry = match Telemetry::build_with(config, |spans| spans.with_span_processor(watch)) {
            Ok(telemetry) => telemetry,
            Err(error) => fail(&error.to_string()),
        };
        let dispatch = Dispatch::new(tracing_subscriber::registry().with(telemetry.layers()));
        let _subscriber = dispatcher::set_default(&dispatch);
        Capture { _subscriber, dispatch, telemetry, begun, memory }
    }

    /// Everything recorded so far. Waits until the spans that began have ended, at most ten seconds; those that have
    /// not by then are named in [`Recorded::unfinished`].
    ///
    /// # Panics
    /// If a callback of an observable instrument panicked, or did not come back in time.
    pub async fn recorded(&self) -> Recorded {
        let ended = self.begun.ended();
        // On the clock of the export: that of the test may stand still. An error means that time was over.
        let _ = self.handle.runtime.spawn(async { drop(tokio::time::timeout(PATIENCE, ended).await) }).await;
        self.flushed().await
    }

    /// As [`Capture::recorded`], where nothing can be awaited.
    ///
    /// # Panics
    /// As [`Capture::recorded`].
    #[track_caller]
    pub fn recorded_blocking(&self) -> Recorded {
        let (ended, wait) = (self.begun.ended(), mpsc::channel());
        self.handle.runtime.spawn(async move {
            ended.await;
            let _ = wait.0.send(());
        });
        // An error means that time was over.
        let _ = wait.1.recv_timeout(PATIENCE);
        let unfinished = self.begun.names();
        if let Err(error) = self.handle.settle_blocking(PATIENCE, crate::pipeline::Settle::Flush) {
            fail(&error.to_string());
        }
        self.read(unfinished)
    }

    /// Waits until the condition holds for what is recorded, at most ten seconds: for work that begins by itself
    /// later, such as a task of its own. Does not wait for spans to end.
    ///
    /// # Panics
    /// If it does not hold by then: with what was recorded.
    pub async fn recorded_when(&self, mut condition: impl FnMut(&Recorded) -> bool) -> Recorded {
        let start = Instant::now();
        loop {
            if condition(&self.flushed().await) {
                // Signals leave side by side: what began with the one that was waited for may have missed its flush.
                let recorded = self.flushed().await;
                if condition(&recorded) {
                    return recorded;
                }
            }
            if start.elapsed() > PATIENCE {
                fail(&format!("waited {PATIENCE:?} in vain; recorded is\n{}", self.flushed().await));
            }
            let _ = self.handle.runtime.spawn(async { tokio::time::sleep(PAUSE).await }).await;
        }
    }

    /// The spans of [`Capture::recorded`].
    ///
    /// # Panics
    /// As [`Capture::recorded`].
    pub async fn spans(&self) -> Spans {
        self.recorded().await.spans
    }

    /// The log records of [`Capture::recorded`].
    ///
    /// # Panics
    /// As [`Capture::recorded`].
    pub async fn logs(&self) -> Logs {
        self.recorded().await.logs
    }

    /// The measurements of [`Capture::recorded`].
    ///
    /// # Panics
    /// As [`Capture::recorded`].
    pub async fn metrics(&self) -> Metrics {
        self.recorded().await.metrics
    }

    /// The subscriber: for other threads, which do not have it by themselves.
    ///
    /// ```
    /// let telemetry = throughline::testing::telemetry();
    /// let subscriber = telemetry.subscriber();
    /// let runtime = tokio::runtime::Builder::new_multi_thread()
    ///     .on_thread_start(move || std::mem::forget(tracing::dispatcher::set_default(&subscriber)))
    ///     .build()?;
    /// runtime.block_on(async {
    ///     tokio::spawn(async { tracing::info!("on a thread of the runtime") }).await.unwrap();
    ///     assert_eq!(telemetry.logs().await.len(), 1);
    /// });
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn subscriber(&self) -> Dispatch {
        self.dispatch.clone()
    }

    async fn flushed(&self) -> Recorded {
        // Before the flush: what is not among them now ended before it and is delivered by it.
        let unfinished = self.begun.names();
        if let Err(error) = self.handle.flush(PATIENCE).await {
            fail(&error.to_string());
        }
        self.read(unfinished)
    }

    #[track_caller]
    fn read(&self, unfinished: Vec<String>) -> Recorded {
        if let [failure, ..] = &self.handle.providers.meters.callbacks.failures()[..] {
            fail(failure);
        }
        let requests = self.memory.lock().clone();
        let decoded = requests.iter().map(|(signal, body)| Content::of_protobuf(*signal, body));
        // They were encoded here.
        let mut recorded = Recorded::of(decoded.filter_map(Result::ok).collect());
        recorded.unfinished = unfinished;
        recorded
    }
}

impl Deref for Capture {
    type Target = Telemetry;

    fn deref(&self) -> &Telemetry {
        &self.telemetry
    }
}

impl fmt::Debug for Capture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Capture").field("recorded", &self.memory.lock().len()).finish_non_exhaustive()
    }
}

/// Without lines, and without records of what throughline itself has to say, as that a request has no peer.
pub(super) fn quiet() -> Config {
    let mut config = Config::from_vars::<&str, &str>([]);
    config.log.output = LogOutput::None;
    config.log.filter.push_str(",throughline=off");
    config
}

/// The requests as they came.
#[derive(Default)]
struct Memory(Mutex<Vec<(Signal, Bytes)>>);

impl Memory {
    fn lock(&self) -> MutexGuard<'_, Vec<(Signal, Bytes)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct Inside(Arc<Memory>);

impl Accept for Inside {
    fn accept(&self, signal: Signal, request: Bytes) -> Answer {
        self.0.lock().push((signal, request));
        Answer::TAKEN
    }
}
