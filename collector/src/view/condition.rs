//! What is searched for, in words: `http.route = "/users/{id}" and duration > 50ms`.
//!
//! ```text
//! any        = all *( "or" all )
//! all        = one *( [ "and" ] one )
//! one        = "not" one / "(" any ")" / "has" field / comparison / text
//! comparison = field operator text
//! operator   = "=" / "!=" / "<" / "<=" / ">" / ">=" / "~" / "!~"
//! field      = word
//! text       = word / quoted
//! word       = 1*( any character but spaces, ( ) " ' = < > ! ~ )
//! quoted     = " … " / ' … '      \ before a quotation mark or another \
//! ```
//! - A text alone is found anywhere: in names, values, messages, log lines, at the beginning of the trace's id. Case does
//!   not matter.
//! - `=` compares numbers as numbers and everything else to the letter; `~` means that the value contains the text, whatever
//!   the case. A list fits if one of its values does.
//! - A comparison with something that is not there does not hold, `!=` and `!~` included; `not field = text` does.
//! - Durations have a unit: `ns`, `us` or `µs`, `ms`, `s`, `m`, `h`.
//! - `and`, `or`, `not` and `has` are words of the language in lower and upper case, unless they are quoted.
//!
//! Which fields there are is the matter of what is searched: see [`Subject`]. A search has at most 1,000 characters,
//! and parentheses and `not` stand 32 deep at most.

mod parse;
#[cfg(test)]
mod tests;

use crate::trace::Value;
use std::{borrow::Cow, cmp::Ordering};

pub(crate) use parse::{Fault, nanos};

/// A question to which something answers with yes or no.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Condition {
    /// All of them hold.
    All(Vec<Condition>),
    /// One of them holds.
    Any(Vec<Condition>),
    /// It does not hold.
    Not(Box<Condition>),
    /// The text, in lower case, is found somewhere.
    Text(String),
    /// The field is there.
    Has(String),
    /// The field compares so.
    Compare(String, Operator, Literal),
}

/// How a field is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operator {
    Equal,
    NotEqual,
    Less,
    AtMost,
    More,
    AtLeast,
    Contains,
    ContainsNot,
}

/// What a field is compared with: as it was written, and as what else this is.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Literal {
    text: String,
    /// Doubles have no room for all integers.
    integer: Option<i64>,
    number: Option<f64>,
    nanos: Option<u64>,
}

/// The value of a field.
pub(crate) enum Known<'a> {
    /// A text.
    Text(Cow<'a, str>),
    /// Several texts, of which one is enough.
    Texts(Vec<&'a str>),
    /// A number.
    Number(f64),
    /// A duration, in nanoseconds.
    Nanos(u64),
    /// A value that was sent.
    Sent(&'a Value),
}

/// What a search looks at.
pub(crate) trait Subject {
    /// The value of a field; `None`: it is not there.
    fn field(&self, name: &str) -> Option<Known<'_>>;

    /// Whether a text in lower case is found anywhere.
    fn contains(&self, text: &str) -> bool;
}

impl Condition {
    /// What the words mean. No words: everything.
    ///
    /// # Errors
    /// The words mean nothing; the fault says where, and the way out.
    pub(crate) fn parse(words: &str) -> Result<Condition, Fault> {
        parse::parse(words)
    }

    /// Whether it holds.
    pub(crate) fn holds(&self, subject: &impl Subject) -> bool {
        match self {
            Condition::All(all) => all.iter().all(|one| one.holds(subject)),
            Condition::Any(any) => any.iter().any(|one| one.holds(subject)),
            Condition::Not(not) => !not.holds(subject),
            Condition::Text(text) => subject.contains(text),
            Condition::Has(field) => subject.field(field).is_some(),
            Condition::Compare(field, operator, literal) => {
                subject.field(field).is_some_and(|known| known.compares(*operator, literal))
            }
        }
    }
}

impl Known<'_> {
    fn compares(&self, operator: Operator, literal: &Literal) -> bool {
        match self {
            Known::Text(text) => of_text(text, operator, literal),
            Known::Texts(texts) => texts.iter().any(|text| of_text(text, operator, literal)),
            Known::Number(number) => of_number(*number, operator, literal),
            Known::Nanos(nanos) => {
                literal.nanos.is_some_and(|wanted| operator.admits(Some(nanos.cmp(&wanted))))
            }
            Known::Sent(value) => of_value(value, operator, literal),
        }
    }
}

fn of_value(value: &Value, operator: Operator, literal: &Literal) -> bool {
    match value {
        Value::Array(values) => values.iter().any(|value| of_value(value, operator, literal)),
        Value::Int(int) => match literal.integer {
            Some(wanted) if !operator.is_of_texts() => operator.admits(Some(int.cmp(&wanted))),
            _ => of_number(*int as f64, operator, literal),
        },
        Value::Double(double) => of_number(*double, operator, literal),
        Value::Text(text) => of_text(text, operator, literal),
        other => of_text(&other.to_string(), operator, literal),
    }
}

fn of_number(number: f64, operator: Operator, literal: &Literal) -> bool {
    match literal.number {
        Some(wanted) if !operator.is_of_texts() => operator.admits(number.partial_cmp(&wanted)),
        _ => of_text(&number.to_string(), operator, literal),
    }
}

fn of_text(text: &str, operator: Operator, literal: &Literal) -> bool {
    match operator {
        Operator::Contains => found(text, &literal.text.to_lowercase()),
        Operator::ContainsNot => !found(text, &literal.text.to_lowercase()),
        // Numbers were sent as texts by many.
        Operator::Less | Operator::AtMost | Operator::More | Operator::AtLeast => {
            let both = literal.number.zip(text.parse::<f64>().ok());
            let order = both.map_or_else(
                || Some(text.cmp(literal.text.as_str())),
                |(wanted, number)| number.partial_cmp(&wanted),
            );
            operator.admits(order)
        }
        _ => operator.admits(Some(text.cmp(literal.text.as_str()))),
    }
}

impl Value {
    /// Whether it contains a text in lower case, whatever its own case.
    pub(crate) fn contains(&self, lower: &str) -> bool {
        match self {
            Value::Text(text) => found(text, lower),
            other => found(&other.to_string(), lower),
        }
    }
}

/// Whether a text contains one that is in lower case.
pub(crate) fn found(text: &str, lower: &str) -> bool {
    // Most texts are short and plain: nothing is allocated for them.
    if text.is_ascii() {
        let (text, lower) = (text.as_bytes(), lower.as_bytes());
        return lower.is_empty()
            || text.windows(lower.len()).any(|window| window.eq_ignore_ascii_case(lower));
    }
    text.to_lowercase().contains(lower)
}

impl Operator {
    /// Whether it compares everything as texts.
    fn is_of_texts(self) -> bool {
        matches!(self, Operator::Contains | Operator::ContainsNot)
    }

    /// Whether values in this order compare so.
    fn admits(self, order: Option<Ordering>) -> bool {
        match self {
            Operator::Equal => order == Some(Ordering::Equal),
            Operator::NotEqual => order != Some(Ordering::Equal),
            Operator::Less => order == Some(Ordering::Less),
            Operator::AtMost => matches!(order, Some(Ordering::Less | Ordering::Equal)),
            Operator::More => order == Some(Ordering::Greater),
            Operator::AtLeast => matches!(order, Some(Ordering::Greater | Ordering::Equal)),
            Operator::Contains | Operator::ContainsNot => false,
        }
    }
}
