mod state;

use std::sync::Arc;

use http::{HeaderMap, HeaderName, HeaderValue};
use opentelemetry::{
    Context, SpanId, TraceFlags, TraceId,
    propagation::{TextMapPropagator, text_map_propagator::FieldIter},
    trace::{SpanContext, TraceContextExt, TraceState, Tracer, TracerProvider},
};
use opentelemetry_sdk::trace::{Sampler, SdkTracerProvider};

use super::TraceContext;
use crate::propagation::{B3, Composite, HeaderExtractor, HeaderInjector};

const TRACE: &str = "12345678901234567890123456789012";
const VALID: &str = "00-12345678901234567890123456789012-1234567890123456-01";

fn headers<V: AsRef<[u8]>>(lines: impl IntoIterator<Item = (&'static str, V)>) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in lines {
        headers.append(HeaderName::from_static(name), HeaderValue::from_bytes(value.as_ref()).unwrap());
    }
    headers
}

fn inject(context: &Context) -> HeaderMap {
    let mut outgoing = HeaderMap::new();
    TraceContext::default().inject_context(context, &mut HeaderInjector(&mut outgoing));
    outgoing
}

/// What a service does: reads the parent, starts a span below it, writes that span.
fn pass(incoming: &HeaderMap) -> HeaderMap {
    let tracers =
        SdkTracerProvider::builder().with_sampler(Sampler::ParentBased(Box::new(Sampler::AlwaysOn)));
    let tracer = tracers.build().tracer("service");
    let parent = TraceContext::default().extract_with_context(&Context::new(), &HeaderExtractor(incoming));
    inject(&parent.with_span(tracer.start_with_context("work", &parent)))
}

fn parent_of(outgoing: &HeaderMap) -> Vec<&str> {
    let lines = outgoing.get_all("traceparent").iter().collect::<Vec<_>>();
    assert_eq!(lines.len(), 1, "exactly one line");
    let fields = lines[0].to_str().unwrap().split('-').collect::<Vec<_>>();
    assert_eq!(fields.iter().map(|field| field.len()).collect::<Vec<_>>(), [2, 32, 16, 2]);
    assert_eq!(fields[0], "00");
    fields
}

fn state_of(outgoing: &HeaderMap) -> Vec<&str> {
    outgoing.get_all("tracestate").iter().map(|line| line.to_str().unwrap()).collect()
}

#[test]
fn a_valid_parent_is_continued_with_a_new_span_id() {
    // P-001, P-009, P-011, P-030
    let future = "cc-12345678901234567890123456789012-1234567890123456-01-what-the-future-will-be-like";
    for parent in [
        VALID,
        " \t 00-12345678901234567890123456789012-1234567890123456-01 \t ",
        &VALID.replace("00-", "cc-"),
        future,
    ] {
        let outgoing = pass(&headers([("traceparent", parent)]));
        let fields = parent_of(&outgoing);
        assert_eq!((fields[1], fields[3]), (TRACE, "01"), "{parent}");
        assert_ne!(fields[2], "1234567890123456");
    }
}

#[test]
fn flags_survive_as_far_as_they_are_known() {
    // P-002, P-003, P-004
    for (incoming, outgoing) in [
        ("00", "00"),
        ("01", "01"),
        ("02", "02"),
        ("03", "03"),
        ("04", "00"),
        ("fd", "01"),
        ("fe", "02"),
        ("ff", "03"),
    ] {
        let passed = pass(&headers([("traceparent", format!("00-{TRACE}-1234567890123456-{incoming}"))]));
        assert_eq!((parent_of(&passed)[1], parent_of(&passed)[3]), (TRACE, outgoing), "{incoming}");
    }
}

