//! Lower-case hexadecimal digits, as ids are written with.

use opentelemetry::{SpanId, TraceId};

const DIGITS: &[u8; 16] = b"0123456789abcdef";

/// Reads up to 16 digits.
pub(super) fn read(digits: &[u8]) -> Option<u64> {
    let (eights, rest) = digits.as_chunks::<8>();
    let number = eights.iter().try_fold(0, |number: u64, eight| Some(number << 32 | read_eight(*eight)?))?;
    rest.iter().try_fold(number, |number, digit| {
        let value = match digit {
            b'0'..=b'9' => digit - b'0',
            b'a'..=b'f' => digit - b'a' + 10,
            _ => return None,
        };
        Some(number << 4 | u64::from(value))
    })
}

/// Reads eight digits at once, each in a byte of one number: ids are read on every request.
fn read_eight(digits: [u8; 8]) -> Option<u64> {
    const EACH: u64 = 0x0101_0101_0101_0101;
    let digits = u64::from_be_bytes(digits);
    // Letters, unlike digits, have this bit; they count from 1 where they should from 10.
    let letters = (digits >> 6) & EACH;
    let values = (digits & (EACH * 0x0f)) + letters * 9;
    let above_nine = ((values + EACH * 6) >> 4) & EACH;
    let written_again = values + EACH * u64::from(b'0') + above_nine * u64::from(b'a' - b'0' - 10);
    if written_again != digits || values & (EACH * 0xf0) != 0 {
        return None;
    }
    let pairs = (values | values >> 4) & 0x00ff_00ff_00ff_00ff;
    let fours = (pairs | pairs >> 8) & 0x0000_ffff_0000_ffff;
    Some((fours | fours >> 16) & 0xffff_ffff)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_at_every_place_is_a_digit_or_refused() {
        for place in 0..18 {
            for byte in 0..=255 {
                let mut digits = *b"0123456789abcdef07";
                digits[place] = byte;
                let is_digit = byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
                let text = std::str::from_utf8(&digits).ok().filter(|_| is_digit);
                let expected = text.map(|text| u128::from_str_radix(text, 16).unwrap());
                assert_eq!(read_wide(&digits), expected, "{byte} at {place}");
            }
        }
        assert_eq!((read(b""), read(b"f"), read(b"0f")), (Some(0), Some(15), Some(15)));
    }

    #[test]
    fn what_is_written_is_read() {
        let mut digits = [0; 16];
        write(&0x0123_4567_89ab_cdef_u64.to_be_bytes(), &mut digits);
        assert_eq!((&digits, read(&digits)), (b"0123456789abcdef", Some(0x0123_4567_89ab_cdef)));
    }
}
