//! Where what was checked goes on: into the queue of every destination of its signal, or back to whoever sent it.
//!
//! ```text
//!          ┌─► queue ─► batch ─► destination 1
//! request ─┤
//!          └─► queue ─► batch ─► destination 2      each with its own counts, retries and disk
//! ```
//! A request is in all queues before it is answered, and in none if it is refused: what was acknowledged is
//! delivered, refused by the destination, on disk, or named in the counts of what was lost. Only a destination whose queue
//! stays full is passed over, and the answer says so.
//!
//! A destination may be several servers: what is before it here is then a queue for each of them
//! ([`Balance`](throughline_sender::Balance)).

use crate::{
    Config, Error, Exit, Forwarded, Lost, Way, config::Overflow, intake::Refusal, memory::Memory,
    outlet::Outlet, plan::Plan,
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
    outlets: Vec<Own>,
    /// The names of the exits, by their places in the plan.
    exits: Vec<String>,
    until: Until,
    /// How long a full queue holds up the others; `None`: for ever.
    patience: Option<Duration>,
    stopping: AtomicBool,
}

/// The ways out of one signal.
#[derive(Default)]
struct Ways {
    senders: Vec<Arc<Sender>>,
    /// Of each sender: how many bytes may wait there, and its exit by its place in the plan.
    rooms: Vec<(usize, usize)>,
    /// Of each sender: which of those it is that have its name and its exit.
    numbers: Vec<usize>,
    /// A request is offered to all of them before the next one.
    turn: Mutex<()>,
    /// Since when each has had no room.
    full: Mutex<Vec<Option<Instant>>>,
}

/// A way out of this collector's own, and what sends there.
struct Own {
    outlet: Outlet,
    senders: Vec<Arc<Sender>>,
}

/// A request as one pipeline made it, and the numbers of the ways it takes.
pub(crate) struct Parcel<'a> {
    pub(crate) body: Bytes,
    pub(crate) ways: &'a [usize],
}

/// What an answer waits for.
#[derive(Default)]
pub(crate) struct Promise {
    receipts: Vec<Receipt>,
    /// The destinations for which it is dropped.
    pub(crate) passed_over: Vec<String>,
}

impl Promise {
    /// Waits until it is decided everywhere what became of it; `false`: somewhere it never will be.
    pub(crate) async fn decided(self) -> bool {
        let mut is_decided = true;
        for receipt in self.receipts {
            is_decided &= !matches!(receipt.settled().await, Err(Undelivered::Undecided));
        }
        is_decided
    }

