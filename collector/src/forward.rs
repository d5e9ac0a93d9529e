//! Where what was checked goes on: into the queue of every destination of its signal, or back to whoever sent it.
//!
//! ```text
//!          ┌─► queue ─► batch ─► destination 1
//! request ─┤
//!          └─► queue ─► batch ─► destination 2      each with its own counts, retries and disk
//! ```
//! A request is in all queues before it is answered, and in none if it is refused: what was acknowledged is
//! delivered, refused by the destination, on disk, or named in the counts of what was lost.
//!
//! A destination may be several servers: what is before it here is then a queue for each of them
//! ([`Balance`](throughline_sender::Balance)).

use crate::{
    Config, Error, Forwarded, Lost, config::Overflow, intake::Refusal, memory::Memory, outlet::Outlet,
};
use bytes::Bytes;
use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};
use throughline_sender::{
    Destination, Disk, Hold, Limits, Receipt, Request, Sender, Signal, Undelivered, Unsent, Until,
};
use tokio::{task::JoinSet, time::timeout};

/// All ways out.
pub(crate) struct Forward {
    /// In the order of [`Signal::ALL`].
    ways: [Ways; 3],
    outlets: Vec<Way>,
    until: Until,
    overflow: Overflow,
    queue_bytes: usize,
    stopping: AtomicBool,
}

/// The ways out of one signal.
#[derive(Default)]
struct Ways {
    senders: Vec<Arc<Sender>>,
    /// A request is offered to all of them before the next one.
    turn: Mutex<()>,
}

/// A way out of this collector's own, and what sends there.
struct Way {
    outlet: Outlet,
    senders: Vec<Arc<Sender>>,
}

/// What an answer waits for.
#[derive(Default)]
pub(crate) struct Promise(Vec<Receipt>);

impl Promise {
    /// Waits until it is kept. Nobody waits for longer than the limit: then whoever sent it may come again, and it may
    /// arrive twice.
    pub(crate) async fn kept(self, limit: Duration) -> Result<(), Refusal> {
        let kept = timeout(limit, async {
            for receipt in self.0 {
                receipt.settled().await?;
            }
            Ok(())
        });
        kept.await.unwrap_or(Err(Undelivered::Undecided)).map_err(|undelivered| match undelivered {
            Undelivered::Refused(cause) => Refusal::Malformed(cause),
            Undelivered::Undecided => {
                Refusal::Busy("the request is not where it should be yet; come again".to_owned())
            }
        })
    }
}

impl Forward {
    /// Starts a sender for each destination; must be called in the runtime where they live.
    pub(crate) fn start(config: &Config, memory: &Arc<Memory>) -> Result<Self, Error> {
        let mut ways: [Ways; 3] = Default::default();
        let outlets = Outlet::start(config)?;
        let mut outlets: Vec<Way> =
            outlets.into_iter().map(|outlet| Way { outlet, senders: Vec::new() }).collect();
        let start = |signal, destination| {
            let sender = Sender::start(signal, destination, limits(config, memory));
            sender.map(Arc::new).map_err(|fault| Error::destination(&fault))
        };
        for (signal, ways) in Signal::ALL.into_iter().zip(&mut ways) {
            for destination in config.destinations.of(signal) {
                ways.senders.push(start(signal, destination.clone())?);
            }
            for way in &mut outlets {
                let sender = start(signal, way.outlet.destination())?;
                way.senders.push(Arc::clone(&sender));
                ways.senders.push(sender);
            }
        }
        let (until, overflow, queue_bytes) = (config.acknowledge, config.overflow, config.queue_bytes);
        Ok(Forward { ways, outlets, until, overflow, queue_bytes, stopping: AtomicBool::new(false) })
    }

    /// What was found on disk that an operator should know.
    pub(crate) fn notices(&self) -> Vec<String> {
        self.senders().flat_map(|sender| sender.notices().to_vec()).collect()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.senders().next().is_none()
    }

    /// Whether a request of so many bytes would be taken now. Asked before it is read.
    pub(crate) fn admit(&self, signal: Signal, bytes: usize) -> Result<(), Refusal> {
        let senders = &self.ways(signal).senders;
        if senders.is_empty() {
            return Ok(());
        }
        if self.is_stopping() {
            return Err(Refusal::Busy("the collector stops; come again".to_owned()));
        }
        if bytes > self.queue_bytes {
            return Err(Refusal::larger_than(self.queue_bytes));
        }
        let mut faults = Vec::new();
        for sender in senders {
            faults.extend(sender.has_room(bytes).err().map(|fault| (sender, fault)));
        }
        match (faults.first(), self.overflow) {
            (None, _) => Ok(()),
            (Some(_), Overflow::Drop) if faults.len() < senders.len() => Ok(()),
            (Some((sender, fault)), _) => {
                Err(Refusal::Busy(format!("{}: {fault}; come again", sender.destination())))
            }
        }
    }

