//! The words of an expression.

use super::ExpressionFault;

/// One word.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Token {
    Name(String),
    Text(String),
    Integer(i64),
    Double(f64),
    /// An operator, a bracket or a comma.
    Sign(&'static str),
}

/// The signs, the longer ones first.
const SIGNS: [&str; 29] = [
    "==", "!=", "<=", ">=", "&&", "||", "??", "?.", "..", "**", "<", ">", "!", "+", "-", "*", "/", "%", "?",
    ":", ",", ".", "(", ")", "[", "]", "{", "}", "|",
];

/// All words, each with the byte where it begins.
pub(super) fn tokens(text: &str) -> Result<Vec<(usize, Token)>, ExpressionFault> {
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(next) = text[at..].chars().next() {
        let rest = &text[at..];
        let (token, length) = match next {
            _ if next.is_whitespace() => {
                at += next.len_utf8();
                continue;
            }
            '"' | '\'' => quoted(rest, next, at)?,
            '`' => raw(rest).ok_or_else(|| ExpressionFault::at(at, "a text is not closed"))?,
            _ if next.is_alphabetic() || matches!(next, '_' | '$') => name(rest),
            _ if is_number(rest) => number(rest, at)?,
            _ => match SIGNS.into_iter().find(|sign| rest.starts_with(sign)) {
                Some(sign) => (Token::Sign(sign), sign.len()),
                None => return Err(ExpressionFault::at(at, format!("{next:?} means nothing here"))),
            },
        };
        tokens.push((at, token));
        at += length;
    }
    Ok(tokens)
}

fn name(rest: &str) -> (Token, usize) {
    let is_end = |letter: char| !(letter.is_alphanumeric() || matches!(letter, '_' | '$'));
    let length = rest.find(is_end).unwrap_or(rest.len());
    (Token::Name(rest[..length].to_owned()), length)
}

fn is_number(rest: &str) -> bool {
    let mut letters = rest.chars();
    let is_digit = |letter: Option<char>| letter.is_some_and(|letter| letter.is_ascii_digit());
    match letters.next() {
        Some('.') => is_digit(letters.next()),
        first => is_digit(first),
    }
}

fn number(rest: &str, at: usize) -> Result<(Token, usize), ExpressionFault> {
    let bytes = rest.as_bytes();
    let is_part = |index: usize| match bytes[index] {
        // A range, or the key of a number: no part of it.
        b'.' => bytes.get(index + 1).is_some_and(u8::is_ascii_digit),
        b'+' | b'-' => index > 0 && matches!(bytes[index - 1], b'e' | b'E') && !rest.starts_with("0x"),
        byte => byte.is_ascii_alphanumeric() || byte == b'_',
    };
    let length = (0..bytes.len()).find(|index| !is_part(*index)).unwrap_or(bytes.len());
    let digits = rest[..length].replace('_', "");
    let based = [("0x", 16), ("0o", 8), ("0b", 2)].into_iter().find_map(|(prefix, base)| {
        digits.strip_prefix(prefix).map(|digits| i64::from_str_radix(digits, base).ok().map(Token::Integer))
    });
    let token = match based {
        Some(token) => token,
        None if digits.bytes().all(|byte| byte.is_ascii_digit()) => digits.parse().ok().map(Token::Integer),
        None => digits.parse().ok().map(Token::Double),
    };
    match token {
        Some(token) => Ok((token, length)),
        None => Err(ExpressionFault::at(at, format!("{} is no number", &rest[..length]))),
    }
}

/// A text without escapes, and how long it is with its quotes.
fn raw(rest: &str) -> Option<(Token, usize)> {
    let length = rest[1..].find('`')?;
    Some((Token::Text(rest[1..=length].to_owned()), length + 2))
}

fn quoted(rest: &str, quote: char, at: usize) -> Result<(Token, usize), ExpressionFault> {
    let mut text = String::new();
    let mut letters = rest[1..].chars();
    loop {
        let from = at + rest.len() - letters.as_str().len();
        match letters.next() {
            Some('\\') => text.push(escaped(&mut letters, from)?),
            Some(letter) if letter == quote => break,
            Some(letter) => text.push(letter),
            None => return Err(ExpressionFault::at(at, "a text is not closed")),
        }
    }
    Ok((Token::Text(text), rest.len() - letters.as_str().len()))
}

fn escaped(letters: &mut std::str::Chars<'_>, at: usize) -> Result<char, ExpressionFault> {
    let letter = letters.next();
    let digits = match letter {
        Some('a') => return Ok('\u{7}'),
        Some('b') => return Ok('\u{8}'),
        Some('f') => return Ok('\u{c}'),
        Some('n') => return Ok('\n'),
        Some('r') => return Ok('\r'),
        Some('t') => return Ok('\t'),
        Some('v') => return Ok('\u{b}'),
        Some(letter @ ('\\' | '"' | '\'' | '`' | '?')) => return Ok(letter),
        Some('x') => 2,
        Some('u') => 4,
        Some('U') => 8,
        Some(letter) => {
            let way_out = format!("\\{letter} is no escape; a backslash in a text is written \\\\");
            return Err(ExpressionFault::at(at, way_out));
        }
        None => return Err(ExpressionFault::at(at, "a text is not closed")),
    };
    let rest = letters.as_str();
    let code = rest.get(..digits).filter(|code| code.bytes().all(|byte| byte.is_ascii_hexdigit()));
    let read = code.and_then(|code| u32::from_str_radix(code, 16).ok()).and_then(char::from_u32);
    *letters = rest.get(digits..).unwrap_or_default().chars();
    read.ok_or_else(|| ExpressionFault::at(at, "an escape names no letter"))
}
