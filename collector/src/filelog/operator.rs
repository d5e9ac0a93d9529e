//! What is done to log entries, one operator after the other, as the OpenTelemetry Collector's file log receiver does it.
//!
//! ```
//! use throughline_collector::filelog::{
//!     entry::{Entry, Value},
//!     operator::{Operator, Parse, Pipeline, Task},
//! };
//!
//! let regex = r"trace_id=(?P<trace_id>[0-9a-f]{32}) (?P<message>.*)".to_owned();
//! let parse = Parse::default();
//! let mut pipeline = Pipeline::new(&[Operator::from(Task::Regex { regex, cache: 0, parse })])?;
//! pipeline.run(Entry::of("trace_id=4bf92f3577b34da6a3ce929d0e0e4736 hello"), &mut |entry| {
//!     assert_eq!(entry.attributes.value("message"), Some(&Value::from("hello")));
//! });
//! # Ok::<(), throughline_collector::filelog::operator::Fault>(())
//! ```
//!
//! # Semantics
//! Entries begin at the first operator. From each they go to the next one, or to those that its
//! [outputs](Operator::outputs) name; after the last one they are out. An operator whose
//! [condition](Operator::condition) is false lets an entry pass, and one that cannot work on an entry does with it what
//! [`OnError`] says: nothing is lost unless it is asked for. What an operator could not do is counted, and said for
//! the first time: which operator, and why, without a word of what the line says.
//!
//! [`Task::Recombine`] and [`Task::Container`] hold entries back until those they belong to have come, or for five
//! seconds: [`Pipeline::flush_until`] has to be called now and then. [`Pipeline::oldest_mark`] tells from which
//! [`mark`](super::entry::Entry::mark) on lines would have to be read again if everything ended now.
//!
//! Where the Collector is documented one way, this goes the same way, with these exceptions: a filter whose expression
//! has no value lets the entry go on; the parts of a container's line are told apart by stream, not only by file; a
//! line of Docker loses the line feed at its end; fields have to begin with `body`, `attributes` or `resource`; the
//! part of a second of epochs (`s.ms`) is a decimal fraction, however many digits there are; numbers of a JSON array
//! keep their fraction; a line of syslog may be without a time, and then has none.
//!
//! # Limits
//! There are the types that [`Task`] lists. Ids of traces and spans have 32 and 16 digits, or are a fault. A pipeline
//! has at most 250 operators; its memory is that of what waits to be put together, for which [`Recombine`] and
//! [`Container`] have bounds, and of what [`Task::Regex`] remembers.

mod array; // … of arrays
mod container; // … of lines of containers
mod csv; // … of rows
mod json; // … of objects
mod pairs; // … of keys and values
mod parse; // … from where, to where
mod pipeline; // operators, connected
mod place; // values put somewhere else
mod recombine; // entries put together
mod regex; // … of whatever a pattern says
mod syslog; // … of lines of syslog
mod text; // texts changed where they stand
mod uri; // … of addresses
mod severity; // how severe it is
mod timestamp; // when it happened
mod trace; // to what it belongs
mod work; // one operator, ready to run

use super::entry::{Field, Map, Value};
pub use container::{Container, Format};
pub use csv::{Csv, Header, Quotes};
pub use parse::Parse;
use pipeline::Step;
pub use pipeline::{Counts, Fault, Pipeline};
pub use recombine::{Boundary, Recombine};
pub use severity::{Meaning, Preset, Severity};
use std::borrow::Cow;
pub use syslog::{Framing, Protocol, Syslog};
pub use timestamp::{LayoutType, Timestamp};
pub use trace::TraceContext;

/// Whether an entry could be worked on, or why not, in words that quote nothing of what it says.
type Outcome = Result<(), Cow<'static, str>>;

/// One operator: what it does, when, and where entries go from it.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Operator {
    /// What others call it. Default: its [type](Task::name), with a number behind it if there are several.
    pub id: Option<String>,
    /// An expression: entries for which it is false pass by unchanged (`if`). Default: all are worked on.
    pub condition: Option<String>,
    /// What becomes of an entry that it cannot work on. Default: it is sent on.
    pub on_error: OnError,
    /// The operators that its entries go to, by their id. Default, none: the next one, after the last one out.
    pub outputs: Vec<String>,
    /// What it does.
    pub task: Task,
}

/// With defaults for everything else.
impl From<Task> for Operator {
    fn from(task: Task) -> Self {
        Operator { id: None, condition: None, on_error: OnError::default(), outputs: Vec::new(), task }
    }
}

impl Operator {
    /// Whether it can be used, whatever others are beside it.
    ///
    /// # Errors
    /// What is wrong with an expression, a pattern, a layout, in English, with the way out.
    pub fn check(&self) -> Result<(), String> {
        Step::of(self, String::new(), Vec::new()).map(drop)
    }
}

/// What becomes of an entry that an operator cannot work on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnError {
    /// It goes on as it is, and the first fault of the operator is said.
    #[default]
    Send,
    /// It goes on as it is.
    SendQuiet,
    /// It goes nowhere, and the first fault of the operator is said.
    Drop,
    /// It goes nowhere.
    DropQuiet,
}

