//! From spans to calls: who called whom, and which span stands for it.

use super::{
    Role,
    gather::{Gathered, Name, Names, Peer, Seen, SpanId},
};
use crate::{scan::TraceId, trace::Kind};
use std::collections::{HashMap, HashSet};

/// Who calls or is called.
pub(super) type Party = (Role, Name);

/// The calls of a window.
#[derive(Default)]
pub(crate) struct Calls {
    pub(super) names: Names,
    pub(super) parties: HashSet<Party>,
    pub(super) systems: HashMap<Party, Name>,
    pub(super) between: HashMap<(Party, Party), Vec<Sample>>,
    /// What each service answered, however it was called.
    pub(super) answered: HashMap<Name, Vec<Sample>>,
    pub(super) routes: HashMap<(Name, Name), Vec<Sample>>,
    pub(super) from: u64,
    pub(super) to: u64,
    pub(super) spans: usize,
    pub(super) is_cut: bool,
}

/// One call.
#[derive(Clone, Copy)]
pub(super) struct Sample {
    pub(super) trace: TraceId,
    pub(super) span: SpanId,
    pub(super) start: u64,
    pub(super) duration: u64,
    pub(super) failed: bool,
}

type Id = (TraceId, SpanId);

impl Calls {
    /// The calls of the last so many nanoseconds before the latest end of a span, or of all spans.
    pub(crate) fn of(gathered: Gathered, last: Option<u64>) -> Calls {
        let Gathered { spans, names, is_cut } = gathered;
        let to = spans.values().map(|span| span.end).max().unwrap_or(0);
        let since = last.map_or(0, |last| to.saturating_sub(last));
        let is_within = |span: &Seen| span.end >= since;
        let links = Links::of(&spans);
        let mut calls = Calls { names, is_cut, to, ..Calls::default() };
        calls.spans = spans.values().filter(|span| is_within(span)).count();
        let starts = spans.values().filter(|span| is_within(span) && span.start > 0).map(|span| span.start);
        calls.from = starts.min().unwrap_or(to).max(since);
        for (id, span) in spans.iter().filter(|(_, span)| is_within(span)) {
            calls.add(*id, span, &spans, &links);
        }
        calls
    }

    fn add(&mut self, id: Id, span: &Seen, spans: &HashMap<Id, Seen>, links: &Links) {
        let service = (Role::Service, span.service);
        self.parties.insert(service);
        let parent = span.parent.and_then(|parent| Some((parent, spans.get(&(id.0, parent))?)));
        match span.kind {
            Kind::Server | Kind::Consumer => {
                // A server inside of a server of the same service answers a part of the same request.
                let is_inner = parent.is_some_and(|(_, parent)| {
                    parent.service == span.service && !matches!(parent.kind, Kind::Client | Kind::Producer)
                });
                let sample = sample(id, span);
                self.routes.entry((span.service, span.route)).or_default().push(sample);
                if !is_inner {
                    self.answered.entry(span.service).or_default().push(sample);
                    self.answer(id, span, parent, links);
                }
            }
            Kind::Client | Kind::Producer
                if !links.answered.contains_key(&id) && !links.outer.contains(&id) =>
            {
                let Some(peer) = span.peer else { return };
                let party =
                    links.known(peer).map_or((peer.role, peer.name), |service| (Role::Service, service));
                if let Some(system) = peer.system.filter(|_| party.0 != Role::Service) {
                    self.systems.insert(party, system);
                }
                self.call(service, party, sample(id, span));
            }
            _ => {}
        }
    }

    /// Who called for what was answered here.
    fn answer(&mut self, id: Id, span: &Seen, parent: Option<(SpanId, &Seen)>, links: &Links) {
        let service = (Role::Service, span.service);
        // Between who sends a message and who takes it is where it was.
        let queue = span.peer.or_else(|| parent.and_then(|(_, parent)| parent.peer));
        if let Some(queue) = queue.filter(|peer| peer.role == Role::Queue) {
            let place = (Role::Queue, queue.name);
            if let Some(system) = queue.system {
                self.systems.insert(place, system);
            }
            self.call(place, service, sample(id, span));
            if let Some((parent_id, parent)) = parent
                && links.answered.get(&(id.0, parent_id)) == Some(&id.1)
            {
                self.call((Role::Service, parent.service), place, sample((id.0, parent_id), parent));
            }
            return;
        }
        match parent {
            // One call may be answered twice, after a retry below the span: it is one call.
            Some((parent_id, parent)) if matches!(parent.kind, Kind::Client | Kind::Producer) => {
                if links.answered.get(&(id.0, parent_id)) == Some(&id.1) {
                    self.call((Role::Service, parent.service), service, sample((id.0, parent_id), parent));
                }
            }
            Some((_, parent)) => self.call((Role::Service, parent.service), service, sample(id, span)),
            None => {
                let outside = (Role::Outside, self.names.number("outside"));
                self.call(outside, service, sample(id, span));
            }
        }
    }

    fn call(&mut self, from: Party, to: Party, sample: Sample) {
        self.parties.insert(from);
        self.parties.insert(to);
        self.between.entry((from, to)).or_default().push(sample);
    }
}

/// What spans say of each other.
#[derive(Default)]
struct Links {
    /// CLIENT and PRODUCER spans with the span that answered first.
    answered: HashMap<Id, SpanId>,
    /// CLIENT spans with another one inside.
    outer: HashSet<Id>,
    /// Which service answers at a place.
    services: HashMap<(Role, Name), Name>,
}

impl Links {
    fn of(spans: &HashMap<Id, Seen>) -> Links {
        let mut links = Links::default();
        let mut first: HashMap<Id, (u64, SpanId)> = HashMap::new();
        for (id, span) in spans {
            let Some(parent_id) = span.parent.map(|parent| (id.0, parent)) else { continue };
            let Some(parent) = spans.get(&parent_id) else { continue };
            if !matches!(parent.kind, Kind::Client | Kind::Producer) {
                continue;
            }
            match span.kind {
                Kind::Server | Kind::Consumer => {
                    let this = (span.start, id.1);
                    first.entry(parent_id).and_modify(|other| *other = this.min(*other)).or_insert(this);
                    if let Some(peer) = parent.peer.filter(|peer| peer.role == Role::Peer) {
                        // Whichever comes first in this order: the map is the same each time.
                        let service = links.services.entry((peer.role, peer.name)).or_insert(span.service);
                        *service = span.service.min(*service);
                    }
                }
                Kind::Client | Kind::Producer if span.service == parent.service => {
                    links.outer.insert(parent_id);
                }
                _ => {}
            }
        }
        links.answered = first.into_iter().map(|(id, (_, span))| (id, span)).collect();
        // A peer that has the name of a service is that service.
        for span in spans.values() {
            links.services.insert((Role::Peer, span.service), span.service);
        }
        links
    }

    fn known(&self, peer: Peer) -> Option<Name> {
        self.services.get(&(peer.role, peer.name)).copied()
    }
}

fn sample((trace, span): Id, seen: &Seen) -> Sample {
    Sample { trace, span, start: seen.start, duration: seen.end - seen.start, failed: seen.failed }
}
