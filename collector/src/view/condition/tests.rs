use super::*;
use proptest::prelude::*;
use std::collections::BTreeMap;

/// Fields by name; texts are values that were sent.
struct Thing(BTreeMap<&'static str, Value>);

impl Subject for Thing {
    fn field(&self, name: &str) -> Option<Known<'_>> {
        match name {
            "duration" => Some(Known::Nanos(60_000_000)),
            "count" => Some(Known::Number(4.0)),
            "name" => Some(Known::Text("GET /users/{id}".into())),
            _ => self.0.get(name).map(Known::Sent),
        }
    }

    fn contains(&self, text: &str) -> bool {
        self.0.values().any(|value| found(&value.to_string(), text))
    }
}

fn thing() -> Thing {
    Thing(BTreeMap::from([
        ("http.route", Value::Text("/users/{id}".to_owned())),
        ("code", Value::Int(404)),
        ("big", Value::Int(i64::MAX)),
        ("ratio", Value::Double(0.5)),
        ("flag", Value::Bool(true)),
        ("written", Value::Text("20".to_owned())),
        ("list", Value::Array(vec![Value::Text("Ärger".to_owned()), Value::Int(7)])),
    ]))
}

#[test]
fn words_hold_as_the_language_says() {
    for words in [
        "",
        "http.route = \"/users/{id}\" and duration > 50ms",
        "http.route=/users/{id} duration<=0.06s",
        "code >= 400 and code < 500",
        "code = 404.0 and code = 404",
        "big = 9223372036854775807",
        "flag = true and ratio < 1",
        "written > 3",
        "count = 4 and count != 5",
        "list = 7 and list ~ ärg",
        "USERS",
        "ärger or nothing",
        "not code = 200",
        "code != 200",
        "not absent = 1",
        "has code and not has absent",
        "(code = 1 or code = 404) AND NOT (duration > 1h)",
        "name ~ users 'ser'",
        "\"http.route\" !~ items",
        "code ~ 40",
    ] {
        assert!(Condition::parse(words).unwrap().holds(&thing()), "{words}");
    }
    for words in [
        "absent = 1",
        "absent != 1",
        "absent !~ 1",
        "code = 40",
        "big = 9223372036854775806",
        "http.route = /USERS/{id}",
        "flag = 1",
        "duration > 60ms",
        "users and nothing",
        "not users",
        "\"and\"",
        "ratio > 1",
        "written > 100",
    ] {
        assert!(!Condition::parse(words).unwrap().holds(&thing()), "{words}");
    }
}

#[test]
fn and_binds_tighter_than_or_and_may_be_left_out() {
    let text = |text: &str| Condition::Text(text.to_owned());
    let expected =
        Condition::Any(vec![text("a"), Condition::All(vec![text("b"), Condition::Not(Box::new(text("c")))])]);
    for words in ["a or b and not c", "a or b not c", "a OR (b AND (not (c)))", "'a' or (b \"c\" )"] {
        let parsed = Condition::parse(words).unwrap();
        assert_eq!(parsed == expected, !words.contains('\''), "{words}: {parsed:?}");
    }
}

#[test]
fn faults_say_where_what_and_the_way_out() {
    let told = |words: &str| Condition::parse(words).unwrap_err().to_string();
    for (words, expected) in [
        ("duration > 50", "at character 12: 50 is no duration; write it with its unit, such as 50ms"),
        ("é = ", "at character 5: é is compared with nothing; write a value behind the operator"),
        ("code == 4", "at character 6: == is no operator; use = != < <= > >= ~ or !~"),
        ("a \"b", "at character 3: this text has no end; close it with \""),
        ("(a or (b)", "at character 1: this ( has no end; close it with )"),
        ("a)", "at character 2: this ) closes nothing; leave it out or put it in quotation marks"),
        (
            "a or",
            "at character 5: something is missing here: a text, or a field with an operator and a value",
        ),
        ("or a", "at character 1: something is missing before or"),
        ("a and and b", "at character 7: something is missing before and"),
        ("()", "at character 2: something is missing before )"),
        ("> 4", "at character 1: the name of a field is missing before the operator, such as duration"),
        ("has", "at character 4: has needs the name of a field, such as has db.system.name"),
        (&"not ".repeat(40), "at character 129: this is too deep; use fewer parentheses and not"),
        (&"(".repeat(40), "at character 33: this is too deep; use fewer parentheses and not"),
        (&"a".repeat(1001), "at character 1001: a search has at most 1000 characters"),
    ] {
        assert_eq!(told(words), expected, "{words}");
    }
}

