//! How trace ids and baggage travel between services: in the headers of requests and messages.
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
//! [`TraceContext`] and [`Baggage`] are W3C's and the default, [`B3`], [`B3Multi`], [`Jaeger`] and [`XRay`]
//! those of other tracers. Each is a `TextMapPropagator` for use with any carrier; [`Composite`] is several
//! in one, and [`Format`] has the names by which `OTEL_PROPAGATORS` chooses. The layers do all this by
//! themselves for HTTP; what follows is for what is not HTTP.
//!
//! # Message queues
//!
//! Who sends a message writes the context into it, and who receives it reads it into an empty one. A map of
//! strings is a carrier by itself; [`ListInjector`] and [`ListExtractor`] are for lists of names and bytes.
//!
//! ```
//! use std::collections::HashMap;
//! use opentelemetry::{Context, baggage::BaggageExt, propagation::TextMapPropagator};
//! use throughline_middleware::propagation::{Composite, ListExtractor, ListInjector};
//!
//! let propagator = Composite::default();
//! # let member = opentelemetry::KeyValue::new("tenant", "acme");
//! # let _attached = Context::new().with_baggage([member]).attach();
//!
//! // Fields as text: the current context, sent and received.
//! let mut fields = HashMap::new();
//! propagator.inject(&mut fields);
//! let received = propagator.extract_with_context(&Context::new(), &fields);
//! assert_eq!(received.baggage().to_string(), "tenant=acme");
//!
//! // Fields as bytes, in order.
//! let mut fields = vec![(String::from("content-type"), b"text/plain".to_vec())];
//! propagator.inject(&mut ListInjector(&mut fields));
//! let received = propagator.extract_with_context(&Context::new(), &ListExtractor(&fields));
//! assert_eq!(received.baggage().to_string(), "tenant=acme");
//! ```
//!
//! A span that is to be the message's child is started with `received` as its parent, as in
//! `tracer.start_with_context("process orders", &received)`.
//!
//! # Processes
//!
//! [`EnvironmentInjector`] writes `TRACEPARENT`, `TRACESTATE` and `BAGGAGE` for a job to be started,
//! [`EnvironmentExtractor`] reads them there.
//!
//! ```
//! use std::{collections::BTreeMap, process::Command};
//! use opentelemetry::{Context, propagation::TextMapPropagator};
//! use throughline_middleware::propagation::{Composite, EnvironmentExtractor, EnvironmentInjector};
//!
//! let mut variables = BTreeMap::new();
//! Composite::default().inject(&mut EnvironmentInjector(&mut variables));
//! let mut job = Command::new("job");
//! job.envs(&variables);
//!
//! let started = EnvironmentExtractor::from_iter(variables); // in the job: std::env::vars().collect()
//! let context = Composite::default().extract_with_context(&Context::new(), &started);
//! # drop(context);
//! ```
//!
//! # Limits
//!
//! Whatever arrives, nothing panics, nothing is logged, and the work is linear in the length of the fields.
//! What cannot be read leaves the context as it was (OpenTelemetry specification, propagators, "extract"). A
//! `tracestate` has at most 32 members of 513 bytes, baggage 64 members and 8,192 bytes, all else a fixed
//! length. What arrives is a caller's word: ids can be made up, and baggage can say anything.

mod b3;
mod baggage;
mod carrier;
mod composite;
mod environment;
mod field;
mod format;
mod hex;
mod jaeger;
mod list;
mod origin;
mod tracecontext;
mod tracestate;
mod xray;

pub use self::{
    b3::{B3, B3Multi},
    baggage::Baggage,
    carrier::{HeaderExtractor, HeaderInjector},
    composite::Composite,
    environment::{EnvironmentExtractor, EnvironmentInjector},
    format::{Chosen, Format},
    jaeger::Jaeger,
    list::{ListExtractor, ListInjector},
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
