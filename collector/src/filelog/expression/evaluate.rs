//! What an expression is worth for an entry.

use super::{
    ExpressionFault,
    parse::{Binary, Node},
    seen::{Seen, View},
};
use crate::filelog::entry::{Entry, Root, Value};
use std::cmp::Ordering;

/// How large a text may get that an expression makes, in bytes.
pub(super) const MAX_TEXT: usize = 1 << 20;

/// How much of a key a fault shows, in letters.
const MAX_SHOWN: usize = 60;

type Outcome<'a> = Result<Seen<'a>, ExpressionFault>;

pub(super) fn value<'a>(node: &'a Node, entry: &'a Entry) -> Outcome<'a> {
    Ok(match node {
        Node::Literal(value) => Seen::Held(value),
        Node::Root(Root::Body) => Seen::Held(&entry.body),
        Node::Root(Root::Attributes) => Seen::Map(&entry.attributes),
        Node::Root(Root::Resource) => Seen::Map(&entry.resource),
        Node::List(nodes) => {
            let values = nodes.iter().map(|node| Ok(value(node, entry)?.into_value()));
            Seen::Made(Value::List(values.collect::<Result<_, _>>()?))
        }
        Node::Member(of, key, is_optional) => member(value(of, entry)?, value(key, entry)?, *is_optional)?,
        Node::Minus(node) => negative(&value(node, entry)?)?,
        Node::Otherwise(one, other) => match value(one, entry)? {
            seen if matches!(seen.view(), View::Null) => value(other, entry)?,
            seen => seen,
        },
        Node::Conditional(test, one, other) => {
            if truth(test, entry)? {
                value(one, entry)?
            } else {
                value(other, entry)?
            }
        }
        Node::Binary(binary, one, other) => {
            let (one, other) = (value(one, entry)?, value(other, entry)?);
            match arithmetic(*binary, one.view(), other.view())? {
                Some(value) => Seen::Made(value),
                None => bool(is_so(*binary, one.view(), other.view())?),
            }
        }
        Node::Call(function, nodes) => {
            let values = nodes.iter().map(|node| value(node, entry)).collect::<Result<Vec<_>, _>>()?;
            Seen::Made(function.call(&values)?)
        }
        Node::Not(_) | Node::And(..) | Node::Or(..) | Node::Matches(..) => bool(truth(node, entry)?),
    })
}

pub(super) fn truth(node: &Node, entry: &Entry) -> Result<bool, ExpressionFault> {
    match node {
        Node::Not(node) => Ok(!truth(node, entry)?),
        Node::And(one, other) => Ok(truth(one, entry)? && truth(other, entry)?),
        Node::Or(one, other) => Ok(truth(one, entry)? || truth(other, entry)?),
        Node::Matches(node, regex) => match value(node, entry)?.view() {
            View::Text(text) => Ok(regex.is_match(text)),
            View::Null => Ok(false),
            other => Err(ExpressionFault::of(format!("matches needs a text, not {}", other.kind()))),
        },
        _ => match value(node, entry)?.view() {
            View::Bool(truth) => Ok(truth),
            other => Err(ExpressionFault::of(format!("{} is neither true nor false", other.kind()))),
        },
    }
}

fn bool<'a>(truth: bool) -> Seen<'a> {
    Seen::Made(Value::Bool(truth))
}

fn member<'a>(of: Seen<'a>, key: Seen<'a>, is_optional: bool) -> Outcome<'a> {
    match (of.view(), key.view()) {
        (View::Null, _) if is_optional => Ok(Seen::Made(Value::Null)),
        (View::List(list), View::Integer(at)) => {
            let at = if at < 0 { at.saturating_add_unsigned(list.len() as u64) } else { at };
            let found = usize::try_from(at).ok().and_then(|at| list.get(at));
            let absent = || ExpressionFault::of(format!("a list of {} has nothing at {at}", list.len()));
            found.cloned().map(Seen::Made).ok_or_else(absent)
        }
        (holder, View::Text(key)) => {
            // It may be of the entry, and of any length.
            let shown: String = key.chars().take(MAX_SHOWN).collect();
            let absent = || ExpressionFault::of(format!("{} has no {shown:?}", holder.kind()));
            of.member(key).ok_or_else(absent)
        }
        (holder, key) => Err(ExpressionFault::of(format!("{} has nothing at {}", holder.kind(), key.kind()))),
    }
}

