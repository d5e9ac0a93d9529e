//! What several operators have: fields, ids, times, severities, traces.

use crate::{
    agent::printable,
    collector::filelog::{
        entry::Field,
        operator::{LayoutType, Meaning, Parse, Preset, Severity, Timestamp, TraceContext},
    },
    config::file::{
        amount,
        document::{Entry, Flaw, Node, shown},
    },
};

/// The words of severities, each for the first of four numbers.
const SEVERITIES: [&str; 6] = ["trace", "debug", "info", "warn", "error", "fatal"];

/// A mapping that is read, with what messages call it.
pub(super) struct Reading<'a, 'b> {
    pub(super) node: &'a Node,
    pub(super) path: &'b str,
    pub(super) flaws: &'b mut Vec<Flaw>,
}

impl Reading<'_, '_> {
    pub(super) fn text(&self, key: &str) -> Option<String> {
        self.node.get(key).and_then(Node::text).map(str::to_owned)
    }

    pub(super) fn texts(&self, key: &str) -> Vec<String> {
        let members = self.node.get(key).map(Node::members).unwrap_or_default();
        members.iter().filter_map(Node::text).map(str::to_owned).collect()
    }

    /// False if it is not there.
    pub(super) fn flag(&self, key: &str) -> bool {
        self.node.get(key).and_then(Node::boolean).unwrap_or(false)
    }

    /// A text of one letter.
    pub(super) fn letter(&mut self, key: &str) -> Option<char> {
        let node = self.node.get(key)?;
        let mut letters = node.text()?.chars();
        let letter = letters.next().filter(|_| letters.next().is_none());
        if letter.is_none() {
            self.flaws.push(Flaw::new(node.line, format!("{}.{key} is not one letter", self.path)));
        }
        letter
    }

    pub(super) fn size(&self, key: &str) -> Option<usize> {
        self.node.get(key).and_then(amount::bytes).and_then(|bytes| usize::try_from(bytes).ok())
    }

    /// Tells a fault of all of it.
    pub(super) fn fault(&mut self, message: &str) {
        self.flaws.push(Flaw::new(self.node.line, format!("{} {message}", self.path)));
    }

    /// One id, or a list of them.
    pub(super) fn ids(&self, key: &str) -> Vec<String> {
        let Some(node) = self.node.get(key) else { return Vec::new() };
        let one = node.text().map(str::to_owned);
        one.into_iter().chain(node.members().iter().filter_map(Node::text).map(str::to_owned)).collect()
    }

    pub(super) fn field(&mut self, key: &str) -> Option<Field> {
        field_of(self.node.get(key)?, &format!("{}.{key}", self.path), self.flaws)
    }

    /// Another one if it is not there.
    pub(super) fn field_or(&mut self, key: &str, other: Field) -> Option<Field> {
        if self.node.get(key).is_some() { self.field(key) } else { Some(other) }
    }

    pub(super) fn fields(&mut self, key: &str) -> Vec<Field> {
        let members = self.node.get(key).map(Node::members).unwrap_or_default();
        let path = format!("{}.{key}", self.path);
        members.iter().filter_map(|node| field_of(node, &path, self.flaws)).collect()
    }

    pub(super) fn parse(&mut self) -> Parse {
        let mut parse = Parse::default();
        parse.from = self.field("parse_from").unwrap_or(parse.from);
        parse.to = self.field("parse_to").unwrap_or(parse.to);
        parse.body = self.field("body");
        parse.timestamp = self.below("timestamp", |of| of.timestamp());
        parse.severity = self.below("severity", |of| of.severity());
        parse.trace = self.below("trace", |of| Some(of.trace()));
        parse.scope_name = self.below("scope_name", |of| of.field("parse_from"));
        parse
    }

