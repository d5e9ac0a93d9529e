//! The way of one signal out of the process: what is recorded → batches → bytes → one sender per destination.
//!
//! Each pipeline is one task on the export runtime. It wakes when a batch is due, or when somebody flushes.

use crate::{
    Error,
    accounts::{Account, Collections},
    batch::{Counts, Queue},
    callback::Asked,
    config::{AttributeLimits, Config, Decided},
    encode,
    export::Home,
    reader::Reader,
    sender::{Destination, Disk, Limits, Mark, Request, Sender, Signal, Stats},
};
use opentelemetry::InstrumentationScope;
use opentelemetry_proto::transform::common::tonic::ResourceAttributesWithSchema;
use opentelemetry_sdk::{logs::SdkLogRecord, trace::SpanData};
use std::{sync::Arc, time::Duration};
use tokio::{
    runtime,
    sync::{mpsc, oneshot},
    task::yield_now,
    time::Instant,
};

/// Where a pipeline takes its data from.
pub(crate) enum Source {
    Spans(Arc<Queue<SpanData>>, ResourceAttributesWithSchema, AttributeLimits),
    Logs(Arc<Queue<(SdkLogRecord, InstrumentationScope)>>, ResourceAttributesWithSchema, AttributeLimits),
    Metrics(Reader),
}

impl Source {
    /// Completes when there is something to send.
    async fn due(&self, delay: Duration) {
        match self {
            Source::Spans(queue, ..) => queue.due(delay).await,
            Source::Logs(queue, ..) => queue.due(delay).await,
            Source::Metrics(_) => tokio::time::sleep(delay).await,
        }
    }

    /// Hands on everything that waits at the call, request by request. What comes meanwhile is for the next time, and
    /// between two batches others have their turn: who records without a pause would else keep all from leaving.
    async fn drain(&self, asked: Option<Asked>, mut send: impl FnMut(Request)) -> Result<(), String> {
        match self {
            Source::Spans(queue, resource, limits) => {
                for _ in 0..queue.batches() {
                    encode::spans(queue.take(), resource, *limits, &mut send);
                    yield_now().await;
                }
            }
            Source::Logs(queue, resource, limits) => {
                for _ in 0..queue.batches() {
                    encode::logs(&queue.take(), resource, *limits, &mut send);
                    yield_now().await;
                }
            }
            Source::Metrics(reader) => send(reader.clone().read(asked).await?),
        }
        Ok(())
    }

    /// Leaves what the program does itself, if it is at it, only this much time.
    fn hurry(&self, limit: Duration) {
        if let Source::Metrics(reader) = self {
            reader.hurry(limit);
        }
    }

    fn counts(&self) -> Option<Counts> {
        match self {
            Source::Spans(queue, ..) => Some(queue.counts()),
            Source::Logs(queue, ..) => Some(queue.counts()),
            Source::Metrics(_) => None,
        }
    }
}

/// How far a pipeline is to be brought.
#[derive(Clone, Copy)]
pub(crate) enum Settle {
    /// To where everything recorded so far is delivered.
    Flush,
    /// To its end.
    Close,
}

/// A request to hand everything recorded so far to the senders.
struct Drain {
    /// Nothing is taken up after it.
    last: bool,
    /// How long it waits for what the program does itself to be measured.
    asked: Asked,
    reply: oneshot::Sender<Result<(), String>>,
}

/// What each sender may keep. All that go over the network share the directory in equal parts: a destination that is
/// away cannot take the room of another.
pub(crate) fn limits(config: &Config) -> Limits {
    let exports = Signal::ALL.into_iter().flat_map(|signal| &config.export(signal).destinations);
    let remote = exports.filter(|destination| !matches!(destination, Destination::Local(_))).count();
    let bytes = config.queue.directory_bytes / remote.max(1) as u64;
    let disk = config.queue.directory.clone().map(|directory| Disk { directory, bytes });
    Limits { queue_bytes: config.queue.bytes, disk, ..Limits::default() }
}

