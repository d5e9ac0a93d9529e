//! Texts that are changed where they stand.

use super::Outcome;
use crate::{
    filelog::entry::{Entry, Field, Key, Map, Value},
    syntax::compiled,
};
use regex::Regex;
use std::borrow::Cow;

/// Sequences that control a terminal (ECMA-48, 5.4).
pub(super) const CONTROL_SEQUENCES: &str = r"\x1b\[[0-?]*[ -/]*[@-~]";

/// Replaces what a pattern matches.
#[derive(Debug)]
pub(super) struct Replacement {
    field: Field,
    regex: Regex,
    with: String,
}

impl Replacement {
    pub(super) fn new(field: &Field, regex: &str, with: &str) -> Result<Self, String> {
        Ok(Replacement { field: field.clone(), regex: compiled(regex)?, with: with.to_owned() })
    }

    pub(super) fn apply(&self, entry: &mut Entry) -> Outcome {
        let text = text(&self.field, entry)?;
        if let Cow::Owned(changed) = self.regex.replace_all(text, &self.with) {
            self.field.set(entry, changed.into());
        }
        Ok(())
    }
}

/// Takes the quotes off a text, as Go writes them: `"a\n"`, `` `a\n` ``, `'a'`.
pub(super) fn unquote(field: &Field, entry: &mut Entry) -> Outcome {
    let plain = plain(text(field, entry)?).ok_or_else(|| format!("{field} is not quoted as Go does it"))?;
    field.set(entry, plain.into());
    Ok(())
}

/// Makes a text of bytes.
pub(super) fn sanitize(field: &Field, entry: &mut Entry) -> Outcome {
    if let Some(Value::Bytes(bytes)) = field.value(entry) {
        let text = String::from_utf8_lossy(bytes).into_owned();
        field.set(entry, text.into());
    }
    text(field, entry).map(drop)
}

/// Makes a map of a list.
pub(super) fn assign(field: &Field, keys: &[Key], entry: &mut Entry) -> Outcome {
    match field.value(entry) {
        Some(Value::List(values)) if values.len() == keys.len() => {}
        Some(Value::List(values)) => {
            return Err(format!("{field} has {} values for {} keys", values.len(), keys.len()).into());
        }
        Some(other) => return Err(format!("{field} is {}, no list", other.kind()).into()),
        None => return Err(format!("there is no {field}").into()),
    }
    if let Some(Value::List(values)) = field.take(entry) {
        field.set(entry, Map::of_pairs(keys.iter().cloned().zip(values).collect()).into());
    }
    Ok(())
}

fn text<'e>(field: &Field, entry: &'e Entry) -> Result<&'e str, Cow<'static, str>> {
    match field.value(entry) {
        Some(Value::Text(text)) => Ok(text),
        Some(other) => Err(format!("{field} is {}, no text", other.kind()).into()),
        None => Err(format!("there is no {field}").into()),
    }
}

fn plain(text: &str) -> Option<String> {
    let quote = text.chars().next().filter(|letter| matches!(letter, '"' | '`' | '\''))?;
    let inside = text.strip_prefix(quote)?.strip_suffix(quote)?;
    if quote == '`' {
        return (!inside.contains('`')).then(|| inside.replace('\r', ""));
    }
    let (mut bytes, mut letters) = (Vec::new(), inside.chars());
    let mut count = 0;
    while let Some(letter) = letters.next() {
        match letter {
            '\n' => return None,
            letter if letter == quote => return None,
            '\\' => letters = escaped(letters, quote, &mut bytes)?,
            letter => bytes.extend(letter.encode_utf8(&mut [0; 4]).bytes()),
        }
        count += 1;
    }
    // Between those is one letter.
    (quote == '"' || count == 1).then(|| String::from_utf8_lossy(&bytes).into_owned())
}

