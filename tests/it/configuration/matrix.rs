//! Each variable, and the configuration it makes: what it changes, and that it changes nothing else.

use std::collections::{BTreeMap, BTreeSet};
use throughline::{
    Config,
    config::env::{Kind, VARIABLES, Variable},
    sender::Signal,
};

/// All fields by their path, as `Debug` shows them; the members of a list one after the other.
fn fields(config: &Config) -> BTreeMap<String, String> {
    let shown = format!("{config:#?}");
    let (mut fields, mut path) = (BTreeMap::<String, String>::new(), Vec::<String>::new());
    for line in shown.lines().skip(1).map(str::trim) {
        let line = line.trim_end_matches(',');
        let (name, value) =
            line.split_once(": ").filter(|(name, _)| !name.contains('"')).unwrap_or(("", line));
        match value {
            "}" | "]" | ")" => drop(path.pop()),
            // What a value is, where it is more than a structure's name.
            "TraceIdRatio(" | "ParentBasedTraceIdRatio(" | "Basic(" | "Bearer(" => {
                path.push(format!("{name}.{}", value.trim_end_matches('(')));
            }
            _ if value.ends_with(['{', '[', '(']) => path.push(name.to_owned()),
            _ => {
                let names = path.iter().map(String::as_str).chain([name]).flat_map(|name| name.split('.'));
                let path = Vec::from_iter(names.filter(|name| !name.is_empty())).join(".");
                let field = fields.entry(path).or_default();
                *field += if field.is_empty() { "" } else { ", " };
                *field += value;
            }
        }
    }
    // What only tells how it was decided.
    fields.retain(|name, _| !name.split('.').any(|part| ["settings", "faults", "known"].contains(&part)));
    fields
}

/// What differs from the configuration of no variable. Of what is gone only the list that held it.
fn changed(vars: &[(&str, &str)]) -> Vec<String> {
    let config = Config::from_vars(vars.iter().copied());
    assert_eq!(config.faults(), [], "{vars:?}");
    let (before, after) = (fields(&Config::from_vars([("", ""); 0])), fields(&config));
    let gone = before.keys().filter(|name| !after.contains_key(*name)).map(|name| format!("{name} is gone"));
    let held = |gone: &String| !gone.contains("destinations.");
    let differ = after.iter().filter(|(name, value)| before.get(*name) != Some(value));
    differ.map(|(name, value)| format!("{name} = {value}")).chain(gone.filter(held)).collect()
}

// E-02, E-03, E-08, E-18, E-19, E-20, E-26, E-27
#[test]
fn each_variable_changes_what_it_is_for_and_nothing_else() {
    for (vars, changes) in CASES {
        assert_eq!(changed(vars), *changes, "{vars:?}");
    }
}

#[test]
fn no_variable_is_forgotten() {
    let tried: BTreeSet<&str> = CASES.iter().flat_map(|(vars, _)| *vars).map(|(name, _)| *name).collect();
    let forms = |variable: &Variable| {
        Signal::ALL
            .map(Some)
            .into_iter()
            .chain([None])
            .map(|signal| variable.name_for(signal))
            .collect::<Vec<_>>()
    };
    // A file says what variables say: that has tests of its own.
    let supported = VARIABLES
        .iter()
        .filter(|variable| variable.kind != Kind::Unsupported && variable.name != "OTEL_CONFIG_FILE");
    let forgotten = supported.filter(|variable| !forms(variable).iter().any(|form| tried.contains(&**form)));
    let forgotten = forgotten.map(|variable| variable.name);
    assert_eq!(Vec::from_iter(forgotten), [""; 0]);
}

