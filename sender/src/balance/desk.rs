//! Who the members are now, and who takes part.

use super::{Group, MOST_MEMBERS, Seat, name, table::Table};
use crate::{
    Destination, Error, Remote, Stats,
    disk::Store,
    queue::{Line, Shared},
    transport::Transport,
};
use std::{collections::BTreeSet, sync::Arc};
use tokio::sync::watch;

/// One of them.
#[derive(Debug)]
pub(super) struct Member {
    number: u64,
    name: String,
    pub(super) line: Arc<Line>,
    is_away: bool,
    removed: watch::Sender<bool>,
}

impl Member {
    pub(super) fn stats(&self) -> Stats {
        Stats { left_out: self.is_away || *self.removed.borrow(), ..self.line.stats() }
    }
}

/// What is locked while something is handed out, so that counts are exact at any moment.
#[derive(Debug)]
pub(crate) struct Desk {
    /// In the order in which they came.
    pub(super) members: Vec<Member>,
    /// What became of everything at those that are gone.
    pub(super) gone: Stats,
    pub(super) is_closed: bool,
    table: Arc<Table<Arc<Shared>>>,
    /// How many take part.
    pub(super) present: watch::Sender<usize>,
    numbers: u64,
}

impl Desk {
    pub(super) fn new(gone: Stats) -> Self {
        let table = Arc::new(Table::new([]));
        Desk {
            members: Vec::new(),
            gone,
            is_closed: false,
            table,
            present: watch::Sender::new(0),
            numbers: 0,
        }
    }

    /// Those who take part.
    pub(super) fn table(&self) -> Arc<Table<Arc<Shared>>> {
        self.table.clone()
    }

    /// Leaves a member out, or lets it take part again.
    pub(crate) fn set_away(&mut self, number: u64, is_away: bool) {
        let member = self.members.iter_mut().find(|member| member.number == number);
        member.into_iter().for_each(|member| member.is_away = is_away);
        self.renew();
    }

    fn renew(&mut self) {
        let present = self.members.iter().filter(|member| !member.is_away && !*member.removed.borrow());
        self.table =
            Arc::new(Table::new(present.map(|member| (member.name.clone(), member.line.shared.clone()))));
        self.present.send_replace(self.table.length());
    }

    /// Makes these the members: adds those that are new, and removes those that are none of them. What waits for one that
    /// is removed goes to the others.
    pub(super) fn update(group: &Arc<Group>, found: Vec<Remote>) -> Result<(), Error> {
        let mut desk = group.desk();
        let names: BTreeSet<String> = found.iter().map(name).collect();
        let mut made = Ok(());
        for remote in found.into_iter().take(MOST_MEMBERS) {
            let known = |member: &Member| member.name == name(&remote) && !*member.removed.borrow();
            if !desk.is_closed && !desk.members.iter().any(known) {
                match desk.member(group, remote) {
                    Ok(member) => desk.members.push(member),
                    Err(fault) => made = Err(fault),
                }
            }
        }
        for member in desk.members.iter().filter(|member| !names.contains(&member.name)) {
            member.removed.send_replace(true);
        }
        desk.renew();
        made
    }

    fn member(&mut self, group: &Arc<Group>, remote: Remote) -> Result<Member, Error> {
        self.numbers += 1;
        let (number, name) = (self.numbers, name(&remote));
        let destination = Destination::Remote(remote);
        let transport = Transport::new(group.signal, &destination)?;
        let limits = &group.limits;
        let beside = |disk| Store::beside(disk, group.signal, &group.destination, &group.disk_used);
        let kept = limits.disk.as_ref().map(beside).transpose()?;
        let (removed, is_removed) = watch::channel(false);
        let seat = Seat::new(Arc::downgrade(group), number, is_removed);
        let line = Line::start(group.signal, destination, limits.clone(), kept, |shared| {
            shared.work(transport, Some(seat))
        });
        group.watcher.get().into_iter().for_each(|watcher| line.watch(watcher.clone()));
        Ok(Member { number, name, line: Arc::new(line), is_away: false, removed })
    }

    /// Takes out those that were removed and have nothing left.
    pub(super) fn take_empty(&mut self) -> Vec<Arc<Line>> {
        let is_over = |member: &mut Member| *member.removed.borrow() && member.line.shared.is_empty();
        let over: Vec<Member> = self.members.extract_if(.., is_over).collect();
        for member in &over {
            // What failed there is over.
            self.gone.add(&Stats { last_failure: None, ..member.line.stats() });
        }
        over.into_iter().map(|member| member.line).collect()
    }
}
