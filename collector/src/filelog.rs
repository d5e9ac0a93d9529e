//! Log files as a source: what their lines say becomes log records.

pub mod container; // lines as runtimes of containers write them
pub mod entry; // one line, while it becomes a record
pub mod operator; // what is done to it
