//! How many spans began, and how many of them have not ended (H-130).
//!
//! The sampler is asked about every span, so it counts those that begin; the processor hears of every one that is
//! recorded. Without the option neither is there.

use super::{Rows, counter, up_and_down};
use crate::batch::SpanQueue;
use opentelemetry::{
    Context, KeyValue, TraceId,
    metrics::Meter,
    trace::{Link, SpanKind, TraceContextExt},
};
use opentelemetry_sdk::{
    error::OTelSdkResult,
    trace::{SamplingDecision, SamplingResult, ShouldSample, Span, SpanData, SpanProcessor},
};
use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

/// `otel.span.parent.origin`.
const ORIGINS: [&str; 3] = ["none", "local", "remote"];
/// `otel.span.sampling_result`; those that are recorded come first.
const RESULTS: [&str; 3] = ["RECORD_AND_SAMPLE", "RECORD_ONLY", "DROP"];

/// The counts, shared by those who count and those who tell.
#[derive(Clone, Debug, Default)]
pub(crate) struct Spans(Arc<Counts>);

#[derive(Debug, Default)]
struct Counts {
    /// By [`RESULTS`], then by [`ORIGINS`].
    started: [[AtomicU64; 3]; 3],
    /// By [`RESULTS`]; of what is dropped nobody hears the end.
    ended: [AtomicU64; 2],
}

impl Spans {
    /// Counts what a sampler is asked for.
    pub(crate) fn sampler(&self, sampler: Box<dyn ShouldSample>) -> Box<dyn ShouldSample> {
        Box::new(CountedSampler { sampler, spans: self.clone() })
    }

    /// Counts what ends on its way to the queue, if there is one.
    pub(crate) fn processor(&self, queue: Option<SpanQueue>) -> impl SpanProcessor + 'static {
        CountedQueue { queue, spans: self.clone() }
    }

    /// Adds the measurements.
    pub(super) fn measure(&self, meter: &Meter) {
        let counts = self.0.clone();
        counter(meter, "otel.sdk.span.started", "{span}", move || counts.started_rows());
        let counts = self.0.clone();
        up_and_down(meter, "otel.sdk.span.live", "{span}", move || counts.live_rows());
    }
}

impl Counts {
    fn started_rows(&self) -> Rows {
        let row = |result: usize, origin: usize| {
            let origin_attribute = KeyValue::new("otel.span.parent.origin", ORIGINS[origin]);
            (self.started[result][origin].load(Ordering::Relaxed), vec![origin_attribute, sampling(result)])
        };
        (0..3).flat_map(|result| (0..3).map(move |origin| (result, origin))).map(|(r, o)| row(r, o)).collect()
    }

    /// Only of kinds of which there was one.
    fn live_rows(&self) -> Rows {
        let row = |(result, ended): (usize, &AtomicU64)| {
            // First, so that no end is seen without its beginning.
            let ended = ended.load(Ordering::Acquire);
            let started: u64 = self.started[result].iter().map(|count| count.load(Ordering::Relaxed)).sum();
            (started > 0).then(|| (started.saturating_sub(ended), vec![sampling(result)]))
        };
        self.ended.iter().enumerate().filter_map(row).collect()
    }
}

fn sampling(result: usize) -> KeyValue {
    KeyValue::new("otel.span.sampling_result", RESULTS[result])
}

#[derive(Clone, Debug)]
struct CountedSampler {
    sampler: Box<dyn ShouldSample>,
    spans: Spans,
}

impl ShouldSample for CountedSampler {
    fn should_sample(
        &self,
        parent: Option<&Context>,
        trace_id: TraceId,
        name: &str,
        kind: &SpanKind,
        attributes: &[KeyValue],
        links: &[Link],
    ) -> SamplingResult {
        let result = self.sampler.should_sample(parent, trace_id, name, kind, attributes, links);
        let origin = parent.map_or(0, |parent| match parent.span().span_context() {
            parent if !parent.is_valid() => 0,
            parent => 1 + usize::from(parent.is_remote()),
        });
        let decision = match result.decision {
            SamplingDecision::RecordAndSample => 0,
            SamplingDecision::RecordOnly => 1,
            SamplingDecision::Drop => 2,
        };
        self.spans.0.started[decision][origin].fetch_add(1, Ordering::Relaxed);
        result
    }
}

/// One processor and not two: the SDK clones a span for each.
#[derive(Debug)]
struct CountedQueue {
    queue: Option<SpanQueue>,
    spans: Spans,
}

impl SpanProcessor for CountedQueue {
    fn on_start(&self, span: &mut Span, context: &Context) {
        self.queue.iter().for_each(|queue| queue.on_start(span, context));
    }

    fn on_end(&self, span: SpanData) {
        let result = usize::from(!span.span_context.is_sampled());
        self.spans.0.ended[result].fetch_add(1, Ordering::Release);
        if let Some(queue) = &self.queue {
            queue.on_end(span);
        }
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.queue.as_ref().map_or(Ok(()), SpanQueue::force_flush)
    }

    fn shutdown_with_timeout(&self, limit: Duration) -> OTelSdkResult {
        self.queue.as_ref().map_or(Ok(()), |queue| queue.shutdown_with_timeout(limit))
    }
}
