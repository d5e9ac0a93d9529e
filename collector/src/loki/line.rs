//! What a record says, as one line.

use super::attributes::Hinted;
use crate::{otlp, trace::Value, voice};
use serde::Serialize;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

/// How lines are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    Json,
    Logfmt,
    Raw,
}

impl Format {
    /// By the word of the hint; another word means JSON, which is said once.
    pub(super) fn named(name: &str) -> Self {
        static HAS_COMPLAINED: AtomicBool = AtomicBool::new(false);
        match name {
            "json" => Format::Json,
            "logfmt" => Format::Logfmt,
            "raw" => Format::Raw,
            other => {
                if !HAS_COMPLAINED.swap(true, Relaxed) {
                    let other: String = other.chars().take(40).collect();
                    voice::warn(format!(
                        "loki.format {other:?} is none of json, logfmt and raw; json is used"
                    ));
                }
                Format::Json
            }
        }
    }
}

/// What a record says, without what is said in labels.
#[derive(Serialize)]
pub(super) struct Line<'a> {
    #[serde(skip_serializing_if = "str::is_empty")]
    pub(super) name: &'a str,
    #[serde(skip_serializing_if = "is_nothing")]
    pub(super) body: Value,
    #[serde(rename = "traceid", skip_serializing_if = "str::is_empty")]
    pub(super) trace_id: &'a str,
    #[serde(rename = "spanid", skip_serializing_if = "str::is_empty")]
    pub(super) span_id: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    pub(super) severity: &'a str,
    #[serde(skip_serializing_if = "is_zero")]
    pub(super) flags: u32,
    #[serde(skip_serializing_if = "Hinted::is_empty")]
    pub(super) attributes: Hinted<'a>,
    #[serde(skip_serializing_if = "Hinted::is_empty")]
    pub(super) resources: Hinted<'a>,
    #[serde(
        rename = "instrumentation_scope",
        skip_serializing_if = "has_no_name",
        serialize_with = "serialize_scope"
    )]
    pub(super) scope: &'a otlp::Scope,
}

impl Line<'_> {
    pub(super) fn written(&self, format: Format) -> String {
        match format {
            // Nothing in it has no JSON.
            Format::Json => serde_json::to_string(self).unwrap_or_default(),
            Format::Logfmt => self.logfmt(),
            Format::Raw => self.body.to_string(),
        }
    }

    fn logfmt(&self) -> String {
        let mut pairs = Pairs::default();
        match &self.body {
            Value::Text(text) => match pairs_of(text) {
                Some(found) => pairs.0.extend(found),
                None => pairs.add("msg", text),
            },
            Value::Map(_) => pairs.add_value("", &self.body),
            Value::Array(_) => pairs.add_value("body", &self.body),
            other => pairs.add_value("msg", other),
        }
        let flags = if self.flags == 0 { String::new() } else { self.flags.to_string() };
        for (key, text) in [
            ("traceID", self.trace_id),
            ("spanID", self.span_id),
            ("severity", self.severity),
            ("flags", &flags),
        ] {
            if !text.is_empty() {
                pairs.0.retain(|(other, _)| other != key);
                pairs.add(key, text);
            }
        }
        self.attributes.iter().for_each(|(name, value)| pairs.add_value(&format!("attribute_{name}"), value));
        self.resources.iter().for_each(|(name, value)| pairs.add_value(&format!("resource_{name}"), value));
        if !self.scope.name.is_empty() {
            pairs.add("instrumentation_scope_name", &self.scope.name);
            if !self.scope.version.is_empty() {
                pairs.add("instrumentation_scope_version", &self.scope.version);
            }
        }
        pairs.written()
    }
}

/// Keys and values of logfmt.
#[derive(Default)]
struct Pairs(Vec<(String, String)>);

impl Pairs {
    fn add(&mut self, key: &str, value: &str) {
        self.0.push((key.to_owned(), value.to_owned()));
    }

    /// Adds what is in lists and maps each for itself.
    fn add_value(&mut self, key: &str, value: &Value) {
        let inner = |name: &str| if key.is_empty() { name.to_owned() } else { format!("{key}_{name}") };
        match value {
            Value::Empty => {}
            Value::Map(map) => map.iter().for_each(|(name, value)| self.add_value(&inner(name), value)),
            Value::Array(list) => {
                for (at, value) in list.iter().enumerate() {
                    self.add_value(&inner(&at.to_string()), value);
                }
            }
            value => self.add(key, &value.to_string()),
        }
    }

    fn written(&self) -> String {
        let mut line = String::new();
        for (key, value) in &self.0 {
            let is_plain =
                |letter: char| letter > ' ' && !matches!(letter, '=' | '"') && !letter.is_control();
            let start = line.len();
            line.push_str(if line.is_empty() { "" } else { " " });
            let before = line.len();
            line.extend(key.chars().filter(|letter| is_plain(*letter)));
            if line.len() == before {
                // A key without a letter that a key may have.
                line.truncate(start);
                continue;
            }
            line.push('=');
            match value.chars().all(is_plain) {
                true => line.push_str(value),
                // Its escapes are those of logfmt.
                false => line.push_str(&serde_json::to_string(value).unwrap_or_default()),
            }
        }
        line
    }
}

/// The keys and values of a text that is logfmt from end to end.
fn pairs_of(text: &str) -> Option<Vec<(String, String)>> {
    let (mut pairs, mut rest) = (Vec::new(), text.trim());
    while !rest.is_empty() {
        let (key, behind) = rest.split_once('=')?;
        if key.is_empty() || key.contains(|letter: char| letter <= ' ' || letter == '"') {
            return None;
        }
        let (value, length) = match behind.strip_prefix('"') {
            None => {
                let length = behind.find(char::is_whitespace).unwrap_or(behind.len());
                let value = &behind[..length];
                (value.to_owned(), if value.contains(['"', '=']) { return None } else { length })
            }
            Some(_) => {
                let mut values = serde_json::Deserializer::from_str(behind).into_iter::<String>();
                let value = values.next()?.ok()?;
                (value, values.byte_offset())
            }
        };
        pairs.push((key.to_owned(), value));
        rest = &behind[length..];
        if !rest.is_empty() && !rest.starts_with(char::is_whitespace) {
            return None;
        }
        rest = rest.trim_start();
    }
    (!pairs.is_empty()).then_some(pairs)
}

fn is_nothing(value: &Value) -> bool {
    matches!(value, Value::Empty)
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks by reference")]
fn is_zero(number: &u32) -> bool {
    *number == 0
}

fn has_no_name(scope: &&otlp::Scope) -> bool {
    scope.name.is_empty()
}

fn serialize_scope<S: serde::Serializer>(scope: &&otlp::Scope, serializer: S) -> Result<S::Ok, S::Error> {
    #[derive(Serialize)]
    struct Named<'a> {
        name: &'a str,
        #[serde(skip_serializing_if = "str::is_empty")]
        version: &'a str,
    }
    Named { name: &scope.name, version: &scope.version }.serialize(serializer)
}
