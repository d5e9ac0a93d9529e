//! Regular expressions as Go writes them, for the crate regex.
//!
//! The two agree on nearly everything. What they don't agree on is written in other words: `\d`, `\s`, `\w` are ASCII in
//! Go, `[` inside a class is a letter there, as are `&&`, `--` and `~~`, and so is `{` where nothing is repeated; `\Q…\E`
//! quotes, `\012` is a byte, `\<` is no border of a word. `\C` is not there, and `\B` knows words of all languages.

use regex::{Regex, RegexBuilder, bytes, escape};

/// How large a pattern may become when it is compiled, in bytes.
const MAX_SIZE: usize = 1 << 20;

pub(crate) fn compiled(pattern: &str) -> Result<Regex, String> {
    let regex = RegexBuilder::new(&translated(pattern)).size_limit(MAX_SIZE).build();
    regex.map_err(|fault| told(pattern, fault))
}

/// For bytes in which `^` and `$` are where a line begins and ends.
pub(crate) fn of_lines(pattern: &str) -> Result<bytes::Regex, String> {
    let mut builder = bytes::RegexBuilder::new(&translated(pattern));
    builder.multi_line(true).size_limit(MAX_SIZE).build().map_err(|fault| told(pattern, fault))
}

fn told(pattern: &str, fault: regex::Error) -> String {
    match fault {
        regex::Error::CompiledTooBig(_) => {
            format!("{pattern:?} gets larger than 1 MiB when it is compiled; repeat less")
        }
        // The last line says what is wrong, those before it where.
        fault => {
            let fault = fault.to_string();
            let words = fault.lines().next_back().unwrap_or_default().trim_start_matches("error: ");
            format!("{pattern:?} is no regular expression: {words}")
        }
    }
}

fn translated(pattern: &str) -> String {
    let mut made = String::with_capacity(pattern.len() + 16);
    let mut rest = pattern;
    let mut class = None;
    while let Some(letter) = rest.chars().next() {
        let length = match (letter, class) {
            ('\\', _) => escaped(rest, class.is_some(), &mut made),
            ('[', None) => {
                // What stands first in a class is a letter, also if it is the closing bracket.
                let length = if rest.starts_with("[^") { 2 } else { 1 };
                made.push_str(&rest[..length]);
                class = Some(rest.len() - length);
                length
            }
            (']', Some(begin)) if begin == rest.len() => pushed("\\]", 1, &mut made),
            (']', Some(_)) => {
                class = None;
                pushed("]", 1, &mut made)
            }
            ('[', Some(_)) => match rest.find(":]").filter(|_| rest.starts_with("[:")) {
                Some(end) => pushed(&rest[..end + 2], end + 2, &mut made),
                None => pushed("\\[", 1, &mut made),
            },
            ('{', None) if !is_repetition(rest) => pushed("\\{", 1, &mut made),
            // The end of a range, unless nothing stands before it.
            ('-', Some(begin)) if rest.starts_with("--") && begin != rest.len() => {
                pushed(r"-\-", 2, &mut made)
            }
            ('&' | '-' | '~', Some(_)) if rest[1..].starts_with(letter) => {
                made.push('\\');
                made.push(letter);
                1
            }
            _ => {
                made.push(letter);
                letter.len_utf8()
            }
        };
        rest = &rest[length..];
    }
    made
}

/// What an escape is in the other words, and how long it was.
fn escaped(rest: &str, is_in_class: bool, made: &mut String) -> usize {
    let words = match (rest.get(..2), is_in_class) {
        (Some(r"\d"), false) => "[0-9]",
        (Some(r"\d"), true) => "0-9",
        (Some(r"\D"), _) => "[^0-9]",
        (Some(r"\w"), false) => "[0-9A-Za-z_]",
        // At the end a range, so that a hyphen behind it begins none.
        (Some(r"\w"), true) => "_0-9A-Za-z",
        (Some(r"\W"), _) => "[^0-9A-Za-z_]",
        (Some(r"\s"), false) => r"[\t\n\f\r ]",
        (Some(r"\s"), true) => r" \t\n\f-\r",
        (Some(r"\S"), _) => r"[^\t\n\f\r ]",
        (Some(r"\<"), _) => "<",
        (Some(r"\>"), _) => ">",
        (Some(r"\b"), false) => r"(?-u:\b)",
        (Some(r"\Q"), false) => {
            let quoted = rest[2..].split(r"\E").next().unwrap_or_default();
            made.push_str(&escape(quoted));
            return (quoted.len() + 4).min(rest.len());
        }
        (Some(r"\p" | r"\P" | r"\x"), _) => {
            let end = rest[2..].starts_with('{').then(|| rest.find('}')).flatten();
            return property(&rest[..end.map_or(2, |end| end + 1)], made);
        }
        _ => match octal(&rest[1..]) {
            Some((length, number)) => return pushed(&format!("\\x{{{number:x}}}"), 1 + length, made),
            None => {
                let letter = rest[1..].chars().next();
                let length = 1 + letter.map_or(0, char::len_utf8);
                return pushed(&rest[..length], length, made);
            }
        },
    };
    pushed(words, 2, made)
}

