//! The members of `tracestate` (W3C Trace Context level 2 §3.3).

use opentelemetry::trace::TraceState;

use super::OPTIONAL_WHITESPACE;

/// Most members of a `tracestate` (§3.3.1.1).
pub(super) const MOST_MEMBERS: usize = 32;
/// Longest key and longest value of a member, in bytes (§3.3.1.3).
const MEMBER_LIMIT_BYTES: usize = 256;

/// Parses all lines of a `tracestate` (§3.3.1). One member that is not valid, or one too many, voids the
/// list; of members with the same key the first is kept.
pub(super) fn parse<'a>(lines: impl Iterator<Item = &'a [u8]>) -> Option<Vec<(&'a str, &'a str)>> {
    let mut members = Vec::<(&str, &str)>::new();
    for member in lines.flat_map(|line| line.split(|byte| *byte == b',')) {
        let member = std::str::from_utf8(member).ok()?.trim_matches(OPTIONAL_WHITESPACE);
        if member.is_empty() {
            continue;
        }
        let (key, value) = member.split_once('=')?;
        if !is_key(key) || !is_value(value) {
            return None;
        }
        if members.iter().any(|(known, _)| *known == key) {
            continue;
        }
        if members.len() == MOST_MEMBERS {
            return None;
        }
        members.push((key, value));
    }
    Some(members)
}

fn is_key(key: &str) -> bool {
    let is_first = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let is_further = |byte: u8| is_first(&byte) || b"_-*/@".contains(&byte);
    key.len() <= MEMBER_LIMIT_BYTES
        && key.as_bytes().first().is_some_and(is_first)
        && key.bytes().all(is_further)
}

fn is_value(value: &str) -> bool {
    let is_allowed = |byte: u8| matches!(byte, b' '..=b'~') && byte != b',' && byte != b'=';
    (1..=MEMBER_LIMIT_BYTES).contains(&value.len()) && value.bytes().all(is_allowed)
}

/// Returns as many of the members as the API's type can hold: it still has level 1's rule for `@`.
pub(super) fn shown(members: &[(&str, &str)]) -> TraceState {
    if members.is_empty() {
        return TraceState::NONE;
    }
    let members = members.iter().copied();
    TraceState::from_key_value(members.clone())
        .or_else(|_| TraceState::from_key_value(members.filter(|member| is_shown(*member))))
        .unwrap_or_default()
}

/// Says whether the API's type can hold a member.
pub(super) fn is_shown(member: (&str, &str)) -> bool {
    TraceState::from_key_value([member]).is_ok()
}

/// Splits what [`join`] joined.
pub(super) fn members(joined: &str) -> impl Iterator<Item = (&str, &str)> {
    joined.split(',').filter_map(|member| member.split_once('='))
}

/// Writes members as one line.
pub(super) fn join(members: &[(&str, &str)]) -> String {
    let length = members.iter().map(|(key, value)| key.len() + value.len() + 2).sum();
    let mut joined = String::with_capacity(length);
    for (key, value) in members {
        let separator = if joined.is_empty() { "" } else { "," };
        joined.extend([separator, key, "=", value]);
    }
    joined
}
