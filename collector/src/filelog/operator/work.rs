//! One operator, ready to run.

use super::{
    Operator, Outcome, Task,
    array::ArrayParser,
    container::ContainerParser,
    csv::RowParser,
    json::JsonParser,
    pairs::PairParser,
    parse::apply_scope_name,
    place::{self, Addition},
    recombine::{Joiner, Recombiner},
    regex::RegexParser,
    severity::Scale,
    syslog::SyslogParser,
    text::{self, CONTROL_SEQUENCES, Replacement},
    timestamp::Clock,
    trace::TraceContext,
    uri::UriParser,
};
use crate::filelog::{
    entry::{Entry, Field, Key},
    expression::{Expression, Template},
};
use std::borrow::Cow;

/// What an operator does, ready to be done.
#[derive(Debug)]
pub(super) enum Work {
    Noop,
    /// The ways, each with the attributes that it adds; and whether there is a way for all else.
    Router(Vec<(Expression, Vec<(Key, Template)>)>, bool),
    /// The part that is dropped, and what of it was not dropped yet.
    Filter(Expression, f64, f64),
    Regex(Box<RegexParser>),
    Json(Box<JsonParser>),
    Array(Box<ArrayParser>),
    Row(Box<RowParser>),
    Syslog(Box<SyslogParser>),
    Uri(Box<UriParser>),
    Pairs(Box<PairParser>),
    Container(Box<ContainerParser>),
    Time(Clock),
    Severity(Scale),
    Trace(TraceContext),
    ScopeName(Field),
    Copy(Field, Field),
    Move(Field, Field),
    Add(Field, Addition),
    Remove(Field),
    Retain(Vec<Field>),
    Flatten(Field),
    Assign(Field, Vec<Key>),
    Replace(Box<Replacement>),
    Unquote(Field),
    Sanitize(Field),
    Recombine(Box<Recombiner>),
}

