//! The query of a URL.

use std::{fmt::Write, str::FromStr};

/// Names and values, decoded.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Query(Vec<(String, String)>);

impl Query {
    pub(crate) fn parse(text: &str) -> Self {
        let pair = |pair: &str| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decode(name), decode(value))
        };
        Query(text.split('&').filter(|part| !part.is_empty()).map(pair).collect())
    }

    /// The value of a name; empty values count as absent.
    pub(crate) fn value(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(key, value)| key == name && !value.is_empty()).map(|(_, value)| value.as_str())
    }

    /// All values of a name.
    pub(crate) fn values(&self, name: &str) -> impl Iterator<Item = &str> {
        self.0.iter().filter(move |(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// A number between one and the limit; the default also in place of what is no number.
    pub(crate) fn number<N: FromStr + Ord + From<u8>>(&self, name: &str, default: N, limit: N) -> N {
        let Some(number) = self.value(name).and_then(|value| value.parse().ok()) else { return default };
        N::clamp(number, N::from(1), limit)
    }
}

/// The text of a part of a URL.
pub(crate) fn decode(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, tail)) = rest.split_first() {
        rest = tail;
        let digit = |at: usize| char::from(*tail.get(at)?).to_digit(16);
        match (byte, digit(0), digit(1)) {
            (b'%', Some(high), Some(low)) => {
                bytes.push((high * 16 + low) as u8);
                rest = &tail[2..];
            }
            (b'+', ..) => bytes.push(b' '),
            _ => bytes.push(byte),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The text as a value in a query.
pub(crate) fn encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_encoded_decodes_to_itself() {
        let text = "a b&c=d%/ü+?";
        let query = Query::parse(&format!("service={}&errors=1&broken=%2&empty=", encode(text)));
        assert_eq!(query.value("service"), Some(text));
        assert_eq!(query.value("broken"), Some("%2"));
        assert_eq!((query.value("empty"), query.value("absent")), (None, None));
        assert_eq!((query.number("errors", 5, 10), query.number("limit", 5, 10)), (1, 5));
    }
}
