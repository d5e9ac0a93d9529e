//! The one table of keys: what a file may say, and what becomes of it.
//!
//! A section is a mapping. The checks, the messages and the page of keys are made from here; what the keys set is in
//! the other files of this folder.

/// A mapping with known keys.
pub(crate) struct Section {
    /// What the page of keys calls it.
    pub(crate) name: &'static str,
    /// Exactly one of the keys, which says what kind of thing it is.
    pub(crate) one: bool,
    /// In groups, for sections that share some.
    pub(crate) keys: &'static [&'static [Key]],
}

pub(crate) struct Key {
    pub(crate) name: &'static str,
    pub(crate) holds: Holds,
    pub(crate) needed: Needed,
    /// What it does; of what is not supported, the way out.
    pub(crate) meaning: &'static str,
}

/// Whether a key can be left out.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Needed {
    No,
    /// It must be there, though it may hold nothing.
    Written,
    Yes,
}

/// What a key may hold. Nothing (`null`) is the same as to leave the key out, unless it is needed.
#[cfg_attr(not(feature = "collector"), allow(dead_code, reason = "the collector's files have units"))]
#[derive(Clone, Copy)]
pub(crate) enum Holds {
    Text,
    /// At least one text.
    Texts,
    /// Texts, or an empty list.
    AnyTexts,
    Boolean,
    /// A whole number above zero: zero would mean that everything is dropped.
    Count,
    /// A whole number, zero among them.
    Limit,
    /// Milliseconds; zero is no limit.
    Time,
    /// Milliseconds above zero: zero would never rest.
    Pause,
    /// From 0 to 1.
    Ratio,
    /// A whole number from the one to the other.
    Between(i64, i64),
    /// Numbers, or an empty list.
    Numbers,
    Words(&'static [&'static str]),
    /// A value of the type that a key beside it names, or that is looked at elsewhere.
    Value,
    /// A duration with its unit, `1m30s`.
    Span,
    /// The same, above zero.
    Interval,
    /// Bytes, with a unit or without: `1MiB`.
    Size,
    /// Names, each with a text.
    Pairs,
    /// Nothing, or an empty mapping: its name says it all.
    Name,
    Section(&'static Section),
    Sections(&'static Section),
    /// Of the standard, and not there: an error.
    Unsupported,
    /// Of the standard, and without effect here, where nothing is lost by that: a warning.
    Idle,
    /// Meant for other programs that read the same file.
    Foreign,
    /// What drafts of the standard called what is now called so: an error.
    Renamed(&'static str),
}

use Holds::*;
use exporters::{FILE_KEYS, GRPC_KEYS, HTTP_KEYS, METRIC_KEYS, OTLP_KEYS, TLS_KEYS};

pub(crate) const fn key(name: &'static str, holds: Holds, meaning: &'static str) -> Key {
    Key { name, holds, needed: Needed::No, meaning }
}

pub(crate) const fn required(name: &'static str, holds: Holds, meaning: &'static str) -> Key {
    Key { name, holds, needed: Needed::Yes, meaning }
}

pub(crate) const fn written(name: &'static str, holds: Holds, meaning: &'static str) -> Key {
    Key { name, holds, needed: Needed::Written, meaning }
}

pub(crate) const fn renamed(name: &'static str, now: &'static str) -> Key {
    Key { name, holds: Renamed(now), needed: Needed::No, meaning: "" }
}

macro_rules! sections {
    ($($constant:ident $name:literal $one:literal [$($group:expr),*];)*) => {
        $(pub(in crate::config::file) static $constant: Section = Section { name: $name, one: $one, keys: &[$($group),*] };)*
        /// All sections, in the order of the page of keys.
        #[cfg(test)]
        pub(in crate::config::file) static SECTIONS: &[&Section] = &[$(&$constant),*];
    };
}

mod exporters; // of destinations
pub(super) mod pull; // of the page that Prometheus fetches
pub(super) mod views; // of single instruments

sections! {
    FILE "the file" false [&[
        required("file_format", Text, "The version of the schema: `1.0`, `1.1`. Another major version is an error, a newer minor one a warning."),
        key("disabled", Boolean, "Nothing is recorded; incoming context still passes through. Default: false."),
        key("log_level", Words(LEVELS), "How much throughline says about itself, unless `RUST_LOG` names `throughline`. Default: info."),
        key("attribute_limits", Section(&ATTRIBUTE_LIMITS), "Limits of spans and log records that have none of their own."),
        key("resource", Section(&RESOURCE), "Who is speaking."),
        key("propagator", Section(&PROPAGATOR), "Headers in which context is read and sent on. Default: none, which is warned about."),
        key("tracer_provider", Section(&TRACER_PROVIDER), "Spans. Left out: they go nowhere."),
        key("meter_provider", Section(&METER_PROVIDER), "Measurements. Left out: they go nowhere."),
        key("logger_provider", Section(&LOGGER_PROVIDER), "Log records. Left out: there are log lines only."),
        key("instrumentation/development", Section(&INSTRUMENTATION), "What the layers tell."),
        key("distribution", Foreign, "Settings of distributions."),
        renamed("instrumentation", "instrumentation/development"),
    ]];
    ATTRIBUTE_LIMITS "attribute_limits" false [ATTRIBUTE_LIMIT_KEYS];
    RESOURCE "resource" false [&[
        key("attributes", Sections(&ATTRIBUTE), "Attributes, each with its name; they win over those of the list."),
        key("attributes_list", Text, "Attributes as in `OTEL_RESOURCE_ATTRIBUTES`: `key=value,key=value`, percent-encoded."),
        key("schema_url", Text, "The schema URL of the resource. Default: none."),
        key("detection/development", Section(&DETECTION), "What else is looked up. Default: nothing."),
        renamed("detectors", "detection/development"),
    ]];
    ATTRIBUTE "attribute" false [&[
        required("name", Text, "Its key."),
        written("value", Value, "Its value. Nothing: the attribute is left out."),
        key("type", Words(TYPES), "The type of the value. Default: string."),
    ]];
    DETECTION "detection/development" false [&[
        key("detectors", Sections(&DETECTOR), "One of each kind that is wanted."),
        key("attributes", Section(&SELECTION), "Which of their attributes are wanted. Default: all."),
    ]];
    SELECTION "selection" false [&[
        key("included", Texts, "Names to take; `*` stands for any characters, `?` for one. Default: all."),
        key("excluded", Texts, "Names to leave out, also of those that are included."),
    ]];
    DETECTOR "detector" true [&[
        key("service", Name, "`service.name` from `OTEL_SERVICE_NAME`, unless the attributes name it; `service.instance.id` is there in any case."),
        key("process", Name, "`process.*`."),
        key("host", Name, "`host.*` and `os.*`."),
        key("os", Name, "`os.*`."),
        key("container", Name, "`container.id`."),
        key("kubernetes", Name, "`k8s.*`."),
    ]];
    PROPAGATOR "propagator" false [&[
        key("composite", Sections(&FORMAT), "Formats, in their order."),
        key("composite_list", Text, "Formats as in `OTEL_PROPAGATORS`, added to those before."),
    ]];
    FORMAT "format" true [&[
        key("tracecontext", Name, "W3C trace context."),
        key("baggage", Name, "W3C baggage."),
        key("b3", Name, "Zipkin's, in one header."),
        key("b3multi", Name, "Zipkin's, in several."),
        key("jaeger", Name, "Jaeger's."),
        key("xray", Name, "AWS X-Ray's."),
        key("ottrace", Unsupported, "Use tracecontext."),
    ]];
    TRACER_PROVIDER "tracer_provider" false [&[
        required("processors", Sections(&SPAN_PROCESSOR), "One for each destination."),
        key("limits", Section(&SPAN_LIMITS), "What a span may hold."),
        key("sampler", Section(&SAMPLER), "Which traces are recorded. Default: parent_based, always_on for those that begin here."),
        key("id_generator", Section(&ID_GENERATOR), "How ids are made. Default: random."),
        key("tracer_configurator/development", Unsupported, "Set THROUGHLINE_SPAN_FILTER, by the targets of `tracing`."),
    ]];
    ID_GENERATOR "id_generator" true [&[
        key("random", Name, "By chance."),
    ]];
    SPAN_PROCESSOR "processor of spans" true [PROCESSORS];
    BATCH "batch" false [&[
        key("schedule_delay", Pause, "Milliseconds, the longest wait for a batch; the processors of a signal share one. Default: 5000, of log records 1000."),
        key("export_timeout", Time, "Milliseconds for one attempt to deliver, where it is shorter than that of the exporter; 0: no limit of its own. Default: 30000."),
        key("max_queue_size", Count, "What may wait; more is dropped and counted; the processors of a signal share one. Default: 2048."),
        key("max_export_batch_size", Count, "What one request has; the processors of a signal share one. Default: 512."),
        required("exporter", Section(&EXPORTER), "Where to."),
    ]];
    SIMPLE "simple" false [&[
        required("exporter", Section(&EXPORTER), "Where to."),
    ]];
    EXPORTER "exporter" true [&[
        key("otlp_http", Section(&OTLP_HTTP), "OTLP over HTTP."),
        key("otlp_grpc", Section(&OTLP_GRPC), "OTLP over gRPC (feature `grpc`)."),
        key("otlp_file/development", Section(&OTLP_FILE), "OTLP/JSON on stdout."),
        key("console", Name, "A line on stdout for each span or log record."),
    ], FORMER_EXPORTERS];
    OTLP_HTTP "otlp_http" false [OTLP_KEYS, HTTP_KEYS];
    OTLP_GRPC "otlp_grpc" false [OTLP_KEYS, GRPC_KEYS];
    OTLP_FILE "otlp_file/development" false [FILE_KEYS];
    HEADER "header" false [&[
        required("name", Text, "Its name."),
        written("value", Text, "Its value, as it is; never printed. Nothing: the header is left out."),
    ]];
    TLS "tls" false [TLS_KEYS, &[renamed("insecure", "an http:// endpoint")]];
    GRPC_TLS "tls of otlp_grpc" false [TLS_KEYS, &[
        key("insecure", Boolean, "Plain text for an endpoint that is written without a scheme. Default: false."),
    ]];
    SPAN_LIMITS "span limits" false [ATTRIBUTE_LIMIT_KEYS, &[
        key("event_count_limit", Limit, "Events of a span. Default: 128."),
        key("link_count_limit", Limit, "Links of a span. Default: 128."),
        key("event_attribute_count_limit", Limit, "Attributes of an event. Default: 128."),
        key("link_attribute_count_limit", Limit, "Attributes of a link. Default: 128."),
    ]];
    SAMPLER "sampler" true [&[
        key("always_on", Name, "All traces."),
        key("always_off", Name, "None."),
        key("trace_id_ratio_based", Section(&RATIO), "A share of them."),
        key("parent_based", Section(&PARENT_BASED), "As the caller decided."),
        key("jaeger_remote/development", Unsupported, "Use parent_based with a root of trace_id_ratio_based."),
        key("probability/development", Unsupported, "Use trace_id_ratio_based."),
        key("composite/development", Unsupported, "Use parent_based with a root of trace_id_ratio_based."),
        key("always_record", Unsupported, "Use its root: what is not sampled is not recorded."),
        renamed("jaeger_remote", "jaeger_remote/development"),
    ]];
    RATIO "trace_id_ratio_based" false [&[
        key("ratio", Ratio, "The share, from 0 to 1. Default: 1."),
    ]];
    PARENT_BASED "parent_based" false [&[
        key("root", Section(&SAMPLER), "Spans with which a trace begins: always_on, always_off or trace_id_ratio_based, as all of these. Default: always_on."),
        key("remote_parent_sampled", Section(&SAMPLER), "Those below a span of a caller that records it. Default: always_on."),
        key("remote_parent_not_sampled", Section(&SAMPLER), "Those below a span of a caller that does not. Default: always_off."),
        key("local_parent_sampled", Section(&SAMPLER), "Those below a span of this process that is recorded. Default: always_on."),
        key("local_parent_not_sampled", Section(&SAMPLER), "Those below one that is not. Default: always_off."),
    ]];
    METER_PROVIDER "meter_provider" false [&[
        required("readers", Sections(&READER), "One for each destination."),
        key("views", Sections(&views::VIEW), "Instruments that are told otherwise than they ask for."),
        key("exemplar_filter", Words(&["trace_based", "always_on", "always_off"]), "Which measurements may become exemplars. Default: trace_based."),
        key("meter_configurator/development", Unsupported, "Leave it out: all meters are read."),
    ]];
    READER "reader" true [&[
        key("periodic", Section(&PERIODIC), "Measurements are collected and sent at an interval."),
        key("pull", Section(&pull::PULL), "Measurements are fetched; at most one reader."),
    ]];
    PERIODIC "periodic" false [&[
        key("interval", Pause, "Milliseconds between two collections; readers share one. Default: 60000."),
        key("timeout", Time, "Milliseconds for the callbacks of one collection, of which the shortest time of all readers holds; and for one attempt to deliver, where it is shorter than that of the exporter; 0: no limit of its own. Default: 30000."),
        required("exporter", Section(&METRIC_EXPORTER), "Where to."),
        key("max_export_batch_size/development", Idle, "What is too large for a destination is divided when it says so."),
        key("producers", Unsupported, "Leave it out."),
        key("cardinality_limits", Section(&views::CARDINALITY_LIMITS), "How many series an instrument has."),
    ]];
    METRIC_EXPORTER "exporter of measurements" true [&[
        key("otlp_http", Section(&METRICS_HTTP), "OTLP over HTTP."),
        key("otlp_grpc", Section(&METRICS_GRPC), "OTLP over gRPC (feature `grpc`)."),
        key("otlp_file/development", Section(&METRICS_FILE), "OTLP/JSON on stdout."),
        key("console", Section(&METRICS_CONSOLE), "A line on stdout for each measurement."),
    ], FORMER_EXPORTERS];
    METRICS_HTTP "otlp_http of measurements" false [OTLP_KEYS, HTTP_KEYS, METRIC_KEYS];
    METRICS_GRPC "otlp_grpc of measurements" false [OTLP_KEYS, GRPC_KEYS, METRIC_KEYS];
    METRICS_FILE "otlp_file/development of measurements" false [FILE_KEYS, METRIC_KEYS];
    METRICS_CONSOLE "console of measurements" false [METRIC_KEYS];
    LOGGER_PROVIDER "logger_provider" false [&[
        required("processors", Sections(&LOG_PROCESSOR), "One for each destination."),
        key("limits", Section(&ATTRIBUTE_LIMITS), "What a log record may hold."),
        key("logger_configurator/development", Unsupported, "Set RUST_LOG, by the targets of `tracing`."),
    ]];
    LOG_PROCESSOR "processor of log records" true [PROCESSORS, &[
        key("event_to_span_event_bridge/development", Unsupported, "Leave it out: an event is a log record."),
    ]];
    INSTRUMENTATION "instrumentation/development" false [&[
        key("general", Section(&GENERAL), "For all languages."),
        key("rust", Idle, "Nothing is set here; the variables `THROUGHLINE_…` hold."),
        key("cpp", Foreign, ""),
        key("dotnet", Foreign, ""),
        key("erlang", Foreign, ""),
        key("go", Foreign, ""),
        key("java", Foreign, ""),
        key("js", Foreign, ""),
        key("php", Foreign, ""),
        key("python", Foreign, ""),
        key("ruby", Foreign, ""),
        key("swift", Foreign, ""),
    ]];
    GENERAL "general" false [&[
        key("http", Section(&HTTP), "The layers of servers and clients."),
        key("sanitization", Section(&SANITIZATION), "What must not be stored."),
        key("stability_opt_in_list", Idle, "Only the current conventions are told."),
        key("code", Foreign, ""),
        key("db", Foreign, ""),
        key("gen_ai", Foreign, ""),
        key("messaging", Foreign, ""),
        key("rpc", Foreign, ""),
    ]];
    HTTP "http" false [&[
        key("server", Section(&SIDE), "Requests that arrive."),
        key("client", Section(&SIDE), "Requests that leave."),
        key("semconv", Idle, "Only the current conventions are told."),
    ]];
    SIDE "server, client" false [&[
        key("request_captured_headers", Texts, "Headers of requests that become attributes; of `cookie` and other secrets only the presence. Default: none."),
        key("response_captured_headers", Texts, "The same of responses."),
        key("known_methods", AnyTexts, "Methods that keep their name, written exactly so. Default: those of RFC 9110, PATCH, QUERY."),
    ]];
    SANITIZATION "sanitization" false [&[
        key("url", Section(&URL), "What of a URL."),
    ]];
    URL "url" false [&[
        key("sensitive_query_parameters", AnyTexts, "Keys, written exactly so, whose values become `REDACTED`; an empty list: none. Default: the seven of the conventions."),
    ]];
}

const ATTRIBUTE_LIMIT_KEYS: &[Key] = &[
    key("attribute_count_limit", Limit, "Attributes; more are dropped and counted. Default: 128."),
    key(
        "attribute_value_length_limit",
        Limit,
        "Characters of a text; longer ones are cut. Default: no limit.",
    ),
    key("attribute_value_depth_limit", Idle, "Values are told as deep as they are."),
];

const PROCESSORS: &[Key] = &[
    key("batch", Section(&BATCH), "They are sent in batches."),
    key("simple", Section(&SIMPLE), "Each is sent at once, unless a batch beside it holds for both."),
];

const FORMER_EXPORTERS: &[Key] = &[
    key("zipkin", Unsupported, "Send OTLP to an OpenTelemetry Collector, which writes to Zipkin."),
    key("prometheus/development", Unsupported, "Write it in a reader pull of meter_provider."),
    renamed("otlp", "otlp_http or otlp_grpc"),
    renamed("otlp_file", "otlp_file/development"),
];

/// The severities of the standard; ours have no steps between.
const LEVELS: &[&str] = &[
    "trace", "trace2", "trace3", "trace4", "debug", "debug2", "debug3", "debug4", "info", "info2", "info3",
    "info4", "warn", "warn2", "warn3", "warn4", "error", "error2", "error3", "error4", "fatal", "fatal2",
    "fatal3", "fatal4",
];

const TYPES: &[&str] =
    &["string", "bool", "int", "double", "string_array", "bool_array", "int_array", "double_array"];

impl Section {
    pub(crate) fn key(&self, name: &str) -> Option<&'static Key> {
        self.all().find(|key| key.name == name)
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = &'static Key> + use<> {
        self.keys.iter().flat_map(|group| group.iter())
    }
}
