use super::*;

#[test]
fn lines_of_state_are_joined_in_order() {
    // P-040, P-041, P-042, P-047
    let longest = format!("{}=1", "k".repeat(256));
    let tenant = format!("{}@v=1", "t".repeat(242));
    let vendor = format!("t@{}=1", "v".repeat(15));
    let characters = format!("foo={}", (' '..='~').filter(|char| !",=".contains(*char)).collect::<String>());
    for (lines, expected) in [
        (vec!["foo=1"], "foo=1"),
        (vec!["foo=1,bar=2", "rojo=1,congo=2", "baz=3"], "foo=1,bar=2,rojo=1,congo=2,baz=3"),
        (vec!["foo=1", ""], "foo=1"),
        (vec!["", "foo=1"], "foo=1"),
        (vec!["a=1,,b=2", " \t "], "a=1,b=2"),
        (vec!["foo=1 \t , \t bar=2, \t baz=3"], "foo=1,bar=2,baz=3"),
        (vec!["k= v"], "k= v"),
        (vec!["foo=1,foo=1", "foo=2,bar=3"], "foo=1,bar=3"),
        // P-044
        (vec!["foo@=1,foo@@bar=2,foo@bar@baz=3"], "foo@=1,foo@@bar=2,foo@bar@baz=3"),
        (
            vec!["0a=1,abcdefghijklmnopqrstuvwxyz0123456789_-*/@=2"],
            "0a=1,abcdefghijklmnopqrstuvwxyz0123456789_-*/@=2",
        ),
        (vec![&longest], &longest),
        (vec![&tenant, &vendor], &format!("{tenant},{vendor}")),
        (vec![&characters], &characters),
    ] {
        let lines = lines.iter().map(|line| ("tracestate", *line)).chain([("traceparent", VALID)]);
        let outgoing = pass(&headers(lines));
        assert_eq!(parent_of(&outgoing)[1], TRACE);
        assert_eq!(state_of(&outgoing), [expected]);
    }
}

#[test]
fn a_state_that_is_not_valid_is_dropped_whole_and_the_trace_goes_on() {
    // P-019, P-041, P-043, P-045
    let long_key = format!("{}=1", "k".repeat(257));
    let long_value = format!("k={}", "v".repeat(257));
    let huge = "k=v,".repeat(16 * 1024) + "=";
    for state in [
        "foo =1",
        "FOO=1",
        "foo.bar=1",
        "@foo=1,bar=2",
        "bar=2,@foo=1",
        "foo=bar=baz",
        "foo=",
        "foo=,bar=3",
        "foo",
        "=1",
        "é=1",
        "k=é",
        "k=a\tb",
        "",
        " , ",
        &long_key,
        &long_value,
        &huge,
    ] {
        let outgoing = pass(&headers([("traceparent", VALID), ("tracestate", state)]));
        assert_eq!(parent_of(&outgoing)[1], TRACE, "{state}");
        assert!(state_of(&outgoing).is_empty(), "{state}");
    }
    let unreadable = pass(&headers([
        ("traceparent", VALID.as_bytes()),
        ("tracestate", b"foo=1"),
        ("tracestate", b"bar=\xff"),
    ]));
    assert!(state_of(&unreadable).is_empty());
}

#[test]
fn thirty_two_members_pass_and_thirty_three_do_not() {
    // P-046, P-049
    let lines = |count: usize| {
        let lines = (0..count).map(|index| ("tracestate", format!("key{index:03}={}", "v".repeat(60))));
        headers(lines.chain([("traceparent", VALID.to_owned())]))
    };
    let outgoing = pass(&lines(32));
    assert_eq!(state_of(&outgoing)[0].split(',').count(), 32);
    assert!(state_of(&outgoing)[0].len() > 512);
    assert!(state_of(&pass(&lines(33))).is_empty());
}

#[test]
fn a_member_that_a_sampler_adds_goes_to_the_left_and_no_other_is_lost() {
    // P-048
    let incoming = headers([("traceparent", VALID), ("tracestate", "a=1,foo@@bar=2,c=3")]);
    let context = TraceContext::default().extract_with_context(&Context::new(), &HeaderExtractor(&incoming));
    let span = context.span().span_context().clone();
    assert_eq!(span.trace_state().header(), "a=1,c=3");
    let state = span.trace_state().insert("ot", "th:8").unwrap();
    let span = SpanContext::new(span.trace_id(), SpanId::from(7), span.trace_flags(), false, state);
    let outgoing = inject(&context.with_remote_span_context(span));
    assert_eq!(state_of(&outgoing), ["ot=th:8,a=1,c=3,foo@@bar=2"]);
}

#[test]
fn a_member_that_is_added_to_thirty_two_drops_the_right_most() {
    // P-046, P-048
    let members = |range: std::ops::Range<usize>| Vec::from_iter(range.map(|index| format!("k{index}=1")));
    let state = [members(0..31), vec!["hidden@@=1".to_owned()]].concat().join(",");
    let incoming = headers([("traceparent", VALID), ("tracestate", &state)]);
    let context = TraceContext::default().extract_with_context(&Context::new(), &HeaderExtractor(&incoming));
    let span = context.span().span_context().clone();
    let state = span.trace_state().insert("ot", "th:8").unwrap();
    let span = SpanContext::new(span.trace_id(), SpanId::from(7), span.trace_flags(), false, state);
    let outgoing = inject(&context.with_remote_span_context(span));
    assert_eq!(state_of(&outgoing), [[vec!["ot=th:8".to_owned()], members(0..31)].concat().join(",")]);
}
