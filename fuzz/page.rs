//! Throws requests of metrics at the page for Prometheus: whatever arrives, each line has a name, a value, and nothing that
//! could be another line. How: see variables.rs.

#![no_main]

use throughline_sender::exposition::{Format, Options, Targets, page};

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    for format in [Format::Text, Format::OpenMetrics] {
        for targets in [Targets::One, Targets::Many] {
            let mut options = Options::new(format);
            options.targets = targets;
            let Ok(page) = page(data, options) else { continue };
            let text = String::from_utf8(page.text).unwrap();
            assert!(text.is_empty() || text.ends_with('\n'));
            for line in text.lines().filter(|line| !line.starts_with('#')) {
                let name = line.split(['{', ' ']).next().unwrap();
                let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == ':';
                assert!(!name.is_empty() && name.chars().all(is_name), "{line}");
                let last = line.rsplit(' ').next().unwrap();
                assert!(last.parse::<f64>().is_ok(), "{line}");
            }
        }
    }
});
