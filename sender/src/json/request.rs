//! A request in JSON becomes protobuf, in one pass and by the table: nothing is kept but what comes out.

use super::{MAX_DEPTH, number, token::Tokens};
use crate::{
    shape::{Field, Kind, Label, Shape},
    wire::Fault,
};
use base64::{
    Engine,
    alphabet::{STANDARD, URL_SAFE},
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};

/// What a field takes besides the content of a text: key, length, number.
const AROUND: usize = 16;

const LENIENT: GeneralPurposeConfig = GeneralPurposeConfig::new()
    .with_decode_padding_mode(DecodePaddingMode::Indifferent)
    .with_decode_allow_trailing_bits(true);
const BASE64: GeneralPurpose = GeneralPurpose::new(&STANDARD, LENIENT);
const BASE64_OF_URLS: GeneralPurpose = GeneralPurpose::new(&URL_SAFE, LENIENT);

/// Why there is no request.
pub(super) enum Stop {
    Fault(Fault),
    TooLarge,
}

impl From<Fault> for Stop {
    fn from(fault: Fault) -> Self {
        Stop::Fault(fault)
    }
}

pub(super) fn read(shape: &'static Shape, json: &[u8], most: usize) -> Result<Vec<u8>, Stop> {
    let room = most.min(json.len().saturating_mul(4));
    let mut reader = Reader { tokens: Tokens::of(json)?, most, out: Vec::with_capacity(room) };
    reader.message(shape, MAX_DEPTH)?;
    match reader.tokens.peek() {
        None => Ok(reader.out),
        Some(_) => Ok(reader.tokens.fault("something stands behind the request")?),
    }
}

struct Reader<'a> {
    tokens: Tokens<'a>,
    most: usize,
    out: Vec<u8>,
}

