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

mod baggage;
mod tracecontext;

use std::sync::{Arc, LazyLock};

use http::{HeaderMap, HeaderName, HeaderValue};
use opentelemetry::{
    Context,
    propagation::{Extractor, Injector, TextMapPropagator, text_map_propagator::FieldIter},
};

pub use self::{baggage::Baggage, tracecontext::TraceContext};

/// Spaces and tabs around the members of a list header (RFC 9110 §5.6.3).
const OPTIONAL_WHITESPACE: [char; 2] = [' ', '\t'];

/// Stands for a header line that is not text: not valid in any of the grammars, so that the line counts and
/// is refused instead of being overlooked.
const UNREADABLE: &str = "\u{fffd}";

/// Several propagators in one: reads with each in the order listed, so that later ones win, and writes with
/// all of them.
///
/// The default is [`TraceContext`] and [`Baggage`], as the OpenTelemetry specification demands of
/// `OTEL_PROPAGATORS`.
#[derive(Debug)]
pub struct Composite {
    propagators: Vec<Arc<dyn TextMapPropagator + Send + Sync>>,
    fields: Vec<String>,
}

impl Composite {
    /// Makes one propagator of a list; an empty list reads and writes nothing.
    pub fn new(propagators: impl IntoIterator<Item = Arc<dyn TextMapPropagator + Send + Sync>>) -> Self {
        let propagators = Vec::from_iter(propagators);
        let fields =
            propagators.iter().flat_map(|propagator| propagator.fields()).map(String::from).collect();
        Self { propagators, fields }
    }
}

impl Default for Composite {
    fn default() -> Self {
        let propagators: [Arc<dyn TextMapPropagator + Send + Sync>; 2] =
            [Arc::new(TraceContext::default()), Arc::new(Baggage)];
        Self::new(propagators)
    }
}

impl TextMapPropagator for Composite {
    fn inject_context(&self, context: &Context, injector: &mut dyn Injector) {
        for propagator in &self.propagators {
            propagator.inject_context(context, injector);
        }
    }

    fn extract_with_context(&self, context: &Context, extractor: &dyn Extractor) -> Context {
        let context = self.propagators.iter().fold(context.clone(), |context, propagator| {
            propagator.extract_with_context(&context, extractor)
        });
        tracecontext::with_origin(context)
    }

    fn fields(&self) -> FieldIter<'_> {
        FieldIter::new(&self.fields)
    }
}

/// Reads propagation fields from HTTP headers, all lines of each.
#[derive(Clone, Copy, Debug)]
pub struct HeaderExtractor<'a>(
    /// The headers to read from.
    pub &'a HeaderMap,
);

impl Extractor for HeaderExtractor<'_> {
    /// Returns the first line of a header.
    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).map(|line| text(line.as_bytes()))
    }

    /// Returns the names of all headers.
    fn keys(&self) -> Vec<&str> {
        self.0.keys().map(HeaderName::as_str).collect()
    }

    /// Returns all lines of a header, in order; a line that is not text as a value that no grammar accepts.
    ///
    /// A line of `baggage` that is not text is returned member by member, so that only the bad ones are lost.
    fn get_all(&self, key: &str) -> Option<Vec<&str>> {
        let lines = self.0.get_all(key).iter();
        let mut lines = lines.flat_map(|line| {
            let is_split = key == baggage::BAGGAGE && line.to_str().is_err();
            let line = line.as_bytes();
            // What is over the limit is refused as it is, and need not be split.
            let line = line.get(..=baggage::LIMIT_BYTES).filter(|_| is_split).unwrap_or(line);
            line.split(move |byte| is_split && *byte == b',').map(text)
        });
        // Not inside the list, which would be allocated first.
        let first = lines.next()?;
        let mut all = vec![first];
        all.extend(lines);
        Some(all)
    }
}

/// Reads what HTTP counts as text: visible ASCII, spaces and tabs.
fn text(line: &[u8]) -> &str {
    let is_text = |byte: &u8| matches!(byte, b' '..=b'~' | b'\t');
    std::str::from_utf8(line).ok().filter(|_| line.iter().all(is_text)).unwrap_or(UNREADABLE)
}

/// Writes propagation fields into HTTP headers, in the place of all lines of the same name.
#[derive(Debug)]
pub struct HeaderInjector<'a>(
    /// The headers to write to.
    pub &'a mut HeaderMap,
);

impl Injector for HeaderInjector<'_> {
    /// Replaces a header; a name or value that HTTP does not allow is left out.
    ///
    /// A new `traceparent` also removes the `tracestate` that was there: it belonged to the old one
    /// (W3C Trace Context §3.3).
    fn set(&mut self, key: &str, value: String) {
        let (Ok(name), Ok(value)) = (header_name(key), HeaderValue::try_from(value)) else { return };
        if key == tracecontext::TRACEPARENT {
            self.0.remove(tracecontext::TRACESTATE);
        }
        // Refused only for the 32,769th header.
        let _ = self.0.try_insert(name, value);
    }

    fn reserve(&mut self, additional: usize) {
        let _ = self.0.try_reserve(additional);
    }
}

/// Makes a header's name, without an allocation for the names of this module.
fn header_name(key: &str) -> Result<HeaderName, http::header::InvalidHeaderName> {
    static OWN: LazyLock<[HeaderName; 3]> = LazyLock::new(|| {
        [tracecontext::TRACEPARENT, tracecontext::TRACESTATE, baggage::BAGGAGE].map(HeaderName::from_static)
    });
    match OWN.iter().find(|own| own.as_str() == key) {
        Some(own) => Ok(own.clone()),
        None => HeaderName::try_from(key),
    }
}
