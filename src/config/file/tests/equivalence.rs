use crate::{
    Config,
    config::{Decided, Detector, Scrape},
    sender::{Destination, Signal},
};

/// All that a configuration says, secrets among it, but not who said it.
fn essence(mut config: Config) -> String {
    let mut headers = Vec::new();
    config.by_file = None;
    config.faults.clear();
    config.settings.clear();
    config.scrape = config.scrape.map(|page| Scrape { variable: None, ..page });
    for signal in Signal::ALL {
        let export = config.export_mut(signal);
        export.decided = Decided::Default;
        export.known.clear();
        for destination in &mut export.destinations {
            if let Destination::Remote(remote) = destination {
                let value = |(name, value): (&http::HeaderName, &http::HeaderValue)| {
                    (name.to_string(), value.to_str().unwrap().to_owned())
                };
                headers.push(remote.headers.iter().map(value).collect::<Vec<_>>());
                remote.advice.clear();
            }
        }
    }
    format!("{config:#?}\n{headers:#?}")
}

/// What holds in a file like what holds without a variable.
const SAME: &str = "
file_format: '1.1'
propagator: {composite: [{tracecontext: }, {baggage: }]}
resource:
  detection/development:
    detectors: [{process: }, {host: }, {os: }, {container: }, {kubernetes: }]
";
const TRACES: &str = "tracer_provider: {processors: [{batch: {exporter: {otlp_http: }}}]}\n";
const METRICS: &str = "meter_provider: {readers: [{periodic: {exporter: {otlp_http: }}}]}\n";
const LOGS: &str = "logger_provider: {processors: [{batch: {exporter: {otlp_http: }}}]}\n";

#[track_caller]
fn same(vars: &[(&str, &str)], file: &str) {
    let by_variables = Config::from_vars(vars.iter().copied());
    let by_file = Config::from_yaml(file, [("", ""); 0]);
    assert_eq!(by_variables.faults(), []);
    assert_eq!(by_file.faults(), [], "{file}");
    assert_eq!(essence(by_file), essence(by_variables), "{file}");
}

const NO_METRICS: (&str, &str) = ("OTEL_METRICS_EXPORTER", "none");
const NO_LOGS: (&str, &str) = ("OTEL_LOGS_EXPORTER", "none");
const NO_TRACES: (&str, &str) = ("OTEL_TRACES_EXPORTER", "none");

#[test]
fn a_file_of_the_defaults_is_no_variable_at_all() {
    same(&[], &format!("{SAME}{TRACES}{METRICS}{LOGS}"));
}

// B-090
#[test]
fn a_file_that_spells_every_default_out_says_nothing_else() {
    let delays = [
        ("OTEL_BSP_SCHEDULE_DELAY", "5000"),
        ("OTEL_BLRP_SCHEDULE_DELAY", "1000"),
        ("OTEL_METRIC_EXPORT_INTERVAL", "60000"),
    ];
    same(&delays, include_str!("defaults.yaml"));
}

