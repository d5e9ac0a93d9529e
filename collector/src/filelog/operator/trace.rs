//! To which trace and span it belongs.

use super::Outcome;
use crate::filelog::entry::{Entry, Field, Value};
use std::borrow::Cow;

/// Where the ids of trace and span are, as hexadecimal digits.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct TraceContext {
    /// Where the trace's id is. Default: `body.trace_id`.
    pub trace_id: Field,
    /// Where the span's id is. Default: `body.span_id`.
    pub span_id: Field,
    /// Where the flags are. Default: `body.trace_flags`.
    pub trace_flags: Field,
}

impl Default for TraceContext {
    fn default() -> Self {
        let body = |key: &str| Field { keys: vec![key.into()], ..Field::BODY };
        TraceContext {
            trace_id: body("trace_id"),
            span_id: body("span_id"),
            trace_flags: body("trace_flags"),
        }
    }
}

impl TraceContext {
    /// Reads the ids and puts them where they belong. What is not there stays as it is.
    pub(super) fn apply(&self, entry: &mut Entry) -> Outcome {
        let trace = self.trace_id.bytes(entry).map(|id| {
            // An id of zeros is none.
            entry.trace_id = id.map_or(entry.trace_id, |id| (id != [0; 16]).then_some(id));
        });
        let span = self.span_id.bytes(entry).map(|id| {
            entry.span_id = id.map_or(entry.span_id, |id| (id != [0; 8]).then_some(id));
        });
        let flags = self.trace_flags.bytes(entry).map(|flags| {
            entry.trace_flags = flags.map_or(entry.trace_flags, |[flags]| Some(flags));
        });
        trace.and(span).and(flags)
    }
}

impl Field {
    /// The bytes that hexadecimal digits say; none are the same as no field.
    fn bytes<const COUNT: usize>(&self, entry: &Entry) -> Result<Option<[u8; COUNT]>, Cow<'static, str>> {
        let text = match self.value(entry) {
            None | Some(Value::Null) => return Ok(None),
            Some(Value::Text(text)) => text,
            Some(other) => return Err(format!("{self} is {}, no text", other.kind()).into()),
        };
        if text.is_empty() {
            return Ok(None);
        }
        let mut bytes = [0; COUNT];
        let is_whole = text.len() == COUNT * 2 && text.bytes().all(|digit| digit.is_ascii_hexdigit());
        for (byte, at) in bytes.iter_mut().zip((0..).step_by(2)) {
            let digits = text.get(at..at + 2).filter(|_| is_whole);
            let read = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok());
            *byte = read.ok_or_else(|| format!("{self} is not {} hexadecimal digits", COUNT * 2))?;
        }
        Ok(Some(bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::filelog::entry::Map;

    fn read(trace_id: &str, span_id: &str, flags: &str) -> (Outcome, Entry) {
        let pairs = [("trace_id", trace_id), ("span_id", span_id), ("trace_flags", flags)];
        let body: Map = pairs.into_iter().filter(|(_, text)| *text != "-").collect();
        let mut entry = Entry::of(Value::Map(body));
        (TraceContext::default().apply(&mut entry), entry)
    }

    #[test]
    fn ids_are_read_each_for_itself() {
        let (outcome, entry) = read("4bf92f3577b34da6a3ce929d0e0e4736", "00F067AA0BA902B7", "01");
        assert_eq!(outcome, Ok(()));
        assert_eq!(entry.trace_id.unwrap()[..3], [0x4b, 0xf9, 0x2f]);
        assert_eq!(
            (entry.span_id, entry.trace_flags),
            (Some([0, 0xf0, 0x67, 0xaa, 0x0b, 0xa9, 2, 0xb7]), Some(1))
        );

        let (outcome, entry) = read("4bf92f35", "00f067aa0ba902b7", "-");
        assert_eq!(outcome.unwrap_err(), "body.trace_id is not 32 hexadecimal digits");
        assert_eq!((entry.trace_id, entry.span_id.is_some(), entry.trace_flags), (None, true, None));

        let (outcome, entry) = read(&"0".repeat(32), "", "+1");
        assert_eq!(outcome.unwrap_err(), "body.trace_flags is not 2 hexadecimal digits");
        assert_eq!((entry.trace_id, entry.span_id), (None, None));
    }
}
