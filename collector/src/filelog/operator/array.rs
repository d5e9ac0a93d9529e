//! Texts that are JSON arrays.

use super::{Outcome, Parse, json::Kind, parse::Parser};
use crate::filelog::entry::{Entry, Key, Map, Value};
use serde::de::DeserializeSeed;
use serde_json::value::RawValue;

/// A reader of arrays.
#[derive(Debug)]
pub(super) struct ArrayParser {
    parser: Parser,
    /// Empty: a list is made of it.
    names: Vec<Key>,
}

impl ArrayParser {
    pub(super) fn new(header: &str, parse: &Parse) -> Result<Self, String> {
        let parser = Parser::new(parse)?;
        let names: Vec<Key> = header.split(',').filter(|_| !header.is_empty()).map(Key::from).collect();
        if names.is_empty() && !parser.to.can_be_list() {
            return Err(format!(
                "a list cannot be all {0}; write parse_to: {0}.key, or a header with the names of the values",
                parser.to
            ));
        }
        Ok(ArrayParser { parser, names })
    }

    pub(super) fn apply(&self, entry: &mut Entry) -> Outcome {
        let values = values(self.parser.text(entry)?)?;
        if self.names.is_empty() {
            return self.parser.write(entry, Value::List(values));
        }
        if self.names.len() != values.len() {
            return Err(format!("there are {} values for {} names", values.len(), self.names.len()).into());
        }
        let map = Map::of_pairs(self.names.iter().cloned().zip(values).collect());
        self.parser.write(entry, map)
    }
}

/// The values of an array; those that are arrays or objects themselves stay as they are written.
fn values(text: &str) -> Result<Vec<Value>, String> {
    // Its words quote nothing of the text.
    let raw: Vec<&RawValue> = serde_json::from_str(text)
        .map_err(|fault| format!("it is no JSON array, at byte {}", fault.column()))?;
    let value = |raw: &RawValue| match raw.get() {
        nested if nested.starts_with(['[', '{']) => Ok(nested.into()),
        flat => Kind { has_integers: true }
            .deserialize(&mut serde_json::Deserializer::from_str(flat))
            .map_err(|_| "a number in the array is too large".to_owned()),
    };
    raw.into_iter().map(value).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::filelog::entry::Field;

    // The documentation's examples.
    #[test]
    fn a_list_or_a_map_is_made_of_an_array() {
        let text = r#"[1,"debug","Debug Message", true]"#;
        let values = || vec![Value::Integer(1), "debug".into(), "Debug Message".into(), true.into()];
        for (to, header) in
            [("attributes.output", ""), ("body", ""), ("attributes", "origin,sev,message,isBool")]
        {
            let mut parse = Parse::default();
            parse.to = to.parse().unwrap();
            let mut entry = Entry::of(text);
            ArrayParser::new(header, &parse).unwrap().apply(&mut entry).unwrap();
            let mut expected = Entry::of(text);
            match header {
                "" => drop(parse.to.set(&mut expected, Value::List(values()))),
                header => expected.attributes = header.split(',').zip(values()).collect(),
            }
            assert_eq!(entry, expected, "{to}");
        }
        let nested = r#"["Hello", 42, {"name": "Alice", "age": 25}, [1, 2, 3], true, null, 0.5]"#;
        let expected = vec![
            "Hello".into(),
            Value::Integer(42),
            r#"{"name": "Alice", "age": 25}"#.into(),
            "[1, 2, 3]".into(),
            true.into(),
            Value::Null,
            Value::Double(0.5),
        ];
        assert_eq!(super::values(nested), Ok(expected));
    }

    #[test]
    fn what_cannot_become_one_is_told() {
        let fault = ArrayParser::new("", &Parse::default()).unwrap_err();
        assert_eq!(
            fault,
            "a list cannot be all attributes; write parse_to: attributes.key, or a header with the names of the values"
        );
        let parse = Parse { to: Field::BODY, ..Parse::default() };
        let named = ArrayParser::new("a,b", &parse).unwrap();
        let fault = |text: &str| named.apply(&mut Entry::of(text)).unwrap_err().into_owned();
        assert_eq!(fault("[1]"), "there are 1 values for 2 names");
        assert_eq!(fault("[1,"), "it is no JSON array, at byte 3");
        assert_eq!(fault(r#"{"a":1}"#), "it is no JSON array, at byte 0");
        assert_eq!(fault("[1, 1e999]"), "a number in the array is too large");
        for text in ["", "[", "[[[", &"[".repeat(100_000)] {
            assert!(named.apply(&mut Entry::of(text)).is_err());
        }
    }
}
