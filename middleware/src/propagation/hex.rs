//! Lower-case hexadecimal digits, as ids are written with.

use opentelemetry::{SpanId, TraceId};

const DIGITS: &[u8; 16] = b"0123456789abcdef";

/// Reads up to 16 digits.
pub(super) fn read(digits: &[u8]) -> Option<u64> {
    digits.iter().try_fold(0, |number, digit| {
        let value = match digit {
            b'0'..=b'9' => digit - b'0',
            b'a'..=b'f' => digit - b'a' + 10,
            _ => return None,
        };
        Some(number << 4 | u64::from(value))
    })
}

/// Reads a trace id and a span id that are not zero.
pub(super) fn read_ids(trace_id: &[u8], span_id: &[u8]) -> Option<(TraceId, SpanId)> {
    let (high, low) = trace_id.split_at_checked(trace_id.len().saturating_sub(16))?;
    let high = if high.is_empty() { 0 } else { read_sixteen(high.try_into().ok()?)? };
    let low = read_sixteen(low.try_into().ok()?)?;
    let span_id = read_sixteen(span_id.try_into().ok()?)?;
    let is_valid = (high | low) != 0 && span_id != 0;
    is_valid.then(|| (TraceId::from(u128::from(high) << 64 | u128::from(low)), SpanId::from(span_id)))
}

/// Reads sixteen digits: ids are read on every request, so eight are read at once.
fn read_sixteen(digits: &[u8; 16]) -> Option<u64> {
    let digits = u128::from_be_bytes(*digits);
    let (high, low) = (read_eight((digits >> 64) as u64), read_eight(digits as u64));
    (high.1 | low.1 == 0).then_some(high.0 << 32 | low.0)
}

/// Reads eight digits, each in a byte of one number, and what is not zero if one of them is none.
fn read_eight(digits: u64) -> (u64, u64) {
    const EACH: u64 = 0x0101_0101_0101_0101;
    // Letters, unlike digits, have this bit; they count from 1 where they should from 10.
    let letters = (digits >> 6) & EACH;
    let values = (digits & (EACH * 0x0f)) + letters * 9;
    let above_nine = ((values + EACH * 6) >> 4) & EACH;
    let written_again = values + EACH * u64::from(b'0') + above_nine * u64::from(b'a' - b'0' - 10);
    let fault = (written_again ^ digits) | (values & (EACH * 0xf0));
    let pairs = (values | values >> 4) & 0x00ff_00ff_00ff_00ff;
    let fours = (pairs | pairs >> 8) & 0x0000_ffff_0000_ffff;
    ((fours | fours >> 16) & 0xffff_ffff, fault)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_at_every_place_is_a_digit_or_refused() {
        for place in 0..32 {
            for byte in 0..=255 {
                let mut digits = *b"0123456789abcdef07f8e9d6c5b4a321";
                digits[place] = byte;
                let is_digit = byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
                let text = std::str::from_utf8(&digits).ok().filter(|_| is_digit);
                let wide = text.map(|text| u128::from_str_radix(text, 16).unwrap());
                let ids = |text: &str, from| u64::from_str_radix(&text[from..], 16).unwrap();
                let expected = wide.map(|wide| (TraceId::from(wide), SpanId::from(ids(text.unwrap(), 16))));
                assert_eq!(read_ids(&digits, &digits[16..]), expected, "{byte} at {place}");
                let tail = text.map(|text| ids(text, 20)).filter(|_| place >= 20);
                if place >= 20 {
                    assert_eq!(read(&digits[20..]), tail, "{byte} at {place}");
                }
            }
        }
        assert_eq!((read(b""), read(b"f"), read(b"0f")), (Some(0), Some(15), Some(15)));
    }

    #[test]
    fn ids_have_their_lengths_and_are_not_zero() {
        let id = b"00000000000000000000000000000001";
        assert!(read_ids(id, &id[16..]).is_some());
        assert!(read_ids(&id[16..], &id[16..]).is_some());
        for (trace_id, span_id) in [
            (&id[1..], &id[16..]),
            (&id[17..], &id[16..]),
            (&id[..], &id[17..]),
            (&id[..], &id[15..]),
            (&[b'0'; 32][..], &id[16..]),
            (&id[..], &[b'0'; 16][..]),
            (&[][..], &[][..]),
        ] {
            assert_eq!(read_ids(trace_id, span_id), None);
        }
    }

    #[test]
    fn what_is_written_is_read() {
        let mut digits = [0; 16];
        write(&0x0123_4567_89ab_cdef_u64.to_be_bytes(), &mut digits);
        assert_eq!((&digits, read(&digits)), (b"0123456789abcdef", Some(0x0123_4567_89ab_cdef)));
    }
}
