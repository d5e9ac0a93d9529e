//! YAML → a tree with line numbers, its scalars substituted and not yet typed.
//!
//! A plain scalar gets its type from what it holds after substitution, when somebody asks for one (YAML 1.2 core
//! schema); a quoted one stays text. Keys are never substituted. Anchors and aliases work; merge keys, which are not of
//! YAML 1.2, and tags of one's own do not. Size, depth, nodes and text are bounded, with aliases and variables
//! expanded.

use super::substitution::substitute;
use granit_parser::{Event, Parser, ScalarStyle, ScanError, Span, Tag};
use std::{borrow::Cow, collections::HashMap};

/// Bytes of a document, and of its text with aliases and variables expanded: hundreds of times what the longest
/// configuration has.
pub(crate) const MOST_BYTES: usize = 1 << 20;

/// Nodes, with aliases expanded.
const MOST_NODES: usize = 10_000;

/// Lists, and mappings, within each other.
const MOST_LEVELS: usize = 32;

/// Characters of a key that a message repeats.
const MOST_SHOWN: usize = 64;

/// One thing wrong in a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Flaw {
    /// Counted from 1.
    pub(crate) line: usize,
    pub(crate) message: String,
    /// Only said, since nothing is lost.
    pub(crate) harmless: bool,
}

