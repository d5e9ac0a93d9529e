//! What a stream is known by.

use std::{collections::BTreeMap, fmt};

/// Labels, by their names.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Labels(pub(super) BTreeMap<String, String>);

impl Labels {
    /// Sets a label; one without a value is none. The name is made one that Loki allows.
    pub(super) fn set(&mut self, name: &str, value: String) {
        if !value.is_empty() {
            self.0.insert(allowed(name), value);
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// As the push API reads them: `{job="web", level="INFO"}`.
impl fmt::Display for Labels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut separator = "{";
        for (name, value) in &self.0 {
            write!(f, "{separator}{name}=\"")?;
            separator = ", ";
            for letter in value.chars() {
                match letter {
                    '"' | '\\' => write!(f, "\\{letter}")?,
                    '\n' => f.write_str("\\n")?,
                    letter if letter.is_control() => write!(f, "\\u{:04x}", u32::from(letter))?,
                    letter => write!(f, "{letter}")?,
                }
            }
            f.write_str("\"")?;
        }
        f.write_str("}")
    }
}

/// The name with `_` for what no label's name has.
fn allowed(name: &str) -> String {
    let letter = |letter: char| if letter.is_ascii_alphanumeric() { letter } else { '_' };
    let name: String = name.chars().map(letter).collect();
    match name.chars().next() {
        Some('0'..='9') => format!("key_{name}"),
        Some('_') if !name.starts_with("__") => format!("key{name}"),
        _ => name,
    }
}

/// The level that a severity's number is.
pub(super) fn level(number: i32) -> Option<&'static str> {
    const LEVELS: [&str; 24] = [
        "TRACE", "TRACE2", "TRACE3", "TRACE4", "DEBUG", "DEBUG2", "DEBUG3", "DEBUG4", "INFO", "INFO2",
        "INFO3", "INFO4", "WARN", "WARN2", "WARN3", "WARN4", "ERROR", "ERROR2", "ERROR3", "ERROR4", "FATAL",
        "FATAL2", "FATAL3", "FATAL4",
    ];
    LEVELS.get(usize::try_from(number.checked_sub(1)?).ok()?).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_values_are_written_as_loki_reads_them() {
        let mut labels = Labels::default();
        for (name, value) in [
            ("k8s.pod.name", "a\"b\\c\nd\u{1}ä"),
            ("1st", "x"),
            ("_a", "x"),
            ("__b", "x"),
            ("ä", "x"),
            ("c", ""),
        ] {
            labels.set(name, value.to_owned());
        }
        let written =
            "{__b=\"x\", k8s_pod_name=\"a\\\"b\\\\c\\nd\\u0001ä\", key_1st=\"x\", key_=\"x\", key_a=\"x\"}";
        let sorted: Labels = Labels(labels.0.clone());
        assert_eq!(
            sorted.to_string(),
            written.replace("key_1st=\"x\", key_=\"x\"", "key_=\"x\", key_1st=\"x\"")
        );
        assert_eq!(
            [level(0), level(9), level(24), level(25), level(i32::MIN)],
            [None, Some("INFO"), Some("FATAL4"), None, None]
        );
    }
}
