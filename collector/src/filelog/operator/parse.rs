//! From where a parser reads and to where it writes, and what it does with what it has read.

use super::{Outcome, Severity, Timestamp, TraceContext, severity::Scale, timestamp::Clock};
use crate::filelog::entry::{Entry, Field, Value};
use std::borrow::Cow;

/// From where a parser reads and to where it writes, and what it does with what it has read.
///
/// All of that happens after the text was read, if it could be, and each whatever becomes of the others.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Parse {
    /// Where the text is. Default: the body.
    pub from: Field,
    /// The map to which what is read is added. Default: the attributes.
    pub to: Field,
    /// What of it becomes the body (`body`). Default: nothing.
    pub body: Option<Field>,
    /// When it happened.
    pub timestamp: Option<Timestamp>,
    /// How severe it is.
    pub severity: Option<Severity>,
    /// To which trace and span it belongs.
    pub trace: Option<TraceContext>,
    /// Where the name of the instrumentation scope is (`scope_name`).
    pub scope_name: Option<Field>,
}

impl Default for Parse {
    fn default() -> Self {
        Parse {
            from: Field::BODY,
            to: Field::ATTRIBUTES,
            body: None,
            timestamp: None,
            severity: None,
            trace: None,
            scope_name: None,
        }
    }
}

/// What is done around the reading of a text.
#[derive(Clone, Debug)]
pub(super) struct Parser {
    pub(super) from: Field,
    pub(super) to: Field,
    body: Option<Field>,
    clock: Option<Clock>,
    scale: Option<Scale>,
    trace: Option<TraceContext>,
    scope_name: Option<Field>,
}

impl Parser {
    pub(super) fn new(parse: &Parse) -> Result<Self, String> {
        Ok(Parser {
            from: parse.from.clone(),
            to: parse.to.clone(),
            body: parse.body.clone(),
            clock: parse.timestamp.as_ref().map(Clock::new).transpose()?,
            scale: parse.severity.as_ref().map(Scale::new).transpose()?,
            trace: parse.trace.clone(),
            scope_name: parse.scope_name.clone(),
        })
    }

    /// The text that is to be read.
    pub(super) fn text<'a>(&self, entry: &'a Entry) -> Result<&'a str, Cow<'static, str>> {
        match self.from.value(entry) {
            Some(Value::Text(text)) => Ok(text),
            Some(other) => Err(format!("{} is {}, no text", self.from, other.kind()).into()),
            None => Err(format!("there is no {}", self.from).into()),
        }
    }

    /// Writes what was read, and does all else.
    pub(super) fn write(&self, entry: &mut Entry, read: impl Into<Value>) -> Outcome {
        if self.to.set(entry, read.into()).is_some() {
            return Err(format!("{} can only be a map", self.to).into());
        }
        self.embedded(entry)
    }

    /// What is done with what was written.
    pub(super) fn embedded(&self, entry: &mut Entry) -> Outcome {
        if let Some(body) = self.body.as_ref().and_then(|field| field.copy(entry)) {
            entry.body = body;
        }
        let times = self.clock.as_ref().map_or(Ok(()), |clock| clock.apply(entry));
        let severities = self.scale.as_ref().map_or(Ok(()), |scale| scale.apply(entry));
        let traces = self.trace.as_ref().map_or(Ok(()), |trace| trace.apply(entry));
        let scopes = self.scope_name.as_ref().map_or(Ok(()), |field| apply_scope_name(field, entry));
        times.and(severities).and(traces).and(scopes)
    }
}

pub(super) fn apply_scope_name(field: &Field, entry: &mut Entry) -> Outcome {
    match field.value(entry) {
        Some(Value::Text(name)) => entry.scope_name = name.clone(),
        Some(other) => return Err(format!("{field} is {}, no text", other.kind()).into()),
        None => return Err(format!("there is no {field}").into()),
    }
    Ok(())
}