// B-093, E-01…E-16
#[test]
fn what_is_recorded_is_the_same_from_variables_and_from_a_file() {
    same(
        &[
            ("OTEL_SDK_DISABLED", "true"),
            ("OTEL_LOG_LEVEL", "debug"),
            ("OTEL_RESOURCE_ATTRIBUTES", "service.name=cart,shop.region=north%20east,shop.shard=3"),
            ("THROUGHLINE_RESOURCE_DETECTORS", "host,os,process"),
            ("OTEL_PROPAGATORS", "b3,tracecontext,jaeger"),
            ("OTEL_TRACES_SAMPLER", "parentbased_traceidratio"),
            ("OTEL_TRACES_SAMPLER_ARG", "0.25"),
            ("OTEL_ATTRIBUTE_COUNT_LIMIT", "20"),
            ("OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT", "400"),
            ("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", "30"),
            ("OTEL_SPAN_EVENT_COUNT_LIMIT", "4"),
            ("OTEL_SPAN_LINK_COUNT_LIMIT", "5"),
            ("OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT", "6"),
            ("OTEL_LINK_ATTRIBUTE_COUNT_LIMIT", "0"),
            ("OTEL_LOGRECORD_ATTRIBUTE_VALUE_LENGTH_LIMIT", "500"),
            ("OTEL_INSTRUMENTATION_HTTP_KNOWN_METHODS", "GET,PURGE"),
            ("OTEL_INSTRUMENTATION_HTTP_SERVER_CAPTURE_REQUEST_HEADERS", "x-a,X-B"),
            ("OTEL_INSTRUMENTATION_HTTP_SERVER_CAPTURE_RESPONSE_HEADERS", "x-c"),
            ("OTEL_INSTRUMENTATION_HTTP_CLIENT_CAPTURE_REQUEST_HEADERS", "x-d"),
            ("OTEL_INSTRUMENTATION_HTTP_CLIENT_CAPTURE_RESPONSE_HEADERS", "x-e"),
            ("THROUGHLINE_SENSITIVE_QUERY_KEYS", "key,token"),
        ],
        &format!(
            "
file_format: '1.0'
disabled: true
log_level: debug3
attribute_limits: {{attribute_count_limit: 20, attribute_value_length_limit: 400}}
resource:
  attributes_list: service.name=cart,shop.region=south,shop.region=north%20east,shop.shard=3
  attributes: [{{name: shop.region, value: north east}}, {{name: shop.shard, value: 3}}]
  detection/development: {{detectors: [{{process: {{}}}}, {{host: }}]}}
propagator: {{composite: [{{b3: }}, {{tracecontext: }}], composite_list: 'tracecontext,jaeger'}}
tracer_provider:
  processors: [{{batch: {{exporter: {{otlp_http: }}}}}}]
  limits:
    attribute_count_limit: 30
    event_count_limit: 4
    link_count_limit: 5
    event_attribute_count_limit: 6
    link_attribute_count_limit: 0
  sampler:
    parent_based:
      root: {{trace_id_ratio_based: {{ratio: 0.25}}}}
      remote_parent_sampled: {{always_on: }}
      local_parent_not_sampled: {{always_off: }}
logger_provider:
  processors: [{{batch: {{exporter: {{otlp_http: }}}}}}]
  limits: {{attribute_value_length_limit: 500}}
{METRICS}
instrumentation/development:
  java: {{anything: [1, 2]}}
  general:
    http:
      server:
        request_captured_headers: [x-a, X-B]
        response_captured_headers: [x-c]
        known_methods: &methods [GET, PURGE]
      client:
        request_captured_headers: [x-d]
        response_captured_headers: [x-e]
        known_methods: *methods
    sanitization: {{url: {{sensitive_query_parameters: [key, token]}}}}
"
        ),
    );
}

// E-07
#[test]
fn every_sampler_is_the_same_from_variables_and_from_a_file() {
    for (name, file) in [
        ("always_on", "always_on: "),
        ("always_off", "always_off: {}"),
        ("traceidratio", "trace_id_ratio_based: {ratio: 0.5}"),
        ("parentbased_always_on", "parent_based: "),
        ("parentbased_always_on", "parent_based: {root: {always_on: }}"),
        ("parentbased_always_off", "parent_based: {root: {always_off: }}"),
        ("parentbased_traceidratio", "parent_based: {root: {trace_id_ratio_based: {ratio: .5}}}"),
    ] {
        same(
            &[("OTEL_TRACES_SAMPLER", name), ("OTEL_TRACES_SAMPLER_ARG", "0.5"), NO_METRICS, NO_LOGS],
            &format!("{SAME}{}", TRACES.replace("]}\n", &format!("], sampler: {{{file}}}}}\n"))),
        );
    }
}

