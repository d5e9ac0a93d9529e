//! Throws bytes at the writer of OTLP/JSON: what it writes is JSON. How: see variables.rs.

#![no_main]

use serde::Deserialize;
use serde_json::{Deserializer, Value};
use throughline::sender::{Signal, json::to_json};

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let Some((signal, request)) = data.split_first() else { return };
    let signal = Signal::ALL[usize::from(*signal) % Signal::ALL.len()];
    let Ok(text) = to_json(signal, request) else { return };
    let mut reader = Deserializer::from_slice(&text);
    reader.disable_recursion_limit();
    let value = Value::deserialize(&mut reader).unwrap();
    reader.end().unwrap();
    assert!(value.is_object());
});
