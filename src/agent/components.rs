//! What components a file has, by name, each checked against its keys.

use super::{
    schema::{Group, Kind},
    values::OF_CHART,
};
use crate::config::file::{
    check::{check_part, meant},
    document::{Flaw, Node, Value, shown},
};

/// Extensions that only look inside the Collector: without them nothing is different.
const PASSED_OVER: [(&str, &str); 2] =
    [("pprof", "there is no runtime of Go"), ("zpages", "the view's /api/status has the counts")];

/// A component, as the file has it.
#[derive(Clone, Copy)]
pub(super) struct Component<'a> {
    pub(super) group: Group,
    pub(super) kind: &'static Kind,
    /// With what stands behind the slash: `otlp/2`.
    pub(super) name: &'a str,
    pub(super) node: &'a Node,
    pub(super) line: usize,
}

impl Component<'_> {
    /// What messages call a key of it.
    pub(super) fn path(&self, key: &str) -> String {
        format!("{}.{}.{key}", self.group.name(), shown(self.name))
    }
}

/// All of them.
pub(super) struct Components<'a> {
    all: Vec<Component<'a>>,
    /// Those of a kind that is not there, and whether that is told; else they are switched off.
    absent: Vec<(Group, &'a str, bool)>,
}

impl<'a> Components<'a> {
    /// Reads and checks them all.
    pub(super) fn read(root: &'a Node, flaws: &mut Vec<Flaw>) -> Self {
        let mut components = Components { all: Vec::new(), absent: Vec::new() };
        for group in Group::ALL {
            if let Some(node) = root.get(group.name()) {
                components.group(group, node, flaws);
            }
        }
        if let Some(connectors) = root.get("connectors")
            && let Some(first) = connectors.entries().first()
        {
            let message =
                format!("connectors.{} is not supported; there are no connectors", shown(&first.key));
            flaws.push(Flaw::new(first.line, message));
        }
        components
    }

    /// The one of this name, if nothing is wrong with its kind.
    pub(super) fn find(&self, group: Group, name: &str) -> Option<Component<'a>> {
        self.all.iter().find(|known| known.group == group && known.name == name).copied()
    }

    /// Whether a fault of it is told where it stands.
    pub(super) fn is_told(&self, group: Group, name: &str) -> bool {
        self.absent.contains(&(group, name, true))
    }

    /// Whether it is not there on purpose.
    pub(super) fn is_off(&self, group: Group, name: &str) -> bool {
        self.absent.contains(&(group, name, false))
    }

    /// The names of a group.
    pub(super) fn names(&self, group: Group) -> impl Iterator<Item = &'a str> {
        self.all.iter().filter(move |known| known.group == group).map(|known| known.name)
    }

    fn group(&mut self, group: Group, node: &'a Node, flaws: &mut Vec<Flaw>) {
        if !matches!(node.value, Value::Mapping(_)) {
            let message = format!("{} is not a mapping; write name: with settings below", group.name());
            return flaws.push(Flaw::new(node.line, message));
        }
        for entry in node.entries() {
            let (kind_name, rest) = entry.key.split_once('/').unwrap_or((&entry.key, "-"));
            let (kind_name, path) = (kind_name.trim(), format!("{}.{}", group.name(), shown(&entry.key)));
            let found =
                group.kinds().iter().find(|kind| kind.name == kind_name || kind.former.contains(&kind_name));
            let Some(kind) = found else {
                let is_off = entry.node.is_null();
                let passed_over = PASSED_OVER.iter().find(|(name, _)| *name == kind_name);
                if let (Group::Extensions, Some((_, why))) = (group, passed_over) {
                    let message = format!("{path} is ignored: {why}");
                    flaws.push(Flaw { harmless: true, ..Flaw::new(entry.line, message) });
                    self.absent.push((group, &entry.key, true));
                    continue;
                }
                if !is_off {
                    flaws.push(Flaw::new(entry.line, unknown(group, kind_name, &path, entry.line)));
                }
                self.absent.push((group, &entry.key, !is_off));
                continue;
            };
            if rest.trim().is_empty() {
                flaws.push(Flaw::new(entry.line, format!("{path} has no name behind the slash")));
            }
            if kind.name != kind_name && entry.line != OF_CHART {
                let message = format!("{path}: {kind_name} is now called {}; both are understood", kind.name);
                flaws.push(Flaw { harmless: true, ..Flaw::new(entry.line, message) });
            }
            flaws.extend(check_part(&entry.node, kind.section, &path));
            let (name, node, line) = (entry.key.as_str(), &entry.node, entry.line);
            self.all.push(Component { group, kind, name, node, line });
        }
    }
}

fn unknown(group: Group, name: &str, path: &str, line: usize) -> String {
    let names = || group.kinds().iter().flat_map(|kind| kind.former.iter().copied().chain([kind.name]));
    let all: Vec<&str> = group.kinds().iter().map(|kind| kind.name).collect();
    match meant(name, names()) {
        Some(meant) => format!("{path} is unknown; did you mean {meant}?"),
        None if line == OF_CHART => {
            let key = group.name();
            format!(
                "{path} is not there; switch it off with {key}.{name}: null, and name the {key} of its pipelines"
            )
        }
        None => format!("{path} is not there; there are {}", all.join(", ")),
    }
}
