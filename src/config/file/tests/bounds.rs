//! No text makes it slow, large or panic.

use super::{faults::faults, told};
use crate::{Config, config::file::schema::SECTIONS};
use proptest::prelude::*;
use std::collections::BTreeSet;

#[test]
fn a_file_of_nonsense_is_told_in_some_lines() {
    let text: String = (0..3000).map(|index| format!("k{index}: v\n")).collect();
    let faults = faults(&text);
    assert_eq!(faults.len(), 51);
    assert_eq!(faults[50], "line 53: and 2950 more faults from here on");
}

#[test]
fn what_would_grow_without_bound_is_refused() {
    let laughs = |width: usize| {
        let mut text = String::from("a0: &a0 [x, x, x]\n");
        for level in 1..12 {
            let aliases = vec![format!("*a{}", level - 1); width].join(", ");
            text += &format!("a{level}: &a{level} [{aliases}]\n");
        }
        text
    };
    let long = "is where it becomes too long, with aliases and variables expanded";
    assert!(faults(&laughs(9))[0].ends_with(long));
    assert!(faults(&format!("a: &a {}\nb: [{}]", "x".repeat(100_000), "*a, ".repeat(20)))[0].ends_with(long));
    assert!(faults(&"- x\n".repeat(20_000).replacen("- x", "a:\n- x", 1))[0].ends_with(long));
    for deep in ["[".repeat(100_000), "- ".repeat(100_000), "a: {".repeat(100_000), "? ".repeat(100_000)] {
        let faults = faults(&format!("a:\n  {deep}"));
        assert!(faults.len() == 1 && faults[0].len() < 100, "{faults:?}");
    }
    assert_eq!(faults(&"#".repeat(1 << 20)), ["line 1: is longer than 1048576 bytes"]);
    let config = Config::from_yaml(&format!("a: {}", "${X}".repeat(1000)), [("X", "x".repeat(100_000))]);
    assert_eq!(told(&config)[0], "line 1: is too long with what its variables hold");
}

/// Pieces of which nearly right files are made.
fn pieces() -> impl Strategy<Value = String> {
    let words: BTreeSet<&str> = SECTIONS
        .iter()
        .flat_map(|section| section.all().map(|key| key.name))
        .chain([
            "'1.1'", "1", "0", "-5", "true", "null", "text", "${A}", "${A:-b}", "${", "$$", "&a ", "*a",
            "!!str ",
        ])
        .collect();
    let words = prop::sample::select(words.into_iter().map(str::to_owned).collect::<Vec<_>>());
    let marks = prop::sample::select(
        [
            ": ", ":\n  ", ":\n    ", "\n- ", "\n  - ", "\n", "{", "}", "[", "]", ", ", "'", "\"", "|\n ",
            "# ", "? ",
        ]
        .map(str::to_owned)
        .to_vec(),
    );
    prop::collection::vec(prop_oneof![words, marks, "[ -~]".prop_map(String::from)], 0..80)
        .prop_map(|pieces| format!("file_format: '1.1'\n{}", pieces.concat()))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn no_text_panics_and_what_is_wrong_is_in_the_text(anything in ".*", nearly in pieces()) {
        for text in [&anything, &nearly] {
            let config = Config::from_yaml(text, [("A", "value")]);
            let lines = text.split(['\n', '\r']).count();
            for fault in config.faults() {
                let line = fault.message.strip_prefix("line ").and_then(|rest| rest.split_once(':'));
                let line: usize = line.and_then(|(line, _)| line.parse().ok()).unwrap();
                prop_assert!((1..=lines + 1).contains(&line), "{fault} in {text:?}");
                prop_assert!(!fault.message.contains(char::is_control), "{fault:?}");
            }
        }
    }
}
