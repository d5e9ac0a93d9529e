//! The layer that makes spans of OpenTelemetry from those of `tracing`, with `tracing-opentelemetry`.
//!
//! That crate's layer is there twice. One is at work, inside of ours, which takes care that it is given nothing that
//! can panic. The other is never told of a span: it only lets `OpenTelemetrySpanExt` and `get_otel_context` find in the
//! subscriber what they look for, which a layer around another cannot say of it without `unsafe`. What they look up is in
//! the span.

use crate::{
    filter::ChangingFilter,
    log::{Ids, Spans, keep_origin, shown_attributes, shown_record},
};
use opentelemetry::{
    Context,
    trace::{Status, TraceContextExt, TracerProvider},
};
use opentelemetry_sdk::trace::{SdkTracer, SdkTracerProvider};
use tracing::{
    Dispatch, Event, Level, Metadata, Subscriber,
    level_filters::LevelFilter,
    span::{Attributes, Id, Record},
    subscriber::Interest,
};
use tracing_opentelemetry::OpenTelemetryLayer;
use tracing_subscriber::{
    Layer,
    layer::{self, Filter},
    registry::LookupSpan,
};

/// The layer that is only found. It comes before all others: a value that logs while it is shown makes `tracing` forget
/// which layers a new span is not for, and this one would panic.
pub(crate) fn found<S>(tracer: &SdkTracerProvider) -> impl Layer<S>
where
    S: Subscriber + for<'a> LookupSpan<'a> + Send + Sync,
{
    recorder(tracer).with_filter(Nothing)
}

/// The layer at work, with the spans that the filters let through, each of which is one of its own.
pub(crate) fn layer<S>(tracer: &SdkTracerProvider, filter: impl Fn() -> ChangingFilter) -> impl Layer<S>
where
    S: Subscriber + for<'a> LookupSpan<'a> + Send + Sync,
{
    let recorded = RecordedSpans { recorder: recorder(tracer), spans: Spans::default() };
    recorded.with_filter(SampledSpans(filter())).and_then(LostSpans.with_filter(UnsampledSpans(filter())))
}

fn recorder<S>(tracer: &SdkTracerProvider) -> OpenTelemetryLayer<S, SdkTracer>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    tracing_opentelemetry::layer()
        .with_tracer(tracer.tracer("throughline"))
        .with_location(false)
        .with_target(false)
        .with_threads(false)
        .with_tracked_inactivity(false)
}

/// Records spans.
///
/// Marks the current `tracing` span as failed when an ERROR event happens in it, as `#[instrument(err)]` makes
/// one. The spans of the layers of HTTP, and others inside it that are none of `tracing`, are not touched: their status
/// is that of the response.
struct RecordedSpans<S> {
    recorder: OpenTelemetryLayer<S, SdkTracer>,
    spans: Spans,
}

impl<S> Layer<S> for RecordedSpans<S>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    fn on_register_dispatch(&self, dispatch: &Dispatch) {
        self.spans.register(dispatch);
    }

    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: layer::Context<'_, S>) {
        // See `found`: it may be for others.
        if context.span(id).is_some() {
            shown_attributes(attributes, |attributes| self.recorder.on_new_span(attributes, id, context));
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: layer::Context<'_, S>) {
        if let Some(metadata) = context.metadata(id) {
            shown_record(metadata, values, |values| self.recorder.on_record(id, values, context));
        }
    }

    fn on_follows_from(&self, id: &Id, follows: &Id, context: layer::Context<'_, S>) {
        self.recorder.on_follows_from(id, follows, context);
    }

    fn on_event(&self, event: &Event<'_>, context: layer::Context<'_, S>) {
        let current = event.is_contextual().then(|| context.lookup_current()).flatten();
        let own = current.and_then(|span| self.spans.ids_of(&span.id()));
        if own.is_some() && own == Ids::active() {
            Context::map_current(|active| active.span().set_status(Status::error("")));
        }
    }

    fn on_enter(&self, id: &Id, context: layer::Context<'_, S>) {
        self.recorder.on_enter(id, context);
    }

    fn on_exit(&self, id: &Id, context: layer::Context<'_, S>) {
        self.recorder.on_exit(id, context);
    }

    fn on_close(&self, id: Id, context: layer::Context<'_, S>) {
        self.recorder.on_close(id, context);
    }
}

/// Keeps the ids of the place where a span of an unsampled trace is made, for the events that name it: neither
/// OpenTelemetry nor a quiet log sees the span.
struct LostSpans;

impl<S> Layer<S> for LostSpans
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: layer::Context<'_, S>) {
        if let Some(span) = context.span(id) {
            keep_origin(&span, attributes);
        }
    }
}

/// Whether a span that is made here is recorded. In a request that is not sampled it would cost and be nothing.
fn is_sampled() -> bool {
    Context::map_current(|context| !context.has_active_span() || context.span().span_context().is_sampled())
}

/// The answer depends on the request, and must be asked for each time.
fn if_sampled<S>(filter: &ChangingFilter, metadata: &'static Metadata<'static>) -> Interest
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    match Filter::<S>::callsite_enabled(filter, metadata) {
        interest if interest.is_never() => interest,
        _ => Interest::sometimes(),
    }
}

/// Lets through the spans that are recorded, and the events that mark one as failed.
struct SampledSpans(ChangingFilter);

impl<S> Filter<S> for SampledSpans
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    fn enabled(&self, metadata: &Metadata<'_>, context: &layer::Context<'_, S>) -> bool {
        match metadata.is_span() {
            true => is_sampled() && self.0.enabled(metadata, context),
            false => *metadata.level() == Level::ERROR,
        }
    }

    fn callsite_enabled(&self, metadata: &'static Metadata<'static>) -> Interest {
        match metadata.is_span() {
            true => if_sampled::<S>(&self.0, metadata),
            false if *metadata.level() == Level::ERROR => Interest::always(),
            false => Interest::never(),
        }
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Filter::<S>::max_level_hint(&self.0).map(|hint| hint.max(LevelFilter::ERROR))
    }

    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: layer::Context<'_, S>) {
        self.0.on_new_span(attributes, id, context);
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: layer::Context<'_, S>) {
        self.0.on_record(id, values, context);
    }

    fn on_enter(&self, id: &Id, context: layer::Context<'_, S>) {
        self.0.on_enter(id, context);
    }

    fn on_exit(&self, id: &Id, context: layer::Context<'_, S>) {
        self.0.on_exit(id, context);
    }

    fn on_close(&self, id: Id, context: layer::Context<'_, S>) {
        self.0.on_close(id, context);
    }
}

/// Lets through the spans that are not recorded since their trace is not sampled.
struct UnsampledSpans(ChangingFilter);

impl<S> Filter<S> for UnsampledSpans
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    fn enabled(&self, metadata: &Metadata<'_>, context: &layer::Context<'_, S>) -> bool {
        metadata.is_span() && !is_sampled() && self.0.enabled(metadata, context)
    }

    fn callsite_enabled(&self, metadata: &'static Metadata<'static>) -> Interest {
        match metadata.is_span() {
            true => if_sampled::<S>(&self.0, metadata),
            false => Interest::never(),
        }
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Filter::<S>::max_level_hint(&self.0)
    }
}

/// Lets nothing through.
struct Nothing;

impl<S> Filter<S> for Nothing {
    fn enabled(&self, _: &Metadata<'_>, _: &layer::Context<'_, S>) -> bool {
        false
    }

    fn callsite_enabled(&self, _: &'static Metadata<'static>) -> Interest {
        Interest::never()
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(LevelFilter::OFF)
    }
}
