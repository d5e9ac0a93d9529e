//! What a layer records with: a tracer, instruments, a propagator, behind one type without parameters.

use std::{
    fmt,
    sync::{Arc, Once, OnceLock},
    time::Duration,
};

use http::HeaderMap;
use opentelemetry::{
    Context, InstrumentationScope, KeyValue, global,
    logs::{Logger, LoggerProvider},
    metrics::{Histogram, Meter, MeterProvider, UpDownCounter},
    propagation::{Extractor, Injector, TextMapPropagator, text_map_propagator::FieldIter},
    trace::{Span, SpanBuilder, TraceContextExt, Tracer, TracerProvider},
};

use crate::{
    attributes,
    exception::{Emit, Exception},
    exchange::Side,
    options::SpanDraft,
    propagation::Composite,
    rules::Rules,
    series::{Convention, Durations, Names, Recorder, Series},
};

/// The instruments of one layer; shared by its services and exchanges.
pub(crate) struct Instruments {
    settings: Settings,
    resolved: OnceLock<Resolved>,
    noticed: Once,
    noticed_no_route: Once,
    names: Names,
}

/// What a layer was made with.
#[derive(Clone)]
pub(crate) struct Settings {
    pub(crate) side: Side,
    pub(crate) rules: Rules,
    /// Where notices go.
    pub(crate) notice: Option<fn(&'static str)>,
    pub(crate) exceptions: Option<Arc<dyn Emit>>,
    /// `None`: from the globals, at the first request.
    source: Option<Source>,
}

/// Where instruments come from.
#[derive(Clone)]
struct Source {
    tracer: Arc<dyn Start>,
    meter: Meter,
    propagator: Arc<Composite>,
}

/// The instruments themselves. Those of calls are made at the first call: most services have none.
struct Resolved {
    source: Source,
    http: Durations,
    rpc: OnceLock<Durations>,
    active_requests: OnceLock<UpDownCounter<i64>>,
    request_sizes: OnceLock<Histogram<u64>>,
    response_sizes: OnceLock<Histogram<u64>>,
}

impl Settings {
    /// Takes the instruments from the providers given.
    pub(crate) fn new<P>(
        side: Side,
        rules: Rules,
        tracers: &P,
        meters: &dyn MeterProvider,
        propagator: Arc<Composite>,
    ) -> Self
    where
        P: TracerProvider,
        P::Tracer: Tracer<Span: Send + Sync + 'static> + Send + Sync + 'static,
    {
        let source = Some(Source::new(tracers, meters, propagator));
        Self { side, rules, notice: None, exceptions: None, source }
    }

    /// Takes the instruments from the global providers, at the first request.
    pub(crate) fn global(side: Side, rules: Rules) -> Self {
        Self { side, rules, notice: None, exceptions: None, source: None }
    }

    /// Tells exceptions to a logger of this provider.
    pub(crate) fn with_exceptions<P>(&mut self, loggers: &P)
    where
        P: LoggerProvider,
        P::Logger: Logger + Send + Sync + 'static,
    {
        self.exceptions = Some(Arc::new(loggers.logger_with_scope(scope())));
    }
}

impl Instruments {
    pub(crate) fn new(settings: Settings) -> Arc<Self> {
        Arc::new(Self {
            settings,
            resolved: OnceLock::new(),
            noticed: Once::new(),
            noticed_no_route: Once::new(),
            names: Names::new(),
        })
    }

    /// Returns instruments as these, with other settings.
    pub(crate) fn changed(&self, change: impl FnOnce(&mut Settings)) -> Arc<Self> {
        let mut settings = self.settings.clone();
        change(&mut settings);
        Self::new(settings)
    }

    #[inline]
    pub(crate) fn side(&self) -> Side {
        self.settings.side
    }

    #[inline]
    pub(crate) fn rules(&self) -> &Rules {
        &self.settings.rules
    }

    /// Routes and hosts that were seen before.
    pub(crate) fn names(&self) -> &Names {
        &self.names
    }

    /// Tells something about the set-up, once.
    pub(crate) fn notice(&self, text: &'static str) {
        self.notice_once(&self.noticed, text);
    }

