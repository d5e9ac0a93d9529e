//! What holds, in the words of the variable that would say so: a configuration, read backwards.

use crate::{
    config::{
        Aggregation, AttributeValue, Config, Detector, ExemplarFilter, Export, Histograms, Level, LogFormat,
        LogOutput, Propagator, Sampler, Scrape, Temporality,
        env::{self, Variable},
    },
    console::STDOUT,
    middleware::options::{CapturedHeaders, Hosts, TrustedProxies},
    sender::{Compression, Destination, Remote, Signal},
};
use std::{fmt::Display, path::PathBuf, time::Duration};

/// How one variable is read from a configuration. `None`: what was written tells as much.
struct Look {
    variable: &'static Variable,
    held: fn(&Config) -> Option<String>,
    /// What may decide in its place.
    or: Option<&'static Variable>,
}

/// What holds of a variable.
pub(super) struct Held {
    pub(super) value: String,
    /// What may have decided in its place.
    pub(super) or: Option<&'static Variable>,
    /// Nothing was said; the value goes by something else.
    pub(super) unset: bool,
}

/// What holds of a variable, or of its form for a signal. `None`: what was written tells as much, or nothing leaves over
/// OTLP.
pub(super) fn held_of(config: &Config, variable: &Variable, signal: Option<Signal>) -> Option<Held> {
    if let Some(signal) = signal {
        return held_for(config, variable, signal);
    }
    let Look { held, or, .. } = LOOKS.iter().find(|look| look.variable.name == variable.name)?;
    let delays = [&env::BSP_DELAY, &env::METRIC_INTERVAL, &env::BLRP_DELAY].into_iter().zip(Signal::ALL);
    let unset = delays
        .into_iter()
        .any(|(delay, signal)| delay.name == variable.name && config.export(signal).schedule_delay.is_none());
    Some(Held { value: held(config)?, or: *or, unset })
}

fn held_for(config: &Config, variable: &Variable, signal: Signal) -> Option<Held> {
    let export = config.export(signal);
    if variable.name == env::EXPORTER.name {
        let or = (signal == Signal::Logs).then_some(&env::NODE_IP);
        return Some(Held { value: exporters(config, signal), or, unset: false });
    }
    let remote = export.destinations.iter().find_map(|destination| match destination {
        Destination::Remote(remote) => Some(remote),
        Destination::Local(_) | Destination::Balanced(_) => None,
    })?;
    let or = (variable.name == env::TIMEOUT.name).then_some(match signal {
        Signal::Traces => &env::BSP_TIMEOUT,
        Signal::Metrics => &env::METRIC_TIMEOUT,
        Signal::Logs => &env::BLRP_TIMEOUT,
    });
    let (_, look) = REMOTE_LOOKS.iter().find(|(of, _)| of.name == variable.name)?;
    Some(Held { value: look(remote), or, unset: false })
}

/// How a form of a variable is read from the destination of its signal.
type RemoteLook = fn(&Remote) -> String;

const REMOTE_LOOKS: &[(&Variable, RemoteLook)] = &[
    (&env::PROTOCOL, |remote| remote.protocol.to_string()),
    (&env::CERTIFICATE, |remote| path(&remote.tls.certificate, &env::CERTIFICATE)),
    (&env::CLIENT_CERTIFICATE, |remote| path(&remote.tls.client_certificate, &env::CLIENT_CERTIFICATE)),
    (&env::CLIENT_KEY, |remote| path(&remote.tls.client_key, &env::CLIENT_KEY)),
    (&env::COMPRESSION, |remote| match remote.compression {
        Compression::None => "none".into(),
        Compression::Gzip => "gzip".into(),
        Compression::Zstd => "zstd".into(),
    }),
    (&env::TIMEOUT, |remote| milliseconds(remote.timeout)),
];

macro_rules! looks {
    ($($constant:ident $(or $other:ident)?: $held:expr;)*) => {
        const LOOKS: &[Look] =
            &[$(Look { variable: &env::$constant, held: $held, or: looks!(@ $($other)?) }),*];
    };
    (@) => { None };
    (@ $other:ident) => { Some(&env::$other) };
}

