//! Throws values at all variables, guided by the branches that they take.
//!
//! ```sh
//! RUSTFLAGS="-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
//!   -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
//!   -Cllvm-args=-sanitizer-coverage-trace-compares --cfg fuzzing -Ccodegen-units=1" \
//!   cargo +nightly build --release --target x86_64-unknown-linux-gnu
//! mkdir -p corpus/variables
//! target/x86_64-unknown-linux-gnu/release/variables corpus/variables -max_total_time=180 -max_len=4096
//! ```
//! Likewise `yaml`, with `../docs` and `../src/config/file/tests` for seeds, `json`, `read` and `import`, with
//! `../tests/it/collector/examples` for seeds, `request`, `body`, `store`, `change`, `page`, `lines`, `answer`, `trailers`, `frames`,
//! `disk`, `keep`, `pem`, `expression`, `operators`, `loki`, and `lock`, with `../Cargo.lock` for a seed.

#![no_main]

mod told;

use std::sync::LazyLock;
use throughline::{Config, config::env::VARIABLES, sender::Signal};

/// Every form of every variable, but for the one that names another file to read everything from.
static NAMES: LazyLock<Vec<String>> = LazyLock::new(|| {
    let signals = || Signal::ALL.map(Some).into_iter().chain([None]);
    let names = VARIABLES.iter().flat_map(|variable| signals().map(|signal| variable.name_for(signal)));
    names.filter(|name| name != "OTEL_CONFIG_FILE").collect()
});

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    // Each line is the number of a name in two bytes, and a value.
    let lines = data.split(|byte| *byte == b'\n').filter_map(|line| line.split_first_chunk());
    let variables = lines.map(|(number, value)| {
        let name = &NAMES[usize::from(u16::from_le_bytes(*number)) % NAMES.len()];
        (name.as_str(), String::from_utf8_lossy(value))
    });
    told::check(&Config::from_vars(variables));
});
