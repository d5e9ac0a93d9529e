//! Walks over protobuf without decoding it: no allocation, no recursion, offsets instead of copies.
//!
//! A walk sees the fields of one message in the order in which they were written. A length-delimited field is
//! a [`Slice`]: where its length stands and where its content begins and ends, counted from the start of the
//! whole request. Storing one number, the place of the length, is enough to find the message again.
//!
//! ```
//! use throughline_sender::wire::{Fields, Value};
//!
//! let body = [0x12, 0x02, b'h', b'i']; // field 2: "hi"
//! let field = Fields::of(&body).next().unwrap()?;
//! let Value::Slice(slice) = field.value else { panic!() };
//! assert_eq!((field.number, slice.of(&body)), (2, &b"hi"[..]));
//! # Ok::<(), throughline_sender::wire::Fault>(())
//! ```

use std::fmt;

/// How deep deprecated groups may nest inside an unknown field.
const MAX_GROUPS: usize = 32;

/// The bytes are not what they should be: protobuf, or [JSON](crate::json).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault {
    /// What is wrong, in English.
    pub reason: &'static str,
    /// The offset at which it was noticed.
    pub at: usize,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, at byte {}", self.reason, self.at)
    }
}

impl std::error::Error for Fault {}

/// Where a length-delimited field is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slice {
    /// The offset of the length.
    pub prefix: usize,
    /// The offset of the content.
    pub start: usize,
    /// The offset behind the content.
    pub end: usize,
}

impl Slice {
    /// The slice whose length stands at the offset.
    pub fn at(body: &[u8], prefix: usize) -> Result<Slice, Fault> {
        let mut at = prefix;
        let length = varint(body, &mut at, body.len())?;
        let end = usize::try_from(length).ok().and_then(|length| at.checked_add(length));
        match end {
            Some(end) if end <= body.len() => Ok(Slice { prefix, start: at, end }),
            _ => Err(Fault { reason: "a length goes past the end", at: prefix }),
        }
    }

    /// The content.
    #[inline]
    pub fn of(self, body: &[u8]) -> &[u8] {
        body.get(self.start..self.end).unwrap_or_default()
    }
}

/// The content of one field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Value {
    /// Integers, booleans, enumerations.
    Varint(u64),
    /// Eight bytes.
    Fixed64(u64),
    /// Four bytes.
    Fixed32(u32),
    /// Text, bytes, a message, packed numbers.
    Slice(Slice),
    /// A group, skipped whole.
    Group,
}

/// One field of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field {
    /// From 1 on.
    pub number: u32,
    /// The content.
    pub value: Value,
}

impl Field {
    /// The content of a length-delimited field of this number.
    pub(crate) fn within(self, number: u32) -> Option<Slice> {
        match self.value {
            Value::Slice(slice) if self.number == number => Some(slice),
            _ => None,
        }
    }
}

/// The fields of one message. After a fault there are no more.
#[derive(Debug)]
pub struct Fields<'a> {
    body: &'a [u8],
    at: usize,
    end: usize,
}

impl<'a> Fields<'a> {
    /// Of a whole request.
    pub fn of(body: &'a [u8]) -> Self {
        Fields { body, at: 0, end: body.len() }
    }

    /// Of a message inside the request.
    pub fn within(body: &'a [u8], slice: Slice) -> Self {
        Fields { body, at: slice.start, end: slice.end.min(body.len()) }
    }

    /// The offset behind the last field.
    pub fn offset(&self) -> usize {
        self.at
    }

    /// What has a key of one byte and a length, or a small number, of another; or eight bytes: so are nearly all fields.
    /// `None`: any other.
    #[inline(always)]
    fn short(&mut self) -> Option<Field> {
        let rest = self.body.get(self.at..self.end)?;
        let [key, second] = *rest.first_chunk()?;
        if !(8..0x80).contains(&key) {
            return None;
        }
        let (length, value) = match key & 7 {
            2 if second < 0x80 => {
                let (prefix, start) = (self.at + 1, self.at + 2);
                let end = start + usize::from(second);
                (end - self.at, Value::Slice(Slice { prefix, start, end }))
            }
            0 if second < 0x80 => (2, Value::Varint(u64::from(second))),
            1 => (9, Value::Fixed64(u64::from_le_bytes(*rest.get(1..)?.first_chunk()?))),
            _ => return None,
        };
        if length > rest.len() {
            return None;
        }
        self.at += length;
        Some(Field { number: u32::from(key >> 3), value })
    }