impl Reader<'_> {
    fn message(&mut self, shape: &'static Shape, depth: usize) -> Result<(), Stop> {
        let Some(depth) = depth.checked_sub(1) else {
            return Ok(self.tokens.fault("messages nest too deep")?);
        };
        self.tokens.expect(b'{', "not an object")?;
        if self.tokens.take(b'}') {
            return Ok(());
        }
        // A bit for each number, and one for all that are choices.
        let mut stood = 0u32;
        let mut last = 0;
        loop {
            let at = self.tokens.offset();
            let name = self.tokens.name()?;
            match shape.named(&name, last) {
                None => self.tokens.skip()?,
                Some(_) if self.tokens.is_null()? => {} // O-085
                Some((number, field)) => {
                    let bits = 1 << number | u32::from(field.label == Label::Choice);
                    if stood & bits != 0 {
                        return Err(Fault { reason: "a name stands twice, or two of one choice", at }.into());
                    }
                    stood |= bits;
                    last = number;
                    self.member(number, field, depth)?;
                }
            }
            if !self.tokens.goes_on(b'}')? {
                return Ok(());
            }
        }
    }

    fn member(&mut self, number: u32, field: &'static Field, depth: usize) -> Result<(), Stop> {
        if field.label == Label::Many {
            return self.list(number, field, depth);
        }
        self.value(number, field, depth, field.label == Label::One)
    }

    /// One value; what is zero or empty is left out where that means the same.
    fn value(
        &mut self,
        number: u32,
        field: &'static Field,
        depth: usize,
        is_default_known: bool,
    ) -> Result<(), Stop> {
        self.has_room(AROUND)?;
        match field.kind {
            Kind::Message(shape) => {
                self.key(number, 2);
                self.behind_its_length(|reader| reader.message(shape, depth))
            }
            Kind::Text => {
                let text = self.tokens.quoted("not a text")?;
                if is_default_known && text.length() == 0 {
                    return Ok(());
                }
                self.has_room(AROUND + text.length())?;
                self.key(number, 2);
                if let Some(plain) = text.plain() {
                    varint(&mut self.out, plain.len() as u64);
                    self.out.extend_from_slice(plain);
                    return Ok(());
                }
                self.behind_its_length(|reader| {
                    text.write(&mut reader.out);
                    Ok(())
                })
            }
            Kind::Bytes | Kind::Id => {
                let bytes = self.bytes(field)?;
                if is_default_known && bytes.is_empty() {
                    return Ok(());
                }
                self.has_room(AROUND + bytes.len())?;
                self.key(number, 2);
                varint(&mut self.out, bytes.len() as u64);
                self.out.extend_from_slice(&bytes);
                Ok(())
            }
            kind => {
                let bits = match kind {
                    Kind::Bool => self.tokens.truth()?.into(),
                    kind => number::bits(&mut self.tokens, kind)?,
                };
                if !(is_default_known && bits == 0) {
                    self.key(number, wire(kind));
                    self.number(kind, bits);
                }
                Ok(())
            }
        }
    }

    fn list(&mut self, number: u32, field: &'static Field, depth: usize) -> Result<(), Stop> {
        self.tokens.expect(b'[', "not a list")?;
        if self.tokens.take(b']') {
            return Ok(());
        }
        if let Kind::Message(_) | Kind::Text | Kind::Bytes | Kind::Id = field.kind {
            loop {
                self.value(number, field, depth, false)?;
                if !self.tokens.goes_on(b']')? {
                    return Ok(());
                }
            }
        }
        self.has_room(AROUND)?;
        self.key(number, 2);
        self.behind_its_length(|reader| {
            loop {
                reader.has_room(AROUND)?;
                let bits = number::bits(&mut reader.tokens, field.kind)?;
                reader.number(field.kind, bits);
                if !reader.tokens.goes_on(b']')? {
                    return Ok(());
                }
            }
        })
    }

    /// O-081
    fn bytes(&mut self, field: &Field) -> Result<Vec<u8>, Fault> {
        let at = self.tokens.offset();
        let text = self.tokens.quoted("not a text")?.content();
        if let Kind::Id = field.kind {
            let digits = if field.name == "traceId" { 32 } else { 16 };
            let has_length = text.is_empty() || text.len() == digits;
            if let Some(id) = hex(&text).filter(|_| has_length) {
                return Ok(id);
            }
            return Err(Fault { reason: "an id is not of 32 or 16 hexadecimal digits", at });
        }
        let is_of_urls = text.iter().any(|byte| matches!(byte, b'-' | b'_'));
        let engine = if is_of_urls { BASE64_OF_URLS } else { BASE64 };
        engine.decode(&text[..]).map_err(|_| Fault { reason: "a text is not base64", at })
    }

    /// Writes the length of what is written, before it. Most lengths take one byte; for a longer one, what it stands
    /// before moves.
    fn behind_its_length(&mut self, write: impl FnOnce(&mut Self) -> Result<(), Stop>) -> Result<(), Stop> {
        self.out.push(0);
        let start = self.out.len();
        write(self)?;
        let count = self.out.len() - start;
        if count < 0x80 {
            self.out[start - 1] = count as u8;
            return Ok(());
        }
        self.has_room(AROUND)?;
        // One byte was kept for it.
        let mut length = Vec::with_capacity(AROUND);
        varint(&mut length, count as u64);
        let more = length.len() - 1;
        self.out.resize(start + count + more, 0);
        self.out.copy_within(start..start + count, start + more);
        self.out[start - 1..start + more].copy_from_slice(&length);
        Ok(())
    }

    fn has_room(&self, more: usize) -> Result<(), Stop> {
        if more > self.most.saturating_sub(self.out.len()) { Err(Stop::TooLarge) } else { Ok(()) }
    }

    fn key(&mut self, number: u32, wire: u32) {
        varint(&mut self.out, u64::from(number << 3 | wire));
    }

    fn number(&mut self, kind: Kind, bits: u64) {
        match wire(kind) {
            1 => self.out.extend_from_slice(&bits.to_le_bytes()),
            5 => self.out.extend_from_slice(&(bits as u32).to_le_bytes()),
            _ => varint(&mut self.out, bits),
        }
    }
}

/// The wire type of a number.
fn wire(kind: Kind) -> u32 {
    match kind {
        Kind::Fixed64 | Kind::Sfixed64 | Kind::Double => 1,
        Kind::Fixed32 => 5,
        _ => 0,
    }
}

fn varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

fn hex(digits: &[u8]) -> Option<Vec<u8>> {
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' | b'A'..=b'F' => Some((byte | 0x20) - b'a' + 10),
        _ => None,
    };
    digits.as_chunks().0.iter().map(|[high, low]| Some(digit(*high)? << 4 | digit(*low)?)).collect()
}

#[cfg(test)]
mod tests;