    /// Waits until it is kept. Nobody waits for longer than the limit: then whoever sent it may come again, and it may
    /// arrive twice.
    pub(crate) async fn kept(self, limit: Duration) -> Result<(), Refusal> {
        let kept = timeout(limit, async {
            for receipt in self.receipts {
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
    /// Starts a sender for each destination that a pipeline leads to; must be called in the runtime where they live.
    pub(crate) fn start(config: &Config, plan: &Plan, memory: &Arc<Memory>) -> Result<Self, Error> {
        let until = config.acknowledge;
        let patience = match config.overflow {
            _ if until != Until::Queued => None,
            Overflow::Refuse => None,
            Overflow::Drop => Some(Duration::ZERO),
            Overflow::DropAfter(patience) => Some(patience),
        };
        let (ways, outlets, stopping) = (Default::default(), Vec::new(), AtomicBool::new(false));
        let exits = plan.exits.iter().map(|exit| exit.name.clone()).collect();
        let mut forward = Forward { ways, outlets, exits, until, patience, stopping };
        let share = plan.remotes().max(1) as u64;
        for (place, exit) in plan.exits.iter().enumerate() {
            let limits = limits(config, exit, share, memory);
            let outlet = Outlet::start(&exit.way)?;
            let mut own = Vec::new();
            for signal in Signal::ALL.into_iter().filter(|signal| plan.leads(*signal, place)) {
                match (&exit.way, &outlet) {
                    (Way::Network(destinations), _) => {
                        for destination in destinations.of(signal) {
                            forward.add(signal, destination.clone(), &limits, place)?;
                        }
                    }
                    (_, Some(outlet)) => {
                        own.push(forward.add(signal, outlet.destination(), &limits, place)?)
                    }
                    (_, None) => {}
                }
            }
            forward.outlets.extend(outlet.map(|outlet| Own { outlet, senders: own }));
        }
        Ok(forward)
    }

    fn add(
        &mut self,
        signal: Signal,
        destination: Destination,
        limits: &Limits,
        exit: usize,
    ) -> Result<Arc<Sender>, Error> {
        let sender = Sender::start(signal, destination, limits.clone());
        let sender = sender.map(Arc::new).map_err(|fault| Error::destination(&fault))?;
        let ways = &mut self.ways[signal as usize];
        let name = sender.destination().to_string();
        let known = ways.senders.iter().zip(&ways.rooms);
        let same = known.filter(|(known, (_, of))| *of == exit && known.destination().to_string() == name);
        ways.numbers.push(1 + same.count());
        ways.senders.push(Arc::clone(&sender));
        ways.rooms.push((limits.queue_bytes, exit));
        Ok(sender)
    }

    /// The numbers of what leads to an exit of the plan.
    pub(crate) fn ways_of(&self, signal: Signal, exit: usize) -> impl Iterator<Item = usize> {
        let rooms = self.ways[signal as usize].rooms.iter().enumerate();
        rooms.filter(move |(_, (_, of))| *of == exit).map(|(way, _)| way)
    }

    /// What was found on disk that an operator should know.
    pub(crate) fn notices(&self) -> Vec<String> {
        self.senders().flat_map(|sender| sender.notices().to_vec()).collect()
    }

    /// Whether requests of so many bytes would be taken now, each by its ways. Asked before they are read.
    pub(crate) fn admit<'a>(
        &self,
        signal: Signal,
        loads: impl Iterator<Item = (&'a [usize], usize)>,
    ) -> Result<(), Refusal> {
        self.have_room(signal, loads, false, self.patience)
    }

    /// Whether all bytes are known.
    fn have_room<'a>(
        &self,
        signal: Signal,
        loads: impl Iterator<Item = (&'a [usize], usize)>,
        is_all: bool,
        patience: Option<Duration>,
    ) -> Result<(), Refusal> {
        let ways = &self.ways[signal as usize];
        let sums = ways.sums(loads);
        if sums.iter().all(Option::is_none) {
            return Ok(());
        }
        if self.is_stopping() {
            return Err(Refusal::Busy("the collector stops; come again".to_owned()));
        }
        let asked = ways.rooms.iter().zip(&sums).filter_map(|((room, _), sum)| Some((*room, (*sum)?)));
        if let Some((room, _)) = asked.into_iter().find(|(room, bytes)| bytes > room) {
            return Err(Refusal::larger_than(room));
        }
        let faults: Vec<_> = ways
            .senders
            .iter()
            .zip(&sums)
            .map(|(sender, sum)| sum.map(|bytes| sender.has_room(bytes).err()))
            .collect();
        let is_away = ways.are_away(&faults, is_all, patience);
        let has_room = faults.iter().any(|asked| matches!(asked, Some(None)));
        let mut found = ways.senders.iter().zip(faults).zip(is_away);
        let holds_up = found.find_map(|((sender, fault), is_away)| {
            fault.flatten().filter(|_| !is_away || !has_room).map(|fault| (sender, fault))
        });
        match holds_up {
            None => Ok(()),
            Some((sender, fault)) => {
                Err(Refusal::Busy(format!("{}: {fault}; come again", sender.destination())))
            }
        }
    }

    /// How far a request must be until it is acknowledged, unless its source asks for more.
    pub(crate) fn until(&self) -> Until {
        self.until
    }

    /// Queues a request at every destination, or at none.
    pub(crate) fn take(
        &self,
        signal: Signal,
        items: u64,
        parcels: &[Parcel<'_>],
        until: Until,
    ) -> Result<Promise, Refusal> {
        let ways = &self.ways[signal as usize];
        if items == 0 || parcels.iter().all(|parcel| parcel.ways.is_empty()) {
            return Ok(Promise::default());
        }
        let _turn = ways.turn();
        let loads = parcels.iter().map(|parcel| (parcel.ways, parcel.body.len()));
        // The promise is one for all destinations.
        self.have_room(signal, loads, true, self.patience.filter(|_| until == Until::Queued))?;
        let mut promise = Promise::default();
        for (parcel, way) in
            parcels.iter().flat_map(|parcel| parcel.ways.iter().map(move |way| (parcel, *way)))
        {
            let sender = &ways.senders[way];
            let request = Request { items, body: parcel.body.clone() };
            match sender.submit(request.clone(), until) {
                Ok(receipt) => promise.receipts.push(receipt),
                // No room: dropped and counted, as was asked for.
                Err(_) => {
                    sender.send(request);
                    promise.passed_over.push(sender.destination().to_string());
                }
            }
        }
        if until == Until::Queued {
            promise.receipts.clear();
        }
        Ok(promise)
    }

    /// What became of everything.
    pub(crate) fn forwarded(&self) -> Vec<Forwarded> {
        let of = |ways: &Ways| {
            let ways = ways.senders.iter().zip(&ways.rooms).zip(&ways.numbers);
            let told =
                ways.map(|((sender, (_, exit)), number)| Forwarded::of(sender, &self.exits[*exit], *number));
            told.collect::<Vec<_>>()
        };
        self.ways.iter().flat_map(of).collect()
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
        for Own { outlet, senders } in &self.outlets {
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

    fn senders(&self) -> impl Iterator<Item = &Arc<Sender>> {
        self.ways.iter().flat_map(|ways| &ways.senders)
    }
}

impl Ways {
    /// How many bytes each way would get; `None`: it is not asked. What several pipelines lead to gets all of it.
    fn sums<'a>(&self, loads: impl Iterator<Item = (&'a [usize], usize)>) -> Vec<Option<usize>> {
        let mut sums: Vec<Option<usize>> = vec![None; self.senders.len()];
        for (ways, bytes) in loads {
            for way in ways {
                let sum = &mut sums[*way];
                *sum = Some(sum.unwrap_or(0).saturating_add(bytes));
            }
        }
        sums
    }

    /// Which of the senders hold up the others no more, by who was asked and has no room now. Only who has room for all of a
    /// request has room again.
    fn are_away<F>(
        &self,
        faults: &[Option<Option<F>>],
        is_all: bool,
        patience: Option<Duration>,
    ) -> Vec<bool> {
        let mut full = self.full.lock().unwrap_or_else(PoisonError::into_inner);
        full.resize(faults.len(), None);
        let away = full.iter_mut().zip(faults).map(|(since, fault)| {
            match fault {
                Some(Some(_)) => *since = Some(since.unwrap_or_else(Instant::now)),
                Some(None) if is_all => *since = None,
                Some(None) | None => {}
            }
            since.zip(patience).is_some_and(|(since, patience)| since.elapsed() >= patience)
        });
        away.collect()
    }

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

/// What each sender of an exit may keep. All that go over the network share the collector's directory in equal parts: a
/// destination that is away cannot take the room of another.
fn limits(config: &Config, exit: &Exit, shares: u64, memory: &Arc<Memory>) -> Limits {
    let share = |disk: &Disk| Disk { bytes: disk.bytes / shares, ..disk.clone() };
    Limits {
        queue_bytes: exit.queue_bytes.unwrap_or(config.queue_bytes),
        disk: exit.disk.clone().or_else(|| config.disk.as_ref().map(share)),
        batch: Some(exit.batch.clone().unwrap_or_else(|| config.batch.clone())),
        hold: Hold::by({
            let memory = Arc::clone(memory);
            move |part| memory.hold(part)
        }),
    }
}
