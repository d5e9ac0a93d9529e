//! One line of a log, while operators make a record of it.
//!
//! ```
//! use throughline_collector::filelog::entry::{Entry, Field, Value};
//!
//! let mut entry = Entry::of("GET /hello");
//! let path: Field = r#"attributes["log.file.path"]"#.parse()?;
//! path.set(&mut entry, Value::from("/var/log/hello.log"));
//! assert_eq!(entry.attributes.value("log.file.path"), Some(&Value::from("/var/log/hello.log")));
//! # Ok::<(), throughline_collector::filelog::entry::FieldFault>(())
//! ```
//! An entry has a body, attributes of its own, and those of the resource that it is from. A [`Field`] names a place in it.

mod field; // a place in an entry
mod map; // values by their keys
mod value; // what stands there

pub use field::{Field, FieldFault, Root};
pub use map::{Key, Map};
pub use value::Value;

/// One line of a log, or several that were put together.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Entry {
    /// What it says: as read, a text.
    pub body: Value,
    /// What is known about it.
    pub attributes: Map,
    /// What is known about where it is from.
    pub resource: Map,
    /// When it happened, in nanoseconds since 1970, if that is known.
    pub timestamp: Option<u64>,
    /// When it was read, in nanoseconds since 1970.
    pub observed: u64,
    /// How severe it is, by the numbers of OpenTelemetry, 1 to 24; 0: unknown.
    pub severity_number: u8,
    /// How severe it is, in its own word.
    pub severity_text: String,
    /// The trace that it belongs to.
    pub trace_id: Option<[u8; 16]>,
    /// The span that it belongs to.
    pub span_id: Option<[u8; 8]>,
    /// The flags of that trace.
    pub trace_flags: Option<u8>,
    /// The instrumentation scope; empty: none.
    pub scope_name: String,
    /// What the reader knows it by: a number that grows from one to the next. Of those put together it is the first's.
    pub mark: u64,
}

impl Entry {
    /// An entry that says this, and nothing else is known about it.
    pub fn of(body: impl Into<Value>) -> Self {
        Entry { body: body.into(), ..Entry::default() }
    }
}
