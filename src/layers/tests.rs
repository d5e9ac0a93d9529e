mod ends; // the lines about the end of a span
mod found; // what asks a span for that of OpenTelemetry
mod hostile; // what a span's fields must not do to the program

use super::*;
use crate::{
    config::{Log, LogFormat},
    export::ExportRuntime,
    log::Output,
};
use opentelemetry::{
    Context,
    trace::{SpanContext, SpanId, TraceContextExt, TraceFlags, TraceId, TraceState, TracerProvider},
};
use opentelemetry_sdk::{
    error::OTelSdkResult,
    trace::{SdkTracerProvider, Span, SpanData, SpanProcessor},
};
use serde_json::Value;
use std::{
    collections::BTreeMap,
    io,
    sync::{Arc, Mutex},
    time::Duration,
};
use tracing::Dispatch;
use tracing_subscriber::prelude::*;

/// The layers in a registry of their own, and what comes out of them.
struct Stage {
    dispatch: Dispatch,
    ended: Ended,
    lines: Lines,
    // The pipelines live there.
    _runtime: ExportRuntime,
}

impl Stage {
    fn new(variables: &[(&str, &str)]) -> Self {
        let own = [
            ("OTEL_TRACES_EXPORTER", "none"),
            ("OTEL_METRICS_EXPORTER", "none"),
            ("OTEL_LOGS_EXPORTER", "none"),
            ("THROUGHLINE_LOG_FORMAT", "json"),
        ];
        let config = Config::from_vars([&own, variables].concat());
        config.check().unwrap();
        let runtime = ExportRuntime::start().unwrap();
        let mut providers = {
            let _inside = runtime.handle().enter();
            Providers::build(&config, |tracer| tracer).unwrap()
        };
        let (ended, lines) = (Ended::default(), Lines::default());
        let writer = lines.clone();
        providers.lines = Arc::new(Output::own(move || writer.clone()));
        providers.tracer = SdkTracerProvider::builder().with_span_processor(ended.clone()).build();
        let dispatch = Dispatch::new(tracing_subscriber::registry().with(layers(&config, &providers)));
        Stage { dispatch, ended, lines, _runtime: runtime }
    }

    fn inside<T>(&self, body: impl FnOnce() -> T) -> T {
        tracing::dispatcher::with_default(&self.dispatch, body)
    }

    /// The spans that ended, in this order.
    fn spans(&self) -> Vec<SpanData> {
        self.ended.0.lock().unwrap().clone()
    }

    fn lines(&self) -> Vec<Value> {
        let text = String::from_utf8(self.lines.0.lock().unwrap().clone()).unwrap();
        let object = |line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        text.lines().map(object).collect()
    }
}

#[derive(Clone, Debug, Default)]
struct Ended(Arc<Mutex<Vec<SpanData>>>);

impl SpanProcessor for Ended {
    fn on_start(&self, _: &mut Span, _: &Context) {}

    fn on_end(&self, span: SpanData) {
        self.0.lock().unwrap().push(span);
    }

    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _: Duration) -> OTelSdkResult {
        Ok(())
    }
}

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn request(flags: TraceFlags) -> Context {
    let ids = SpanContext::new(TraceId::from(7), SpanId::from(9), flags, true, TraceState::NONE);
    Context::new().with_remote_span_context(ids)
}

/// Trace and span as a line has them.
fn told(line: &Value) -> (String, String) {
    let id = |name: &str| line.get(name).map_or(String::new(), |id| id.as_str().unwrap().to_owned());
    (id("trace_id"), id("span_id"))
}

/// Trace and span as they are recorded.
fn recorded(span: &SpanData) -> (String, String) {
    (span.span_context.trace_id().to_string(), span.span_context.span_id().to_string())
}

/// The name of each span's parent, or its id where it is not of ours.
fn parents(stage: &Stage) -> BTreeMap<String, String> {
    let spans = stage.spans();
    let name = |id: SpanId| {
        let known = spans.iter().find(|span| span.span_context.span_id() == id);
        known.map_or_else(|| id.to_string(), |span| span.name.clone().into_owned())
    };
    spans.iter().map(|span| (span.name.clone().into_owned(), name(span.parent_span_id))).collect()
}