/// What an operator does.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Task {
    /// Nothing: where entries can be sent to leave.
    Noop,
    /// Sends each entry the way of the first route whose expression is true. It has no outputs of its own.
    Router {
        /// The ways.
        routes: Vec<Route>,
        /// The operators that all other entries go to. None: they are dropped.
        default: Vec<String>,
    },
    /// Drops the entries for which the expression is true.
    Filter {
        /// The expression.
        expression: String,
        /// Of these the part that is dropped, from 0.0 to 1.0.
        drop_ratio: f64,
    },
    /// Matches a text; what the named groups match become texts by their names.
    Regex {
        /// The regular expression, in the syntax of Go: no look-around, no back-references.
        regex: String,
        /// For how many texts the outcome is remembered; 0: for none.
        cache: usize,
        /// From where, to where, and what else.
        parse: Parse,
    },
    /// Reads a text that is a JSON object.
    Json {
        /// Whether whole numbers become integers. Else all numbers are doubles.
        integers: bool,
        /// From where, to where, and what else.
        parse: Parse,
    },
    /// Reads a text that is a JSON array. What is nested in it stays as it is written.
    JsonArray {
        /// What its values are called, with commas between. Empty: it becomes a list.
        header: String,
        /// From where, to where, and what else. A list can be no map: not all attributes, which are the default.
        parse: Parse,
    },
    /// Reads a row of values.
    Csv(Csv),
    /// Reads a line of syslog.
    Syslog(Syslog),
    /// Reads a URI: scheme, user, host, port, path, query; what there is of it.
    Uri {
        /// From where, to where, and what else.
        parse: Parse,
    },
    /// Reads pairs of keys and values: `name=throughline state=well`.
    KeyValue {
        /// What stands between key and value.
        delimiter: String,
        /// What stands between pairs; empty: white space.
        pair_delimiter: String,
        /// From where, to where, and what else.
        parse: Parse,
    },
    /// Reads the line of a container's log, as runtimes write them, and puts parts together.
    Container(Container),
    /// Reads when it happened.
    Time(Timestamp),
    /// Reads how severe it is.
    Severity(Severity),
    /// Reads to which trace and span it belongs.
    Trace(TraceContext),
    /// Reads the name of the instrumentation scope from a text.
    ScopeName {
        /// Where the name is.
        parse_from: Field,
    },
    /// Puts a value, or a copy of another one, somewhere else. What is there is replaced, maps are merged.
    Copy {
        /// Where the value is.
        from: Field,
        /// Where it is put.
        to: Field,
    },
    /// Moves a value. What is there is replaced, maps are merged.
    Move {
        /// Where the value is.
        from: Field,
        /// Where it is put.
        to: Field,
    },
    /// Puts a value somewhere. A text that begins with `EXPR(` and ends with `)` is an expression.
    Add {
        /// Where.
        field: Field,
        /// The value.
        value: Value,
    },
    /// Removes a value.
    Remove {
        /// Where it is.
        field: Field,
    },
    /// Removes everything else from those of body, attributes and resource of which a field is named.
    Retain {
        /// The fields that stay.
        fields: Vec<Field>,
    },
    /// Puts the values of a map in the place of the map, beside its neighbours.
    Flatten {
        /// Where the map is.
        field: Field,
    },
    /// Makes a map of a list.
    AssignKeys {
        /// Where the list is.
        field: Field,
        /// What its values are called, as many as there are.
        keys: Vec<String>,
    },
    /// Replaces what a pattern matches in a text.
    Replace {
        /// Where the text is.
        field: Field,
        /// The regular expression, in the syntax of Go; `None`: sequences that control a terminal.
        regex: Option<String>,
        /// What stands there then; `$1`, `${name}` are what groups match.
        with: String,
    },
    /// Takes off the quotes of a text, as Go writes them.
    Unquote {
        /// Where the text is.
        field: Field,
    },
    /// Makes a text of bytes; what is no UTF-8 becomes `U+FFFD`.
    Sanitize {
        /// Where they are.
        field: Field,
    },
    /// Puts entries together that belong together.
    Recombine(Recombine),
}

/// A way out of a router.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Route {
    /// The entries that take it.
    pub expression: String,
    /// The operators that they go to.
    pub outputs: Vec<String>,
    /// Attributes that they get; texts may be expressions, as in [`Task::Add`].
    pub attributes: Map,
}

impl Route {
    /// The entries for which the expression is true go to the operator with this id.
    pub fn new(expression: impl Into<String>, output: impl Into<String>) -> Self {
        Route { expression: expression.into(), outputs: vec![output.into()], attributes: Map::new() }
    }
}

impl Task {
    /// The operator's type in configurations: `regex_parser`.
    pub fn name(&self) -> &'static str {
        match self {
            Task::Noop => "noop",
            Task::Router { .. } => "router",
            Task::Filter { .. } => "filter",
            Task::Regex { .. } => "regex_parser",
            Task::Json { .. } => "json_parser",
            Task::JsonArray { .. } => "json_array_parser",
            Task::Csv(_) => "csv_parser",
            Task::Syslog(_) => "syslog_parser",
            Task::Uri { .. } => "uri_parser",
            Task::KeyValue { .. } => "key_value_parser",
            Task::Container(_) => "container",
            Task::Time(_) => "time_parser",
            Task::Severity(_) => "severity_parser",
            Task::Trace(_) => "trace_parser",
            Task::ScopeName { .. } => "scope_name_parser",
            Task::Copy { .. } => "copy",
            Task::Move { .. } => "move",
            Task::Add { .. } => "add",
            Task::Remove { .. } => "remove",
            Task::Retain { .. } => "retain",
            Task::Flatten { .. } => "flatten",
            Task::AssignKeys { .. } => "assign_keys",
            Task::Replace { .. } => "regex_replace",
            Task::Unquote { .. } => "unquote",
            Task::Sanitize { .. } => "sanitize_utf8",
            Task::Recombine(_) => "recombine",
        }
    }
}
