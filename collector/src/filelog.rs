//! Log files as a source: what their lines say becomes log records.

pub mod entry; // one line, while it becomes a record
pub mod expression; // what is asked about it
pub mod operator; // what is done to it
mod container; // lines of containers
mod pattern; // regular expressions, as Go writes them
