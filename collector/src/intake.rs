//! Where all requests end, whichever way they came.

mod refusal; // why something is not taken
mod shared; // the way in without a socket

use crate::{
    config::Config,
    counters::{Counters, Forwarded, Tally},
    error::{Error, Lost},
    filelog,
    forward::{Forward, Parcel, Promise},
    join::{COPIES, joined},
    keep::Keeper,
    memory::Memory,
    plan::{Plan, Source},
    process::{Asked, Client, Failure, without},
    reservation::{Budget, Reservation},
    route::{Lane, Routes},
    scan::{Item, Scan, is_rejected, items, scan},
    store::{Level, Store, TooLarge},
    wire::Fault,
};
use bytes::Bytes;
pub(crate) use refusal::Refusal;
use serde::Serialize;
pub(crate) use shared::Shared;
use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use throughline_sender::{Signal, Until};
use tokio::{sync::watch, task::spawn_blocking};

/// How many times the size of the largest request may be in use for requests on their way in. One alone needs no
/// more: it is there twice while its buffer grows, or as it came and as it is kept, and its index is beside it.
const LARGEST_AT_A_TIME: usize = 4;

/// How long the end waits until what is kept is on disk.
const FOR_DISK: Duration = Duration::from_secs(1);

/// What became of a request that was taken (O-052, O-053).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Taken {
    pub(crate) rejected: u64,
    pub(crate) message: String,
}

/// How much may be kept and held.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Bounds {
    /// Bytes in the store.
    pub(crate) max_bytes: usize,
    /// Traces in the store.
    pub(crate) max_traces: usize,
    /// Bytes of request bodies in memory.
    pub(crate) max_memory: Option<usize>,
    /// The largest request, in bytes.
    pub(crate) max_request_bytes: usize,
}

/// Store, ways out, counters and limits.
pub(crate) struct Intake {
    routes: Routes,
    /// The sources that are files.
    file_logs: Vec<Source>,
    store: Mutex<Store>,
    keeper: Option<Arc<Keeper>>,
    forward: Forward,
    tally: Tally,
    budget: Arc<Budget>,
    memory: Arc<Memory>,
    /// Changes with each request that is taken.
    news: watch::Sender<()>,
    max_memory: Option<usize>,
    /// How long an answer waits for what it promises.
    patience: Duration,
    /// The largest request, before and after decompression.
    pub(crate) max_request_bytes: usize,
    max_bytes: usize,
    max_traces: usize,
}

impl Intake {
    /// Must be called in the runtime where the ways out live, if there are any.
    pub(crate) fn start(config: &Config) -> Result<Self, Error> {
        // Offsets are kept in 32 bits.
        let max_request_bytes = config.max_request_bytes.min(u32::MAX as usize - 1);
        let plan = Plan::of(config)?;
        let memory = Arc::default();
        let forward = Forward::start(config, &plan, &memory)?;
        let mut intake = Intake {
            file_logs: config.file_logs.iter().map(|options| plan.source(&options.name)).collect(),
            routes: Routes::new(plan, &forward)?,
            forward,
            memory,
            news: watch::Sender::default(),
            max_memory: config.max_memory,
            patience: config.request_timeout,
            store: Mutex::new(Store::new(config.max_bytes, config.max_traces)),
            tally: Tally::default(),
            budget: Budget::new(max_request_bytes.saturating_mul(LARGEST_AT_A_TIME)),
            max_request_bytes,
            max_bytes: config.max_bytes,
            max_traces: config.max_traces,
            keeper: None,
        };
        if let Some(options) = &config.keep {
            // What does not fit into the store any more leaves it again.
            let again = |signal, body: &[u8]| drop(intake.keep(signal, body));
            intake.keeper = Some(Arc::new(Keeper::start(options, again)?));
        }
        Ok(intake)
    }

    /// Whether a request of so many bytes would be taken now: asked before it is read, with what is known of its size.
    pub(crate) fn admit(&self, signal: Signal, source: Source, bytes: usize) -> Result<(), Refusal> {
        let held = self.memory.held().saturating_add(bytes);
        if self.max_memory.is_some_and(|limit| held > limit) {
            return Err(Refusal::Busy("the collector's memory is full; come again".to_owned()));
        }
        let mut lanes = self.routes.lanes(signal, source).peekable();
        if lanes.peek().is_none() {
            return Err(unserved(signal));
        }
        self.forward.admit(signal, lanes.map(|lane| (lane.ways.as_slice(), bytes)))
    }

    /// What processors ask of who sends.
    pub(crate) fn asked(&self) -> &Asked {
        self.routes.asked()
    }

