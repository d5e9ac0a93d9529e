//! A document against the table of keys: every fault, with its line.

use super::{
    amount,
    document::{Flaw, Node, Value, shown},
    schema::{Holds, Key, Needed, Section},
};
use crate::config::spelling::distance;

/// More than a person reads; a file of nonsense has thousands.
const MOST_FLAWS: usize = 50;

/// All that is wrong in a document, in the order of its lines.
pub(super) fn check(root: &Node, section: &'static Section) -> Vec<Flaw> {
    check_part(root, section, "")
}

/// All that is wrong in a part of a document, which messages call so.
pub(crate) fn check_part(node: &Node, section: &'static Section, path: &str) -> Vec<Flaw> {
    let mut check = Check { flaws: vec![] };
    check.section(node, section, path);
    check.flaws
}

/// Sorts by line, and cuts what nobody would read.
pub(crate) fn settle(mut flaws: Vec<Flaw>) -> Vec<Flaw> {
    flaws.sort_by_key(|flaw| flaw.line);
    flaws.dedup();
    if flaws.len() > MOST_FLAWS {
        let more = flaws.len() - MOST_FLAWS;
        let line = flaws[MOST_FLAWS].line;
        let harmless = flaws[MOST_FLAWS..].iter().all(|flaw| flaw.harmless);
        flaws.truncate(MOST_FLAWS);
        flaws.push(Flaw { harmless, ..Flaw::new(line, format!("and {more} more faults from here on")) });
    }
    flaws
}

struct Check {
    flaws: Vec<Flaw>,
}

impl Check {
    fn flaw(&mut self, line: usize, path: &str, message: impl AsRef<str>) {
        let what = if path.is_empty() { "the file" } else { path };
        self.flaws.push(Flaw::new(line, format!("{what} {}", message.as_ref())));
    }

    fn section(&mut self, node: &Node, section: &'static Section, path: &str) {
        let Value::Mapping(entries) = &node.value else {
            if node.is_null() && !section.one {
                return self.missing(node, section, path);
            }
            let meant = node.text().and_then(|text| section.key(text));
            let way_out = meant.map_or_else(|| known(section), |key| format!("write {}:", key.name));
            return self.flaw(node.line, path, format!("is not a mapping; {way_out}"));
        };
        for entry in entries {
            let path = below(path, &shown(&entry.key));
            match section.key(&entry.key) {
                Some(Key { holds: Holds::Unsupported | Holds::Idle, .. })
                    if entry.node.is_null() && !section.one => {}
                Some(key) => self.value(&entry.node, key, &path, entry.line),
                // Nobody reads so far, and to look for what was meant takes time.
                None if self.flaws.len() > MOST_FLAWS => self.flaw(entry.line, &path, "is unknown"),
                None => self.flaw(entry.line, &path, format!("is unknown; {}", nearest(&entry.key, section))),
            }
        }
        if section.one && entries.len() != 1 {
            let fault =
                format!("has {} keys, and a {} has one; {}", entries.len(), section.name, known(section));
            self.flaw(node.line, path, fault);
        }
        self.missing(node, section, path);
    }

    fn missing(&mut self, node: &Node, section: &'static Section, path: &str) {
        let lacks = |key: &&Key| match key.needed {
            Needed::No => false,
            Needed::Written => node.entries().iter().all(|entry| entry.key != key.name),
            Needed::Yes => node.get(key.name).is_none(),
        };
        for key in section.all().filter(lacks) {
            self.flaw(node.line, path, format!("needs {}", key.name));
        }
    }

    fn value(&mut self, node: &Node, key: &'static Key, path: &str, line: usize) {
        match key.holds {
            Holds::Unsupported => {
                return self.flaw(line, path, format!("is not supported. {}", key.meaning));
            }
            Holds::Renamed(now) => return self.flaw(line, path, format!("is now {now}")),
            Holds::Idle => {
                let message = format!("{path} is ignored. {}", key.meaning);
                return self.flaws.push(Flaw { harmless: true, ..Flaw::new(line, message) });
            }
            Holds::Foreign => return,
            Holds::Section(section) if section.one && node.is_null() => return,
            Holds::Section(section) => return self.section(node, section, path),
            _ if node.is_null() => return,
            Holds::Sections(_) | Holds::Texts if node.list().is_some_and(<[Node]>::is_empty) => {
                return self.flaw(node.line, path, "is an empty list; name one, or leave it out");
            }
            Holds::Sections(section) => {
                return self.list(node, path, |check, member, path| {
                    check.section(member, section, path);
                });
            }
            Holds::Numbers => {
                return self.list(node, path, |check, member, path| {
                    if member.number().is_none() {
                        check.flaw(member.line, path, "is not a number");
                    }
                });
            }
            Holds::Pairs => return self.pairs(node, path),
            Holds::Texts | Holds::AnyTexts => {
                return self.list(node, path, |check, member, path| {
                    if member.text().is_none() {
                        check.flaw(member.line, path, "is not a text");
                    }
                });
            }
            _ => {}
        }
        if let Some(fault) = scalar(node, key.holds) {
            self.flaw(node.line, path, fault);
        }
    }

