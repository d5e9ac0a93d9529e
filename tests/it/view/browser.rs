//! A real browser at the view: a script of `tests/browser`, run by Node.

use crate::support::{child::Process, peer};
use std::path::Path;

/// Where the pictures of all pages are, for those who look at them after the tests.
const PICTURES: &str = concat!(env!("CARGO_TARGET_TMPDIR"), "/../screenshots");

/// Runs a script against the view at an address, with these variables besides; fails with what it wrote.
pub(super) async fn visit(script: &str, view: &str, variables: &[(&str, &str)]) {
    let remedy = "Node in a folder with playwright-core and axe-core in its node_modules";
    let Some(node) = peer(script, "THROUGHLINE_TEST_NODE", remedy) else { return };
    let Some(chromium) = peer(script, "THROUGHLINE_TEST_CHROMIUM", "Chromium") else { return };
    let modules = Path::new(&node).parent().unwrap().display().to_string();
    let home = std::env::temp_dir().display().to_string();
    let path = format!("{}/tests/browser/{script}.mjs", env!("CARGO_MANIFEST_DIR"));
    let mut all = vec![
        ("MODULES", modules.as_str()),
        ("CHROMIUM", chromium.as_str()),
        ("PICTURES", PICTURES),
        ("VIEW", view),
        ("HOME", home.as_str()),
        ("PATH", "/usr/local/bin:/usr/bin:/bin"),
    ];
    all.extend(variables);
    let mut visitor = Process::start(&node, &[path.as_str()], &all);
    let status = visitor.ended().await;
    assert!(
        status.success() && visitor.lines().iter().any(|line| line == "done"),
        "{}",
        visitor.lines().join("\n")
    );
}
