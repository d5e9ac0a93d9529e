//! What is looked for in the JSON that a server answers, and nothing else of it.
//!
//! An answer is short and its words are for people: what cannot be read is as if it were not there (O-034).

const REJECTED: [&str; 3] = ["rejectedSpans", "rejectedDataPoints", "rejectedLogRecords"];

/// How many items were rejected, and the words to it, of an `Export…ServiceResponse`.
pub(crate) fn partial_success(body: &[u8]) -> Option<(i64, String)> {
    let partial = members(value(body, "partialSuccess")?)?;
    let rejected = partial.iter().rev().find(|(name, _)| REJECTED.contains(&name.as_str()));
    let rejected = rejected.and_then(|(_, value)| {
        let digits = string(value).unwrap_or_else(|| String::from_utf8_lossy(value).into_owned());
        digits.parse().ok() // O-083
    });
    let words = partial.iter().rev().find(|(name, _)| name == "errorMessage");
    Some((rejected.unwrap_or(0), words.and_then(|(_, value)| string(value)).unwrap_or_default()))
}

/// The words of a `google.rpc.Status`.
pub(crate) fn message(body: &[u8]) -> Option<String> {
    string(value(body, "message")?)
}

/// The last value of this name.
fn value<'a>(object: &'a [u8], name: &str) -> Option<&'a [u8]> {
    let found = members(object)?.into_iter().rfind(|(known, _)| known == name)?;
    Some(found.1)
}

/// Names and unread values of an object.
fn members(object: &[u8]) -> Option<Vec<(String, &[u8])>> {
    let mut rest = object.trim_ascii().strip_prefix(b"{")?.strip_suffix(b"}")?.trim_ascii();
    let mut members = Vec::new();
    while !rest.is_empty() {
        let (name, behind) = rest.split_at_checked(length(rest)?)?;
        let behind = behind.trim_ascii_start().strip_prefix(b":")?.trim_ascii_start();
        let (value, behind) = behind.split_at_checked(length(behind)?)?;
        members.push((string(name)?, value.trim_ascii()));
        rest = match behind.trim_ascii_start() {
            [] => behind,
            [b',', more @ ..] => more.trim_ascii_start(),
            _ => return None,
        };
    }
    Some(members)
}

/// How long the value is that begins here.
fn length(text: &[u8]) -> Option<usize> {
    let (mut open, mut at) = (0usize, 0);
    loop {
        match text.get(at)? {
            b'"' => at += quoted(text.get(at..)?)?,
            b'{' | b'[' => (open, at) = (open + 1, at + 1),
            b'}' | b']' => (open, at) = (open.checked_sub(1)?, at + 1),
            _ => at += 1,
        }
        let ends = text.get(at).is_none_or(|next| b",:}]".contains(next) || next.is_ascii_whitespace());
        if open == 0 && ends {
            return Some(at);
        }
    }
}

/// How long the string is that begins here, with its quotes.
fn quoted(text: &[u8]) -> Option<usize> {
    let mut at = 1;
    loop {
        match text.get(at)? {
            b'"' => return Some(at + 1),
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
}

/// The content of a string.
fn string(quoted: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(quoted.strip_prefix(b"\"")?.strip_suffix(b"\"")?).ok()?;
    let mut units = Vec::with_capacity(text.len());
    let mut rest = text.chars();
    while let Some(next) = rest.next() {
        let plain = match next {
            '\\' => match rest.next()? {
                'n' => '\n',
                'r' => '\r',
                't' => '\t',
                'b' => '\u{8}',
                'f' => '\u{c}',
                'u' => {
                    let (digits, behind) = rest.as_str().split_at_checked(4)?;
                    units.push(u16::from_str_radix(digits, 16).ok()?);
                    rest = behind.chars();
                    continue;
                }
                itself => itself,
            },
            plain => plain,
        };
        units.extend_from_slice(plain.encode_utf16(&mut [0; 2]));
    }
    Some(String::from_utf16_lossy(&units))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_looked_for_is_found_among_anything_else() {
        let body = br#" { "x" : [1, {"a": "}]\""}], "partialSuccess" : { "rejectedLogRecords" : "12" ,
            "errorMessage":"\u00e9\ud83d\ude00\"\n", "rejected_spans": 3.5 , "y":{} } , "z":null } "#;
        assert_eq!(partial_success(body), Some((12, "\u{e9}\u{1f600}\"\n".to_owned())));
        let body = br#"{"partialSuccess":{"rejectedDataPoints":7}}"#;
        assert_eq!(partial_success(body), Some((7, String::new())));
        assert_eq!(partial_success(br#"{"partialSuccess":{}}"#), Some((0, String::new())));
        assert_eq!(message(br#"{"code":3,"message":"no","details":[]}"#), Some("no".into()));
    }

    #[test]
    fn what_is_no_such_answer_is_nothing() {
        for body in
            ["", "{}", "{", "[]", "null", r#"{"partialSuccess":null}"#, r#"{"partialSuccess":"}"#, "{]}"]
        {
            assert_eq!((partial_success(body.as_bytes()), message(body.as_bytes())), (None, None), "{body}");
        }
        assert_eq!(message(&[b"{\"a\":".as_slice(), &[b'['; 1 << 20]].concat()), None);
    }

    #[test]
    fn no_cut_and_no_change_of_an_answer_panics() {
        let body =
            r#"{"message":"\u00e9\ud83d\\","partialSuccess":{"rejectedSpans":"3"},"é":[{}]}"#.as_bytes();
        for length in 0..body.len() {
            message(&body[..length]);
            partial_success(&body[length..]);
            for byte in *b"\"\\{}[]:,u\xff0" {
                let mut changed = body.to_vec();
                changed[length] = byte;
                message(&changed);
                partial_success(&changed);
            }
        }
    }
}
