//! The form of a line: its members, one after the other.
//!
//! What never changes, the names and what stands around values, is made once, so that a line is little more
//! than copies. Each member begins with its separator; the first one is made up for at the end.

use super::{
    Keys,
    escape::{Escaped, Place, escape, hexadecimal, quoted},
    ids::Ids,
    line::Line,
    value::show,
};
use crate::config::{Log, LogFormat};
use std::{fmt, time::SystemTime};
use tracing::Level;

const DIM: &str = "\x1b[2m";
const RESET: &str = "\x1b[0m";

/// How lines are written. The names come with all that stands before their values; empty: left out.
#[derive(Debug)]
pub(super) struct Form {
    pub(super) format: LogFormat,
    /// Fields stand beside the members that are ours.
    pub(super) flat: bool,
    /// After what is dim.
    reset: &'static str,
    timestamp: String,
    /// With their values.
    severities: [String; 5],
    trace_id: String,
    span_id: String,
    trace_flags: String,
    sampled: String,
    target: String,
    file: String,
    line: String,
    pub(super) message: String,
    pub(super) fields: String,
    span: String,
    pub(super) span_fields: String,
    /// The members that are the same in every line.
    constant: String,
    /// Names that a field beside ours must not take.
    taken: Vec<String>,
}

impl Form {
    pub(super) fn new(log: &Log, colors: bool) -> Self {
        let format = log.format;
        let colors = colors && format == LogFormat::Text;
        let keys = &log.keys;
        let before = |key: &str, value: &str| before(format, key, value);
        let dim = |text: String| {
            if colors && !text.is_empty() { text.replacen(' ', &format!(" {DIM}"), 1) } else { text }
        };
        // In text these are known by their place.
        let bare = |key: &str, value: &str| match format {
            LogFormat::Text if !key.is_empty() => " ".to_owned(),
            _ => before(key, value),
        };
        let object = |key: &str| match log.flat || format != LogFormat::Json || key.is_empty() {
            true => String::new(),
            false => before(key, "{"),
        };
        let quote = if format == LogFormat::Json { "\"" } else { "" };
        let reset = if colors { RESET } else { "" };
        let severities = [0, 1, 2, 3, 4].map(|level| severity(format, keys, level, colors));
        let (constant, taken) = constant(log);
        Form {
            format,
            flat: log.flat || format != LogFormat::Json,
            reset,
            timestamp: dim(bare(&keys.timestamp, quote)),
            severities,
            trace_id: dim(before(&keys.trace_id, &format!("{quote}{}", prefix(format, &keys.trace_prefix)))),
            span_id: dim(before(&keys.span_id, quote)),
            trace_flags: if format == LogFormat::Text {
                String::new()
            } else {
                before(&keys.trace_flags, quote)
            },
            sampled: before(&keys.sampled, ""),
            target: dim(bare(&keys.target, "")),
            file: if log.source { bare(&keys.file, "") } else { String::new() },
            line: match format {
                _ if !log.source || keys.line.is_empty() => String::new(),
                LogFormat::Text => ":".to_owned(),
                _ => before(&keys.line, ""),
            },
            message: bare(&keys.message, ""),
            fields: object(&keys.fields),
            span: if log.span_fields { before(&keys.span, "") } else { String::new() },
            span_fields: object(&keys.span_fields),
            constant,
            taken,
        }
    }

    /// What stands before the fields.
    pub(super) fn head(
        &self,
        line: &mut Line,
        level: Level,
        ids: Option<&Ids>,
        target: &str,
        source: Source<'_>,
    ) {
        let bytes = &mut line.bytes;
        if !self.timestamp.is_empty() {
            bytes.extend_from_slice(self.timestamp.as_bytes());
            line.clock.write(bytes, SystemTime::now());
            self.close(bytes);
        }
        bytes.extend_from_slice(self.severities[index(level)].as_bytes());
        if let Some(ids) = ids {
            self.ids(bytes, ids);
        }
        bytes.extend_from_slice(self.constant.as_bytes());
        if !self.target.is_empty() {
            bytes.extend_from_slice(self.target.as_bytes());
            match self.format {
                LogFormat::Text => {
                    escape(bytes, target, Place::Open);
                    bytes.extend_from_slice(self.reset.as_bytes());
                    bytes.push(b':');
                }
                format => text(bytes, format, target),
            }
        }
        self.source(bytes, source);
    }

