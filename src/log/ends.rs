//! The layer that knows how spans end which were never entered.

use super::{ids::Spans, life::Life};
use tracing::{Dispatch, Subscriber, span::Id};
use tracing_subscriber::{
    layer::{Context, Layer},
    registry::LookupSpan,
};

/// Finds the ids of spans that end without having been entered, for the lines about their end.
///
/// `tracing-opentelemetry` starts such a span only when it ends, and forgets it before the layers after it are told. So
/// this layer comes before, where the span can still be started; it ends with the same ids. [`Telemetry`](crate::Telemetry)
/// has it built in. It does nothing unless [`SpanMoments::close`](crate::config::SpanMoments::close) asks for the lines.
///
/// ```
/// use throughline::{config::{Log, LogFormat}, log::{LogLayer, SpanEnds}};
/// use tracing_subscriber::prelude::*;
///
/// let mut log = Log::new(LogFormat::Json);
/// log.spans.close = true;
/// let subscriber = tracing_subscriber::registry()
///     .with(SpanEnds::default())
///     // .with(tracing_opentelemetry::layer().with_tracer(tracer))
///     .with(LogLayer::new(&log));
/// ```
#[derive(Debug, Default)]
pub struct SpanEnds(Spans);

impl<S> Layer<S> for SpanEnds
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    fn on_register_dispatch(&self, dispatch: &Dispatch) {
        self.0.register(dispatch);
    }

    fn on_close(&self, id: Id, context: Context<'_, S>) {
        let Some(span) = context.span(&id) else { return };
        if Life::is_unknown(&span) {
            Life::know(&span, self.0.ids_of(&id));
        }
    }
}
