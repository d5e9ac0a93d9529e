//! The table itself: a new variable is a row here.

use crate::{config::Detector, middleware::propagation::Format, sender::Signal};

/// One row of the table.
#[derive(Debug)]
#[non_exhaustive]
pub struct Variable {
    /// Its name, with `[SIGNAL_]` or `{SIGNAL}` where it has forms for the signals.
    pub name: &'static str,
    /// What it may hold.
    pub kind: Kind,
    /// What holds when it is unset, in words.
    pub default: &'static str,
    /// What it does, in one sentence.
    pub meaning: &'static str,
    /// The stage on the way of telemetry where it acts.
    pub acts: &'static str,
    /// The first version of throughline that knows it.
    pub since: &'static str,
}

/// What a variable may hold.
#[derive(Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Kind {
    /// Any text.
    Text,
    /// The path of a file or directory.
    File,
    /// A URL, or `host:port`; printed without user, password and query.
    Url,
    /// A value that is never printed.
    Secret,
    /// `true`, in any case; all else is false, unless the meaning says otherwise.
    Boolean,
    /// A whole number of milliseconds.
    Milliseconds,
    /// A whole number above zero.
    Count,
    /// A whole number, zero among them.
    Limit,
    /// One of these words, in any case.
    Choice(&'static [&'static str]),
    /// Some of these words with commas between them, in any case.
    Choices(&'static [&'static str]),
    /// `key=value` with commas between them, keys and values percent-encoded.
    Pairs,
    /// `key=value` pairs whose values are never printed.
    SecretPairs,
    /// `address:port`, or `off`.
    Address,
    /// Some texts with commas between them.
    List,
    /// Of the standard, and not supported: said at start when set, with the meaning, which is the way out.
    Unsupported,
    /// Of the standard, and without effect: what it would ask for holds anyway.
    Unneeded,
}

/// Variables of the project's own tests.
pub(super) const TESTS: &str = "THROUGHLINE_TEST_";

macro_rules! variables {
    ($($acts:literal, since $since:literal {
        $($constant:ident $name:literal, $kind:expr, $default:literal, $meaning:literal;)*
    })*) => {
        $($(pub(crate) const $constant: Variable = Variable {
            name: $name,
            kind: $kind,
            default: $default,
            meaning: $meaning,
            acts: $acts,
            since: $since,
        };)*)*
        /// All variables that are read, in the order of the documentation.
        pub const VARIABLES: &[Variable] = &[$($($constant),*),*];
    };
}

const LEVELS: &[&str] = &["none", "error", "warn", "info", "debug", "trace", "verbose", "all"];
const DETECTORS: &[&str] = &Detector::NAMES;
const EXPORTERS: &[&str] = &["otlp", "console", "otlp/stdout", "prometheus", "none"];
const TEMPORALITIES: &[&str] = &["cumulative", "delta", "lowmemory"];
const AGGREGATIONS: &[&str] = &["explicit_bucket_histogram", "base2_exponential_bucket_histogram"];
const EXEMPLAR_FILTERS: &[&str] = &["trace_based", "always_on", "always_off"];
const PROTOCOLS: &[&str] = &["http/protobuf", "http/json", "grpc"];
const COMPRESSIONS: &[&str] = &["none", "gzip", "zstd"];
const PROPAGATORS: &[&str] = &Format::NAMES;
const LOG_FORMATS: &[&str] = &["text", "json", "logfmt"];
const LOG_OUTPUTS: &[&str] = &["stdout", "stderr", "none"];
const FIELD_PLACES: &[&str] = &["nested", "flat"];
const SPAN_FIELDS: &[&str] = &["lines", "records", "none"];
const MOMENTS: &[&str] = &["new", "enter", "exit", "close", "none"];
const PROXY_HEADER_FAMILIES: &[&str] = &["x-forwarded", "forwarded"];
const SCHEMES: &[&str] = &["http", "https"];
const SAMPLERS: &[&str] = &[
    "always_on",
    "always_off",
    "traceidratio",
    "parentbased_always_on",
    "parentbased_always_off",
    "parentbased_traceidratio",
];

