use super::*;
use proptest::prelude::*;

fn lines_of(max: usize) -> Options {
    Options { max_log_size: max, ..Options::default() }
}

fn starting(pattern: &str, omit: bool) -> Options {
    Options { multiline: Some(Multiline::Start { pattern: pattern.into(), omit }), ..Options::default() }
}

fn ending(pattern: &str, omit: bool) -> Options {
    Options { multiline: Some(Multiline::End { pattern: pattern.into(), omit }), ..Options::default() }
}

/// All entries, and how many bytes they take.
fn all(options: &Options, mut data: &[u8], is_end: bool) -> (Vec<String>, usize) {
    let (cut, mut texts, mut taken) = (Cut::new(options).unwrap(), Vec::new(), 0);
    while let Some(piece) = cut.first(data, is_end) {
        assert!(piece.length > 0);
        texts.push(String::from_utf8_lossy(piece.text).into_owned());
        (data, taken) = (&data[piece.length..], taken + piece.length);
    }
    (texts, taken)
}

fn texts(options: &Options, data: &str, is_end: bool) -> Vec<String> {
    all(options, data.as_bytes(), is_end).0
}

#[test]
fn a_line_without_an_end_waits_for_it_until_nothing_more_comes() {
    let options = Options::default();
    assert_eq!(all(&options, b"one\r\n\ntwo", false), (vec!["one".into(), "".into()], 6));
    assert_eq!(texts(&options, "one\ntwo", true), ["one", "two"]);
    assert_eq!(texts(&options, "", true), [""; 0]);
}

#[test]
fn white_space_stays_where_it_is_asked_for() {
    let kept = |leading, trailing| {
        let options = Options {
            preserve_leading_whitespaces: leading,
            preserve_trailing_whitespaces: trailing,
            ..Options::default()
        };
        texts(&options, "\t a b \r\n", false)
    };
    assert_eq!(kept(false, false), ["a b"]);
    assert_eq!(kept(true, false), ["\t a b"]);
    assert_eq!(kept(false, true), ["a b "]);
    assert_eq!(kept(true, true), ["\t a b "]);
}

// B-063
#[test]
fn what_is_too_large_is_divided_and_no_character_is() {
    assert_eq!(texts(&lines_of(4), "abcd\r\nabcde\nf\n", false), ["abcd", "abcd", "e", "f"]);
    assert_eq!(all(&lines_of(4), b"abcdefgh", false), (vec!["abcd".into()], 4));
    assert_eq!(all(&lines_of(4), b"abcdefghij", false).1, 8);
    assert_eq!(texts(&lines_of(4), "aééb\n", false), ["aé", "éb"]);
    let bytes = Options { encoding: Encoding::Nop, ..lines_of(2) };
    assert_eq!(all(&bytes, "aé\n".as_bytes(), false).0.len(), 2);
}

// B-063
#[test]
fn an_entry_begins_where_a_line_matches() {
    let log = "rest\nat 1\n  a\n\nat 2\n  b\nat ";
    assert_eq!(texts(&starting("^at ", false), log, false), ["rest", "at 1\n  a", ""][..2]);
    assert_eq!(texts(&starting("^at ", false), log, true), ["rest", "at 1\n  a", "at 2\n  b", "at"]);
    assert_eq!(texts(&starting("^at ", true), log, true), ["rest", "1\n  a", "2\n  b", ""]);
    assert_eq!(texts(&starting("x*", false), "ab\n", true).concat(), "ab");
}

// B-063
#[test]
fn an_entry_ends_behind_what_matches() {
    let log = "select 1;\nselect\n 2;\nselect";
    assert_eq!(texts(&ending(";\n", false), log, false), ["select 1;", "select\n 2;"]);
    assert_eq!(texts(&ending(";\n", true), log, true), ["select 1", "select\n 2", "select"]);
    // It could go on.
    assert_eq!(texts(&ending(";+", false), "a;", false), [""; 0]);
}

#[test]
fn a_pattern_that_is_none_is_told() {
    let fault = Cut::new(&starting("(", false)).err().unwrap().to_string();
    assert_eq!(fault, "the file log file_log: the pattern \"(\" is no regular expression: unclosed group");
}

/// In the order, with a mark.
fn wide(text: &str, order: Order) -> Vec<u8> {
    let bytes = |unit: u16| if order == Order::Little { unit.to_le_bytes() } else { unit.to_be_bytes() };
    text.encode_utf16().flat_map(bytes).collect()
}

// B-063
#[test]
fn lines_of_utf_16_are_cut_between_units() {
    for (order, encoding) in [(Order::Little, Encoding::Utf16Le), (Order::Big, Encoding::Utf16Be)] {
        let cut = |max, data: &[u8], is_end| {
            let options = Options { encoding, max_log_size: max, ..Options::default() };
            let (cut, mut rest, mut texts) = (Cut::new(&options).unwrap(), data, Vec::new());
            while let Some(piece) = cut.first(rest, is_end) {
                texts.push(order.text(piece.text));
                rest = &rest[piece.length..];
            }
            (texts, rest.len())
        };
        let text =
            |texts: &[&str], rest| (texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>(), rest);
        // Of those letters one byte is that of a line feed.
        let data = wide("\u{feff}one\r\n \u{0a0a}\u{010a}\u{0a01} \n\n\u{1f600}two", order);
        assert_eq!(cut(1000, &data, false), text(&["one", "\u{0a0a}\u{010a}\u{0a01}", ""], 10));
        assert_eq!(cut(1000, &data, true), text(&["one", "\u{0a0a}\u{010a}\u{0a01}", "", "\u{1f600}two"], 0));
        assert_eq!(cut(1000, &data[..data.len() - 1], true).1, 1);
        // No letter is divided, though it has two units.
        assert_eq!(cut(6, &wide("ab\u{1f600}c\n", order), false), text(&["ab", "\u{1f600}c"], 0));
        assert_eq!(cut(1, &wide("ab", order), true), text(&["a", "b"], 0));
        assert_eq!(order.text(&[0xd8, 0xd8]), "\u{fffd}");
        let options = Options { encoding, ..starting("^a", false) };
        let fault = Cut::new(&options).err().unwrap().to_string();
        assert_eq!(
            fault,
            "the file log file_log: multiline is for lines in UTF-8; use recombine for those in UTF-16"
        );
    }
}

proptest! {
    #[test]
    fn every_byte_is_in_one_entry(
        data in prop::collection::vec(prop_oneof![Just(b'\n'), Just(b'a'), Just(b';'), any::<u8>()], 0..60),
        max in 1usize..8, rule in 0..4,
    ) {
        let multiline = match rule {
            0 | 3 => None,
            1 => Some(Multiline::Start { pattern: "^a".into(), omit: false }),
            _ => Some(Multiline::End { pattern: ";".into(), omit: false }),
        };
        let options = Options {
            multiline, max_log_size: max, encoding: if rule == 3 { Encoding::Utf16Le } else { Encoding::Nop },
            preserve_leading_whitespaces: true, preserve_trailing_whitespaces: true, ..Options::default()
        };
        let (cut, mut rest, mut whole) = (Cut::new(&options).unwrap(), &data[..], Vec::new());
        while let Some(piece) = cut.first(rest, true) {
            prop_assert!(piece.text.len() <= max + 3);
            whole.extend_from_slice(&rest[..piece.length]);
            rest = &rest[piece.length..];
        }
        // Of the last unit one half.
        whole.extend_from_slice(rest);
        prop_assert!(rest.len() <= usize::from(rule == 3));
        prop_assert_eq!(whole, data);
    }
}
