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

/// Reads a trace id, of 32 digits or 16, and a span id, both not zero.
pub(super) fn read_ids(trace_id: &[u8], span_id: &[u8]) -> Option<(TraceId, SpanId)> {
    let mut long = [b'0'; 32];
    match <&[u8; 32]>::try_from(trace_id) {
        Ok(trace_id) => long = *trace_id,
        Err(_) => long[16..].copy_from_slice(<&[u8; 16]>::try_from(trace_id).ok()?),
    }
    let (trace_id, span_id, _) = read_parent(&long, span_id.try_into().ok()?, b"0000")?;
    Some((trace_id, span_id))
}

/// Reads a trace id and a span id, both not zero, and two bytes more.
#[inline]
pub(super) fn read_parent(
    trace_id: &[u8; 32],
    span_id: &[u8; 16],
    more: &[u8; 4],
) -> Option<(TraceId, SpanId, [u8; 2])> {
    let mut digits = [b'0'; 64];
    digits[..32].copy_from_slice(trace_id);
    digits[32..48].copy_from_slice(span_id);
    digits[48..52].copy_from_slice(more);
    let bytes = read_pairs(digits)?;
    let trace_id = u128::from_be_bytes(*bytes.first_chunk()?);
    let span_id = u64::from_be_bytes(*bytes[16..].first_chunk()?);
    (trace_id != 0 && span_id != 0).then(|| (trace_id.into(), span_id.into(), [bytes[24], bytes[25]]))
}

/// Reads a byte of each two digits. Ids are read on every request: without branches, sixteen digits are read at once;
/// inlined, bytes that are looked at one by one would be read so.
#[inline(never)]
fn read_pairs(mut digits: [u8; 64]) -> Option<[u8; 32]> {
    let mut fault = 0;
    for digit in &mut digits {
        let (number, letter) = (digit.wrapping_sub(b'0'), digit.wrapping_sub(b'a'));
        // What is below its range has wrapped: it is too large as well.
        fault |= number.saturating_sub(9).min(letter.saturating_sub(5));
        *digit = number.min(letter.wrapping_add(10));
    }
    let mut bytes = [0; 32];
    for (byte, [high, low]) in bytes.iter_mut().zip(digits.as_chunks().0) {
        *byte = high << 4 | low;
    }
    (fault == 0).then_some(bytes)
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
