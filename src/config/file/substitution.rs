//! `${VARIABLE}` → what the variable holds, within one scalar (B-091).
//!
//! ```text
//! ${NAME}  ${env:NAME}    the value; nothing if the variable is not set
//! ${NAME:-default}        the value; the default if the variable is not set
//! $$                      one dollar sign, which begins no reference
//! ```
//! An empty variable is an unset one (O-090). What a variable or a default holds is not looked at again: there is no
//! recursion. Braces that do not close on their line are text.

use std::{borrow::Cow, fmt};

/// Why a scalar cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unusable {
    /// Something in `${…}` is no reference. It is not echoed: it may be of a secret that has a dollar sign.
    Reference,
    /// More bytes than are allowed.
    Long,
}

impl fmt::Display for Unusable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Unusable::Reference => {
                "has a ${…} that is no reference; write ${NAME}, ${NAME:-default}, or $$ for a dollar sign"
            }
            Unusable::Long => "is too long with what its variables hold",
        })
    }
}

/// Replaces the references in a text. The result has at most so many bytes.
pub(crate) fn substitute<'a>(
    text: &'a str,
    most: usize,
    variable: impl Fn(&str) -> Option<String>,
) -> Result<Cow<'a, str>, Unusable> {
    let bounded = |text: Cow<'a, str>| if text.len() > most { Err(Unusable::Long) } else { Ok(text) };
    if !text.contains('$') {
        return bounded(text.into());
    }
    let (mut done, mut at) = (String::new(), 0);
    let mut ahead = Ahead { text, close: 0, line: 0, escape: 0 };
    while let Some(dollar) = text[at..].find('$').map(|found| at + found) {
        done += &text[at..dollar];
        at = dollar + 1;
        if text[at..].starts_with('$') {
            done.push('$');
            at += 1;
        } else if text[at..].starts_with('{')
            && let Some(inside) = ahead.inside(at + 1)
        {
            let (name, default) = reference(inside).ok_or(Unusable::Reference)?;
            match variable(name).filter(|value| !value.is_empty()) {
                Some(value) => done += &value,
                None => done += default,
            }
            at += inside.len() + 2;
        } else {
            done.push('$');
        }
        if done.len() > most {
            return Err(Unusable::Long);
        }
    }
    bounded((done + &text[at..]).into())
}

/// What comes next in a text. Each is remembered, so that the text is read once however many braces it opens.
struct Ahead<'a> {
    text: &'a str,
    close: usize,
    line: usize,
    escape: usize,
}

impl<'a> Ahead<'a> {
    /// What stands between a brace and the one that closes it, on the same line and without an escape.
    fn inside(&mut self, start: usize) -> Option<&'a str> {
        let next = |known: &mut usize, find: fn(&str) -> Option<usize>| {
            if *known < start {
                *known = find(&self.text[start..]).map_or(usize::MAX, |found| start + found);
            }
            *known
        };
        let close = next(&mut self.close, |text| text.find('}'));
        let line = next(&mut self.line, |text| text.find(['\n', '\r']));
        let escape = next(&mut self.escape, |text| text.find("$$"));
        (close < line && close < escape).then(|| &self.text[start..close])
    }
}