    pub(super) fn timestamp(&mut self) -> Option<Timestamp> {
        let mut timestamp = Timestamp::new(self.field("parse_from")?, self.text("layout")?);
        timestamp.layout_type = match self.node.get("layout_type").and_then(Node::text) {
            Some("gotime") => LayoutType::GoTime,
            Some("epoch") => LayoutType::Epoch,
            _ => LayoutType::Strptime,
        };
        timestamp.location = self.text("location");
        let zones = self.node.get("time_zone_locations").map(Node::entries).unwrap_or_default();
        let zone = |entry: &Entry| Some((entry.key.clone(), entry.node.text()?.to_owned()));
        timestamp.time_zone_locations = zones.iter().filter_map(zone).collect();
        Some(timestamp)
    }

    pub(super) fn severity(&mut self) -> Option<Severity> {
        let mut severity = Severity::new(self.field("parse_from")?);
        severity.preset = match self.node.get("preset").and_then(Node::text) {
            Some("none") => Preset::None,
            Some("otel") => Preset::Otel,
            _ => Preset::Default,
        };
        severity.overwrite_text = self.node.get("overwrite_text").and_then(Node::boolean).unwrap_or(false);
        for entry in self.node.get("mapping").map(Node::entries).unwrap_or_default() {
            let path = format!("{}.mapping.{}", self.path, shown(&entry.key));
            let Some(number) = number(&entry.key) else {
                let fault = format!("{path} is no severity; write trace to fatal4, default, or 0 to 24");
                self.flaws.push(Flaw::new(entry.line, fault));
                continue;
            };
            for node in entry.node.list().unwrap_or(std::slice::from_ref(&entry.node)) {
                match meaning(node) {
                    Some(meaning) => severity.mapping.push((number, meaning)),
                    None => self
                        .flaws
                        .push(Flaw::new(node.line, format!("{path} is not a word, nor min and max"))),
                }
            }
        }
        Some(severity)
    }

    pub(super) fn trace(&mut self) -> TraceContext {
        let mut trace = TraceContext::default();
        for (key, field) in [
            ("trace_id", &mut trace.trace_id),
            ("span_id", &mut trace.span_id),
            ("trace_flags", &mut trace.trace_flags),
        ] {
            if let Some(found) = self.below(key, |of| of.field("parse_from")) {
                *field = found;
            }
        }
        trace
    }

    /// Reads what stands below a key, if anything does.
    fn below<T>(&mut self, key: &str, read: impl FnOnce(&mut Reading<'_, '_>) -> Option<T>) -> Option<T> {
        let path = format!("{}.{key}", self.path);
        let node = self.node.get(key)?;
        read(&mut Reading { node, path: &path, flaws: &mut *self.flaws })
    }
}

fn field_of(node: &Node, path: &str, flaws: &mut Vec<Flaw>) -> Option<Field> {
    match node.text()?.parse() {
        Ok(field) => Some(field),
        Err(fault) => {
            flaws.push(Flaw::new(node.line, format!("{path}: {}", printable(&fault.to_string()))));
            None
        }
    }
}

/// `error3`, or `19`; `default` is none.
fn number(text: &str) -> Option<u8> {
    if let Ok(number) = text.parse::<u8>() {
        return (number <= 24).then_some(number);
    }
    if text.eq_ignore_ascii_case("default") {
        return Some(0);
    }
    let word = text.trim_end_matches(|c: char| c.is_ascii_digit());
    let place = SEVERITIES.iter().position(|known| known.eq_ignore_ascii_case(word))?;
    let step = match &text[word.len()..] {
        "" => 1,
        digits => digits.parse::<u8>().ok().filter(|step| (2..=4).contains(step))?,
    };
    Some(u8::try_from(place).ok()? * 4 + step)
}

fn meaning(node: &Node) -> Option<Meaning> {
    match (node.get("min").and_then(Node::integer), node.get("max").and_then(Node::integer)) {
        (Some(min), Some(max)) => Some(Meaning::Range(min, max)),
        _ => node.text().map(|word| Meaning::Word(word.to_owned())),
    }
}