looks! {
    SDK_DISABLED: |config| some(config.disabled);
    LOG_LEVEL: |config| some(level(config.log.own_level));
    SERVICE_NAME or RESOURCE_ATTRIBUTES: |config| service_name(config);
    RESOURCE_DETECTORS: |config| some(detectors(&config.detectors));
    PROPAGATORS_: |config| some(propagators(&config.propagators));
    SAMPLER: |config| some(sampler(config.sampler));
    SAMPLER_ARG: |config| match config.sampler {
        Sampler::TraceIdRatio(ratio) | Sampler::ParentBasedTraceIdRatio(ratio) => Some(ratio.to_string()),
        _ => None,
    };
    BAGGAGE_KEYS: |config| some(list(&config.baggage_keys));
    SPAN_ATTRIBUTE_COUNT or ATTRIBUTE_COUNT: |config| some(config.span_limits.attributes.count);
    SPAN_ATTRIBUTE_LENGTH or ATTRIBUTE_LENGTH: |config| limit(config.span_limits.attributes.value_length);
    SPAN_EVENTS: |config| some(config.span_limits.events);
    SPAN_LINKS: |config| some(config.span_limits.links);
    EVENT_ATTRIBUTES: |config| some(config.span_limits.event_attributes);
    LINK_ATTRIBUTES: |config| some(config.span_limits.link_attributes);
    RECORD_ATTRIBUTE_COUNT or ATTRIBUTE_COUNT: |config| some(config.log.limits.count);
    RECORD_ATTRIBUTE_LENGTH or ATTRIBUTE_LENGTH: |config| limit(config.log.limits.value_length);
    SPAN_FILTER: |config| some(config.span_filter.clone());
    BSP_DELAY: |config| some(delay(config, Signal::Traces));
    BSP_QUEUE: |config| some(config.traces.max_queue);
    BSP_BATCH or BSP_QUEUE: |config| some(config.traces.max_batch);
    BLRP_DELAY: |config| some(delay(config, Signal::Logs));
    BLRP_QUEUE: |config| some(config.logs.max_queue);
    BLRP_BATCH or BLRP_QUEUE: |config| some(config.logs.max_batch);
    METRIC_INTERVAL: |config| some(delay(config, Signal::Metrics));
    K8S_POD_NAME: |config| in_pod(config);
    K8S_POD_UID: |config| in_pod(config);
    K8S_NAMESPACE_NAME: |config| in_pod(config);
    K8S_NODE_NAME: |config| in_pod(config);
    K8S_CONTAINER_NAME: |config| in_pod(config);
    K8S_DEPLOYMENT_NAME: |config| in_pod(config);
    K8S_CLUSTER_NAME: |config| in_pod(config);
    RUNTIME_METRICS: |config| config.measurements.runtime.map(|runtime| runtime.to_string());
    VIEWS: |config| some(views(config));
    CARDINALITY_LIMIT: |config| some(config.measurements.cardinality_limit);
    TEMPORALITY: |config| some(match config.temporality {
        Temporality::Cumulative => "cumulative",
        Temporality::Delta => "delta",
        Temporality::LowMemory => "lowmemory",
    });
    AGGREGATION: |config| some(match config.histograms {
        Histograms::ExplicitBuckets => "explicit_bucket_histogram",
        Histograms::Exponential => "base2_exponential_bucket_histogram",
    });
    EXEMPLARS: |config| some(match config.measurements.exemplars {
        ExemplarFilter::TraceBased => "trace_based",
        ExemplarFilter::AlwaysOn => "always_on",
        ExemplarFilter::AlwaysOff => "always_off",
    });
    PROMETHEUS_PORT: |config| config.scrape.as_ref().and_then(port);
    SCOPE_LABELS: |config| config.scrape.as_ref().map(|scrape| scrape.scope_labels.to_string());
    QUEUE_BYTES: |config| some(config.queue.bytes);
    QUEUE_DIRECTORY_BYTES: |config| some(config.queue.directory_bytes);
    SELF_METRICS: |config| some(config.self_metrics);
    RUST_LOG: |config| some(config.log.filter.clone());
    LOG_FORMAT: |config| some(match config.log.format {
        LogFormat::Text => "text",
        LogFormat::Json => "json",
        LogFormat::Logfmt => "logfmt",
    });
    LOG_OUTPUT: |config| some(match config.log.output {
        LogOutput::Stdout => "stdout",
        LogOutput::Stderr => "stderr",
        LogOutput::None => "none",
    });
    LOG_FIELDS: |config| some(if config.log.flat { "flat" } else { "nested" });
    LOG_SPAN_FIELDS: |config| some(words([("lines", config.log.span_fields), ("records", config.log.record_span_fields)]));
    LOG_SPANS: |config| {
        let moments = config.log.spans;
        some(words([("new", moments.new), ("enter", moments.enter), ("exit", moments.exit), ("close", moments.close)]))
    };
    LOG_SOURCE: |config| some(config.log.source);
    LOG_SERVICE_NAME: |config| some(config.log.service_name);
    LOG_PANICS: |config| some(config.log.panics);
    LOG_BUFFER: |config| limit(config.log.buffer);
    KNOWN_METHODS: |config| some(config.server.known_methods.join(","));
    SERVER_REQUEST_HEADERS: |config| some(headers(&config.server.request_headers));
    SERVER_RESPONSE_HEADERS: |config| some(headers(&config.server.response_headers));
    CLIENT_REQUEST_HEADERS: |config| some(headers(&config.client.request_headers));
    CLIENT_RESPONSE_HEADERS: |config| some(headers(&config.client.response_headers));
    TRUSTED_PROXIES: |config| {
        let nobody = config.server.trusted_proxies == TrustedProxies::default();
        nobody.then(|| env::TRUSTED_PROXIES.default.to_owned())
    };
    SERVER_SCHEME: |config| some(config.server.scheme.as_str());
    EXCLUDED_PATHS: |config| some(list(&config.server.excluded_paths));
    PUBLIC_ENDPOINT: |config| some(config.server.public_endpoint);
    SERVER_TIMING: |config| some(config.server.server_timing);
    OMITTED_ATTRIBUTES: |config| some(list(&config.server.omitted));
    SENSITIVE_QUERY_KEYS: |config| some(config.server.sensitive_query_keys.join(","));
    ACTIVE_REQUESTS: |config| some(config.server.active_requests);
    BODY_SIZES: |config| some(config.server.body_sizes);
    EXCEPTION_MESSAGES: |config| some(config.server.exception_messages);
    INJECTED_HOSTS: |config| {
        let is_none = Hosts::only::<&str>([]).is_ok_and(|none| config.client.injected_hosts == none);
        is_none.then(|| "none".to_owned())
    };
    REQUEST_SPAN: |config| some(config.server.request_span);
    VIEW: |config| some(config.view.enabled);
    COLLECTOR_GRPC: |config| some(config.view.grpc.map_or("off".into(), |address| address.to_string()));
    COLLECTOR_HTTP: |config| some(config.view.http.map_or("off".into(), |address| address.to_string()));
    COLLECTOR_VIEW: |config| some(config.view.address.map_or("off".into(), |address| address.to_string()));
}

