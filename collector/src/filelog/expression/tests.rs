use super::*;
use crate::filelog::entry::Map;
use proptest::prelude::*;

fn entry() -> Entry {
    let mut entry = Entry::of("2024-01-02 ERROR disk full");
    entry.attributes =
        Map::from([("stream", "stderr".into()), ("code", Value::Integer(17)), ("share", Value::Double(0.5))]);
    entry.attributes.insert("list", Value::List(vec!["a".into(), Value::Integer(2)]));
    entry.attributes.insert("map", Map::from([("k.8", "s".into())]));
    entry.resource = Map::from([("host", "blue".into())]);
    entry
}

fn value(text: &str) -> Value {
    let expression: Expression = text.parse().unwrap_or_else(|fault| panic!("{text}: {fault}"));
    expression.value(&entry()).unwrap_or_else(|fault| panic!("{text}: {fault}"))
}

fn fault(text: &str) -> String {
    match text.parse::<Expression>() {
        Ok(expression) => expression.value(&entry()).unwrap_err().to_string(),
        Err(fault) => fault.to_string(),
    }
}

#[test]
fn operators_say_what_the_language_says() {
    for text in [
        r#"body matches "^[0-9-]+ ERROR""#,
        "body contains 'disk'",
        "$ startsWith '2024'",
        "body endsWith `full`",
        "body not matches 'WARN'",
        "not (body contains 'WARN')",
        "!(body contains 'WARN') && attributes.code == 17",
        "attributes.code == 17.0",
        "attributes.code != '17'",
        "attributes.code > 16 and attributes.code >= 17 and attributes.code < 18 and attributes.code <= 17",
        "'a' < 'b'",
        "attributes.absent == nil",
        "nil == attributes['absent']",
        "attributes.absent?.deeper == nil",
        "attributes.map['k.8'] == 's'",
        "'a' in attributes.list and 2 in attributes.list and not (3 in attributes.list)",
        "'stream' in attributes",
        "'x' not in attributes.list",
        "'x' in attributes.absent == false",
        "attributes.absent matches 'x' == false",
        "attributes.absent contains 'x' or true",
        "true or attributes.absent.x",
        "false and attributes.absent.x or true",
        "attributes.list == ['a', 2]",
        "attributes.list[0] == 'a' and attributes.list[-1] == 2",
        "1 + 2 * 3 == 7 and (1 + 2) * 3 == 9 and -2 + 3 == 1 and 7 % 4 == 3",
        "3 / 2 == 1.5",
        "attributes.code > 10 ? true : attributes.absent.x",
        "(attributes.absent ?? 'x') == 'x'",
        "len('häß') == 3 and len(attributes.list) == 2 and len(resource) == 1",
        "0x10 == 16 and 1_000 == 1e3 and .5 == attributes.share",
        r#""a\tA\\" == 'a	A\\'"#,
        "hasPrefix('abc', 'ab') and hasSuffix('abc', 'bc')",
    ] {
        assert_eq!(value(text), Value::Bool(true), "{text}");
    }
}

#[test]
fn expressions_make_values() {
    for (text, expected) in [
        ("'a' + 'b' + 'c'", Value::from("abc")),
        ("string(attributes.code) + '/' + resource.host", "17/blue".into()),
        ("upper('ab') + lower('CD') + trim(' e ')", "ABcde".into()),
        ("trimPrefix('abc', 'a') + trimSuffix('abc', 'c')", "bcab".into()),
        ("replace('a.b.c', '.', '-')", "a-b-c".into()),
        ("split('a,b', ',')[1]", "b".into()),
        ("int('12') + 1", Value::Integer(13)),
        ("float('1.5')", Value::Double(1.5)),
        ("type(attributes.map)", "map".into()),
        ("attributes.map", Map::from([("k.8", "s".into())]).into()),
        ("nil", Value::Null),
    ] {
        assert_eq!(value(text), expected, "{text}");
    }
    assert_eq!(value("attributes.code == 17 ? 'yes' : 'no'"), "yes".into());
}