    /// In text it is `file:line:`, as compilers write it.
    fn source(&self, bytes: &mut Vec<u8>, source: Source<'_>) {
        let start = bytes.len();
        if let (false, Some(file)) = (self.file.is_empty(), source.file) {
            bytes.extend_from_slice(self.file.as_bytes());
            match self.format {
                LogFormat::Text => escape(bytes, file, Place::Open),
                format => text(bytes, format, file),
            }
        }
        if let (false, Some(number)) = (self.line.is_empty(), source.line) {
            bytes.extend_from_slice(self.line.as_bytes());
            bytes.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
        }
        if self.format == LogFormat::Text && bytes.len() > start {
            bytes.push(b':');
        }
    }

    fn ids(&self, bytes: &mut Vec<u8>, ids: &Ids) {
        self.digits(bytes, &self.trace_id, ids.trace_id.to_bytes());
        self.digits(bytes, &self.span_id, ids.span_id.to_bytes());
        self.digits(bytes, &self.trace_flags, [ids.flags.to_u8()]);
        if !self.sampled.is_empty() {
            bytes.extend_from_slice(self.sampled.as_bytes());
            bytes.extend_from_slice(if ids.flags.is_sampled() { b"true" } else { b"false" });
        }
    }

    fn digits<const BYTES: usize>(&self, bytes: &mut Vec<u8>, key: &str, value: [u8; BYTES]) {
        if !key.is_empty() {
            bytes.extend_from_slice(key.as_bytes());
            hexadecimal(bytes, value);
            self.close(bytes);
        }
    }

    /// The end of a value that needs no escapes.
    fn close(&self, bytes: &mut Vec<u8>) {
        match self.format {
            LogFormat::Json => bytes.push(b'"'),
            _ => bytes.extend_from_slice(self.reset.as_bytes()),
        }
    }

    /// The name of the span.
    pub(super) fn span(&self, line: &mut Line, name: &str) {
        if !self.span.is_empty() {
            line.bytes.extend_from_slice(self.span.as_bytes());
            text(&mut line.bytes, self.format, name);
        }
    }

    /// Whether a field beside ours has the name of one, as it will stand there.
    pub(super) fn is_taken(&self, name: &str) -> bool {
        let same = |taken: &String| match self.format {
            LogFormat::Json => taken == name,
            _ => taken.len() == name.len() && taken.bytes().map(in_word).eq(name.bytes().map(in_word)),
        };
        self.taken.iter().any(same)
    }

    /// The line, complete.
    pub(super) fn end<'a>(&self, line: &'a mut Line) -> &'a [u8] {
        match self.format {
            LogFormat::Json => {
                match line.bytes.first_mut() {
                    Some(separator) => *separator = b'{',
                    None => line.bytes.push(b'{'),
                }
                line.bytes.extend_from_slice(b"}\n");
                &line.bytes
            }
            _ => {
                line.bytes.push(b'\n');
                let separators = usize::from(line.bytes.len() > 1);
                &line.bytes[separators..]
            }
        }
    }
}

/// Where in the source an event is.
#[derive(Clone, Copy, Default)]
pub(super) struct Source<'a> {
    pub(super) file: Option<&'a str>,
    pub(super) line: Option<u32>,
}

/// A text that the program gave as text.
pub(super) fn text(bytes: &mut Vec<u8>, format: LogFormat, value: &str) {
    match format {
        LogFormat::Logfmt if is_simple(value.as_bytes()) => bytes.extend_from_slice(value.as_bytes()),
        _ => quoted(bytes, value),
    }
}

/// Needs no quotes in logfmt.
fn is_simple(value: &[u8]) -> bool {
    let simple = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.:/+@".contains(byte);
    !value.is_empty() && value.iter().all(simple)
}

