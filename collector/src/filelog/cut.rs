//! Where one entry ends and the next one begins, in the bytes of a file.

mod wide; // lines in UTF-16

use super::{Encoding, Multiline, Options};
use crate::{Error, syntax::of_lines};
use regex::bytes::{Match, Regex};
use std::ops::Range;
pub(super) use wide::Order;

/// How a file is cut into entries.
pub(super) struct Cut {
    rule: Rule,
    /// An entry of more bytes is divided.
    max_bytes: usize,
    keeps_leading: bool,
    keeps_trailing: bool,
    is_text: bool,
}

enum Rule {
    Lines,
    Wide(Order),
    Start { pattern: Regex, omit: bool },
    End { pattern: Regex, omit: bool },
}

/// One entry.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Piece<'a> {
    /// Without what stands around it; it may be empty.
    pub(super) text: &'a [u8],
    /// How far it reaches: where the next one begins.
    pub(super) length: usize,
}

impl Cut {
    pub(super) fn new(options: &Options) -> Result<Self, Error> {
        let compile = |pattern: &str| {
            of_lines(pattern).map_err(|fault| Error::file_log(&options.name, format!("the pattern {fault}")))
        };
        let rule = match (&options.multiline, order(options.encoding)) {
            (Some(_), Some(_)) => {
                let fault = "multiline is for lines in UTF-8; use recombine for those in UTF-16";
                return Err(Error::file_log(&options.name, fault.to_owned()));
            }
            (None, Some(order)) => Rule::Wide(order),
            (None, None) => Rule::Lines,
            (Some(Multiline::Start { pattern, omit }), None) => {
                Rule::Start { pattern: compile(pattern)?, omit: *omit }
            }
            (Some(Multiline::End { pattern, omit }), None) => {
                Rule::End { pattern: compile(pattern)?, omit: *omit }
            }
        };
        Ok(Cut {
            rule,
            max_bytes: options.max_log_size,
            keeps_leading: options.preserve_leading_whitespaces,
            keeps_trailing: options.preserve_trailing_whitespaces,
            is_text: options.encoding == Encoding::Utf8,
        })
    }

    /// How many bytes have to be seen at once, so that the longest entry can be cut.
    pub(super) fn needs(&self) -> usize {
        // Besides, the line feed, and what stands before it.
        self.max_bytes.saturating_add(if matches!(self.rule, Rule::Wide(_)) { 4 } else { 2 })
    }

    /// How many bytes at the beginning of a text are none: never written, they read as zeros.
    pub(super) fn hole(&self, data: &[u8]) -> usize {
        match self.rule {
            Rule::Wide(order) => order.hole(data),
            _ => data.iter().take_while(|byte| self.is_text && **byte == 0).count(),
        }
    }

    /// The first entry of the data; `None`: there is no whole one. At the end, what is there is whole.
    pub(super) fn first<'a>(&self, data: &'a [u8], is_end: bool) -> Option<Piece<'a>> {
        let seen = &data[..data.len().min(self.needs())];
        let is_end = is_end && seen.len() == data.len();
        let found = match &self.rule {
            Rule::Wide(order) => order.line(seen),
            Rule::Lines => memchr::memchr(b'\n', seen).map(|at| (0..at, at + 1)),
            Rule::Start { pattern, omit } => start(pattern, *omit, seen, is_end),
            Rule::End { pattern, omit } => end(pattern, *omit, seen, is_end),
        };
        let fits = |range: &Range<usize>| {
            let text = &seen[range.clone()];
            let text = match self.rule {
                Rule::Wide(order) => order.trimmed(text, true, true),
                _ => text.strip_suffix(b"\r").unwrap_or(text),
            };
            text.len() <= self.max_bytes
        };
        let (range, length) = match found.or_else(|| self.rest(seen).filter(|_| is_end)) {
            Some(found) if fits(&found.0) => found,
            None if seen.len() < self.needs() => return None,
            _ => self.divided(seen),
        };
        Some(Piece { text: self.trimmed(&seen[range]), length })
    }

    /// All that is there.
    fn rest(&self, data: &[u8]) -> Found {
        let from = match &self.rule {
            Rule::Wide(_) => return Order::rest(data),
            Rule::Start { pattern, omit: true } => own(pattern, data).map_or(0, |own| own.end()),
            _ => 0,
        };
        (!data.is_empty()).then_some((from..data.len(), data.len()))
    }

    /// As much as an entry may have, and no half of a character.
    fn divided(&self, data: &[u8]) -> (Range<usize>, usize) {
        if let Rule::Wide(order) = self.rule {
            return order.divided(data, self.max_bytes);
        }
        let is_inside = |at: usize| data.get(at).is_some_and(|byte| byte & 0xc0 == 0x80);
        let max = self.max_bytes.min(data.len());
        let border = (max.saturating_sub(3)..=max).rev().find(|at| !is_inside(*at));
        let at = border.filter(|at| self.is_text && *at > 0).unwrap_or(max);
        (0..at, at)
    }

    fn trimmed<'a>(&self, mut text: &'a [u8]) -> &'a [u8] {
        if let Rule::Wide(order) = self.rule {
            return order.trimmed(text, self.keeps_leading, self.keeps_trailing);
        }
        let is_white = |byte: &u8| matches!(byte, b'\r' | b'\n' | b'\t' | b' ');
        match self.keeps_trailing {
            // What ends a line is no part of it.
            true if matches!(self.rule, Rule::Lines) => text = text.strip_suffix(b"\r").unwrap_or(text),
            true => {}
            false => text = &text[..text.iter().rposition(|byte| !is_white(byte)).map_or(0, |at| at + 1)],
        }
        if !self.keeps_leading {
            text = &text[text.iter().position(|byte| !is_white(byte)).unwrap_or(text.len())..];
        }
        text
    }
}

/// Of UTF-16.
fn order(encoding: Encoding) -> Option<Order> {
    match encoding {
        Encoding::Utf16Le => Some(Order::Little),
        Encoding::Utf16Be => Some(Order::Big),
        Encoding::Utf8 | Encoding::Nop => None,
    }
}

/// Where the text of an entry is, and where the next one begins.
type Found = Option<(Range<usize>, usize)>;

/// An entry ends where the next one begins. A line that is still written may not be what it seems.
fn start(pattern: &Regex, omit: bool, data: &[u8], is_end: bool) -> Found {
    let known = if is_end { data } else { lines(data) };
    let own = own(pattern, known);
    let from = own.map_or(1, |own| own.end());
    let next = known.get(from..).and_then(|_| pattern.find_at(known, from))?;
    Some((own.filter(|_| omit).map_or(0, |own| own.end())..next.start(), next.start()))
}

/// What begins the entry itself.
fn own<'a>(pattern: &Regex, data: &'a [u8]) -> Option<Match<'a>> {
    pattern.find(data).filter(|found| found.start() == 0 && !found.is_empty())
}

/// An entry ends behind its end. At the end of what is known it may go on.
fn end(pattern: &Regex, omit: bool, data: &[u8], is_end: bool) -> Found {
    let is_whole = |found: &Match<'_>| !found.is_empty() && (is_end || found.end() < data.len());
    let found = pattern.find(data).filter(is_whole)?;
    Some((0..if omit { found.start() } else { found.end() }, found.end()))
}

/// All whole lines.
fn lines(data: &[u8]) -> &[u8] {
    &data[..memchr::memrchr(b'\n', data).map_or(0, |at| at + 1)]
}

#[cfg(test)]
mod tests;
