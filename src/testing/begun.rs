//! Which spans began and have not ended.

use opentelemetry::{Context, trace::SpanId};
use opentelemetry_sdk::{
    error::OTelSdkResult,
    trace::{Span, SpanData, SpanProcessor},
};
use std::{collections::HashMap, time::Duration};
use tokio::sync::watch;

/// The names of the spans that are under way.
#[derive(Clone, Debug)]
pub(super) struct Begun(watch::Sender<HashMap<SpanId, String>>);

impl Begun {
    pub(super) fn new() -> Self {
        Begun(watch::Sender::new(HashMap::new()))
    }

    /// Completes when all have ended.
    pub(super) fn ended(&self) -> impl Future<Output = ()> + Send + 'static {
        let mut begun = self.0.subscribe();
        // It fails only when nothing can begin any more.
        async move { drop(begun.wait_for(HashMap::is_empty).await) }
    }

    /// The names of those that have not ended, sorted.
    pub(super) fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = self.0.borrow().values().cloned().collect();
        names.sort();
        names
    }
}

impl SpanProcessor for Begun {
    fn on_start(&self, span: &mut Span, _: &Context) {
        use opentelemetry::trace::Span as _;
        let id = span.span_context().span_id();
        let name = span.exported_data().map_or_else(String::new, |data| data.name.into_owned());
        self.0.send_modify(|begun| drop(begun.insert(id, name)));
    }

    /// Comes after the processor that takes the span to its queue: what has ended is there.
    fn on_end(&self, span: SpanData) {
        self.0.send_modify(|begun| drop(begun.remove(&span.span_context.span_id())));
    }

    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _: Duration) -> OTelSdkResult {
        Ok(())
    }
}
