use std::cell::Cell;

use http::{HeaderMap, HeaderName};
use opentelemetry::{
    Context, SpanId, TraceFlags,
    baggage::{Baggage as Members, BaggageExt},
    propagation::{Extractor, TextMapPropagator},
    trace::{SpanContext, TraceContextExt, TraceState},
};

use super::Jaeger;
use crate::propagation::{Composite, Decision, Format, HeaderExtractor, HeaderInjector, decision};

const TRACE: &str = "463ac35c9f6413ad48485a3953bb6124";
const SPAN: &str = "a2fb4a1d1a96d312";

fn headers(lines: &[(&'static str, &str)]) -> HeaderMap {
    lines.iter().map(|(name, line)| (HeaderName::from_static(name), line.parse().unwrap())).collect()
}

fn extract(lines: &[(&'static str, &str)]) -> Context {
    let incoming = headers(lines);
    let context = Jaeger.extract_with_context(&Context::new(), &HeaderExtractor(&incoming));
    let fresh = Composite::of([Format::Jaeger]).extract_fresh(&incoming);
    assert_eq!(context.span().span_context(), fresh.span().span_context());
    assert_eq!(inject(&context), inject(&fresh));
    context
}

fn inject(context: &Context) -> HeaderMap {
    let mut outgoing = HeaderMap::new();
    Jaeger.inject_context(context, &mut HeaderInjector(&mut outgoing));
    outgoing
}

fn members(context: &Context) -> Vec<(String, String)> {
    let members = context.baggage().iter();
    let mut members = Vec::from_iter(members.map(|(name, (value, _))| (name.to_string(), value.to_string())));
    members.sort();
    members
}

#[test]
fn ids_and_flags_are_read() {
    // P-085
    for (line, trace_id, span_id, sampled, debug) in [
        (format!("{TRACE}:{SPAN}:0:1"), TRACE, SPAN, true, false),
        (format!("{TRACE}:{SPAN}:0:01"), TRACE, SPAN, true, false),
        (format!("{TRACE}:{SPAN}:0:0"), TRACE, SPAN, false, false),
        (format!("{TRACE}:{SPAN}:{SPAN}:3"), TRACE, SPAN, true, true),
        (format!("{TRACE}:{SPAN}:0:2"), TRACE, SPAN, true, true),
        (format!("{TRACE}:{SPAN}::ff"), TRACE, SPAN, true, true),
        (format!(" {TRACE}%3A{SPAN}%3a0%3A1\t"), TRACE, SPAN, true, false),
        ("ab12:3:0:1".to_owned(), "0000000000000000000000000000ab12", "0000000000000003", true, false),
    ] {
        let context = extract(&[("uber-trace-id", &line)]);
        let span = context.span().span_context().clone();
        assert!(span.is_remote());
        let read = (span.trace_id().to_string(), span.span_id().to_string(), span.is_sampled());
        assert_eq!(read, (trace_id.to_owned(), span_id.to_owned(), sampled), "{line}");
        assert_eq!(decision(&context), debug.then_some(Decision::Debug), "{line}");
    }
}

#[test]
fn what_is_not_valid_is_not_read() {
    // P-016, P-017, P-019, P-074, P-085
    for line in [
        "",
        ":::",
        "1:2:3",
        "1:2:3:4:5",
        "0:1:0:1",
        "1:0:0:1",
        "1:2:0:",
        "1:2:0:001",
        "1:2:0:x",
        "1:+2:0:1",
        "1%:2:0:1",
        &format!("0{TRACE}:{SPAN}:0:1"),
        &format!("{TRACE}:0{SPAN}:0:1"),
        &format!("1:2:{}:1", "0".repeat(256)),
        &"1".repeat(64 * 1024),
    ] {
        assert!(!extract(&[("uber-trace-id", line)]).has_active_span(), "{line}");
    }
}

#[test]
fn ids_and_flags_are_written() {
    // P-002, P-032, P-085
    for (incoming, flags, outgoing) in [
        ("1", TraceFlags::SAMPLED, "01"),
        ("1", TraceFlags::NOT_SAMPLED, "00"),
        ("3", TraceFlags::SAMPLED, "03"),
        ("3", TraceFlags::NOT_SAMPLED, "03"),
    ] {
        let context = extract(&[("uber-trace-id", &format!("{TRACE}:{SPAN}:0:{incoming}"))]);
        let trace_id = context.span().span_context().trace_id();
        let span = SpanContext::new(trace_id, SpanId::from(7), flags, false, TraceState::NONE);
        let expected = format!("{TRACE}:0000000000000007:0:{outgoing}");
        let sent = inject(&context.with_remote_span_context(span));
        assert_eq!(sent, headers(&[("uber-trace-id", &expected)]));
    }
    assert!(inject(&Context::new()).is_empty());
}

#[test]
fn debug_of_one_format_is_debug_of_the_other() {
    // P-081, P-085
    let context = extract(&[("uber-trace-id", &format!("{TRACE}:{SPAN}:0:3"))]);
    let mut outgoing = HeaderMap::new();
    Composite::of([Format::B3]).inject_headers(&context, &mut outgoing);
    assert_eq!(outgoing, headers(&[("b3", &format!("{TRACE}-{SPAN}-d"))]));
}

#[test]
fn baggage_is_a_header_for_each_member() {
    // P-062, P-085
    let lines = [("uberctx-city", "Am%C3%A9lie%20x"), ("uberctx-tenant", "a=b"), ("uberctxother", "1")];
    let context = extract(&lines);
    let expected = [("city", "Amélie x"), ("tenant", "a=b")];
    assert_eq!(members(&context), expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
    assert_eq!(inject(&context), headers(&lines[..2]));
    assert!(!context.has_active_span());
}

#[test]
fn baggage_is_added_to_what_is_there() {
    // P-071, P-085
    let incoming = headers(&[("baggage", "a=1,b=2;p"), ("uberctx-b", "3"), ("uberctx-c", "4")]);
    for (formats, b) in [([Format::Baggage, Format::Jaeger], "3"), ([Format::Jaeger, Format::Baggage], "2;p")]
    {
        let context = Composite::of(formats).extract_fresh(&incoming);
        let mut outgoing = HeaderMap::new();
        Composite::of([Format::Baggage]).inject_headers(&context, &mut outgoing);
        let rest = if formats[0] == Format::Baggage { ",c=4" } else { "" };
        assert_eq!(outgoing, headers(&[("baggage", &format!("a=1,b={b}{rest}"))]));
    }
}

#[test]
fn baggage_over_the_limits_is_left_out_by_whole_members() {
    // P-019, P-064
    let mut incoming = HeaderMap::new();
    for index in 0..100 {
        incoming.insert(HeaderName::try_from(format!("uberctx-{index}")).unwrap(), "v".parse().unwrap());
    }
    assert_eq!(Composite::of([Format::Jaeger]).extract_fresh(&incoming).baggage().len(), 64);
    let huge = "v".repeat(64 * 1024);
    assert!(extract(&[("uberctx-huge", &huge)]).baggage().is_empty());

    // Coded, three times as long as in memory.
    assert!(extract(&[("uberctx-coded", &"%41".repeat(3000))]).baggage().is_empty());

    let mut baggage = Members::new();
    baggage.insert("a", "1");
    baggage.insert("coded", " ".repeat(4000));
    assert_eq!(inject(&Context::new().with_baggage(baggage)), headers(&[("uberctx-a", "1")]));
}

#[test]
fn many_names_do_not_cost_as_many_searches() {
    // P-019
    struct Searched(Cell<usize>);
    impl Extractor for Searched {
        fn get(&self, _: &str) -> Option<&str> {
            self.0.set(self.0.get() + 1);
            Some("")
        }

        fn keys(&self) -> Vec<&str> {
            vec!["uberctx-"; 10_000]
        }
    }
    let searched = Searched(Cell::new(0));
    assert!(Jaeger.extract_with_context(&Context::new(), &searched).baggage().is_empty());
    assert_eq!(searched.0.get(), 64 + 1, "and one for the ids");
}

#[test]
fn baggage_that_is_not_valid_is_skipped() {
    // P-065, P-074
    let mut incoming = headers(&[("uberctx-", "1"), ("uberctx-good", "1")]);
    incoming.insert("uberctx-bad", http::HeaderValue::from_bytes(b"\xff").unwrap());
    let fresh = Composite::of([Format::Jaeger]).extract_fresh(&incoming);
    let general = Jaeger.extract_with_context(&Context::new(), &HeaderExtractor(&incoming));
    for context in [fresh, general] {
        assert_eq!(members(&context), [("good".to_owned(), "1".to_owned())]);
    }
}
