//! The members of a balance, and what is handed to them.

use super::{
    Balance, MOST_MEMBERS, Members, Seat,
    desk::{Desk, Member},
    name, part,
    table::Table,
};
use crate::{
    Destination, Error, Limits, Receipt, Request, Signal, Stats, Until,
    disk::Store,
    queue::{Flushing, LEAST_FOR_DISK, Line, MOST_FOR_DISK, Shared, Watcher},
    transport::Transport,
};
use std::{
    collections::BTreeSet,
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};
use tokio::{
    sync::{oneshot, watch},
    task::{JoinHandle, spawn_blocking},
    time::Instant,
};

/// The number of what waits for a member to be there.
const WAITING: u64 = 0;

/// The queues of all members, and one for what waits while nobody is there.
#[derive(Debug)]
pub(crate) struct Group {
    pub(super) signal: Signal,
    pub(super) destination: Destination,
    pub(super) limits: Limits,
    pub(super) watcher: OnceLock<Watcher>,
    /// Bytes of all files.
    pub(super) disk_used: Arc<AtomicU64>,
    balance: Balance,
    waiting: Line,
    desk: Mutex<Desk>,
    /// How often something was passed on from one queue to others.
    passed: AtomicU64,
    search: OnceLock<JoinHandle<()>>,
    /// Kept open: what waits is never removed.
    _removed: watch::Sender<bool>,
}

impl Group {
    /// Starts all queues in the Tokio runtime in which it is called.
    pub(crate) fn start(signal: Signal, balance: Balance, limits: Limits) -> Result<Arc<Self>, Error> {
        check(signal, &balance)?;
        let destination = Destination::Balanced(balance.clone());
        let disk_used = Arc::new(AtomicU64::new(0));
        let kept = limits.disk.as_ref();
        let kept = kept.map(|disk| Store::of_group(disk, signal, &destination, &disk_used)).transpose()?;
        let (removed, is_removed) = watch::channel(false);
        let (begin, begun) = oneshot::channel::<()>();
        let group = Arc::new_cyclic(|group| {
            let seat = Seat::new(group.clone(), WAITING, is_removed);
            let waiting =
                Line::start(signal, destination.clone(), limits.clone(), kept, |shared| async move {
                    if begun.await.is_ok() {
                        shared.pass_on(&seat).await;
                    }
                });
            Group {
                signal,
                destination: destination.clone(),
                limits,
                watcher: OnceLock::new(),
                disk_used,
                balance: balance.clone(),
                waiting,
                desk: Mutex::new(Desk::new(Stats::new(signal, &destination))),
                passed: AtomicU64::new(0),
                search: OnceLock::new(),
                _removed: removed,
            }
        });
        // Before, there is no group to pass anything on to.
        let _ = begin.send(());
        match balance.members {
            Members::Listed(members) => Desk::update(&group, members)?,
            Members::Found(discovery) => {
                let search = tokio::spawn(discovery.watch(Arc::downgrade(&group)));
                // It is empty until now.
                let _ = group.search.set(search);
            }
        }
        Ok(group)
    }

    pub(super) fn balance(&self) -> &Balance {
        &self.balance
    }

    pub(super) fn desk(&self) -> MutexGuard<'_, Desk> {
        self.desk.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many take part, for whom that matters: a member can always hand over to what waits.
    pub(super) fn changes(&self, number: u64) -> Option<watch::Receiver<usize>> {
        (number == WAITING).then(|| self.desk().present.subscribe())
    }

    pub(crate) fn notices(&self) -> &[String] {
        self.waiting.notices()
    }

    pub(crate) fn watch(&self, watcher: Watcher) {
        // An error means that there is one already.
        let _ = self.watcher.set(watcher.clone());
        self.lines().iter().for_each(|line| line.watch(watcher.clone()));
    }

    pub(super) fn complain(&self, fault: String) {
        self.waiting.complain(fault);
    }

    pub(crate) fn send(&self, request: Request) {
        let items = request.items;
        if let Err(Error(fault)) = self.submit(request, Until::Queued) {
            self.waiting.shared.refuse(items, &fault);
        }
    }

    pub(crate) fn submit(&self, request: Request, until: Until) -> Result<Receipt, Error> {
        if request.items == 0 {
            return Ok(Receipt::of_parts([]));
        }
        let table = self.desk().table();
        let mut parts = self.parts(&table, &request);
        let desk = self.desk();
        if !Arc::ptr_eq(&table, &desk.table()) {
            parts = self.parts(&desk.table(), &request);
        }
        let table = desk.table();
        // In all queues or in none. What the parts repeat is not asked for: what was let in must not be turned away here.
        self.has_room_for(&desk, request.body.len())?;
        let receipts = parts.into_iter().map(|(place, part)| {
            let shared = table.member(place).unwrap_or(&self.waiting.shared);
            shared.take(part, until)
        });
        Ok(Receipt::of_parts(Vec::from_iter(receipts)))
    }

    fn parts(&self, table: &Table<Arc<Shared>>, request: &Request) -> Vec<(usize, Request)> {
        match table.length() {
            0 | 1 => vec![(0, request.clone())],
            _ => {
                let (key, way) = (self.balance.key, |key| table.place(key));
                part::parts(self.signal, key, request, &way, &self.limits.hold)
            }
        }
    }

