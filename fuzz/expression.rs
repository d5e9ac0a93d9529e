//! Throws texts at expressions: no text and no entry makes them panic, and what has a value has it again. How: see
//! variables.rs.

#![no_main]

use throughline_collector::filelog::{
    entry::{Entry, Field, Map, Value},
    expression::{Expression, Template},
};

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let Ok(text) = str::from_utf8(data) else { return };
    let (first, rest) = text.split_once('\n').unwrap_or((text, ""));
    let mut entry = Entry::of(rest);
    let list = Value::List(vec![Value::Integer(1), Value::Double(0.5), Value::Bool(true), Value::Null]);
    entry.attributes = Map::from([("a", rest.into()), ("list", list), ("n", Value::Integer(7))]);
    entry.resource = Map::from([("map", Map::from([("k", "v".into())]).into())]);
    if let Ok(expression) = first.parse::<Expression>() {
        assert_eq!(expression.to_string(), first);
        let value = expression.value(&entry);
        let again = expression.value(&entry);
        // What is no number is not equal to itself.
        assert_eq!(format!("{value:?}"), format!("{again:?}"));
        if let Ok(truth) = expression.truth(&entry) {
            assert_eq!(value, Ok(Value::Bool(truth)));
        }
    }
    if let Ok(template) = Template::new(first) {
        let _ = template.value(&entry);
    }
    if let Ok(field) = first.parse::<Field>() {
        assert_eq!(field.to_string().parse(), Ok(field));
    }
});
