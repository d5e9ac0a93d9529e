//! The `tracing` layers of a [`Telemetry`](crate::Telemetry): log lines, spans, log records.
//!
//! Each has a filter of its own, so a quiet log takes no spans away. `tracing` events leave as log records
//! only, never a second time as events of their span.

use crate::{
    config::{self, Config, LogOutput},
    filter::ChangingFilter,
    log::{LogLayer, RecordLayer, SpanEnds},
    providers::Providers,
    resource::service_name,
    spans,
};
use tracing::{
    Metadata, Subscriber,
    level_filters::LevelFilter,
    span::{Attributes, Id, Record},
    subscriber::Interest,
};
use tracing_subscriber::{
    Layer,
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
    let found = spans::found(&providers.tracer);
    let layers = spans::layer(&providers.tracer, spans).and_then(outputs.with_filter(filter));
    match config.log.spans.close && config.log.output != LogOutput::None {
        true => {
            let ends = SpanEnds::default().with_filter(providers.event_filters.filter());
            found.and_then(ends).and_then(layers).boxed()
        }
        false => found.and_then(layers).boxed(),
    }
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

impl<S> Filter<S> for Outermost
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
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

#[cfg(test)]
mod tests;