/// What is behind a backslash; the letters behind it.
fn escaped<'t>(
    mut letters: std::str::Chars<'t>,
    quote: char,
    bytes: &mut Vec<u8>,
) -> Option<std::str::Chars<'t>> {
    let letter = letters.next()?;
    let plain = match letter {
        'a' => '\x07',
        'b' => '\x08',
        'f' => '\x0c',
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        'v' => '\x0b',
        '\\' => '\\',
        letter if letter == quote => letter,
        'x' | 'u' | 'U' | '0'..='7' => {
            let (from, length, base) = match letter {
                'x' => (1, 2, 16),
                'u' => (1, 4, 16),
                'U' => (1, 8, 16),
                _ => (0, 3, 8),
            };
            let digits =
                (letter.to_string() + letters.as_str()).get(from..from + length).map(str::to_owned)?;
            let number =
                u32::from_str_radix(&digits, base).ok().filter(|_| !digits.starts_with(['+', '-']))?;
            letters = letters.as_str().get(from + length - 1..)?.chars();
            if matches!(letter, 'u' | 'U') {
                char::from_u32(number)?
            } else {
                bytes.push(u8::try_from(number).ok()?);
                return Some(letters);
            }
        }
        _ => return None,
    };
    bytes.extend(plain.encode_utf8(&mut [0; 4]).bytes());
    Some(letters)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    // The documentation's examples; the second one with a group that ends where its braces do.
    #[test]
    fn what_a_pattern_matches_is_replaced() {
        for (text, regex, with, expected) in [
            ("Hello  World", " +", " ", "Hello World"),
            ("{a}{bb}{ccc}", "{(.*?)}", "${1}", "abbccc"),
            ("\x1b[31mred\x1b[0m \x1b[2K", CONTROL_SEQUENCES, "", "red "),
            ("k=v", "(?P<key>k)=(v)", "$2=${key}$$", "v=k$"),
            ("nothing", "x", "y", "nothing"),
        ] {
            let mut entry = Entry::of(text);
            Replacement::new(&Field::BODY, regex, with).unwrap().apply(&mut entry).unwrap();
            assert_eq!(entry, Entry::of(expected));
        }
        let fault = Replacement::new(&Field::BODY, "(", "").unwrap_err();
        assert_eq!(fault, r#""(" is no regular expression: unclosed group"#);
    }

    #[test]
    fn quotes_are_taken_off_as_go_does_it() {
        for (quoted, expected) in [
            (r#""hello""#, Some("hello")),
            ("`bar\\n\r`", Some("bar\\n")),
            ("'v'", Some("v")),
            (r"'\''", Some("'")),
            (r#""a\tb\"\\\x41\101\u00e4\U0001F600""#, Some("a\tb\"\\AAä😀")),
            (r#""\xc3\xa4""#, Some("ä")),
            ("'ab'", None),
            ("''", None),
            (r#""""#, Some("")),
            (r#"""#, None),
            (r#""a"b""#, None),
            (r#""\q""#, None),
            (r#""\x4""#, None),
            (r#""\x+1""#, None),
            (r#""\777""#, None),
            (r#""\ud800""#, None),
            (r#""\"#, None),
            ("plain", None),
            ("\"a\nb\"", None),
        ] {
            assert_eq!(plain(quoted).as_deref(), expected, "{quoted}");
        }
        let mut entry = Entry::of("plain");
        assert_eq!(unquote(&Field::BODY, &mut entry).unwrap_err(), "body is not quoted as Go does it");
    }

    // The documentation's examples.
    #[test]
    fn keys_are_given_to_the_values_of_a_list() {
        let keys = ["foo", "bar"].map(Key::from);
        let mut entry = Entry::default();
        entry.attributes.insert("input", Value::List(vec![1.into(), "debug".into()]));
        assign(&Field::attribute("input"), &keys, &mut entry).unwrap();
        let expected = Map::from([("foo", 1.into()), ("bar", "debug".into())]);
        assert_eq!(entry.attributes, Map::from([("input", expected.into())]));
        let fault = assign(&Field::attribute("input"), &keys, &mut entry).unwrap_err();
        assert_eq!(fault, "attributes.input is a map, no list");
        let mut entry = Entry::of(Value::List(vec![Value::Null]));
        assert_eq!(assign(&Field::BODY, &keys, &mut entry).unwrap_err(), "body has 1 values for 2 keys");
    }

    #[test]
    fn bytes_become_a_text() {
        let mut entry = Entry::of(Value::Bytes(b"a\xffb".into()));
        sanitize(&Field::BODY, &mut entry).unwrap();
        assert_eq!(entry, Entry::of("a\u{fffd}b"));
        sanitize(&Field::BODY, &mut entry).unwrap();
        assert_eq!(entry, Entry::of("a\u{fffd}b"));
        assert_eq!(sanitize(&Field::BODY, &mut Entry::of(1)).unwrap_err(), "body is an integer, no text");
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in r#"["'`]([a-zä01+]|\\|[xuU7"]){0,12}["'`]?"#) {
            let _ = plain(&text);
        }
    }
}
