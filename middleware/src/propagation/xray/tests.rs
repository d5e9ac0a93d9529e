use http::HeaderMap;
use opentelemetry::{
    Context, SpanId, TraceFlags,
    propagation::TextMapPropagator,
    trace::{SpanContext, TraceContextExt, TraceState},
};

use super::XRay;
use crate::propagation::{Decision, HeaderExtractor, HeaderInjector, decision};

const ROOT: &str = "Root=1-58406520-a006649127e371903a2de979";
const PARENT: &str = "Parent=4c721bf33e3caf8f";

fn extract(line: &str) -> Context {
    let incoming = HeaderMap::from_iter([(super::AMAZON_TRACE_ID.clone(), line.parse().unwrap())]);
    XRay.extract_with_context(&Context::new(), &HeaderExtractor(&incoming))
}

fn inject(context: &Context) -> Vec<String> {
    let mut outgoing = HeaderMap::new();
    XRay.inject_context(context, &mut HeaderInjector(&mut outgoing));
    outgoing.iter().map(|(name, line)| format!("{name}: {}", line.to_str().unwrap())).collect()
}

#[test]
fn fields_are_read_in_any_order() {
    // P-086
    for (line, sampled, said) in [
        (format!("{ROOT};{PARENT};Sampled=1"), true, None),
        (format!("{ROOT};{PARENT};Sampled=0"), false, None),
        (format!("Sampled=1;{PARENT};{ROOT}"), true, None),
        (format!(" {PARENT} ; Sampled=1 ;\t{ROOT} ;"), true, None),
        (
            format!("Self=1-67891233-12456789abcdef012345678;{ROOT};{PARENT};Sampled=1;Lineage=a:1"),
            true,
            None,
        ),
        (format!("{ROOT};{PARENT}"), false, Some(Decision::Defer)),
        (format!("{ROOT};{PARENT};Sampled=?"), false, Some(Decision::Defer)),
    ] {
        let context = extract(&line);
        let span = context.span().span_context().clone();
        assert!(span.is_remote());
        let read = (span.trace_id().to_string(), span.span_id().to_string(), span.is_sampled());
        let ids = ("58406520a006649127e371903a2de979", "4c721bf33e3caf8f");
        assert_eq!(read, (ids.0.to_owned(), ids.1.to_owned(), sampled), "{line}");
        assert_eq!(decision(&context), said, "{line}");
    }
}

#[test]
fn what_is_not_valid_is_not_read() {
    // P-016, P-017, P-019, P-074, P-086
    for line in [
        "",
        ROOT,
        PARENT,
        &format!("{ROOT};Parent=;Sampled=1"),
        &format!("{ROOT};Parent=4c721bf33e3caf8;Sampled=1"),
        &format!("{ROOT};Parent=4C721BF33E3CAF8F;Sampled=1"),
        &format!("{ROOT};Parent=0000000000000000;Sampled=1"),
        &format!("Root=2-58406520-a006649127e371903a2de979;{PARENT}"),
        &format!("Root=1-5840652-0a006649127e371903a2de979;{PARENT}"),
        &format!("Root=1-58406520a006649127e371903a2de9790;{PARENT}"),
        &format!("Root=1-58406520-a006649127e371903a2de97;{PARENT}"),
        &format!("Root=1-58406520-a006649127e371903a2de9790;{PARENT}"),
        &format!("Root=1-+8406520-a006649127e371903a2de979;{PARENT}"),
        &format!("Root=1-00000000-000000000000000000000000;{PARENT}"),
        &format!("root=1-58406520-a006649127e371903a2de979;{PARENT}"),
        &";".repeat(64 * 1024),
    ] {
        assert!(!extract(line).has_active_span(), "{line}");
    }
}

#[test]
fn all_fields_are_written_and_a_decision_that_was_left_open_stays_open() {
    // P-002, P-032, P-033, P-086
    for sampled in [";Sampled=1", ";Sampled=0", ""] {
        let line = format!("{ROOT};{PARENT}{sampled}");
        assert_eq!(inject(&extract(&line)), [format!("x-amzn-trace-id: {line}")]);
    }
    let context = extract(&format!("{ROOT};{PARENT}"));
    let trace_id = context.span().span_context().trace_id();
    for (flags, sampled) in [(TraceFlags::SAMPLED, 1), (TraceFlags::NOT_SAMPLED, 0)] {
        let span = SpanContext::new(trace_id, SpanId::from(7), flags, false, TraceState::NONE);
        let expected = format!("x-amzn-trace-id: {ROOT};Parent=0000000000000007;Sampled={sampled}");
        assert_eq!(inject(&context.with_remote_span_context(span)), [expected]);
    }
    assert!(inject(&Context::new()).is_empty());
}
