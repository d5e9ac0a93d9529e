//! How severe it is.

use super::Outcome;
use crate::filelog::entry::{Entry, Field, Value};
use std::{borrow::Cow, collections::HashMap};

/// What means how severe something is.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Severity {
    /// Where it is.
    pub parse_from: Field,
    /// The words that are known without being named. Default: [`Preset::Default`].
    pub preset: Preset,
    /// More of them: numbers of OpenTelemetry, 0 to 24, and what means them.
    pub mapping: Vec<(u8, Meaning)>,
    /// Whether the severity's text becomes the short name of its number: `ERROR`.
    pub overwrite_text: bool,
}

impl Severity {
    /// The usual words.
    pub fn new(parse_from: Field) -> Self {
        Severity { parse_from, preset: Preset::Default, mapping: Vec::new(), overwrite_text: false }
    }
}

/// Words of severity that need not be named.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Preset {
    /// None.
    None,
    /// The names of OpenTelemetry, `trace` to `fatal4`, and their numbers.
    Otel,
    /// These, and `warning` and `err`.
    #[default]
    Default,
}

/// What means a severity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Meaning {
    /// A word, in whatever case, or a number as text; `2xx` to `5xx` are the statuses of HTTP.
    Word(String),
    /// A number from the first to the second.
    Range(i64, i64),
}

/// The short names of the numbers, from 1 on (the log data model's).
const NAMES: [&str; 24] = [
    "TRACE", "TRACE2", "TRACE3", "TRACE4", "DEBUG", "DEBUG2", "DEBUG3", "DEBUG4", "INFO", "INFO2", "INFO3",
    "INFO4", "WARN", "WARN2", "WARN3", "WARN4", "ERROR", "ERROR2", "ERROR3", "ERROR4", "FATAL", "FATAL2",
    "FATAL3", "FATAL4",
];

/// Words and numbers with what they mean, ready to be looked up.
#[derive(Clone, Debug)]
pub(super) struct Scale {
    parse_from: Field,
    words: HashMap<String, u8>,
    /// From, to, and the severity; what stands last wins.
    ranges: Vec<(i64, i64, u8)>,
    overwrite_text: bool,
}

impl Scale {
    pub(super) fn new(severity: &Severity) -> Result<Self, String> {
        let (mut words, mut ranges) = (known(severity.preset), Vec::new());
        for (number, meaning) in &severity.mapping {
            if *number > 24 {
                return Err(format!("{number} is no severity; they go from 0 to 24"));
            }
            match meaning {
                Meaning::Word(word) => match hundred(word) {
                    Some(first) => ranges.push((first, first + 99, *number)),
                    None => {
                        words.insert(word.to_lowercase(), *number);
                    }
                },
                Meaning::Range(from, to) => ranges.push((*from.min(to), *from.max(to), *number)),
            }
        }
        let (parse_from, overwrite_text) = (severity.parse_from.clone(), severity.overwrite_text);
        Ok(Scale { parse_from, words, ranges, overwrite_text })
    }

    /// Reads the severity and puts it where it belongs. A word without a meaning has the number 0.
    pub(super) fn apply(&self, entry: &mut Entry) -> Outcome {
        let text = match self.parse_from.value(entry) {
            Some(Value::Text(text)) => text.clone(),
            Some(Value::Bytes(bytes)) => String::from_utf8_lossy(bytes).into_owned(),
            Some(Value::Integer(number)) => number.to_string(),
            Some(Value::Double(number)) if number.fract() == 0.0 => (*number as i64).to_string(),
            Some(other) => {
                return Err(format!("a severity is a text or a whole number, not {}", other.kind()).into());
            }
            None => return Err(format!("there is no {}", self.parse_from).into()),
        };
        entry.severity_number = self.number(&text);
        let name = usize::from(entry.severity_number).checked_sub(1).and_then(|index| NAMES.get(index));
        entry.severity_text = match name.filter(|_| self.overwrite_text) {
            Some(name) => (*name).to_owned(),
            None => text,
        };
        Ok(())
    }

