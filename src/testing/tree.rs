//! What was recorded as a text that is the same in every run.

use super::{
    Log, Span, Status,
    difference::{dedent, difference},
    fail,
    value::Attributes,
};
use std::{
    collections::{HashMap, HashSet},
    fmt,
};

/// Attributes that are other ones in every run, or after every edit.
const VARYING: [&str; 7] = [
    "client.port",
    "code.file.path",
    "code.line.number",
    "exception.stacktrace",
    "network.peer.port",
    "server.port",
    "thread.id",
];
/// What lies deeper is shown as if it began there.
const MOST_LEVELS: usize = 200;
const INDENT: &str = "   ";

/// Spans, and by choice their log records, as a text that is the same in every run: to be compared, also by a snapshot
/// library, since it is the `Display` of this.
///
/// ```text
/// #1 SERVER GET /items/{id}
///    http.request.method = "GET"
///    http.route = "/items/{id}"
///    INFO shop: "found it" count=2
///    #2 INTERNAL look_up
///       failed: "no such table"
/// ```
/// Ids are numbers in the order of the lines, times are left out, attributes are sorted. Spans of one parent are sorted by
/// what is written of them, not by time: those that run side by side come in another order each time. Log records
/// of a span are in the order of their making. Several traces have a line each. Left out are the attributes `client.port`, `code.file.path`,
/// `code.line.number`, `exception.stacktrace`, `network.peer.port`, `server.port` and `thread.id`, which are other ones in every
/// run or after every edit, unless [`Tree::only`] names them.
#[derive(Clone, Debug)]
pub struct Tree<'a> {
    spans: &'a [Span],
    logs: &'a [Log],
    unfinished: &'a [String],
    only: Option<Vec<String>>,
    hidden: Vec<String>,
}

impl<'a> Tree<'a> {
    pub(super) fn new(spans: &'a [Span], logs: &'a [Log], unfinished: &'a [String]) -> Self {
        Tree { spans, logs, unfinished, only: None, hidden: Vec::new() }
    }

    /// Shows only these attributes, of spans, events and log records; none for `[]`.
    pub fn only<const N: usize>(mut self, keys: [&str; N]) -> Self {
        self.only = Some(keys.map(str::to_owned).into());
        self
    }

    /// Leaves these attributes out too.
    pub fn hide<const N: usize>(mut self, keys: [&str; N]) -> Self {
        self.hidden.extend(keys.map(str::to_owned));
        self
    }

    /// Compares with a text, which may be indented like the code around it.
    ///
    /// # Panics
    /// If they are not the same: with the lines of both, those that are only expected marked with `-`, those that
    /// are only there with `+`.
    #[track_caller]
    pub fn assert_eq(&self, expected: &str) {
        let (expected, found) = (dedent(expected), self.to_string());
        if expected != found.trim_end_matches('\n') {
            fail(&format!("not what is expected (-), but (+):\n{}", difference(&expected, &found)));
        }
    }

    fn shows(&self, key: &str) -> bool {
        let wanted = match &self.only {
            Some(only) => only.iter().any(|only| only == key),
            None => is_shown(key),
        };
        wanted && !self.hidden.iter().any(|hidden| hidden == key)
    }

    /// The spans as trees, each with its children in the order of their texts.
    fn roots(&self) -> Vec<Node> {
        let mut seen = HashSet::new();
        let is_root = |span: &Span| {
            let parent = |parent: &String| self.number(&span.trace_id, parent).is_some();
            !span.parent_id.as_ref().is_some_and(parent)
        };
        let (roots, others): (Vec<_>, Vec<_>) =
            (0..self.spans.len()).partition(|index| is_root(&self.spans[*index]));
        // The others are reached from the roots, but for those that are too deep, or each other's parents.
        let mut nodes: Vec<Node> = Vec::new();
        for index in roots.into_iter().chain(others) {
            if !seen.contains(&index) {
                nodes.push(self.node(index, 0, &mut seen));
            }
        }
        nodes.sort_by(|one, other| one.text.cmp(&other.text));
        nodes
    }

    /// The place of a span in the list.
    fn number(&self, trace_id: &str, span_id: &str) -> Option<usize> {
        self.spans.iter().position(|span| span.span_id == span_id && span.trace_id == trace_id)
    }

    fn node(&self, index: usize, level: usize, seen: &mut HashSet<usize>) -> Node {
        seen.insert(index);
        let span = &self.spans[index];
        let mut children = Vec::new();
        for (child, other) in self.spans.iter().enumerate() {
            let is_child = other.parent_id.as_ref() == Some(&span.span_id) && other.trace_id == span.trace_id;
            if is_child && level < MOST_LEVELS && !seen.contains(&child) {
                children.push(self.node(child, level + 1, seen));
            }
        }
        children.sort_by(|one, other| one.text.cmp(&other.text));
        let mut node = Node { index, children, text: String::new() };
        let mut lines = Vec::new();
        self.write(&node, 0, &HashMap::new(), &mut lines);
        node.text = lines.join("\n");
        node
    }

