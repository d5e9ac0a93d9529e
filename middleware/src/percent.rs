//! Percent-coding (RFC 3986 §2.1), as far as it is read.

/// Returns the bytes of a text with `%41` as `A`; a percent sign without two digits stays as it is.
pub(crate) fn decoded(text: &str) -> impl Iterator<Item = u8> {
    let mut rest = text.as_bytes();
    std::iter::from_fn(move || {
        let (first, after) = rest.split_first()?;
        let coded = after.first_chunk().filter(|_| *first == b'%').and_then(octet);
        rest = if coded.is_some() { &after[2..] } else { after };
        Some(coded.unwrap_or(*first))
    })
}

/// Reads two hexadecimal digits of either case.
fn octet(digits: &[u8; 2]) -> Option<u8> {
    let digit = |digit: u8| char::from(digit).to_digit(16);
    u8::try_from(digit(digits[0])? << 4 | digit(digits[1])?).ok()
}
