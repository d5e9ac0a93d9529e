//! The way of one signal out of the process: what is recorded → batches → bytes → one sender per destination.
//!
//! Each pipeline is one task on the export runtime. It wakes when a batch is due, or when somebody flushes.

use crate::{
    Error,
    batch::{Counts, Queue},
    config::{Config, Decided, Export},
    encode,
    sender::{Limits, Mark, Request, Sender, Signal, Stats},
};
use opentelemetry::InstrumentationScope;
use opentelemetry_proto::transform::common::tonic::ResourceAttributesWithSchema;
use opentelemetry_sdk::{
    error::OTelSdkResult,
    logs::SdkLogRecord,
    metrics::{
        InstrumentKind, ManualReader, Pipeline as SdkPipeline, Temporality, data::ResourceMetrics,
        reader::MetricReader,
    },
    trace::SpanData,
};
use std::{
    sync::{Arc, Weak},
    time::Duration,
};
use tokio::{
    sync::{mpsc, oneshot},
    time::Instant,
};

/// Where a pipeline takes its data from.
pub(crate) enum Source {
    Spans(Arc<Queue<SpanData>>, ResourceAttributesWithSchema),
    Logs(Arc<Queue<(SdkLogRecord, InstrumentationScope)>>, ResourceAttributesWithSchema),
    Metrics(Reader),
}

impl Source {
    /// Completes when there is something to send.
    async fn due(&self, delay: Duration) {
        match self {
            Source::Spans(queue, _) => queue.due(delay).await,
            Source::Logs(queue, _) => queue.due(delay).await,
            Source::Metrics(_) => tokio::time::sleep(delay).await,
        }
    }

    /// Everything that waits, request by request.
    fn drain(&self, mut send: impl FnMut(Request)) {
        match self {
            Source::Spans(queue, resource) => {
                while let batch = queue.take()
                    && !batch.is_empty()
                {
                    send(encode::spans(batch, resource));
                }
            }
            Source::Logs(queue, resource) => {
                while let batch = queue.take()
                    && !batch.is_empty()
                {
                    send(encode::logs(&batch, resource));
                }
            }
            Source::Metrics(reader) => send(reader.read()),
        }
    }

    fn counts(&self) -> Counts {
        match self {
            Source::Spans(queue, _) => queue.counts(),
            Source::Logs(queue, _) => queue.counts(),
            Source::Metrics(_) => Counts::default(),
        }
    }
}

/// A reader that collects when the pipeline asks. The SDK's periodic one has a thread of its own, which
/// ignores the limit of a shutdown.
#[derive(Clone, Debug, Default)]
pub(crate) struct Reader(Arc<ManualReader>);

impl Reader {
    fn read(&self) -> Request {
        let mut metrics = ResourceMetrics::default();
        match self.0.collect(&mut metrics) {
            Ok(()) => encode::metrics(&metrics),
            // Only after the provider was shut down: there is nothing any more.
            Err(_) => Request { items: 0, body: Default::default() },
        }
    }
}

impl MetricReader for Reader {
    fn register_pipeline(&self, pipeline: Weak<SdkPipeline>) {
        self.0.register_pipeline(pipeline);
    }

    fn collect(&self, metrics: &mut ResourceMetrics) -> OTelSdkResult {
        self.0.collect(metrics)
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.0.force_flush()
    }

    fn shutdown_with_timeout(&self, limit: Duration) -> OTelSdkResult {
        self.0.shutdown_with_timeout(limit)
    }

    fn temporality(&self, kind: InstrumentKind) -> Temporality {
        self.0.temporality(kind)
    }
}

/// The running pipeline of one signal.
pub(crate) struct Pipeline {
    signal: Signal,
    source: Arc<Source>,
    senders: Arc<[Sender]>,
    drains: mpsc::UnboundedSender<oneshot::Sender<()>>,
}

impl Pipeline {
    /// Starts a pipeline; `None` if the signal goes nowhere. Called in the export runtime.
    pub(crate) fn start(
        config: &Config,
        signal: Signal,
        source: impl FnOnce(&Export) -> Source,
    ) -> Result<Option<Self>, Error> {
        let export = config.export(signal);
        if config.disabled || export.destinations.is_empty() {
            return Ok(None);
        }
        let senders: Result<Arc<[Sender]>, Error> = export
            .destinations
            .iter()
            .map(|destination| {
                Sender::start(signal, destination.clone(), Limits::default()).map_err(|error| {
                    match &export.decided {
                        Decided::Variable(name) => Error::destination(name, error),
                        _ => Error::destination(signal.name(), error),
                    }
                })
            })
            .collect();
        let (senders, source) = (senders?, Arc::new(source(export)));
        let (drains, requests) = mpsc::unbounded_channel();
        tokio::spawn(run(source.clone(), senders.clone(), export.delay(signal), requests));
        Ok(Some(Pipeline { signal, source, senders, drains }))
    }

    /// Hands everything recorded so far to the senders and waits for their answers, at most for `limit`.
    pub(crate) async fn flush(&self, limit: Duration) -> Result<(), String> {
        self.settle(limit, false).await
    }

    /// Flushes, then stops the senders: what could not be delivered is dropped and counted.
    pub(crate) async fn close(&self, limit: Duration) -> Result<(), String> {
        self.settle(limit, true).await
    }

    async fn settle(&self, limit: Duration, close: bool) -> Result<(), String> {
        let deadline = Instant::now() + limit;
        let marks: Vec<Mark> = self.senders.iter().map(Sender::mark).collect();
        let (reply, drained) = oneshot::channel();
        let in_time =
            self.drains.send(reply).is_ok() && tokio::time::timeout_at(deadline, drained).await.is_ok();
        let mut failures = Vec::new();
        if !in_time {
            failures.push(format!("{}: the last batch could not be made in time", self.signal.name()));
        }
        // All destinations at once: a dead one must not use up the time of the others (O-039).
        let mut waits = tokio::task::JoinSet::new();
        for (index, mark) in marks.into_iter().enumerate() {
            let senders = self.senders.clone();
            waits.spawn(async move {
                let remaining = deadline.saturating_duration_since(Instant::now());
                match close {
                    true => senders[index].close_since(mark, remaining).await,
                    false => senders[index].flush_since(mark, remaining).await,
                }
            });
        }
        while let Some(result) = waits.join_next().await {
            match result {
                Ok(Ok(())) => {}
                Ok(Err(unsent)) => failures.push(unsent.to_string()),
                Err(error) => failures.push(format!("{}: {error}", self.signal.name())),
            }
        }
        if failures.is_empty() { Ok(()) } else { Err(failures.join("\n")) }
    }

    /// One row per destination: what waits for its batch is queued for each of them.
    pub(crate) fn stats(&self) -> impl Iterator<Item = Stats> {
        let before = self.source.counts();
        self.senders.iter().map(move |sender| {
            let mut stats = sender.stats();
            stats.recorded += before.dropped + before.queued;
            stats.dropped += before.dropped;
            stats.queued += before.queued;
            stats
        })
    }
}

async fn run(
    source: Arc<Source>,
    senders: Arc<[Sender]>,
    delay: Duration,
    mut requests: mpsc::UnboundedReceiver<oneshot::Sender<()>>,
) {
    loop {
        let reply = tokio::select! {
            () = source.due(delay) => None,
            request = requests.recv() => match request {
                Some(reply) => Some(reply),
                None => return,
            },
        };
        source.drain(|request| {
            for sender in senders.iter() {
                sender.send(request.clone());
            }
        });
        if let Some(reply) = reply {
            // Whoever asked may have given up waiting.
            let _ = reply.send(());
        }
    }
}
