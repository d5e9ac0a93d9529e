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
//! # Limits
//! There are no values from the context of a connection (`from_context`). Attributes of scopes, events and links are
//! not touched.

mod attributes; // one list of them, and what is done to it
mod value; // what one of them holds

use crate::{
    Error,
    edit::{Edits, framed},
    wire::{Fault, Field, Fields, Slice, Value as Content},
};
use attributes::{Step, change};
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
    /// Of spans, log records and data points.
    Items,
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

impl Processor {
    /// Acts on the resources of all signals.
    pub fn resource(actions: impl IntoIterator<Item = Action>) -> Self {
        Processor { signals: Signal::ALL.to_vec(), place: Place::Resource, actions: Vec::from_iter(actions) }
    }

    /// Acts on the spans, log records and data points of all signals.
    pub fn items(actions: impl IntoIterator<Item = Action>) -> Self {
        Processor { place: Place::Items, ..Processor::resource(actions) }
    }
}

/// The processors of all signals, ready to be applied.
pub(crate) struct Process {
    /// In the order of [`Signal::ALL`].
    plans: [Plan; 3],
}

#[derive(Default)]
struct Plan {
    resource: Vec<Step>,
    items: Vec<Step>,
}

impl Process {
    pub(crate) fn new(processors: &[Processor]) -> Result<Self, Error> {
        let mut plans: [Plan; 3] = Default::default();
        for (signal, plan) in Signal::ALL.into_iter().zip(&mut plans) {
            for processor in processors.iter().filter(|processor| processor.signals.contains(&signal)) {
                let steps = match processor.place {
                    Place::Resource => &mut plan.resource,
                    Place::Items => &mut plan.items,
                };
                for action in &processor.actions {
                    steps.push(Step::new(action)?);
                }
            }
        }
        Ok(Process { plans })
    }

    /// Whether there is nothing to do for a signal.
    pub(crate) fn is_empty(&self, signal: Signal) -> bool {
        let plan = self.plan(signal);
        plan.resource.is_empty() && plan.items.is_empty()
    }

    /// The request with all changes; `None` if nothing changes. Resources are in one piece.
    pub(crate) fn apply(&self, signal: Signal, body: &[u8]) -> Result<Option<Vec<u8>>, Fault> {
        let (plan, mut edits) = (self.plan(signal), Edits::default());
        for field in Fields::of(body) {
            if let Some(slice) = message(field?, 1) {
                edits.within(slice, |edits| plan.resource_items(signal, body, slice, edits))?;
            }
        }
        Ok((!edits.are_none()).then(|| edits.apply(body)))
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

impl Plan {
    fn resource_items(
        &self,
        signal: Signal,
        body: &[u8],
        slice: Slice,
        edits: &mut Edits,
    ) -> Result<(), Fault> {
        let mut has_resource = false;
        for field in Fields::within(body, slice) {
            let field = field?;
            if let Some(resource) = message(field, 1) {
                has_resource = true;
                edits.within(resource, |edits| change(body, resource, 1, &self.resource, edits))?;
            } else if let Some(scope) = message(field, 2).filter(|_| !self.items.is_empty()) {
                edits.within(scope, |edits| self.scope_items(signal, body, scope, edits))?;
            }
        }
        if !has_resource && let Some(resource) = attributes::made(1, &self.resource) {
            edits.replace(slice.end, slice.end, framed(1, &resource));
        }
        Ok(())
    }

    fn scope_items(&self, signal: Signal, body: &[u8], slice: Slice, edits: &mut Edits) -> Result<(), Fault> {
        let number = if signal == Signal::Traces { 9 } else { 6 };
        for field in Fields::within(body, slice) {
            let Some(record) = message(field?, 2) else { continue };
            match signal {
                Signal::Metrics => edits.within(record, |edits| self.metric(body, record, edits))?,
                _ => edits.within(record, |edits| change(body, record, number, &self.items, edits))?,
            }
        }
        Ok(())
    }

    fn metric(&self, body: &[u8], slice: Slice, edits: &mut Edits) -> Result<(), Fault> {
        for field in Fields::within(body, slice) {
            let field = field?;
            let number = match field.number {
                5 | 7 | 11 => 7,
                9 => 9,
                10 => 1,
                _ => continue,
            };
            let Some(data) = message(field, field.number) else { continue };
            edits.within(data, |edits| {
                for field in Fields::within(body, data) {
                    if let Some(point) = message(field?, 1) {
                        edits.within(point, |edits| change(body, point, number, &self.items, edits))?;
                    }
                }
                Ok(())
            })?;
        }
        Ok(())
    }
}

/// Leaves out the spans or log records that the test finds wrong: they were rejected, and go nowhere.
pub(crate) fn without(
    body: &[u8],
    is_wrong: impl Fn(Slice) -> Result<bool, Fault>,
) -> Result<Vec<u8>, Fault> {
    let mut edits = Edits::default();
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