    /// Takes one `Export…ServiceRequest`, and says what its answer has to wait for. What it needs besides the body is
    /// added to the reservation.
    pub(crate) fn take(
        &self,
        signal: Signal,
        source: Source,
        body: &[u8],
        client: &Client,
        reservation: &mut Reservation,
    ) -> Result<(Taken, Promise), Refusal> {
        if body.len() > self.max_request_bytes {
            return Err(Refusal::larger_than(self.max_request_bytes));
        }
        let malformed = |fault| Refusal::no_request(signal, &fault);
        let scan = scan(signal, body).map_err(malformed)?;
        if scan.is_split {
            reservation.grow(body.len().saturating_mul(COPIES))?;
            let joined = joined(body).map_err(malformed)?;
            reservation.shrink(body.len().saturating_mul(COPIES - 1));
            return self.take(signal, source, &joined, client, reservation);
        }
        let promise = match scan.taken {
            0 => Promise::default(),
            _ => self.hand_on(signal, source, body, client, &scan, reservation)?,
        };
        self.tally.taken(signal, scan.taken, scan.rejected);
        self.news.send_replace(());
        let mut words = Vec::new();
        if scan.rejected > 0 {
            words.push(format!("{} rejected: {}; {}", signal.items(), scan.rejected, scan.fault));
        }
        let passed_over = promise.passed_over.iter();
        words.extend(passed_over.map(|destination| format!("not sent to {destination}: its queue is full")));
        Ok((Taken { rejected: scan.rejected, message: words.join("; ") }, promise))
    }

    /// Changes what is to be changed, keeps it and sends it on.
    fn hand_on(
        &self,
        signal: Signal,
        source: Source,
        body: &[u8],
        client: &Client,
        scan: &Scan,
        reservation: &mut Reservation,
    ) -> Result<Promise, Refusal> {
        let lanes: Vec<&Lane> = self.routes.lanes(signal, source).collect();
        if lanes.is_empty() {
            return Err(unserved(signal));
        }
        let is_kept = self.max_bytes > 0;
        let is_sent = lanes.iter().any(|lane| !lane.ways.is_empty());
        if is_kept
            && !self.store().could_fit(body.len().saturating_add(scan.surplus), scan.placed)
            && !is_sent
        {
            return Err(self.larger_than_kept(&TooLarge::Bytes));
        }
        if !is_kept && !is_sent {
            return Ok(Promise::default());
        }
        reservation.grow(Store::index_of(scan.placed).saturating_add(body.len()))?;
        // What comes from there once more takes no copy unless it is changed again.
        let copies = lanes.iter().skip(1).filter(|lane| lane.changes(signal)).count();
        reservation.grow(body.len().saturating_mul(copies))?;
        let parcels = self.parcels(signal, body, client, scan, &lanes)?;
        let promise = self.forward.take(signal, scan.taken, &parcels, self.until(source))?;
        if is_kept && let Some(Parcel { body, .. }) = parcels.into_iter().next() {
            let items = items(signal, &body, scan.placed);
            let items = items.map_err(|fault| Refusal::no_request(signal, &fault))?;
            let added = self.add(signal, body, scan, &items);
            // What is on its way does not need to be seen here.
            added.map_err(|fault| self.larger_than_kept(&fault)).or_else(|fault| match is_sent {
                true => Ok(()),
                false => Err(fault),
            })?;
        }
        Ok(promise)
    }

    /// Keeps a request that nobody sent just now, and sends nothing on. Says how many items were taken, and how many were
    /// left out since their ids are invalid.
    pub(crate) fn keep(&self, signal: Signal, body: &[u8]) -> Result<(u64, u64), Refusal> {
        let malformed =
            |fault: Fault| Refusal::Malformed(format!("not a request of {}: {fault}", signal.name()));
        if self.max_bytes == 0 {
            return Err(Refusal::TooLarge("nothing is kept here, only sent on".to_owned()));
        }
        let scan = scan(signal, body).map_err(malformed)?;
        if scan.is_split {
            return self.keep(signal, &joined(body).map_err(malformed)?);
        }
        if scan.taken > 0 {
            let valid = match scan.rejected {
                0 => body.to_vec(),
                _ => without(body, |record| is_rejected(signal, body, record)).map_err(malformed)?,
            };
            let valid = self.memory.hold(valid);
            let items = items(signal, &valid, scan.placed).map_err(malformed)?;
            let added = self.add(signal, valid, &scan, &items);
            added.map_err(|fault| self.larger_than_kept(&fault))?;
        }
        self.tally.taken(signal, scan.taken, scan.rejected);
        self.news.send_replace(());
        Ok((scan.taken, scan.rejected))
    }

    fn add(&self, signal: Signal, body: Bytes, scan: &Scan, items: &[Item]) -> Result<(), TooLarge> {
        let kept = body.clone();
        self.store().add(signal, body, scan.surplus, items)?;
        self.keeper.iter().for_each(|keeper| keeper.keep(signal, &kept));
        Ok(())
    }

