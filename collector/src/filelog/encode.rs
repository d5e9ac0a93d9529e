//! Entries as a request of OTLP.

use super::entry::{Entry, Map, Value};
use prost::encoding::{encode_varint, encoded_len_varint};

/// How deep values may nest; what is deeper is written as JSON in a text. Decoders stop at 100 messages, and a map in a
/// map takes three.
const MAX_DEPTH: usize = 24;

/// Entries that become one request: those of one resource together.
#[derive(Default)]
pub(super) struct Batch {
    groups: Vec<Group>,
    /// Where the last entry went: the next one mostly goes there too.
    last: usize,
    items: u64,
    bytes: usize,
}

struct Group {
    resource: Map,
    scope: String,
    records: Vec<u8>,
}

impl Batch {
    pub(super) fn items(&self) -> u64 {
        self.items
    }

    /// How many bytes there are so far.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(super) fn add(&mut self, entry: &Entry) {
        let records = self.records_for(entry);
        let before = records.len();
        record(entry, records);
        self.bytes += records.len() - before;
        self.items += 1;
    }

    /// The request, after which there are no entries.
    pub(super) fn take(&mut self) -> Vec<u8> {
        let Batch { groups, .. } = std::mem::take(self);
        let mut request = Vec::with_capacity(groups.iter().map(|group| group.records.len() + 512).sum());
        for Group { resource, scope, records } in groups {
            let scope_size = if scope.is_empty() { 0 } else { field_size(scope.len()) };
            let scopes_size = if scope.is_empty() { 0 } else { field_size(scope_size) } + records.len();
            let resource_size = attributes_size(&resource, MAX_DEPTH);
            frame(1, field_size(resource_size) + field_size(scopes_size), &mut request);
            frame(1, resource_size, &mut request);
            attributes(1, &resource, MAX_DEPTH, &mut request);
            frame(2, scopes_size, &mut request);
            if !scope.is_empty() {
                frame(1, scope_size, &mut request);
                bytes(1, scope.as_bytes(), &mut request);
            }
            request.extend_from_slice(&records);
        }
        request
    }

    fn records_for(&mut self, entry: &Entry) -> &mut Vec<u8> {
        let is_it = |group: &Group| group.scope == entry.scope_name && group.resource == entry.resource;
        if !self.groups.get(self.last).is_some_and(is_it) {
            self.last = self.groups.iter().position(is_it).unwrap_or_else(|| {
                let (resource, scope) = (entry.resource.clone(), entry.scope_name.clone());
                self.bytes += attributes_size(&resource, MAX_DEPTH) + scope.len();
                self.groups.push(Group { resource, scope, records: Vec::new() });
                self.groups.len() - 1
            });
        }
        &mut self.groups[self.last].records
    }
}

/// A log record, with its key and length.
fn record(entry: &Entry, to: &mut Vec<u8>) {
    let times = entry.timestamp.map_or(0, |_| 9) + 9;
    let number = if entry.severity_number == 0 { 0 } else { 2 };
    let text = if entry.severity_text.is_empty() { 0 } else { field_size(entry.severity_text.len()) };
    let body = if entry.body == Value::Null { 0 } else { field_size(size(&entry.body, MAX_DEPTH)) };
    let ids = entry.trace_id.map_or(0, |_| 18) + entry.span_id.map_or(0, |_| 10);
    let flags = entry.trace_flags.map_or(0, |_| 5);
    frame(2, times + number + text + body + attributes_size(&entry.attributes, MAX_DEPTH) + flags + ids, to);
    if let Some(time) = entry.timestamp {
        fixed64(1, time, to);
    }
    if entry.severity_number > 0 {
        to.extend_from_slice(&[2 << 3, entry.severity_number.min(24)]);
    }
    if !entry.severity_text.is_empty() {
        bytes(3, entry.severity_text.as_bytes(), to);
    }
    if entry.body != Value::Null {
        frame(5, size(&entry.body, MAX_DEPTH), to);
        write(&entry.body, MAX_DEPTH, to);
    }
    attributes(6, &entry.attributes, MAX_DEPTH, to);
    if let Some(flags) = entry.trace_flags {
        to.push(8 << 3 | 5);
        to.extend_from_slice(&u32::from(flags).to_le_bytes());
    }
    if let Some(id) = &entry.trace_id {
        bytes(9, id, to);
    }
    if let Some(id) = &entry.span_id {
        bytes(10, id, to);
    }
    fixed64(11, entry.observed, to);
}