    /// Tells that the layer is at a place where it learns no route, once.
    pub(crate) fn notice_no_route(&self, text: &'static str) {
        self.notice_once(&self.noticed_no_route, text);
    }

    /// Tells something, once in the life of this mark.
    pub(crate) fn notice_once(&self, mark: &Once, text: &'static str) {
        if let Some(tell) = self.settings.notice {
            mark.call_once(|| tell(text));
        }
    }

    /// Reads what the caller sent into an empty context.
    pub(crate) fn extract(&self, headers: &HeaderMap) -> Context {
        self.resolved().source.propagator.extract_fresh(headers)
    }

    /// Writes what a context carries into headers.
    pub(crate) fn inject(&self, context: &Context, headers: &mut HeaderMap) {
        self.resolved().source.propagator.inject_headers(context, headers);
    }

    /// Returns what starts spans.
    #[inline]
    pub(crate) fn tracer(&self) -> &dyn Start {
        &*self.resolved().source.tracer
    }

    /// Records how long an exchange took.
    pub(crate) fn measure(&self, duration: Duration, series: &Series) -> &Recorder {
        self.resolved().durations(&self.settings, series.convention).record(duration.as_secs_f64(), series)
    }

    /// Counts an exchange in (1) or out (-1) of those under way.
    pub(crate) fn count_active(&self, change: i64, series: &Series) {
        let resolved = self.resolved();
        let counter =
            resolved.active_requests.get_or_init(|| self.side().active_requests(&resolved.source.meter));
        let mut labels = Vec::new();
        series.open(&mut labels);
        counter.add(change, &labels);
    }

    /// Records how long the two bodies were, where that is known.
    pub(crate) fn measure_sizes(&self, request: Option<u64>, response: Option<u64>, labels: &[KeyValue]) {
        let resolved = self.resolved();
        let meter = &resolved.source.meter;
        if let Some(bytes) = request {
            resolved.request_sizes.get_or_init(|| self.side().request_sizes(meter)).record(bytes, labels);
        }
        if let Some(bytes) = response {
            resolved.response_sizes.get_or_init(|| self.side().response_sizes(meter)).record(bytes, labels);
        }
    }

    /// Tells an exception, as a log record of the active context.
    pub(crate) fn tell(&self, exception: Exception<'_>) {
        if let Some(logger) = &self.settings.exceptions {
            logger.emit(exception);
        }
    }

    fn resolved(&self) -> &Resolved {
        self.resolved.get_or_init(|| {
            let globals = || {
                let propagator = Arc::new(Composite::new([Arc::new(GlobalPropagator) as _]));
                Source::new(&global::tracer_provider(), &*global::meter_provider(), propagator)
            };
            Resolved::new(&self.settings, self.settings.source.clone().unwrap_or_else(globals))
        })
    }
}

impl fmt::Debug for Instruments {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Settings { side, rules, .. } = &self.settings;
        formatter
            .debug_struct("Instruments")
            .field("side", side)
            .field("rules", rules)
            .finish_non_exhaustive()
    }
}

impl Source {
    fn new<P>(tracers: &P, meters: &dyn MeterProvider, propagator: Arc<Composite>) -> Self
    where
        P: TracerProvider,
        P::Tracer: Tracer<Span: Send + Sync + 'static> + Send + Sync + 'static,
    {
        let tracer = Arc::new(tracers.tracer_with_scope(scope()));
        Self { tracer, meter: meters.meter_with_scope(scope()), propagator }
    }
}

impl Resolved {
    fn new(settings: &Settings, source: Source) -> Self {
        let http = settings.side.durations(Convention::Http, &source.meter);
        Self {
            http: Durations::new(http, settings.rules.bound_instruments),
            rpc: OnceLock::new(),
            active_requests: OnceLock::new(),
            request_sizes: OnceLock::new(),
            response_sizes: OnceLock::new(),
            source,
        }
    }

    fn durations(&self, settings: &Settings, convention: Convention) -> &Durations {
        match convention {
            Convention::Http => &self.http,
            Convention::Rpc => self.rpc.get_or_init(|| {
                let histogram = settings.side.durations(convention, &self.source.meter);
                Durations::new(histogram, settings.rules.bound_instruments)
            }),
        }
    }
}

