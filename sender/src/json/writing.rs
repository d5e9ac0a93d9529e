//! Single values as OTLP/JSON has them.

use crate::shape::Kind;
use base64::{Engine, engine::general_purpose::STANDARD};
use std::io::Write;

/// A string, with what JSON demands to be escaped.
pub(crate) fn text(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    let mut plain_from = 0;
    for (at, byte) in text.bytes().enumerate() {
        let escaped = match byte {
            b'"' | b'\\' => byte,
            b'\n' => b'n',
            b'\r' => b'r',
            b'\t' => b't',
            0..0x20 => 0,
            _ => continue,
        };
        out.extend_from_slice(&text.as_bytes()[plain_from..at]);
        plain_from = at + 1;
        match escaped {
            0 => push(out, format_args!("\\u{byte:04x}")),
            escaped => out.extend_from_slice(&[b'\\', escaped]),
        }
    }
    out.extend_from_slice(&text.as_bytes()[plain_from..]);
    out.push(b'"');
}

/// A trace id or span id (O-081).
pub(super) fn hex(out: &mut Vec<u8>, bytes: &[u8]) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    out.push(b'"');
    for byte in bytes {
        let digit = |number: u8| DIGITS.get(usize::from(number)).copied().unwrap_or(b'0');
        out.extend_from_slice(&[digit(byte >> 4), digit(byte & 15)]);
    }
    out.push(b'"');
}

/// Any other bytes.
pub(super) fn base64(out: &mut Vec<u8>, bytes: &[u8]) {
    push(out, format_args!("\"{}\"", STANDARD.encode(bytes)));
}

/// A number from the bits that stood in the request; whether it is zero. What is too wide for its type loses its upper
/// bits, as in every protobuf decoder.
pub(super) fn number(out: &mut Vec<u8>, kind: Kind, bits: u64) -> bool {
    let low = bits as u32;
    match kind {
        Kind::Bool => push(out, format_args!("{}", bits != 0)),
        Kind::Int32 => push(out, format_args!("{}", low as i32)),
        Kind::Sint32 => push(out, format_args!("{}", (low >> 1) as i32 ^ -((low & 1) as i32))),
        Kind::Uint32 | Kind::Fixed32 => push(out, format_args!("{low}")),
        Kind::Int64 | Kind::Sfixed64 => push(out, format_args!("\"{}\"", bits as i64)),
        Kind::Double => double(out, f64::from_bits(bits)),
        _ => push(out, format_args!("\"{bits}\"")),
    }
    match kind {
        Kind::Int32 | Kind::Sint32 | Kind::Uint32 | Kind::Fixed32 => low == 0,
        _ => bits == 0,
    }
}

/// O-084
fn double(out: &mut Vec<u8>, value: f64) {
    match value {
        value if value.is_nan() => out.extend_from_slice(b"\"NaN\""),
        f64::INFINITY => out.extend_from_slice(b"\"Infinity\""),
        f64::NEG_INFINITY => out.extend_from_slice(b"\"-Infinity\""),
        // The shortest digits that are read back as the same number, which Debug has with an exponent.
        value => push(out, format_args!("{value:?}")),
    }
}

fn push(out: &mut Vec<u8>, text: std::fmt::Arguments<'_>) {
    // Writing to a vector cannot fail.
    let _ = out.write_fmt(text);
}