fn negative<'a>(seen: &Seen<'_>) -> Outcome<'a> {
    Ok(Seen::Made(match seen.view() {
        View::Integer(number) => Value::Integer(number.wrapping_neg()),
        View::Double(number) => Value::Double(-number),
        other => return Err(ExpressionFault::of(format!("- needs a number, not {}", other.kind()))),
    }))
}

/// What an operator makes; `None`: it tells whether something is so.
fn arithmetic(binary: Binary, one: View<'_>, other: View<'_>) -> Result<Option<Value>, ExpressionFault> {
    let doubles = || one.number().zip(other.number());
    let made = match (binary, one, other) {
        (Binary::Add, View::Text(one), View::Text(other)) if one.len() + other.len() > MAX_TEXT => {
            return Err(ExpressionFault::of("a text gets larger than 1 MiB"));
        }
        (Binary::Add, View::Text(one), View::Text(other)) => Some(Value::Text([one, other].concat())),
        // As Go does: around the corner, instead of a fault.
        (Binary::Add, View::Integer(one), View::Integer(other)) => Some(one.wrapping_add(other).into()),
        (Binary::Subtract, View::Integer(one), View::Integer(other)) => Some(one.wrapping_sub(other).into()),
        (Binary::Multiply, View::Integer(one), View::Integer(other)) => Some(one.wrapping_mul(other).into()),
        (Binary::Modulo, View::Integer(one), View::Integer(other)) => match other {
            0 => return Err(ExpressionFault::of("a division by zero")),
            _ => Some(one.wrapping_rem(other).into()),
        },
        (Binary::Add, ..) => doubles().map(|(one, other)| (one + other).into()),
        (Binary::Subtract, ..) => doubles().map(|(one, other)| (one - other).into()),
        (Binary::Multiply, ..) => doubles().map(|(one, other)| (one * other).into()),
        (Binary::Divide, ..) => doubles().map(|(one, other)| (one / other).into()),
        (Binary::Modulo, ..) => None,
        _ => return Ok(None),
    };
    made.map(Some).ok_or_else(|| senseless(binary, one, other))
}

fn is_so(binary: Binary, one: View<'_>, other: View<'_>) -> Result<bool, ExpressionFault> {
    let compared = |is: fn(Ordering) -> bool| match one.compared(other) {
        Some(order) => Ok(is(order)),
        // A number that is none.
        None if one.number().is_some() && other.number().is_some() => Ok(false),
        None => Err(senseless(binary, one, other)),
    };
    let texts = |is: fn(&str, &str) -> bool| match (one, other) {
        (View::Text(one), View::Text(other)) => Ok(is(one, other)),
        (View::Null, _) | (_, View::Null) => Ok(false),
        _ => Err(senseless(binary, one, other)),
    };
    match binary {
        Binary::Equal => Ok(one.is(other)),
        Binary::Unequal => Ok(!one.is(other)),
        Binary::Less => compared(Ordering::is_lt),
        Binary::LessOrEqual => compared(Ordering::is_le),
        Binary::Greater => compared(Ordering::is_gt),
        Binary::GreaterOrEqual => compared(Ordering::is_ge),
        Binary::Contains => texts(|one, other| one.contains(other)),
        Binary::StartsWith => texts(|one, other| one.starts_with(other)),
        Binary::EndsWith => texts(|one, other| one.ends_with(other)),
        Binary::In => match (one, other) {
            (_, View::List(list)) => Ok(list.iter().any(|item| View::of(item).is(one))),
            (View::Text(key), View::Map(map)) => Ok(map.value(key).is_some()),
            (_, View::Null) => Ok(false),
            _ => Err(senseless(binary, one, other)),
        },
        _ => Err(senseless(binary, one, other)),
    }
}

fn senseless(binary: Binary, one: View<'_>, other: View<'_>) -> ExpressionFault {
    let name = match binary {
        Binary::Equal => "==",
        Binary::Unequal => "!=",
        Binary::Less => "<",
        Binary::LessOrEqual => "<=",
        Binary::Greater => ">",
        Binary::GreaterOrEqual => ">=",
        Binary::In => "in",
        Binary::Contains => "contains",
        Binary::StartsWith => "startsWith",
        Binary::EndsWith => "endsWith",
        Binary::Add => "+",
        Binary::Subtract => "-",
        Binary::Multiply => "*",
        Binary::Divide => "/",
        Binary::Modulo => "%",
    };
    ExpressionFault::of(format!("{name} has no meaning for {} and {}", one.kind(), other.kind()))
}
