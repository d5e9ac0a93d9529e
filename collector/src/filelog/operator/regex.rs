//! Texts that a regular expression takes apart.

use super::{Outcome, Parse, parse::Parser};
use crate::filelog::{
    entry::{Entry, Key, Map},
    syntax::compiled,
};
use regex::{CaptureLocations, Regex};
use std::collections::{HashMap, VecDeque};

/// A regular expression with what its groups are called.
#[derive(Debug)]
pub(super) struct RegexParser {
    parser: Parser,
    regex: Regex,
    groups: Vec<(usize, Key)>,
    places: CaptureLocations,
    cache: Cache,
}

impl RegexParser {
    pub(super) fn new(pattern: &str, cache: usize, parse: &Parse) -> Result<Self, String> {
        let regex = compiled(pattern)?;
        let names = regex.capture_names().enumerate();
        let groups: Vec<_> = names.filter_map(|(index, name)| Some((index, Key::from(name?)))).collect();
        if groups.is_empty() {
            return Err(format!("{pattern:?} has no named group, as (?P<name>…)"));
        }
        let (places, cache) = (regex.capture_locations(), Cache::new(cache));
        Ok(RegexParser { parser: Parser::new(parse)?, regex, groups, places, cache })
    }

    pub(super) fn apply(&mut self, entry: &mut Entry) -> Outcome {
        let text = self.parser.text(entry)?;
        let found = match self.cache.found(text) {
            Some(found) => found.clone(),
            None => {
                let found = found(&self.regex, &self.groups, &mut self.places, text);
                self.cache.keep(text, &found);
                found
            }
        };
        self.parser.write(entry, found.ok_or("the regular expression does not match")?)
    }
}

/// What the groups match; a group that takes no part in the match has an empty text.
fn found(regex: &Regex, groups: &[(usize, Key)], places: &mut CaptureLocations, text: &str) -> Option<Map> {
    regex.captures_read(places, text)?;
    let group = |(index, key): &(usize, Key)| {
        let (from, to) = places.get(*index).unwrap_or_default();
        (key.clone(), &text[from..to])
    };
    Some(Map::of_distinct(groups.iter().map(group)))
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
    fn a_pattern_without_names_is_refused() {
        let fault = RegexParser::new("(a)", 0, &Parse::default()).unwrap_err();
        assert_eq!(fault, r#""(a)" has no named group, as (?P<name>…)"#);
    }
}