impl Flaw {
    pub(crate) fn new(line: usize, message: impl Into<String>) -> Self {
        Flaw { line, message: message.into(), harmless: false }
    }
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Node {
    pub(crate) line: usize,
    pub(crate) value: Value,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    Scalar {
        text: String,
        /// Not quoted: what it holds decides its type.
        plain: bool,
    },
    List(Vec<Node>),
    Mapping(Vec<Entry>),
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Entry {
    pub(crate) key: String,
    pub(crate) line: usize,
    pub(crate) node: Node,
}

impl Node {
    pub(crate) fn is_null(&self) -> bool {
        self.plain().is_some_and(|text| matches!(text, "" | "~" | "null" | "Null" | "NULL"))
    }

    /// The value of a key that has one.
    pub(crate) fn get(&self, key: &str) -> Option<&Node> {
        self.entries()
            .iter()
            .find(|entry| entry.key == key)
            .map(|entry| &entry.node)
            .filter(|node| !node.is_null())
    }

    pub(crate) fn entries(&self) -> &[Entry] {
        if let Value::Mapping(entries) = &self.value { entries } else { &[] }
    }

    /// As [`Node::get`], through several mappings.
    pub(crate) fn path(&self, keys: &[&str]) -> Option<&Node> {
        keys.iter().try_fold(self, |node, key| node.get(key))
    }

    /// The first key of what is named by one, with its value.
    pub(crate) fn kind(&self) -> Option<(&str, &Node)> {
        self.entries().first().map(|entry| (entry.key.as_str(), &entry.node))
    }

    pub(crate) fn list(&self) -> Option<&[Node]> {
        if let Value::List(members) = &self.value { Some(members) } else { None }
    }

    pub(crate) fn members(&self) -> &[Node] {
        self.list().unwrap_or_default()
    }

    /// Any scalar as it is written: a number is also the text of its digits.
    pub(crate) fn text(&self) -> Option<&str> {
        match &self.value {
            Value::Scalar { text, .. } if !self.is_null() => Some(text),
            _ => None,
        }
    }

    pub(crate) fn boolean(&self) -> Option<bool> {
        match self.plain()? {
            "true" | "True" | "TRUE" => Some(true),
            "false" | "False" | "FALSE" => Some(false),
            _ => None,
        }
    }

    pub(crate) fn integer(&self) -> Option<i64> {
        let text = self.plain()?;
        if let Some(digits) = text.strip_prefix("0x") {
            return i64::from_str_radix(unsigned(digits)?, 16).ok();
        }
        if let Some(digits) = text.strip_prefix("0o") {
            return i64::from_str_radix(unsigned(digits)?, 8).ok();
        }
        text.parse().ok()
    }

    /// A whole number, zero among them.
    pub(crate) fn count(&self) -> Option<usize> {
        self.integer()?.try_into().ok()
    }

    /// A whole number is one too.
    pub(crate) fn number(&self) -> Option<f64> {
        if let Some(integer) = self.integer() {
            return Some(integer as f64);
        }
        match self.plain()? {
            ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" => Some(f64::INFINITY),
            "-.inf" | "-.Inf" | "-.INF" => Some(f64::NEG_INFINITY),
            ".nan" | ".NaN" | ".NAN" => Some(f64::NAN),
            // Words like `infinity`, which Rust takes, are text.
            text if text.contains(|c: char| c.is_ascii_alphabetic() && !matches!(c, 'e' | 'E')) => None,
            text => text.parse().ok(),
        }
    }

    fn plain(&self) -> Option<&str> {
        match &self.value {
            Value::Scalar { text, plain: true } => Some(text),
            _ => None,
        }
    }

    /// Nodes and bytes.
    fn size(&self) -> (usize, usize) {
        let add = |(nodes, bytes), (more, longer)| (nodes + more, bytes + longer);
        match &self.value {
            Value::Scalar { text, .. } => (1, text.len()),
            Value::List(members) => members.iter().map(Node::size).fold((1, 0), add),
            Value::Mapping(entries) => {
                entries.iter().map(|entry| add(entry.node.size(), (0, entry.key.len()))).fold((1, 0), add)
            }
        }
    }
}

fn unsigned(digits: &str) -> Option<&str> {
    (!digits.starts_with(['+', '-'])).then_some(digits)
}

/// What of a text may stand in a message.
pub(crate) fn shown(text: &str) -> String {
    let cut: String = text.chars().take(MOST_SHOWN).collect();
    cut.escape_debug().to_string()
}

/// Reads a document. Faults of references are all told; the grammar's first one ends the reading.
pub(crate) fn parse(text: &str, variable: &dyn Fn(&str) -> Option<String>) -> Result<Node, Vec<Flaw>> {
    if text.len() > MOST_BYTES {
        return Err(vec![Flaw::new(1, format!("is longer than {MOST_BYTES} bytes"))]);
    }
    let mut options = granit_parser::options! {
        flow_nesting_limit: MOST_LEVELS,
        block_nesting_limit: MOST_LEVELS,
    };
    options.set_emit_comments(false);
    let mut tree = Tree::new(variable);
    for event in Parser::new_from_str_with_options(text, options) {
        if let Err(flaw) =
            event.map_err(|error| grammar(&error)).and_then(|(event, span)| tree.take(event, span))
        {
            tree.flaws.push(flaw);
            return Err(tree.flaws);
        }
    }
    match tree.root {
        _ if !tree.flaws.is_empty() => Err(tree.flaws),
        Some(root) => Ok(root),
        None => Err(vec![Flaw::new(1, "is empty")]),
    }
}

fn grammar(error: &ScanError) -> Flaw {
    Flaw::new(error.marker().line(), format!("is not YAML: {}", shown(&error.info())))
}

/// A collection that is not closed yet.
struct Open {
    node: Node,
    anchor: usize,
    /// Of a mapping: the key whose value comes next.
    key: Option<(String, usize)>,
}

struct Tree<'a> {
    variable: &'a dyn Fn(&str) -> Option<String>,
    root: Option<Node>,
    open: Vec<Open>,
    anchors: HashMap<usize, Node>,
    nodes: usize,
    bytes: usize,
    flaws: Vec<Flaw>,
}

impl<'a> Tree<'a> {
    fn new(variable: &'a dyn Fn(&str) -> Option<String>) -> Self {
        Tree {
            variable,
            root: None,
            open: vec![],
            anchors: HashMap::new(),
            nodes: 0,
            bytes: 0,
            flaws: vec![],
        }
    }

