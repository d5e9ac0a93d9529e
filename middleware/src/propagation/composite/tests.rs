use http::HeaderMap;
use opentelemetry::{
    Context, SpanId,
    propagation::TextMapPropagator,
    trace::{SpanContext, TraceContextExt, TraceFlags, Tracer, TracerProvider},
};
use opentelemetry_sdk::trace::{Sampler, SdkTracerProvider};

use super::{Composite, Part};
use crate::propagation::{Format, HeaderExtractor, HeaderInjector, TraceContext};

const TRACE: &str = "12345678901234567890123456789012";

fn headers<'a>(lines: impl IntoIterator<Item = (&'static str, &'a str)>) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, line) in lines {
        headers.append(name, line.parse().unwrap());
    }
    headers
}

/// What a context sends on.
fn sent(propagator: &Composite, context: &Context) -> HeaderMap {
    let (mut fast, mut general) = (HeaderMap::new(), HeaderMap::new());
    propagator.inject_headers(context, &mut fast);
    propagator.inject_context(context, &mut HeaderInjector(&mut general));
    assert_eq!(fast, general);
    fast
}

fn composites() -> [Composite; 3] {
    [
        Composite::default(),
        Composite::of([Format::Baggage, Format::TraceContext]),
        Composite::from_parts([Part::TraceContext(TraceContext::default().random_ids(false))]),
    ]
}

#[test]
fn headers_are_read_into_an_empty_context_as_into_any() {
    // P-003, P-040, P-060, P-073
    let flags = ["00", "01", "02", "03", "ff"].map(|flags| format!("00-{TRACE}-1234567890123456-{flags}"));
    let parents = flags.iter().map(|parent| vec![("traceparent", parent.as_str())]);
    let parents = parents.chain([vec![], vec![("traceparent", "00-1-1-01")]]);
    for parent in parents {
        for rest in [
            &[][..],
            &[("tracestate", "a=1,foo@@bar=2"), ("tracestate", "c=3")],
            &[("baggage", "a=1,b=2;p"), ("baggage", "c=%20")],
            &[("tracestate", "not valid"), ("baggage", "not valid")],
        ] {
            let incoming = headers(parent.iter().chain(rest).copied());
            for propagator in composites() {
                let fresh = propagator.extract_fresh(&incoming);
                let general = propagator.extract_with_context(&Context::new(), &HeaderExtractor(&incoming));
                assert_eq!(fresh.span().span_context(), general.span().span_context(), "{incoming:?}");
                assert_eq!(fresh.has_active_span(), general.has_active_span(), "{incoming:?}");
                assert_eq!(sent(&propagator, &fresh), sent(&propagator, &general), "{incoming:?}");
            }
        }
    }
}

#[test]
fn the_random_flag_goes_out_as_it_came_below_every_sampler() {
    // P-002, P-003, P-021, P-031
    for flags in ["00", "01", "02", "03"] {
        let parent = format!("00-{TRACE}-1234567890123456-{flags}");
        let incoming = headers([("traceparent", parent.as_str())]);
        for (sampler, sampled) in [(Sampler::AlwaysOn, 1), (Sampler::AlwaysOff, 0)] {
            let tracer = SdkTracerProvider::builder().with_sampler(sampler).build().tracer("service");
            for propagator in composites() {
                let context = propagator.extract_fresh(&incoming);
                let span = tracer.start_with_context("work", &context);
                let sent = sent(&propagator, &context.with_span(span));
                let random = if flags < "02" { 0 } else { 2 };
                let line = sent["traceparent"].to_str().unwrap();
                assert_eq!(line[53..], format!("{:02x}", random | sampled), "{flags} {propagator:?}");
            }
        }
    }
}

#[test]
fn a_trace_read_over_another_has_its_own_random_flag() {
    // P-003
    let lines = ["00", "01", "02", "03"].map(|flags| format!("00-{TRACE}-1234567890123456-{flags}"));
    for (first, second) in lines.iter().flat_map(|first| lines.iter().map(move |second| (first, second))) {
        for propagator in composites() {
            let first = headers([("traceparent", first.as_str()), ("tracestate", "a=1")]);
            let incoming = headers([("traceparent", second.as_str())]);
            for context in [propagator.extract_fresh(&first), propagator.extract_fresh(&HeaderMap::new())] {
                let context = propagator.extract_with_context(&context, &HeaderExtractor(&incoming));
                assert_eq!(sent(&propagator, &context), incoming);
                // What the SDK does to a span that it drops.
                let span = context.span().span_context().clone();
                let (flags, state) = (TraceFlags::NOT_SAMPLED, span.trace_state().clone());
                let span = SpanContext::new(span.trace_id(), SpanId::from(7), flags, false, state);
                let sent = sent(&propagator, &context.with_remote_span_context(span));
                let random = if second[53..] < *"02" { "00" } else { "02" };
                assert_eq!(&sent["traceparent"].to_str().unwrap()[53..], random);
            }
        }
    }
}