// O-001…O-018, B-094
#[test]
fn a_destination_is_the_same_from_variables_and_from_a_file() {
    same(
        &[
            ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "https://gateway.example/tempo/v1/traces"),
            ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/json"),
            ("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip"),
            ("OTEL_EXPORTER_OTLP_TIMEOUT", "0"),
            ("OTEL_EXPORTER_OTLP_HEADERS", "x-a=1%2C2,X-B=b,authorization=Basic%20MTIzNDp4"),
            ("OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE", "/etc/ca.pem"),
            ("OTEL_EXPORTER_OTLP_TRACES_CLIENT_CERTIFICATE", "own.pem"),
            ("OTEL_EXPORTER_OTLP_TRACES_CLIENT_KEY", "own.key"),
            ("OTEL_BSP_SCHEDULE_DELAY", "100"),
            ("OTEL_BSP_EXPORT_TIMEOUT", "700"),
            ("OTEL_BSP_MAX_QUEUE_SIZE", "64"),
            ("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "32"),
            NO_METRICS,
            NO_LOGS,
        ],
        &format!(
            "{SAME}
tracer_provider:
  processors:
    - batch:
        schedule_delay: 100
        export_timeout: 700
        max_queue_size: 64
        max_export_batch_size: 32
        exporter:
          otlp_http:
            endpoint: https://gateway.example/tempo/v1/traces
            encoding: json
            compression: gzip
            timeout: 0
            headers_list: x-a=1%2C2,x-b=other
            headers:
              - {{name: X-B, value: b}}
              - {{name: authorization, value: Basic MTIzNDp4}}
              - {{name: x-nothing, value: }}
            tls: {{ca_file: /etc/ca.pem, cert_file: own.pem, key_file: own.key}}
"
        ),
    );
    for (insecure, file) in [("true", "tls: {insecure: true}"), ("false", "compression: none")] {
        same(
            &[
                ("OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4317"),
                ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
                ("OTEL_EXPORTER_OTLP_INSECURE", insecure),
                NO_METRICS,
                NO_TRACES,
            ],
            &format!(
                "{SAME}logger_provider: {{processors: [{{batch: {{exporter: {{otlp_grpc: {{endpoint: \
                 'collector:4317', {file}}}}}}}}}]}}"
            ),
        );
    }
}

// E-11, E-17, E-21, E-22
#[test]
fn measurements_and_stdout_are_the_same_from_variables_and_from_a_file() {
    for (variable, file) in [("lowmemory", "low_memory"), ("delta", "delta"), ("cumulative", "cumulative")] {
        same(
            &[
                ("OTEL_METRIC_EXPORT_INTERVAL", "15000"),
                ("OTEL_METRIC_EXPORT_TIMEOUT", "3000"),
                ("OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE", variable),
                (
                    "OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION",
                    "base2_exponential_bucket_histogram",
                ),
                ("OTEL_METRICS_EXPORTER", "otlp,console"),
                ("OTEL_TRACES_EXPORTER", "console"),
                ("OTEL_LOGS_EXPORTER", "otlp/stdout"),
            ],
            &format!(
                "{SAME}
meter_provider:
  readers:
    - periodic:
        interval: 15000
        timeout: 3000
        exporter:
          otlp_http:
            temporality_preference: {file}
            default_histogram_aggregation: base2_exponential_bucket_histogram
    - periodic:
        exporter: {{console: {{temporality_preference: {file}}}}}
tracer_provider: {{processors: [{{batch: {{exporter: {{console: }}}}}}]}}
logger_provider: {{processors: [{{batch: {{exporter: {{otlp_file/development: {{output_stream: stdout}}}}}}}}]}}
"
            ),
        );
    }
}