    #[inline(never)]
    fn field(&mut self) -> Result<Field, Fault> {
        let from = self.at;
        let (number, kind) = self.key()?;
        let value = match kind {
            3 => self.group(number)?,
            4 => return Err(Fault { reason: "a group ends that never began", at: from }),
            _ => self.value(kind)?,
        };
        Ok(Field { number, value })
    }

    #[inline]
    fn key(&mut self) -> Result<(u32, u32), Fault> {
        let from = self.at;
        match u32::try_from(varint(self.body, &mut self.at, self.end)?) {
            Ok(key) if key >> 3 != 0 => Ok((key >> 3, key & 7)),
            _ => Err(Fault { reason: "a field number is out of range", at: from }),
        }
    }

    #[inline]
    fn value(&mut self, kind: u32) -> Result<Value, Fault> {
        let from = self.at;
        match kind {
            0 => varint(self.body, &mut self.at, self.end).map(Value::Varint),
            1 => self.fixed().map(|bytes| Value::Fixed64(u64::from_le_bytes(bytes))),
            2 => {
                let length = varint(self.body, &mut self.at, self.end)?;
                let start = self.at;
                self.skip(usize::try_from(length).unwrap_or(usize::MAX))?;
                Ok(Value::Slice(Slice { prefix: from, start, end: self.at }))
            }
            5 => self.fixed().map(|bytes| Value::Fixed32(u32::from_le_bytes(bytes))),
            _ => Err(Fault { reason: "a field has an unknown wire type", at: from }),
        }
    }

    #[inline]
    fn skip(&mut self, count: usize) -> Result<(), Fault> {
        if count > self.end - self.at {
            return Err(Fault { reason: "a length goes past the end", at: self.at });
        }
        self.at += count;
        Ok(())
    }

    #[inline]
    fn fixed<const COUNT: usize>(&mut self) -> Result<[u8; COUNT], Fault> {
        let bytes = self.body.get(self.at..self.end).and_then(|rest| rest.first_chunk());
        let bytes = *bytes.ok_or(Fault { reason: "a length goes past the end", at: self.at })?;
        self.at += COUNT;
        Ok(bytes)
    }

    fn group(&mut self, number: u32) -> Result<Value, Fault> {
        let mut open = [0u32; MAX_GROUPS];
        open[0] = number;
        let mut depth = 1;
        while depth > 0 {
            let from = self.at;
            match self.key()? {
                (number, 3) => {
                    let slot =
                        open.get_mut(depth).ok_or(Fault { reason: "groups nest too deep", at: from })?;
                    *slot = number;
                    depth += 1;
                }
                (number, 4) if open[depth - 1] == number => depth -= 1,
                (_, 4) => return Err(Fault { reason: "a group ends that never began", at: from }),
                (_, kind) => {
                    self.value(kind)?;
                }
            }
        }
        Ok(Value::Group)
    }
}

impl Iterator for Fields<'_> {
    type Item = Result<Field, Fault>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        if self.at >= self.end {
            return None;
        }
        if let Some(field) = self.short() {
            return Some(Ok(field));
        }
        let field = self.field();
        if field.is_err() {
            self.at = self.end;
        }
        Some(field)
    }
}

/// The numbers that are packed into one field.
#[derive(Debug)]
pub struct Varints<'a> {
    body: &'a [u8],
    at: usize,
    end: usize,
}

impl<'a> Varints<'a> {
    /// Of a slice of the request.
    pub fn within(body: &'a [u8], slice: Slice) -> Self {
        Varints { body, at: slice.start, end: slice.end.min(body.len()) }
    }
}

