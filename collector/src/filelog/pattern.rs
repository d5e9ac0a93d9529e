//! Names that are looked for.

use crate::Error;
use glob::{MatchOptions, Pattern};
use std::path::{Component, Path, PathBuf};

/// How many patterns `{one,two}` may become.
const MAX_CHOICES: usize = 1000;

/// As a shell has it: no wildcard matches a `/`, and all of them the dot of a hidden file.
const OPTIONS: MatchOptions = MatchOptions {
    case_sensitive: true,
    require_literal_separator: true,
    require_literal_leading_dot: false,
};

/// The way from a directory to files.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Route {
    pub(super) root: PathBuf,
    pub(super) steps: Vec<Step>,
}

/// One part of a path.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Step {
    /// This one.
    Name(String),
    /// All that match.
    Like(Pattern),
    /// Any directories, or none (`**`).
    Any,
}

/// Paths that are left out.
#[derive(Debug)]
pub(super) struct Excluded(Vec<Pattern>);

impl Route {
    /// The ways that a pattern describes: one, but for each choice in braces.
    pub(super) fn of(source: &str, pattern: &str) -> Result<Vec<Route>, Error> {
        choices(source, pattern)?.iter().map(|choice| Route::of_choice(source, pattern, choice)).collect()
    }

    fn of_choice(source: &str, pattern: &str, choice: &str) -> Result<Route, Error> {
        let mut route = Route { root: PathBuf::new(), steps: Vec::new() };
        for component in Path::new(choice).components() {
            let text = component.as_os_str().to_string_lossy();
            let is_plain =
                !matches!(component, Component::Normal(_)) || !text.contains(['*', '?', '[', '\\']);
            match (is_plain, &*text) {
                (true, _) if route.steps.is_empty() => route.root.push(component),
                (true, name) => route.steps.push(Step::Name(name.to_owned())),
                (false, "**") => route.steps.push(Step::Any),
                (false, name) => route.steps.push(Step::Like(compiled(source, pattern, name)?)),
            }
        }
        // All files in any of the directories.
        if route.steps.last() == Some(&Step::Any) {
            route.steps.push(Step::Like(compiled(source, pattern, "*")?));
        }
        Ok(route)
    }
}

impl Step {
    /// Whether a name is one of these.
    pub(super) fn matches(&self, name: &str) -> bool {
        match self {
            Step::Name(own) => own == name,
            Step::Like(pattern) => pattern.matches_with(name, OPTIONS),
            Step::Any => true,
        }
    }
}

impl Excluded {
    pub(super) fn of(source: &str, patterns: &[String]) -> Result<Self, Error> {
        let mut excluded = Vec::new();
        for pattern in patterns {
            for choice in choices(source, pattern)? {
                excluded.push(compiled(source, pattern, &choice)?);
            }
        }
        Ok(Excluded(excluded))
    }

    pub(super) fn holds(&self, path: &Path) -> bool {
        self.0.iter().any(|pattern| pattern.matches_with(&path.to_string_lossy(), OPTIONS))
    }
}

/// In the words of the library: `[!a]` for `[^a]`, `[*]` for `\*`, and `**` only where it is a whole name.
fn compiled(source: &str, pattern: &str, text: &str) -> Result<Pattern, Error> {
    let mut words = String::with_capacity(text.len());
    for (at, part) in text.split('/').enumerate() {
        if at > 0 {
            words.push('/');
        }
        let mut characters = part.chars().peekable();
        while let Some(character) = characters.next() {
            match character {
                '\\' => characters.next().into_iter().for_each(|next| words.push_str(&format!("[{next}]"))),
                '[' if characters.next_if_eq(&'^').is_some() => words.push_str("[!"),
                '*' if part != "**" && words.ends_with('*') => {}
                _ => words.push(character),
            }
        }
    }
    let unusable = |fault| {
        Error::file_log(source, format!("the path {pattern:?} is no pattern: {fault}; write it anew"))
    };
    Pattern::new(&words).map_err(unusable)
}

