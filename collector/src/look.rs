//! Where all looks at what is kept begin.
//!
//! A look takes what it needs in steps and decodes it beside the store: whoever brings a request waits for one step,
//! never for a page. What a look holds meanwhile stays in memory, even if it leaves the store.

use crate::{
    intake::Intake,
    map::{self, Between, Call, Map},
    metric::{self, Chart, Instrument, Series},
    scan::TraceId,
    store::{Found, Store, Stored, Turn},
    trace::{self, Backlink, LogRecord, Resources, Summary, Trace},
};
use bytes::Bytes;
use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet, HashSet, VecDeque},
};
use throughline_sender::Signal;

/// How many items are read while the store is locked: some microseconds' worth.
const STEP: usize = 1024;

/// How many log records are searched: some tenths of a second's worth.
const RECORDS: usize = 100_000;

/// How many of the newest requests and resources are asked for services: some milliseconds' worth.
const SERVICES: usize = 20_000;

/// How many of the newest spans are asked for routes: some milliseconds' worth.
const ROUTES: usize = 10_000;

/// How many spans that point to one are looked for.
const BACKLINKS: usize = 20;

/// The newest traces that pass, at most as many as the limit, by start. Whoever needs more than its line finds out by
/// its id and what is kept of it.
pub(crate) fn traces(
    intake: &Intake,
    limit: usize,
    pass: impl Fn(&Summary, &TraceId, &Found) -> bool,
) -> Vec<Summary> {
    let mut resources = Resources::default();
    // What came last need not have begun last: all are asked for their start, which costs little.
    let start = |id: TraceId| (trace::start(&all(intake, &id, Signal::Traces)), id);
    let mut starts: Vec<(u64, TraceId)> = newest(intake).into_iter().map(start).collect();
    starts.sort_by_key(|(start, _)| Reverse(*start));
    let lines = starts.into_iter().filter_map(|(_, id)| {
        let found = found(intake, &id);
        trace::summary(&id, &found, &mut resources).filter(|summary| pass(summary, &id, &found))
    });
    let mut summaries: Vec<Summary> = lines.take(limit).collect();
    // Of one of them more may have come meanwhile.
    summaries.sort_by_key(|summary| Reverse(summary.start));
    summaries
}

/// The trace; `None` when nothing of it is kept.
pub(crate) fn trace(intake: &Intake, id: &TraceId) -> Option<Trace> {
    let found = found(intake, id);
    (!found.spans.is_empty() || !found.logs.is_empty()).then(|| trace::trace(id, &found))
}

/// The spans that have a link to a span, by the ids of both as hexadecimal digits.
pub(crate) fn backlinks(intake: &Intake, trace_id: &str, span_id: &str) -> Vec<Backlink> {
    let (Some(trace), Ok(span)) = (trace::parse(trace_id), u64::from_str_radix(span_id, 16)) else {
        return Vec::new();
    };
    trace::backlinks(Bodies::of(intake, Signal::Traces), (&trace, &span.to_be_bytes()), BACKLINKS)
}

/// How many spans and log records there are of a trace.
pub(crate) fn size(intake: &Intake, id: &TraceId) -> usize {
    intake.store().size(id)
}

/// The names of the services that sent something of a signal, as far as the newest requests tell.
pub(crate) fn services(intake: &Intake, signal: Signal) -> BTreeSet<String> {
    let bodies: Vec<Bytes> = Bodies::of(intake, signal).take(SERVICES).map(|(_, body)| body).collect();
    trace::services(&bodies, SERVICES)
}

/// The routes that a service answers, or all do, as far as the newest spans tell.
pub(crate) fn routes(intake: &Intake, service: Option<&str>) -> BTreeSet<String> {
    map::routes(Bodies::of(intake, Signal::Traces), service, ROUTES)
}

/// The newest log records, at most as many as the limit, newest first.
pub(crate) fn logs(intake: &Intake, limit: usize) -> Vec<LogRecord> {
    records(intake, limit, |_| true).0
}

/// The newest log records that pass, at most as many as the limit, newest first; and whether all that are kept were looked
/// at.
pub(crate) fn records(
    intake: &Intake,
    limit: usize,
    pass: impl Fn(&LogRecord) -> bool,
) -> (Vec<LogRecord>, bool) {
    trace::matching(Bodies::of(intake, Signal::Logs).map(|(_, body)| body), limit, RECORDS, pass)
}

/// The instruments that pass by the names of their services, at most as many as the limit.
pub(crate) fn instruments(intake: &Intake, service: Option<&str>, limit: usize) -> Vec<Instrument> {
    metric::instruments(Bodies::of(intake, Signal::Metrics), service, limit)
}

/// The series that are asked for.
pub(crate) fn series(intake: &Intake, query: &metric::Query) -> Vec<Series> {
    metric::series(Bodies::of(intake, Signal::Metrics), query, |traces| kept(intake, traces))
}

/// The chart of the series that are asked for, by an attribute or all together.
pub(crate) fn chart(intake: &Intake, query: &metric::Query, by: Option<&str>) -> Chart {
    metric::chart(&series(intake, query), by)
}

