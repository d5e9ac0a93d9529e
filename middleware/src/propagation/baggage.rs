//! `baggage`, as W3C Baggage writes it.

use std::{borrow::Cow, fmt::Write};

use http::HeaderName;
use opentelemetry::{
    Context,
    baggage::{Baggage as Members, BaggageExt},
};

use super::{
    OPTIONAL_WHITESPACE,
    carrier::{Sink, Source},
    field::BAGGAGE,
};
use crate::percent;

/// Longest `baggage` header in bytes that is read or written, all lines together (§3.3.2).
pub(super) const LIMIT_BYTES: usize = 8192;
/// Most members that are read (§3.3.2); the API holds no more either.
pub(super) const MOST_MEMBERS: usize = 64;

/// Reads and writes `baggage` (W3C Baggage): names and values that go along with a request through all
/// services. They are not put on spans or log lines.
///
/// Lines are joined. A member that is not valid is left out, the others stay; of members with the same name
/// the last is kept. Values are percent-coded on the wire, properties (`;name=value`) are passed on as they
/// came. At most 64 members and 8,192 bytes are carried; what is over is left out by whole members, and is
/// not looked at.
#[derive(Clone, Copy, Debug, Default)]
pub struct Baggage;

impl Baggage {
    pub(super) fn fields() -> &'static [&'static HeaderName] {
        static FIELDS: [&HeaderName; 1] = [&BAGGAGE];
        &FIELDS
    }

    #[inline]
    pub(super) fn read(&self, base: Option<&Context>, source: &impl Source) -> Option<Context> {
        let mut lines = source.lines(&BAGGAGE).peekable();
        lines.peek()?;
        self.read_lines(base, lines)
    }

    fn read_lines<'a>(
        &self,
        base: Option<&Context>,
        lines: impl Iterator<Item = &'a [u8]>,
    ) -> Option<Context> {
        let mut members = Members::new();
        let mut length = 0;
        let all = lines.flat_map(|line| line.split(|byte| *byte == b','));
        let within = all.take_while(|member| {
            // One more for the comma, which the last does without.
            length += member.len() + 1;
            length <= LIMIT_BYTES + 1
        });
        for (name, value, properties) in within.filter_map(parse_member).take(MOST_MEMBERS) {
            members.insert_with_metadata(name.to_owned(), value.into_owned(), properties);
        }
        (!members.is_empty()).then(|| base.unwrap_or(&Context::new()).with_baggage(members))
    }

    pub(super) fn write(&self, context: &Context, sink: &mut impl Sink) {
        let members = context.baggage();
        if members.is_empty() {
            return;
        }
        let mut header = String::new();
        for (name, value, properties) in sorted(members) {
            let complete = header.len();
            if complete > 0 {
                header.push(',');
            }
            header.push_str(name);
            header.push('=');
            encode(value, is_plain, &mut header);
            if !properties.is_empty() {
                header.push(';');
                encode(properties, is_property, &mut header);
            }
            if header.len() > LIMIT_BYTES {
                header.truncate(complete);
            }
        }
        if !header.is_empty() {
            sink.set(&BAGGAGE, header);
        }
    }
}

/// Parses `name = value ; property ; …` (§3.3.1) into name, decoded value and properties.
fn parse_member(member: &[u8]) -> Option<(&str, Cow<'_, str>, String)> {
    let mut parts = std::str::from_utf8(member).ok()?.split(';');
    let (name, value) = parts.next()?.split_once('=')?;
    let (name, value) = (name.trim_matches(OPTIONAL_WHITESPACE), value.trim_matches(OPTIONAL_WHITESPACE));
    if !is_token(name) || !value.bytes().all(is_octet) {
        return None;
    }
    let mut properties = String::new();
    for property in parts.filter_map(property) {
        let separator = if properties.is_empty() { "" } else { ";" };
        properties.extend([separator, property]);
    }
    Some((name, decode(value), properties))
}

/// Returns a property, `name` or `name = value`, if it is valid.
fn property(property: &str) -> Option<&str> {
    let property = property.trim_matches(OPTIONAL_WHITESPACE);
    let (name, value) = property.split_once('=').unwrap_or((property, ""));
    let (name, value) = (name.trim_matches(OPTIONAL_WHITESPACE), value.trim_matches(OPTIONAL_WHITESPACE));
    (is_token(name) && value.bytes().all(is_octet)).then_some(property)
}

/// A name, as RFC 9110 §5.6.2 defines a token.
pub(super) fn is_token(name: &str) -> bool {
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !name.is_empty() && name.bytes().all(is_token)
}

/// A byte that a value on the wire consists of: visible, without quotes, comma, semicolon and backslash.
pub(super) fn is_octet(byte: u8) -> bool {
    byte.is_ascii_graphic() && !b"\",;\\".contains(&byte)
}

/// A byte of a value that is written as it is; the percent sign is not, or `%41` would come back as `A`.
pub(super) fn is_plain(byte: u8) -> bool {
    is_octet(byte) && byte != b'%'
}

/// A byte of the properties that is written as it is: they are kept as they came, coded already.
fn is_property(byte: u8) -> bool {
    is_octet(byte) || b"; \t".contains(&byte)
}

/// Returns names, values and properties, sorted so that the same members are always written alike.
pub(super) fn sorted(members: &Members) -> Vec<(&str, &str, &str)> {
    let members = members.iter();
    let members = members.map(|(name, (value, rest))| (name.as_str(), value.as_str(), rest.as_str()));
    let mut sorted = Vec::from_iter(members);
    sorted.sort_unstable();
    sorted
}

/// Writes a text with all other bytes percent-coded.
pub(super) fn encode(text: &str, is_plain: fn(u8) -> bool, header: &mut String) {
    for byte in text.bytes() {
        if is_plain(byte) {
            header.push(char::from(byte));
        } else {
            // Writing to a string does not fail.
            let _ = write!(header, "%{byte:02X}");
        }
    }
}

/// Decodes a value; bytes that are not UTF-8 become U+FFFD.
pub(super) fn decode(value: &str) -> Cow<'_, str> {
    if !value.contains('%') {
        return Cow::Borrowed(value);
    }
    let bytes = Vec::from_iter(percent::decoded(value));
    Cow::Owned(String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
mod tests;
