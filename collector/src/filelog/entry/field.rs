//! A place in an entry, as configurations name it.

use super::{Entry, Key, Map, Value};
use std::{fmt, mem, str::FromStr};

/// How many keys a field may have.
const MAX_KEYS: usize = 32;

/// A place in an entry: `body`, `body.user.name`, `attributes["log.file.path"]`, `resource.pod`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Field {
    /// In what of the entry.
    pub root: Root,
    /// From there one map deeper each. None: all of it.
    pub keys: Vec<Key>,
}

/// A part of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Root {
    /// What it says.
    Body,
    /// What is known about it.
    Attributes,
    /// What is known about where it is from.
    Resource,
}

/// What is wrong with a text that should name a field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldFault {
    text: String,
    reason: &'static str,
}

impl Field {
    /// The body.
    pub const BODY: Field = Field { root: Root::Body, keys: Vec::new() };
    /// All attributes.
    pub const ATTRIBUTES: Field = Field { root: Root::Attributes, keys: Vec::new() };

    /// An attribute, by its key.
    pub fn attribute(key: &str) -> Self {
        Field { root: Root::Attributes, keys: vec![key.into()] }
    }

    /// What stands there, unless it is all attributes or all of the resource.
    pub fn value<'a>(&self, entry: &'a Entry) -> Option<&'a Value> {
        let Some((first, rest)) = self.keys.split_first() else {
            return (self.root == Root::Body).then_some(&entry.body);
        };
        let map = match self.root {
            Root::Body => entry.body.map()?,
            Root::Attributes => &entry.attributes,
            Root::Resource => &entry.resource,
        };
        rest.iter().try_fold(map.value(first)?, |value, key| value.map()?.value(key))
    }

    /// Whether the entry has something there, if only nothing.
    pub fn is_in(&self, entry: &Entry) -> bool {
        self.value(entry).is_some() || (self.keys.is_empty() && self.root != Root::Body)
    }

    /// Whether something else than a map can stand there.
    pub(crate) fn can_be_list(&self) -> bool {
        self.root == Root::Body || !self.keys.is_empty()
    }

    /// What stands there; a copy.
    pub fn copy(&self, entry: &Entry) -> Option<Value> {
        match (self.keys.is_empty(), self.root) {
            (true, Root::Attributes) => Some(Value::Map(entry.attributes.clone())),
            (true, Root::Resource) => Some(Value::Map(entry.resource.clone())),
            _ => self.value(entry).cloned(),
        }
    }

    /// Puts a value there; a map beside what is there. What is on the way and no map becomes one. Only a map can be all
    /// attributes, or all of the resource: another value is answered.
    pub fn set(&self, entry: &mut Entry, value: Value) -> Option<Value> {
        match (self.keys.split_last(), value) {
            (_, Value::Map(map)) => within(self.root, &self.keys, entry, |held| held.merge(map)),
            (Some((last, way)), value) => {
                within(self.root, way, entry, |map| map.insert(last.clone(), value));
            }
            (None, value) if self.root == Root::Body => entry.body = value,
            (None, value) => return Some(value),
        }
        None
    }

    /// Takes what stands there out of the entry.
    pub fn take(&self, entry: &mut Entry) -> Option<Value> {
        let Some((last, way)) = self.keys.split_last() else {
            return Some(match self.root {
                Root::Body => mem::take(&mut entry.body),
                Root::Attributes => Value::Map(mem::take(&mut entry.attributes)),
                Root::Resource => Value::Map(mem::take(&mut entry.resource)),
            });
        };
        let mut map = match (self.root, &mut entry.body) {
            (Root::Attributes, _) => &mut entry.attributes,
            (Root::Resource, _) => &mut entry.resource,
            (Root::Body, Value::Map(map)) => map,
            (Root::Body, _) => return None,
        };
        for key in way {
            match map.value_mut(key)? {
                Value::Map(inner) => map = inner,
                _ => return None,
            }
        }
        map.remove(last)
    }
}

/// Does something to the map at a place; what is on the way and no map becomes one.
fn within<R>(root: Root, way: &[Key], entry: &mut Entry, act: impl FnOnce(&mut Map) -> R) -> R {
    match root {
        Root::Body => within_value(&mut entry.body, way, act),
        Root::Attributes => within_map(&mut entry.attributes, way, act),
        Root::Resource => within_map(&mut entry.resource, way, act),
    }
}

fn within_map<R>(map: &mut Map, way: &[Key], act: impl FnOnce(&mut Map) -> R) -> R {
    match way.split_first() {
        Some((key, rest)) => within_value(map.place(key), rest, act),
        None => act(map),
    }
}

fn within_value<R>(value: &mut Value, way: &[Key], act: impl FnOnce(&mut Map) -> R) -> R {
    if let Value::Map(map) = value {
        return within_map(map, way, act);
    }
    let mut map = Map::new();
    let done = within_map(&mut map, way, act);
    *value = Value::Map(map);
    done
}

impl FromStr for Field {
    type Err = FieldFault;

