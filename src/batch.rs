//! Spans that ended and log records that were emitted, waiting to become batches.
//!
//! ```text
//!  a span ends ──► Queue (bounded) ──► a batch of at most max_batch items ──► encode
//!                   └ full: dropped, counted
//! ```
//! The SDK's own processors hide what they drop, report a failed export as success, and export spans that
//! were not sampled; here everything is counted. Nothing wakes while nothing is recorded.

use crate::{baggage::BaggageKeys, flush::Flush};
use opentelemetry::{Context, InstrumentationScope};
use opentelemetry_sdk::{
    error::OTelSdkResult,
    logs::{LogProcessor, SdkLogRecord},
    trace::{Span, SpanData, SpanProcessor},
};
use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::sync::Notify;

/// What is recorded and not yet encoded.
#[derive(Debug)]
pub(crate) struct Queue<T> {
    state: Mutex<State<T>>,
    max_queue: usize,
    max_batch: usize,
    /// Something arrived in an empty queue, or a batch is full.
    arrived: Notify,
}

#[derive(Debug)]
struct State<T> {
    items: VecDeque<T>,
    counts: Counts,
    closed: bool,
}

/// What became of items before they reached a sender.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Counts {
    /// Ever given to the queue.
    pub(crate) recorded: u64,
    /// Lost here: no room, or too late.
    pub(crate) dropped: u64,
}

impl<T> Queue<T> {
    /// A batch that could never be full would never be due, and one of nothing always: both are put right.
    pub(crate) fn new(max_queue: usize, max_batch: usize) -> Arc<Self> {
        let max_queue = max_queue.max(1);
        let max_batch = max_batch.clamp(1, max_queue);
        let state = State { items: VecDeque::new(), counts: Counts::default(), closed: false };
        Arc::new(Queue { state: Mutex::new(state), max_queue, max_batch, arrived: Notify::new() })
    }

    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn push(&self, item: T) {
        let mut state = self.lock();
        state.counts.recorded += 1;
        if state.closed || state.items.len() >= self.max_queue {
            state.counts.dropped += 1;
            return;
        }
        state.items.push_back(item);
        let length = state.items.len();
        drop(state);
        if length == 1 || length == self.max_batch {
            self.arrived.notify_one();
        }
    }

    /// How many batches wait, the last of which may be small.
    pub(crate) fn batches(&self) -> usize {
        self.lock().items.len().div_ceil(self.max_batch)
    }

    /// The next batch; empty if nothing waits.
    pub(crate) fn take(&self) -> Vec<T> {
        let mut state = self.lock();
        let count = state.items.len().min(self.max_batch);
        state.items.drain(..count).collect()
    }

    /// Completes when a batch is full, or `delay` after the first item of one arrived.
    pub(crate) async fn due(&self, delay: Duration) {
        let length = || self.lock().items.len();
        while length() == 0 {
            self.arrived.notified().await;
        }
        // Elapsed or full: in both cases it is time.
        let _ = tokio::time::timeout(delay, async {
            while length() < self.max_batch {
                self.arrived.notified().await;
            }
        })
        .await;
    }

    /// What still waits is dropped and counted, and so is everything from now on.
    pub(crate) fn close(&self) {
        let mut state = self.lock();
        state.closed = true;
        state.counts.dropped += state.items.len() as u64;
        state.items.clear();
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.lock().closed
    }

    pub(crate) fn capacity(&self) -> u64 {
        self.max_queue as u64
    }

    pub(crate) fn counts(&self) -> Counts {
        self.lock().counts
    }
}

/// Spans that ended, towards their queue.
#[derive(Debug)]
pub(crate) struct SpanQueue {
    pub(crate) queue: Arc<Queue<SpanData>>,
    pub(crate) keys: BaggageKeys,
    pub(crate) flush: Flush,
}

impl SpanProcessor for SpanQueue {
    fn on_start(&self, span: &mut Span, context: &Context) {
        self.keys.on_start(span, context);
    }

    fn on_end(&self, mut span: SpanData) {
        // A span that is recorded only for local use must not leave (the SDK's processor exports it).
        if span.span_context.is_sampled() {
            self.keys.on_end(&mut span);
            self.queue.push(span);
        }
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.flush.flush()
    }

    fn shutdown_with_timeout(&self, _: Duration) -> OTelSdkResult {
        self.queue.close();
        Ok(())
    }
}

/// Log records that were emitted, towards their queue.
#[derive(Clone, Debug)]
pub(crate) struct LogQueue {
    pub(crate) queue: Arc<Queue<(SdkLogRecord, InstrumentationScope)>>,
    pub(crate) keys: BaggageKeys,
    pub(crate) flush: Flush,
}

impl LogQueue {
    pub(crate) fn push(&self, mut record: SdkLogRecord, scope: &InstrumentationScope) {
        self.keys.on_emit(&mut record);
        self.queue.push((record, scope.clone()));
    }
}

impl LogProcessor for LogQueue {
    fn emit(&self, record: &mut SdkLogRecord, scope: &InstrumentationScope) {
        self.push(record.clone(), scope);
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.flush.flush()
    }

    fn shutdown_with_timeout(&self, _: Duration) -> OTelSdkResult {
        self.queue.close();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use opentelemetry::{
        KeyValue,
        trace::{Link, SpanKind, TraceId, TraceState, Tracer, TracerProvider},
    };
    use opentelemetry_sdk::trace::{SamplingDecision, SamplingResult, SdkTracerProvider, ShouldSample};

    #[derive(Clone, Debug)]
    struct RecordOnly;

    impl ShouldSample for RecordOnly {
        fn should_sample(
            &self,
            _: Option<&Context>,
            _: TraceId,
            _: &str,
            _: &SpanKind,
            _: &[KeyValue],
            _: &[Link],
        ) -> SamplingResult {
            let decision = SamplingDecision::RecordOnly;
            SamplingResult { decision, attributes: vec![], trace_state: TraceState::default() }
        }
    }

    #[test]
    fn a_span_that_is_recorded_but_not_sampled_does_not_leave() {
        let queue = Queue::new(10, 10);
        let provider = SdkTracerProvider::builder()
            .with_sampler(RecordOnly)
            .with_span_processor(SpanQueue {
                queue: queue.clone(),
                keys: BaggageKeys::default(),
                flush: Flush::default(),
            })
            .build();
        drop(provider.tracer("test").start("local"));
        assert_eq!(queue.counts().recorded, 0);
        assert!(queue.take().is_empty());
    }

    #[test]
    fn a_closed_queue_counts_what_it_loses() {
        let queue = Queue::new(2, 2);
        (0..3).for_each(|item| queue.push(item));
        assert_eq!(queue.counts().dropped, 1);
        queue.close();
        queue.push(4);
        assert_eq!((queue.counts().recorded, queue.counts().dropped), (4, 4));
    }
}
