//! How times, durations and texts are written.

use std::fmt::Write;

/// Three significant digits and a unit: `840 ns`, `12.3 µs`, `128 ms`, `4.20 s`, `2 m 05 s`.
pub(crate) fn duration(nanos: u64) -> String {
    if nanos < 1000 {
        return format!("{nanos} ns");
    }
    if nanos >= 60_000_000_000 {
        let seconds = nanos / 1_000_000_000;
        return match seconds / 3600 {
            0 => format!("{} m {:02} s", seconds / 60, seconds % 60),
            hours => format!("{hours} h {:02} m", seconds / 60 % 60),
        };
    }
    let (value, unit) = match nanos {
        // The borders lie where three digits would round up to the next unit.
        0..999_500 => (nanos as f64 / 1e3, "µs"),
        999_500..999_500_000 => (nanos as f64 / 1e6, "ms"),
        _ => (nanos as f64 / 1e9, "s"),
    };
    let decimals = if value < 9.995 { 2 } else { usize::from(value < 99.95) };
    format!("{value:.decimals$} {unit}")
}

/// The time of the day in UTC, to the millisecond: `20:52:45.123`.
pub(crate) fn clock(nanos: u64) -> String {
    let millis = nanos / 1_000_000;
    let seconds = millis / 1000;
    format!("{:02}:{:02}:{:02}.{:03}", seconds / 3600 % 24, seconds / 60 % 60, seconds % 60, millis % 1000)
}

/// The day in UTC: `2026-11-21`.
pub(crate) fn day(nanos: u64) -> String {
    // Years begin in March here, so that the leap day is the last one; 400 years are 146,097 days.
    let days = nanos / 86_400_000_000_000 + 719_468;
    let (era, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let (month, next) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    format!("{:04}-{month:02}-{day:02}", era * 400 + year + next)
}

/// The text without control characters, which could change the terminal, and without a second line.
pub(crate) fn printable(text: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\n' => clean.push_str("\\n"),
            '\r' => clean.push_str("\\r"),
            '\t' => clean.push_str("\\t"),
            // Also the marks that end a line or turn the direction of writing around.
            _ if character.is_control()
                || matches!(
                    character,
                    '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}' | '\u{61c}'
                ) =>
            {
                let _ = write!(clean, "\\u{{{:x}}}", u32::from(character));
            }
            _ => clean.push(character),
        }
    }
    clean
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_three_digits_and_the_unit_that_fits() {
        let written = [0, 999, 1000, 12_340, 999_499, 999_500, 128_000_000, 4_200_000_000, 59_999_000_000]
            .map(duration);
        assert_eq!(
            written,
            ["0 ns", "999 ns", "1.00 µs", "12.3 µs", "999 µs", "1.00 ms", "128 ms", "4.20 s", "60.0 s"]
        );
        assert_eq!(duration(125_000_000_000), "2 m 05 s");
        assert_eq!(duration(7_260_000_000_000), "2 h 01 m");
    }

    #[test]
    fn days_and_times_are_those_of_the_calendar() {
        let seconds = |seconds: u64| seconds * 1_000_000_000;
        assert_eq!(day(0), "1970-01-01");
        assert_eq!(day(seconds(951_782_400)), "2000-02-29");
        assert_eq!(day(seconds(951_868_800)), "2000-03-01");
        assert_eq!(day(seconds(1_795_292_765)), "2026-11-21");
        assert_eq!(day(seconds(4_107_542_400)), "2100-03-01");
        assert_eq!(clock(1_795_294_365_123_456_789), "20:52:45.123");
        assert_eq!(day(u64::MAX), "2554-07-21");
    }

    #[test]
    fn control_characters_are_written_out() {
        assert_eq!(printable("a\u{1b}[31mb\nc\u{202e}d\u{7f}é"), "a\\u{1b}[31mb\\nc\\u{202e}d\\u{7f}é");
        assert_eq!(printable("\u{200e}\u{200f}\u{61c}\u{2067}"), "\\u{200e}\\u{200f}\\u{61c}\\u{2067}");
    }
}
