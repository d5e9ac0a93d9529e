//! From calls to figures.

use super::{
    Between, Call, Edge, Figures, Map, Node, Role, Route,
    calls::{Calls, Party, Sample},
};
use crate::trace::hex;
use std::{cmp::Reverse, collections::HashMap};

/// How much is listed at most.
const NODES: usize = 200;
const EDGES: usize = 1000;
const ROUTES: usize = 1000;

/// The map of all calls.
pub(crate) fn draw(calls: &Calls) -> Map {
    let seconds = calls.seconds();
    let (parties, is_cut) = calls.parties();
    let places: HashMap<Party, usize> = parties.iter().enumerate().map(|(at, party)| (*party, at)).collect();
    let between = calls.between.iter().filter_map(|((from, to), samples)| {
        Some(Edge { from: *places.get(from)?, to: *places.get(to)?, figures: figures(samples, seconds) })
    });
    let mut edges: Vec<Edge> = between.collect();
    edges.sort_by_key(|edge| (Reverse(edge.figures.calls), edge.from, edge.to));
    let route = |((service, route), samples): (&(_, _), &Vec<Sample>)| Route {
        service: calls.names.text(*service).to_owned(),
        route: calls.names.text(*route).to_owned(),
        figures: figures(samples, seconds),
    };
    let mut routes: Vec<Route> = calls.routes.iter().map(route).collect();
    routes.sort_by_key(|route| (Reverse(route.figures.calls), route.service.clone(), route.route.clone()));
    let is_cut = is_cut || calls.is_cut || edges.len() > EDGES || routes.len() > ROUTES;
    edges.truncate(EDGES);
    routes.truncate(ROUTES);
    routes.sort_by(|one, other| one.service.cmp(&other.service));
    Map {
        from: calls.from,
        to: calls.to,
        spans: calls.spans,
        is_cut,
        nodes: parties.into_iter().map(|party| calls.node(party, seconds)).collect(),
        edges,
        routes,
    }
}

impl Calls {
    /// The newest of those that are asked for, and of the others the slowest: at most so many of both.
    pub(crate) fn between(&self, wanted: &Between, most: usize) -> (Vec<Call>, Vec<Call>) {
        let mut samples = match wanted {
            Between::Nodes(from, to) => {
                let is = |party: &Party, id: &str| self.id(*party) == id;
                let mut all = self.between.iter().filter(|((a, b), _)| is(a, from) && is(b, to));
                all.next().map(|(_, samples)| samples.clone()).unwrap_or_default()
            }
            Between::Route(service, route) => {
                let is = |(a, b): &(u32, u32)| self.names.text(*a) == service && self.names.text(*b) == route;
                let mut all = self.routes.iter().filter(|(names, _)| is(names));
                all.next().map(|(_, samples)| samples.clone()).unwrap_or_default()
            }
        };
        samples.sort_by_key(|sample| (Reverse(sample.start), sample.span));
        let newest = samples.iter().take(most).map(call).collect();
        samples.sort_by_key(|sample| (Reverse(sample.duration), sample.span));
        (newest, samples.iter().take(most).map(call).collect())
    }

    /// Those who have most to do, in the order of their names.
    fn parties(&self) -> (Vec<Party>, bool) {
        let mut load: HashMap<Party, usize> = self.parties.iter().map(|party| (*party, 0)).collect();
        for ((from, to), samples) in &self.between {
            for party in [from, to] {
                *load.entry(*party).or_default() += samples.len();
            }
        }
        let name = |party: &Party| (self.names.text(party.1), party.0);
        let mut parties: Vec<(Party, usize)> = load.into_iter().collect();
        parties.sort_by(|(one, a), (other, b)| b.cmp(a).then_with(|| name(one).cmp(&name(other))));
        let is_cut = parties.len() > NODES;
        let mut parties: Vec<Party> = parties.into_iter().take(NODES).map(|(party, _)| party).collect();
        parties.sort_by(|one, other| name(one).cmp(&name(other)));
        (parties, is_cut)
    }

    fn node(&self, party: Party, seconds: f64) -> Node {
        let (role, name) = party;
        let system = self.systems.get(&party).map(|system| self.names.text(*system).to_owned());
        let name_of = self.names.text(name).to_owned();
        let figures = match role {
            Role::Service => figures(self.answered.get(&name).map_or(&[][..], Vec::as_slice), seconds),
            _ => {
                let to_it = self.between.iter().filter(|((_, to), _)| *to == party);
                let samples: Vec<Sample> = to_it.flat_map(|(_, samples)| samples).copied().collect();
                figures(&samples, seconds)
            }
        };
        Node { id: self.id(party), name: name_of, role, system, figures }
    }

    fn id(&self, (role, name): Party) -> String {
        let name = self.names.text(name);
        match role {
            Role::Service if name.is_empty() => "unnamed".to_owned(),
            Role::Service => name.to_owned(),
            Role::Database => format!("database:{name}"),
            Role::Queue => format!("queue:{name}"),
            Role::Peer => format!("peer:{name}"),
            Role::Outside => format!("outside:{name}"),
        }
    }

    fn seconds(&self) -> f64 {
        (self.to.saturating_sub(self.from) as f64 / 1e9).max(1.0)
    }
}

fn figures(samples: &[Sample], seconds: f64) -> Figures {
    let mut durations: Vec<u64> = samples.iter().map(|sample| sample.duration).collect();
    durations.sort_unstable();
    // The lowest duration that so many of a hundred calls do not exceed.
    let quantile = |share: usize| {
        let rank = (durations.len() * share).div_ceil(100).max(1);
        durations.get(rank - 1).copied().unwrap_or(0)
    };
    Figures {
        calls: samples.len() as u64,
        rate: samples.len() as f64 / seconds,
        errors: samples.iter().filter(|sample| sample.failed).count() as u64,
        p50: quantile(50),
        p90: quantile(90),
        p99: quantile(99),
    }
}

fn call(sample: &Sample) -> Call {
    Call {
        trace_id: hex(&sample.trace),
        span_id: hex(&sample.span),
        start: sample.start,
        duration: sample.duration,
        failed: sample.failed,
    }
}
