//! How trace ids and baggage travel between services: in HTTP headers.
//!
//! [`TraceContext`] reads and writes `traceparent` and `tracestate` (W3C Trace Context level 2),
//! [`Baggage`] reads and writes `baggage` (W3C Baggage), [`Composite`] is several propagators in one.
//! [`HeaderExtractor`] and [`HeaderInjector`] connect them to `http::HeaderMap`.
//!
//! ```
//! use http::HeaderMap;
//! use opentelemetry::{Context, propagation::TextMapPropagator, trace::TraceContextExt};
//! use throughline_middleware::propagation::{Composite, HeaderExtractor, HeaderInjector};
//!
//! let mut incoming = HeaderMap::new();
//! incoming.insert("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".parse()?);
//! incoming.insert("baggage", "tenant=acme".parse()?);
//!
//! let propagator = Composite::default();
//! let context = propagator.extract_with_context(&Context::new(), &HeaderExtractor(&incoming));
//! assert_eq!(context.span().span_context().trace_id().to_string(), "0af7651916cd43dd8448eb211c80319c");
//!
//! let mut outgoing = HeaderMap::new();
//! propagator.inject_context(&context, &mut HeaderInjector(&mut outgoing));
//! assert_eq!(outgoing, incoming);
//! # Ok::<_, Box<dyn std::error::Error>>(())
//! ```
//!
//! Whatever arrives, nothing panics, nothing is logged, and the work is linear in the headers' length. What
//! cannot be read leaves the context as it was (OpenTelemetry specification, propagators, "extract").

mod b3;
mod baggage;
mod carrier;
mod composite;
mod field;
mod format;
mod hex;
mod jaeger;
mod origin;
mod tracecontext;
mod tracestate;
mod xray;

pub use self::{
    b3::{B3, B3Multi},
    baggage::Baggage,
    carrier::{HeaderExtractor, HeaderInjector},
    composite::Composite,
    format::{Chosen, Format},
    jaeger::Jaeger,
    origin::{Decision, decision},
    tracecontext::TraceContext,
    xray::XRay,
};

/// Spaces and tabs around the members of a list header (RFC 9110 §5.6.3).
const OPTIONAL_WHITESPACE: [char; 2] = [' ', '\t'];

/// Returns a line without the optional whitespace around it.
fn trim(line: &[u8]) -> &[u8] {
    let is_text = |byte: &u8| !OPTIONAL_WHITESPACE.contains(&char::from(*byte));
    let (first, last) = (line.iter().position(is_text), line.iter().rposition(is_text));
    first.zip(last).map_or(&[], |(first, last)| &line[first..=last])
}