#[test]
fn faults_say_what_and_where() {
    for (text, words) in [
        ("", "a value is missing at the end, at byte 0"),
        ("body ==", "a value is missing at the end, at byte 7"),
        ("body == 'x", "a text is not closed, at byte 8"),
        ("body body", "body is too much, at byte 5"),
        ("(body", ") is missing, at byte 5"),
        ("boddy == 1", "boddy is unknown; there are body, attributes and resource, at byte 0"),
        (r#"body matches "\d""#, r"\d is no escape; a backslash in a text is written \\, at byte 14"),
        ("body matches attributes.x", "the pattern of matches has to be a text in quotes, at byte 13"),
        ("env('X')", "env() is not there; write ${env:NAME} in the configuration, at byte 0"),
        ("len()", "len takes another number of values than 0, at byte 0"),
        ("body.x", r#"a text has no "x""#),
        ("attributes.absent.x", r#"nil has no "x""#),
        ("attributes.list[7]", "a list of 2 has nothing at 7"),
        ("1 + 'a'", "+ has no meaning for a number and a text"),
        ("body and true", "a text is neither true nor false"),
        ("1 % 0", "a division by zero"),
        ("attributes.code matches 'x'", "matches needs a text, not a number"),
        ("body # 1", "'#' means nothing here, at byte 5"),
    ] {
        assert_eq!(fault(text), words, "{text}");
    }
    assert!(fault("nope()").starts_with("nope() is unknown; there are float, hasPrefix, "));
    assert!(fault("body matches '('").contains("\"(\" is no regular expression"));
}

#[test]
fn size_and_depth_are_bounded() {
    assert!(fault(&"(".repeat(1000)).contains("nests deeper"));
    assert!(fault(&"!".repeat(1000)).contains("nests deeper"));
    assert!(fault(&format!("1{}", "+1".repeat(1000))).contains("more than 500 parts"));
    assert!(fault(&" ".repeat(20_000)).contains("longer than 16 KiB"));
    let large = format!("replace('{}', 'a', '{0}')", "a".repeat(4000));
    assert!(fault(&large).contains("has no meaning"));
}

#[test]
fn a_template_is_a_text_with_expressions() {
    let made = |text: &str| Template::new(text).unwrap().value(&entry()).unwrap();
    assert_eq!(made("plain (text)"), "plain (text)".into());
    assert_eq!(made("EXPR(attributes.code)"), Value::Integer(17));
    assert_eq!(made("EXPR(resource.host + '(x)')"), "blue(x)".into());
    assert_eq!(made("a-EXPR(resource.host)-EXPR(attributes.stream)!"), "a-blue-stderr!".into());
    assert_eq!(made("EXPR(no end"), "EXPR(no end".into());
    let fault = Template::new("a EXPR(attributes.code)").unwrap().value(&entry()).unwrap_err();
    assert_eq!(fault.to_string(), "EXPR(…) is an integer, no text");
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in r#"([a-z$.()\[\]"'`\\?:!<>=+*/%,0-9_ -]|body|attributes|matches|and|not|in |nil){0,40}"#) {
        if let Ok(expression) = text.parse::<Expression>() {
            let _ = expression.value(&entry());
            prop_assert_eq!(expression.to_string(), text);
        }
    }

    #[test]
    fn integers_are_compared_as_they_are(one: i64, other: i64) {
        let expression: Expression = "attributes.one < attributes.other".parse().unwrap();
        let attributes = Map::from([("one", Value::Integer(one)), ("other", Value::Integer(other))]);
        let entry = Entry { attributes, ..Entry::default() };
        prop_assert_eq!(expression.truth(&entry), Ok(one < other));
    }

    #[test]
    fn a_text_is_found_where_it_is(before: String, text: String, behind: String) {
        let expression: Expression = "body contains attributes.text".parse().unwrap();
        let mut entry = Entry::of(format!("{before}{text}{behind}"));
        entry.attributes.insert("text", text);
        prop_assert_eq!(expression.truth(&entry), Ok(true));
    }
}
