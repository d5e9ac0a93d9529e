//! Log files as a source: what their lines say becomes log records, and none is lost or read twice.
//!
//! ```no_run
//! use throughline_collector::{Collector, Config, filelog::{Options, StartAt}};
//!
//! let mut options = Options::of(["/var/log/pods/*/*/*.log"]);
//! options.start_at = StartAt::Beginning;
//! options.include_file_path = true;
//! options.storage = Some("/var/lib/throughline".into());
//! let mut config = Config::default();
//! config.file_logs.push(options);
//! let collector = Collector::start(config)?;
//! # Ok::<(), throughline_collector::Error>(())
//! ```
//! ```text
//! files ─► entries ─► operators ─► OTLP ─► the collector's way for everything that comes
//!   ▲                                          │ delivered, or on disk
//!   └───────────── checkpoints ◄───────────────┘
//! ```
//! The options are those of the OpenTelemetry Collector's file log receiver, with its names and defaults (B-063).
//!
//! # Which file is which
//! A file is known by what the system calls it, device and inode, and by its first bytes, [`Options::fingerprint_size`]:
//! - **Renamed**, it is read to its end, wherever it went, and what stands in its place is a new file. That holds over a
//!   restart too, if it is still in its directory, or there with `.gz` behind its name.
//! - **Copied and truncated**, what stands in its place is a new file, and the copy is read on where the original was
//!   read last, if it has one of the names that are looked for.
//! - **Two files that begin alike** are one and the same, unless one was there in the place of the other: a copy is not
//!   read again.
//! - **Deleted**, it is read to its end.
//! - **Linked** by several names, it is read once.
//!
//! # What is lost, and what comes twice
//! Nothing, while files stay until they are read. Where reading goes on is written down, if [`Options::storage`] says
//! where, after the records are delivered, or on the collector's disk: what a process that is killed had read and not
//! delivered, the next one reads again. What waits for its other parts is read again too. When the ways out are full,
//! nothing is read, and nothing dropped. A destination that refuses records for good has them counted as rejected.
//!
//! # Limits
//! One thread reads all files of one of these options; it looks for new ones every [`Options::poll_interval`]. What is
//! written to a file between its copy and its truncation is lost, as with everything that copies and truncates, and so
//! is a file that came, left the names that are looked for, and was deleted while nobody looked. A last line without an
//! end is an entry after [`Options::force_flush_period`]. Up to 8 MiB of records are on their way at a time. Only
//! regular files are read. Encodings besides UTF-8, UTF-16 and ASCII come as bytes.

// What is written in them.
pub mod container; // lines of containers, and where they are
pub mod entry; // one line, while it becomes a record
pub mod expression; // what is asked about it
pub mod operator; // what is done to it
// Which files there are.
mod pattern; // names that are looked for
mod search; // … in which directories
mod identity; // what the system knows a file by
mod fingerprint; // what we know it by
// What is read from them.
mod cut; // where an entry ends
mod content; // bytes, also of what is compressed
mod tail; // one file, and how far it is read
mod files; // all of them, and what became of each
// Where it goes.
mod encode; // entries as a request
mod ledger; // what is on its way
mod dispatch; // … from the file to its delivery
mod checkpoint; // what is delivered
mod reader; // the thread
mod readers; // … all of them

pub(crate) use readers::{Readers, Tally};

use crate::{Error, syntax::of_lines};
use entry::Map;
use operator::Operator;
use std::{path::PathBuf, time::Duration};

