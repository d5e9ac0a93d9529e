//! Points in time, as lines have them.

use std::{
    io::Write,
    time::{Duration, SystemTime},
};

/// RFC 3339 has four digits for the year.
const LATEST: Duration = Duration::from_secs(253_402_300_799);

/// RFC 3339 in UTC with microseconds. Remembers the second: there are many lines in one.
#[derive(Default)]
pub(crate) struct Clock {
    second: u64,
    /// Up to the point before the microseconds; empty at first.
    text: Vec<u8>,
}

impl Clock {
    pub(crate) fn write(&mut self, bytes: &mut Vec<u8>, time: SystemTime) {
        // A clock that is far off must not cost the line.
        let time = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().min(LATEST);
        if self.text.is_empty() || self.second != time.as_secs() {
            self.second = time.as_secs();
            self.text.clear();
            let second = SystemTime::UNIX_EPOCH + Duration::from_secs(self.second);
            // Writing to memory does not fail.
            let _ = write!(self.text, "{}", humantime::format_rfc3339_seconds(second));
            self.text.pop();
            self.text.push(b'.');
        }
        bytes.extend_from_slice(&self.text);
        // The leading 1 keeps the zeros behind it.
        let mut digits = itoa::Buffer::new();
        let micros = digits.format(1_000_000 + time.subsec_micros());
        bytes.extend_from_slice(&micros.as_bytes()[1..]);
        bytes.push(b'Z');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_rfc_3339_in_utc_with_microseconds_whatever_came_before() {
        let mut clock = Clock::default();
        for (nanoseconds, expected) in [
            (0, "1970-01-01T00:00:00.000000Z"),
            (999, "1970-01-01T00:00:00.000000Z"),
            (1_795_293_870_123_456_789, "2026-11-21T20:44:30.123456Z"),
            (1_795_293_870_000_001_000, "2026-11-21T20:44:30.000001Z"),
            (1_795_293_871_999_999_999, "2026-11-21T20:44:31.999999Z"),
            (1_709_164_799_100_000_000, "2024-02-28T23:59:59.100000Z"),
            (1_709_164_800_000_000_000, "2024-02-29T00:00:00.000000Z"),
        ] {
            let mut bytes = Vec::new();
            clock.write(&mut bytes, SystemTime::UNIX_EPOCH + Duration::from_nanos(nanoseconds));
            assert_eq!(String::from_utf8(bytes).unwrap(), expected);
        }
    }

    #[test]
    fn a_clock_far_off_stays_in_what_can_be_written() {
        let mut bytes = Vec::new();
        let mut clock = Clock::default();
        clock.write(&mut bytes, SystemTime::UNIX_EPOCH - Duration::from_secs(1));
        clock.write(&mut bytes, SystemTime::UNIX_EPOCH + 2 * LATEST);
        assert_eq!(
            String::from_utf8(bytes).unwrap(),
            "1970-01-01T00:00:00.000000Z9999-12-31T23:59:59.000000Z"
        );
    }
}