    /// What goes on, in exactly as many bytes: without what was rejected, with what each pipeline changes.
    fn parcels<'a>(
        &self,
        signal: Signal,
        body: &[u8],
        client: &Client,
        scan: &Scan,
        lanes: &[&'a Lane],
    ) -> Result<Vec<Parcel<'a>>, Refusal> {
        let malformed = |fault| Refusal::no_request(signal, &fault);
        let valid = match scan.rejected {
            0 => None,
            _ => Some(without(body, |record| is_rejected(signal, body, record)).map_err(malformed)?),
        };
        let whole = valid.as_deref().unwrap_or(body);
        let mut unchanged: Option<Bytes> = None;
        let parcel = |lane: &&'a Lane| {
            let changed = lane.changed(signal, whole, client, self.max_request_bytes);
            let changed = changed.map_err(|failure| match failure {
                Failure::Malformed(fault) => malformed(fault),
                Failure::TooLarge => Refusal::TooLarge(format!(
                    "the processors make the request larger than the limit of {} bytes; send less at a time",
                    self.max_request_bytes
                )),
            })?;
            let body = match changed {
                Some(changed) => self.memory.hold(changed),
                // The buffer may be larger than what was received, or a part of something larger.
                None => unchanged.get_or_insert_with(|| self.memory.hold(whole.to_vec())).clone(),
            };
            Ok(Parcel { body, ways: &lane.ways })
        };
        lanes.iter().map(parcel).collect()
    }

    fn larger_than_kept(&self, fault: &TooLarge) -> Refusal {
        Refusal::TooLarge(match fault {
            TooLarge::Bytes => format!(
                "the request and its index take more than all that is kept, {} bytes; send less at a time",
                self.max_bytes
            ),
            TooLarge::Traces => format!(
                "the request has more traces than are kept, {}; send fewer at a time",
                self.max_traces
            ),
        })
    }

    /// The source of this name.
    pub(crate) fn source(&self, name: &str) -> Source {
        self.routes.source(name)
    }

    /// What is read from a file is read again only if it is neither delivered nor on disk.
    fn until(&self, source: Source) -> Until {
        if self.file_logs.contains(&source) { Until::OnDisk } else { self.forward.until() }
    }

    /// What is counted of files.
    pub(crate) fn files(&self) -> &filelog::Tally {
        &self.tally.files
    }

    /// Counts a refusal, whoever made it.
    pub(crate) fn count(&self, refusal: &Refusal) {
        match refusal {
            Refusal::Busy(_) => self.tally.busy(),
            _ => self.tally.refused(),
        }
    }

    /// Counts a request that is none of OTLP, or in no form that is taken.
    pub(crate) fn count_refused(&self) {
        self.tally.refused();
    }

    /// Whether a body of so many bytes could be taken in now, without setting anything aside.
    pub(crate) fn has_room(&self, bytes: u64) -> bool {
        self.budget.has_room(bytes)
    }

    /// Sets memory aside for bytes that come in; released on drop.
    pub(crate) fn reserve(&self) -> Reservation {
        self.budget.reserve()
    }

    /// Tells when something is taken.
    pub(crate) fn news(&self) -> watch::Receiver<()> {
        self.news.subscribe()
    }

    pub(crate) fn counters(&self) -> Counters {
        self.tally.read(self.level(), self.memory.held())
    }

    pub(crate) fn bounds(&self) -> Bounds {
        let Intake { max_bytes, max_traces, max_memory, max_request_bytes, .. } = *self;
        Bounds { max_bytes, max_traces, max_memory, max_request_bytes }
    }

    /// What became of everything on its way out.
    pub(crate) fn forwarded(&self) -> Vec<Forwarded> {
        self.forward.forwarded()
    }

    /// What was found on disk at the start.
    pub(crate) fn notices(&self) -> Vec<String> {
        self.forward.notices()
    }

    /// Waits until a promise is kept.
    pub(crate) async fn kept(&self, taken: (Taken, Promise)) -> Result<Taken, Refusal> {
        let (taken, promise) = taken;
        promise.kept(self.patience).await.map(|()| taken)
    }

    /// Whether nothing more is taken.
    pub(crate) fn is_stopping(&self) -> bool {
        self.forward.is_stopping()
    }

    /// Takes nothing more, and delivers what waits, within the limit.
    pub(crate) async fn close(&self, limit: Duration) -> Result<(), Lost> {
        let outcome = self.forward.close(limit).await;
        if let Some(keeper) = self.keeper.clone() {
            // It could only have panicked.
            let _ = spawn_blocking(move || keeper.close(FOR_DISK)).await;
        }
        outcome
    }

    /// What is in the store now.
    pub(crate) fn level(&self) -> Level {
        self.store().level()
    }

    /// The store, for as long as it takes to add one request or to read a few items.
    pub(crate) fn store(&self) -> MutexGuard<'_, Store> {
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn unserved(signal: Signal) -> Refusal {
    Refusal::Unserved(format!(
        "no pipeline takes {} from here; send elsewhere, or name one that does",
        signal.name()
    ))
}

#[cfg(test)]
mod tests;
