//! What a layer records with: a tracer, a histogram and a propagator, behind one type without parameters.

use std::{
    fmt,
    sync::{Arc, Once, OnceLock},
    time::Duration,
};

use opentelemetry::{
    Context, InstrumentationScope, KeyValue, global,
    metrics::{Histogram, MeterProvider},
    propagation::{Extractor, Injector, TextMapPropagator, text_map_propagator::FieldIter},
    trace::{Span, SpanBuilder, TraceContextExt, Tracer, TracerProvider},
};

use crate::{attributes, exchange::Side};

/// A propagator that can be shared by the exchanges of many threads.
pub(crate) type SharedPropagator = Arc<dyn TextMapPropagator + Send + Sync>;

/// Hands each attribute of a request to the function it is given; called for recorded spans only.
pub(crate) type Describe<'a> = &'a dyn Fn(&mut dyn FnMut(KeyValue));

/// The instruments of one layer; shared by its services and exchanges.
pub(crate) struct Instruments {
    side: Side,
    resolved: OnceLock<Resolved>,
    notice: OnceLock<fn(&'static str)>,
    noticed: Once,
}

struct Resolved {
    tracer: Box<dyn Start>,
    duration: Histogram<f64>,
    propagator: SharedPropagator,
}

impl Instruments {
    /// Takes the instruments from the providers given.
    pub(crate) fn new<P>(
        side: Side,
        tracers: &P,
        meters: &dyn MeterProvider,
        propagator: SharedPropagator,
    ) -> Arc<Self>
    where
        P: TracerProvider,
        P::Tracer: Tracer<Span: Send + Sync + 'static> + Send + Sync + 'static,
    {
        let resolved = Resolved::new(side, tracers, meters, propagator);
        Arc::new(Self { side, resolved: resolved.into(), notice: OnceLock::new(), noticed: Once::new() })
    }

    /// Takes the instruments from the global providers, at the first request.
    pub(crate) fn global(side: Side) -> Arc<Self> {
        Arc::new(Self { side, resolved: OnceLock::new(), notice: OnceLock::new(), noticed: Once::new() })
    }

    /// Where [`notice`](Self::notice) goes; the first one counts.
    pub(crate) fn on_notice(&self, tell: fn(&'static str)) {
        let _ = self.notice.set(tell);
    }

    /// Tells something about the set-up, once.
    pub(crate) fn notice(&self, text: &'static str) {
        if let Some(tell) = self.notice.get() {
            self.noticed.call_once(|| tell(text));
        }
    }

    pub(crate) fn side(&self) -> Side {
        self.side
    }

    pub(crate) fn propagator(&self) -> &dyn TextMapPropagator {
        &*self.resolved().propagator
    }

    /// Starts a span: the context that carries its ids, and whether it is recorded.
    pub(crate) fn start(
        &self,
        builder: SpanBuilder,
        parent: &Context,
        describe: Describe<'_>,
    ) -> (Context, bool) {
        self.resolved().tracer.start(builder, parent, describe)
    }

    pub(crate) fn measure(&self, duration: Duration, labels: &[KeyValue]) {
        self.resolved().duration.record(duration.as_secs_f64(), labels);
    }

    fn resolved(&self) -> &Resolved {
        self.resolved.get_or_init(|| {
            let meters = global::meter_provider();
            Resolved::new(self.side, &global::tracer_provider(), &*meters, Arc::new(GlobalPropagator))
        })
    }
}

impl fmt::Debug for Instruments {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Instruments").field("side", &self.side).finish_non_exhaustive()
    }
}

impl Resolved {
    fn new<P>(side: Side, tracers: &P, meters: &dyn MeterProvider, propagator: SharedPropagator) -> Self
    where
        P: TracerProvider,
        P::Tracer: Tracer<Span: Send + Sync + 'static> + Send + Sync + 'static,
    {
        let scope = InstrumentationScope::builder(attributes::SCOPE)
            .with_version(env!("CARGO_PKG_VERSION"))
            .with_schema_url(attributes::SCHEMA_URL)
            .build();
        let duration = meters
            .meter_with_scope(scope.clone())
            .f64_histogram(side.duration_name())
            .with_description(side.duration_description())
            .with_unit(attributes::SECONDS)
            .with_boundaries(attributes::DURATION_BOUNDS_SECONDS.to_vec())
            .build();
        Self { tracer: Box::new(tracers.tracer_with_scope(scope)), duration, propagator }
    }
}

/// A tracer without its span type. Boxing the tracer through the API would box each span twice.
trait Start: Send + Sync {
    fn start(&self, builder: SpanBuilder, parent: &Context, describe: Describe<'_>) -> (Context, bool);
}

impl<T> Start for T
where
    T: Tracer<Span: Send + Sync + 'static> + Send + Sync,
{
    fn start(&self, builder: SpanBuilder, parent: &Context, describe: Describe<'_>) -> (Context, bool) {
        let mut span = self.build_with_context(builder, parent);
        if span.is_recording() {
            describe(&mut |attribute| span.set_attribute(attribute));
            return (parent.with_span(span), true);
        }
        let context = span.span_context();
        // A tracer that does nothing answers with the parent's own context, one that was shut down or is
        // suppressed with an invalid one: in both cases what the parent carries is passed on unchanged.
        if !context.is_valid() || context == parent.span().span_context() {
            return (parent.clone(), false);
        }
        (parent.with_remote_span_context(context.clone()), false)
    }
}

/// The propagator that is global at the time of each use.
#[derive(Debug)]
struct GlobalPropagator;

impl TextMapPropagator for GlobalPropagator {
    fn inject_context(&self, context: &Context, injector: &mut dyn Injector) {
        global::get_text_map_propagator(|propagator| propagator.inject_context(context, injector));
    }

    fn extract_with_context(&self, context: &Context, extractor: &dyn Extractor) -> Context {
        global::get_text_map_propagator(|propagator| propagator.extract_with_context(context, extractor))
    }

    /// Empty: the names cannot be borrowed from behind the global lock, and the layers do not ask.
    fn fields(&self) -> FieldIter<'_> {
        FieldIter::new(&[])
    }
}
