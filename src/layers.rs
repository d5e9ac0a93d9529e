//! The `tracing` layers of a [`Telemetry`](crate::Telemetry): log lines, spans, log records.
//!
//! Each has a filter of its own, so a quiet log takes no spans away. `tracing` events leave as log records
//! only, never a second time as events of their span.

use crate::{
    config::{self, Config, LogOutput},
    filter::ChangingFilter,
    log::{LogLayer, RecordLayer, keep_origin},
    providers::Providers,
    resource::service_name,
};
use opentelemetry::{
    Context,
    trace::{Status, TraceContextExt, TracerProvider},
};
use tracing::{
    Event, Level, Metadata, Subscriber,
    level_filters::LevelFilter,
    span::{Attributes, Id, Record},
    subscriber::Interest,
};
use tracing_subscriber::{
    Layer,
    filter::FilterExt,
    layer::{self, Filter, Identity},
    registry::LookupSpan,
};

/// Layers, ready to be added to a subscriber.
pub type BoxedLayer<S> = Box<dyn Layer<S> + Send + Sync>;

/// One around the other, and not in a list: a list tells its layers nothing of the subscriber they are in. The spans
/// are innermost, which are called first: lines about a new span need its ids.
pub(crate) fn layers<S>(config: &Config, providers: &Providers) -> BoxedLayer<S>
where
    S: Subscriber + for<'a> LookupSpan<'a> + Send + Sync,
{
    let spans = || providers.span_filters.filter();
    let outputs = outputs(config, providers);
    if config.disabled {
        return outputs.with_filter(providers.event_filters.filter()).boxed();
    }
    let filter = Outermost { own: providers.event_filters.filter(), inside: spans() };
    tracing_opentelemetry::layer()
        .with_tracer(providers.tracer.tracer("throughline"))
        .with_location(false)
        .with_target(false)
        .with_threads(false)
        .with_tracked_inactivity(false)
        .with_filter(spans().and(SampledSpans))
        .and_then(FailedSpans.with_filter(SpansAndErrors(spans())))
        .and_then(outputs.with_filter(filter))
        .boxed()
}

/// Lines and records, behind one filter: the same events become both.
fn outputs<S>(config: &Config, providers: &Providers) -> BoxedLayer<S>
where
    S: Subscriber + for<'a> LookupSpan<'a> + Send + Sync,
{
    let mut log = config.log.clone();
    if log.service_name && !log.keys.service_name.is_empty() {
        log.attributes.insert(0, (log.keys.service_name.to_string(), service_name(config)));
    }
    let lines = (log.output != LogOutput::None).then(|| LogLayer::to(&log, providers.lines.clone()));
    let records = providers
        .logger
        .as_ref()
        .map(|(provider, queue)| RecordLayer::new(provider, queue.clone(), config.log.record_span_fields));
    match (lines, records) {
        (Some(lines), Some(records)) => lines.and_then(records).boxed(),
        (Some(lines), None) => lines.boxed(),
        (None, Some(records)) => records.boxed(),
        (None, None) => Identity::new().boxed(),
    }
}

/// The filters of lines and records. What throughline itself says, which is little, is left out only by a filter
/// that names it: a service that asks for its own lines alone must still be told that none arrive.
pub(crate) fn events(filter: &str, own: config::Level) -> String {
    match filter {
        // What `tracing_subscriber` makes of a filter that says nothing.
        "" => format!("error,throughline={own}"),
        _ if filter.contains("throughline") || filter.eq_ignore_ascii_case("off") => filter.into(),
        _ => format!("{filter},throughline={own}"),
    }
}

/// The filter of the outermost of several layers: in a registry its level is taken for that of all.
struct Outermost {
    own: ChangingFilter,
    inside: ChangingFilter,
}

impl<S> Filter<S> for Outermost {
    fn enabled(&self, metadata: &Metadata<'_>, context: &layer::Context<'_, S>) -> bool {
        self.own.enabled(metadata, context)
    }

    fn callsite_enabled(&self, metadata: &'static Metadata<'static>) -> Interest {
        Filter::<S>::callsite_enabled(&self.own, metadata)
    }

    /// Errors mark their span, whatever the filters say.
    fn max_level_hint(&self) -> Option<LevelFilter> {
        let [own, inside] = [&self.own, &self.inside].map(Filter::<S>::max_level_hint);
        Some(own?.max(inside?).max(LevelFilter::ERROR))
    }

    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: layer::Context<'_, S>) {
        self.own.on_new_span(attributes, id, context);
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: layer::Context<'_, S>) {
        self.own.on_record(id, values, context);
    }

    fn on_enter(&self, id: &Id, context: layer::Context<'_, S>) {
        self.own.on_enter(id, context);
    }

    fn on_exit(&self, id: &Id, context: layer::Context<'_, S>) {
        self.own.on_exit(id, context);
    }

    fn on_close(&self, id: Id, context: layer::Context<'_, S>) {
        self.own.on_close(id, context);
    }
}

/// Lets spans through, unless the request they belong to is not sampled: then they would cost and be nothing.
struct SampledSpans;

impl<S> Filter<S> for SampledSpans {
    fn enabled(&self, metadata: &Metadata<'_>, _: &layer::Context<'_, S>) -> bool {
        metadata.is_span()
            && Context::map_current(|context| {
                !context.has_active_span() || context.span().span_context().is_sampled()
            })
    }

    /// Asked anew each time: the answer depends on the request.
    fn callsite_enabled(&self, metadata: &'static Metadata<'static>) -> Interest {
        if metadata.is_span() { Interest::sometimes() } else { Interest::never() }
    }
}

/// Marks the current `tracing` span as failed when an ERROR event happens in it, as `#[instrument(err)]` makes
/// one. The server's span is not touched: its status is that of the response. It sees also the spans that neither a
/// quiet log nor an unsampled trace lets through, and keeps their ids for the events that name them.
struct FailedSpans;

impl<S> Layer<S> for FailedSpans
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: layer::Context<'_, S>) {
        if let Some(span) = context.span(id) {
            keep_origin(&span, attributes);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: layer::Context<'_, S>) {
        // The filter lets through the spans that are recorded: if there is one, its context is the active one.
        if event.is_contextual() && context.lookup_current().is_some() {
            Context::map_current(|active| active.span().set_status(Status::error("")));
        }
    }
}

/// The events that mark a span as failed, and the spans that they can mark.
struct SpansAndErrors(ChangingFilter);

impl<S> Filter<S> for SpansAndErrors {
    fn enabled(&self, metadata: &Metadata<'_>, context: &layer::Context<'_, S>) -> bool {
        match metadata.is_span() {
            true => self.0.enabled(metadata, context),
            false => *metadata.level() == Level::ERROR,
        }
    }

    fn callsite_enabled(&self, metadata: &'static Metadata<'static>) -> Interest {
        match metadata.is_span() {
            true => Filter::<S>::callsite_enabled(&self.0, metadata),
            false if *metadata.level() == Level::ERROR => Interest::always(),
            false => Interest::never(),
        }
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Filter::<S>::max_level_hint(&self.0).map(|hint| hint.max(LevelFilter::ERROR))
    }
}
