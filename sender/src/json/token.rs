//! The text of a request in JSON, piece by piece (RFC 8259).

use crate::wire::Fault;
use std::borrow::Cow;

/// How deep lists and objects may nest inside a member that is not known.
const MAX_SKIPPED_DEPTH: usize = 128;

/// Where reading is. What is read was checked to be UTF-8.
pub(super) struct Tokens<'a> {
    json: &'a [u8],
    at: usize,
}

/// What stands between quotes, as it stands there.
#[derive(Clone, Copy)]
pub(super) struct Quoted<'a> {
    raw: &'a [u8],
    is_escaped: bool,
}

impl<'a> Tokens<'a> {
    pub(super) fn of(json: &'a [u8]) -> Result<Self, Fault> {
        match std::str::from_utf8(json) {
            Ok(_) => Ok(Tokens { json, at: 0 }),
            Err(error) => Err(Fault { reason: "the text is not UTF-8", at: error.valid_up_to() }),
        }
    }

    /// The offset of what is read next.
    pub(super) fn offset(&self) -> usize {
        self.at
    }

    pub(super) fn fault<T>(&self, reason: &'static str) -> Result<T, Fault> {
        Err(Fault { reason, at: self.at })
    }

    /// The first byte of what comes next.
    #[inline]
    pub(super) fn peek(&mut self) -> Option<u8> {
        loop {
            match self.json.get(self.at) {
                Some(b' ' | b'\n' | b'\r' | b'\t') => self.at += 1,
                next => return next.copied(),
            }
        }
    }

    /// Whether this comes next, which is then read.
    #[inline]
    pub(super) fn take(&mut self, byte: u8) -> bool {
        let is_next = self.peek() == Some(byte);
        self.at += usize::from(is_next);
        is_next
    }

    /// Reads this, or it is a fault.
    pub(super) fn expect(&mut self, byte: u8, reason: &'static str) -> Result<(), Fault> {
        if self.take(byte) { Ok(()) } else { self.fault(reason) }
    }

    /// Whether a list or object goes on behind what was read of it, or else ends with this.
    #[inline]
    pub(super) fn goes_on(&mut self, end: u8) -> Result<bool, Fault> {
        if self.take(b',') {
            return Ok(true);
        }
        self.expect(end, "a comma or the end of a list or object is missing").map(|()| false)
    }

    /// The name of a member; its value comes next.
    pub(super) fn name(&mut self) -> Result<Cow<'a, [u8]>, Fault> {
        let name = self.quoted("a name in quotes is missing")?.content();
        self.expect(b':', "a colon is missing")?;
        Ok(name)
    }

    pub(super) fn is_null(&mut self) -> Result<bool, Fault> {
        match self.peek() {
            Some(b'n') => self.word(b"null").map(|()| true),
            _ => Ok(false),
        }
    }

    pub(super) fn truth(&mut self) -> Result<bool, Fault> {
        match self.peek() {
            Some(b't') => self.word(b"true").map(|()| true),
            Some(b'f') => self.word(b"false").map(|()| false),
            _ => self.fault("neither true nor false"),
        }
    }

    fn word(&mut self, word: &[u8]) -> Result<(), Fault> {
        if !self.json[self.at..].starts_with(word) {
            return self.fault("an unknown word");
        }
        self.at += word.len();
        Ok(())
    }

    /// A string, whose escapes are right.
    pub(super) fn quoted(&mut self, missing: &'static str) -> Result<Quoted<'a>, Fault> {
        self.expect(b'"', missing)?;
        let (start, mut is_escaped) = (self.at, false);
        loop {
            let rest = &self.json[self.at..];
            let plain = rest.iter().position(|byte| matches!(byte, b'"' | b'\\' | 0..0x20));
            self.at += plain.unwrap_or(rest.len());
            match self.json.get(self.at) {
                Some(b'"') => break,
                Some(b'\\') => {
                    is_escaped = true;
                    self.escape()?;
                }
                Some(_) => return self.fault("a control character in a string"),
                None => return self.fault("a string does not end"),
            }
        }
        let raw = &self.json[start..self.at];
        self.at += 1;
        Ok(Quoted { raw, is_escaped })
    }

    fn escape(&mut self) -> Result<(), Fault> {
        let digits = self.json.get(self.at + 2..self.at + 6).unwrap_or_default();
        match self.json.get(self.at + 1) {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => self.at += 2,
            Some(b'u') if digits.len() == 4 && digits.iter().all(u8::is_ascii_hexdigit) => self.at += 6,
            _ => return self.fault("an unknown escape in a string"),
        }
        Ok(())
    }

    /// A number, to the letter of the grammar.
    pub(super) fn number(&mut self) -> Result<&'a [u8], Fault> {
        self.peek();
        let rest = &self.json[self.at..];
        let length = length_of_number(rest);
        if length == 0 {
            return self.fault("not a number");
        }
        self.at += length;
        Ok(&rest[..length])
    }

    /// Reads a whole value of any kind, for which there is no use.
    pub(super) fn skip(&mut self) -> Result<(), Fault> {
        // For each list or object that is open, whether it is an object.
        let mut open = [false; MAX_SKIPPED_DEPTH];
        let mut depth = 0;
        loop {
            let is_object = match self.peek() {
                Some(b'{') => Some(true),
                Some(b'[') => Some(false),
                Some(b'"') => self.quoted("").map(|_| None)?,
                Some(b'n') => self.word(b"null").map(|()| None)?,
                Some(b't' | b'f') => self.truth().map(|_| None)?,
                _ => self.number().map(|_| None)?,
            };
            if let Some(is_object) = is_object {
                self.at += 1;
                if !self.take(end(is_object)) {
                    let Some(place) = open.get_mut(depth) else {
                        return self.fault("lists and objects nest too deep");
                    };
                    *place = is_object;
                    depth += 1;
                    if is_object {
                        self.name()?;
                    }
                    continue;
                }
            }
            loop {
                let Some(innermost) = depth.checked_sub(1) else { return Ok(()) };
                if self.goes_on(end(open[innermost]))? {
                    if open[innermost] {
                        self.name()?;
                    }
                    break;
                }
                depth = innermost;
            }
        }
    }
}