/// The instruments of each side, by name, unit and description.
impl Side {
    fn durations(self, convention: Convention, meter: &Meter) -> Histogram<f64> {
        let (name, description) = match (self, convention) {
            (Self::Server, Convention::Http) => {
                ("http.server.request.duration", "Duration of HTTP server requests.")
            }
            (Self::Client, Convention::Http) => {
                ("http.client.request.duration", "Duration of HTTP client requests.")
            }
            (Self::Server, Convention::Rpc) => (
                "rpc.server.call.duration",
                "Measures the duration of an incoming Remote Procedure Call (RPC).",
            ),
            (Self::Client, Convention::Rpc) => (
                "rpc.client.call.duration",
                "Measures the duration of an outgoing Remote Procedure Call (RPC).",
            ),
        };
        meter
            .f64_histogram(name)
            .with_description(description)
            .with_unit("s")
            .with_boundaries(attributes::DURATION_BOUNDS_SECONDS.to_vec())
            .build()
    }

    fn active_requests(self, meter: &Meter) -> UpDownCounter<i64> {
        let (name, description) = match self {
            Self::Server => ("http.server.active_requests", "Number of active HTTP server requests."),
            Self::Client => ("http.client.active_requests", "Number of active HTTP requests."),
        };
        meter.i64_up_down_counter(name).with_description(description).with_unit("{request}").build()
    }

    fn request_sizes(self, meter: &Meter) -> Histogram<u64> {
        let (name, description) = match self {
            Self::Server => ("http.server.request.body.size", "Size of HTTP server request bodies."),
            Self::Client => ("http.client.request.body.size", "Size of HTTP client request bodies."),
        };
        meter.u64_histogram(name).with_description(description).with_unit("By").build()
    }

    fn response_sizes(self, meter: &Meter) -> Histogram<u64> {
        let (name, description) = match self {
            Self::Server => ("http.server.response.body.size", "Size of HTTP server response bodies."),
            Self::Client => ("http.client.response.body.size", "Size of HTTP client response bodies."),
        };
        meter.u64_histogram(name).with_description(description).with_unit("By").build()
    }
}

/// The scope of all that the layers record.
fn scope() -> InstrumentationScope {
    InstrumentationScope::builder(attributes::SCOPE)
        .with_version(env!("CARGO_PKG_VERSION"))
        .with_schema_url(attributes::SCHEMA_URL)
        .build()
}

/// Returns what a span is told; called once, and only if it is recorded or may be.
pub(crate) type Describe<'a> = &'a dyn Fn() -> SpanDraft;

/// Whether a span will be recorded, as far as can be said before the sampler is asked.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Expected {
    /// The caller's is: attributes can be built at once.
    Recorded,
    Unrecorded,
    Either,
}

impl Expected {
    pub(crate) fn of(parent: &Context) -> Self {
        let span = parent.span();
        let context = span.span_context();
        match (context.is_valid(), context.is_sampled()) {
            (true, true) => Self::Recorded,
            (true, false) => Self::Unrecorded,
            (false, _) => Self::Either,
        }
    }
}

/// A tracer without its span type. Boxing the tracer through the API would box each span twice.
pub(crate) trait Start: Send + Sync {
    /// Starts a span: the context that carries its ids, and whether it is recorded. What is not in the builder yet is
    /// asked for if it is.
    fn start(
        &self,
        builder: SpanBuilder,
        parent: &Context,
        describe: Option<Describe<'_>>,
    ) -> (Context, bool);
}

impl<T> Start for T
where
    T: Tracer<Span: Send + Sync + 'static> + Send + Sync,
{
    fn start(
        &self,
        builder: SpanBuilder,
        parent: &Context,
        describe: Option<Describe<'_>>,
    ) -> (Context, bool) {
        let mut span = self.build_with_context(builder, parent);
        if span.is_recording() {
            if let Some(describe) = describe {
                let draft = describe();
                span.set_attributes(draft.attributes);
                if let Some(name) = draft.name {
                    span.update_name(name);
                }
            }
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