#[test]
fn durations_have_a_unit() {
    let all = ["1ns", "1.5us", "2µs", "3ms", "0.25s", "2m", "1h"].map(nanos);
    let expected = [1, 1500, 2000, 3_000_000, 250_000_000, 120_000_000_000, 3_600_000_000_000].map(Some);
    assert_eq!(all, expected);
    assert_eq!(["", "5", "ms", "5 ms", "-5ms", "1.1.1s", "5d", "1e3s"].map(nanos), [None; 8]);
    assert_eq!(nanos("99999999999999999999999h"), Some(u64::MAX));
}

/// A condition in words.
fn written(condition: &Condition) -> String {
    let quoted = |text: &str| format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""));
    let joined = |all: &[Condition], word: &str| all.iter().map(written).collect::<Vec<_>>().join(word);
    match condition {
        Condition::All(all) => format!("({})", joined(all, " and ")),
        Condition::Any(any) => format!("({})", joined(any, " or ")),
        Condition::Not(not) => format!("not {}", written(not)),
        Condition::Text(text) => quoted(text),
        Condition::Has(field) => format!("has {}", quoted(field)),
        Condition::Compare(field, operator, literal) => {
            let (sign, _) = [
                ("=", Operator::Equal),
                ("!=", Operator::NotEqual),
                ("<", Operator::Less),
                ("<=", Operator::AtMost),
                (">", Operator::More),
                (">=", Operator::AtLeast),
                ("~", Operator::Contains),
                ("!~", Operator::ContainsNot),
            ]
            .into_iter()
            .find(|(_, known)| known == operator)
            .unwrap();
            format!("{}{sign}{}", quoted(field), quoted(&literal.text))
        }
    }
}

fn conditions() -> impl Strategy<Value = Condition> {
    let literal = "[a-z0-9 \"\\\\é]{0,6}".prop_map(Literal::from);
    let operator = proptest::sample::select(vec![
        Operator::Equal,
        Operator::NotEqual,
        Operator::Less,
        Operator::AtLeast,
        Operator::Contains,
        Operator::ContainsNot,
    ]);
    let leaf = prop_oneof![
        "[a-z \"\\\\é()=]{1,6}".prop_map(Condition::Text),
        "[a-z.]{1,6}".prop_map(Condition::Has),
        ("[a-c.]{1,6}", operator, literal)
            .prop_map(|(field, operator, literal)| Condition::Compare(field, operator, literal)),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 2..4).prop_map(Condition::All),
            proptest::collection::vec(inner.clone(), 2..4).prop_map(Condition::Any),
            inner.prop_map(|one| Condition::Not(Box::new(one))),
        ]
    })
}

proptest! {
    #[test]
    fn what_is_written_means_what_was_meant(condition in conditions()) {
        let words = written(&condition);
        prop_assume!(words.len() <= 1000);
        prop_assert_eq!(Condition::parse(&words), Ok(condition), "{}", words);
    }

    #[test]
    fn no_words_are_too_much(words in "[a-z\"'()=<>!~ \\\\é.0-9]{0,60}") {
        match Condition::parse(&words) {
            Ok(condition) => {
                condition.holds(&thing());
            }
            Err(fault) => prop_assert!(fault.at <= words.chars().count()),
        }
    }
}
