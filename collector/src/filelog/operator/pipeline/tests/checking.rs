use super::*;

#[test]
fn all_that_is_wrong_is_told_of_each_operator() {
    let condition = Operator { condition: Some("body ==".into()), ..with_id("same", Task::Noop) };
    let regex = Task::Regex { regex: "(".into(), cache: 0, parse: Parse::default() };
    let operators =
        [with_id("same", Task::Noop), to("nowhere", condition), regex.into(), to("same", Task::Noop.into())];
    let told: Vec<(usize, String)> =
        Pipeline::check(&operators).into_iter().map(|fault| (fault.operator, fault.reason)).collect();
    let expected = [
        (1, r#"the id "same" stands twice; give it another one"#),
        (1, r#"the output "nowhere" is no operator; there are same, same, regex_parser, noop"#),
        (1, r#""body ==": a value is missing at the end, at byte 7"#),
        (2, r#""(" is no regular expression: unclosed group"#),
    ];
    assert_eq!(told, expected.map(|(operator, reason)| (operator, reason.to_owned())));
    assert_eq!(operators[2].check().unwrap_err(), expected[3].1);
    // Who goes back is told when all else is right.
    let told = Pipeline::check(&[with_id("a", Task::Noop), to("a", Task::Noop.into())]);
    assert_eq!(told, [Fault { operator: 0, reason: "entries of a would come back to it".to_owned() }]);
}
