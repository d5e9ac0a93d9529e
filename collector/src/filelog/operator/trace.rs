//! To which trace and span it belongs.

use crate::filelog::entry::Field;

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
