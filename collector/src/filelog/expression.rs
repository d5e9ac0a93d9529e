//! Expressions about log entries: the part of the expr language that operators use.
//!
//! ```
//! use throughline_collector::filelog::{entry::{Entry, Value}, expression::Expression};
//!
//! let is_error: Expression = r#"body matches "^E[0-9]+" and attributes.stream != "stdout""#.parse()?;
//! let mut entry = Entry::of("E17 disk full");
//! assert_eq!(is_error.truth(&entry), Ok(true));
//! entry.attributes.insert("stream", "stdout");
//! assert_eq!(is_error.truth(&entry), Ok(false));
//!
//! let name: Expression = r#"attributes.stream + ":" + string(len(body))"#.parse()?;
//! assert_eq!(name.value(&entry), Ok(Value::from("stdout:13")));
//! # Ok::<(), throughline_collector::filelog::expression::ExpressionFault>(())
//! ```
//! | binds | operators |
//! |---|---|
//! | most | `x.key` `x["key"]` `x[0]` `x?.key` `f(x)` |
//! | | `x ?? y` |
//! | | `-x` |
//! | | `not x` `!x` |
//! | | `*` `/` `%` |
//! | | `+` `-` |
//! | | `==` `!=` `<` `<=` `>` `>=` `in` `contains` `startsWith` `endsWith` `matches`, and the last five after `not` |
//! | | `and` `&&` |
//! | | `or` `\|\|` |
//! | least | `test ? x : y` |
//!
//! Values are texts in `"…"`, `'…'` with escapes or `` `…` `` without, numbers, `true`, `false`, `nil`, lists `[1, 2]`, and
//! of the entry `body` (or `$`), `attributes` and `resource`. The functions are `float`, `hasPrefix`, `hasSuffix`, `int`,
//! `len`, `lower`, `replace`, `split`, `string`, `trim`, `trimPrefix`, `trimSuffix`, `type` and `upper`.
//!
//! # Semantics
//! A key that a map has not is `nil`; a key of what is no map is a fault, unless it is asked for by `?.`. A search in
//! `nil` finds nothing. Numbers are equal if they are worth the same, all else only to its own kind; `/` makes a double.
//! `and`, `or` and `?` look at no more than they need. The pattern of `matches` is compiled once.
//!
//! # Limits
//! Patterns have to be literals; [`Task::Regex`](super::operator::Task::Regex) tells their syntax. `env()`, `timestamp`,
//! closures, pipes, ranges and slices are not there: `${env:NAME}` in the configuration says what `env` does. An expression has at most 16 KiB and 500 parts, 64 deep, and makes texts of at most 1 MiB.

mod evaluate; // what it is worth
mod function; // what has a name
mod parse; // what it says
mod seen; // values, of the entry or made
mod template; // texts with expressions in them
mod token; // its words

use super::entry::{Entry, Value};
use parse::Node;
use std::{fmt, str::FromStr};
pub use template::Template;

/// How long an expression may be, in bytes.
const MAX_LENGTH: usize = 16 * 1024;

/// An expression, ready to be evaluated.
#[derive(Clone, Debug)]
pub struct Expression {
    text: String,
    node: Node,
}

/// What is wrong with an expression, or with the values that it got.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExpressionFault {
    /// What is wrong, in English.
    pub reason: String,
    /// The byte of the expression at which it was noticed; `None`: it was noticed when it was evaluated.
    pub at: Option<usize>,
}

impl Expression {
    /// What it is worth for an entry.
    ///
    /// # Errors
    /// An operator or a function got a value that it has no meaning for.
    pub fn value(&self, entry: &Entry) -> Result<Value, ExpressionFault> {
        evaluate::value(&self.node, entry).map(seen::Seen::into_value)
    }

    /// Whether it is true for an entry.
    ///
    /// # Errors
    /// As [`value`](Self::value), or it is neither true nor false.
    pub fn truth(&self, entry: &Entry) -> Result<bool, ExpressionFault> {
        evaluate::truth(&self.node, entry)
    }
}

impl FromStr for Expression {
    type Err = ExpressionFault;

    fn from_str(text: &str) -> Result<Self, ExpressionFault> {
        if text.len() > MAX_LENGTH {
            return Err(ExpressionFault::at(MAX_LENGTH, "it is longer than 16 KiB"));
        }
        Ok(Expression { node: parse::parse(text)?, text: text.to_owned() })
    }
}

/// As it was written.
impl fmt::Display for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl ExpressionFault {
    fn at(at: usize, reason: impl Into<String>) -> Self {
        ExpressionFault { reason: reason.into(), at: Some(at) }
    }

    fn of(reason: impl Into<String>) -> Self {
        ExpressionFault { reason: reason.into(), at: None }
    }
}

impl fmt::Display for ExpressionFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.at {
            Some(at) => write!(f, "{}, at byte {at}", self.reason),
            None => f.write_str(&self.reason),
        }
    }
}

impl std::error::Error for ExpressionFault {}

#[cfg(test)]
mod tests;
