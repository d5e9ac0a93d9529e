//! Text from anywhere, made harmless in a line.
//!
//! What breaks a line, moves the cursor or turns the direction of the text around it becomes `\n`, `\r`, `\t` or
//! `\u` with four hexadecimal digits, which JSON, logfmt and people read alike.

use std::fmt;

/// Where the text stands.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// In the open, where quotes and backslashes are themselves.
    Open,
    /// In double quotes.
    Quoted,
}

/// Writes what cannot be misread.
pub(super) struct Escaped<'a> {
    pub(super) bytes: &'a mut Vec<u8>,
    pub(super) place: Place,
}

impl fmt::Write for Escaped<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        escape(self.bytes, text, self.place);
        Ok(())
    }
}

/// The text in double quotes.
pub(super) fn quoted(bytes: &mut Vec<u8>, text: &str) {
    bytes.push(b'"');
    escape(bytes, text, Place::Quoted);
    bytes.push(b'"');
}

pub(crate) fn escape(bytes: &mut Vec<u8>, text: &str, place: Place) {
    let ordinary = match place {
        Place::Open => OPEN,
        Place::Quoted => QUOTED,
    };
    let mut rest = text;
    while let Some(at) = rest.bytes().position(|byte| CLASSES[usize::from(byte)] > ordinary) {
        // Before a byte of these classes a character always ends.
        let (clean, tail) = rest.split_at(at);
        bytes.extend_from_slice(clean.as_bytes());
        let Some(character) = tail.chars().next() else { break };
        let (itself, after) = tail.split_at(character.len_utf8());
        match character {
            '\n' => bytes.extend_from_slice(b"\\n"),
            '\r' => bytes.extend_from_slice(b"\\r"),
            '\t' => bytes.extend_from_slice(b"\\t"),
            '"' | '\\' => bytes.extend_from_slice(&[b'\\', itself.as_bytes()[0]]),
            _ if is_unsafe(character) => unicode(bytes, character),
            _ => bytes.extend_from_slice(itself.as_bytes()),
        }
        rest = after;
    }
    bytes.extend_from_slice(rest.as_bytes());
}

/// Breaks a line, moves the cursor, or turns the direction of the text around it.
fn is_unsafe(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

fn unicode(bytes: &mut Vec<u8>, character: char) {
    // All that are unsafe have at most four digits.
    let [_, _, high, low] = u32::from(character).to_be_bytes();
    bytes.extend_from_slice(b"\\u");
    hexadecimal(bytes, [high, low]);
}

/// Two lower-case digits for each byte.
pub(super) fn hexadecimal<const BYTES: usize>(bytes: &mut Vec<u8>, value: [u8; BYTES]) {
    let digits = value.map(|byte| [DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]);
    bytes.extend_from_slice(digits.as_flattened());
}

const DIGITS: &[u8; 16] = b"0123456789abcdef";

const QUOTED: u8 = 0;
const OPEN: u8 = 1;

/// 0: ordinary; 1: special between quotes; 2: a control character, or the first byte of a character that may be
/// unsafe.
const CLASSES: [u8; 256] = {
    let mut classes = [0; 256];
    let mut byte = 0;
    while byte < 0x20 {
        classes[byte] = 2;
        byte += 1;
    }
    (classes[b'"' as usize], classes[b'\\' as usize], classes[0x7f]) = (1, 1, 2);
    // U+0080…, U+061C, U+2000…
    (classes[0xc2], classes[0xd8], classes[0xe2]) = (2, 2, 2);
    classes
};

#[cfg(test)]
mod tests {
    use super::*;

    fn escaped(text: &str, place: Place) -> String {
        let mut bytes = Vec::new();
        escape(&mut bytes, text, place);
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn every_character_is_itself_or_its_escape() {
        for character in (0..=0x10ffff).filter_map(char::from_u32) {
            let text = format!("a{character}b");
            let unsafe_one = character.is_control()
                || [0x61c, 0x200e, 0x200f].contains(&u32::from(character))
                || (0x2028..=0x202e).contains(&u32::from(character))
                || (0x2066..=0x2069).contains(&u32::from(character));
            let expected = match character {
                '\n' => "a\\nb".into(),
                '\r' => "a\\rb".into(),
                '\t' => "a\\tb".into(),
                _ if unsafe_one => format!("a\\u{:04x}b", u32::from(character)),
                _ => text.clone(),
            };
            assert_eq!(escaped(&text, Place::Open), expected, "U+{:04X}", u32::from(character));
            let quoted = match character {
                '"' | '\\' => format!("a\\{character}b"),
                _ => expected,
            };
            assert_eq!(escaped(&text, Place::Quoted), quoted, "U+{:04X}", u32::from(character));
        }
    }
}