// B-020
#[cfg(feature = "prometheus")]
#[test]
fn a_page_is_the_same_from_variables_and_from_a_file() {
    same(
        &[
            ("OTEL_METRICS_EXPORTER", "otlp,prometheus"),
            ("OTEL_EXPORTER_PROMETHEUS_HOST", "::"),
            ("OTEL_EXPORTER_PROMETHEUS_PORT", "0"),
            ("THROUGHLINE_SCRAPE_SCOPE_LABELS", "false"),
            NO_TRACES,
            NO_LOGS,
        ],
        &format!(
            "{SAME}
meter_provider:
  readers:
    - periodic: {{exporter: {{otlp_http: }}}}
    - pull: {{exporter: {{prometheus/development: {{host: '::', port: 0, scope_info_enabled: false}}}}}}
"
        ),
    );
}

// B-091
// The limit of series is ours beside a file, until the file has one of its own.
#[test]
fn the_limit_of_series_is_that_of_the_file_or_else_of_the_variable() {
    let told = |limits: &str| {
        let text = format!(
            "file_format: '1.1'\npropagator: {{}}\nmeter_provider: {{readers: [{{periodic: {{exporter: {{console: }}{limits}}}}}]}}"
        );
        let config = Config::from_yaml(&text, [("THROUGHLINE_CARDINALITY_LIMIT", "100")]);
        let is_shown = config.settings().any(|setting| setting.variable == "THROUGHLINE_CARDINALITY_LIMIT");
        let faults = Vec::from_iter(config.faults().iter().map(ToString::to_string));
        (config.measurements.cardinality_limit, is_shown, faults)
    };
    let ignored =
        "THROUGHLINE_CARDINALITY_LIMIT: is ignored: the configuration file says otherwise".to_owned();
    assert_eq!(told(""), (100, true, vec![]));
    assert_eq!(told(", cardinality_limits: {default: 100}"), (100, true, vec![]));
    assert_eq!(told(", cardinality_limits: {default: 500}"), (500, false, vec![ignored]));
}

#[test]
fn a_file_of_references_says_what_the_variables_say() {
    // Of the variables the file takes no others, so they say it here.
    let beside =
        [("OTEL_TRACES_SAMPLER", "parentbased_traceidratio"), ("OTEL_EXPORTER_OTLP_LOGS_PROTOCOL", "grpc")];
    let all = [
        ("OTEL_SDK_DISABLED", "true"),
        ("OTEL_LOG_LEVEL", "warn"),
        ("OTEL_SERVICE_NAME", "cart"),
        ("OTEL_RESOURCE_ATTRIBUTES", "shop.region=north%20east"),
        ("OTEL_PROPAGATORS", "b3,baggage"),
        ("OTEL_TRACES_SAMPLER_ARG", "0.5"),
        ("OTEL_ATTRIBUTE_COUNT_LIMIT", "1"),
        ("OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT", "2"),
        ("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", "3"),
        ("OTEL_SPAN_EVENT_COUNT_LIMIT", "4"),
        ("OTEL_LINK_ATTRIBUTE_COUNT_LIMIT", "5"),
        ("OTEL_LOGRECORD_ATTRIBUTE_VALUE_LENGTH_LIMIT", "6"),
        ("OTEL_BSP_SCHEDULE_DELAY", "7"),
        ("OTEL_BSP_EXPORT_TIMEOUT", "0"),
        ("OTEL_BSP_MAX_QUEUE_SIZE", "800"),
        ("OTEL_BLRP_MAX_EXPORT_BATCH_SIZE", "9"),
        ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "https://gateway.example/v1/traces"),
        ("OTEL_EXPORTER_OTLP_TRACES_HEADERS", "authorization=Basic%20MTIzNDp4"),
        ("OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE", "ca.pem"),
        ("OTEL_EXPORTER_OTLP_TRACES_COMPRESSION", "gzip"),
        ("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "1000"),
        ("OTEL_METRIC_EXPORT_INTERVAL", "10"),
        ("OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE", "delta"),
        ("OTEL_EXPORTER_OTLP_LOGS_ENDPOINT", "http://collector:4317"),
    ];
    for set in [&all[..0], &all[..]] {
        let by_file = Config::from_yaml(include_str!("references.yaml"), set.iter().copied());
        assert_eq!(by_file.faults(), []);
        let by_variables = Config::from_vars(set.iter().chain(&beside).copied());
        assert_eq!(by_variables.faults(), []);
        assert_eq!(essence(by_file), essence(by_variables));
    }
}