/// The running pipeline of one signal.
pub(crate) struct Pipeline {
    signal: Signal,
    source: Arc<Source>,
    senders: Arc<[Sender]>,
    drains: mpsc::UnboundedSender<Drain>,
    /// Where it lives.
    runtime: runtime::Handle,
    home: Home,
}

impl Pipeline {
    /// Starts a pipeline; `None` if the signal goes nowhere. Called in the export runtime.
    pub(crate) fn start(
        config: &Config,
        signal: Signal,
        source: impl FnOnce() -> Source,
    ) -> Result<Option<Arc<Self>>, Error> {
        let export = config.export(signal);
        if config.disabled || export.destinations.is_empty() {
            return Ok(None);
        }
        let senders: Result<Arc<[Sender]>, Error> = export
            .destinations
            .iter()
            .map(|destination| {
                Sender::start(signal, destination.clone(), limits(config)).map_err(|error| {
                    match export.decided_for(destination) {
                        Some(Decided::Variable(name)) => Error::destination(name, error),
                        _ => Error::destination(signal.name(), error),
                    }
                })
            })
            .collect();
        let (senders, source) = (senders?, Arc::new(source()));
        let (drains, requests) = mpsc::unbounded_channel();
        tokio::spawn(run(source.clone(), senders.clone(), export.delay(signal), requests));
        let runtime = runtime::Handle::current();
        Ok(Some(Arc::new(Pipeline { signal, source, senders, drains, runtime, home: Home::here() })))
    }

    /// What was found on disk at the start that an operator should know.
    pub(crate) fn notices(&self) -> impl Iterator<Item = String> {
        let name = self.signal.name();
        self.senders.iter().flat_map(Sender::notices).map(move |notice| format!("{name}: {notice}"))
    }