fn end(is_object: bool) -> u8 {
    if is_object { b'}' } else { b']' }
}

impl<'a> Quoted<'a> {
    /// The length of the content at most.
    pub(super) fn length(self) -> usize {
        self.raw.len()
    }

    /// The content, if it stands there as it is.
    pub(super) fn plain(self) -> Option<&'a [u8]> {
        (!self.is_escaped).then_some(self.raw)
    }

    pub(super) fn content(self) -> Cow<'a, [u8]> {
        if !self.is_escaped {
            return Cow::Borrowed(self.raw);
        }
        let mut content = Vec::with_capacity(self.raw.len());
        self.write(&mut content);
        Cow::Owned(content)
    }

    /// Writes the content behind what is there.
    pub(super) fn write(self, out: &mut Vec<u8>) {
        let mut rest = self.raw;
        while let Some(escape) = rest.iter().position(|byte| *byte == b'\\').filter(|_| self.is_escaped) {
            let (plain, escaped) = rest.split_at(escape);
            out.extend_from_slice(plain);
            rest = unescape(&escaped[1..], out);
        }
        out.extend_from_slice(rest);
    }
}

/// Writes what an escape stands for; what is behind it. Half a surrogate pair, which some JavaScript sends, becomes a
/// replacement character: a text that is cut in a bad place does not condemn its request.
fn unescape<'a>(escaped: &'a [u8], out: &mut Vec<u8>) -> &'a [u8] {
    let Some((kind, mut rest)) = escaped.split_first() else { return escaped };
    let character = match kind {
        b'u' => {
            let first = unit(rest);
            rest = rest.get(4..).unwrap_or_default();
            let second = rest.strip_prefix(b"\\u").map_or(0, unit);
            let pair = char::decode_utf16([first, second]).next();
            match pair {
                Some(Ok(character)) => {
                    if character.len_utf16() == 2 {
                        rest = rest.get(6..).unwrap_or_default();
                    }
                    character
                }
                _ => char::REPLACEMENT_CHARACTER,
            }
        }
        b'b' => '\u{8}',
        b'f' => '\u{c}',
        b'n' => '\n',
        b'r' => '\r',
        b't' => '\t',
        itself => char::from(*itself),
    };
    out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
    rest
}

fn unit(digits: &[u8]) -> u16 {
    let digit = |byte: &u8| char::from(*byte).to_digit(16).unwrap_or_default() as u16;
    digits.iter().take(4).fold(0, |unit, byte| unit << 4 | digit(byte))
}

/// How long the number is that begins here; 0: none does.
pub(super) fn length_of_number(text: &[u8]) -> usize {
    let digits = |from: usize| text.iter().skip(from).take_while(|byte| byte.is_ascii_digit()).count();
    let mut at = usize::from(text.first() == Some(&b'-'));
    match digits(at) {
        0 => return 0,
        count if count > 1 && text[at] == b'0' => return 0,
        count => at += count,
    }
    if text.get(at) == Some(&b'.') {
        match digits(at + 1) {
            0 => return 0,
            count => at += 1 + count,
        }
    }
    if matches!(text.get(at), Some(b'e' | b'E')) {
        let sign = usize::from(matches!(text.get(at + 1), Some(b'+' | b'-')));
        match digits(at + 1 + sign) {
            0 => return 0,
            count => at += 1 + sign + count,
        }
    }
    at
}