    fn pairs(&mut self, node: &Node, path: &str) {
        let Value::Mapping(entries) = &node.value else {
            return self.flaw(node.line, path, "is not a mapping; write name: value");
        };
        for entry in entries.iter().filter(|entry| entry.node.text().is_none() && !entry.node.is_null()) {
            self.flaw(entry.line, &below(path, &shown(&entry.key)), "is not a text");
        }
    }

    fn list(&mut self, node: &Node, path: &str, member: impl Fn(&mut Self, &Node, &str)) {
        let Value::List(members) = &node.value else {
            return self.flaw(node.line, path, "is not a list; begin each member with a dash");
        };
        for (index, node) in members.iter().enumerate() {
            member(self, node, &format!("{path}[{index}]"));
        }
    }
}

/// What is wrong with a value, and the way out. It is not echoed: what a variable holds may be a secret.
fn scalar(node: &Node, holds: Holds) -> Option<String> {
    let whole = |least: i64| node.integer().is_some_and(|number| number >= least);
    let fault = match holds {
        Holds::Text => node.text().is_none().then_some("is not a text"),
        Holds::Boolean => node.boolean().is_none().then_some("is not true or false"),
        Holds::Count => (!whole(1)).then_some("is not a whole number above zero"),
        Holds::Limit => (!whole(0)).then_some("is not a whole number"),
        Holds::Time => (!whole(0)).then_some("is not a whole number of milliseconds"),
        Holds::Pause => (!whole(1)).then_some("is not a whole number of milliseconds above zero"),
        Holds::Span => amount::duration(node).is_none().then_some("is not a duration such as 200ms or 1m30s"),
        Holds::Interval => {
            let above = amount::duration(node).is_some_and(|duration| !duration.is_zero());
            (!above).then_some("is not a duration above zero such as 200ms or 1m30s")
        }
        Holds::Size => amount::bytes(node).is_none().then_some("is not a size such as 1024 or 1MiB"),
        Holds::Ratio => {
            let ratio = node.number().is_some_and(|number| (0.0..=1.0).contains(&number));
            (!ratio).then_some("is not a number from 0 to 1")
        }
        Holds::Between(least, most) => {
            let is_between = node.integer().is_some_and(|number| (least..=most).contains(&number));
            return (!is_between).then(|| format!("is not a whole number from {least} to {most}"));
        }
        Holds::Name => {
            let empty = matches!(&node.value, Value::Mapping(entries) if entries.is_empty());
            (!empty).then_some("has no settings; write nothing after the colon")
        }
        Holds::Words(words) => {
            let known = node.text().is_some_and(|text| words.contains(&text));
            return (!known).then(|| match words {
                [only] => format!("can only be {only}"),
                _ => format!("is unknown; use {}", words.join(", ")),
            });
        }
        _ => None,
    }?;
    let quoted = matches!(&node.value, Value::Scalar { plain: false, .. });
    let unquoted =
        quoted && !matches!(holds, Holds::Text | Holds::Name | Holds::Span | Holds::Interval | Holds::Size);
    Some(if unquoted { format!("{fault}; write it without quotes") } else { fault.into() })
}

fn below(path: &str, key: &str) -> String {
    if path.is_empty() { key.into() } else { format!("{path}.{key}") }
}

fn known(section: &'static Section) -> String {
    format!("use {}", names(section).collect::<Vec<_>>().join(", "))
}

/// Keys that can be meant.
fn names(section: &'static Section) -> impl Iterator<Item = &'static str> {
    let usable = |key: &&Key| {
        !matches!(key.holds, Holds::Unsupported | Holds::Idle | Holds::Renamed(_) | Holds::Foreign)
    };
    section.all().filter(usable).map(|key| key.name)
}

/// What was meant, if that can be guessed; else what there is.
fn nearest(name: &str, section: &'static Section) -> String {
    if name == "<<" {
        return "there are no merge keys in YAML 1.2".into();
    }
    meant(name, names(section)).map_or_else(|| known(section), |known| format!("did you mean {known}?"))
}

/// What was meant, if that can be guessed.
pub(crate) fn meant<'a>(name: &str, all: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let near = all.map(|known| (distance(name, known), known)).filter(|(distance, known)| {
        *distance <= (known.len() / 3).max(1) || known.strip_suffix("/development") == Some(name)
    });
    near.min().map(|(_, known)| known)
}
