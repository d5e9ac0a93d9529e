//! Walks over protobuf without decoding it: no allocation, no recursion, offsets instead of copies.
//!
//! A walk sees the fields of one message in the order in which they were written. A length-delimited field is
//! a [`Slice`]: where its length stands and where its content begins and ends, counted from the start of the
//! whole request. Storing one number, the place of the length, is enough to find the message again.

pub(crate) mod shape;

/// How deep deprecated groups may nest inside an unknown field.
const MAX_GROUPS: usize = 32;

/// The bytes are not protobuf.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    /// What is wrong, in English.
    pub(crate) reason: &'static str,
    /// The offset at which it was noticed.
    pub(crate) at: usize,
}

/// Where a length-delimited field is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Slice {
    /// The offset of the length.
    pub(crate) prefix: usize,
    /// The offset of the content.
    pub(crate) start: usize,
    /// The offset behind the content.
    pub(crate) end: usize,
}

impl Slice {
    /// The slice whose length stands at the offset.
    pub(crate) fn at(body: &[u8], prefix: usize) -> Result<Slice, Fault> {
        let mut at = prefix;
        let length = varint(body, &mut at, body.len())?;
        let end = usize::try_from(length).ok().and_then(|length| at.checked_add(length));
        match end {
            Some(end) if end <= body.len() => Ok(Slice { prefix, start: at, end }),
            _ => Err(Fault { reason: "a length goes past the end", at: prefix }),
        }
    }

    /// The content.
    pub(crate) fn of(self, body: &[u8]) -> &[u8] {
        body.get(self.start..self.end).unwrap_or_default()
    }
}

/// The content of one field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Value {
    /// Integers, booleans, enumerations.
    Varint,
    /// Eight bytes.
    Fixed64,
    /// Four bytes.
    Fixed32,
    /// Text, bytes, a message, packed numbers.
    Slice(Slice),
    /// A group, skipped whole.
    Group,
}

/// One field of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Field {
    pub(crate) number: u32,
    pub(crate) value: Value,
}

/// The fields of one message.
pub(crate) struct Fields<'a> {
    body: &'a [u8],
    at: usize,
    end: usize,
}

impl<'a> Fields<'a> {
    /// Of a whole request.
    pub(crate) fn of(body: &'a [u8]) -> Self {
        Fields { body, at: 0, end: body.len() }
    }

    /// Of a message inside the request.
    pub(crate) fn within(body: &'a [u8], slice: Slice) -> Self {
        Fields { body, at: slice.start, end: slice.end.min(body.len()) }
    }

    /// The offset behind the last field.
    pub(crate) fn offset(&self) -> usize {
        self.at
    }

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

    fn key(&mut self) -> Result<(u32, u32), Fault> {
        let from = self.at;
        match u32::try_from(varint(self.body, &mut self.at, self.end)?) {
            Ok(key) if key >> 3 != 0 => Ok((key >> 3, key & 7)),
            _ => Err(Fault { reason: "a field number is out of range", at: from }),
        }
    }

    fn value(&mut self, kind: u32) -> Result<Value, Fault> {
        let from = self.at;
        match kind {
            0 => varint(self.body, &mut self.at, self.end).map(|_| Value::Varint),
            1 => self.skip(8).map(|()| Value::Fixed64),
            2 => {
                let length = varint(self.body, &mut self.at, self.end)?;
                let start = self.at;
                self.skip(usize::try_from(length).unwrap_or(usize::MAX))?;
                Ok(Value::Slice(Slice { prefix: from, start, end: self.at }))
            }
            5 => self.skip(4).map(|()| Value::Fixed32),
            _ => Err(Fault { reason: "a field has an unknown wire type", at: from }),
        }
    }

    fn skip(&mut self, count: usize) -> Result<(), Fault> {
        if count > self.end - self.at {
            return Err(Fault { reason: "a length goes past the end", at: self.at });
        }
        self.at += count;
        Ok(())
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

    fn next(&mut self) -> Option<Self::Item> {
        if self.at >= self.end {
            return None;
        }
        let field = self.field();
        if field.is_err() {
            self.at = self.end;
        }
        Some(field)
    }
}

/// Checks numbers that are packed into one field.
fn varints(body: &[u8], slice: Slice) -> Result<(), Fault> {
    let mut at = slice.start;
    while at < slice.end {
        varint(body, &mut at, slice.end)?;
    }
    Ok(())
}

fn varint(body: &[u8], at: &mut usize, end: usize) -> Result<u64, Fault> {
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

/// A length-delimited field, for the requests that tests are made of.
#[cfg(test)]
pub(crate) fn field(number: u8, content: &[u8]) -> Vec<u8> {
    let mut bytes = vec![number << 3 | 2];
    prost::encode_length_delimiter(content.len(), &mut bytes).unwrap();
    bytes.extend_from_slice(content);
    bytes
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
                Field { number: 1, value: Value::Varint },
                Field { number: 2, value: Value::Slice(Slice { prefix: 4, start: 5, end: 7 }) },
                Field { number: 3, value: Value::Fixed32 },
                Field { number: 4, value: Value::Fixed64 },
            ]
        );
        assert_eq!(Slice::at(&body, 4).unwrap().of(&body), b"hi");
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
