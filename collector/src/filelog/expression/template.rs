//! Texts with expressions in them.

use super::{Expression, ExpressionFault};
use crate::filelog::entry::{Entry, Value};

/// What a text with expressions begins with.
const BEGIN: &str = "EXPR(";

/// A text in which each `EXPR(…)` is an expression that is worth a text: `node-EXPR(resource.host)`.
///
/// As a whole, `EXPR(…)` may be worth anything.
#[derive(Clone, Debug)]
pub enum Template {
    /// The same for all entries.
    Fixed(String),
    /// Only an expression.
    Whole(Expression),
    /// Texts, each with an expression behind it, and the last text.
    Mixed(Vec<(String, Expression)>, String),
}

impl Template {
    /// Reads a text. What begins like an expression and does not end is text.
    ///
    /// # Errors
    /// An expression in it has a fault.
    pub fn new(text: &str) -> Result<Self, ExpressionFault> {
        let mut parts: Vec<(String, Expression)> = Vec::new();
        let mut rest = text;
        while let Some((before, behind)) = rest.split_once(BEGIN) {
            // An expression ends with the last bracket before the next one begins.
            let next = behind.find(BEGIN).unwrap_or(behind.len());
            let Some(end) = behind[..next].rfind(')') else { break };
            parts.push((before.to_owned(), behind[..end].parse()?));
            rest = &behind[end + 1..];
        }
        Ok(match (&mut *parts, rest) {
            ([], _) => Template::Fixed(text.to_owned()),
            ([(before, expression)], "") if before.is_empty() => Template::Whole(expression.clone()),
            _ => Template::Mixed(parts, rest.to_owned()),
        })
    }

    /// What it says for an entry.
    ///
    /// # Errors
    /// An expression has no value, or one of several parts is no text.
    pub fn value(&self, entry: &Entry) -> Result<Value, ExpressionFault> {
        match self {
            Template::Fixed(text) => Ok(Value::Text(text.clone())),
            Template::Whole(expression) => expression.value(entry),
            Template::Mixed(parts, last) => {
                let mut whole = String::new();
                for (before, expression) in parts {
                    whole.push_str(before);
                    match expression.value(entry)? {
                        Value::Text(text) => whole.push_str(&text),
                        other => {
                            return Err(ExpressionFault::of(format!("EXPR(…) is {}, no text", other.kind())));
                        }
                    }
                }
                Ok(Value::Text(whole + last))
            }
        }
    }
}
