//! Throws files at the reader of certificates and keys: what it says of them is one line that names the file and quotes
//! nothing of it. How: see variables.rs.

#![no_main]

use std::{fs, path::PathBuf, sync::LazyLock};
use throughline_sender::pem::{Authorities, Identity};

static PATH: LazyLock<PathBuf> =
    LazyLock::new(|| std::env::temp_dir().join(format!("throughline-fuzz-pem-{}", std::process::id())));

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    fs::write(&*PATH, data).unwrap();
    let path = PATH.display().to_string();
    let identity = Identity::new(&PATH, &PATH).read().err();
    for fault in [identity, Authorities::new(&PATH).read().err()].into_iter().flatten() {
        assert!(fault.contains(&path) && fault.len() < path.len() + 100, "{fault:?}");
        assert!(!fault.chars().any(char::is_control), "{fault:?}");
    }
});
