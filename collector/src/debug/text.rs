//! Values and times as they are written, and where they are written to.

use crate::{
    time::{day, printable},
    trace::{Attributes, Value},
};
use std::fmt::{self, Write};

/// A text up to a bound: what goes beyond is an error, and cut off.
pub(super) struct Text {
    out: String,
    most: usize,
}

impl Text {
    pub(super) fn new(most: usize) -> Self {
        Text { out: String::new(), most }
    }

    /// The text; a mark stands for what did not fit, and an empty line behind what has several lines.
    pub(super) fn finish(mut self, is_whole: bool, has_end: bool) -> String {
        if !is_whole {
            let _ = write!(self.out, "\n… {} bytes of a larger text", self.out.len());
            self.out.push('\n');
        }
        if has_end {
            self.out.push('\n');
        }
        self.out
    }
}

impl Write for Text {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        if self.out.len() + text.len() > self.most {
            return Err(fmt::Error);
        }
        self.out.push_str(text);
        Ok(())
    }
}

/// Attributes on one line, each behind a space: ` service.name=checkout`.
pub(super) fn pairs(attributes: &Attributes, text: &mut Text) -> fmt::Result {
    attributes.iter().try_for_each(|(name, value)| write!(text, " {}={}", printable(name), bare(value)))
}

/// Attributes on a line each: `     -> service.name: Str(checkout)`.
pub(super) fn list(indent: usize, attributes: &Attributes, text: &mut Text) -> fmt::Result {
    attributes.iter().try_for_each(|(name, value)| {
        writeln!(text, "{:indent$}-> {}: {}", "", printable(name), typed(value))
    })
}

/// A value without its type.
pub(super) fn bare(value: &Value) -> String {
    printable(&value.to_string())
}

/// A value with its type.
pub(super) fn typed(value: &Value) -> String {
    let name = match value {
        Value::Empty => "Empty",
        Value::Text(_) => "Str",
        Value::Bool(_) => "Bool",
        Value::Int(_) => "Int",
        Value::Double(_) => "Double",
        Value::Array(_) => "Slice",
        Value::Map(_) => "Map",
        Value::Bytes(_) => "Bytes",
    };
    format!("{name}({})", bare(value))
}

/// A time in UTC, with as many digits as it needs: `2018-12-13 14:51:00.3 +0000 UTC`.
pub(super) fn moment(nanos: u64) -> String {
    let seconds = nanos / 1_000_000_000;
    let mut fraction = format!(".{:09}", nanos % 1_000_000_000);
    fraction.truncate(fraction.trim_end_matches('0').trim_end_matches('.').len());
    let (hours, minutes) = (seconds / 3600 % 24, seconds / 60 % 60);
    format!("{} {hours:02}:{minutes:02}:{:02}{fraction} +0000 UTC", day(nanos), seconds % 60)
}