    /// Hands everything recorded so far to the senders and waits for their answers, at most for `limit`; to
    /// close also stops the senders: what could not be delivered is left to the disk, or dropped and counted.
    pub(crate) async fn settle(&self, limit: Duration, settle: Settle) -> Result<(), String> {
        let close = matches!(settle, Settle::Close);
        let deadline = Instant::now() + limit;
        let marks: Vec<Mark> = self.senders.iter().map(Sender::mark).collect();
        let (reply, drained) = oneshot::channel();
        // Time must be left to send: a quarter for what is under way now, half for what comes then.
        self.source.hurry(limit / 4);
        let drain = Drain { last: close, asked: Asked::now(limit / 2), reply };
        // The task may have ended: then the reply's sender is gone and this is over at once.
        let _ = self.drains.send(drain);
        let mut failures = Vec::new();
        match tokio::time::timeout_at(deadline, drained).await {
            Ok(Ok(Ok(()))) => {}
            Ok(Ok(Err(failure))) => failures.push(failure),
            _ => failures.push(format!("{}: the last batch could not be made in time", self.signal.name())),
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

    /// Whether it was closed, or the queue before it.
    pub(crate) fn is_closed(&self) -> bool {
        let queue = match &*self.source {
            Source::Spans(queue, ..) => queue.is_closed(),
            Source::Logs(queue, ..) => queue.is_closed(),
            Source::Metrics(_) => false,
        };
        queue || self.drains.is_closed()
    }

    pub(crate) fn runtime(&self) -> &runtime::Handle {
        &self.runtime
    }

    pub(crate) fn home(&self) -> Home {
        self.home
    }

    pub(crate) fn signal(&self) -> Signal {
        self.signal
    }

    pub(crate) fn destinations(&self) -> impl Iterator<Item = &Destination> {
        self.senders.iter().map(Sender::destination)
    }

    /// How many spans or log records may wait for their batch; `None` for measurements, which do not wait.
    pub(crate) fn capacity(&self) -> Option<u64> {
        match &*self.source {
            Source::Spans(queue, ..) => Some(queue.capacity()),
            Source::Logs(queue, ..) => Some(queue.capacity()),
            Source::Metrics(_) => None,
        }
    }

    /// How long collections take; `None` for what is not collected.
    pub(crate) fn collections(&self) -> Option<&Collections> {
        match &*self.source {
            Source::Metrics(reader) => Some(reader.collections()),
            Source::Spans(..) | Source::Logs(..) => None,
        }
    }

    /// Reads what became of everything; `None` if there was nothing, or the pipeline is gone: what is measured
    /// must not keep alive what measures.
    pub(crate) fn account(&self) -> impl Fn() -> Option<Account> + Send + Sync + 'static {
        let (source, senders) = (Arc::downgrade(&self.source), Arc::downgrade(&self.senders));
        move || {
            let (source, senders) = (source.upgrade()?, senders.upgrade()?);
            // The senders first, as for the statistics.
            let senders: Vec<Stats> = senders.iter().map(Sender::stats).collect();
            let counts = source.counts().unwrap_or_default();
            let processed = senders.iter().map(|stats| stats.recorded - stats.adopted).min().unwrap_or(0);
            let waiting = counts.recorded.saturating_sub(counts.dropped + processed);
            let nothing = counts.recorded == 0 && senders.iter().all(|stats| stats.recorded == 0);
            let Counts { recorded, dropped } = counts;
            (!nothing).then_some(Account { recorded, waiting, dropped, processed, senders })
        }
    }

    /// Tells of every request that is settled: the number of its sender, how long it took, whether something in it was
    /// refused.
    pub(crate) fn watch(&self, watcher: impl Fn(usize, Duration, bool) + Send + Sync + 'static) {
        let watcher = Arc::new(watcher);
        for (number, sender) in self.senders.iter().enumerate() {
            let watcher = watcher.clone();
            sender.watch(move |took, refused| watcher(number, took, refused));
        }
    }

    /// One row per destination: what waits for its batch is queued for each of them.
    pub(crate) fn stats(&self) -> impl Iterator<Item = Stats> {
        self.senders.iter().map(|sender| {
            // The sender first: what it has counted the queue has counted before.
            let mut stats = sender.stats();
            if let Some(counts) = self.source.counts() {
                stats.recorded = counts.recorded + stats.adopted;
                stats.dropped += counts.dropped;
                stats.queued = stats.recorded.saturating_sub(stats.delivered + stats.failed + stats.dropped);
            }
            if let Source::Metrics(reader) = &*self.source {
                reader.tell(&mut stats);
            }
            stats
        })
    }

    /// Stops at once: what was not delivered is lost and counted.
    pub(crate) fn abandon(&self) {
        match &*self.source {
            Source::Spans(queue, ..) => queue.close(),
            Source::Logs(queue, ..) => queue.close(),
            Source::Metrics(_) => {}
        }
        self.senders.iter().for_each(Sender::abandon);
    }
}

async fn run(
    source: Arc<Source>,
    senders: Arc<[Sender]>,
    delay: Duration,
    mut requests: mpsc::UnboundedReceiver<Drain>,
) {
    loop {
        let request = tokio::select! {
            () = source.due(delay) => None,
            request = requests.recv() => match request {
                Some(request) => Some(request),
                None => return,
            },
        };
        let asked = request.as_ref().map(|drain| drain.asked);
        let drained = source
            .drain(asked, |request| {
                for sender in senders.iter() {
                    sender.send(request.clone());
                }
            })
            .await;
        if let Err(failure) = &drained {
            tracing::warn!(target: "throughline", "{failure}");
        }
        if let Some(Drain { last, reply, .. }) = request {
            // Whoever asked may have given up waiting.
            let _ = reply.send(drained);
            if last {
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_that_goes_over_the_network_shares_the_directory_and_what_stays_here_has_no_part() {
        let share = |vars: &[(&str, &str)]| {
            let of_queue =
                [("THROUGHLINE_QUEUE_DIRECTORY", "/queue"), ("THROUGHLINE_QUEUE_DIRECTORY_BYTES", "600")];
            let config = Config::from_vars(vars.iter().chain(&of_queue).copied());
            limits(&config).disk.map(|disk| disk.bytes)
        };
        let (traces, logs) = ("OTEL_TRACES_EXPORTER", "OTEL_LOGS_EXPORTER");
        assert_eq!(share(&[]), Some(200));
        assert_eq!(share(&[(traces, "otlp,console"), (logs, "otlp/stdout")]), Some(300));
    }
}