    /// The lines of a span and those below it; without numbers what they are sorted by.
    fn write(&self, node: &Node, level: usize, numbers: &HashMap<usize, usize>, lines: &mut Vec<String>) {
        let span = &self.spans[node.index];
        let number = |index| numbers.get(&index).map_or_else(String::new, usize::to_string);
        let elsewhere = match &span.parent_id {
            Some(parent) if self.number(&span.trace_id, parent).is_none() => " (parent elsewhere)",
            _ => "",
        };
        let mut add = |indent: usize, line: String| lines.push(INDENT.repeat(indent) + line.trim_end());
        add(level, format!("#{} {} {}{elsewhere}", number(node.index), span.kind, plain(&span.name)));
        for (key, value) in span.attributes.iter().filter(|(key, _)| self.shows(key)) {
            add(level + 1, format!("{} = {value}", plain(key)));
        }
        match &span.status {
            Status::Unset => {}
            Status::Ok => add(level + 1, "ok".into()),
            Status::Error(reason) if reason.is_empty() => add(level + 1, "failed".into()),
            Status::Error(reason) => add(level + 1, format!("failed: {reason:?}")),
        }
        for event in &span.events {
            let attributes = line(&event.attributes, |key| self.shows(key));
            add(level + 1, format!("event {} {attributes}", plain(&event.name)));
        }
        for link in &span.links {
            let attributes = line(&link.attributes, |key| self.shows(key));
            let target = self.number(&link.trace_id, &link.span_id);
            let target = target.map_or("elsewhere".into(), |index| format!("to #{}", number(index)));
            add(level + 1, format!("link {target} {attributes}"));
        }
        for log in self.logs.iter().filter(|log| is_of(log, span)) {
            add(level + 1, log_line(log, |key| self.shows(key)));
        }
        for child in &node.children {
            self.write(child, level + 1, numbers, lines);
        }
    }
}

struct Node {
    index: usize,
    children: Vec<Node>,
    text: String,
}

impl fmt::Display for Tree<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let roots = self.roots();
        let mut traces: Vec<(&str, Vec<&Node>)> = Vec::new();
        for node in &roots {
            let id = self.spans[node.index].trace_id.as_str();
            match traces.iter_mut().find(|(known, _)| *known == id) {
                Some((_, nodes)) => nodes.push(node),
                None => traces.push((id, vec![node])),
            }
        }
        let mut numbers = HashMap::new();
        traces.iter().flat_map(|(_, nodes)| nodes).for_each(|node| count(node, &mut numbers));
        for (index, (_, nodes)) in traces.iter().enumerate() {
            if traces.len() > 1 {
                writeln!(f, "trace {}", index + 1)?;
            }
            let mut lines = Vec::new();
            nodes.iter().for_each(|node| self.write(node, 0, &numbers, &mut lines));
            lines.iter().try_for_each(|line| writeln!(f, "{line}"))?;
        }
        let outside = self.logs.iter().filter(|log| !self.spans.iter().any(|span| is_of(log, span)));
        for log in outside {
            writeln!(f, "{}", log_line(log, |key| self.shows(key)))?;
        }
        self.unfinished.iter().try_for_each(|name| writeln!(f, "{} has not ended", plain(name)))
    }
}

/// Gives each span its number, in the order of the lines.
fn count(node: &Node, numbers: &mut HashMap<usize, usize>) {
    numbers.insert(node.index, numbers.len() + 1);
    node.children.iter().for_each(|child| count(child, numbers));
}

fn is_of(log: &Log, span: &Span) -> bool {
    log.span_id.as_ref() == Some(&span.span_id) && log.trace_id.as_ref() == Some(&span.trace_id)
}

pub(super) fn is_shown(key: &str) -> bool {
    !VARYING.contains(&key)
}

pub(super) fn log_line(log: &Log, shows: impl Fn(&str) -> bool) -> String {
    let name = if log.event_name.is_empty() { String::new() } else { format!(" {}", plain(&log.event_name)) };
    let attributes = line(&log.attributes, |key| is_shown(key) && shows(key));
    let line = format!("{} {}:{name} {} {attributes}", plain(&log.severity), plain(&log.target), log.body);
    line.trim_end().to_owned()
}

/// Attributes in one line.
pub(super) fn line(attributes: &Attributes, shows: impl Fn(&str) -> bool) -> String {
    let shown = attributes.iter().filter(|(key, _)| shows(key));
    shown.map(|(key, value)| format!("{}={value}", plain(key))).collect::<Vec<_>>().join(" ")
}

/// A name that stays on its line.
fn plain(text: &str) -> String {
    let escaped = |c: char| if c.is_control() { c.escape_default().collect() } else { c.to_string() };
    text.chars().map(escaped).collect()
}
