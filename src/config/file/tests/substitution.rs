//! B-091: types are decided after substitution, and nothing can be injected.

use crate::config::file::document::{Flaw, Node, Value, parse};

fn read(text: &str) -> Result<Node, Vec<Flaw>> {
    parse(text, &|name| {
        let value = match name {
            "BOOL" => "true",
            "INT" => "1",
            "FLOAT" => "1.1",
            "HEX" => "0xdeadbeef",
            "WORD" => "value",
            "NULL" => "null",
            "MAP" => "value\nkey:value",
            "LIST" => "[a, b]",
            "REFERENCE" => "${WORD}",
            "ANCHOR" => "*anchor",
            _ => return None,
        };
        Some(value.to_owned())
    })
}

/// One value: its text, truth, integer, number.
fn value(text: &str) -> (Option<String>, Option<bool>, Option<i64>, Option<f64>) {
    let root = read(&format!("key: {text}\n")).unwrap();
    let Some(node) = root.get("key") else { return (None, None, None, None) };
    assert_eq!(node.list(), None);
    (node.text().map(str::to_owned), node.boolean(), node.integer(), node.number())
}

#[test]
fn a_plain_value_has_the_type_of_what_replaced_it_and_a_quoted_one_is_text() {
    let text = |text: &str| (Some(text.to_owned()), None, None, None);
    for (written, meant) in [
        ("${BOOL}", (Some("true".into()), Some(true), None, None)),
        ("${INT}", (Some("1".into()), None, Some(1), Some(1.0))),
        ("${FLOAT}", (Some("1.1".into()), None, None, Some(1.1))),
        ("${HEX}", (Some("0xdeadbeef".into()), None, Some(0xdead_beef), Some(3_735_928_559.0))),
        ("${INT}0", (Some("10".into()), None, Some(10), Some(10.0))),
        ("${UNDEFINED:-7}", (Some("7".into()), None, Some(7), Some(7.0))),
        ("0o17", (Some("0o17".into()), None, Some(15), Some(15.0))),
        ("-3", (Some("-3".into()), None, Some(-3), Some(-3.0))),
        ("1e3", (Some("1e3".into()), None, None, Some(1000.0))),
        (".5", (Some(".5".into()), None, None, Some(0.5))),
        ("-.inf", (Some("-.inf".into()), None, None, Some(f64::NEG_INFINITY))),
        ("!!int '3'", (Some("3".into()), None, Some(3), Some(3.0))),
        ("${UNDEFINED}", (None, None, None, None)),
        ("${NULL}", (None, None, None, None)),
        ("~", (None, None, None, None)),
        ("", (None, None, None, None)),
        ("\"${UNDEFINED}\"", text("")),
        ("\"${NULL}\"", text("null")),
        ("'${BOOL}'", text("true")),
        ("\"${INT}\"", text("1")),
        ("!!str ${INT}", text("1")),
        ("|-\n  ${INT}", text("1")),
        (">-\n  ${WORD}\n  ${INT}", text("value 1")),
        ("yes", text("yes")),
        ("infinity", text("infinity")),
        ("nan", text("nan")),
        ("0x", text("0x")),
        ("0x-1", text("0x-1")),
        ("1_000", text("1_000")),
        ("foo ${WORD} ${FLOAT}", text("foo value 1.1")),
        ("$${WORD}", text("${WORD}")),
        ("\"\\u0024{WORD}\"", text("value")),
    ] {
        assert_eq!(value(written), meant, "{written:?}");
    }
}

#[test]
fn what_a_variable_holds_becomes_neither_structure_nor_reference_nor_alias() {
    let text = |written| value(written).0.unwrap();
    assert_eq!(text("${MAP}"), "value\nkey:value");
    assert_eq!(text("${LIST}"), "[a, b]");
    assert_eq!(text("${REFERENCE}"), "${WORD}");
    assert_eq!(text("${ANCHOR}"), "*anchor");
}

#[test]
fn keys_are_as_they_are_written() {
    let root = read("'${WORD}': ${WORD}\n").unwrap();
    let Value::Mapping(entries) = &root.value else { panic!("{root:?}") };
    let entries: Vec<_> = entries.iter().map(|entry| (entry.key.as_str(), entry.node.text())).collect();
    assert_eq!(entries, [("${WORD}", Some("value"))]);
}

#[test]
fn every_false_reference_is_told_with_its_line_and_there_is_no_result() {
    let flaws = read("a: ${WORD}\nb: ${1}\nc:\n  - x\n  - '${WORD:?no}'\n").unwrap_err();
    let fault = "has a ${…} that is no reference; write ${NAME}, ${NAME:-default}, or $$ for a dollar sign";
    assert_eq!(flaws, [Flaw::new(2, fault), Flaw::new(5, fault)]);
}
