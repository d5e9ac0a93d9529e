//! Throws bytes at all propagators, guided by the branches that they take.
//!
//! ```sh
//! RUSTFLAGS="-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
//!   -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
//!   -Cllvm-args=-sanitizer-coverage-trace-compares --cfg fuzzing -Ccodegen-units=1" \
//!   cargo +nightly build --release --target x86_64-unknown-linux-gnu
//! mkdir -p corpus
//! target/x86_64-unknown-linux-gnu/release/propagate corpus seeds -max_total_time=180 -max_len=16384 -malloc_limit_mb=1
//! ```

#![no_main]

mod body;

libfuzzer_sys::fuzz_target!(|data: &[u8]| body::propagate(data));