/// `\p{Greek}`, `\p{^Greek}`, `\x{1F600}`, with all that is between the braces.
fn property(escape: &str, made: &mut String) -> usize {
    let words = match escape.split_at(2) {
        (r"\p", rest) if rest.starts_with("{^") => format!("\\P{{{}", &rest[2..]),
        (r"\P", rest) if rest.starts_with("{^") => format!("\\p{{{}", &rest[2..]),
        _ => escape.to_owned(),
    };
    pushed(&words, escape.len(), made)
}

/// How long `012` is, and its number. One digit alone, unless it is zero, would be what a group matched, which Go has not.
fn octal(text: &str) -> Option<(usize, u32)> {
    let length = text.bytes().take(3).take_while(|byte| matches!(byte, b'0'..=b'7')).count();
    let is_number = length > 1 || text.starts_with('0');
    is_number.then(|| Some((length, u32::from_str_radix(&text[..length], 8).ok()?))).flatten()
}

/// `{2}`, `{2,}`, `{2,3}`.
fn is_repetition(text: &str) -> bool {
    let Some((inside, _)) = text.strip_prefix('{').and_then(|rest| rest.split_once('}')) else {
        return false;
    };
    let (least, most) = inside.split_once(',').unwrap_or((inside, ""));
    let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    !least.is_empty() && is_number(least) && is_number(most)
}

fn pushed(words: &str, length: usize, made: &mut String) -> usize {
    made.push_str(words);
    length
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn patterns_mean_what_they_mean_in_go() {
        for (pattern, text, is_match) in [
            (r"^\d+$", "123", true),
            (r"^\d+$", "١٢٣", false),
            (r"^\w+$", "häß", false),
            (r"^[\w-]+$", "a_b-c", true),
            (r"^[^\s]+$", "a\u{a0}b", true),
            (r"^\S+\s\S+$", "a b", true),
            (r"^[[]a[]]$", "[a]", true),
            (r"^[^[\]]+$", "ab", true),
            (r"^[^[\]]+$", "a]", false),
            (r"^[[:alpha:]]+$", "ab", true),
            (r"^[a&&b]+$", "a&b", true),
            (r"^[+--]+$", "+,-", true),
            (r"^[--/]+$", "-./", true),
            (r"^\Qa.b*\E+$", "a.b**", true),
            (r"\Qa.b", "a.b", true),
            (r"(?i)^error", "ERROR x", true),
            (r"^[\D]+$", "ab", true),
            (r"^\pL+$", "häß", true),
            (r"\bfoo\b", "a foo b", true),
            (r"^.$", "ä", true),
            (r"^(?P<time>[^ ^Z]+Z) ", "2024Z ", true),
            // What Rust reads otherwise, or refuses.
            (r"^{", r#"{"a":1}"#, true),
            (r"^{.*}$", r#"{"a":1}"#, true),
            (r"^{,2}$", "{,2}", true),
            (r"^a{2}b{1,}c{0,1}$", "aab", true),
            (r"^\{[^{}]+}$", "{a}", true),
            (r"^{{(a{2})}}$", "{{aa}}", true),
            (r"^\p{Greek}+$", "αβ", true),
            (r"^\p{^Greek}+$", "αβ", false),
            (r"^\x{41}\x42$", "AB", true),
            (r"^\012\0$", "\n\0", true),
            (r"^[\101-\103]+$", "ABC", true),
            (r"^\<a\>$", "<a>", true),
            (r"^[\w-.]+$", "a-b.c", true),
            (r"^[\w-~]+$", "{", false),
            (r"^[\s-:]+$", " -:", true),
            (r"^[\s-:]+$", "$", false),
            (r"^[\d-x]+$", "1-x", true),
            (r"^[\S-x]+$", "1-x", true),
            (r"\bfoo\b{start}", "foo{start}", true),
        ] {
            assert_eq!(compiled(pattern).unwrap().is_match(text), is_match, "{pattern} {text}");
        }
    }

    #[test]
    fn faults_are_told_in_one_line() {
        assert_eq!(compiled("a(b").unwrap_err(), r#""a(b" is no regular expression: unclosed group"#);
        assert!(compiled(&"(a{1000}){1000}".repeat(3)).unwrap_err().contains("larger than 1 MiB"));
        assert!(compiled("(?=a)").unwrap_err().contains("look-around"));
        assert!(compiled(r"(a)\1").unwrap_err().contains("backreferences are not supported"));
        assert!(compiled(r"\p{Nonsense}").unwrap_err().contains("Unicode property not found"));
    }

    proptest! {
        #[test]
        fn no_pattern_makes_it_panic(pattern in r"([\[\]\\^:&~QEdDwWsSbpx{},07-]|\(|\)|.){0,24}") {
            let _ = (compiled(&pattern), of_lines(&pattern));
        }

        #[test]
        fn what_is_no_escape_and_no_class_stays(pattern in r"[a-z.*+?|()^$ ]{0,24}") {
            prop_assert_eq!(translated(&pattern), pattern);
        }
    }
}
