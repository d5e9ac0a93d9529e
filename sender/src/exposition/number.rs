//! Numbers as both formats have them.

use std::io::Write;

/// Writes a whole number.
pub(super) fn whole(out: &mut Vec<u8>, number: u64) {
    let (mut digits, mut rest, mut from) = ([b'0'; 20], number, 20);
    while from > 0 {
        from -= 1;
        if let Some(digit) = digits.get_mut(from) {
            *digit = b'0' + (rest % 10) as u8;
        }
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    out.extend_from_slice(digits.get(from..).unwrap_or_default());
}

/// Writes a whole number with its sign.
pub(super) fn signed(out: &mut Vec<u8>, number: i64) {
    if number < 0 {
        out.push(b'-');
    }
    whole(out, number.unsigned_abs());
}

/// Writes the value of a sample: the shortest digits that are read back as the same number.
pub(super) fn double(out: &mut Vec<u8>, number: f64) {
    /// Below it all whole numbers are exact, and few enough digits.
    const MOST_WHOLE: f64 = 1e15;
    if number.abs() < MOST_WHOLE && number as i64 as f64 == number && !is_negative_zero(number) {
        return signed(out, number as i64);
    }
    special(out, number, |out| push(out, format_args!("{number:?}")));
}

/// Writes a bound as text has it, and Prometheus names what is pushed: `1`, `0.005`, never an exponent.
pub(super) fn plain(out: &mut Vec<u8>, number: f64) {
    special(out, number, |out| push(out, format_args!("{number}")));
}

/// Writes a bound as OpenMetrics has it: `1.0`, `0.005`, `1e-9`.
pub(super) fn canonical(out: &mut Vec<u8>, number: f64) {
    special(out, number, |out| push(out, format_args!("{number:?}")));
}

/// Writes seconds from nanoseconds, to the millisecond, which is what Prometheus keeps.
pub(super) fn seconds(out: &mut Vec<u8>, nanoseconds: u64) {
    whole(out, nanoseconds / 1_000_000_000);
    push(out, format_args!(".{:03}", nanoseconds / 1_000_000 % 1_000));
}

fn special(out: &mut Vec<u8>, number: f64, otherwise: impl FnOnce(&mut Vec<u8>)) {
    match number {
        number if number.is_nan() => out.extend_from_slice(b"NaN"),
        f64::INFINITY => out.extend_from_slice(b"+Inf"),
        f64::NEG_INFINITY => out.extend_from_slice(b"-Inf"),
        _ => otherwise(out),
    }
}

fn is_negative_zero(number: f64) -> bool {
    number == 0.0 && number.is_sign_negative()
}

fn push(out: &mut Vec<u8>, text: std::fmt::Arguments<'_>) {
    // Writing to a vector cannot fail.
    let _ = out.write_fmt(text);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written<T>(write: impl Fn(&mut Vec<u8>, T), number: T) -> String {
        let mut out = Vec::new();
        write(&mut out, number);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn numbers_are_short_and_exact() {
        for (number, expected) in [(0, "0"), (10, "10"), (u64::MAX, "18446744073709551615")] {
            assert_eq!(written(whole, number), expected);
        }
        assert_eq!(written(signed, i64::MIN), "-9223372036854775808");
        for (number, value, text, open) in [
            (1.0, "1", "1", "1.0"),
            (0.005, "0.005", "0.005", "0.005"),
            (-2.5, "-2.5", "-2.5", "-2.5"),
            (-0.0, "-0.0", "-0", "-0.0"),
            (1e-9, "1e-9", "0.000000001", "1e-9"),
            (1e15, "1000000000000000.0", "1000000000000000", "1000000000000000.0"),
            (f64::NAN, "NaN", "NaN", "NaN"),
            (f64::INFINITY, "+Inf", "+Inf", "+Inf"),
            (f64::NEG_INFINITY, "-Inf", "-Inf", "-Inf"),
        ] {
            let all = (written(double, number), written(plain, number), written(canonical, number));
            assert_eq!(all, (value.to_owned(), text.to_owned(), open.to_owned()));
        }
        assert_eq!(written(seconds, 1_795_287_280_103_999_999), "1795287280.103");
    }
}
