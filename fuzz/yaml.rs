//! Throws texts at the reader of configuration files. How: see variables.rs.

#![no_main]

mod told;

use throughline::Config;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let text = String::from_utf8_lossy(data);
    told::check(&Config::from_yaml(&text, [("A", "1"), ("HOST", "${A}"), ("EMPTY", "")]));
});