/// Attributes, each as a field with this number.
fn attributes(number: u32, map: &Map, depth: usize, to: &mut Vec<u8>) {
    for (key, value) in map {
        frame(number, attribute_size(key, value, depth), to);
        bytes(1, key.as_bytes(), to);
        frame(2, size(value, depth), to);
        write(value, depth, to);
    }
}

fn attributes_size(map: &Map, depth: usize) -> usize {
    map.iter().map(|(key, value)| field_size(attribute_size(key, value, depth))).sum()
}

fn attribute_size(key: &str, value: &Value, depth: usize) -> usize {
    field_size(key.len()) + field_size(size(value, depth))
}

/// What a value is in bytes: without its key and length.
fn write(value: &Value, depth: usize, to: &mut Vec<u8>) {
    match value {
        Value::Null => {}
        Value::Text(text) => bytes(1, text.as_bytes(), to),
        Value::Bool(truth) => to.extend_from_slice(&[2 << 3, u8::from(*truth)]),
        Value::Integer(number) => {
            to.push(3 << 3);
            encode_varint(*number as u64, to);
        }
        Value::Double(number) => fixed64(4, number.to_bits(), to),
        Value::Bytes(content) => bytes(7, content, to),
        Value::List(_) | Value::Map(_) if depth == 0 => bytes(1, json(value).as_bytes(), to),
        Value::List(values) => {
            frame(5, list_size(values, depth), to);
            for value in values {
                frame(1, size(value, depth - 1), to);
                write(value, depth - 1, to);
            }
        }
        Value::Map(map) => {
            frame(6, attributes_size(map, depth - 1), to);
            attributes(1, map, depth - 1, to);
        }
    }
}

fn size(value: &Value, depth: usize) -> usize {
    match value {
        Value::Null => 0,
        Value::Text(text) => field_size(text.len()),
        Value::Bool(_) => 2,
        Value::Integer(number) => 1 + encoded_len_varint(*number as u64),
        Value::Double(_) => 9,
        Value::Bytes(content) => field_size(content.len()),
        Value::List(_) | Value::Map(_) if depth == 0 => field_size(json(value).len()),
        Value::List(values) => field_size(list_size(values, depth)),
        Value::Map(map) => field_size(attributes_size(map, depth - 1)),
    }
}

fn list_size(values: &[Value], depth: usize) -> usize {
    values.iter().map(|value| field_size(size(value, depth - 1))).sum()
}

/// Key, length and content of a field, all of whose numbers are below 16.
fn field_size(content: usize) -> usize {
    1 + encoded_len_varint(content as u64) + content
}

fn frame(number: u32, length: usize, to: &mut Vec<u8>) {
    to.push((number << 3 | 2) as u8);
    encode_varint(length as u64, to);
}

fn bytes(number: u32, content: &[u8], to: &mut Vec<u8>) {
    frame(number, content.len(), to);
    to.extend_from_slice(content);
}

fn fixed64(number: u32, value: u64, to: &mut Vec<u8>) {
    to.push((number << 3 | 1) as u8);
    to.extend_from_slice(&value.to_le_bytes());
}

/// As text, for what is too deep.
fn json(value: &Value) -> String {
    plain(value).to_string()
}

fn plain(value: &Value) -> serde_json::Value {
    match value {
        Value::Null => serde_json::Value::Null,
        Value::Text(text) => text.as_str().into(),
        Value::Bytes(content) => String::from_utf8_lossy(content).into(),
        Value::Integer(number) => (*number).into(),
        Value::Double(number) => (*number).into(),
        Value::Bool(truth) => (*truth).into(),
        Value::List(values) => values.iter().map(plain).collect(),
        Value::Map(map) => map.iter().map(|(key, value)| (key.to_owned(), plain(value))).collect(),
    }
}

#[cfg(test)]
mod tests;
