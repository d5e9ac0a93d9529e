//! What is changed in everything that is taken: attributes of resources, spans, log records and data points.
//!
//! ```
//! use throughline_collector::{Action, Config, Processor, Value};
//!
//! let mut config = Config::default();
//! config.processors.push(Processor::resource([
//!     Action::Upsert("k8s.cluster.name".into(), Value::Text("blue".into())),
//!     Action::Delete("process.command_args".into()),
//! ]));
//! config.processors.push(Processor::items([
//!     Action::Hash("enduser.id".into()),
//!     Action::DeleteMatching("^http\\.request\\.header\\.".into()),
//! ]));
//! ```
//!
//! # Semantics
//! As the `resource` and `attributes` processors of the OpenTelemetry Collector (B-067): actions come one after the
//! other, and each sees what those before it made. An attribute that stands twice is changed and deleted everywhere, and
//! its last value is the one that is read. An action for an attribute that is not there does nothing, unless it inserts.
//!
//! Nothing is decoded: a request in which nothing changes stays as it is, byte for byte; else what changes is written
//! anew, with the lengths of the messages around it, and everything else is copied.
//!
//! [`Value::Context`] is what is known of who sent the request (`from_context`): its address, a header, the name by which it
//! was let in. What comes through the [`inlet`](crate::Collector::inlet) was sent by nobody.
//!
//! # Limits
//! Attributes of exemplars are not touched. A request that its processors would make larger than
//! [`Config::max_request_bytes`](crate::Config::max_request_bytes) is refused as too large. Of a header, the first 1,024
//! bytes count.

mod attributes; // one list of them, and what is done to it
mod client; // who sent it
mod plan; // where they are
mod value; // what one of them holds

use crate::{
    Error,
    edit::Edits,
    wire::{Fault, Field, Fields, Slice, Value as Content},
};
use attributes::Step;
pub use client::Context;
pub(crate) use client::{Asked, Client};
use plan::Plan;
use throughline_sender::Signal;
pub use value::{Kind, Value};

/// Actions on the attributes at one place.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Processor {
    /// In what. Default: in all signals.
    pub signals: Vec<Signal>,
    /// Where.
    pub place: Place,
    /// What is done, one after the other.
    pub actions: Vec<Action>,
}

/// Whose attributes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Of the resource. One without attributes, or none at all, can get some.
    Resource,
    /// Of the instrumentation scope. One without attributes, or none at all, can get some.
    Scope,
    /// Of spans, log records and data points.
    Items,
    /// Of the events of spans.
    Events,
    /// Of the links of spans.
    Links,
}

/// What is done to an attribute, by its key.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Action {
    /// Adds it if it is not there.
    Insert(String, Value),
    /// Changes it if it is there.
    Update(String, Value),
    /// Changes or adds it.
    Upsert(String, Value),
    /// Removes it.
    Delete(String),
    /// Removes all whose key has a match of the regular expression.
    DeleteMatching(String),
    /// Puts the SHA-1 of its value in its place, in hexadecimal: the same for the same value. A text counts as its
    /// bytes, a number as its eight bytes, little-endian, a truth as one byte; all else as OTLP writes it. It does not
    /// hide values that can be guessed.
    Hash(String),
    /// Matches its text with the regular expression, and upserts what its named groups match as texts by these names.
    Extract(String, String),
    /// Makes its value one of another kind, if that can be: texts are parsed, numbers cut towards zero.
    Convert(String, Kind),
}

impl Action {
    /// Whether it can be done, so far as it says.
    ///
    /// # Errors
    /// A pattern is none, or what should be the name of a header.
    pub fn check(&self) -> Result<(), Error> {
        Step::new(self, &mut Asked::default()).map(drop)
    }
}

impl Processor {
    /// Acts at this place, in all signals.
    pub fn at(place: Place, actions: impl IntoIterator<Item = Action>) -> Self {
        Processor { signals: Signal::ALL.to_vec(), place, actions: Vec::from_iter(actions) }
    }

    /// Acts on the resources of all signals.
    pub fn resource(actions: impl IntoIterator<Item = Action>) -> Self {
        Processor::at(Place::Resource, actions)
    }

    /// Acts on the spans, log records and data points of all signals.
    pub fn items(actions: impl IntoIterator<Item = Action>) -> Self {
        Processor::at(Place::Items, actions)
    }
}

/// The processors of all signals, ready to be applied.
pub(crate) struct Process {
    /// In the order of [`Signal::ALL`].
    plans: [Plan; 3],
}

/// Why processors cannot be applied.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    Malformed(Fault),
    /// The request would become larger than the limit.
    TooLarge,
}

impl From<Fault> for Failure {
    fn from(fault: Fault) -> Self {
        Failure::Malformed(fault)
    }
}

impl Process {
    /// What they ask of who sends is added to what others ask.
    pub(crate) fn new(processors: &[Processor], asked: &mut Asked) -> Result<Self, Error> {
        let mut plans: [Plan; 3] = Default::default();
        for (signal, plan) in Signal::ALL.into_iter().zip(&mut plans) {
            for processor in processors.iter().filter(|processor| processor.signals.contains(&signal)) {
                for action in &processor.actions {
                    plan.add(processor.place, Step::new(action, asked)?);
                }
            }
        }
        Ok(Process { plans })
    }

    /// Whether there is nothing to do for a signal.
    pub(crate) fn is_empty(&self, signal: Signal) -> bool {
        self.plan(signal).is_empty()
    }

    /// The request of this client with all changes, of at most so many bytes; `None` if nothing changes. Resources and
    /// scopes are in one piece.
    pub(crate) fn apply(
        &self,
        signal: Signal,
        body: &[u8],
        client: &Client,
        most: usize,
    ) -> Result<Option<Vec<u8>>, Failure> {
        let mut edits = Edits::of(body, most);
        self.plan(signal).apply(signal, body, client, &mut edits)?;
        match edits.are_too_many() {
            true => Err(Failure::TooLarge),
            false => Ok((!edits.are_none()).then(|| edits.apply(body))),
        }
    }

    fn plan(&self, signal: Signal) -> &Plan {
        let [traces, metrics, logs] = &self.plans;
        match signal {
            Signal::Traces => traces,
            Signal::Metrics => metrics,
            Signal::Logs => logs,
        }
    }
}

/// Leaves out the spans or log records that the test finds wrong: they were rejected, and go nowhere.
pub(crate) fn without(
    body: &[u8],
    is_wrong: impl Fn(Slice) -> Result<bool, Fault>,
) -> Result<Vec<u8>, Fault> {
    let mut edits = Edits::of(body, body.len());
    for field in Fields::of(body) {
        let Some(resource_items) = message(field?, 1) else { continue };
        edits.within(resource_items, |edits| {
            for field in Fields::within(body, resource_items) {
                let Some(scope_items) = message(field?, 2) else { continue };
                edits.within(scope_items, |edits| {
                    let mut fields = Fields::within(body, scope_items);
                    let mut from = fields.offset();
                    while let Some(field) = fields.next() {
                        if let Some(record) = message(field?, 2)
                            && is_wrong(record)?
                        {
                            edits.replace(from, fields.offset(), Vec::new());
                        }
                        from = fields.offset();
                    }
                    Ok(())
                })?;
            }
            Ok(())
        })?;
    }
    Ok(edits.apply(body))
}

/// The message in a field of this number.
fn message(field: Field, number: u32) -> Option<Slice> {
    match field.value {
        Content::Slice(slice) if field.number == number => Some(slice),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