    /// Queues a request at every destination, or at none.
    pub(crate) fn take(&self, signal: Signal, items: u64, body: &Bytes) -> Result<Promise, Refusal> {
        let ways = self.ways(signal);
        if items == 0 || ways.senders.is_empty() {
            return Ok(Promise::default());
        }
        let _turn = ways.turn();
        self.admit(signal, body.len())?;
        let mut receipts = Vec::new();
        for sender in &ways.senders {
            let request = Request { items, body: body.clone() };
            match sender.submit(request.clone(), self.until) {
                Ok(receipt) => receipts.push(receipt),
                // No room: dropped and counted, as was asked for.
                Err(_) => sender.send(request),
            }
        }
        if self.until == Until::Queued {
            receipts.clear();
        }
        Ok(Promise(receipts))
    }

    /// What became of everything.
    pub(crate) fn forwarded(&self) -> Vec<Forwarded> {
        self.senders().map(|sender| Forwarded::of(sender)).collect()
    }

    pub(crate) fn is_stopping(&self) -> bool {
        self.stopping.load(Relaxed)
    }

    /// Takes nothing more, and delivers what waits, all within the limit; what does not get out by then is spilled to
    /// disk, or lost.
    pub(crate) async fn close(&self, limit: Duration) -> Result<(), Lost> {
        self.stopping.store(true, Relaxed);
        let is_own = |sender: &&Arc<Sender>| {
            self.outlets.iter().flat_map(|way| &way.senders).any(|own| Arc::ptr_eq(own, sender))
        };
        let theirs = self.senders().filter(|sender| !is_own(sender)).cloned();
        let mut writing = JoinSet::new();
        for Way { outlet, senders } in &self.outlets {
            let (outlet, senders) = (outlet.clone(), senders.clone());
            writing.spawn(async move {
                let began = Instant::now();
                let lost = closed(senders, limit).await;
                (lost, outlet.close(limit.saturating_sub(began.elapsed())).await.err())
            });
        }
        let mut lost = closed(theirs, limit).await;
        let mut unwritten = Vec::new();
        for (unsent, words) in writing.join_all().await {
            lost.extend(unsent);
            unwritten.extend(words);
        }
        lost.sort_by_key(|(destination, unsent)| (unsent.signal, destination.clone()));
        match lost.is_empty() && unwritten.is_empty() {
            true => Ok(()),
            false => Err(Lost::new(&lost, unwritten)),
        }
    }

    fn ways(&self, signal: Signal) -> &Ways {
        let [traces, metrics, logs] = &self.ways;
        match signal {
            Signal::Traces => traces,
            Signal::Metrics => metrics,
            Signal::Logs => logs,
        }
    }

    fn senders(&self) -> impl Iterator<Item = &Arc<Sender>> {
        self.ways.iter().flat_map(|ways| &ways.senders)
    }
}

impl Ways {
    fn turn(&self) -> MutexGuard<'_, ()> {
        self.turn.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Closes senders at the same time; where what they lost was to go.
async fn closed(senders: impl IntoIterator<Item = Arc<Sender>>, limit: Duration) -> Vec<(String, Unsent)> {
    let mut closing = JoinSet::new();
    for sender in senders {
        closing.spawn(async move {
            let closed = sender.close_since(sender.mark(), limit).await;
            closed.err().map(|unsent| (sender.destination().to_string(), unsent))
        });
    }
    closing.join_all().await.into_iter().flatten().collect()
}

/// What each sender may keep. All that go over the network share the directory in equal parts: a destination that is
/// away cannot take the room of another.
fn limits(config: &Config, memory: &Arc<Memory>) -> Limits {
    let all = Signal::ALL.into_iter().flat_map(|signal| config.destinations.of(signal));
    let remote = all.filter(|destination| !matches!(destination, Destination::Local(_))).count();
    let share = |disk: &Disk| Disk { bytes: disk.bytes / remote.max(1) as u64, ..disk.clone() };
    Limits {
        queue_bytes: config.queue_bytes,
        disk: config.disk.as_ref().map(share),
        batch: Some(config.batch.clone()),
        hold: Hold::by({
            let memory = Arc::clone(memory);
            move |part| memory.hold(part)
        }),
    }
}
