//! From a measurement to its trace: exemplars, which the SDK does not have (O-100).
//!
//! ```text
//!  counter.add(…) ─► Provider ─► the SDK's instrument ─► collection ─► OTLP bytes ─► Collection::add ─► OTLP bytes
//!                       └─ value, ids of the active span ─► reservoir of the instrument ──┘
//! ```
//! [`Provider`] is the SDK's provider, decorated: each measurement of a synchronous instrument is recorded by the SDK and
//! then, if the filter lets it through, offered to the reservoir of its instrument. A reader takes what is kept just before
//! it collects, when all of that is in the points already, and [`Collection::add`] writes it into the encoded request,
//! behind the last field of each point; all other bytes stay as they are.
//!
//! **What is kept** of each set of attributes (metrics SDK, "exemplar defaults"): of a histogram with bounds the last
//! measurement of each bucket; of an exponential one 20, of all others one, each measurement since the last collection
//! with the same chance. Value, time, the ids of the active span, and the attributes that the point does not have.
//!
//! **Which point** gets it: that of the stream which the SDK makes of the instrument, Views applied ([`stream`] asks the
//! SDK), with the same attributes; where a View drops some, with those that are left; else the point of the overflow.
//! Only what was measured between the two times of a point is told with it. So a reader has no state: with delta
//! temporality each exemplar is told once, with cumulative temporality until another takes its place, and readers do
//! not take from each other.
//!
//! **What it costs.** A measurement that is not let through: one look at the active context. One that is: a lock on an
//! eighth of the instrument's reservoir, no allocation once its attributes were seen.
//!
//! **Limits.** 2,560 sets of attributes for an instrument, then the oldest makes room; 2,000 instruments. Observable
//! instruments have no exemplars: there is no active span when they are read. An exponential histogram which a View gives
//! less than 20 buckets has up to 20 exemplars all the same. In a stream whose View drops attributes and which has more
//! series than its limit, attributes that no point has are taken for dropped.
//!
//! Once the SDK has exemplars, this file and its folder can go.

mod provider; // measurements on their way to the SDK
mod stream; // what the SDK makes of their instruments
mod reservoir; // what is kept of them
mod choice; // which point it belongs to
mod request; // the request with it

use crate::{callback::lock, config::ExemplarFilter, sender::Request};
use choice::{encoded, sorted};
use opentelemetry::InstrumentationScope;
use opentelemetry_proto::tonic::common::v1::{InstrumentationScope as Scope, KeyValue};
use opentelemetry_sdk::metrics::{Instrument, SdkMeterProvider, Stream as SdkStream};
use reservoir::{Reservoir, Set};
use std::{
    collections::HashMap,
    fmt,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
};
use stream::{Draft, Stream};

pub(crate) use provider::Provider;

/// Instruments of which exemplars are kept; those made after them have none.
const MOST_INSTRUMENTS: usize = 2_000;

/// What the SDK is told by a View, in a form that can be asked twice.
pub(crate) type View = Box<dyn Fn(&Instrument) -> Option<SdkStream> + Send + Sync>;

/// What is kept of the measurements of one provider. A clone is the same.
#[derive(Clone)]
pub(crate) struct Exemplars(Option<Arc<Register>>);

struct Register {
    filter: ExemplarFilter,
    views: Arc<[View]>,
    is_read: AtomicBool,
    known: Mutex<HashMap<InstrumentationScope, Vec<Arc<Known>>>>,
}

/// An instrument.
struct Known {
    draft: Draft,
    streams: Vec<Stream>,
    reservoir: Arc<Reservoir>,
}

/// What was kept when a collection began: scope by scope, with the instruments of each.
pub(crate) struct Collection(Vec<(InstrumentationScope, Vec<Snapshot>)>);

struct Snapshot {
    known: Arc<Known>,
    sets: Vec<Set>,
}

impl Exemplars {
    /// The Views must be those of the provider, in their order.
    pub(crate) fn new(filter: ExemplarFilter, views: Vec<View>) -> Self {
        let (views, is_read, known) = (views.into(), AtomicBool::new(false), Mutex::default());
        let is_on = filter != ExemplarFilter::AlwaysOff;
        Exemplars(is_on.then(|| Arc::new(Register { filter, views, is_read, known })))
    }

