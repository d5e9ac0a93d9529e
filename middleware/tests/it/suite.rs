//! The 41 cases of the W3C validation suite (`SPEC_LEVEL=2 STRICT_LEVEL=2`), each by its name there: what is
//! sent to a service, and what arrives at the service that it calls.

use std::collections::BTreeSet;

use crate::{
    propagation::{Chain, TRACE, parent},
    support::{Telemetry, lines},
};

const SPAN: &str = "1234567890123456";

/// What becomes of a request.
enum Outcome {
    /// Its trace is continued, and this is the state.
    Continues(String),
    /// A new trace begins, without a state.
    Begins,
}

use Outcome::{Begins, Continues};

/// Header lines, and what becomes of them.
type Sent = (Vec<(&'static str, String)>, Outcome);

fn continues(state: &str) -> Outcome {
    Continues(state.to_owned())
}

/// A `traceparent` alone.
fn sole(line: impl Into<String>, outcome: Outcome) -> Sent {
    (vec![("traceparent", line.into())], outcome)
}

/// Lines of `tracestate` behind a valid `traceparent`.
fn state<const N: usize>(states: [&str; N], outcome: Outcome) -> Sent {
    let first = [("traceparent", format!("00-{TRACE}-{SPAN}-00"))];
    (first.into_iter().chain(states.map(|line| ("tracestate", line.to_owned()))).collect(), outcome)
}

/// A line under another name behind a valid `traceparent`.
fn named(name: &'static str, line: &str, outcome: Outcome) -> Sent {
    (vec![("traceparent", format!("00-{TRACE}-{SPAN}-00")), (name, line.to_owned())], outcome)
}

fn parents() -> Vec<(&'static str, Vec<Sent>)> {
    let valid = format!("00-{TRACE}-{SPAN}-01");
    let other = format!("00-{}1-{SPAN}-01", &TRACE[1..]);
    let of = |name, outcome| (vec![(name, valid.clone())], outcome);
    let begins = |line: String| sole(line, Begins);
    vec![
        ("both_traceparent_and_tracestate_missing", vec![(vec![], Begins)]),
        ("traceparent_included_tracestate_missing", vec![sole(&valid, continues(""))]),
        (
            "traceparent_duplicated",
            vec![(vec![("traceparent", other), ("traceparent", valid.clone())], Begins)],
        ),
        ("traceparent_header_name", vec![of("trace-parent", Begins), of("trace.parent", Begins)]),
        (
            "traceparent_header_name_valid_casing",
            ["TraceParent", "TrAcEpArEnT", "TRACEPARENT"].map(|name| of(name, continues(""))).into(),
        ),
        (
            "traceparent_version_0x00",
            vec![begins(format!("{valid}.")), begins(format!("{valid}-what-the-future-will-be-like"))],
        ),
        (
            "traceparent_version_0xcc",
            vec![
                sole(format!("cc-{TRACE}-{SPAN}-01"), continues("")),
                sole(format!("cc-{TRACE}-{SPAN}-01-what-the-future-will-be-like"), continues("")),
                begins(format!("cc-{TRACE}-{SPAN}-01.what-the-future-will-be-like")),
            ],
        ),
        ("traceparent_version_0xff", vec![begins(format!("ff-{TRACE}-{SPAN}-01"))]),
        (
            "traceparent_version_illegal_characters",
            vec![begins(format!(".0-{TRACE}-{SPAN}-01")), begins(format!("0.-{TRACE}-{SPAN}-01"))],
        ),
        (
            "traceparent_version_too_long",
            vec![begins(format!("000-{TRACE}-{SPAN}-01")), begins(format!("0000-{TRACE}-{SPAN}-01"))],
        ),
        ("traceparent_version_too_short", vec![begins(format!("0-{TRACE}-{SPAN}-01"))]),
        ("traceparent_trace_id_all_zero", vec![begins(format!("00-{}-{SPAN}-01", "0".repeat(32)))]),
        (
            "traceparent_trace_id_illegal_characters",
            vec![
                begins(format!("00-.{}-{SPAN}-01", &TRACE[1..])),
                begins(format!("00-{}.-{SPAN}-01", &TRACE[..31])),
            ],
        ),
        ("traceparent_trace_id_too_long", vec![begins(format!("00-{TRACE}3-{SPAN}-01"))]),
        ("traceparent_trace_id_too_short", vec![begins(format!("00-{}-{SPAN}-01", &TRACE[..31]))]),
        ("traceparent_parent_id_all_zero", vec![begins(format!("00-{TRACE}-{}-01", "0".repeat(16)))]),
        (
            "traceparent_parent_id_illegal_characters",
            vec![
                begins(format!("00-{TRACE}-.{}-01", &SPAN[1..])),
                begins(format!("00-{TRACE}-{}.-01", &SPAN[..15])),
            ],
        ),
        ("traceparent_parent_id_too_long", vec![begins(format!("00-{TRACE}-{SPAN}7-01"))]),
        ("traceparent_parent_id_too_short", vec![begins(format!("00-{TRACE}-{}-01", &SPAN[..15]))]),
        (
            "traceparent_trace_flags_illegal_characters",
            vec![begins(format!("00-{TRACE}-{SPAN}-.0")), begins(format!("00-{TRACE}-{SPAN}-0."))],
        ),
        ("traceparent_trace_flags_too_long", vec![begins(format!("00-{TRACE}-{SPAN}-001"))]),
        ("traceparent_trace_flags_too_short", vec![begins(format!("00-{TRACE}-{SPAN}-1"))]),
        (
            "traceparent_ows_handling",
            [(" ", ""), ("\t", ""), ("", " "), ("", "\t"), ("\t ", " \t")]
                .map(|(before, after)| sole(format!("{before}{valid}{after}"), continues("")))
                .into(),
        ),
        ("propagates_random_flag", vec![sole(format!("00-{TRACE}-{SPAN}-02"), continues(""))]),
    ]
}

fn states() -> Vec<(&'static str, Vec<Sent>)> {
    let letters = String::from_iter('a'..='z');
    let key = format!("{letters}0123456789_-*/");
    let value = String::from_iter((' '..='~').filter(|char| !",=".contains(*char)));
    let (simple, vendor) = (format!("{key}={value}"), format!("{key}@a-z0-9_-*/={value}"));
    let members = |range: std::ops::RangeInclusive<u8>| {
        Vec::from_iter(range.map(|number| format!("bar{number:02}={number:02}"))).join(",")
    };
    let all = [1..=10, 11..=20, 21..=30].map(members);
    let [first, second, third] = all.each_ref().map(String::as_str);
    let long = |key: String| {
        let line = format!("{key}=1");
        let expected = if key.len() > 256 { continues("") } else { Continues(format!("foo=1,{line}")) };
        state(["foo=1", &line], expected)
    };
    vec![
        (
            "tracestate_included_traceparent_missing",
            ["foo=1", "foo=1,bar=2"].map(|line| (vec![("tracestate", line.to_owned())], Begins)).into(),
        ),
        ("tracestate_included_traceparent_included", vec![state(["foo=1,bar=2"], continues("foo=1,bar=2"))]),
        (
            "tracestate_header_name",
            ["trace-state", "trace.state"].map(|name| named(name, "foo=1", continues(""))).into(),
        ),
        (
            "tracestate_header_name_valid_casing",
            ["TraceState", "TrAcEsTaTe", "TRACESTATE"]
                .map(|name| named(name, "foo=1", continues("foo=1")))
                .into(),
        ),
        (
            "tracestate_empty_header",
            vec![
                state([""], continues("")),
                state(["foo=1", ""], continues("foo=1")),
                state(["", "foo=1"], continues("foo=1")),
            ],
        ),
        (
            "tracestate_multiple_headers_different_keys",
            vec![state(
                ["foo=1,bar=2", "rojo=1,congo=2", "baz=3"],
                continues("foo=1,bar=2,rojo=1,congo=2,baz=3"),
            )],
        ),
        (
            "tracestate_duplicated_keys",
            vec![
                state(["foo=1,foo=1"], continues("foo=1")),
                state(["foo=1,foo=2"], continues("foo=1")),
                state(["foo=1", "foo=1"], continues("foo=1")),
                state(["foo=1", "foo=2"], continues("foo=1")),
            ],
        ),
        (
            "tracestate_all_allowed_characters",
            vec![state([&simple], continues(&simple)), state([&vendor], continues(&vendor))],
        ),
        (
            "tracestate_ows_handling",
            [
                ("foo=1 \t , \t bar=2, \t baz=3", "foo=1,bar=2,baz=3"),
                ("foo=1\t \t,\t \tbar=2,\t \tbaz=3", "foo=1,bar=2,baz=3"),
                (" foo=1", "foo=1"),
                ("\tfoo=1", "foo=1"),
                ("foo=1 ", "foo=1"),
                ("foo=1\t", "foo=1"),
                ("\t foo=1 \t", "foo=1"),
            ]
            .map(|(line, expected)| state([line], continues(expected)))
            .into(),
        ),
        (
            "tracestate_key_illegal_characters",
            ["foo =1", "FOO=1", "foo.bar=1"].map(|line| state([line], continues(""))).into(),
        ),
        (
            "tracestate_key_illegal_vendor_format",
            [
                ("foo@=1,bar=2", "foo@=1,bar=2"),
                ("@foo=1,bar=2", ""),
                ("foo@@bar=1,bar=2", "foo@@bar=1,bar=2"),
                ("foo@bar@baz=1,bar=2", "foo@bar@baz=1,bar=2"),
            ]
            .map(|(line, expected)| state([line], continues(expected)))
            .into(),
        ),
        (
            "tracestate_member_count_limit",
            vec![
                state([first, second, third, &members(31..=32)], Continues(members(1..=32))),
                state([first, second, third, &members(31..=33)], continues("")),
            ],
        ),
        (
            "tracestate_key_length_limit",
            [
                "z".repeat(256),
                "z".repeat(257),
                format!("{}@{}", "t".repeat(241), "v".repeat(14)),
                format!("{}@v", "t".repeat(242)),
                format!("t@{}", "v".repeat(15)),
            ]
            .map(long)
            .into(),
        ),
        (
            "tracestate_value_illegal_characters",
            ["foo=bar=baz", "foo=,bar=3"].map(|line| state([line], continues(""))).into(),
        ),
    ]
}

/// Cases of several calls below one request.
const CALLS: [&str; 3] = [
    "multiple_requests_with_valid_traceparent",
    "multiple_requests_without_traceparent",
    "multiple_requests_with_illegal_traceparent",
];

fn raw(headers: &[(&str, String)]) -> String {
    headers.iter().map(|(name, line)| format!("{name}: {line}\r\n")).collect()
}

#[tokio::test]
async fn every_case_of_the_suite_passes() {
    // P-001 to P-018, P-020, P-030, P-040 to P-047, P-050
    let chain = Chain::new(&Telemetry::new()).await;
    for (name, requests) in parents().into_iter().chain(states()) {
        for (headers, outcome) in requests {
            let (arrived, _) = chain.pass(raw(&headers)).await;
            let [trace, span, flags] = parent(&arrived);
            let came = headers.first().map(|(_, line)| line.trim()).unwrap_or_default();
            let states = lines(&arrived, "tracestate");
            assert_ne!(span, SPAN, "{name} {headers:?}");
            match outcome {
                Continues(state) => {
                    assert_eq!(
                        (trace.as_str(), flags.as_str()),
                        (TRACE, &came[53..55]),
                        "{name} {headers:?}"
                    );
                    assert_eq!(states.concat(), state, "{name} {headers:?}");
                    assert_eq!(states.len(), usize::from(!state.is_empty()), "{name} {headers:?}");
                }
                Begins => {
                    assert!(!raw(&headers).contains(&trace) && flags == "03", "{name} {headers:?}");
                    assert_eq!(states, [""; 0], "{name} {headers:?}");
                }
            }
        }
    }
}

#[tokio::test]
async fn each_call_below_a_request_has_an_id_of_its_own() {
    // P-030
    let chain = Chain::new(&Telemetry::new()).await;
    let (valid, zero) = (format!("00-{TRACE}-{SPAN}-01"), format!("00-{}-{SPAN}-01", "0".repeat(32)));
    for (name, line, trace) in
        [(CALLS[0], Some(valid), Some(TRACE)), (CALLS[1], None, None), (CALLS[2], Some(zero), None)]
    {
        let headers = Vec::from_iter(line.map(|line| ("traceparent", line)));
        let arrived = chain.pass_to(3, raw(&headers)).await.0;
        let parents = Vec::from_iter(arrived.iter().map(parent));
        let traces = BTreeSet::from_iter(parents.iter().map(|[trace, ..]| trace.as_str()));
        let spans = BTreeSet::from_iter(parents.iter().map(|[_, span, _]| span.as_str()));
        assert_eq!((traces.len(), spans.len()), (1, 3), "{name}");
        assert!(!traces.contains("0".repeat(32).as_str()) && !spans.contains("0".repeat(16).as_str()));
        assert!(trace.is_none_or(|trace| traces.contains(trace)), "{name}");
    }
}

#[test]
fn no_case_is_missing() {
    let names = parents().into_iter().chain(states()).map(|(name, _)| name).chain(CALLS);
    assert_eq!(BTreeSet::from_iter(names).len(), 41);
}