variables! {
    "start", since "0.1" {
        CONFIG_FILE "OTEL_CONFIG_FILE", Kind::File, "none", "A configuration file instead of all other `OTEL_` variables (feature `config-file`). One that cannot be used fails the start.";
        SDK_DISABLED "OTEL_SDK_DISABLED", Kind::Boolean, "false", "Nothing is recorded; incoming context still passes through.";
        LOG_LEVEL "OTEL_LOG_LEVEL", Kind::Choice(LEVELS), "info", "How much throughline says about itself, unless `RUST_LOG` names `throughline`.";
    }
    "resource", since "0.1" {
        SERVICE_NAME "OTEL_SERVICE_NAME", Kind::Text, "`service.name` of the attributes, else `unknown_service:<program>`", "The name of the service.";
        RESOURCE_ATTRIBUTES "OTEL_RESOURCE_ATTRIBUTES", Kind::Pairs, "none", "Attributes of the resource; one malformed pair discards all.";
        RESOURCE_DETECTORS "THROUGHLINE_RESOURCE_DETECTORS", Kind::Choices(DETECTORS), "process,host,os,container,kubernetes", "What else is looked up for the resource.";
        K8S_POD_NAME "K8S_POD_NAME", Kind::Text, "none", "`k8s.pod.name`, from the downward API (`metadata.name`); these count only inside Kubernetes.";
        K8S_POD_UID "K8S_POD_UID", Kind::Text, "what the mounts tell", "`k8s.pod.uid`, from the downward API (`metadata.uid`).";
        K8S_NAMESPACE_NAME "K8S_NAMESPACE_NAME", Kind::Text, "that of the service account", "`k8s.namespace.name`, from the downward API (`metadata.namespace`).";
        K8S_NODE_NAME "K8S_NODE_NAME", Kind::Text, "none", "`k8s.node.name`, from the downward API (`spec.nodeName`).";
        K8S_CONTAINER_NAME "K8S_CONTAINER_NAME", Kind::Text, "what the mounts tell", "`k8s.container.name`.";
        K8S_DEPLOYMENT_NAME "K8S_DEPLOYMENT_NAME", Kind::Text, "none", "`k8s.deployment.name`.";
        K8S_CLUSTER_NAME "K8S_CLUSTER_NAME", Kind::Text, "none", "`k8s.cluster.name`.";
        KUBERNETES "KUBERNETES_SERVICE_HOST", Kind::Text, "none", "Set by Kubernetes in each container: there the `K8S_` variables count.";
    }
    "propagation", since "0.1" {
        PROPAGATORS_ "OTEL_PROPAGATORS", Kind::Choices(PROPAGATORS), "tracecontext,baggage", "Headers in which context is read and sent on.";
    }
    "sampling", since "0.1" {
        SAMPLER "OTEL_TRACES_SAMPLER", Kind::Choice(SAMPLERS), "parentbased_always_on", "Which traces are recorded.";
        SAMPLER_ARG "OTEL_TRACES_SAMPLER_ARG", Kind::Text, "1.0", "The ratio, from 0 to 1, for the samplers that take one.";
    }
    "recording", since "0.1" {
        BAGGAGE_KEYS "THROUGHLINE_BAGGAGE_KEYS", Kind::List, "none", "Members of the baggage that become attributes of spans and log records.";
        ATTRIBUTE_COUNT "OTEL_ATTRIBUTE_COUNT_LIMIT", Kind::Limit, "128", "Attributes of a span or of a log record; more are dropped and counted in it.";
        ATTRIBUTE_LENGTH "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT", Kind::Limit, "none", "Characters of a text in an attribute of a span, of its events and links, or of a log record; longer ones are cut.";
        SPAN_ATTRIBUTE_COUNT "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", Kind::Limit, "the general limit", "Attributes of a span.";
        SPAN_ATTRIBUTE_LENGTH "OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT", Kind::Limit, "the general limit", "Characters of a text in an attribute of a span, of its events and links.";
        SPAN_EVENTS "OTEL_SPAN_EVENT_COUNT_LIMIT", Kind::Limit, "128", "Events of a span; more are dropped and counted in it.";
        SPAN_LINKS "OTEL_SPAN_LINK_COUNT_LIMIT", Kind::Limit, "128", "Links of a span; more are dropped and counted in it.";
        EVENT_ATTRIBUTES "OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT", Kind::Limit, "128", "Attributes of an event of a span; more are dropped and counted in it.";
        LINK_ATTRIBUTES "OTEL_LINK_ATTRIBUTE_COUNT_LIMIT", Kind::Limit, "128", "Attributes of a link of a span; more are dropped and counted in it.";
        RECORD_ATTRIBUTE_COUNT "OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT", Kind::Limit, "the general limit", "Attributes of a log record.";
        RECORD_ATTRIBUTE_LENGTH "OTEL_LOGRECORD_ATTRIBUTE_VALUE_LENGTH_LIMIT", Kind::Limit, "the general limit", "Characters of a text in an attribute of a log record.";
        SPAN_FILTER "THROUGHLINE_SPAN_FILTER", Kind::Text, "info", "Which `tracing` spans are recorded, in the syntax of `RUST_LOG`.";
    }
    "batches", since "0.1" {
        BSP_DELAY "OTEL_BSP_SCHEDULE_DELAY", Kind::Milliseconds, "5000; 200 into a local collector", "The longest wait of a span for its batch.";
        BSP_QUEUE "OTEL_BSP_MAX_QUEUE_SIZE", Kind::Count, "2048", "Spans that may wait; more are dropped and counted.";
        BSP_BATCH "OTEL_BSP_MAX_EXPORT_BATCH_SIZE", Kind::Count, "512", "Spans of one request.";
        BLRP_DELAY "OTEL_BLRP_SCHEDULE_DELAY", Kind::Milliseconds, "1000; 200 into a local collector", "The longest wait of a log record for its batch.";
        BLRP_QUEUE "OTEL_BLRP_MAX_QUEUE_SIZE", Kind::Count, "2048", "Log records that may wait; more are dropped and counted.";
        BLRP_BATCH "OTEL_BLRP_MAX_EXPORT_BATCH_SIZE", Kind::Count, "512", "Log records of one request.";
        METRIC_INTERVAL "OTEL_METRIC_EXPORT_INTERVAL", Kind::Milliseconds, "60000; 5000 into a local collector", "The time between two collections of the metrics.";
        RUNTIME_METRICS "THROUGHLINE_RUNTIME_METRICS", Kind::Boolean, "true where telemetry is the program's", "The process and its Tokio runtime are measured: where `Telemetry::init` is called; `true`: where `Telemetry::build` is, too.";
        VIEWS "THROUGHLINE_AGGREGATIONS", Kind::List, "none", "`instrument=aggregation` with commas between them: what is made of the instruments of this name, in which `*` and `?` stand for others: `drop`, `sum`, `last`, `exponential`, or the bounds of a histogram with `|` between them.";
        CARDINALITY_LIMIT "THROUGHLINE_CARDINALITY_LIMIT", Kind::Count, "2000", "Series of an instrument, at most 100000; what is beyond them is told in one more, with `otel.metric.overflow`.";
        TEMPORALITY "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE", Kind::Choice(TEMPORALITIES), "cumulative", "What a measurement tells: all since the start, or what is new since the last collection; lowmemory: what is new, of synchronous counters and histograms.";
        AGGREGATION "OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION", Kind::Choice(AGGREGATIONS), "explicit_bucket_histogram", "How histograms are made.";
        EXEMPLARS "OTEL_METRICS_EXEMPLAR_FILTER", Kind::Choice(EXEMPLAR_FILTERS), "trace_based", "Which measurements may become exemplars, with the ids of their span: those of sampled spans; all; none.";
    }
    "sending", since "0.1" {
        EXPORTER "OTEL_{SIGNAL}_EXPORTER", Kind::Choices(EXPORTERS), "otlp; for logs none when `NODE_IP` is set", "Where the signal goes: to the destination of OTLP; to stdout for people; to stdout as OTLP/JSON, one object a line; of metrics alone, onto a page for Prometheus (feature `prometheus`); nowhere.";
        ENDPOINT "OTEL_EXPORTER_OTLP_[SIGNAL_]ENDPOINT", Kind::Url, "http://localhost:4318 (grpc: 4317)", "Where to. General: a base, `/v1/<signal>` is added over HTTP. Of a signal: the URL as it is. One that is not a URL fails the start.";
        PROTOCOL "OTEL_EXPORTER_OTLP_[SIGNAL_]PROTOCOL", Kind::Choice(PROTOCOLS), "http/protobuf", "Encoding and transport.";
        INSECURE "OTEL_EXPORTER_OTLP_[SIGNAL_]INSECURE", Kind::Boolean, "false", "Plain text for a gRPC endpoint that is written without a scheme.";
        CERTIFICATE "OTEL_EXPORTER_OTLP_[SIGNAL_]CERTIFICATE", Kind::File, "the system's roots", "PEM file with the certificate authorities that are trusted instead.";
        CLIENT_CERTIFICATE "OTEL_EXPORTER_OTLP_[SIGNAL_]CLIENT_CERTIFICATE", Kind::File, "none", "PEM file with the certificates by which the service is known.";
        CLIENT_KEY "OTEL_EXPORTER_OTLP_[SIGNAL_]CLIENT_KEY", Kind::File, "none", "PEM file with the key of that certificate.";
        HEADERS "OTEL_EXPORTER_OTLP_[SIGNAL_]HEADERS", Kind::SecretPairs, "none", "Headers of each request; those of a signal replace the general ones.";
        AUTHORIZATION "OTEL_EXPORTER_OTLP_HEADERS_AUTHORIZATION", Kind::Secret, "none", "The `Authorization` header as it is, unless the headers have one.";
        USERNAME "THROUGHLINE_OTLP_[SIGNAL_]USERNAME", Kind::Text, "none", "User of basic authentication (Grafana Cloud: the OTLP instance id).";
        PASSWORD "THROUGHLINE_OTLP_[SIGNAL_]PASSWORD", Kind::Secret, "none", "Password of basic authentication.";
        PASSWORD_FILE "THROUGHLINE_OTLP_[SIGNAL_]PASSWORD_FILE", Kind::File, "none", "File with that password; read again when it changes.";
        TOKEN "THROUGHLINE_OTLP_[SIGNAL_]TOKEN", Kind::Secret, "none", "With a user its password (Grafana Cloud: the access policy token), alone a bearer token.";
        TOKEN_FILE "THROUGHLINE_OTLP_[SIGNAL_]TOKEN_FILE", Kind::File, "none", "File with that token; read again when it changes.";
        TENANT "THROUGHLINE_OTLP_[SIGNAL_]TENANT", Kind::Text, "none", "The tenant of Mimir, Loki or Tempo: the header `X-Scope-OrgID`, unless the headers have one.";
        COMPRESSION "OTEL_EXPORTER_OTLP_[SIGNAL_]COMPRESSION", Kind::Choice(COMPRESSIONS), "none", "How requests are compressed; zstd needs the feature `zstd`.";
        TIMEOUT "OTEL_EXPORTER_OTLP_[SIGNAL_]TIMEOUT", Kind::Milliseconds, "10000", "The longest time for one attempt to deliver; 0: no limit.";
        BSP_TIMEOUT "OTEL_BSP_EXPORT_TIMEOUT", Kind::Milliseconds, "the timeout of the exporter", "The longest time for one attempt to deliver spans, where it is the shorter of the two; 0: no limit of its own.";
        BLRP_TIMEOUT "OTEL_BLRP_EXPORT_TIMEOUT", Kind::Milliseconds, "the timeout of the exporter", "The same for log records.";
        METRIC_TIMEOUT "OTEL_METRIC_EXPORT_TIMEOUT", Kind::Milliseconds, "30000; for an attempt the timeout of the exporter", "The longest time for the callbacks of one collection; and the same for measurements. 0: no limit of its own for an attempt, 30000 for the callbacks.";
        PROMETHEUS_HOST "OTEL_EXPORTER_PROMETHEUS_HOST", Kind::Text, "localhost", "Where the page for Prometheus is, with `OTEL_METRICS_EXPORTER=prometheus`; in a pod 0.0.0.0.";
        PROMETHEUS_PORT "OTEL_EXPORTER_PROMETHEUS_PORT", Kind::Limit, "9464", "The port of that page, `/metrics`; 0: any that is free. One that is taken fails the start.";
        SCOPE_LABELS "THROUGHLINE_SCRAPE_SCOPE_LABELS", Kind::Boolean, "true", "Every series of that page has the labels `otel_scope_*`.";
        NODE_IP "NODE_IP", Kind::Text, "none", "Address of the node: signals without an endpoint go to its collector on port 4318 (grpc: 4317). One that is not an address fails the start of whatever would go there.";
        QUEUE_BYTES "THROUGHLINE_QUEUE_BYTES", Kind::Count, "16777216", "Bytes of requests that may wait in memory for a destination, of each signal; more are dropped and counted.";
        QUEUE_DIRECTORY "THROUGHLINE_QUEUE_DIRECTORY", Kind::File, "none", "Directory for requests that cannot be sent now; they survive the process.";
        QUEUE_DIRECTORY_BYTES "THROUGHLINE_QUEUE_DIRECTORY_BYTES", Kind::Count, "268435456", "Bytes that the directory may hold.";
        SELF_METRICS "THROUGHLINE_SELF_METRICS", Kind::Boolean, "false", "What becomes of everything is measured too, as `otel.sdk.*`.";
    }
    "log lines", since "0.1" {
        RUST_LOG "RUST_LOG", Kind::Text, "info,opentelemetry=warn", "Which events become log lines and log records; spans are not touched. `off` or a word on `throughline` also silences throughline itself.";
        LOG_FORMAT "THROUGHLINE_LOG_FORMAT", Kind::Choice(LOG_FORMATS), "text", "The form of the log lines.";
        LOG_OUTPUT "THROUGHLINE_LOG_OUTPUT", Kind::Choice(LOG_OUTPUTS), "stdout", "Where the log lines go.";
        LOG_FIELDS "THROUGHLINE_LOG_FIELDS", Kind::Choice(FIELD_PLACES), "nested", "JSON: the fields of an event in an object of their own, or beside the other members.";
        LOG_SPAN_FIELDS "THROUGHLINE_LOG_SPAN_FIELDS", Kind::Choices(SPAN_FIELDS), "lines", "What has the fields of the `tracing` spans around it.";
        LOG_SPANS "THROUGHLINE_LOG_SPANS", Kind::Choices(MOMENTS), "none", "Moments of a `tracing` span that write a line.";
        LOG_SOURCE "THROUGHLINE_LOG_SOURCE", Kind::Boolean, "false", "Log lines have the file and the line of the source.";
        LOG_SERVICE_NAME "THROUGHLINE_LOG_SERVICE_NAME", Kind::Boolean, "false", "Log lines have the name of the service.";
        LOG_PANICS "THROUGHLINE_LOG_PANICS", Kind::Boolean, "false", "A panic is a log line too.";
        LOG_BUFFER "THROUGHLINE_LOG_BUFFER", Kind::Count, "none", "Bytes of log lines that may wait for a thread that writes them; more are dropped and counted. Unset: whoever logs writes.";
        NO_COLOR "NO_COLOR", Kind::Text, "none", "Any value: no colours, also on a terminal.";
    }
    "layers", since "0.1" {
        KNOWN_METHODS "OTEL_INSTRUMENTATION_HTTP_KNOWN_METHODS", Kind::List, "those of RFC 9110, PATCH, QUERY", "Methods that keep their name, written exactly so; all others are `_OTHER`. Replaces the whole list.";
        SERVER_REQUEST_HEADERS "OTEL_INSTRUMENTATION_HTTP_SERVER_CAPTURE_REQUEST_HEADERS", Kind::List, "none", "Headers of requests that arrive which become attributes; of `cookie` and other secrets only the presence.";
        SERVER_RESPONSE_HEADERS "OTEL_INSTRUMENTATION_HTTP_SERVER_CAPTURE_RESPONSE_HEADERS", Kind::List, "none", "The same of their responses.";
        CLIENT_REQUEST_HEADERS "OTEL_INSTRUMENTATION_HTTP_CLIENT_CAPTURE_REQUEST_HEADERS", Kind::List, "none", "The same of requests that leave.";
        CLIENT_RESPONSE_HEADERS "OTEL_INSTRUMENTATION_HTTP_CLIENT_CAPTURE_RESPONSE_HEADERS", Kind::List, "none", "The same of their responses.";
        TRUSTED_PROXIES "THROUGHLINE_TRUSTED_PROXIES", Kind::List, "nobody", "Networks and addresses of the proxies whose forwarding headers are believed; `*` alone: everybody's. One bad member: nobody's.";
        PROXY_HEADERS "THROUGHLINE_PROXY_HEADERS", Kind::Choice(PROXY_HEADER_FAMILIES), "x-forwarded", "The headers that those proxies write, and replace if a caller sends them. A bad value: nobody's are believed.";
        SERVER_SCHEME "THROUGHLINE_SERVER_SCHEME", Kind::Choice(SCHEMES), "http", "`url.scheme` of requests that do not tell: https behind a TLS listener of your own.";
        EXCLUDED_PATHS "THROUGHLINE_EXCLUDED_PATHS", Kind::List, "none", "Paths that are served without span and measurement; `*` at the end: all that begin so.";
        PUBLIC_ENDPOINT "THROUGHLINE_PUBLIC_ENDPOINT", Kind::Boolean, "false", "The callers are strangers: each request starts a trace of its own, linked to the caller's. A bad value: they are.";
        SERVER_TIMING "THROUGHLINE_SERVER_TIMING", Kind::Boolean, "false", "Responses tell the ids of their span in `server-timing`.";
        OMITTED_ATTRIBUTES "THROUGHLINE_OMITTED_ATTRIBUTES", Kind::List, "none", "Attributes that the spans of the layers do not get, by key.";
        SENSITIVE_QUERY_KEYS "THROUGHLINE_SENSITIVE_QUERY_KEYS", Kind::List, "the seven of the conventions", "Keys, written exactly so, whose values in a URL become `REDACTED`. Replaces the whole list.";
        ACTIVE_REQUESTS "THROUGHLINE_ACTIVE_REQUESTS", Kind::Boolean, "false", "`http.server.active_requests` and `http.client.active_requests` are recorded.";
        BODY_SIZES "THROUGHLINE_BODY_SIZES", Kind::Boolean, "false", "The sizes of the bodies are recorded, as measurements and on spans.";
        EXCEPTION_MESSAGES "THROUGHLINE_EXCEPTION_MESSAGES", Kind::Boolean, "true", "The log records of panics and errors have their message. A bad value: they have not.";
        INJECTED_HOSTS "THROUGHLINE_INJECTED_HOSTS", Kind::List, "all", "Hosts that are sent ids and baggage: names, `*.` and a name; with `!` before each all but these. One bad member: none.";
        REQUEST_SPAN "THROUGHLINE_REQUEST_SPAN", Kind::Boolean, "false", "A `tracing` span `request` inside the server's, for code that relies on `Span::current()`.";
        STABILITY "OTEL_SEMCONV_STABILITY_OPT_IN", Kind::Unneeded, "", "Only the current conventions are told.";
        EXCEPTION_SIGNAL "OTEL_SEMCONV_EXCEPTION_SIGNAL_OPT_IN", Kind::Unneeded, "", "Exceptions are log records only.";
    }
    "view", since "0.1" {
        VIEW "THROUGHLINE_VIEW", Kind::Boolean, "false", "`1` or `true`: starts a collector with its view in this process (feature `collector`).";
        COLLECTOR_GRPC "THROUGHLINE_COLLECTOR_GRPC", Kind::Address, "127.0.0.1:4317", "Where that collector takes OTLP/gRPC.";
        COLLECTOR_HTTP "THROUGHLINE_COLLECTOR_HTTP", Kind::Address, "127.0.0.1:4318", "Where that collector takes OTLP/HTTP.";
        COLLECTOR_VIEW "THROUGHLINE_COLLECTOR_VIEW", Kind::Address, "127.0.0.1:4319", "Where its view is.";
        COLLECTOR_BALANCE "THROUGHLINE_COLLECTOR_BALANCE", Kind::List, "none", "Servers as `host:port`, or `dns:host:port` for all addresses of a name, among which `throughline collect` divides what it sends, by trace; in the place of the endpoint's host. One that is no server fails the start.";
    }
    "nowhere", since "0.1" {
        EXPERIMENTAL_CONFIG_FILE "OTEL_EXPERIMENTAL_CONFIG_FILE", Kind::Unsupported, "", "Set OTEL_CONFIG_FILE.";
        ZIPKIN_ENDPOINT "OTEL_EXPORTER_ZIPKIN_ENDPOINT", Kind::Unsupported, "", "Send OTLP to an OpenTelemetry Collector, which writes to Zipkin.";
        ZIPKIN_TIMEOUT "OTEL_EXPORTER_ZIPKIN_TIMEOUT", Kind::Unsupported, "", "Set OTEL_EXPORTER_OTLP_TIMEOUT.";
        ENTITIES "OTEL_ENTITIES", Kind::Unsupported, "", "Set OTEL_RESOURCE_ATTRIBUTES.";
    }
}

impl Variable {
    /// The name of the variable, or of its form for a signal.
    pub fn name_for(&self, signal: Option<Signal>) -> String {
        let word = signal.map_or(String::new(), |signal| signal.name().to_uppercase());
        let optional = if word.is_empty() { String::new() } else { format!("{word}_") };
        self.name.replace("[SIGNAL_]", &optional).replace("{SIGNAL}", &word)
    }
}