    fn number(&self, text: &str) -> u8 {
        let is_low = !text.contains(|letter: char| letter.is_uppercase());
        let word = if is_low { Cow::Borrowed(text) } else { text.to_lowercase().into() };
        let written = word.parse::<i64>().ok().filter(|number| number.to_string() == word);
        let in_range =
            |(from, to, _): &&(i64, i64, u8)| written.is_some_and(|number| (*from..=*to).contains(&number));
        match self.ranges.iter().rev().find(in_range) {
            Some((_, _, number)) => *number,
            None => self.words.get(&*word).copied().unwrap_or_default(),
        }
    }
}

/// The words of a preset.
fn known(preset: Preset) -> HashMap<String, u8> {
    let mut words = HashMap::new();
    if preset == Preset::None {
        return words;
    }
    for (number, name) in (1..).zip(NAMES) {
        words.insert(name.to_lowercase(), number);
        words.insert(number.to_string(), number);
        let other = match number {
            _ if preset == Preset::Otel => None,
            13..17 => Some(name.to_lowercase().replace("warn", "warning")),
            17..21 => Some(name.to_lowercase().replace("error", "err")),
            _ => None,
        };
        words.extend(other.map(|word| (word, number)));
    }
    words
}

/// The first of a hundred statuses of HTTP: `4xx`.
fn hundred(word: &str) -> Option<i64> {
    match word {
        "2xx" => Some(200),
        "3xx" => Some(300),
        "4xx" => Some(400),
        "5xx" => Some(500),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(severity: &Severity, value: Value) -> Result<(u8, String), Cow<'static, str>> {
        let mut entry = Entry::of(value);
        Scale::new(severity).unwrap().apply(&mut entry)?;
        Ok((entry.severity_number, entry.severity_text))
    }

    #[test]
    fn words_and_numbers_mean_a_severity() {
        let mut severity = Severity::new(Field::BODY);
        severity.mapping = vec![
            (17, Meaning::Word("NOOO!".into())),
            (5, Meaning::Word("2xx".into())),
            (21, Meaning::Range(9050, 9001)),
            (0, Meaning::Word("trace".into())),
        ];
        for (value, expected) in [
            (Value::from("Error"), (17, "Error")),
            ("warning2".into(), (14, "warning2")),
            ("err".into(), (17, "err")),
            ("nooo!".into(), (17, "nooo!")),
            ("204".into(), (5, "204")),
            ("0204".into(), (0, "0204")),
            (Value::Integer(299), (5, "299")),
            (Value::Double(9001.0), (21, "9001")),
            (Value::Integer(9), (9, "9")),
            (Value::Bytes(b"info3".to_vec()), (11, "info3")),
            ("trace".into(), (0, "trace")),
            ("unknown".into(), (0, "unknown")),
        ] {
            let (number, text) = expected;
            assert_eq!(read(&severity, value), Ok((number, text.to_owned())));
        }
        assert!(read(&severity, Value::Double(1.5)).is_err());
        assert!(read(&severity, Value::Bool(true)).is_err());
        severity.overwrite_text = true;
        assert_eq!(read(&severity, "err".into()), Ok((17, "ERROR".into())));
        assert_eq!(read(&severity, "x".into()), Ok((0, "x".into())));
    }

    #[test]
    fn a_preset_may_know_less() {
        let of = |preset, word: &str| {
            read(&Severity { preset, ..Severity::new(Field::BODY) }, word.into()).unwrap().0
        };
        assert_eq!(
            [of(Preset::None, "error"), of(Preset::Otel, "error"), of(Preset::Otel, "err")],
            [0, 17, 0]
        );
        let severity = Severity { mapping: vec![(25, Meaning::Range(0, 1))], ..Severity::new(Field::BODY) };
        assert!(Scale::new(&severity).is_err());
    }
}
