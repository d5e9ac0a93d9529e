//! Where the JSON objects are in a file with one or many of them, and perhaps with other lines between.

use serde::de::IgnoredAny;

/// What every line with telemetry begins with, wherever on it.
const START: &[u8] = b"{\"resource";

/// The objects of a file, in their order.
pub(super) struct Documents<'a> {
    file: &'a [u8],
    at: usize,
    passed_over: u64,
    /// Whether an object may go over several lines: not where one turned out to be none, or each line would be searched
    /// to the end of the file.
    is_over_lines: bool,
    /// The end of the last line in which something was looked for behind its beginning, which is done once.
    searched: usize,
}

impl<'a> Documents<'a> {
    pub(super) fn of(file: &'a [u8]) -> Self {
        let at = if file.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 };
        Documents { file, at, passed_over: 0, is_over_lines: true, searched: 0 }
    }

    /// How many lines had no object.
    pub(super) fn passed_over(&self) -> u64 {
        self.passed_over
    }

    /// The object that begins here; `None`: none does.
    fn object(&mut self) -> Option<&'a [u8]> {
        let rest = self.file.get(self.at..)?;
        let line = rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len());
        if let Some(length) = length(rest.get(..line)?) {
            return rest.get(..length);
        }
        if !self.is_over_lines {
            return None;
        }
        let object = length(rest).and_then(|length| rest.get(..length));
        let is_one = |object: &&[u8]| serde_json::from_slice::<IgnoredAny>(object).is_ok();
        let object = object.filter(is_one);
        self.is_over_lines = object.is_some();
        object
    }

    /// Goes on behind a line without an object at its beginning.
    fn pass(&mut self) {
        let rest = self.file.get(self.at..).unwrap_or_default();
        let line = rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len());
        let inside = rest.get(1..line).unwrap_or_default();
        let mut starts = inside.windows(START.len());
        let end = self.at + line;
        match starts.position(|window| window == START).filter(|_| self.searched < end) {
            Some(place) => {
                self.searched = end;
                self.at += place + 1;
            }
            None => {
                self.passed_over += 1;
                self.at = end;
            }
        }
    }
}

impl<'a> Iterator for Documents<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        loop {
            match self.file.get(self.at)? {
                b' ' | b'\t' | b'\r' | b'\n' | b',' | b'[' | b']' => self.at += 1,
                b'{' => match self.object() {
                    Some(object) => {
                        self.at += object.len();
                        return Some(object);
                    }
                    None => self.pass(),
                },
                _ => self.pass(),
            }
        }
    }
}

/// How long the object is that a text begins with; `None`: it does not end.
fn length(text: &[u8]) -> Option<usize> {
    let (mut depth, mut is_text, mut is_escaped) = (0_usize, false, false);
    for (at, byte) in text.iter().enumerate() {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' if is_text => is_escaped = true,
            b'"' => is_text = !is_text,
            b'{' if !is_text => depth += 1,
            b'}' if !is_text => {
                depth = depth.checked_sub(1)?;
                if depth == 0 {
                    return Some(at + 1);
                }
            }
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn found(file: &str) -> (Vec<String>, u64) {
        let mut documents = Documents::of(file.as_bytes());
        let all = documents.by_ref().map(|it| String::from_utf8_lossy(it).into_owned()).collect();
        (all, documents.passed_over())
    }

    #[test]
    fn objects_are_found_in_lines_in_lists_and_over_lines() {
        let both = (vec![r#"{"a":"}\""}"#.to_owned(), r#"{"b":{}}"#.to_owned()], 0);
        for file in [
            "{\"a\":\"}\\\"\"}\n{\"b\":{}}\n",
            "[{\"a\":\"}\\\"\"},{\"b\":{}}]",
            "\u{feff} [\n {\"a\":\"}\\\"\"} ,\r\n{\"b\":{}}\n]\n",
            "{\"a\":\"}\\\"\"}{\"b\":{}}",
        ] {
            assert_eq!(found(file), both, "{file}");
        }
        assert_eq!(
            found("{\n  \"a\": [\n 1\n]\n}\n{\"b\":2}"),
            (vec!["{\n  \"a\": [\n 1\n]\n}".into(), "{\"b\":2}".into()], 0)
        );
    }

    #[test]
    fn other_lines_are_passed_over_and_what_stands_before_a_request_too() {
        let file = "listening on 8080\n{ not an object\n[2026-11-21] INFO {}\nfront-1  | {\"resourceSpans\":[]}\n{\"c\":1}\n";
        assert_eq!(found(file), (vec!["{\"resourceSpans\":[]}".into(), "{\"c\":1}".into()], 3));
        assert_eq!(found("{\"torn\": \"of"), (vec![], 1));
    }

    #[test]
    fn a_file_of_braces_is_read_once() {
        let file = "{\"\n".repeat(200_000);
        assert_eq!(found(&file), (vec![], 200_000));
        assert_eq!(found(&"{\"resource".repeat(200_000)), (vec![], 1));
    }

    proptest! {
        #[test]
        fn whatever_the_file_is_it_is_read_to_its_end(file in "[\\[\\]{}\",\\\\a\n]{0,60}") {
            let (objects, _) = found(&file);
            let is_one = |object: &String| object.starts_with('{') && object.ends_with('}');
            prop_assert!(objects.iter().all(is_one));
            prop_assert!(objects.iter().map(String::len).sum::<usize>() <= file.len());
        }
    }
}
