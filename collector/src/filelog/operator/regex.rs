//! Texts that a regular expression takes apart.

use super::{Outcome, Parse, parse::Parser};
use crate::{
    filelog::entry::{Entry, Key, Map},
    syntax::compiled,
};
use regex::{CaptureLocations, Regex};
use std::collections::{HashMap, VecDeque};

/// A regular expression with what its groups are called.
#[derive(Debug)]
pub(super) struct RegexParser {
    parser: Parser,
    matcher: Matcher,
    cache: Cache,
}

/// What finds the groups in a text.
#[derive(Debug)]
struct Matcher {
    regex: Regex,
    places: CaptureLocations,
    groups: Vec<(usize, Key)>,
    /// What stands before a last group that takes all the rest of a line, which nobody has to walk through then.
    head: Option<(Regex, CaptureLocations)>,
}

impl RegexParser {
    pub(super) fn new(pattern: &str, cache: usize, parse: &Parse) -> Result<Self, String> {
        let regex = compiled(pattern)?;
        let names = regex.capture_names().enumerate();
        let groups: Vec<_> = names.filter_map(|(index, name)| Some((index, Key::from(name?)))).collect();
        if groups.is_empty() {
            return Err(format!("{pattern:?} has no named group, as (?P<name>…)"));
        }
        let head = head(pattern).and_then(|head| compiled(head).ok()).map(|head| {
            let places = head.capture_locations();
            (head, places)
        });
        let matcher = Matcher { places: regex.capture_locations(), regex, groups, head };
        Ok(RegexParser { parser: Parser::new(parse)?, matcher, cache: Cache::new(cache) })
    }

    pub(super) fn apply(&mut self, entry: &mut Entry) -> Outcome {
        let text = self.parser.text(entry)?;
        let found = match self.cache.found(text) {
            Some(found) => found.clone(),
            None => {
                let found = self.matcher.found(text);
                self.cache.keep(text, &found);
                found
            }
        };
        self.parser.write(entry, found.ok_or("the regular expression does not match")?)
    }
}

impl Matcher {
    /// What the groups match; a group that takes no part in the match has an empty text.
    fn found(&mut self, text: &str) -> Option<Map> {
        let Matcher { regex, places, groups, head } = self;
        let is_line = |text: &str| memchr::memchr(b'\n', text.as_bytes()).is_none();
        let (places, end) = match head {
            Some((head, places)) if is_line(text) => {
                let end = head.captures_read(places, text)?.end();
                (places, Some(end))
            }
            _ => {
                regex.captures_read(places, text)?;
                (places, None)
            }
        };
        let group = |(index, key): &(usize, Key)| {
            let place = match end {
                Some(end) if *index == places.len() => Some((end, text.len())),
                _ => places.get(*index),
            };
            let (from, to) = place.unwrap_or_default();
            (key.clone(), &text[from..to])
        };
        Some(Map::of_distinct(groups.iter().map(group)))
    }
}

/// What stands before a last `(?P<name>.*)$`, if whatever it matches leaves a rest that this matches: the pattern begins
/// with `^`, and has no flags and no alternatives outside of its groups.
fn head(pattern: &str) -> Option<&str> {
    let (head, name) = pattern.strip_suffix(".*)$")?.rsplit_once("(?P<")?;
    let name = name.strip_suffix('>')?;
    let is_name = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    let has_flags = head
        .match_indices("(?")
        .any(|(at, _)| !head[at..].starts_with("(?P<") && !head[at..].starts_with("(?:"));
    // A backslash before the group, or a class around it, would make it no group.
    let is_plain = !head.ends_with('\\') && head.starts_with('^') && is_name && !has_flags;
    let outside = format!("(?:{head})");
    (is_plain && !has_alternatives(head) && compiled(&outside).is_ok()).then_some(head)
}

