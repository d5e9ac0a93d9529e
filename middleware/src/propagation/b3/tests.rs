use http::{HeaderMap, HeaderName};
use opentelemetry::{
    Context, SpanId, TraceFlags,
    propagation::TextMapPropagator,
    trace::{SpanContext, TraceContextExt, TraceState, Tracer, TracerProvider},
};
use opentelemetry_sdk::trace::{Sampler, SdkTracerProvider};

use super::{B3, B3Multi};
use crate::propagation::{Composite, Decision, Format, HeaderExtractor, HeaderInjector, decision};

const TRACE: &str = "463ac35c9f6413ad48485a3953bb6124";
const SPAN: &str = "a2fb4a1d1a96d312";

fn headers<'a>(lines: impl IntoIterator<Item = &'a (&'static str, &'a str)>) -> HeaderMap {
    let lines = lines.into_iter();
    lines.map(|(name, line)| (HeaderName::from_static(name), line.parse().unwrap())).collect()
}

fn extract(lines: &[(&'static str, &str)]) -> Context {
    let incoming = headers(lines);
    let context = B3.extract_with_context(&Context::new(), &HeaderExtractor(&incoming));
    let multi = B3Multi.extract_with_context(&Context::new(), &HeaderExtractor(&incoming));
    assert_eq!(context.span().span_context(), multi.span().span_context(), "both read both");
    assert_eq!(decision(&context), decision(&multi));
    context
}

fn inject(propagator: &dyn TextMapPropagator, context: &Context) -> HeaderMap {
    let mut outgoing = HeaderMap::new();
    propagator.inject_context(context, &mut HeaderInjector(&mut outgoing));
    outgoing
}

/// Trace id, span id, whether it is sampled, and what is said besides.
fn read(lines: &[(&'static str, &str)]) -> Option<(String, String, bool, Option<Decision>)> {
    let context = extract(lines);
    let span = context.span();
    let span = span.span_context();
    assert!(!span.is_valid() || span.is_remote());
    let ids = (span.trace_id().to_string(), span.span_id().to_string());
    context.has_active_span().then(|| (ids.0, ids.1, span.is_sampled(), decision(&context)))
}

#[test]
fn the_single_header_is_read() {
    // P-080
    for (line, sampled, said) in [
        (format!("{TRACE}-{SPAN}-1"), true, None),
        (format!("{TRACE}-{SPAN}-0"), false, None),
        (format!("{TRACE}-{SPAN}-d"), true, Some(Decision::Debug)),
        (format!("{TRACE}-{SPAN}"), false, Some(Decision::Defer)),
        (format!("{TRACE}-{SPAN}-1-05e3ac9a4f6e3b90"), true, None),
        (format!(" \t{TRACE}-{SPAN}-1 "), true, None),
    ] {
        let expected = Some((TRACE.to_owned(), SPAN.to_owned(), sampled, said));
        assert_eq!(read(&[("b3", &line)]), expected, "{line}");
    }
    let short = format!("{SPAN}-{SPAN}-1");
    let expected = Some((format!("0000000000000000{SPAN}"), SPAN.to_owned(), true, None));
    assert_eq!(read(&[("b3", &short)]), expected);
}

#[test]
fn the_headers_of_the_other_form_are_read() {
    // P-080, P-081
    let ids = [("x-b3-traceid", TRACE), ("x-b3-spanid", SPAN)];
    for (rest, sampled, said) in [
        (&[("x-b3-sampled", "1")][..], true, None),
        (&[("x-b3-sampled", "0")], false, None),
        (&[("x-b3-sampled", "true")], true, None),
        (&[("x-b3-sampled", "false")], false, None),
        (&[], false, Some(Decision::Defer)),
        (&[("x-b3-flags", "1")], true, Some(Decision::Debug)),
        (&[("x-b3-flags", "1"), ("x-b3-sampled", "0")], true, Some(Decision::Debug)),
        (&[("x-b3-flags", "0"), ("x-b3-sampled", "1")], true, None),
        (&[("x-b3-flags", ""), ("x-b3-sampled", "1")], true, None),
        (&[("x-b3-sampled", "1"), ("x-b3-parentspanid", "-")], true, None),
    ] {
        let expected = Some((TRACE.to_owned(), SPAN.to_owned(), sampled, said));
        assert_eq!(read(&[&ids, rest].concat()), expected, "{rest:?}");
    }
    let short = [("x-b3-traceid", SPAN), ("x-b3-spanid", SPAN), ("x-b3-sampled", "1")];
    let expected = Some((format!("0000000000000000{SPAN}"), SPAN.to_owned(), true, None));
    assert_eq!(read(&short), expected);
}

#[test]
fn the_single_header_wins_if_it_is_valid() {
    // P-080
    let multi = [("x-b3-traceid", TRACE), ("x-b3-spanid", SPAN), ("x-b3-sampled", "1")];
    let single = format!("{SPAN}-{SPAN}-0");
    let both = |single| read(&[&multi[..], &[("b3", single)]].concat());
    let expected = Some((format!("0000000000000000{SPAN}"), SPAN.to_owned(), false, None));
    assert_eq!(both(&single), expected);
    assert_eq!(both("not valid"), read(&multi));
    assert_eq!(both("0"), None, "a decision without ids is valid");
}

#[test]
fn what_is_not_valid_is_not_read() {
    // P-016, P-017, P-019, P-074, P-080
    let upper = format!("{}-{SPAN}-1", TRACE.to_uppercase());
    for line in [
        "",
        "-",
        "1-",
        "2",
        "true",
        TRACE,
        &upper,
        &format!("{TRACE}-{SPAN}-"),
        &format!("{TRACE}-{SPAN}-2"),
        &format!("{TRACE}-{SPAN}-true"),
        &format!("{TRACE}-{SPAN}-1-"),
        &format!("{TRACE}-{SPAN}-1--"),
        &format!("{TRACE}-{SPAN}-1-{SPAN}-"),
        &format!("{TRACE}-{SPAN}-1-{}", SPAN.to_uppercase()),
        &format!("{}-{SPAN}-1", &TRACE[1..]),
        &format!("{TRACE}-{}-1", &SPAN[1..]),
        &format!("{}-{SPAN}-1", "0".repeat(32)),
        &format!("{TRACE}-{}-1", "0".repeat(16)),
        &format!("+{}-{SPAN}-1", &TRACE[1..]),
        &"0".repeat(64 * 1024),
    ] {
        let context = extract(&[("b3", line)]);
        assert!(!context.has_active_span(), "{line}");
        assert_eq!(decision(&context), None, "{line}");
    }
    for lines in [
        &[("x-b3-traceid", TRACE), ("x-b3-sampled", "1")][..],
        &[("x-b3-spanid", SPAN), ("x-b3-sampled", "1")],
        &[("x-b3-traceid", TRACE), ("x-b3-spanid", SPAN), ("x-b3-sampled", "")],
        &[("x-b3-traceid", TRACE), ("x-b3-spanid", SPAN), ("x-b3-sampled", "d")],
        &[("x-b3-traceid", TRACE), ("x-b3-spanid", &SPAN[1..]), ("x-b3-sampled", "1")],
    ] {
        let context = extract(lines);
        assert!(!context.has_active_span(), "{lines:?}");
        assert_eq!(decision(&context), None, "{lines:?}");
    }
}

#[test]
fn a_decision_without_ids_holds_for_the_trace_that_begins_and_goes_on() {
    // P-080
    for (line, said) in [("0", Decision::Deny), ("1", Decision::Accept), ("d", Decision::Debug)] {
        let context = extract(&[("b3", line)]);
        assert!(!context.has_active_span());
        assert_eq!(decision(&context), Some(said));
        assert_eq!(inject(&B3, &context), headers(&[("b3", line)]));
        let multi = match line {
            "d" => ("x-b3-flags", "1"),
            state => ("x-b3-sampled", state),
        };
        assert_eq!(inject(&B3Multi, &context), headers(&[multi]));
        assert_eq!(decision(&extract(&[multi])), Some(said));

        let below = local(&context, TraceFlags::SAMPLED);
        let (trace_id, span_id) = (below.trace_id(), below.span_id());
        let remote = SpanContext::new(trace_id, span_id, TraceFlags::SAMPLED, true, TraceState::NONE);
        for span in [below, remote] {
            let continued = context.with_remote_span_context(span);
            assert_eq!(decision(&continued), None, "it is for a trace that begins");
        }
    }
    // Where a trace is continued, it says what is to be done with it.
    let propagator = Composite::of([Format::TraceContext, Format::B3]);
    let parent = format!("00-{TRACE}-{SPAN}-01");
    let incoming = headers(&[("traceparent", parent.as_str()), ("b3", "0")]);
    let context = propagator.extract_with_context(&Context::new(), &HeaderExtractor(&incoming));
    assert!(context.span().span_context().is_sampled());
    assert_eq!(decision(&context), None);
}

/// A span of this process below what came.
fn local(context: &Context, flags: TraceFlags) -> SpanContext {
    let (trace_id, state) = (context.span().span_context().trace_id(), TraceState::NONE);
    let trace_id = if trace_id.to_string() == "0".repeat(32) { 7.into() } else { trace_id };
    SpanContext::new(trace_id, SpanId::from(7), flags, false, state)
}

#[test]
fn what_the_caller_said_is_not_asked_again_below_a_span_of_this_process() {
    // P-080
    for state in ["", "-d"] {
        let context = extract(&[("b3", &format!("{TRACE}-{SPAN}{state}"))]);
        assert!(decision(&context).is_some());
        let below = context.with_remote_span_context(local(&context, TraceFlags::NOT_SAMPLED));
        assert_eq!(decision(&below), None, "{state:?}");
    }
}

#[test]
fn each_form_is_written_alone() {
    // P-002, P-032, P-080, P-081
    let span = "0000000000000007";
    for (incoming, sampled, single, multi) in [
        ("-1", TraceFlags::SAMPLED, "-1", Some(("x-b3-sampled", "1"))),
        ("-0", TraceFlags::NOT_SAMPLED, "-0", Some(("x-b3-sampled", "0"))),
        ("-1", TraceFlags::NOT_SAMPLED, "-0", Some(("x-b3-sampled", "0"))),
        // Debug goes on whatever the sampler says.
        ("-d", TraceFlags::SAMPLED, "-d", Some(("x-b3-flags", "1"))),
        ("-d", TraceFlags::NOT_SAMPLED, "-d", Some(("x-b3-flags", "1"))),
        // Here it was decided.
        ("", TraceFlags::SAMPLED, "-1", Some(("x-b3-sampled", "1"))),
        ("", TraceFlags::NOT_SAMPLED, "-0", Some(("x-b3-sampled", "0"))),
    ] {
        let context = extract(&[("b3", &format!("{TRACE}-{SPAN}{incoming}"))]);
        let context = context.with_remote_span_context(local(&context, sampled));
        let expected = format!("{TRACE}-{span}{single}");
        assert_eq!(inject(&B3, &context), headers(&[("b3", expected.as_str())]), "{incoming}");
        let ids = [("x-b3-traceid", TRACE), ("x-b3-spanid", span)];
        let expected = headers(ids.iter().chain(multi.as_ref()));
        assert_eq!(inject(&B3Multi, &context), expected, "{incoming}");
    }
    for nothing in [Context::new(), Context::new().with_remote_span_context(SpanContext::NONE)] {
        assert!(inject(&B3, &nothing).is_empty());
        assert!(inject(&B3Multi, &nothing).is_empty());
    }
}

#[test]
fn what_passes_through_is_passed_on_as_it_came() {
    // P-033, P-081
    for state in ["-1", "-0", "-d", ""] {
        let line = format!("{TRACE}-{SPAN}{state}");
        assert_eq!(inject(&B3, &extract(&[("b3", &line)])), headers(&[("b3", line.as_str())]));
    }
}

#[test]
fn what_a_request_had_of_an_older_trace_does_not_stay() {
    // P-032, P-081
    let mut outgoing = headers(&[
        ("x-b3-traceid", "1"),
        ("x-b3-parentspanid", SPAN),
        ("x-b3-sampled", "1"),
        ("x-b3-flags", "1"),
    ]);
    let context = extract(&[("b3", &format!("{TRACE}-{SPAN}"))]);
    B3Multi.inject_context(&context, &mut HeaderInjector(&mut outgoing));
    assert_eq!(outgoing, headers(&[("x-b3-traceid", TRACE), ("x-b3-spanid", SPAN)]));
}

#[test]
fn the_sdk_makes_a_child_with_an_id_of_its_own() {
    // P-081
    let tracer = SdkTracerProvider::builder().with_sampler(Sampler::AlwaysOff).build().tracer("service");
    let parent = extract(&[("b3", &format!("{TRACE}-{SPAN}-d"))]);
    let context = parent.with_span(tracer.start_with_context("work", &parent));
    let outgoing = inject(&B3, &context);
    let fields = outgoing["b3"].to_str().unwrap().split('-').collect::<Vec<_>>();
    assert_eq!((fields[0], fields[2], fields.len()), (TRACE, "d", 3));
    assert_ne!(fields[1], SPAN);
}

#[test]
fn of_one_span_in_two_formats_nothing_is_lost() {
    // P-048, P-071, P-081
    let parent = format!("00-{TRACE}-{SPAN}-03");
    let single = format!("{TRACE}-{SPAN}-d");
    let incoming =
        headers(&[("traceparent", parent.as_str()), ("tracestate", "a=1,foo@@bar=2"), ("b3", &single)]);
    for formats in [[Format::TraceContext, Format::B3], [Format::B3, Format::TraceContext]] {
        let propagator = Composite::of(formats);
        let context = propagator.extract_fresh(&incoming);
        let general = propagator.extract_with_context(&Context::new(), &HeaderExtractor(&incoming));
        assert_eq!(inject(&propagator, &context), incoming, "{formats:?}");
        assert_eq!(inject(&propagator, &general), incoming, "{formats:?}");
    }
    // The later one decides; one that leaves it open does not.
    for (formats, state, flags) in [
        ([Format::TraceContext, Format::B3], "-0", "02"),
        ([Format::TraceContext, Format::B3], "", "03"),
        ([Format::B3, Format::TraceContext], "-0", "03"),
    ] {
        let single = format!("{TRACE}-{SPAN}{state}");
        let incoming = headers(&[("traceparent", parent.as_str()), ("tracestate", "a=1"), ("b3", &single)]);
        let context = Composite::of(formats).extract_fresh(&incoming);
        assert_eq!(decision(&context), None);
        let outgoing = inject(&Composite::default(), &context);
        let expected = format!("00-{TRACE}-{SPAN}-{flags}");
        assert_eq!(outgoing, headers(&[("traceparent", expected.as_str()), ("tracestate", "a=1")]));
    }
    // Of two traces the later one.
    let single = format!("{SPAN}-{SPAN}-1");
    let incoming = headers(&[("traceparent", parent.as_str()), ("tracestate", "a=1"), ("b3", &single)]);
    let context = Composite::of([Format::TraceContext, Format::B3]).extract_fresh(&incoming);
    let outgoing = inject(&Composite::default(), &context);
    let expected = format!("00-0000000000000000{SPAN}-{SPAN}-01");
    assert_eq!(outgoing, headers(&[("traceparent", expected.as_str())]));
}
