//! Where the attributes are of which something is to be changed.

use super::{
    Failure, Place,
    attributes::{Step, change, made},
    client::Client,
    message,
};
use crate::{
    edit::{Edits, framed},
    wire::{Fields, Slice},
};
use throughline_sender::Signal;

/// What is done in the requests of one signal, by place.
#[derive(Default)]
pub(super) struct Plan {
    resource: Vec<Step>,
    scope: Vec<Step>,
    items: Vec<Step>,
    events: Vec<Step>,
    links: Vec<Step>,
}

/// A plan at work on one request.
struct Work<'a> {
    plan: &'a Plan,
    signal: Signal,
    body: &'a [u8],
    client: &'a Client,
}

impl Plan {
    pub(super) fn add(&mut self, place: Place, step: Step) {
        let steps = match place {
            Place::Resource => &mut self.resource,
            Place::Scope => &mut self.scope,
            Place::Items => &mut self.items,
            Place::Events => &mut self.events,
            Place::Links => &mut self.links,
        };
        steps.push(step);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.resource.is_empty() && self.is_empty_below_resources()
    }

    pub(super) fn apply(
        &self,
        signal: Signal,
        body: &[u8],
        client: &Client,
        edits: &mut Edits,
    ) -> Result<(), Failure> {
        let work = Work { plan: self, signal, body, client };
        for field in Fields::of(body) {
            if let Some(slice) = message(field?, 1) {
                edits.within(slice, |edits| work.resource_items(slice, edits))?;
            }
        }
        Ok(())
    }

    fn is_empty_below_resources(&self) -> bool {
        self.scope.is_empty() && self.is_empty_below_scopes()
    }

    fn is_empty_below_scopes(&self) -> bool {
        self.items.is_empty() && self.events.is_empty() && self.links.is_empty()
    }
}

impl Work<'_> {
    fn resource_items(&self, slice: Slice, edits: &mut Edits) -> Result<(), Failure> {
        let mut has_resource = false;
        for field in Fields::within(self.body, slice) {
            let field = field?;
            if let Some(resource) = message(field, 1) {
                has_resource = true;
                self.change(resource, 1, &self.plan.resource, edits)?;
            } else if let Some(scope) = message(field, 2).filter(|_| !self.plan.is_empty_below_resources()) {
                edits.within(scope, |edits| self.scope_items(scope, edits))?;
            }
        }
        self.make(has_resource, slice, 1, &self.plan.resource, edits);
        Ok(())
    }

    fn scope_items(&self, slice: Slice, edits: &mut Edits) -> Result<(), Failure> {
        let mut has_scope = false;
        for field in Fields::within(self.body, slice) {
            let field = field?;
            if let Some(scope) = message(field, 1) {
                has_scope = true;
                self.change(scope, 3, &self.plan.scope, edits)?;
            } else if let Some(record) = message(field, 2).filter(|_| !self.plan.is_empty_below_scopes()) {
                match self.signal {
                    Signal::Traces => edits.within(record, |edits| self.span(record, edits))?,
                    Signal::Metrics => edits.within(record, |edits| self.metric(record, edits))?,
                    Signal::Logs => self.change(record, 6, &self.plan.items, edits)?,
                }
            }
        }
        self.make(has_scope, slice, 3, &self.plan.scope, edits);
        Ok(())
    }

    fn span(&self, span: Slice, edits: &mut Edits) -> Result<(), Failure> {
        if !self.plan.events.is_empty() || !self.plan.links.is_empty() {
            for field in Fields::within(self.body, span) {
                let field = field?;
                if let Some(event) = message(field, 11) {
                    self.change(event, 3, &self.plan.events, edits)?;
                } else if let Some(link) = message(field, 13) {
                    self.change(link, 4, &self.plan.links, edits)?;
                }
            }
        }
        change(self.body, span, 9, &self.plan.items, self.client, edits)
    }

    fn metric(&self, slice: Slice, edits: &mut Edits) -> Result<(), Failure> {
        for field in Fields::within(self.body, slice) {
            let field = field?;
            let number = match field.number {
                5 | 7 | 11 => 7,
                9 => 9,
                10 => 1,
                _ => continue,
            };
            let Some(data) = message(field, field.number) else { continue };
            edits.within(data, |edits| self.points(data, number, edits))?;
        }
        Ok(())
    }

    fn points(&self, data: Slice, number: u32, edits: &mut Edits) -> Result<(), Failure> {
        for field in Fields::within(self.body, data) {
            if let Some(point) = message(field?, 1) {
                self.change(point, number, &self.plan.items, edits)?;
            }
        }
        Ok(())
    }

    /// Changes the attributes of a message, which stand in the field of this number.
    fn change(&self, of: Slice, number: u32, steps: &[Step], edits: &mut Edits) -> Result<(), Failure> {
        edits.within(of, |edits| change(self.body, of, number, steps, self.client, edits))
    }

    /// Makes the message with the attributes, in field 1 of the one around it, if there is none and it would have some.
    fn make(&self, is_there: bool, around: Slice, number: u32, steps: &[Step], edits: &mut Edits) {
        if !is_there && let Some(made) = made(number, steps, self.client) {
            edits.replace(around.end, around.end, framed(1, &made));
        }
    }
}
