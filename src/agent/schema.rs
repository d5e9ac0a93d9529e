//! The one table of components and their keys: what a file may say, and what becomes of it.
//!
//! Checks, messages and the tables of `docs/agent.md` are made from here; what the keys set is in the files named after
//! the groups.

pub(super) mod exporters;
pub(super) mod extensions;
pub(super) mod file_log;
pub(super) mod operators;
pub(super) mod processors;
pub(super) mod receivers;
pub(super) mod shared; // what several of them have
pub(super) mod service;

pub(super) use crate::config::file::schema::{Holds, Key, Needed, Section};
use crate::sender::Signal;

/// What components are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Group {
    Receivers,
    Processors,
    Exporters,
    Extensions,
}

impl Group {
    pub(super) const ALL: [Group; 4] =
        [Group::Receivers, Group::Processors, Group::Exporters, Group::Extensions];

    /// The key of the file.
    pub(super) fn name(self) -> &'static str {
        match self {
            Group::Receivers => "receivers",
            Group::Processors => "processors",
            Group::Exporters => "exporters",
            Group::Extensions => "extensions",
        }
    }

    /// All kinds of it.
    pub(super) fn kinds(self) -> &'static [&'static Kind] {
        match self {
            Group::Receivers => receivers::KINDS,
            Group::Processors => processors::KINDS,
            Group::Exporters => exporters::KINDS,
            Group::Extensions => extensions::KINDS,
        }
    }
}

/// A kind of component.
pub(super) struct Kind {
    pub(super) name: &'static str,
    /// What it was called, and still may be.
    pub(super) former: &'static [&'static str],
    /// What it has to do with.
    pub(super) signals: &'static [Signal],
    pub(super) section: &'static Section,
    #[cfg_attr(not(test), allow(dead_code, reason = "the tables of the manual are made from it"))]
    pub(super) meaning: &'static str,
}

/// All three.
pub(super) const ALL: &[Signal] = &Signal::ALL;

/// A section with these groups of keys.
pub(super) const fn section(name: &'static str, keys: &'static [&'static [Key]]) -> Section {
    Section { name, one: false, keys }
}

/// What other programs need to set, and here is right without it.
pub(super) const fn idle(name: &'static str, meaning: &'static str) -> Key {
    Key { name, holds: Holds::Idle, needed: Needed::No, meaning }
}

/// What is not there: the way out.
pub(super) const fn missing(name: &'static str, meaning: &'static str) -> Key {
    Key { name, holds: Holds::Unsupported, needed: Needed::No, meaning }
}
