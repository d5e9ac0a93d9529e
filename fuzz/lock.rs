//! Throws files at the reader of `Cargo.lock`: it finds only what is there more than once. How: see variables.rs.

#![no_main]
#![allow(dead_code, reason = "the target reads no file")]

#[path = "../src/bin/throughline/lock.rs"]
mod lock;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let text = String::from_utf8_lossy(data);
    match lock::among(&text) {
        Ok(found) => {
            for lock::Twice { name, versions } in found {
                assert!(versions.len() > 1 && text.contains(&name), "{name} {versions:?}");
            }
        }
        Err(fault) => assert!(!fault.contains('\n')),
    }
});