#[test]
fn a_parent_that_is_not_valid_restarts_the_trace_without_its_state() {
    // P-010, P-012, P-013, P-014, P-015, P-016, P-017, P-018, P-019, P-020
    let huge = "0".repeat(64 * 1024);
    for parent in [
        "00-12345678901234567890123456789012-1234567890123456-01.",
        "00-12345678901234567890123456789012-1234567890123456-01-",
        "00-12345678901234567890123456789012-1234567890123456-01-what-the-future-will-be-like",
        "cc-12345678901234567890123456789012-1234567890123456-01.what-the-future-will-be-like",
        "cc-12345678901234567890123456789012-1234567890123456-0",
        "ff-12345678901234567890123456789012-1234567890123456-01",
        ".0-12345678901234567890123456789012-1234567890123456-01",
        "0.-12345678901234567890123456789012-1234567890123456-01",
        "0-12345678901234567890123456789012-1234567890123456-01",
        "000-12345678901234567890123456789012-1234567890123456-01",
        "0000-12345678901234567890123456789012-1234567890123456-01",
        "0X-12345678901234567890123456789012-1234567890123456-01",
        "CC-12345678901234567890123456789012-1234567890123456-01",
        "00-00000000000000000000000000000000-1234567890123456-01",
        "00-1234567890123456789012345678901-1234567890123456-01",
        "00-123456789012345678901234567890123-1234567890123456-01",
        "00-.2345678901234567890123456789012-1234567890123456-01",
        "00-+2345678901234567890123456789012-1234567890123456-01",
        "00-ABCDEF78901234567890123456789012-1234567890123456-01",
        "00-é345678901234567890123456789012-1234567890123456-01",
        "00-12345678901234567890123456789012-0000000000000000-01",
        "00-12345678901234567890123456789012-123456789012345-01",
        "00-12345678901234567890123456789012-12345678901234567-01",
        "00-12345678901234567890123456789012-.234567890123456-01",
        "00-12345678901234567890123456789012-ABCDEF7890123456-01",
        "00-12345678901234567890123456789012-1234567890123456-.0",
        "00-12345678901234567890123456789012-1234567890123456-0.",
        "00-12345678901234567890123456789012-1234567890123456-1",
        "00-12345678901234567890123456789012-1234567890123456-001",
        "00-12345678901234567890123456789012-1234567890123456-0A",
        "00-12345678901234567890123456789012+1234567890123456-01",
        "",
        " ",
        "-",
        &huge,
    ] {
        let outgoing = pass(&headers([("traceparent", parent), ("tracestate", "foo=1")]));
        let fields = parent_of(&outgoing);
        assert_ne!(fields[1], TRACE, "{parent}");
        assert_eq!(fields[3], "03", "{parent}");
        assert!(state_of(&outgoing).is_empty(), "{parent}");
    }
}

#[test]
fn a_parent_that_is_not_text_or_comes_twice_restarts_the_trace() {
    // P-006, P-019, P-074
    let other = "00-12345678901234567890123456789011-1234567890123456-01";
    for lines in [
        vec![("traceparent", VALID.as_bytes()), ("traceparent", VALID.as_bytes())],
        vec![("traceparent", VALID.as_bytes()), ("traceparent", other.as_bytes())],
        vec![("traceparent", VALID.as_bytes()), ("traceparent", b"\xff")],
        vec![("traceparent", b"\xff\xfe".as_slice())],
    ] {
        let incoming = headers(lines);
        let outgoing = pass(&incoming);
        assert!(![TRACE, &other[3..35]].contains(&parent_of(&outgoing)[1]));
        let context =
            TraceContext::default().extract_with_context(&Context::new(), &HeaderExtractor(&incoming));
        assert!(!context.has_active_span());
    }
}

#[test]
fn without_a_parent_a_trace_starts_with_the_random_flag() {
    // P-005, P-008, P-031, P-050
    for name in ["trace-parent", "trace.parent", "tracestate"] {
        let outgoing = pass(&headers([(name, VALID), ("tracestate", "foo=1")]));
        assert_ne!(parent_of(&outgoing)[1], TRACE);
        assert_eq!(parent_of(&outgoing)[3], "03");
        assert!(state_of(&outgoing).is_empty());
    }

    let tracer = SdkTracerProvider::builder().with_sampler(Sampler::AlwaysOff).build().tracer("service");
    let unsampled = Context::new().with_span(tracer.start_with_context("work", &Context::new()));
    assert_eq!(parent_of(&inject(&unsampled))[3], "02");

    let mut outgoing = HeaderMap::new();
    TraceContext::default().random_ids(false).inject_context(&unsampled, &mut HeaderInjector(&mut outgoing));
    assert_eq!(parent_of(&outgoing)[3], "00");
}

#[test]
fn the_random_flag_of_a_trace_from_outside_is_not_ours_to_say() {
    // P-003
    for (ours, theirs, state) in [true, false]
        .into_iter()
        .flat_map(|ours| ["00", "01", "02", "03"].map(|theirs| (ours, theirs)))
        .flat_map(|(ours, theirs)| ["", "a=1"].map(|state| (ours, theirs, state)))
    {
        let propagator = Composite::new([Arc::new(TraceContext::default().random_ids(ours)) as _]);
        let traceparent = VALID.replace("-01", &format!("-{theirs}"));
        let incoming = headers([("traceparent", traceparent.as_str()), ("tracestate", state)]);
        let parent = propagator.extract_with_context(&Context::new(), &HeaderExtractor(&incoming));
        for (sampler, sampled) in [(Sampler::AlwaysOn, 1), (Sampler::AlwaysOff, 0)] {
            let tracer = SdkTracerProvider::builder().with_sampler(sampler).build().tracer("service");
            let context = parent.with_span(tracer.start_with_context("work", &parent));
            let mut outgoing = HeaderMap::new();
            propagator.inject_context(&context, &mut HeaderInjector(&mut outgoing));
            let random = if theirs < "02" { 0 } else { 2 };
            let case = format!("{ours} {theirs} {state}");
            let fields = parent_of(&outgoing);
            assert_eq!(
                (fields[1], fields[3]),
                (TRACE, format!("{:02x}", random | sampled).as_str()),
                "{case}"
            );
            assert_eq!(state_of(&outgoing).concat(), state, "{case}");
        }
    }
}

