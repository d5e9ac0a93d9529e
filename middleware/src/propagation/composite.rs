//! Several propagators in one.

use std::sync::{Arc, LazyLock};

use http::{HeaderMap, HeaderName};
use opentelemetry::{
    Context,
    propagation::{Extractor, Injector, TextMapPropagator, text_map_propagator::FieldIter},
};

use super::{
    b3::{self, B3, B3Multi},
    baggage::Baggage,
    carrier::{Picked, Sink, Source},
    format::Format,
    jaeger::Jaeger,
    origin,
    tracecontext::TraceContext,
    xray::XRay,
};

/// Several propagators in one: reads with each in the order listed, so that later ones win, and writes with
/// all of them.
///
/// The default is [`TraceContext`] and [`Baggage`], as the OpenTelemetry specification demands of
/// `OTEL_PROPAGATORS`.
#[derive(Debug)]
pub struct Composite {
    parts: Vec<Part>,
    fields: Vec<String>,
    /// The fields that our own parts read.
    fields_read: Vec<&'static HeaderName>,
}

/// One of the propagators: ours, which read headers as they are, or somebody else's.
#[derive(Debug)]
enum Part {
    TraceContext(TraceContext),
    Baggage(Baggage),
    B3(B3),
    B3Multi(B3Multi),
    Jaeger(Jaeger),
    XRay(XRay),
    Other(Arc<dyn TextMapPropagator + Send + Sync>),
}

impl Composite {
    /// Makes one propagator of any others; an empty list reads and writes nothing.
    pub fn new(propagators: impl IntoIterator<Item = Arc<dyn TextMapPropagator + Send + Sync>>) -> Self {
        Self::from_parts(propagators.into_iter().map(Part::Other))
    }

    /// Makes one propagator of the formats of this module, which read headers without a detour.
    pub fn of(formats: impl IntoIterator<Item = Format>) -> Self {
        Self::from_parts(formats.into_iter().map(|format| match format {
            Format::TraceContext => Part::TraceContext(TraceContext::default()),
            Format::Baggage => Part::Baggage(Baggage),
            Format::B3 => Part::B3(B3),
            Format::B3Multi => Part::B3Multi(B3Multi),
            Format::Jaeger => Part::Jaeger(Jaeger),
            Format::XRay => Part::XRay(XRay),
        }))
    }

    fn from_parts(parts: impl IntoIterator<Item = Part>) -> Self {
        let parts = Vec::from_iter(parts);
        let fields = parts.iter().flat_map(Part::fields).collect();
        let fields_read = parts.iter().flat_map(Part::fields_read).copied().collect();
        Self { parts, fields, fields_read }
    }

    /// Reads what came with a request, into an empty context. It is what `extract_with_context` makes of an
    /// empty context and a [`HeaderExtractor`](super::HeaderExtractor), and costs less: where a request has
    /// no more than a `traceparent`, one allocation, and none where it has nothing.
    pub fn extract_fresh(&self, headers: &HeaderMap) -> Context {
        let read = match Picked::of(headers, &self.fields_read) {
            Some(picked) => self.read(None, &picked),
            None => self.read(None, headers),
        };
        read.unwrap_or_default()
    }

    /// Writes what `inject_context` writes into a [`HeaderInjector`](super::HeaderInjector).
    pub fn inject_headers(&self, context: &Context, headers: &mut HeaderMap) {
        self.write(context, headers);
    }

    fn read(&self, base: Option<&Context>, source: &impl Source) -> Option<Context> {
        let mut read = None;
        for part in &self.parts {
            if let Some(context) = part.read(read.as_ref().or(base), source) {
                read = Some(context);
            }
        }
        read
    }

    fn write(&self, context: &Context, sink: &mut impl Sink) {
        for part in &self.parts {
            part.write(context, sink);
        }
    }
}

impl Default for Composite {
    fn default() -> Self {
        Self::of(Format::DEFAULT)
    }
}

impl Part {
    /// Returns the base, or an empty context, with what was read; none if there was nothing.
    fn read(&self, base: Option<&Context>, source: &impl Source) -> Option<Context> {
        match self {
            Self::TraceContext(propagator) => propagator.read(base, source),
            Self::Baggage(propagator) => propagator.read(base, source),
            Self::B3(propagator) => propagator.read(base, source),
            Self::B3Multi(propagator) => propagator.read(base, source),
            Self::Jaeger(propagator) => propagator.read(base, source),
            Self::XRay(propagator) => propagator.read(base, source),
            Self::Other(propagator) => {
                Some(origin::noted(source.extract(base.unwrap_or(&Context::new()), &**propagator)))
            }
        }
    }

    fn write(&self, context: &Context, sink: &mut impl Sink) {
        match self {
            Self::TraceContext(propagator) => propagator.write(context, sink),
            Self::Baggage(propagator) => propagator.write(context, sink),
            Self::B3(propagator) => propagator.write(context, sink),
            Self::B3Multi(propagator) => propagator.write(context, sink),
            Self::Jaeger(propagator) => propagator.write(context, sink),
            Self::XRay(propagator) => propagator.write(context, sink),
            Self::Other(propagator) => sink.inject(context, &**propagator),
        }
    }

    fn fields(&self) -> Vec<String> {
        match self {
            Self::TraceContext(_) => names(TraceContext::fields()),
            Self::Baggage(_) => names(Baggage::fields()),
            Self::B3(_) => names(B3::fields()),
            Self::B3Multi(_) => names(B3Multi::fields()),
            Self::Jaeger(_) => names(Jaeger::fields()),
            Self::XRay(_) => names(XRay::fields()),
            Self::Other(propagator) => propagator.fields().map(String::from).collect(),
        }
    }

    /// The fields that are read by their names.
    fn fields_read(&self) -> &'static [&'static HeaderName] {
        match self {
            Self::TraceContext(_) => TraceContext::fields(),
            Self::Baggage(_) => Baggage::fields(),
            Self::B3(_) | Self::B3Multi(_) => &b3::READ,
            Self::Jaeger(_) => Jaeger::fields(),
            Self::XRay(_) => XRay::fields(),
            Self::Other(_) => &[],
        }
    }
}

impl TextMapPropagator for Composite {
    fn inject_context(&self, context: &Context, mut injector: &mut dyn Injector) {
        self.write(context, &mut injector);
    }

    fn extract_with_context(&self, context: &Context, extractor: &dyn Extractor) -> Context {
        self.read(Some(context), &extractor).unwrap_or_else(|| context.clone())
    }

    fn fields(&self) -> FieldIter<'_> {
        FieldIter::new(&self.fields)
    }
}

fn names(fields: &[&HeaderName]) -> Vec<String> {
    fields.iter().map(ToString::to_string).collect()
}

/// Makes each of ours a propagator of its own.
macro_rules! propagators {
    ($($propagator:ty),*) => {$(
        impl TextMapPropagator for $propagator {
            fn inject_context(&self, context: &Context, mut injector: &mut dyn Injector) {
                self.write(context, &mut injector);
            }

            fn extract_with_context(&self, context: &Context, extractor: &dyn Extractor) -> Context {
                self.read(Some(context), &extractor).unwrap_or_else(|| context.clone())
            }

            fn fields(&self) -> FieldIter<'_> {
                static FIELDS: LazyLock<Vec<String>> = LazyLock::new(|| names(<$propagator>::fields()));
                FieldIter::new(&FIELDS)
            }
        }
    )*};
}

propagators!(TraceContext, Baggage, B3, B3Multi, Jaeger, XRay);

#[cfg(test)]
mod tests;