/// The name and the default of a reference.
fn reference(inside: &str) -> Option<(&str, &str)> {
    // `${env:-x}` is the variable `env` with a default.
    let forms = [Some(inside), inside.strip_prefix("env:")];
    let mut parts = forms.into_iter().flatten().map(|form| form.split_once(":-").unwrap_or((form, "")));
    let is_name = |name: &str| {
        let word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        name.bytes().all(word) && !name.is_empty() && !name.starts_with(|first: char| first.is_ascii_digit())
    };
    parts.find(|(name, _)| is_name(name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::time::Instant;

    fn with(text: &str) -> Result<String, Unusable> {
        let variable = |name: &str| {
            let value = match name {
                "TEXT" => "value",
                "NUMBER" => "17",
                "EMPTY" => "",
                "NESTED" => "${TEXT}",
                "DOLLARS" => "a$$b",
                "env" => "a variable of that name",
                _ => return None,
            };
            Some(value.to_owned())
        };
        substitute(text, 1000, variable).map(Cow::into_owned)
    }

    // B-091
    #[test]
    fn references_are_replaced_once_and_escapes_begin_none() {
        for (text, result) in [
            ("", ""),
            ("no reference", "no reference"),
            ("${TEXT}", "value"),
            ("${env:TEXT}", "value"),
            ("foo ${TEXT} ${NUMBER}!", "foo value 17!"),
            ("${TEXT}${TEXT}", "valuevalue"),
            ("${UNDEFINED}", ""),
            ("${EMPTY}", ""),
            ("${UNDEFINED:-other}", "other"),
            ("${EMPTY:-other}", "other"),
            ("${TEXT:-other}", "value"),
            ("${env:UNDEFINED:-http://host:4318/v1}", "http://host:4318/v1"),
            ("${UNDEFINED:-}", ""),
            ("${UNDEFINED:-a:-b}", "a:-b"),
            ("${UNDEFINED:-ä $ {}", "ä $ {"),
            ("${env}", "a variable of that name"),
            ("${env:-other}", "a variable of that name"),
            ("${env:env}", "a variable of that name"),
            ("${NESTED}", "${TEXT}"),
            ("${DOLLARS}", "a$$b"),
            ("${UNDEFINED:-${TEXT}}", "${TEXT}"),
            ("$", "$"),
            ("$TEXT", "$TEXT"),
            ("a $ b", "a $ b"),
            ("$$", "$"),
            ("$$$$", "$$"),
            ("$${TEXT}", "${TEXT}"),
            ("$$${TEXT}", "$value"),
            ("$$$${TEXT}", "$${TEXT}"),
            ("$${UNDEFINED:-${TEXT}}", "${UNDEFINED:-value}"),
            ("${UNDEFINED:-$${TEXT}}", "${UNDEFINED:-${TEXT}}"),
            ("${TEXT", "${TEXT"),
            ("{TEXT}", "{TEXT}"),
            ("${TE\nXT}", "${TE\nXT}"),
        ] {
            assert_eq!(with(text).as_deref(), Ok(result), "{text:?}");
        }
    }

    // B-091
    #[test]
    fn what_is_no_reference_is_an_error() {
        for inside in
            ["", "1A", "A B", "TEXT:?fault", "file:TEXT", "env:", "env:1", "A:B", "ä", ":-x", "env:file:A"]
        {
            let text = format!("before ${{{inside}}} after");
            assert_eq!(with(&text), Err(Unusable::Reference), "{text}");
        }
    }

    #[test]
    fn the_result_is_bounded() {
        let long = |_: &str| Some("x".repeat(100));
        assert_eq!(substitute("${A}", 99, long), Err(Unusable::Long));
        assert_eq!(substitute(&"${A}".repeat(1 << 18), 1000, long), Err(Unusable::Long));
        assert_eq!(substitute("abc", 2, long), Err(Unusable::Long));
        assert_eq!(substitute("${A}", 100, long).map(|text| text.len()), Ok(100));
    }

    #[test]
    fn the_time_it_takes_grows_with_the_text_and_no_faster() {
        let time = |text: &str| {
            let once = || {
                let start = Instant::now();
                let _ = substitute(text, usize::MAX, |_| None);
                start.elapsed()
            };
            (0..5).map(|_| once()).min().unwrap_or_default()
        };
        for (start, piece, end) in [
            ("", "${", ""),
            ("", "${$$", ""),
            ("", "${$${", "}"),
            ("", "${A", "}"),
            ("", "${", "\n}"),
            ("$$", "{$", ""),
        ] {
            let text = |pieces| format!("{start}{}{end}", piece.repeat(pieces));
            // A busy machine can make any one comparison look bad; a square would be 4,096 times as slow in all of them.
            let grows = || {
                let [short, long] = [text(1_000), text(64_000)].map(|text| time(&text));
                long < short * 64 * 6
            };
            assert!((0..20).any(|_| grows()), "{piece:?}");
        }
    }

    proptest! {
        #[test]
        fn no_text_panics_and_what_has_no_dollar_stays(text in ".*", pieces in "([${}:A\\-]|env:){0,40}") {
            let plain = text.replace('$', "");
            prop_assert_eq!(with(&plain), Ok(plain));
            let _ = with(&text);
            let _ = with(&pieces);
        }

        #[test]
        fn doubled_dollars_give_any_text_back(text in "[${}A\\- ]{0,40}") {
            prop_assert_eq!(with(&text.replace('$', "$$")), Ok(text));
        }
    }
}