#[test]
fn nothing_is_written_for_an_invalid_span() {
    // P-032
    assert!(inject(&Context::new()).is_empty());
    assert!(inject(&Context::new().with_remote_span_context(SpanContext::NONE)).is_empty());
}

#[test]
fn what_came_with_one_trace_is_not_sent_with_another() {
    // P-003, P-031, P-050
    let incoming =
        headers([("traceparent", VALID.replace("-01", "-02")), ("tracestate", "foo@@=1".to_owned())]);
    let context = TraceContext::default().extract_with_context(&Context::new(), &HeaderExtractor(&incoming));
    let (trace_id, state) = (TraceId::from(1), TraceState::NONE);
    for (is_remote, flags) in [(true, "01"), (false, "03")] {
        let other =
            SpanContext::new(trace_id, SpanId::from(2), TraceFlags::SAMPLED, is_remote, state.clone());
        let outgoing = inject(&context.with_remote_span_context(other));
        assert_eq!((parent_of(&outgoing)[3], state_of(&outgoing).len()), (flags, 0));
    }
}

#[test]
fn a_parent_passed_on_unchanged_keeps_its_state_unchanged() {
    // P-033, P-051
    let incoming = headers([
        ("traceparent", "00-12345678901234567890123456789012-1234567890123456-03"),
        ("tracestate", "z=1,foo@@bar= 2,a=3"),
    ]);
    let context = TraceContext::default().extract_with_context(&Context::new(), &HeaderExtractor(&incoming));
    assert_eq!(inject(&context), incoming);
}

#[test]
fn a_new_parent_replaces_the_old_one_and_the_old_ones_state() {
    // P-020, P-032
    let mut outgoing = headers([("traceparent", VALID), ("traceparent", VALID), ("tracestate", "old=1")]);
    let tracer = SdkTracerProvider::builder().build().tracer("service");
    let context = Context::new().with_span(tracer.start_with_context("work", &Context::new()));
    TraceContext::default().inject_context(&context, &mut HeaderInjector(&mut outgoing));
    assert_ne!(parent_of(&outgoing)[1], TRACE);
    assert!(state_of(&outgoing).is_empty());
}

#[test]
fn a_trace_that_another_propagator_read_does_not_become_random() {
    // P-003, P-021, P-071
    #[derive(Debug)]
    struct Foreign;
    impl TextMapPropagator for Foreign {
        fn inject_context(&self, _: &Context, _: &mut dyn opentelemetry::propagation::Injector) {}
        fn extract_with_context(
            &self,
            context: &Context,
            _: &dyn opentelemetry::propagation::Extractor,
        ) -> Context {
            let (trace, span) = (TraceId::from(1), SpanId::from(2));
            let state = TraceState::NONE;
            context.with_remote_span_context(SpanContext::new(trace, span, TraceFlags::SAMPLED, true, state))
        }
        fn fields(&self) -> FieldIter<'_> {
            FieldIter::new(&[])
        }
    }
    let propagator =
        Composite::new([Arc::new(TraceContext::default()) as _, Arc::new(B3) as _, Arc::new(Foreign) as _]);
    for incoming in [headers([("traceparent", VALID.replace("-01", "-03"))]), headers([("b3", "d")])] {
        let parent = propagator.extract_with_context(&Context::new(), &HeaderExtractor(&incoming));
        assert_eq!(parent.span().span_context().trace_id(), TraceId::from(1), "later ones win");
        let tracer = SdkTracerProvider::builder().build().tracer("service");
        let outgoing = inject(&parent.with_span(tracer.start_with_context("work", &parent)));
        assert_eq!(parent_of(&outgoing)[3], "01", "{incoming:?}");
    }
}

#[test]
fn the_fields_are_the_headers_that_are_used() {
    // P-073
    let fields =
        |propagator: &dyn TextMapPropagator| propagator.fields().map(String::from).collect::<Vec<_>>();
    assert_eq!(fields(&TraceContext::default()), ["traceparent", "tracestate"]);
    assert_eq!(fields(&Composite::default()), ["traceparent", "tracestate", "baggage"]);
}

#[test]
fn headers_are_found_whatever_their_case_and_read_line_by_line() {
    // P-007, P-073
    use opentelemetry::propagation::Extractor;
    let mut incoming = HeaderMap::new();
    for name in ["Tracestate", "TRACESTATE", "tRaCeStAtE"] {
        incoming.append(HeaderName::from_bytes(name.as_bytes()).unwrap(), HeaderValue::from_static("a=1"));
    }
    let extractor = HeaderExtractor(&incoming);
    assert_eq!(extractor.get("TraceState"), Some("a=1"));
    assert_eq!(extractor.get_all("TRACESTATE"), Some(vec!["a=1"; 3]));
    assert_eq!(extractor.get_all("traceparent"), None);
    assert_eq!(extractor.get_all("not a name"), None);
    assert_eq!(extractor.keys(), ["tracestate"]);
}
