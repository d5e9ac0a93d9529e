//! The `tracing` layers of a [`Telemetry`](crate::Telemetry): log lines, spans, log records.
//!
//! Each has a filter of its own, so a quiet log takes no spans away. `tracing` events leave as log records
//! only, never a second time as events of their span.

use crate::{config::Config, log::LogLine, providers::Providers};
use opentelemetry::{
    Context,
    trace::{Status, TraceContextExt, TracerProvider},
};
use opentelemetry_appender_tracing::layer::OpenTelemetryTracingBridge;
use std::io::{self, IsTerminal};
use tracing::{Event, Level, Metadata, Subscriber, level_filters::LevelFilter, subscriber::Interest};
use tracing_subscriber::{
    EnvFilter, Layer,
    filter::FilterExt,
    layer::{self, Filter},
    registry::LookupSpan,
};

/// One of the layers, ready to be added to a subscriber.
pub type BoxedLayer<S> = Box<dyn Layer<S> + Send + Sync>;

/// In a list and not one around the other: those nested for a registry only heed the level of the outermost.
pub(crate) fn layers<S>(config: &Config, providers: &Providers) -> Vec<BoxedLayer<S>>
where
    S: Subscriber + for<'a> LookupSpan<'a> + Send + Sync,
{
    let lines = tracing_subscriber::fmt::layer().event_format(LogLine::new(config.log.format));
    // On a terminal the formatter's own default holds, which respects NO_COLOR.
    let lines = if io::stdout().is_terminal() { lines } else { lines.with_ansi(false) };
    let mut layers = vec![lines.with_filter(events(&config.log.filter)).boxed()];

    if !config.disabled {
        let filter = || EnvFilter::new(&config.span_filter);
        let spans = tracing_opentelemetry::layer()
            .with_tracer(providers.tracer.tracer("throughline"))
            .with_location(false)
            .with_target(false)
            .with_threads(false)
            .with_tracked_inactivity(false);
        layers.push(spans.with_filter(filter().and(SampledSpans)).boxed());
        layers.push(FailedSpans.with_filter(SpansAndErrors(filter())).boxed());
    }
    if let Some(logger) = &providers.logger {
        let records = OpenTelemetryTracingBridge::new(logger);
        layers.push(records.with_filter(events(&config.log.filter)).boxed());
    }
    layers
}

/// The filter of lines and records. What throughline itself says, which is little, is left out only by a filter
/// that names it: a service that asks for its own lines alone must still be told that none arrive.
fn events(filter: &str) -> EnvFilter {
    match filter {
        _ if filter.contains("throughline") || filter.eq_ignore_ascii_case("off") => EnvFilter::new(filter),
        _ => EnvFilter::new(format!("{filter},throughline=info")),
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
/// one. The server's span is not touched: its status is that of the response.
struct FailedSpans;

impl<S> Layer<S> for FailedSpans
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    fn on_event(&self, event: &Event<'_>, context: layer::Context<'_, S>) {
        // The filter lets through the spans that are recorded: if there is one, its context is the active one.
        if event.is_contextual() && context.lookup_current().is_some() {
            Context::map_current(|active| active.span().set_status(Status::error("")));
        }
    }
}

/// The events that mark a span as failed, and the spans that they can mark.
struct SpansAndErrors(EnvFilter);

impl<S> Filter<S> for SpansAndErrors {
    fn enabled(&self, metadata: &Metadata<'_>, context: &layer::Context<'_, S>) -> bool {
        match metadata.is_span() {
            true => Filter::enabled(&self.0, metadata, context),
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