/// Who calls whom, out of the last so many nanoseconds before the latest span ended, or out of all that is kept.
pub(crate) fn map(intake: &Intake, last: Option<u64>) -> Map {
    map::draw(&map::Calls::of(map::gather(Bodies::of(intake, Signal::Traces)), last))
}

/// The map, and of the calls that are asked for the newest and the slowest, at most so many of both.
pub(crate) fn calls(
    intake: &Intake,
    last: Option<u64>,
    wanted: &Between,
    most: usize,
) -> (Map, Vec<Call>, Vec<Call>) {
    let calls = map::Calls::of(map::gather(Bodies::of(intake, Signal::Traces)), last);
    let (newest, slowest) = calls.between(wanted, most);
    (map::draw(&calls), newest, slowest)
}

/// The newest point of each series, not of an earlier time than the bound; `None`: it would be too large.
pub(crate) fn latest(intake: &Intake, from: u64) -> Option<metric::Latest> {
    metric::latest(Bodies::of(intake, Signal::Metrics), from)
}

/// The requests with something of the traces, in the order in which they came.
pub(crate) fn holding(intake: &Intake, signal: Signal, traces: &HashSet<TraceId>) -> Vec<Bytes> {
    let mut bodies: BTreeMap<u64, Bytes> = BTreeMap::new();
    for id in traces {
        let found = found(intake, id);
        let all = if signal == Signal::Traces { found.spans } else { found.logs };
        bodies.extend(all.into_iter().map(|stored| (stored.chunk, stored.body)));
    }
    bodies.into_values().collect()
}

/// All requests of a signal, in the order in which they came.
pub(crate) fn bodies(intake: &Intake, signal: Signal) -> Vec<Bytes> {
    let mut bodies: Vec<Bytes> = Bodies::of(intake, signal).map(|(_, body)| body).collect();
    bodies.reverse();
    bodies
}

/// Which of the traces have spans.
fn kept(intake: &Intake, traces: HashSet<TraceId>) -> HashSet<TraceId> {
    let mut traces = traces.into_iter();
    let mut kept = HashSet::new();
    loop {
        let some: Vec<TraceId> = traces.by_ref().take(STEP).collect();
        if some.is_empty() {
            return kept;
        }
        let are_kept = step(intake, |store| some.iter().map(|id| store.has(id)).collect());
        kept.extend(some.into_iter().zip(are_kept).filter(|(_, is_kept)| *is_kept).map(|(id, _)| id));
    }
}

/// All traces, those first of which something came last.
fn newest(intake: &Intake) -> Vec<TraceId> {
    let mut turns: Vec<Turn> = Vec::new();
    // Oldest first: a trace of which something comes meanwhile moves to where it is still met. What comes as fast as
    // it is read ends with twice of what there was.
    let most = 2 * intake.level().traces + STEP;
    loop {
        let after = turns.last().map(|(number, _)| *number);
        let some = step(intake, |store| store.turns(after, STEP));
        let is_last = some.len() < STEP;
        turns.extend(some);
        if is_last || turns.len() > 2 * most {
            break;
        }
    }
    let mut seen = HashSet::with_capacity(turns.len());
    turns.iter().rev().map(|(_, trace)| *trace).filter(|trace| seen.insert(*trace)).collect()
}

/// All that is kept of a trace.
fn found(intake: &Intake, id: &TraceId) -> Found {
    Found { spans: all(intake, id, Signal::Traces), logs: all(intake, id, Signal::Logs) }
}

/// The spans or the log records of a trace.
fn all(intake: &Intake, id: &TraceId, signal: Signal) -> Vec<Stored> {
    let mut all: Vec<Stored> = Vec::new();
    loop {
        let some = step(intake, |store| store.find(id, signal, all.last(), STEP));
        let is_last = some.len() < STEP;
        all.extend(some);
        if is_last {
            return all;
        }
    }
}

/// The requests of a signal, newest first. What comes meanwhile is not among them.
struct Bodies<'a> {
    intake: &'a Intake,
    signal: Signal,
    before: u64,
    read: VecDeque<(u64, Bytes)>,
}

impl<'a> Bodies<'a> {
    fn of(intake: &'a Intake, signal: Signal) -> Self {
        Bodies { intake, signal, before: u64::MAX, read: VecDeque::new() }
    }
}

impl Iterator for Bodies<'_> {
    type Item = (u64, Bytes);

    fn next(&mut self) -> Option<Self::Item> {
        if self.read.is_empty() {
            self.read = step(self.intake, |store| store.bodies(self.signal, self.before, STEP)).into();
            self.before = self.read.back()?.0;
        }
        self.read.pop_front()
    }
}

/// Reads while the store is locked: each item that is looked at is one of the result.
fn step<T>(intake: &Intake, read: impl FnOnce(&Store) -> Vec<T>) -> Vec<T> {
    let items = read(&intake.store());
    debug_assert!(items.len() <= STEP, "{} items in one step", items.len());
    items
}

#[cfg(test)]
mod tests;
