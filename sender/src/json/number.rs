//! Numbers as OTLP/JSON has them, to the last digit.

use super::token::{Tokens, length_of_number};
use crate::{shape::Kind, wire::Fault};
use std::borrow::Cow;

/// The bits that stand for a number in protobuf, before they become a varint or bytes.
pub(super) fn bits(tokens: &mut Tokens<'_>, kind: Kind) -> Result<u64, Fault> {
    let at = tokens.offset();
    let is_quoted = tokens.peek() == Some(b'"');
    let text = match kind {
        // All of these that are sent are enumerations, whose names are not allowed (O-082).
        Kind::Int32 if is_quoted => return tokens.fault("an enumeration is not a number"),
        _ if is_quoted => {
            let text = tokens.quoted("")?.content();
            if let (Kind::Double, Some(value)) = (kind, word(&text)) {
                return Ok(value.to_bits());
            }
            if text.is_empty() || length_of_number(&text) != text.len() {
                return Err(Fault { reason: "a text that is not a number", at });
            }
            text
        }
        _ => Cow::Borrowed(tokens.number()?),
    };
    let bits = match kind {
        Kind::Double => double(&text).map(f64::to_bits),
        Kind::Uint64 | Kind::Fixed64 => integer(&text).and_then(|value| u64::try_from(value).ok()),
        Kind::Uint32 | Kind::Fixed32 => {
            integer(&text).and_then(|value| u32::try_from(value).ok()).map(u64::from)
        }
        Kind::Int64 | Kind::Sfixed64 => {
            integer(&text).and_then(|value| i64::try_from(value).ok()).map(|value| value as u64)
        }
        Kind::Sint32 => integer(&text)
            .and_then(|value| i32::try_from(value).ok())
            .map(|value| u64::from((value << 1 ^ value >> 31) as u32)),
        _ => integer(&text).and_then(|value| i32::try_from(value).ok()).map(|value| i64::from(value) as u64),
    };
    bits.ok_or(Fault { reason: "a number that its field cannot hold", at })
}

/// O-084
fn word(text: &[u8]) -> Option<f64> {
    match text {
        b"NaN" => Some(f64::NAN),
        b"Infinity" => Some(f64::INFINITY),
        b"-Infinity" => Some(f64::NEG_INFINITY),
        _ => None,
    }
}

fn double(text: &[u8]) -> Option<f64> {
    std::str::from_utf8(text).ok()?.parse().ok().filter(|value: &f64| value.is_finite())
}

/// The value of a number that is whole, whatever it looks like: `15`, `15.0`, `1.5e1`.
fn integer(text: &[u8]) -> Option<i128> {
    let (is_negative, digits) = match text.strip_prefix(b"-") {
        Some(digits) => (true, digits),
        None => (false, text),
    };
    // So many digits are never too many for 64 bits.
    let magnitude = if digits.len() < 20 && digits.iter().all(u8::is_ascii_digit) {
        digits.iter().fold(0u64, |value, digit| value * 10 + u64::from(digit - b'0')).into()
    } else {
        scaled(digits)?
    };
    Some(if is_negative { -magnitude } else { magnitude })
}

/// More digits behind a value; `None` beyond what 64 bits hold.
fn fold<'a>(digits: impl IntoIterator<Item = &'a u8>, from: i128) -> Option<i128> {
    digits.into_iter().try_fold(from, |value, digit| {
        let value = value * 10 + i128::from(digit - b'0');
        (value <= i128::from(u64::MAX)).then_some(value)
    })
}

fn scaled(text: &[u8]) -> Option<i128> {
    let (number, exponent) = match text.iter().position(|byte| matches!(byte, b'e' | b'E')) {
        Some(at) => (&text[..at], std::str::from_utf8(&text[at + 1..]).ok()?),
        None => (text, "0"),
    };
    let (whole, fraction) = match number.iter().position(|byte| *byte == b'.') {
        Some(at) => (&number[..at], &number[at + 1..]),
        None => (number, &[][..]),
    };
    let digits = || whole.iter().chain(fraction);
    if digits().all(|digit| *digit == b'0') {
        return Some(0);
    }
    // How many of the digits stand before the point.
    let point = exponent.parse::<i64>().ok()?.checked_add(i64::try_from(whole.len()).ok()?)?;
    let point = usize::try_from(point).ok()?;
    if digits().skip(point).any(|digit| *digit != b'0') {
        return None;
    }
    let value = fold(digits().take(point), 0)?;
    let zeros = point.saturating_sub(whole.len() + fraction.len());
    if zeros > 20 { None } else { fold(&[b'0'; 20][..zeros], value) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_numbers_are_read_to_the_last_digit_in_any_notation() {
        for (text, value) in [
            ("0", 0),
            ("-0", 0),
            ("0e999999999999", 0),
            ("18446744073709551615", u64::MAX.into()),
            ("-9223372036854775808", i64::MIN.into()),
            ("1.5e18", 1_500_000_000_000_000_000),
            ("1e0", 1),
            ("15.000", 15),
            ("1500e-2", 15),
            ("1.8446744073709551615E+19", u64::MAX.into()),
            ("0.00000000000000000001e20", 1),
        ] {
            assert_eq!(integer(text.as_bytes()), Some(value), "{text}");
        }
        for text in
            ["0.5", "1e-1", "1e20", "18446744073709551616", "1e99999999999999999999", "1e9999999", "15.01"]
        {
            assert_eq!(integer(text.as_bytes()), None, "{text}");
        }
    }
}