    /// Returns the provider whose measurements are offered.
    pub(crate) fn provider(&self, sdk: SdkMeterProvider) -> Provider {
        Provider { sdk, exemplars: self.clone() }
    }

    /// Says that a provider has a reader: of instruments made before, nothing is kept.
    pub(crate) fn begin(&self) {
        if let Some(register) = &self.0 {
            register.is_read.store(true, Ordering::Relaxed);
        }
    }

    /// Returns what is kept now, for the collection that begins: what is measured from now on may not be in it.
    pub(crate) fn collect(&self) -> Collection {
        let Some(register) = &self.0 else { return Collection(Vec::new()) };
        let instruments =
            |known: &Vec<Arc<Known>>| known.iter().map(|known| Snapshot::of(known.clone())).collect();
        let known = lock(&register.known);
        Collection(known.iter().map(|(scope, known)| (scope.clone(), instruments(known))).collect())
    }

    /// Returns where measurements of an instrument go; `None` if nowhere. The same instrument, made twice, has one.
    fn reservoir(&self, scope: &InstrumentationScope, draft: Draft) -> Option<Arc<Reservoir>> {
        let register = self.0.as_ref().filter(|register| register.is_read.load(Ordering::Relaxed))?;
        if let Some(known) = register.find(scope, &draft) {
            return known.reservoir_in_use();
        }
        // Before the SDK is asked, which takes longer than all else here.
        if register.is_full() {
            return None;
        }
        let streams = draft.streams(scope, &register.views);
        let reservoir = Arc::new(Reservoir::new(register.filter, &streams));
        register.insert(scope, Known { draft, streams, reservoir }).reservoir_in_use()
    }
}

impl fmt::Debug for Exemplars {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Exemplars").finish_non_exhaustive()
    }
}

impl Register {
    fn find(&self, scope: &InstrumentationScope, draft: &Draft) -> Option<Arc<Known>> {
        let known = lock(&self.known);
        known.get(scope)?.iter().find(|known| known.draft == *draft).cloned()
    }

    fn is_full(&self) -> bool {
        let known = lock(&self.known);
        known.values().map(Vec::len).sum::<usize>() >= MOST_INSTRUMENTS
    }

    /// Returns what was there before, if another thread was quicker.
    fn insert(&self, scope: &InstrumentationScope, new: Known) -> Arc<Known> {
        let mut known = lock(&self.known);
        let instruments = known.entry(scope.clone()).or_default();
        if let Some(earlier) = instruments.iter().find(|earlier| earlier.draft == new.draft) {
            return earlier.clone();
        }
        let new = Arc::new(new);
        instruments.push(new.clone());
        new
    }
}

impl Known {
    fn reservoir_in_use(&self) -> Option<Arc<Reservoir>> {
        (!self.streams.is_empty()).then(|| self.reservoir.clone())
    }
}

impl Snapshot {
    fn of(known: Arc<Known>) -> Self {
        let sets = known.reservoir.collect();
        Snapshot { known, sets }
    }
}

impl Collection {
    /// Adds it to what was collected and encoded since.
    pub(crate) fn add(&self, request: Request) -> Request {
        if self.0.iter().flat_map(|(_, instruments)| instruments).all(|instrument| instrument.sets.is_empty())
        {
            return request;
        }
        match request::add(&request.body, |scope, schema_url| self.of_scope(scope, schema_url)) {
            Ok(body) => Request { body: body.into(), ..request },
            // The encoder's own bytes can be read; if not, what was measured still leaves.
            Err(_) => request,
        }
    }

    /// The instruments of a scope, as it is written in a request.
    fn of_scope(&self, scope: &Scope, schema_url: &str) -> &[Snapshot] {
        let is_it = |known: &InstrumentationScope| {
            known.name() == scope.name
                && known.version().unwrap_or_default() == scope.version
                && known.schema_url().unwrap_or_default() == schema_url
                && encoded(&sorted(known.attributes().map(KeyValue::from).collect()))
                    == encoded(&sorted(scope.attributes.clone()))
        };
        let found = self.0.iter().find(|(known, _)| is_it(known));
        found.map(|(_, instruments)| &**instruments).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests;
