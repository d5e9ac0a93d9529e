//! Throws bytes at the reader of OTLP/JSON. What it takes is JSON to others as well, and a request that is written and
//! read again as the same one. How: see variables.rs.

#![no_main]

use serde::Deserialize;
use serde_json::{Deserializer, Value};
use throughline_sender::{
    Signal,
    json::{from_json, to_json},
};

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    for signal in Signal::ALL {
        let Ok(Some(request)) = from_json(signal, data, usize::MAX) else { continue };
        assert!(request.len() <= 4 * data.len());
        let mut reader = Deserializer::from_slice(data);
        reader.disable_recursion_limit();
        // Two things others do not take: half a surrogate pair, and a number beyond all doubles in what is skipped.
        match Value::deserialize(&mut reader) {
            Ok(value) => assert!(value.is_object()),
            Err(fault) => {
                let fault = fault.to_string();
                assert!(
                    fault.contains("surrogate")
                        || fault.contains("hex escape")
                        || fault.contains("out of range"),
                    "{fault}"
                );
            }
        }
        let written = to_json(signal, &request).unwrap();
        let again = from_json(signal, &written, usize::MAX).unwrap().unwrap();
        assert_eq!(to_json(signal, &again).unwrap(), written);
    }
});