/// What becomes of an entry behind an operator.
pub(super) enum Next {
    /// It goes one of the operator's ways.
    Way(usize, Entry),
    /// These go the operator's way, for an entry that is held back or whole.
    Several(Vec<Entry>),
    /// It was to go nowhere.
    Filtered,
    /// These go its way too, but something of the entry could not be done.
    Flawed(Vec<Entry>, Cow<'static, str>),
    /// The operator could not work on it; the way is for those that go on nevertheless.
    Failed(usize, Entry, Cow<'static, str>),
}

impl Work {
    pub(super) fn new(operator: &Operator) -> Result<Self, String> {
        Ok(match &operator.task {
            Task::Noop => Work::Noop,
            Task::Router { routes, default } => {
                if operator.condition.is_some() || !operator.outputs.is_empty() {
                    return Err("a router has neither if nor output; its routes have".to_owned());
                }
                let ways = routes.iter().map(|route| {
                    let pairs = route.attributes.iter().map(|(key, value)| {
                        let text = value.text().ok_or("the attributes of a route are texts")?;
                        let template = Template::new(text).map_err(|fault| format!("{text:?}: {fault}"))?;
                        Ok((Key::from(key), template))
                    });
                    Ok((compiled(&route.expression)?, pairs.collect::<Result<_, String>>()?))
                });
                Work::Router(ways.collect::<Result<_, String>>()?, !default.is_empty())
            }
            Task::Filter { expression, drop_ratio } => match drop_ratio {
                0.0..=1.0 => Work::Filter(compiled(expression)?, *drop_ratio, 0.0),
                _ => return Err(format!("drop_ratio {drop_ratio} is not between 0.0 and 1.0")),
            },
            Task::Regex { regex, cache, parse } => {
                Work::Regex(Box::new(RegexParser::new(regex, *cache, parse)?))
            }
            Task::Json { integers, parse } => Work::Json(Box::new(JsonParser::new(*integers, parse)?)),
            Task::JsonArray { header, parse } => Work::Array(Box::new(ArrayParser::new(header, parse)?)),
            Task::Csv(csv) => Work::Row(Box::new(RowParser::new(csv)?)),
            Task::Syslog(syslog) => Work::Syslog(Box::new(SyslogParser::new(syslog)?)),
            Task::Uri { parse } => Work::Uri(Box::new(UriParser::new(parse)?)),
            Task::KeyValue { delimiter, pair_delimiter, parse } => {
                Work::Pairs(Box::new(PairParser::new(delimiter, pair_delimiter, parse)?))
            }
            Task::Container(container) => Work::Container(Box::new(ContainerParser::new(container)?)),
            Task::Time(timestamp) => Work::Time(Clock::new(timestamp)?),
            Task::Severity(severity) => Work::Severity(Scale::new(severity)?),
            Task::Trace(context) => Work::Trace(context.clone()),
            Task::ScopeName { parse_from } => Work::ScopeName(parse_from.clone()),
            Task::Copy { from, to } => Work::Copy(from.clone(), to.clone()),
            Task::Move { from, to } => Work::Move(from.clone(), to.clone()),
            Task::Add { field, value } => Work::Add(field.clone(), Addition::new(value)?),
            Task::Remove { field } => Work::Remove(field.clone()),
            Task::Retain { fields } if fields.is_empty() => return Err("retain needs fields".to_owned()),
            Task::Retain { fields } => Work::Retain(fields.clone()),
            Task::Flatten { field } if field.keys.is_empty() => {
                return Err(format!(
                    "{field} has no place beside which its values could be; name a field in it"
                ));
            }
            Task::Flatten { field } => Work::Flatten(field.clone()),
            Task::AssignKeys { keys, .. } if keys.is_empty() => {
                return Err("assign_keys needs keys".to_owned());
            }
            Task::AssignKeys { field, keys } => {
                Work::Assign(field.clone(), keys.iter().map(|key| Key::from(&**key)).collect())
            }
            Task::Replace { field, regex, with } => {
                let regex = regex.as_deref().unwrap_or(CONTROL_SEQUENCES);
                Work::Replace(Box::new(Replacement::new(field, regex, with)?))
            }
            Task::Unquote { field } => Work::Unquote(field.clone()),
            Task::Sanitize { field } => Work::Sanitize(field.clone()),
            Task::Recombine(recombine) => Work::Recombine(Box::new(Recombiner::new(recombine)?)),
        })
    }

    pub(super) fn run(&mut self, mut entry: Entry) -> Next {
        let outcome = match self {
            Work::Router(ways, has_default) => return route(ways, *has_default, entry),
            Work::Filter(expression, ratio, rest) => match expression.truth(&entry) {
                Ok(true) if is_dropped(*ratio, rest) => return Next::Filtered,
                Ok(_) => Ok(()),
                Err(fault) => Err(fault.to_string().into()),
            },
            Work::Recombine(recombiner) => match recombiner.matches(&entry) {
                Ok(matches) => return Next::Several(recombiner.take(entry, matches)),
                Err(fault) => Err(fault),
            },
            Work::Container(container) => return contained(container, entry),
            work => work.change(&mut entry),
        };
        match outcome {
            Ok(()) => Next::Way(0, entry),
            Err(fault) => Next::Failed(0, entry, fault),
        }
    }

    /// What only changes the entry.
    fn change(&mut self, entry: &mut Entry) -> Outcome {
        match self {
            Work::Regex(parser) => parser.apply(entry),
            Work::Json(parser) => parser.apply(entry),
            Work::Array(parser) => parser.apply(entry),
            Work::Row(parser) => parser.apply(entry),
            Work::Syslog(parser) => parser.apply(entry),
            Work::Uri(parser) => parser.apply(entry),
            Work::Pairs(parser) => parser.apply(entry),
            Work::Time(clock) => clock.apply(entry),
            Work::Severity(scale) => scale.apply(entry),
            Work::Trace(context) => context.apply(entry),
            Work::ScopeName(field) => apply_scope_name(field, entry),
            Work::Copy(from, to) => place::copy(from, to, entry),
            Work::Move(from, to) => place::shift(from, to, entry),
            Work::Add(field, addition) => addition.apply(field, entry),
            Work::Remove(field) => place::remove(field, entry),
            Work::Retain(fields) => {
                place::retain(fields, entry);
                Ok(())
            }
            Work::Flatten(field) => place::flatten(field, entry),
            Work::Assign(field, keys) => text::assign(field, keys, entry),
            Work::Replace(replacement) => replacement.apply(entry),
            Work::Unquote(field) => text::unquote(field, entry),
            Work::Sanitize(field) => text::sanitize(field, entry),
            Work::Noop | Work::Router(..) | Work::Filter(..) | Work::Container(_) | Work::Recombine(_) => {
                Ok(())
            }
        }
    }

    /// The entries that it holds back, if it is one that does.
    pub(super) fn joiner(&mut self) -> Option<&mut Joiner> {
        match self {
            Work::Recombine(recombiner) => Some(&mut recombiner.joiner),
            Work::Container(container) => Some(&mut container.joiner),
            _ => None,
        }
    }

    pub(super) fn oldest_mark(&self) -> Option<u64> {
        match self {
            Work::Recombine(recombiner) => recombiner.joiner.oldest_mark(),
            Work::Container(container) => container.joiner.oldest_mark(),
            _ => None,
        }
    }
}

pub(super) fn compiled(text: &str) -> Result<Expression, String> {
    text.parse().map_err(|fault| format!("{text:?}: {fault}"))
}

/// The way of the first route whose expression is true; one that has no value is not.
fn route(ways: &[(Expression, Vec<(Key, Template)>)], has_default: bool, mut entry: Entry) -> Next {
    let mut fault = None;
    for (way, (expression, attributes)) in ways.iter().enumerate() {
        match expression.truth(&entry) {
            Ok(false) => continue,
            Ok(true) => {}
            Err(other) => {
                fault = Some(other);
                continue;
            }
        }
        for (key, template) in attributes {
            match template.value(&entry) {
                Ok(value) => drop(entry.attributes.insert(key.clone(), value)),
                Err(fault) => return Next::Failed(way, entry, fault.to_string().into()),
            }
        }
        return Next::Way(way, entry);
    }
    match fault {
        Some(fault) => Next::Failed(ways.len(), entry, fault.to_string().into()),
        None if has_default => Next::Way(ways.len(), entry),
        None => Next::Filtered,
    }
}

/// Every so many that the ratio is kept, the first of them too.
fn is_dropped(ratio: f64, rest: &mut f64) -> bool {
    *rest += ratio;
    let is_due = *rest >= 1.0 - f64::EPSILON;
    if is_due {
        *rest -= 1.0;
    }
    is_due
}

fn contained(container: &mut ContainerParser, mut entry: Entry) -> Next {
    let (is_whole, outcome) = match container.apply(&mut entry) {
        Ok(read) => read,
        Err(fault) => return Next::Failed(0, entry, fault),
    };
    let mut out = Vec::new();
    if is_whole && container.joiner.is_empty() {
        out.push(entry);
    } else {
        let source = container.source(&entry);
        container.joiner.add(entry, &source, is_whole, &mut out);
        if is_whole {
            container.joiner.release(&source, &mut out);
        }
    }
    match outcome {
        Ok(()) => Next::Several(out),
        Err(fault) => Next::Flawed(out, fault),
    }
}
