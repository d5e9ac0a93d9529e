//! The names of all fields that are read and written.

use http::HeaderName;

pub(super) static TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
pub(super) static TRACESTATE: HeaderName = HeaderName::from_static("tracestate");
pub(super) static BAGGAGE: HeaderName = HeaderName::from_static("baggage");
pub(super) static B3: HeaderName = HeaderName::from_static("b3");
pub(super) static B3_TRACE_ID: HeaderName = HeaderName::from_static("x-b3-traceid");
pub(super) static B3_SPAN_ID: HeaderName = HeaderName::from_static("x-b3-spanid");
pub(super) static B3_PARENT_SPAN_ID: HeaderName = HeaderName::from_static("x-b3-parentspanid");
pub(super) static B3_SAMPLED: HeaderName = HeaderName::from_static("x-b3-sampled");
pub(super) static B3_FLAGS: HeaderName = HeaderName::from_static("x-b3-flags");
pub(super) static UBER_TRACE_ID: HeaderName = HeaderName::from_static("uber-trace-id");
pub(super) static AMAZON_TRACE_ID: HeaderName = HeaderName::from_static("x-amzn-trace-id");

/// Before the key of each member of Jaeger's baggage.
pub(super) const UBER_BAGGAGE: &str = "uberctx-";

/// Returns a field by its name.
pub(super) fn named(name: &str) -> Option<&'static HeaderName> {
    let all = [
        &TRACEPARENT,
        &TRACESTATE,
        &BAGGAGE,
        &B3,
        &B3_TRACE_ID,
        &B3_SPAN_ID,
        &B3_SAMPLED,
        &B3_FLAGS,
        &UBER_TRACE_ID,
        &AMAZON_TRACE_ID,
    ];
    all.into_iter().find(|field| field.as_str() == name)
}

/// Returns the fields that belong to what a field held before, and are not written each time with it.
pub(super) fn followers(name: &HeaderName) -> &'static [&'static HeaderName] {
    static OF_TRACEPARENT: [&HeaderName; 1] = [&TRACESTATE];
    static OF_B3_TRACE_ID: [&HeaderName; 3] = [&B3_PARENT_SPAN_ID, &B3_SAMPLED, &B3_FLAGS];
    if *name == TRACEPARENT {
        &OF_TRACEPARENT
    } else if *name == B3_TRACE_ID {
        &OF_B3_TRACE_ID
    } else {
        &[]
    }
}
