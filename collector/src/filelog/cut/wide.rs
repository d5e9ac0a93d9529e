//! Lines in UTF-16, of which every unit has two bytes.

use std::ops::Range;

/// Which byte of a unit comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::filelog) enum Order {
    Little,
    Big,
}

/// What no text has, and some have at their beginning: it tells the order.
const MARK: char = '\u{feff}';

impl Order {
    fn unit(self, bytes: &[u8]) -> u16 {
        match (self, bytes) {
            (Order::Little, [low, high]) | (Order::Big, [high, low]) => u16::from_be_bytes([*high, *low]),
            _ => 0,
        }
    }

    fn units(self, data: &[u8]) -> impl DoubleEndedIterator<Item = u16> + ExactSizeIterator {
        data.chunks_exact(2).map(move |bytes| self.unit(bytes))
    }

    /// What the bytes say; what is none becomes `U+FFFD`, and a mark at the beginning nothing.
    pub(in crate::filelog) fn text(self, data: &[u8]) -> String {
        let letters =
            char::decode_utf16(self.units(data)).map(|letter| letter.unwrap_or(char::REPLACEMENT_CHARACTER));
        let mut text: String = letters.collect();
        if text.starts_with(MARK) {
            text.remove(0);
        }
        text
    }

    /// How many bytes at the beginning were never written.
    pub(super) fn hole(self, data: &[u8]) -> usize {
        2 * self.units(data).take_while(|unit| *unit == 0).count()
    }

    /// The first line, and where the next one begins.
    pub(super) fn line(self, data: &[u8]) -> Option<(Range<usize>, usize)> {
        let at = 2 * self.units(data).position(|unit| unit == u16::from(b'\n'))?;
        Some((0..at, at + 2))
    }

    /// All whole units; half a one is still written.
    pub(super) fn rest(data: &[u8]) -> Option<(Range<usize>, usize)> {
        let end = data.len() & !1;
        (end > 0).then_some((0..end, end))
    }

    /// As many bytes as a line may have, and no half of a letter; at least one unit.
    pub(super) fn divided(self, data: &[u8], max: usize) -> (Range<usize>, usize) {
        let end = (max.min(data.len()) & !1).max(2);
        let is_half = (0xd800..0xdc00).contains(&self.unit(&data[end - 2..end]));
        let end = if is_half && end > 2 { end - 2 } else { end };
        (0..end, end)
    }

    /// Without what ends a line, and without white space where it does not stay.
    pub(super) fn trimmed(self, text: &[u8], keeps_leading: bool, keeps_trailing: bool) -> &[u8] {
        let is_white = |unit: &u16| [b'\r', b'\n', b'\t', b' '].map(u16::from).contains(unit);
        let is_return = |unit: &u16| *unit == u16::from(b'\r');
        let behind = match keeps_trailing {
            true => self.units(text).rev().take(1).filter(is_return).count(),
            false => self.units(text).rev().take_while(is_white).count(),
        };
        let text = &text[..text.len() - 2 * behind];
        let before = self.units(text).take_while(|unit| !keeps_leading && is_white(unit)).count();
        &text[2 * before..]
    }
}