fn some(value: impl Display) -> Option<String> {
    Some(value.to_string())
}

/// What does not end is none.
fn limit(value: Option<usize>) -> Option<String> {
    some(value.map_or("none".into(), |value| value.to_string()))
}

fn list(members: &[String]) -> String {
    if members.is_empty() { "none".into() } else { members.join(",") }
}

/// Those that hold.
fn words<const N: usize>(words: [(&str, bool); N]) -> String {
    list(&words.into_iter().filter(|(_, holds)| *holds).map(|(word, _)| word.to_owned()).collect::<Vec<_>>())
}

fn headers(headers: &CapturedHeaders) -> String {
    list(&headers.names().map(String::from).collect::<Vec<_>>())
}

fn path(path: &Option<PathBuf>, variable: &Variable) -> String {
    path.as_ref().map_or_else(|| variable.default.to_owned(), |path| path.display().to_string())
}

fn milliseconds(duration: Duration) -> String {
    duration.as_millis().to_string()
}

fn level(level: Level) -> String {
    if level == Level::None { "none".into() } else { level.to_string() }
}

/// Elsewhere they tell nothing true.
fn in_pod(config: &Config) -> Option<String> {
    config.kubernetes.is_none().then(|| "none".to_owned())
}

/// `None`: nothing but the program itself tells.
fn service_name(config: &Config) -> Option<String> {
    let attribute = || {
        let mut attributes = config.resource_attributes.iter().rev();
        attributes.find_map(|(key, value)| match value {
            AttributeValue::Text(name) if key == "service.name" => Some(name.clone()),
            _ => None,
        })
    };
    config.service_name.clone().or_else(attribute).filter(|name| !name.is_empty())
}

