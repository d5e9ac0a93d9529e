//! Texts that are pairs of keys and values.

use super::{Outcome, Parse, parse::Parser};
use crate::filelog::entry::{Entry, Map};

/// A reader of pairs.
#[derive(Debug)]
pub(super) struct PairParser {
    parser: Parser,
    delimiter: String,
    /// Empty: white space.
    pair_delimiter: String,
}

impl PairParser {
    pub(super) fn new(delimiter: &str, pair_delimiter: &str, parse: &Parse) -> Result<Self, String> {
        if delimiter.is_empty() || delimiter == pair_delimiter {
            return Err(
                "delimiter and pair_delimiter have to be different, and the first not empty".to_owned()
            );
        }
        let (delimiter, pair_delimiter) = (delimiter.to_owned(), pair_delimiter.to_owned());
        Ok(PairParser { parser: Parser::new(parse)?, delimiter, pair_delimiter })
    }

    pub(super) fn apply(&self, entry: &mut Entry) -> Outcome {
        let map = pairs(self.parser.text(entry)?, &self.delimiter, &self.pair_delimiter)?;
        self.parser.write(entry, map)
    }
}

fn pairs(text: &str, delimiter: &str, pair_delimiter: &str) -> Result<Map, &'static str> {
    let mut read = Vec::new();
    let mut rest = text.trim();
    while !rest.is_empty() {
        let (pair, behind) = cut(rest, pair_delimiter)?;
        rest = behind.trim_start();
        if pair.trim().is_empty() {
            continue;
        }
        let (key, value) = pair.split_once(delimiter).ok_or("a pair has no delimiter")?;
        read.push((plain(key).into(), plain(value).into()));
    }
    if read.is_empty() { Err("there are no pairs") } else { Ok(Map::of_pairs(read)) }
}

/// The text before the first delimiter that stands in no quotes, and the text behind it.
fn cut<'t>(text: &'t str, delimiter: &str) -> Result<(&'t str, &'t str), &'static str> {
    let mut quote = None;
    for (at, letter) in text.char_indices() {
        let length = match delimiter {
            "" if letter.is_whitespace() => letter.len_utf8(),
            delimiter if !delimiter.is_empty() && text[at..].starts_with(delimiter) => delimiter.len(),
            _ => 0,
        };
        match quote {
            Some(open) if letter == open => quote = None,
            Some(_) => {}
            None if length > 0 => return Ok((&text[..at], &text[at + length..])),
            None if matches!(letter, '"' | '\'') => quote = Some(letter),
            None => {}
        }
    }
    if quote.is_some() { Err("a quote is not closed") } else { Ok((text, "")) }
}

/// Without white space and quotes around it.
fn plain(text: &str) -> &str {
    text.trim().trim_matches(['"', '\'']).trim()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_are_read_with_their_quotes() {
        let expected =
            Map::from([("name", "stanza".into()), ("org", "otel x".into()), ("group", "dev=1".into())]);
        for (text, delimiter, pair_delimiter) in [
            ("name=stanza org='otel x'  group=dev=1", "=", ""),
            ("name:stanza!org:\"otel x\" ! group:dev=1!", ":", "!"),
            ("  name => stanza;; 'org' => otel x;;group => dev=1", "=>", ";;"),
        ] {
            assert_eq!(pairs(text, delimiter, pair_delimiter).as_ref(), Ok(&expected), "{text}");
        }
        assert_eq!(pairs("a='b!c'", "=", "!"), Ok(Map::from([("a", "b!c".into())])));
        assert_eq!(pairs("a=b c", "=", ""), Err("a pair has no delimiter"));
        assert_eq!(pairs("a='b", "=", ""), Err("a quote is not closed"));
        assert_eq!(pairs("", "=", ""), Err("there are no pairs"));
    }
}
