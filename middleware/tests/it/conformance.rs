//! Each clause of the standards is cited by the test that proves it, or told to be left out.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

const LEFT_OUT: &str = include_str!("../../conformance.md");

/// The numbers that must be accounted for: how they begin, and their last digits.
const NUMBERS: [(&str, &str); 21] = [
    ("H-00", "123456789"),
    ("H-01", "012"),
    ("H-02", "01234"),
    ("H-03", "0123456789"),
    ("H-04", "012345678"),
    ("H-05", "01234"),
    ("H-06", "01234567"),
    ("H-07", "0123456789ABCD"),
    ("H-08", "0123456789ABCDE"),
    ("H-09", "0123"),
    ("H-10", "0123456"),
    ("P-00", "123456789"),
    ("P-01", "0123456789"),
    ("P-02", "01"),
    ("P-03", "012345"),
    ("P-04", "0123456789"),
    ("P-05", "012"),
    ("P-06", "01234567"),
    ("P-07", "01234"),
    ("P-08", "01567"),
    ("P-09", "012"),
];

/// The numbers that a text has.
fn numbers(text: &str) -> BTreeSet<String> {
    let is_number = |place: &usize| {
        let number = text.as_bytes().get(*place..place + 5);
        number.is_some_and(|number| {
            (number.starts_with(b"H-") || number.starts_with(b"P-"))
                && number[2..].iter().all(|digit| matches!(digit, b'0'..=b'9' | b'A'..=b'F'))
        })
    };
    (0..text.len()).filter(is_number).map(|place| text[place..place + 5].to_owned()).collect()
}

/// All files of a folder and of those in it.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

/// The numbers in comments of tests.
fn cited() -> BTreeSet<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut cited = BTreeSet::new();
    for path in ["src", "tests/it"].into_iter().flat_map(|folder| files(&root.join(folder))) {
        let text = fs::read_to_string(&path).unwrap();
        // `tests.rs`, what is beside it in a folder `tests`, and the tests of the crate.
        let is_all_tests =
            path.ends_with("tests.rs") || path.strip_prefix(root).unwrap().iter().any(|part| part == "tests");
        let tests =
            if is_all_tests { &text[..] } else { text.split_once("#[cfg(test)]").unwrap_or_default().1 };
        let comments = tests.lines().filter_map(|line| Some(line.split_once("//")?.1));
        cited.extend(comments.flat_map(numbers));
    }
    cited
}

#[test]
fn every_clause_is_cited_by_a_test_or_told_to_be_left_out_and_none_is_both() {
    let all = NUMBERS.iter().flat_map(|(start, ends)| ends.chars().map(move |end| format!("{start}{end}")));
    let all = all.collect::<BTreeSet<_>>();
    let rows = LEFT_OUT.lines().filter_map(|line| Some(line.strip_prefix("| ")?.split_once(" |")?.0));
    let (partly, wholly) = rows.partition::<Vec<_>, _>(|row| row.ends_with(", in part"));
    let left_out = wholly.into_iter().flat_map(numbers).collect::<BTreeSet<_>>();
    let in_part = partly.into_iter().flat_map(numbers).collect::<BTreeSet<_>>();
    let cited = cited();
    let missing = all.iter().filter(|number| !cited.contains(*number) && !left_out.contains(*number));
    assert_eq!(Vec::from_iter(missing), [""; 0], "neither cited nor left out");
    assert_eq!(Vec::from_iter(cited.intersection(&left_out)), [""; 0], "both cited and left out");
    assert_eq!(
        Vec::from_iter(in_part.difference(&cited)),
        [""; 0],
        "left out in part, but not cited for the rest"
    );
    let unknown = left_out.union(&in_part).filter(|number| !all.contains(*number));
    assert_eq!(Vec::from_iter(unknown), [""; 0], "left out, but of no list");
}
