//! From a measurement to its trace: exemplars, which the SDK does not have (O-100).
//!
//! ```text
//!  counter.add(…) ──► Provider ──► the SDK's instrument ──► collection ──► OTLP bytes ──► Exemplars::add ──► OTLP bytes
//!                        └─ ids of the active span ──► reservoir of the instrument ─────────┘
//! ```
//! [`Provider`] is the SDK's provider, decorated: each measurement of a synchronous instrument is recorded by the SDK and
//! then, if the filter lets it through, offered to the reservoir of its instrument. [`Exemplars::add`] writes what was
//! kept into an encoded request, behind the last field of each point; all other bytes stay as they are.
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
//! **Limits.** 2,560 sets of attributes for an instrument, then the oldest makes room; 10,000 instruments. Observable
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

use crate::{config::ExemplarFilter, sender::Request};
use choice::{encoded, sorted};
use opentelemetry::InstrumentationScope;
use opentelemetry_proto::tonic::common::v1::{InstrumentationScope as Scope, KeyValue};
use opentelemetry_sdk::metrics::{Instrument, SdkMeterProvider, Stream as SdkStream};
use reservoir::Reservoir;
use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, PoisonError},
};
use stream::{Draft, Stream};

pub(crate) use provider::Provider;

/// Instruments of which exemplars are kept; those made after them have none.
const MOST_INSTRUMENTS: usize = 10_000;

/// What the SDK is told by a View, in a form that can be asked twice.
pub(crate) type View = Box<dyn Fn(&Instrument) -> Option<SdkStream> + Send + Sync>;

/// What is kept of the measurements of one provider. A clone is the same.
#[derive(Clone)]
pub(crate) struct Exemplars(Option<Arc<Register>>);

struct Register {
    filter: ExemplarFilter,
    views: Arc<[View]>,
    known: Mutex<HashMap<InstrumentationScope, Vec<Arc<Known>>>>,
}

/// An instrument.
struct Known {
    draft: Draft,
    streams: Vec<Stream>,
    reservoir: Arc<Reservoir>,
}

impl Exemplars {
    /// The Views must be those of the provider, in their order.
    pub(crate) fn new(filter: ExemplarFilter, views: Vec<View>) -> Self {
        let known = Mutex::default();
        let is_on = filter != ExemplarFilter::AlwaysOff;
        Exemplars(is_on.then(|| Arc::new(Register { filter, views: views.into(), known })))
    }

    /// Returns the provider whose measurements are offered.
    pub(crate) fn provider(&self, sdk: SdkMeterProvider) -> Provider {
        Provider { sdk, exemplars: self.clone() }
    }

    /// Adds what was kept to a request with measurements, as it was encoded from a collection.
    pub(crate) fn add(&self, request: Request) -> Request {
        let Some(register) = &self.0 else { return request };
        match request::add(&request.body, |scope, schema_url| register.of_scope(scope, schema_url)) {
            Ok(body) => Request { body: body.into(), ..request },
            // The encoder's own bytes can be read; if not, what was measured still leaves.
            Err(_) => request,
        }
    }

    /// Returns where measurements of an instrument go; `None` if nowhere. The same instrument, made twice, has one.
    fn reservoir(&self, scope: &InstrumentationScope, draft: Draft) -> Option<Arc<Reservoir>> {
        let register = self.0.as_ref()?;
        if let Some(known) = register.find(scope, &draft) {
            return known.reservoir_in_use();
        }
        let streams = draft.streams(scope, &register.views);
        let reservoir = Arc::new(Reservoir::new(register.filter, &streams));
        register.insert(scope, Known { draft, streams, reservoir })?.reservoir_in_use()
    }
}

impl fmt::Debug for Exemplars {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Exemplars").finish_non_exhaustive()
    }
}

impl Register {
    fn find(&self, scope: &InstrumentationScope, draft: &Draft) -> Option<Arc<Known>> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(scope)?.iter().find(|known| known.draft == *draft).cloned()
    }

    /// Returns what was there before, if another thread was quicker; `None` if there are too many.
    fn insert(&self, scope: &InstrumentationScope, new: Known) -> Option<Arc<Known>> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.values().map(Vec::len).sum::<usize>() >= MOST_INSTRUMENTS {
            return None;
        }
        let instruments = known.entry(scope.clone()).or_default();
        if let Some(earlier) = instruments.iter().find(|earlier| earlier.draft == new.draft) {
            return Some(earlier.clone());
        }
        let new = Arc::new(new);
        instruments.push(new.clone());
        Some(new)
    }

    /// The instruments of a scope, as it is written in a request.
    fn of_scope(&self, scope: &Scope, schema_url: &str) -> Vec<Arc<Known>> {
        let is_it = |known: &InstrumentationScope| {
            let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
            known.name() == scope.name
                && text(known.version()) == scope.version
                && text(known.schema_url()) == schema_url
                && encoded(&sorted(known.attributes().map(KeyValue::from).collect()))
                    == encoded(&sorted(scope.attributes.clone()))
        };
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let found = known.iter().filter(|(known, _)| is_it(known));
        found.flat_map(|(_, instruments)| instruments.iter().cloned()).collect()
    }
}

impl Known {
    fn reservoir_in_use(&self) -> Option<Arc<Reservoir>> {
        (!self.streams.is_empty()).then(|| self.reservoir.clone())
    }
}

#[cfg(test)]
mod tests;