    /// Hands a request of one queue to those who get it now: in one step, so that it is counted once.
    pub(super) fn pass(&self, from: &Arc<Shared>, number: u64, request: &Request) {
        let desk = self.desk();
        let table = desk.table();
        let parts = self.parts(&table, request);
        let to = |place| table.member(place).unwrap_or(&self.waiting.shared);
        if desk.is_closed || parts.iter().any(|(place, _)| Arc::ptr_eq(to(*place), from)) {
            return;
        }
        let Some(released) = from.release(number) else { return };
        let receipts = parts.into_iter().map(|(place, part)| to(place).receive(part, &released));
        let receipt = Receipt::of_parts(Vec::from_iter(receipts));
        self.passed.fetch_add(1, Relaxed);
        drop(desk);
        from.clone().settle_passed(released, receipt);
    }

    pub(crate) fn has_room(&self, bytes: usize) -> Result<(), Error> {
        self.has_room_for(&self.desk(), bytes)
    }

    fn has_room_for(&self, desk: &Desk, bytes: usize) -> Result<(), Error> {
        if desk.is_closed {
            return Err(Error("the sender is closed".to_owned()));
        }
        self.limits.room_beside(self.held(desk), bytes).map_err(Error)
    }

    fn held(&self, desk: &Desk) -> usize {
        let members = desk.members.iter().map(|member| member.line.shared.bytes());
        members.sum::<usize>() + self.waiting.shared.bytes()
    }

    /// Whether what comes from disk has room in memory. Half of that is for what is new.
    pub(super) fn is_roomy(&self) -> bool {
        self.held(&self.desk()) <= self.limits.queue_bytes / 2
    }

    /// Those of the members, and that of what waits.
    fn lines(&self) -> Vec<Arc<Line>> {
        self.desk().members.iter().map(|member| member.line.clone()).collect()
    }

    /// Waits until all that is queued now has left all queues, whichever it goes through.
    pub(crate) async fn all_settled(&self, limit: Duration) -> bool {
        let deadline = Instant::now() + limit;
        loop {
            let (passed, lines) = (self.passed.load(Relaxed), self.lines());
            let all = || lines.iter().map(|line| &line.shared).chain([&self.waiting.shared]);
            let _flushing: Vec<_> = all().map(|shared| Flushing::begin(shared)).collect();
            for (shared, target) in Vec::from_iter(all().map(|shared| (shared, shared.accepted()))) {
                if !shared.settled_to(target, deadline.saturating_duration_since(Instant::now())).await {
                    return false;
                }
            }
            if self.passed.load(Relaxed) == passed {
                return true;
            }
        }
    }

    pub(crate) async fn close(&self, limit: Duration) {
        let for_disk = match &self.limits.disk {
            Some(_) => (limit / 4).min(MOST_FOR_DISK),
            None => Duration::ZERO,
        };
        let deadline = Instant::now() + limit.max(LEAST_FOR_DISK);
        self.all_settled(limit - for_disk).await;
        let lines = self.stop();
        // First all is written, then noted where it came from: what two have would be sent twice.
        for shared in lines.iter().map(|line| line.shared.clone()).chain([self.waiting.shared.clone()]) {
            let _ = tokio::time::timeout_at(deadline, spawn_blocking(move || shared.spill())).await;
        }
        tokio::task::yield_now().await;
        for line in &lines {
            line.leave(deadline).await;
        }
        self.waiting.leave(deadline).await;
    }

    pub(crate) fn abandon(&self) {
        self.stop().iter().for_each(|line| line.abandon());
        self.waiting.abandon();
    }

    fn stop(&self) -> Vec<Arc<Line>> {
        self.search.get().into_iter().for_each(JoinHandle::abort);
        self.desk().is_closed = true;
        let lines = self.lines();
        lines.iter().map(|line| &**line).chain([&self.waiting]).for_each(Line::stop);
        lines
    }

    /// Ends the queues of those that were removed and have nothing left.
    pub(super) async fn part_with_those_that_left(&self) {
        let over = self.desk().take_empty();
        for line in over {
            line.stop();
            line.leave(Instant::now() + LEAST_FOR_DISK).await;
        }
    }

    pub(crate) fn stats(&self) -> Stats {
        let desk = self.desk();
        let mut total = desk.gone.clone();
        // The fault that is told is that of who is away, if somebody is.
        let mut members = Vec::from_iter(desk.members.iter().map(Member::stats));
        members.sort_by_key(|member| !member.left_out);
        members.iter().chain([&self.waiting.stats()]).for_each(|stats| total.add(stats));
        total
    }

    pub(crate) fn members(&self) -> Vec<Stats> {
        let desk = self.desk();
        desk.members.iter().map(Member::stats).chain([self.waiting.stats()]).collect()
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.search.get().into_iter().for_each(JoinHandle::abort);
    }
}

/// Whether there may be a group of these.
fn check(signal: Signal, balance: &Balance) -> Result<(), Error> {
    let members = balance.remotes();
    // Those that are found later have it all in common.
    members
        .first()
        .map_or(Ok(()), |remote| Transport::new(signal, &Destination::Remote(remote.clone())).map(drop))?;
    let mut names = BTreeSet::new();
    match members.iter().map(name).find(|name| !names.insert(name.clone())) {
        _ if members.is_empty() => Err(Error("a balance has no members; name at least one".to_owned())),
        _ if members.len() > MOST_MEMBERS => Err(Error("a balance has too many members".to_owned())),
        Some(twice) => Err(Error(format!("{twice} is a member of a balance twice; name it once"))),
        None => Ok(()),
    }
}