/// A text that `Debug` or `Display` makes.
pub(super) fn shown(bytes: &mut Vec<u8>, format: LogFormat, value: fmt::Arguments<'_>) {
    match format {
        LogFormat::Text => show(&mut Escaped { bytes, place: Place::Open }, value),
        _ => {
            let start = bytes.len();
            bytes.push(b'"');
            show(&mut Escaped { bytes, place: Place::Quoted }, value);
            match format == LogFormat::Logfmt && is_simple(&bytes[start + 1..]) {
                true => drop(bytes.remove(start)),
                false => bytes.push(b'"'),
            }
        }
    }
}

/// The name of a field in text and logfmt, where what ends a name cannot be in it.
pub(super) fn word(bytes: &mut Vec<u8>, name: &str) {
    let start = bytes.len();
    escape(bytes, name, Place::Open);
    bytes[start..].iter_mut().for_each(|byte| *byte = in_word(*byte));
}

fn in_word(byte: u8) -> u8 {
    if matches!(byte, b' ' | b'=' | b'"') { b'_' } else { byte }
}

/// A separator, the name, and what begins the value; nothing for a member without a name.
fn before(format: LogFormat, key: &str, value: &str) -> String {
    let mut bytes = Vec::new();
    match format {
        _ if key.is_empty() => {}
        LogFormat::Json => {
            bytes.push(b',');
            quoted(&mut bytes, key);
            bytes.push(b':');
        }
        _ => {
            bytes.push(b' ');
            word(&mut bytes, key);
            bytes.push(b'=');
        }
    }
    if !bytes.is_empty() {
        bytes.extend_from_slice(value.as_bytes());
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn severity(format: LogFormat, keys: &Keys, level: usize, colors: bool) -> String {
    const COLORS: [&str; 5] = ["35", "34", "32", "33", "31"];
    let mut name = Vec::new();
    escape(&mut name, &keys.severities[level], Place::Open);
    let name = String::from_utf8_lossy(&name);
    match format {
        _ if keys.severity.is_empty() => String::new(),
        LogFormat::Text if colors => format!(" \x1b[{}m{name:>5}{RESET}", COLORS[level]),
        LogFormat::Text => format!(" {name:>5}"),
        _ => {
            let mut member = before(format, &keys.severity, "").into_bytes();
            text(&mut member, format, &keys.severities[level]);
            String::from_utf8_lossy(&member).into_owned()
        }
    }
}

/// What stands before the digits of a trace, in the quotes of JSON or as a part of a word.
fn prefix(format: LogFormat, prefix: &str) -> String {
    let mut bytes = Vec::new();
    match format {
        LogFormat::Json => escape(&mut bytes, prefix, Place::Quoted),
        _ => word(&mut bytes, prefix),
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn index(level: Level) -> usize {
    match level {
        Level::TRACE => 0,
        Level::DEBUG => 1,
        Level::INFO => 2,
        Level::WARN => 3,
        Level::ERROR => 4,
    }
}

/// The members that every line has, and the names that are taken by them and by ours.
fn constant(log: &Log) -> (String, Vec<String>) {
    let Keys { timestamp, severity, trace_id, span_id, trace_flags, sampled, target, .. } = &log.keys;
    let Keys { file, line, message, fields, span, span_fields, .. } = &log.keys;
    let mut ours = vec![timestamp, severity, trace_id, span_id, trace_flags, sampled, target, message];
    if log.source {
        ours.extend([file, line]);
    }
    if log.span_fields {
        ours.push(span);
    }
    if log.format == LogFormat::Json && !log.flat {
        ours.extend([fields, span_fields]);
    }
    let mut taken: Vec<String> = ours.into_iter().map(ToString::to_string).collect();
    let mut constant = Vec::new();
    for (key, value) in &log.attributes {
        if !key.is_empty() && !taken.contains(key) {
            taken.push(key.clone());
            constant.extend_from_slice(before(log.format, key, "").as_bytes());
            text(&mut constant, log.format, value);
        }
    }
    (String::from_utf8_lossy(&constant).into_owned(), taken)
}
