//! [`Config`] → the three providers, each with the start of its pipeline.

use crate::{
    Error,
    baggage::BaggageKeys,
    batch::{LogQueue, Queue, SpanQueue},
    config::Config,
    middleware::propagation::Composite,
    pipeline::{Pipeline, Reader, Source},
    resource::resource,
    sampler::sampler,
    sender::Signal,
};
use opentelemetry_proto::transform::common::tonic::ResourceAttributesWithSchema;
use opentelemetry_sdk::{
    logs::SdkLoggerProvider,
    metrics::SdkMeterProvider,
    trace::{SdkTracerProvider, SpanLimits},
};
use std::sync::Arc;

/// What records, and what carries it away.
pub(crate) struct Providers {
    pub(crate) tracer: SdkTracerProvider,
    pub(crate) meter: SdkMeterProvider,
    /// `None`: log records go nowhere.
    pub(crate) logger: Option<SdkLoggerProvider>,
    pub(crate) propagator: Arc<Composite>,
    pub(crate) pipelines: Vec<Pipeline>,
}

impl Providers {
    /// Must be called in the export runtime, where the pipelines live.
    pub(crate) fn build(config: &Config) -> Result<Self, Error> {
        let resource = resource(config);
        let attributes = || ResourceAttributesWithSchema::from(&resource);
        let keys = BaggageKeys::new(&config.baggage_keys);
        let mut pipelines = Vec::new();

        let mut tracer = SdkTracerProvider::builder()
            .with_resource(resource.clone())
            .with_sampler(sampler(config))
            // Else the builder reads limits from the environment, unchecked: 0 takes all attributes away.
            .with_span_limits(SpanLimits::default());
        let spans = Queue::new(config.traces.max_queue, config.traces.max_batch);
        let source = || Source::Spans(spans.clone(), attributes());
        if let Some(pipeline) = Pipeline::start(config, Signal::Traces, source)? {
            tracer = tracer.with_span_processor(SpanQueue { queue: spans, keys: keys.clone() });
            pipelines.push(pipeline);
        }

        let mut meter = SdkMeterProvider::builder().with_resource(resource.clone());
        let reader = Reader::default();
        let source = || Source::Metrics(reader.clone());
        if let Some(pipeline) = Pipeline::start(config, Signal::Metrics, source)? {
            meter = meter.with_reader(reader);
            pipelines.push(pipeline);
        }

        let records = Queue::new(config.logs.max_queue, config.logs.max_batch);
        let source = || Source::Logs(records.clone(), attributes());
        let logger = Pipeline::start(config, Signal::Logs, source)?.map(|pipeline| {
            pipelines.push(pipeline);
            SdkLoggerProvider::builder()
                .with_resource(resource.clone())
                .with_log_processor(LogQueue { queue: records, keys })
                .build()
        });

        let propagator = Arc::new(Composite::of(config.propagators.iter().copied()));
        Ok(Providers { tracer: tracer.build(), meter: meter.build(), logger, propagator, pipelines })
    }
}