/// Whether there is a `|` outside of all groups; what quotes in ways that are seldom counts as one.
fn has_alternatives(pattern: &str) -> bool {
    let (mut letters, mut depth, mut is_in_class) = (pattern.chars(), 0, false);
    while let Some(letter) = letters.next() {
        match letter {
            '\\' => drop(letters.next()),
            ']' => is_in_class = false,
            _ if is_in_class => {}
            '[' => {
                is_in_class = true;
                // What stands first is a letter, also if it is the closing bracket.
                let rest = letters.as_str();
                let rest = rest.strip_prefix('^').unwrap_or(rest);
                letters = rest.strip_prefix(']').unwrap_or(rest).chars();
            }
            '(' => depth += 1,
            ')' => depth -= 1,
            '|' if depth == 0 => return true,
            _ => {}
        }
    }
    pattern.contains("[:") || pattern.contains("\\Q")
}

/// What was found in the texts that came last.
#[derive(Debug)]
struct Cache {
    size: usize,
    found: HashMap<Key, Option<Map>>,
    order: VecDeque<Key>,
}

impl Cache {
    fn new(size: usize) -> Self {
        Cache { size, found: HashMap::new(), order: VecDeque::new() }
    }

    fn found(&self, text: &str) -> Option<&Option<Map>> {
        if self.size == 0 { None } else { self.found.get(text) }
    }

    fn keep(&mut self, text: &str, found: &Option<Map>) {
        if self.size == 0 {
            return;
        }
        if self.order.len() >= self.size
            && let Some(oldest) = self.order.pop_front()
        {
            self.found.remove(&oldest);
        }
        let text = Key::from(text);
        self.order.push_back(text.clone());
        self.found.insert(text, found.clone());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_rest_is_what_the_whole_pattern_says(
            head in r"(\(\?P<a>|\(\?:|\)|[a-c ]|\[\^? |c\]|\[|\]|\||\?|\*|\.|\\|\(){0,8}",
            text in r"[a-c \n]{0,10}",
        ) {
            let pattern = format!("^{head}(?P<log>.*)$");
            if let Ok(mut parser) = RegexParser::new(&pattern, 0, &Parse::default()) {
                let quick = parser.matcher.found(&text);
                parser.matcher.head = None;
                prop_assert_eq!(quick, parser.matcher.found(&text), "{} {:?}", pattern, text);
            }
        }
    }

    #[test]
    fn the_cache_keeps_what_came_last() {
        let mut parser = RegexParser::new("^(?P<a>.)(?P<b>x)?", 2, &Parse::default()).unwrap();
        for text in ["1x", "2", "1x", "3", ""] {
            let mut entry = Entry::of(text);
            let outcome = parser.apply(&mut entry);
            assert_eq!(outcome.is_ok(), !text.is_empty());
            let expected = text.get(..1).map(|a| Map::from([("a", a.into()), ("b", text[1..].into())]));
            assert_eq!(entry.attributes, expected.unwrap_or_default());
        }
        assert_eq!(parser.cache.order, [Key::from("3"), Key::from("")]);
        assert_eq!(parser.cache.found.len(), 2);
    }

    #[test]
    fn a_last_group_that_takes_the_rest_is_not_walked_through() {
        for (pattern, expected) in [
            ("^(?P<a>[^ ]*) ?(?P<log>.*)$", Some("^(?P<a>[^ ]*) ?")),
            ("^(?P<log>.*)$", Some("^")),
            ("^(?:a|b)(?P<log>.*)$", Some("^(?:a|b)")),
            ("^a|b(?P<log>.*)$", None),
            ("^[(]a|b(?P<log>.*)$", None),
            ("^[]|(]a(?P<log>.*)$", Some("^[]|(]a")),
            (r"^\(a|b\)(?P<log>.*)$", None),
            ("(?P<a>a)(?P<log>.*)$", None),
            ("^(?s)(?P<log>.*)$", None),
            ("^(?P<a>a(?P<log>.*)$", None),
            (r"^\\(?P<log>.*)$", None),
            ("^[(?P<log>.*)$", None),
            ("^(?P<log>.*)", None),
            ("^(?P<log>.+)$", None),
        ] {
            assert_eq!(head(pattern), expected, "{pattern}");
        }
    }

    #[test]
    fn a_pattern_without_names_is_refused() {
        let fault = RegexParser::new("(a)", 0, &Parse::default()).unwrap_err();
        assert_eq!(fault, r#""(a)" has no named group, as (?P<name>…)"#);
    }
}
