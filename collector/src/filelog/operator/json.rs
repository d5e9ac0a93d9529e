//! Texts that are JSON objects.

use super::{Outcome, Parse, parse::Parser};
use crate::filelog::entry::{Entry, Map, Value};
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use std::fmt;

/// A reader of objects.
#[derive(Debug)]
pub(super) struct JsonParser {
    parser: Parser,
    has_integers: bool,
}

impl JsonParser {
    pub(super) fn new(has_integers: bool, parse: &Parse) -> Result<Self, String> {
        Ok(JsonParser { parser: Parser::new(parse)?, has_integers })
    }

    pub(super) fn apply(&self, entry: &mut Entry) -> Outcome {
        let map = object(self.parser.text(entry)?, self.has_integers)?;
        self.parser.write(entry, map)
    }
}

/// The object that a text is. Of keys that stand twice the last value counts.
pub(super) fn object(text: &str, has_integers: bool) -> Result<Map, String> {
    let mut reader = serde_json::Deserializer::from_str(text);
    let value = Kind { has_integers }.deserialize(&mut reader).and_then(|value| reader.end().map(|()| value));
    match value {
        Ok(Value::Map(map)) => Ok(map),
        Ok(other) => Err(format!("the JSON is {}, no object", other.kind())),
        // Its words quote nothing of the text.
        Err(fault) => Err(format!("it is no JSON, at byte {}", fault.column())),
    }
}

/// What numbers become.
#[derive(Clone, Copy)]
pub(super) struct Kind {
    pub(super) has_integers: bool,
}

impl<'de> DeserializeSeed<'de> for Kind {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<Value, D::Error> {
        reader.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Kind {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E: Error>(self, truth: bool) -> Result<Value, E> {
        Ok(Value::Bool(truth))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Value, E> {
        Ok(if self.has_integers { Value::Integer(number) } else { Value::Double(number as f64) })
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Value, E> {
        match i64::try_from(number) {
            Ok(number) => self.visit_i64(number),
            Err(_) => Ok(Value::Double(number as f64)),
        }
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Value, E> {
        Ok(Value::Double(number))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Value, E> {
        Ok(Value::Text(text.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element_seed(self)? {
            list.push(item);
        }
        Ok(Value::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut pairs: A) -> Result<Value, A::Error> {
        let mut read = Vec::new();
        while let Some(key) = pairs.next_key::<String>()? {
            read.push((key.into(), pairs.next_value_seed(self)?));
        }
        Ok(Value::Map(Map::of_pairs(read)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_is_read_with_all_it_has() {
        let text = r#"{"a":"x\n","b":[1,-2.5,null,true,{"c":{}}],"a":"last"}"#;
        let list = |one: Value| {
            let inner = Map::from([("c", Map::new().into())]);
            Value::List(vec![one, Value::Double(-2.5), Value::Null, Value::Bool(true), inner.into()])
        };
        let expected = |one| Ok(Map::from([("a", "last".into()), ("b", list(one))]));
        assert_eq!(object(text, false), expected(Value::Double(1.0)));
        assert_eq!(object(text, true), expected(Value::Integer(1)));
        assert_eq!(
            object(r#"{"a":18446744073709551615}"#, true),
            Ok(Map::from([("a", Value::Double(2_f64.powi(64)))]))
        );
    }

    #[test]
    fn what_is_no_object_is_refused() {
        for text in ["", "{", "[]", "1", "{}x", r#"{"a":1e999}"#, &"{\"a\":".repeat(500)] {
            assert!(object(text, false).is_err(), "{text}");
        }
        assert_eq!(object("[]", false).unwrap_err(), "the JSON is a list, no object");
    }
}