    fn take(&mut self, event: Event<'_>, span: Span) -> Result<(), Flaw> {
        let line = span.start.line();
        match event {
            Event::Scalar(text, ..) if self.wants_key() => self.key(text, line),
            _ if self.wants_key() && is_node(&event) => Err(Flaw::new(line, "has a key that is not a text")),
            Event::Scalar(text, style, anchor, tag) => {
                let node = self.scalar(&text, style, tag.as_deref(), line)?;
                self.close(node, anchor)
            }
            Event::SequenceStart(_, anchor, tag) => {
                self.collection(Value::List(vec![]), anchor, (tag.as_deref(), "seq"), line)
            }
            Event::MappingStart(_, anchor, tag) => {
                self.collection(Value::Mapping(vec![]), anchor, (tag.as_deref(), "map"), line)
            }
            Event::SequenceEnd | Event::MappingEnd => match self.open.pop() {
                Some(open) => self.close(open.node, open.anchor),
                None => Ok(()),
            },
            Event::Alias(anchor) => {
                let Some(node) = self.anchors.get(&anchor) else {
                    return Err(Flaw::new(line, "has an alias of what is not a complete value before it"));
                };
                let node = Node { line, ..node.clone() };
                self.count(node.size(), line)?;
                self.close(node, 0)
            }
            Event::DocumentStart(..) if self.root.is_some() => {
                Err(Flaw::new(line, "begins a second document; there can be one"))
            }
            _ => Ok(()),
        }
    }

    fn wants_key(&self) -> bool {
        self.open
            .last()
            .is_some_and(|open| matches!(open.node.value, Value::Mapping(_)) && open.key.is_none())
    }

    fn key(&mut self, key: Cow<'_, str>, line: usize) -> Result<(), Flaw> {
        self.count((1, key.len()), line)?;
        if let Some(open) = self.open.last_mut() {
            if let Some(first) = open.node.entries().iter().find(|entry| entry.key == key) {
                let message = format!("{} stands here again, after line {}", shown(&key), first.line);
                self.flaws.push(Flaw::new(line, message));
            }
            open.key = Some((key.into_owned(), line));
        }
        Ok(())
    }

    fn scalar(
        &mut self,
        text: &str,
        style: ScalarStyle,
        tag: Option<&Tag>,
        line: usize,
    ) -> Result<Node, Flaw> {
        let plain = match tag {
            None => style == ScalarStyle::Plain,
            Some(tag) => match tag.core_suffix() {
                Some("str") => false,
                Some("null" | "bool" | "int" | "float") => true,
                _ => return Err(foreign(tag, line)),
            },
        };
        let text = substitute(text, MOST_BYTES, self.variable).unwrap_or_else(|unusable| {
            self.flaws.push(Flaw::new(line, unusable.to_string()));
            Cow::Borrowed("")
        });
        self.count((1, text.len()), line)?;
        Ok(Node { line, value: Value::Scalar { text: text.into_owned(), plain } })
    }

    fn collection(
        &mut self,
        value: Value,
        anchor: usize,
        (tag, known): (Option<&Tag>, &str),
        line: usize,
    ) -> Result<(), Flaw> {
        if let Some(tag) = tag.filter(|tag| tag.core_suffix() != Some(known)) {
            return Err(foreign(tag, line));
        }
        self.count((1, 0), line)?;
        self.open.push(Open { node: Node { line, value }, anchor, key: None });
        Ok(())
    }

    /// A node is complete: it goes into what is around it.
    fn close(&mut self, node: Node, anchor: usize) -> Result<(), Flaw> {
        if anchor > 0 {
            self.count(node.size(), node.line)?;
            self.anchors.insert(anchor, node.clone());
        }
        let Some(around) = self.open.last_mut() else {
            self.root = Some(node);
            return Ok(());
        };
        match &mut around.node.value {
            Value::List(members) => members.push(node),
            Value::Mapping(entries) => {
                if let Some((key, line)) = around.key.take() {
                    entries.push(Entry { key, line, node });
                }
            }
            Value::Scalar { .. } => {}
        }
        Ok(())
    }

    fn count(&mut self, (nodes, bytes): (usize, usize), line: usize) -> Result<(), Flaw> {
        self.nodes += nodes;
        self.bytes += bytes;
        if self.nodes > MOST_NODES || self.bytes > MOST_BYTES {
            return Err(Flaw::new(line, "is where it becomes too long, with aliases and variables expanded"));
        }
        Ok(())
    }
}

fn is_node(event: &Event<'_>) -> bool {
    matches!(event, Event::SequenceStart(..) | Event::MappingStart(..) | Event::Alias(_))
}

fn foreign(tag: &Tag, line: usize) -> Flaw {
    let name = format!("{}{}", tag.handle(), tag.suffix());
    Flaw::new(line, format!("has the tag {}, which is not known here", shown(&name)))
}
