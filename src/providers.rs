//! [`Config`] → the three providers, each with the start of its pipeline.

use crate::{
    Error,
    accounts::{self, Spans},
    baggage::BaggageKeys,
    batch::{LogQueue, Queue, SpanQueue},
    callback::{Callbacks, Meters},
    config::{Config, SpanLimits},
    filter::Filters,
    flush::Flush,
    layers::events,
    log::{ExceptionEvents, Output},
    middleware::propagation::Composite,
    pipeline::{Pipeline, Source, limits},
    reader::Reader,
    resource::resource,
    runtime::{self, Runtimes},
    sampler::sampler,
    sender::Signal,
    views::views,
};
use opentelemetry_proto::transform::common::tonic::ResourceAttributesWithSchema;
use opentelemetry_sdk::{
    logs::SdkLoggerProvider,
    metrics::SdkMeterProvider,
    trace::{SdkTracerProvider, SpanLimits as SdkSpanLimits, TracerProviderBuilder},
};
use std::sync::Arc;
use tokio::runtime::Handle;

/// What records, and what carries it away.
pub(crate) struct Providers {
    pub(crate) tracer: SdkTracerProvider,
    /// For what is ours.
    pub(crate) meter: SdkMeterProvider,
    /// For what is the program's.
    pub(crate) meters: Meters,
    pub(crate) runtimes: Runtimes,
    /// With the queue behind it; `None`: log records go nowhere.
    pub(crate) logger: Option<(SdkLoggerProvider, LogQueue)>,
    /// What the layers tell of exceptions: that logger, else one that makes them events, for the lines.
    pub(crate) exceptions: SdkLoggerProvider,
    /// Where log lines go.
    pub(crate) lines: Arc<Output>,
    /// Which events become lines and records.
    pub(crate) event_filters: Filters,
    /// Which `tracing` spans are recorded.
    pub(crate) span_filters: Filters,
    pub(crate) propagator: Arc<Composite>,
    pub(crate) pipelines: Vec<Arc<Pipeline>>,
    /// What an operator should know of what was found on disk.
    pub(crate) notices: Vec<String>,
}

impl Providers {
    /// Must be called in the export runtime, where the pipelines live. What more is told of spans comes last.
    pub(crate) fn build(
        config: &Config,
        more: impl FnOnce(TracerProviderBuilder) -> TracerProviderBuilder,
    ) -> Result<Self, Error> {
        let resource = resource(config);
        let attributes = || ResourceAttributesWithSchema::from(&resource);
        let keys = BaggageKeys::new(&config.baggage_keys);
        let mut pipelines = Vec::new();
        let own_level = config.log.own_level;
        let disk = limits(config).disk.filter(|_| !config.disabled);
        if let Some(disk) = &disk {
            disk.check().map_err(|error| Error::destination("THROUGHLINE_QUEUE_DIRECTORY", error))?;
        }

        let counted = config.self_metrics.then(Spans::default);
        let sampler = sampler(config);
        let mut tracer = SdkTracerProvider::builder()
            .with_resource(resource.clone())
            .with_sampler(match &counted {
                Some(counted) => counted.sampler(sampler),
                None => sampler,
            })
            // Else the builder reads limits from the environment, unchecked: 0 takes all attributes away.
            .with_span_limits(span_limits(config.span_limits));
        let spans = Queue::new(config.traces.max_queue, config.traces.max_batch);
        let source = || Source::Spans(spans.clone(), attributes(), config.span_limits.attributes);
        let queue = Pipeline::start(config, Signal::Traces, source)?.map(|pipeline| {
            let flush = Flush::of(&pipeline);
            pipelines.push(pipeline);
            SpanQueue { queue: spans, keys: keys.clone(), flush }
        });
        tracer = match (&counted, queue) {
            (Some(counted), queue) => tracer.with_span_processor(counted.processor(queue)),
            (None, Some(queue)) => tracer.with_span_processor(queue),
            (None, None) => tracer,
        };

        let mut meter = SdkMeterProvider::builder().with_resource(resource.clone());
        for view in views(config)? {
            meter = meter.with_view(view);
        }
        let callbacks = Callbacks::new(Handle::current());
        let reader = Reader::new(config.temporality, &config.measurements, callbacks.clone());
        let source = || Source::Metrics(reader.clone());
        if let Some(pipeline) = Pipeline::start(config, Signal::Metrics, source)? {
            meter = meter.with_reader(reader.flushed_by(Flush::of(&pipeline)));
            pipelines.push(pipeline);
        }

        let records = Queue::new(config.logs.max_queue, config.logs.max_batch);
        let source = || Source::Logs(records.clone(), attributes(), config.log.limits);
        let logger = Pipeline::start(config, Signal::Logs, source)?.map(|pipeline| {
            let queue = LogQueue { queue: records, keys, flush: Flush::of(&pipeline) };
            pipelines.push(pipeline);
            let provider = SdkLoggerProvider::builder().with_resource(resource.clone());
            (provider.with_log_processor(queue.clone()).build(), queue)
        });

        let exceptions = match &logger {
            Some((provider, _)) => provider.clone(),
            None => {
                let provider = SdkLoggerProvider::builder().with_resource(resource);
                provider.with_log_processor(ExceptionEvents).build()
            }
        };

        let mut notices = Vec::from_iter(pipelines.iter().flat_map(|pipeline| pipeline.notices()));
        // Only now: what is in use is locked.
        notices.extend(disk.iter().flat_map(|disk| disk.unclaimed()));
        let meter = meter.build();
        if config.measurements.runtime == Some(true) && !config.disabled {
            runtime::measure_process(&meter, &callbacks);
        }
        if let Some(counted) = &counted {
            accounts::measure(&meter, counted, &pipelines);
        }
        Ok(Providers {
            tracer: more(tracer).build(),
            meters: Meters::new(meter.clone(), callbacks),
            runtimes: Runtimes::new(meter.clone()),
            meter,
            logger,
            exceptions,
            lines: Arc::new(Output::start(&config.log)?),
            event_filters: Filters::new(&config.log.filter, move |filter| events(filter, own_level)),
            span_filters: Filters::new(&config.span_filter, str::to_owned),
            propagator: Arc::new(Composite::of(config.propagators.iter().copied())),
            pipelines,
            notices,
        })
    }
}

/// Lengths are cut when the span is encoded: the SDK has no limit for them.
fn span_limits(limits: SpanLimits) -> SdkSpanLimits {
    let count = |count| u32::try_from(count).unwrap_or(u32::MAX);
    SdkSpanLimits {
        max_attributes_per_span: count(limits.attributes.count),
        max_events_per_span: count(limits.events),
        max_links_per_span: count(limits.links),
        max_attributes_per_event: count(limits.event_attributes),
        max_attributes_per_link: count(limits.link_attributes),
    }
}
