//! Texts that are a URI, or the end of one.

use super::{Outcome, Parse, parse::Parser};
use crate::filelog::entry::{Entry, Key, Map, Value};
use std::borrow::Cow;

/// A reader of URIs.
#[derive(Debug)]
pub(super) struct UriParser {
    parser: Parser,
}

impl UriParser {
    pub(super) fn new(parse: &Parse) -> Result<Self, String> {
        Ok(UriParser { parser: Parser::new(parse)? })
    }

    pub(super) fn apply(&self, entry: &mut Entry) -> Outcome {
        let map = parts(self.parser.text(entry)?)?;
        self.parser.write(entry, map)
    }
}

/// The parts that a URI has: all of it, from its path on, or from its question mark on. A password is none of them.
fn parts(text: &str) -> Result<Map, &'static str> {
    if text.is_empty() || text.contains(|letter: char| letter.is_ascii_control()) {
        return Err("it is no URI");
    }
    let (before, query) = text.split_once('?').unwrap_or((text, ""));
    let mut pairs: Vec<(Key, Value)> = Vec::new();
    let mut add = |key: &str, value: &str| {
        if !value.is_empty() {
            pairs.push((key.into(), value.into()));
        }
    };
    let mut path = before;
    if let Some((scheme, rest)) = scheme(before) {
        add("scheme", &scheme.to_ascii_lowercase());
        // What is behind a scheme and begins with no slash is one opaque word.
        path = if rest.starts_with('/') { rest } else { "" };
        if let Some(rest) = rest.strip_prefix("//") {
            let end = rest.find('/').unwrap_or(rest.len());
            let (authority, behind) = rest.split_at(end);
            path = behind;
            let (user, host) = authority.rsplit_once('@').unwrap_or(("", authority));
            add("user", &decoded(user.split(':').next().unwrap_or_default(), false).ok_or("it is no URI")?);
            let (host, port) = place(host).ok_or("it is no URI")?;
            add("host", &decoded(host, false).ok_or("it is no URI")?);
            add("port", port);
        }
    } else if !(before.is_empty() || before.starts_with('/')) {
        return Err("a URI begins with a scheme, a slash or a question mark");
    }
    add("path", path);
    let parameters = parameters(query);
    if !parameters.is_empty() {
        pairs.push(("query".into(), parameters.into()));
    }
    Ok(Map::of_pairs(pairs))
}

/// The scheme, if there is one, and what is behind its colon.
fn scheme(text: &str) -> Option<(&str, &str)> {
    let (scheme, rest) = text.split_once(':')?;
    let is_scheme = scheme.starts_with(|letter: char| letter.is_ascii_alphabetic())
        && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte));
    is_scheme.then_some((scheme, rest))
}

/// Host and port.
fn place(text: &str) -> Option<(&str, &str)> {
    let (host, port) = match text.strip_prefix('[') {
        Some(address) => {
            let (host, behind) = address.split_once(']')?;
            (host, if behind.is_empty() { "" } else { behind.strip_prefix(':')? })
        }
        None => text.rsplit_once(':').unwrap_or((text, "")),
    };
    port.bytes().all(|byte| byte.is_ascii_digit()).then_some((host, port))
}

/// The values of each parameter, in the order in which they came. What is written wrongly is left out.
fn parameters(query: &str) -> Map {
    let mut found: Vec<(String, Vec<Value>)> = Vec::new();
    let mut places = std::collections::HashMap::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty() && !pair.contains(';')) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let (Some(name), Some(value)) = (decoded(name, true), decoded(value, true)) else { continue };
        let at = *places.entry(name.to_string()).or_insert(found.len());
        if at == found.len() {
            found.push((name.into_owned(), Vec::new()));
        }
        found[at].1.push(Value::Text(value.into_owned()));
    }
    let pairs = found.into_iter().map(|(name, values)| (name.into(), Value::List(values)));
    Map::of_pairs(pairs.collect())
}

/// What is written with percent signs, and with a plus for a space in a query; `None`: something else is behind a percent sign.
fn decoded(text: &str, has_plus: bool) -> Option<Cow<'_, str>> {
    if !text.contains(['%', '+']) {
        return Some(text.into());
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, behind @ ..] = rest {
        rest = behind;
        match first {
            b'%' => {
                let digit = |at: usize| char::from(*behind.get(at)?).to_digit(16);
                bytes.push(u8::try_from(digit(0)? * 16 + digit(1)?).ok()?);
                rest = &behind[2..];
            }
            b'+' if has_plus => bytes.push(b' '),
            other => bytes.push(*other),
        }
    }
    Some(String::from_utf8_lossy(&bytes).into_owned().into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn texts(pairs: &[(&str, &str)]) -> Map {
        pairs.iter().map(|(key, value)| (*key, Value::from(*value))).collect()
    }

    fn with_query(mut map: Map, parameters: &[(&str, &[&str])]) -> Map {
        let list = |values: &[&str]| Value::List(values.iter().map(|value| (*value).into()).collect());
        let query: Map = parameters.iter().map(|(name, values)| (*name, list(values))).collect();
        map.insert("query", query);
        map
    }

    // The documentation's examples.
    #[test]
    fn whole_ones_their_paths_and_their_queries_are_read() {
        let whole = texts(&[("scheme", "https"), ("user", "dev"), ("host", "google.com"), ("path", "/app")]);
        assert_eq!(
            parts("https://dev:pass@google.com/app?user_id=2&token=001"),
            Ok(with_query(whole, &[("user_id", &["2"]), ("token", &["001"])]))
        );
        assert_eq!(
            parts("/app?user=admin"),
            Ok(with_query(texts(&[("path", "/app")]), &[("user", &["admin"])]))
        );
        assert_eq!(
            parts("?request=681e6fc4&env=stage&env=dev"),
            Ok(with_query(Map::new(), &[("request", &["681e6fc4"]), ("env", &["stage", "dev"])]))
        );
    }

    #[test]
    fn what_is_seldom_is_read_as_go_reads_it() {
        for (text, expected) in [
            ("http://golang.org:8443", &[("scheme", "http"), ("host", "golang.org"), ("port", "8443")][..]),
            ("HTTP://[::1]:80/", &[("scheme", "http"), ("host", "::1"), ("port", "80"), ("path", "/")]),
            ("mailto:a@b.example", &[("scheme", "mailto")]),
            ("//host/path", &[("path", "//host/path")]),
            ("/a%20b", &[("path", "/a%20b")]),
            ("file:///etc/x", &[("scheme", "file"), ("path", "/etc/x")]),
            ("http://a%41/", &[("scheme", "http"), ("host", "aA"), ("path", "/")]),
        ] {
            assert_eq!(parts(text), Ok(texts(expected)), "{text}");
        }
        assert_eq!(
            parts("?a+b=%C3%A4+x&c&d=%zz&e;f=1&=g"),
            Ok(with_query(Map::new(), &[("a b", &["ä x"]), ("c", &[""]), ("", &["g"])]))
        );
        for text in ["", "app", "http://a:b/", "http://[::1/", "/a\nb", "http://%zz/"] {
            assert!(parts(text).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in r"(http)?:?(//)?[a@:%4ä?&=;+\[\]/]{0,16}") {
            let _ = parts(&text);
        }
    }
}
