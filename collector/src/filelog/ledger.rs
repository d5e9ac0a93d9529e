//! What was read and is not delivered yet: where in which files.

use std::{
    collections::{BTreeMap, HashMap},
    ops::Range,
};

/// A file, for as long as this process knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Id(pub(super) u64);

/// A request of entries, for as long as it is on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Ticket(pub(super) u64);

/// From where to where in which file.
type Place = (Id, Range<u64>);

/// Entries that are on their way. What became of one that is not here is settled.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    /// In the request that is being made.
    collected: Vec<Place>,
    /// Out of the operators, with its mark.
    passing: Option<(u64, Place)>,
    /// Waiting in an operator, by their marks.
    waiting: BTreeMap<u64, Place>,
    sent: HashMap<Ticket, Vec<Place>>,
}

impl Ledger {
    /// An entry comes out of the operators at once.
    pub(super) fn pass(&mut self, mark: u64, id: Id, range: Range<u64>) {
        self.passing = Some((mark, (id, range)));
    }

    /// An entry waits for others.
    pub(super) fn wait(&mut self, mark: u64, id: Id, range: Range<u64>) {
        self.waiting.insert(mark, (id, range));
    }

    /// An entry is in the request that is being made.
    pub(super) fn collect(&mut self, mark: u64) {
        let place = match self.passing.take_if(|(passing, _)| *passing == mark) {
            Some((_, place)) => Some(place),
            None => self.waiting.remove(&mark),
        };
        if let Some(place) = place {
            self.add(place);
        }
    }

    /// Whether something waits.
    pub(super) fn is_waiting(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// The request is made. Of the entries that waited, those before the oldest that still waits are in it: as parts of
    /// others.
    pub(super) fn send(&mut self, ticket: Ticket, oldest: Option<u64>) {
        let still = oldest.map_or_else(BTreeMap::new, |oldest| self.waiting.split_off(&oldest));
        for (_, place) in std::mem::replace(&mut self.waiting, still) {
            self.add(place);
        }
        self.sent.insert(ticket, std::mem::take(&mut self.collected));
    }

    fn add(&mut self, (id, range): Place) {
        match self.collected.last_mut() {
            Some((last, held)) if *last == id && held.end == range.start => held.end = range.end,
            _ => self.collected.push((id, range)),
        }
    }

    /// A request is delivered, or never will be.
    pub(super) fn settle(&mut self, ticket: Ticket) {
        self.sent.remove(&ticket);
    }

    /// What is not settled, by file; in their order, without overlap.
    pub(super) fn open(&self) -> HashMap<Id, Vec<Range<u64>>> {
        let mut open: HashMap<Id, Vec<Range<u64>>> = HashMap::new();
        let sent = self.sent.values().flatten();
        for (id, range) in sent.chain(&self.collected).chain(self.waiting.values()) {
            open.entry(*id).or_default().push(range.clone());
        }
        open.values_mut().for_each(merge);
        open
    }
}

/// Sorts ranges and joins those that meet.
pub(super) fn merge(ranges: &mut Vec<Range<u64>>) {
    ranges.sort_by_key(|range| range.start);
    ranges.dedup_by(|next, held| {
        let meets = next.start <= held.end;
        if meets {
            held.end = held.end.max(next.end);
        }
        meets
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: Id = Id(1);

    fn collect(ledger: &mut Ledger, range: Range<u64>) {
        ledger.pass(1000, FILE, range);
        ledger.collect(1000);
    }

    fn open(ledger: &Ledger) -> Vec<Range<u64>> {
        ledger.open().remove(&FILE).unwrap_or_default()
    }

    #[test]
    fn what_is_not_settled_is_open_in_whichever_order_it_settles() {
        let mut ledger = Ledger::default();
        collect(&mut ledger, 0..10);
        collect(&mut ledger, 10..20);
        ledger.send(Ticket(1), None);
        collect(&mut ledger, 20..30);
        ledger.send(Ticket(2), None);
        collect(&mut ledger, 30..40);
        assert_eq!(open(&ledger), vec![0..40]);
        ledger.settle(Ticket(2));
        assert_eq!(open(&ledger), [0..20, 30..40]);
        ledger.settle(Ticket(1));
        assert_eq!(open(&ledger), vec![30..40]);
    }

    #[test]
    fn what_waits_for_others_is_open_until_it_left_with_them() {
        let mut ledger = Ledger::default();
        ledger.wait(1, FILE, 0..10); // the first part of one
        collect(&mut ledger, 10..20);
        ledger.wait(3, FILE, 20..30); // the last part, which leaves with the first
        ledger.collect(1);
        ledger.wait(4, FILE, 30..40);
        ledger.send(Ticket(1), Some(4));
        assert_eq!(open(&ledger), vec![0..40]);
        ledger.settle(Ticket(1));
        assert_eq!(open(&ledger), vec![30..40]);
        assert!(ledger.is_waiting());
        ledger.send(Ticket(2), None);
        ledger.settle(Ticket(2));
        assert!(ledger.open().is_empty() && !ledger.is_waiting());
    }
}