fn detectors(detectors: &[Detector]) -> String {
    let named = Detector::ALL.into_iter().zip(Detector::NAMES);
    let names = named.filter(|(detector, _)| detectors.contains(detector)).map(|(_, name)| name.to_owned());
    list(&names.collect::<Vec<_>>())
}

fn propagators(formats: &[Propagator]) -> String {
    let name = |format: &Propagator| {
        Propagator::NAMES.into_iter().find(|name| Propagator::choose(name).formats == [*format])
    };
    list(&formats.iter().filter_map(name).map(String::from).collect::<Vec<_>>())
}

fn sampler(sampler: Sampler) -> &'static str {
    match sampler {
        Sampler::AlwaysOn => "always_on",
        Sampler::AlwaysOff => "always_off",
        Sampler::TraceIdRatio(_) => "traceidratio",
        // No variable says the last one.
        Sampler::ParentBasedAlwaysOn | Sampler::ParentBased(_) => "parentbased_always_on",
        Sampler::ParentBasedAlwaysOff => "parentbased_always_off",
        Sampler::ParentBasedTraceIdRatio(_) => "parentbased_traceidratio",
    }
}

/// With a view, what goes nowhere else goes there, which is in this program.
fn delay(config: &Config, signal: Signal) -> String {
    let export = config.export(signal);
    let shown = Export { destinations: vec![], ..export.clone() };
    let is_local = config.view.enabled && export.is_default();
    milliseconds(if is_local { &shown } else { export }.delay(signal))
}

fn views(config: &Config) -> String {
    let word = |aggregation: &Aggregation| match aggregation {
        Aggregation::Drop => "drop".into(),
        Aggregation::Sum => "sum".into(),
        Aggregation::LastValue => "last".into(),
        Aggregation::ExplicitBuckets(bounds) => {
            bounds.iter().map(f64::to_string).collect::<Vec<_>>().join("|")
        }
        Aggregation::Default | Aggregation::Exponential { .. } => "exponential".to_owned(),
    };
    let views = config.measurements.views.iter();
    list(&views.map(|view| format!("{}={}", view.instrument, word(&view.aggregation))).collect::<Vec<_>>())
}

fn port(scrape: &Scrape) -> Option<String> {
    Some(scrape.address.as_ref()?.rsplit_once(':')?.1.to_owned())
}

fn exporters(config: &Config, signal: Signal) -> String {
    let word = |destination: &Destination| match destination {
        Destination::Remote(_) | Destination::Balanced(_) => "otlp",
        Destination::Local(_) if destination.to_string() == STDOUT => "otlp/stdout",
        Destination::Local(_) => "console",
    };
    let export = config.export(signal);
    let otlp = export.unusable().map(|_| "otlp");
    let page = config.scrape.as_ref().filter(|_| signal == Signal::Metrics).map(|_| "prometheus");
    let words = otlp.into_iter().chain(export.destinations.iter().map(word)).chain(page);
    list(&words.map(String::from).collect::<Vec<_>>())
}