/// A text for each choice that its braces give.
fn choices(source: &str, pattern: &str) -> Result<Vec<String>, Error> {
    let mut open = vec![pattern.to_owned()];
    let mut done = Vec::new();
    while let Some(text) = open.pop() {
        if open.len() + done.len() > MAX_CHOICES {
            let fault = format!("the path {pattern:?} has more than {MAX_CHOICES} choices; write fewer");
            return Err(Error::file_log(source, fault));
        }
        match braces(&text) {
            // The first one first.
            Some((before, inside, behind)) => {
                open.extend(inside.iter().rev().map(|choice| format!("{before}{choice}{behind}")));
            }
            None => done.push(text),
        }
    }
    Ok(done)
}

/// The first braces: what stands before, in and behind them.
fn braces(text: &str) -> Option<(&str, Vec<&str>, &str)> {
    let from = text.find('{')?;
    let (mut depth, mut begin, mut inside) = (0, from + 1, Vec::new());
    for (at, character) in text.char_indices().skip_while(|(at, _)| *at < from) {
        match character {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        if depth == 0 || depth == 1 && character == ',' {
            inside.push(text.get(begin..at)?);
            begin = at + 1;
        }
        if depth == 0 {
            return Some((text.get(..from)?, inside, text.get(at + 1..)?));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn excluded(pattern: &str) -> Excluded {
        Excluded::of("file_log", &[pattern.to_owned()]).unwrap()
    }

    // B-063
    #[test]
    fn a_pattern_is_a_directory_and_steps_from_there() {
        let routes = Route::of("file_log", "/var/log/pods/*/{app,web}/[0-9]*.log").unwrap();
        let names: Vec<_> =
            routes.iter().map(|route| (route.root.to_str().unwrap(), route.steps.len())).collect();
        assert_eq!(names, [("/var/log/pods", 3); 2]);
        assert_eq!(
            routes.iter().map(|route| route.steps[1].clone()).collect::<Vec<_>>(),
            ["app", "web"].map(|name| Step::Name(name.to_owned()))
        );
        let [plain] = &Route::of("file_log", "/var/log/hello.log").unwrap()[..] else { panic!() };
        assert_eq!((plain.root.to_str(), plain.steps.len()), (Some("/var/log/hello.log"), 0));
    }

    // B-063
    #[test]
    fn wildcards_match_as_in_a_shell() {
        let cases = [
            ("/log/*.log", "/log/a.log", true),
            ("/log/*.log", "/log/a/b.log", false),
            ("/log/**/*.log", "/log/a/b/c.log", true),
            ("/log/**/*.log", "/log/c.log", true),
            ("/log/a**.log", "/log/abc.log", true),
            ("/log/[^a].log", "/log/b.log", true),
            ("/log/[^a].log", "/log/a.log", false),
            ("/log/?.log", "/log/é.log", true),
            (r"/log/\*.log", "/log/*.log", true),
            (r"/log/\*.log", "/log/a.log", false),
            ("/log/{a,b{1,2}}.log", "/log/b2.log", true),
            ("/log/{a,b{1,2}}.log", "/log/b.log", false),
            ("/log/{a.log", "/log/{a.log", true),
        ];
        for (pattern, path, expected) in cases {
            assert_eq!(excluded(pattern).holds(Path::new(path)), expected, "{pattern} {path}");
        }
    }

    #[test]
    fn what_is_no_pattern_is_told() {
        let fault = |pattern: &str| Route::of("file_log", pattern).unwrap_err().to_string();
        assert!(fault("/log/[a").starts_with("the file log file_log: the path \"/log/[a\" is no pattern: "));
        let many = "{a,b,c,d,e,f,g,h,i,j}".repeat(4);
        assert!(fault(&many).ends_with("has more than 1000 choices; write fewer"));
    }

    proptest! {
        #[test]
        fn whatever_the_pattern_nothing_panics(pattern in "[a/*?{},\\[\\]^!é\\\\-]{0,30}", path in "[a/é]{0,9}") {
            let _ = Route::of("file_log", &pattern);
            if let Ok(excluded) = Excluded::of("file_log", &[pattern]) {
                excluded.holds(Path::new(&path));
            }
        }
    }
}