    fn from_str(text: &str) -> Result<Self, FieldFault> {
        let fault = |reason| FieldFault { text: text.to_owned(), reason };
        let mut parts = Parts { rest: text, is_first: true };
        let root = match parts.next().transpose().map_err(fault)? {
            Some("body") => Root::Body,
            Some("attributes") => Root::Attributes,
            Some("resource") => Root::Resource,
            _ => return Err(fault("a field begins with body, attributes or resource")),
        };
        let mut keys = Vec::new();
        for part in parts {
            keys.push(Key::from(part.map_err(fault)?));
            if keys.len() > MAX_KEYS {
                return Err(fault("a field has at most 32 keys"));
            }
        }
        Ok(Field { root, keys })
    }
}

/// The keys of a field, one after the other.
struct Parts<'a> {
    rest: &'a str,
    is_first: bool,
}

impl<'a> Iterator for Parts<'a> {
    type Item = Result<&'a str, &'static str>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let is_first = std::mem::take(&mut self.is_first);
        let part = match self.rest.strip_prefix('[') {
            Some(rest) => self.bracketed(rest),
            None if is_first => self.plain(self.rest),
            None => match self.rest.strip_prefix('.') {
                Some(rest) => self.plain(rest),
                None => Err("a closing bracket is followed by a dot or another bracket"),
            },
        };
        if part.is_err() {
            self.rest = "";
        }
        Some(part)
    }
}

impl<'a> Parts<'a> {
    fn plain(&mut self, text: &'a str) -> Result<&'a str, &'static str> {
        let end = text.find(['.', '[']).unwrap_or(text.len());
        let (part, rest) = text.split_at(end);
        self.rest = rest;
        if part.is_empty() { Err("a key is empty") } else { Ok(part) }
    }

    fn bracketed(&mut self, text: &'a str) -> Result<&'a str, &'static str> {
        let quote = text.chars().next().filter(|quote| matches!(quote, '"' | '\''));
        let quote = quote.ok_or("a key in brackets stands in quotes")?;
        let (part, rest) = text[1..].split_once(quote).ok_or("a quote is not closed")?;
        self.rest = rest.strip_prefix(']').ok_or("a bracket is not closed after its quote")?;
        Ok(part)
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.root {
            Root::Body => "body",
            Root::Attributes => "attributes",
            Root::Resource => "resource",
        })?;
        self.keys.iter().try_for_each(|key| match key.contains(['.', '[']) {
            true => write!(f, "[{key:?}]"),
            false => write!(f, ".{key}"),
        })
    }
}

impl fmt::Display for FieldFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} is no field: {}", self.text, self.reason)
    }
}

impl std::error::Error for FieldFault {}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(text: &str) -> Field {
        text.parse().unwrap()
    }

    #[test]
    fn a_field_is_read_as_it_is_written() {
        for (text, written) in [
            ("body", "body"),
            ("body.a.b", "body.a.b"),
            (r#"attributes["log.file.path"]"#, r#"attributes["log.file.path"]"#),
            ("attributes['a.b'].c", r#"attributes["a.b"].c"#),
            (r#"resource["a"]["b"]"#, "resource.a.b"),
            (r#"["body"].a"#, "body.a"),
        ] {
            assert_eq!(field(text).to_string(), written);
            assert_eq!(field(written), field(text));
        }
    }

    #[test]
    fn what_is_no_field_is_named_with_its_fault() {
        let fault = |text: &str| text.parse::<Field>().unwrap_err().to_string();
        assert_eq!(
            fault("atributes.x"),
            r#""atributes.x" is no field: a field begins with body, attributes or resource"#
        );
        for text in
            ["", "body.", "body..a", "body[a]", r#"body["a"#, r#"body["a""#, r#"body["a"]b"#, "[", "body."]
        {
            assert!(text.parse::<Field>().is_err(), "{text}");
        }
        assert!(format!("body{}", ".a".repeat(33)).parse::<Field>().is_err());
    }

    #[test]
    fn what_is_put_in_a_field_is_there_and_can_be_taken() {
        let mut entry = Entry::of("text");
        for text in ["attributes.a.b", "resource.x", "attributes.a.c", "body.deep.er"] {
            assert_eq!(field(text).set(&mut entry, text.into()), None);
            assert_eq!(field(text).value(&entry), Some(&text.into()));
        }
        assert_eq!(
            entry.attributes,
            Map::from([(
                "a",
                Map::from([("b", "attributes.a.b".into()), ("c", "attributes.a.c".into())]).into()
            )])
        );
        assert_eq!(field("attributes.a.b").take(&mut entry), Some("attributes.a.b".into()));
        assert_eq!(field("attributes.a.b").take(&mut entry), None);
        assert_eq!(field("attributes").take(&mut entry).unwrap().kind(), "a map");
        assert!(entry.attributes.is_empty());
        assert_eq!(field("resource").set(&mut entry, Value::Integer(7)), Some(Value::Integer(7)));
        assert_eq!(field("body").set(&mut entry, Value::Integer(7)), None);
        assert_eq!(field("body.x").take(&mut entry), None);
    }
}