impl Iterator for Varints<'_> {
    type Item = Result<u64, Fault>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        if self.at >= self.end {
            return None;
        }
        let number = varint(self.body, &mut self.at, self.end);
        if number.is_err() {
            self.at = self.end;
        }
        Some(number)
    }
}

#[inline(always)]
fn varint(body: &[u8], at: &mut usize, end: usize) -> Result<u64, Fault> {
    // Nearly all keys and lengths.
    if let Some(&byte) = body.get(*at)
        && byte < 0x80
        && *at < end
    {
        *at += 1;
        return Ok(u64::from(byte));
    }
    long_varint(body, at, end)
}

#[inline(never)]
fn long_varint(body: &[u8], at: &mut usize, end: usize) -> Result<u64, Fault> {
    let from = *at;
    let mut value = 0u64;
    for shift in (0..70).step_by(7) {
        let Some(&byte) = body.get(*at).filter(|_| *at < end) else {
            return Err(Fault { reason: "the bytes end inside a number", at: from });
        };
        *at += 1;
        // The tenth byte has room for one bit.
        if shift == 63 && byte > 1 {
            break;
        }
        value |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Ok(value);
        }
    }
    Err(Fault { reason: "a number is longer than 64 bits", at: from })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn walk(body: &[u8]) -> Result<Vec<Field>, Fault> {
        Fields::of(body).collect()
    }

    #[test]
    fn every_wire_type_is_seen_with_its_place() {
        let body = [0x08, 0x96, 0x01, 0x12, 0x02, b'h', b'i', 0x1d, 1, 2, 3, 4, 0x21, 1, 2, 3, 4, 5, 6, 7, 8];
        let fields = walk(&body).unwrap();
        assert_eq!(
            fields,
            [
                Field { number: 1, value: Value::Varint(150) },
                Field { number: 2, value: Value::Slice(Slice { prefix: 4, start: 5, end: 7 }) },
                Field { number: 3, value: Value::Fixed32(0x0403_0201) },
                Field { number: 4, value: Value::Fixed64(0x0807_0605_0403_0201) },
            ]
        );
        assert_eq!(Slice::at(&body, 4).unwrap().of(&body), b"hi");
    }

    // The short way must never say anything else than the long one.
    #[test]
    fn two_bytes_and_what_follows_are_read_alike_in_both_ways() {
        for first in 0..=u8::MAX {
            for second in 0..=u8::MAX {
                let mut body = vec![first, second];
                body.resize(140, 1);
                for length in [1, 2, 3, 8, 9, 10, 129, 130, 140] {
                    let part = &body[..length];
                    let (mut short, mut long) = (Fields::of(part), Fields::of(part));
                    if let Some(field) = short.short() {
                        assert_eq!((long.field(), long.at), (Ok(field), short.at));
                    }
                }
            }
        }
    }

    #[test]
    fn groups_are_skipped_and_must_match() {
        assert_eq!(walk(&[0x0b, 0x13, 0x08, 1, 0x14, 0x0c]).unwrap().len(), 1);
        assert!(walk(&[0x0b, 0x14]).is_err());
        assert!(walk(&[0x0c]).is_err());
        assert!(walk(&[0x0b; 1000]).is_err());
    }

    #[test]
    fn every_cut_of_a_field_is_a_fault() {
        let body = [0x12, 0x03, b'a', b'b', b'c'];
        for length in 1..body.len() {
            assert!(walk(&body[..length]).is_err(), "{length}");
        }
        assert!(walk(&body).is_ok());
    }

    #[test]
    fn numbers_lengths_and_keys_out_of_range_are_faults() {
        assert!(walk(&[0x08, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01]).is_ok());
        assert!(walk(&[0x08, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02]).is_err());
        assert!(walk(&[0x12, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01]).is_err());
        assert!(walk(&[0x00, 0x00]).is_err());
        assert!(walk(&[0x0e, 0x00]).is_err());
    }
}