/// Variables, and the fields that they change.
type Case = (&'static [(&'static str, &'static str)], &'static [&'static str]);

const CASES: &[Case] = &[
    (&[("OTEL_SDK_DISABLED", "TRUE")], &["disabled = true"]),
    (&[("OTEL_LOG_LEVEL", "Debug")], &["log.own_level = Debug"]),
    (&[("OTEL_SERVICE_NAME", " cart ")], &[r#"service_name = "cart""#]),
    (
        &[("OTEL_RESOURCE_ATTRIBUTES", "a=1,%C3%A4%3D=x%2Cy")],
        &[r#"resource_attributes = "a", "1", "ä=", "x,y""#],
    ),
    (&[("THROUGHLINE_RESOURCE_DETECTORS", "Host,os,host")], &["detectors = Host, Os"]),
    (&[("KUBERNETES_SERVICE_HOST", "10.0.0.1")], &["kubernetes = []"]),
    (
        &[
            ("KUBERNETES_SERVICE_HOST", "10.0.0.1"),
            ("K8S_POD_NAME", "a"),
            ("K8S_POD_UID", "b"),
            ("K8S_NAMESPACE_NAME", "c"),
            ("K8S_NODE_NAME", "d"),
            ("K8S_CONTAINER_NAME", "e"),
            ("K8S_DEPLOYMENT_NAME", "f"),
            ("K8S_CLUSTER_NAME", "g"),
        ],
        &[
            r#"kubernetes = "k8s.cluster.name", "g", "k8s.container.name", "e", "k8s.deployment.name", "f", "k8s.namespace.name", "c", "k8s.node.name", "d", "k8s.pod.name", "a", "k8s.pod.uid", "b""#,
        ],
    ),
    (&[("K8S_POD_NAME", "a")], &[]),
    (&[("OTEL_PROPAGATORS", "B3")], &["propagators = B3"]),
    (&[("OTEL_TRACES_SAMPLER", "ALWAYS_OFF")], &["sampler = AlwaysOff"]),
    (&[("OTEL_TRACES_SAMPLER", "always_on"), ("OTEL_TRACES_SAMPLER_ARG", "0.5")], &["sampler = AlwaysOn"]),
    (
        &[("OTEL_TRACES_SAMPLER", "TraceIdRatio"), ("OTEL_TRACES_SAMPLER_ARG", "0.25")],
        &["sampler.TraceIdRatio = 0.25", "sampler is gone"],
    ),
    (&[("OTEL_TRACES_SAMPLER", "parentbased_always_off")], &["sampler = ParentBasedAlwaysOff"]),
    (
        &[("OTEL_TRACES_SAMPLER", "parentbased_traceidratio"), ("OTEL_TRACES_SAMPLER_ARG", "0")],
        &["sampler.ParentBasedTraceIdRatio = 0.0", "sampler is gone"],
    ),
    (
        &[("OTEL_TRACES_SAMPLER", "parentbased_traceidratio")],
        &["sampler.ParentBasedTraceIdRatio = 1.0", "sampler is gone"],
    ),
    (&[("OTEL_TRACES_SAMPLER", "parentbased_always_on")], &[]),
    (&[("THROUGHLINE_BAGGAGE_KEYS", "tenant, plan")], &[r#"baggage_keys = "tenant", "plan""#]),
    (&[("OTEL_ATTRIBUTE_COUNT_LIMIT", "0")], &["log.limits.count = 0", "span_limits.attributes.count = 0"]),
    (
        &[("OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT", "7")],
        &["log.limits.value_length = 7", "span_limits.attributes.value_length = 7"],
    ),
    (&[("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", "7")], &["span_limits.attributes.count = 7"]),
    (&[("OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT", "7")], &["span_limits.attributes.value_length = 7"]),
    (&[("OTEL_SPAN_EVENT_COUNT_LIMIT", "7")], &["span_limits.events = 7"]),
    (&[("OTEL_SPAN_LINK_COUNT_LIMIT", "7")], &["span_limits.links = 7"]),
    (&[("OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT", "7")], &["span_limits.event_attributes = 7"]),
    (&[("OTEL_LINK_ATTRIBUTE_COUNT_LIMIT", "7")], &["span_limits.link_attributes = 7"]),
    (&[("OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT", "7")], &["log.limits.count = 7"]),
    (&[("OTEL_LOGRECORD_ATTRIBUTE_VALUE_LENGTH_LIMIT", "7")], &["log.limits.value_length = 7"]),
    (&[("THROUGHLINE_SPAN_FILTER", "debug")], &[r#"span_filter = "debug""#]),
    (&[("THROUGHLINE_RUNTIME_METRICS", "0")], &["measurements.runtime = false"]),
    (&[("THROUGHLINE_CARDINALITY_LIMIT", "7")], &["measurements.cardinality_limit = 7"]),
    (&[("OTEL_METRICS_EXEMPLAR_FILTER", "Always_On")], &["measurements.exemplars = AlwaysOn"]),
    (
        &[("THROUGHLINE_AGGREGATIONS", "a.*=drop")],
        &[
            "measurements.views.aggregation = Drop",
            "measurements.views.attributes = None",
            "measurements.views.cardinality_limit = None",
            "measurements.views.description = None",
            r#"measurements.views.instrument = "a.*""#,
            "measurements.views.kind = None",
            "measurements.views.meter = None",
            "measurements.views.meter_schema_url = None",
            "measurements.views.meter_version = None",
            "measurements.views.name = None",
            "measurements.views.unit = None",
            "measurements.views is gone",
        ],
    ),
    (
        &[("OTEL_METRIC_EXPORT_TIMEOUT", "3000")],
        &["measurements.callback_limit = 3s", "metrics.destinations.timeout = 3s"],
    ),
    (&[("OTEL_BSP_SCHEDULE_DELAY", "7")], &["traces.schedule_delay = 7ms"]),
    (&[("OTEL_BSP_MAX_QUEUE_SIZE", "700")], &["traces.max_queue = 700"]),
    (&[("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "7")], &["traces.max_batch = 7"]),
    (&[("OTEL_BLRP_SCHEDULE_DELAY", "7")], &["logs.schedule_delay = 7ms"]),
    (&[("OTEL_BLRP_MAX_QUEUE_SIZE", "7")], &["logs.max_batch = 7", "logs.max_queue = 7"]),
    (&[("OTEL_BLRP_MAX_EXPORT_BATCH_SIZE", "2048")], &["logs.max_batch = 2048"]),
    (&[("OTEL_METRIC_EXPORT_INTERVAL", "7")], &["metrics.schedule_delay = 7ms"]),
    (&[("OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE", "LowMemory")], &["temporality = LowMemory"]),
    (
        &[("OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION", "base2_exponential_bucket_histogram")],
        &["histograms = Exponential"],
    ),
    (
        &[("OTEL_METRICS_EXPORTER", "None")],
        &[r#"metrics.decided = "OTEL_METRICS_EXPORTER""#, "metrics.destinations = []"],
    ),
    (
        &[("OTEL_LOGS_EXPORTER", "otlp/stdout,console")],
        &[r#"logs.decided = "OTEL_LOGS_EXPORTER""#, r#"logs.destinations = "stdout", "the console""#],
    ),
    (
        &[("OTEL_EXPORTER_OTLP_ENDPOINT", "https://c/otlp")],
        &[
            r#"logs.decided = "OTEL_EXPORTER_OTLP_ENDPOINT""#,
            "logs.destinations.url = https://c/otlp/v1/logs",
            r#"metrics.decided = "OTEL_EXPORTER_OTLP_ENDPOINT""#,
            "metrics.destinations.url = https://c/otlp/v1/metrics",
            r#"traces.decided = "OTEL_EXPORTER_OTLP_ENDPOINT""#,
            "traces.destinations.url = https://c/otlp/v1/traces",
        ],
    ),
    (
        &[("OTEL_EXPORTER_OTLP_LOGS_ENDPOINT", "http://c:3100/otlp/v1/logs")],
        &[
            r#"logs.decided = "OTEL_EXPORTER_OTLP_LOGS_ENDPOINT""#,
            "logs.destinations.url = http://c:3100/otlp/v1/logs",
        ],
    ),
    (
        &[("OTEL_EXPORTER_OTLP_PROTOCOL", "GRPC")],
        &[
            "logs.destinations.protocol = Grpc",
            "logs.destinations.url = http://localhost:4317 (grpc)",
            "metrics.destinations.protocol = Grpc",
            "metrics.destinations.url = http://localhost:4317 (grpc)",
            "traces.destinations.protocol = Grpc",
            "traces.destinations.url = http://localhost:4317 (grpc)",
        ],
    ),
    (&[("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "http/json")], &["traces.destinations.protocol = HttpJson"]),
    (
        &[
            ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "grpc"),
            ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "c:4317"),
            ("OTEL_EXPORTER_OTLP_INSECURE", "true"),
        ],
        &[
            r#"traces.decided = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT""#,
            "traces.destinations.protocol = Grpc",
            "traces.destinations.url = http://c:4317 (grpc)",
        ],
    ),
    (
        &[
            ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "https://c/v1/traces"),
            ("OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE", "/ca.pem"),
            ("OTEL_EXPORTER_OTLP_TRACES_CLIENT_CERTIFICATE", "/us.pem"),
            ("OTEL_EXPORTER_OTLP_TRACES_CLIENT_KEY", "/us.key"),
        ],
        &[
            r#"traces.decided = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT""#,
            r#"traces.destinations.tls.certificate = "/ca.pem""#,
            r#"traces.destinations.tls.client_certificate = "/us.pem""#,
            r#"traces.destinations.tls.client_key = "/us.key""#,
            "traces.destinations.url = https://c/v1/traces",
        ],
    ),
    (
        &[("OTEL_EXPORTER_OTLP_HEADERS", "X-A=1,b=2"), ("OTEL_EXPORTER_OTLP_LOGS_HEADERS", "c=3")],
        &[
            r#"logs.destinations.headers = "c""#,
            r#"metrics.destinations.headers = "x-a", "b""#,
            r#"traces.destinations.headers = "x-a", "b""#,
        ],
    ),
    (
        &[("OTEL_EXPORTER_OTLP_HEADERS_AUTHORIZATION", "Basic x")],
        &[
            r#"logs.destinations.headers = "authorization""#,
            r#"metrics.destinations.headers = "authorization""#,
            r#"traces.destinations.headers = "authorization""#,
        ],
    ),
    (
        &[
            ("THROUGHLINE_OTLP_USERNAME", "u"),
            ("THROUGHLINE_OTLP_TRACES_PASSWORD", "p"),
            ("THROUGHLINE_OTLP_TOKEN", "t"),
        ],
        &[
            "logs.destinations.credentials.Basic = Secret",
            "metrics.destinations.credentials.Basic = Secret",
            "traces.destinations.credentials.Basic = Secret",
        ],
    ),
    (
        &[("THROUGHLINE_OTLP_TRACES_TOKEN_FILE", "/token")],
        &[r#"traces.destinations.credentials.Bearer = "/token""#],
    ),
    (
        &[("THROUGHLINE_OTLP_USERNAME", "u"), ("THROUGHLINE_OTLP_PASSWORD_FILE", "/password")],
        &[
            r#"logs.destinations.credentials.Basic = "/password""#,
            r#"metrics.destinations.credentials.Basic = "/password""#,
            r#"traces.destinations.credentials.Basic = "/password""#,
        ],
    ),
    (&[("THROUGHLINE_OTLP_METRICS_TENANT", "team")], &[r#"metrics.destinations.headers = "x-scope-orgid""#]),
    (
        &[("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip"), ("OTEL_EXPORTER_OTLP_LOGS_COMPRESSION", "ZSTD")],
        &[
            "logs.destinations.compression = Zstd",
            "metrics.destinations.compression = Gzip",
            "traces.destinations.compression = Gzip",
        ],
    ),
    (
        &[("OTEL_EXPORTER_OTLP_TIMEOUT", "0"), ("OTEL_EXPORTER_OTLP_LOGS_TIMEOUT", "7")],
        &[
            "logs.destinations.timeout = 7ms",
            "metrics.destinations.timeout = 0ns",
            "traces.destinations.timeout = 0ns",
        ],
    ),
    (
        &[
            ("OTEL_BSP_EXPORT_TIMEOUT", "7"),
            ("OTEL_BLRP_EXPORT_TIMEOUT", "30000"),
            ("OTEL_METRIC_EXPORT_TIMEOUT", "0"),
        ],
        &["traces.destinations.timeout = 7ms"],
    ),
    (
        &[
            ("OTEL_METRICS_EXPORTER", "otlp,prometheus"),
            ("OTEL_EXPORTER_PROMETHEUS_HOST", "0.0.0.0"),
            ("OTEL_EXPORTER_PROMETHEUS_PORT", "9090"),
            ("THROUGHLINE_SCRAPE_SCOPE_LABELS", "false"),
        ],
        &[
            r#"metrics.decided = "OTEL_METRICS_EXPORTER""#,
            r#"scrape.address = "0.0.0.0:9090""#,
            "scrape.scope_labels = false",
            r#"scrape.variable = "OTEL_METRICS_EXPORTER""#,
            "scrape is gone",
        ],
    ),
    (&[("OTEL_EXPORTER_PROMETHEUS_PORT", "9090")], &[]),
    (
        &[("NODE_IP", "2001:db8::7")],
        &[
            "logs.decided = Agent",
            "logs.destinations = []",
            r#"metrics.decided = "NODE_IP""#,
            "metrics.destinations.url = http://[2001:db8::7]:4318/v1/metrics",
            r#"traces.decided = "NODE_IP""#,
            "traces.destinations.url = http://[2001:db8::7]:4318/v1/traces",
        ],
    ),
    (&[("THROUGHLINE_QUEUE_BYTES", "7")], &["queue.bytes = 7"]),
    (&[("THROUGHLINE_QUEUE_DIRECTORY", "/queue")], &[r#"queue.directory = "/queue""#]),
    (&[("THROUGHLINE_QUEUE_DIRECTORY_BYTES", "7")], &["queue.directory_bytes = 7"]),
    (&[("THROUGHLINE_SELF_METRICS", "1")], &["self_metrics = true"]),
    (&[("RUST_LOG", "warn")], &[r#"log.filter = "warn""#]),
    (&[("THROUGHLINE_LOG_FORMAT", "JSON")], &["log.format = Json"]),
    (&[("THROUGHLINE_LOG_OUTPUT", "stderr")], &["log.output = Stderr"]),
    (&[("THROUGHLINE_LOG_FIELDS", "flat")], &["log.flat = true"]),
    (
        &[("THROUGHLINE_LOG_SPAN_FIELDS", "records")],
        &["log.record_span_fields = true", "log.span_fields = false"],
    ),
    (&[("THROUGHLINE_LOG_SPANS", "enter,close")], &["log.spans.close = true", "log.spans.enter = true"]),
    (&[("THROUGHLINE_LOG_SOURCE", "1")], &["log.source = true"]),
    (&[("THROUGHLINE_LOG_SERVICE_NAME", "true")], &["log.service_name = true"]),
    (&[("THROUGHLINE_LOG_PANICS", "true")], &["log.panics = true"]),
    (&[("THROUGHLINE_LOG_BUFFER", "7")], &["log.buffer = 7"]),
    (&[("NO_COLOR", "0")], &["log.colors = false"]),
    (
        &[("OTEL_INSTRUMENTATION_HTTP_KNOWN_METHODS", "GET,BREW")],
        &[r#"client.known_methods = "GET", "BREW""#, r#"server.known_methods = "GET", "BREW""#],
    ),
    (
        &[("OTEL_INSTRUMENTATION_HTTP_SERVER_CAPTURE_REQUEST_HEADERS", "X-A")],
        &[r#"server.request_headers.names = "x-a""#],
    ),
    (
        &[("OTEL_INSTRUMENTATION_HTTP_SERVER_CAPTURE_RESPONSE_HEADERS", "X-A")],
        &[r#"server.response_headers.names = "x-a""#],
    ),
    (
        &[("OTEL_INSTRUMENTATION_HTTP_CLIENT_CAPTURE_REQUEST_HEADERS", "X-A")],
        &[r#"client.request_headers.names = "x-a""#],
    ),
    (
        &[("OTEL_INSTRUMENTATION_HTTP_CLIENT_CAPTURE_RESPONSE_HEADERS", "X-A")],
        &[r#"client.response_headers.names = "x-a""#],
    ),
    (
        &[("THROUGHLINE_TRUSTED_PROXIES", "*"), ("THROUGHLINE_PROXY_HEADERS", "forwarded")],
        &["server.trusted_proxies.headers = Forwarded", "server.trusted_proxies.trust = Everybody"],
    ),
    (&[("THROUGHLINE_SERVER_SCHEME", "https")], &["server.scheme = Https"]),
    (&[("THROUGHLINE_EXCLUDED_PATHS", "/health")], &[r#"server.excluded_paths = "/health""#]),
    (&[("THROUGHLINE_PUBLIC_ENDPOINT", "true")], &["server.public_endpoint = true"]),
    (&[("THROUGHLINE_SERVER_TIMING", "true")], &["server.server_timing = true"]),
    (
        &[("THROUGHLINE_OMITTED_ATTRIBUTES", "client.address")],
        &[r#"client.omitted = "client.address""#, r#"server.omitted = "client.address""#],
    ),
    (
        &[("THROUGHLINE_SENSITIVE_QUERY_KEYS", "key")],
        &[r#"client.sensitive_query_keys = "key""#, r#"server.sensitive_query_keys = "key""#],
    ),
    (
        &[("THROUGHLINE_ACTIVE_REQUESTS", "true")],
        &["client.active_requests = true", "server.active_requests = true"],
    ),
    (&[("THROUGHLINE_BODY_SIZES", "true")], &["client.body_sizes = true", "server.body_sizes = true"]),
    (
        &[("THROUGHLINE_EXCEPTION_MESSAGES", "false")],
        &["client.exception_messages = false", "server.exception_messages = false"],
    ),
    (
        &[("THROUGHLINE_INJECTED_HOSTS", "*.internal")],
        &["client.injected_hosts.listed = In", r#"client.injected_hosts.names = "*.internal""#],
    ),
    (&[("THROUGHLINE_REQUEST_SPAN", "true")], &["server.request_span = true"]),
    (&[("OTEL_SEMCONV_STABILITY_OPT_IN", "http"), ("OTEL_SEMCONV_EXCEPTION_SIGNAL_OPT_IN", "logs")], &[]),
    (&[("THROUGHLINE_VIEW", "1")], &["view.enabled = true"]),
    (&[("THROUGHLINE_COLLECTOR_GRPC", "off")], &["view.grpc = None"]),
    (&[("THROUGHLINE_COLLECTOR_HTTP", "localhost:7")], &["view.http = 127.0.0.1:7"]),
    (&[("THROUGHLINE_COLLECTOR_VIEW", "[::1]:7")], &["view.address = [::1]:7"]),
    (&[("THROUGHLINE_COLLECTOR_BALANCE", "dns:a")], &["view.balance = dns:a"]),
];