/// Which files are read, and what becomes of their lines: plain data.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq)]
pub struct Options {
    /// What pipelines call what comes from here, and checkpoints too. Default: `file_log`.
    pub name: String,
    /// Patterns of paths: `*`, `?`, `[a-z]`, `{one,two}`, and `**` for any directories.
    pub include: Vec<String>,
    /// Patterns of paths that are not read. Default: none.
    pub exclude: Vec<String>,
    /// How long ago a file that is not known yet may have changed. Default: any time.
    pub exclude_older_than: Option<Duration>,
    /// Where files that are there at the first start are read from; later ones from their beginning. Default: the end.
    pub start_at: StartAt,
    /// How often to look for files and what was written. Default: 200 ms.
    pub poll_interval: Duration,
    /// By how many of its first bytes a file is known; at least 16. Default: 1,000.
    pub fingerprint_size: usize,
    /// The largest entry, in bytes; a larger one is divided. Default: 1 MiB.
    pub max_log_size: usize,
    /// How many files are open at once; when there are more, they take turns. Default: 1,024.
    pub max_concurrent_files: usize,
    /// What an entry is, if not a line. Default: `None`, a line.
    pub multiline: Option<Multiline>,
    /// How long a file has to be quiet until its last entry counts as whole; zero: for ever. Default: 500 ms.
    pub force_flush_period: Duration,
    /// What the bytes mean. Default: UTF-8.
    pub encoding: Encoding,
    /// Whether white space before an entry stays. Default: it does not.
    pub preserve_leading_whitespaces: bool,
    /// Whether white space behind an entry stays. Default: it does not.
    pub preserve_trailing_whitespaces: bool,
    /// Adds the attribute `log.file.name`. Default: yes.
    pub include_file_name: bool,
    /// Adds the attribute `log.file.path`. Default: no.
    pub include_file_path: bool,
    /// Adds the attribute `log.file.name_resolved`, where links lead. Default: no.
    pub include_file_name_resolved: bool,
    /// Adds the attribute `log.file.path_resolved`, where links lead. Default: no.
    pub include_file_path_resolved: bool,
    /// Whether files whose name ends with `.gz` are decompressed. Default: no.
    pub gzip: bool,
    /// Attributes that every entry gets. Default: none.
    pub attributes: Map,
    /// Attributes that the resource of every entry gets. Default: none.
    pub resource: Map,
    /// What is done to entries. Default: nothing.
    pub operators: Vec<Operator>,
    /// The directory where it is written down how far files are read; made if it is not there. Default: `None`, only this
    /// process knows.
    pub storage: Option<PathBuf>,
}

/// Where files are read from that are there at the first start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum StartAt {
    /// What they hold is read.
    Beginning,
    /// Only what is written from now on is read.
    #[default]
    End,
}

/// What an entry is: by a regular expression, in which `^` and `$` are where a line begins and ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Multiline {
    /// It begins where this matches.
    Start {
        /// The regular expression.
        pattern: String,
        /// Whether what matches is left out.
        omit: bool,
    },
    /// It ends behind what this matches.
    End {
        /// The regular expression.
        pattern: String,
        /// Whether what matches is left out.
        omit: bool,
    },
}

/// What the bytes of a file mean.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Encoding {
    /// UTF-8; what is none becomes `U+FFFD`.
    #[default]
    Utf8,
    /// UTF-16, the lower byte first; what is none becomes `U+FFFD`. Without [`Options::multiline`].
    Utf16Le,
    /// The same, the higher byte first.
    Utf16Be,
    /// Bytes: so are bodies.
    Nop,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            name: "file_log".to_owned(),
            include: Vec::new(),
            exclude: Vec::new(),
            exclude_older_than: None,
            start_at: StartAt::End,
            poll_interval: Duration::from_millis(200),
            fingerprint_size: 1000,
            max_log_size: 1024 * 1024,
            max_concurrent_files: 1024,
            multiline: None,
            force_flush_period: Duration::from_millis(500),
            encoding: Encoding::Utf8,
            preserve_leading_whitespaces: false,
            preserve_trailing_whitespaces: false,
            include_file_name: true,
            include_file_path: false,
            include_file_name_resolved: false,
            include_file_path_resolved: false,
            gzip: false,
            attributes: Map::new(),
            resource: Map::new(),
            operators: Vec::new(),
            storage: None,
        }
    }
}

impl Options {
    /// Reads the files with these paths, with everything else at its default.
    pub fn of<P: Into<String>>(include: impl IntoIterator<Item = P>) -> Self {
        Options { include: include.into_iter().map(Into::into).collect(), ..Options::default() }
    }

    /// Whether they can be used, as far as that can be known before anything is read.
    ///
    /// # Errors
    /// A bound is zero, so that nothing could be read, or a pattern is none.
    pub fn check(&self) -> Result<(), Error> {
        let bounds = [
            ("include is empty", self.include.is_empty()),
            ("poll_interval is zero", self.poll_interval.is_zero()),
            ("fingerprint_size is less than 16", self.fingerprint_size < 16),
            ("max_log_size is zero", self.max_log_size == 0),
            ("max_concurrent_files is zero", self.max_concurrent_files == 0),
        ];
        match bounds.into_iter().find(|(_, is_fault)| *is_fault) {
            Some((fault, _)) => {
                Err(Error::file_log(&self.name, format!("{fault}, so that nothing could be read; set it")))
            }
            None => search::Search::new(self).and(cut::Cut::new(self)).map(drop),
        }
    }
}

impl Multiline {
    /// Whether its pattern can be used.
    ///
    /// # Errors
    /// What is wrong with it, in English.
    pub fn check(&self) -> Result<(), String> {
        let (Multiline::Start { pattern, .. } | Multiline::End { pattern, .. }) = self;
        of_lines(pattern).map(drop)
    }
}

#[cfg(test)]
mod tests;
