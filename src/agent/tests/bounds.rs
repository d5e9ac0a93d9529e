use super::of;
use proptest::prelude::*;

/// A file that has nearly everything.
const WHOLE: &str = include_str!("whole.yaml");

/// What must hold of everything that is said.
fn check(text: &str) {
    let agent = of(text);
    let lines = agent.faults().iter().map(ToString::to_string).chain(agent.lines().iter().cloned());
    for line in lines {
        assert!(!line.chars().any(char::is_control), "{line:?}");
    }
    assert_eq!(agent.config().is_err(), agent.faults().iter().any(|fault| fault.fatal));
}

#[test]
fn a_file_with_everything_is_right() {
    let agent = of(WHOLE);
    assert_eq!(super::told(&agent), [""; 0]);
    assert!(agent.config().is_ok());
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_text_makes_it_panic_or_speak_control_characters(text in ".{0,200}") {
        check(&text);
    }

    // A word of the file in the place of another one.
    #[test]
    fn no_mixture_of_a_right_file_makes_it_panic(
        swaps in prop::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>()), 1..6)
    ) {
        let is_word = |c: char| c.is_alphanumeric() || "_./:-".contains(c);
        let mut words: Vec<&str> = WHOLE.split_inclusive(|c: char| !is_word(c)).collect();
        for (to, from) in swaps {
            let (to, from) = (to.index(words.len()), from.index(words.len()));
            words[to] = words[from];
        }
        check(&words.concat());
    }

    #[test]
    fn no_part_of_a_right_file_makes_it_panic(from in any::<prop::sample::Index>(), to in any::<prop::sample::Index>()) {
        let lines: Vec<&str> = WHOLE.lines().collect();
        let (from, to) = (from.index(lines.len()), to.index(lines.len()));
        check(&[&lines[..from.min(to)], &lines[from.max(to)..]].concat().join("\n"));
    }
}