// B-091
#[test]
fn beside_a_file_other_variables_count_unless_the_file_can_say_it() {
    let file = "
file_format: '1.1'
propagator: {composite_list: ''}
resource:
  attributes_list: ${OTEL_RESOURCE_ATTRIBUTES}
  detection/development: {detectors: [{service: }, {os: }]}
tracer_provider:
  processors: [{batch: {exporter: {otlp_http: {endpoint: '${env:PLACE:-http://elsewhere}/v1/traces'}}}}]
instrumentation/development:
  general: {sanitization: {url: {sensitive_query_parameters: []}}}
";
    let config = Config::from_yaml(
        file,
        [
            ("PLACE", "http://collector:4318"),
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://ignored:4318"),
            ("OTEL_EXPORTER_OTLP_HEADERS", "ignored"),
            ("OTEL_TRACES_SAMPLER", "always_off"),
            ("OTEL_PROPAGATORS", "b3"),
            ("OTEL_SERVICE_NAME", "cart"),
            ("OTEL_RESOURCE_ATTRIBUTES", "a=b"),
            ("NODE_IP", "10.0.0.7"),
            ("THROUGHLINE_OTLP_USERNAME", "1234"),
            ("THROUGHLINE_OTLP_TRACES_TOKEN", "secret"),
            ("THROUGHLINE_LOG_FORMAT", "json"),
            ("THROUGHLINE_RESOURCE_DETECTORS", "host"),
            ("THROUGHLINE_SENSITIVE_QUERY_KEYS", "token"),
            ("RUST_LOG", "debug"),
        ],
    );
    let told: Vec<String> = config.faults().iter().map(ToString::to_string).collect();
    let ignored = "is ignored: the configuration file says where telemetry goes; write a header there";
    assert_eq!(
        told,
        [
            format!("THROUGHLINE_OTLP_TRACES_TOKEN: {ignored}"),
            format!("THROUGHLINE_OTLP_USERNAME: {ignored}"),
            "THROUGHLINE_RESOURCE_DETECTORS: is ignored: the configuration file says otherwise".into(),
            "THROUGHLINE_SENSITIVE_QUERY_KEYS: is ignored: the configuration file says otherwise".into(),
        ]
    );
    // What does not hold is not shown, set or not.
    let shown = config.settings().map(|setting| &*setting.variable);
    assert_eq!(shown.filter(|name| told.iter().any(|told| told.starts_with(name))).count(), 0);
    assert!(config.usable().is_ok());
    assert_eq!(config.traces.to_string(), "http://collector:4318/v1/traces (OTEL_CONFIG_FILE)");
    let Destination::Remote(remote) = &config.traces.destinations[0] else { panic!("{config:?}") };
    assert!(remote.headers.is_empty() && remote.credentials.is_none());
    assert_eq!(config.logs.to_string(), "nowhere (OTEL_CONFIG_FILE)");
    assert_eq!(config.sampler, crate::config::Sampler::ParentBasedAlwaysOn);
    assert_eq!(config.service_name.as_deref(), Some("cart"));
    assert_eq!(config.resource_attributes, [("a".to_owned(), "b".into())]);
    assert_eq!(config.detectors, [Detector::Os]);
    assert_eq!(config.log.format, crate::config::LogFormat::Json);
    assert_eq!(config.log.filter, "debug");
    assert!(config.server.sensitive_query_keys.is_empty() && config.client.sensitive_query_keys.is_empty());
}
