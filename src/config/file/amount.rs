//! Durations and sizes as people write them: `200ms`, `1m30s`, `1MiB`.
//!
//! A duration is numbers with units from `ns` to `h`, each larger than the next or not, or 0 alone. A size is a whole
//! number of bytes, or with a unit: `kb` and `mb` are powers of 1,000, `kib` and `mib` of 1,024, in whatever case.

use super::document::Node;
use std::time::Duration;

/// The units of durations, in nanoseconds. Those that begin like another one come first.
const TIMES: [(&str, f64); 8] =
    [("ns", 1.0), ("us", 1e3), ("µs", 1e3), ("μs", 1e3), ("ms", 1e6), ("s", 1e9), ("m", 60e9), ("h", 3600e9)];

/// A hundred years, in nanoseconds.
const LONGEST: f64 = 100.0 * 365.0 * 24.0 * 3600e9;

/// The units of sizes, in bytes.
const SIZES: [(&str, u64); 9] = [
    ("b", 1),
    ("kb", 1000),
    ("kib", 1 << 10),
    ("mb", 1000 * 1000),
    ("mib", 1 << 20),
    ("gb", 1000 * 1000 * 1000),
    ("gib", 1 << 30),
    ("tb", 1000 * 1000 * 1000 * 1000),
    ("tib", 1 << 40),
];

/// The duration of a scalar; `None` if it is none, or longer than a hundred years.
pub(crate) fn duration(node: &Node) -> Option<Duration> {
    let mut rest = node.text()?;
    if rest == "0" {
        return Some(Duration::ZERO);
    }
    let mut nanoseconds = 0.0;
    loop {
        let (number, behind) = number(rest)?;
        let (unit, worth) = TIMES.iter().find(|(unit, _)| behind.starts_with(unit))?;
        nanoseconds += number * worth;
        rest = &behind[unit.len()..];
        if rest.is_empty() {
            return (nanoseconds <= LONGEST).then(|| Duration::from_nanos(nanoseconds.round() as u64));
        }
    }
}

/// The bytes of a scalar; `None` if it is no size.
pub(crate) fn bytes(node: &Node) -> Option<u64> {
    let text = node.text()?.trim();
    if text.bytes().all(|byte| byte.is_ascii_digit()) {
        return text.parse().ok();
    }
    let (number, unit) = number(text)?;
    let unit = unit.trim_start().to_ascii_lowercase();
    let (_, worth) = SIZES.iter().find(|(known, _)| *known == unit)?;
    let bytes = number * *worth as f64;
    (bytes < u64::MAX as f64).then_some(bytes.round() as u64)
}

/// A number without a sign at the beginning of a text, and what stands behind it.
fn number(text: &str) -> Option<(f64, &str)> {
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    Some((text[..end].parse().ok()?, &text[end..]))
}

#[cfg(test)]
mod tests {
    use super::{super::document::Value, *};
    use proptest::prelude::*;

    fn node(text: &str) -> Node {
        Node { line: 1, value: Value::Scalar { text: text.into(), plain: true } }
    }

    #[test]
    fn durations_are_numbers_with_units_and_nothing_else() {
        for (text, milliseconds) in [
            ("0", 0),
            ("0s", 0),
            ("200ms", 200),
            ("5s", 5000),
            ("1m30s", 90_000),
            ("1h", 3_600_000),
            ("1.5s", 1500),
            ("90m", 5_400_000),
            ("1000us", 1),
            ("2h45m0.5s", 9_900_500),
        ] {
            assert_eq!(duration(&node(text)), Some(Duration::from_millis(milliseconds)), "{text}");
        }
        for text in ["", "5", "s", "-5s", "5 s", "1d", "5sec", "1e3s", "five", "..s", "9999999h", "1s1"] {
            assert_eq!(duration(&node(text)), None, "{text}");
        }
    }

    #[test]
    fn sizes_are_bytes_with_units_of_both_kinds() {
        for (text, size) in [
            ("0", 0),
            ("1024", 1024),
            ("1kb", 1000),
            ("1KiB", 1024),
            ("1MiB", 1 << 20),
            ("1.5 mib", 3 << 19),
            ("2GB", 2_000_000_000),
            ("7b", 7),
        ] {
            assert_eq!(bytes(&node(text)), Some(size), "{text}");
        }
        for text in ["", "k", "1k", "-1", "1 xb", "1e3", "99999999999999999999", "99999999999tib"] {
            assert_eq!(bytes(&node(text)), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_them_panic(text in ".{0,30}", pieces in "([0-9.]|[num]?s|[kmgt]i?b){0,8}") {
            for text in [text, pieces] {
                let _ = (duration(&node(&text)), bytes(&node(&text)));
            }
        }
    }
}
