//! Names by patterns: `*` is any characters or none, `?` is any one.

/// Which names are taken: those that are included, but for those that are excluded. Letters are compared exactly.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Selection {
    /// `None`: all.
    pub(crate) included: Option<Vec<String>>,
    pub(crate) excluded: Vec<String>,
}

impl Selection {
    pub(crate) fn takes(&self, name: &str) -> bool {
        let any = |patterns: &[String]| patterns.iter().any(|pattern| matches(pattern, name));
        self.included.as_deref().is_none_or(any) && !any(&self.excluded)
    }
}

/// Goes back to the last `*` only: the time is at most that of the pattern times the name.
pub(super) fn matches(pattern: &str, name: &str) -> bool {
    let (mut pattern, mut name) = (pattern.chars(), name.chars());
    let mut star = None;
    loop {
        let ahead = pattern.clone().next();
        if ahead == Some('*') {
            pattern.next();
            star = Some((pattern.clone(), name.clone()));
            continue;
        }
        match name.next() {
            None => return ahead.is_none(),
            Some(character) if ahead.is_some_and(|one| one == '?' || one == character) => {
                pattern.next();
            }
            Some(_) => {
                let Some((after, from)) = &mut star else { return false };
                from.next();
                (pattern, name) = (after.clone(), from.clone());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The definition, letter by letter.
    fn defined(pattern: &[char], name: &[char]) -> bool {
        match pattern {
            [] => name.is_empty(),
            ['*', rest @ ..] => (0..=name.len()).any(|skipped| defined(rest, &name[skipped..])),
            [one, rest @ ..] => name
                .split_first()
                .is_some_and(|(first, after)| (*one == '?' || one == first) && defined(rest, after)),
        }
    }

    #[test]
    fn a_pattern_is_the_name_or_has_wildcards() {
        for (pattern, yes, no) in [
            ("process.pid", vec!["process.pid"], vec!["process.pid2", "Process.pid", "process_pid", ""]),
            (
                "process.*",
                vec!["process.", "process.pid", "process.executable.path"],
                vec!["process", "a.process.b"],
            ),
            ("*", vec!["", "ä"], vec![]),
            ("*.?d", vec!["host.id", ".äd"], vec!["host.pid", "host.d", "id"]),
            ("a*b*c", vec!["abc", "a.b.b.c", "acbc"], vec!["ab", "acb", "abcd"]),
            ("", vec![""], vec!["a"]),
        ] {
            let wrong = |name: &&str| matches(pattern, name) != yes.contains(name);
            assert_eq!(yes.iter().chain(&no).copied().find(wrong), None, "{pattern}");
        }
    }

    #[test]
    fn what_is_excluded_is_not_taken_though_it_is_included() {
        let list = |patterns: &[&str]| patterns.iter().map(|text| text.to_string()).collect::<Vec<_>>();
        let taken = |selection: &Selection| {
            ["os.name", "process.command", "process.pid"].map(|name| selection.takes(name))
        };
        assert_eq!(taken(&Selection::default()), [true; 3]);
        let mut selection =
            Selection { included: Some(list(&["process.*"])), excluded: list(&["*.command"]) };
        assert_eq!(taken(&selection), [false, false, true]);
        selection.included = None;
        assert_eq!(taken(&selection), [true, false, true]);
    }

    #[test]
    fn a_pattern_of_many_stars_comes_to_an_end() {
        let name = format!("{}b", "a".repeat(1_000));
        assert!(!matches(&"*a".repeat(500), &name));
        assert!(matches(&"*a".repeat(500), &name[..1_000]));
    }

    proptest! {
        #[test]
        fn a_pattern_means_what_is_defined(pattern in "[ab?*]{0,8}", name in "[ab]{0,10}") {
            let characters = |text: &str| text.chars().collect::<Vec<_>>();
            prop_assert_eq!(matches(&pattern, &name), defined(&characters(&pattern), &characters(&name)));
        }
    }
}
