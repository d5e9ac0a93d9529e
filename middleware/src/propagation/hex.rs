//! Lower-case hexadecimal digits, as ids are written with.

use opentelemetry::{SpanId, TraceId};

/// Stands in [`VALUES`] for what is no digit.
const NONE: u8 = 0xff;

const DIGITS: &[u8; 16] = b"0123456789abcdef";

/// The value of each byte that is a digit.
const VALUES: [u8; 256] = {
    let mut values = [NONE; 256];
    let mut value = 0;
    while value < DIGITS.len() {
        values[DIGITS[value] as usize] = value as u8;
        value += 1;
    }
    values
};

/// Reads up to 16 digits.
pub(super) fn read(digits: &[u8]) -> Option<u64> {
    let (mut number, mut seen) = (0_u64, 0);
    // No early return: most of what arrives is valid.
    for digit in digits {
        let value = VALUES[usize::from(*digit)];
        number = number << 4 | u64::from(value & 0x0f);
        seen |= value;
    }
    (seen < 0x10).then_some(number)
}

/// Reads up to 32 digits.
pub(super) fn read_wide(digits: &[u8]) -> Option<u128> {
    let (high, low) = digits.split_at(digits.len().saturating_sub(16));
    Some(u128::from(read(high)?) << 64 | u128::from(read(low)?))
}

/// Reads a trace id and a span id that are not zero.
pub(super) fn read_ids(trace_id: &[u8], span_id: &[u8]) -> Option<(TraceId, SpanId)> {
    let ids = (TraceId::from(read_wide(trace_id)?), SpanId::from(read(span_id)?));
    (ids.0 != TraceId::INVALID && ids.1 != SpanId::INVALID).then_some(ids)
}

/// Writes two digits for each byte.
pub(super) fn write(bytes: &[u8], digits: &mut [u8]) {
    for (byte, pair) in bytes.iter().zip(digits.chunks_exact_mut(2)) {
        pair[0] = DIGITS[usize::from(byte >> 4)];
        pair[1] = DIGITS[usize::from(byte & 0x0f)];
    }
}

/// Makes text of a template that was filled in.
pub(super) fn text(filled: &[u8]) -> String {
    // All of it is ASCII.
    std::str::from_utf8(filled).unwrap_or_default().to_owned()
}
