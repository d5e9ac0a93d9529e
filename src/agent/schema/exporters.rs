//! What sends telemetry on, or shows it.

use super::{
    ALL,
    Holds::{Boolean, Count, Interval, Limit, Section as Part, Span, Text, Texts, Words},
    Key, Kind, Section, idle, missing, section,
    shared::CLIENT_KEYS,
};
use crate::{
    config::file::schema::{key, required, written},
    sender::Signal,
};

pub(in crate::agent) static KINDS: &[&Kind] =
    &[&DEBUG, &FILE, &LOADBALANCING, &LOKI, &NOP, &OTLP_GRPC, &OTLP_HTTP, &PROMETHEUS];

static OTLP_GRPC: Kind = Kind {
    name: "otlp_grpc",
    former: &["otlp"],
    signals: ALL,
    section: &OTLP_GRPC_SECTION,
    meaning: "OTLP over gRPC.",
};

static OTLP_GRPC_SECTION: Section = section(
    "otlp_grpc",
    &[
        &[
            required(
                "endpoint",
                Text,
                "Host and port; with `http://` or `https://` in front, that decides about encryption.",
            ),
            key("timeout", Span, "For one attempt to deliver; 0: no limit. Default: 5s."),
            idle("keepalive", "A broken connection is made anew."),
            idle("balancer_name", "There is one connection."),
            idle("wait_for_ready", "What cannot be sent now waits."),
            idle("user_agent", "The collector says who it is."),
            missing("authority", "Write the name into the endpoint."),
        ],
        CLIENT_KEYS,
    ],
);

static OTLP_HTTP: Kind = Kind {
    name: "otlp_http",
    former: &["otlphttp"],
    signals: ALL,
    section: &OTLP_HTTP_SECTION,
    meaning: "OTLP over HTTP.",
};

static OTLP_HTTP_SECTION: Section = section("otlp_http", &[&OTLP_HTTP_KEYS, CLIENT_KEYS]);

const OTLP_HTTP_KEYS: [Key; 17] = [
    key("endpoint", Text, "The URL before `/v1/traces`, `/v1/metrics`, `/v1/logs`."),
    key("traces_endpoint", Text, "The whole URL for spans, instead."),
    key("metrics_endpoint", Text, "The whole URL for measurements, instead."),
    key("logs_endpoint", Text, "The whole URL for log records, instead."),
    idle("profiles_endpoint", "There are no profiles."),
    key("encoding", Words(&["proto", "json"]), "Default: proto."),
    key("timeout", Span, "For one attempt to deliver; 0: no limit. Default: 30s."),
    idle("max_idle_conns", "There is one connection for each signal."),
    idle("max_idle_conns_per_host", "There is one connection for each signal."),
    idle("max_conns_per_host", "There is one connection for each signal."),
    idle("idle_conn_timeout", "A connection that was closed is made anew."),
    idle("disable_keep_alives", "Connections are kept."),
    idle("http2_read_idle_timeout", "A broken connection is made anew."),
    idle("http2_ping_timeout", "A broken connection is made anew."),
    idle("force_attempt_http2", "What the server offers is spoken."),
    missing("cookies", "Leave it out."),
    missing("proxy_url", "Send to the proxy's own OTLP address, or leave it out."),
];

static DEBUG: Kind = Kind {
    name: "debug",
    former: &["logging"],
    signals: ALL,
    section: &DEBUG_SECTION,
    meaning: "Writes what comes to stdout.",
};

static DEBUG_SECTION: Section = section(
    "debug",
    &[&[
        key(
            "verbosity",
            Words(&["basic", "normal", "detailed"]),
            "Counts, a line for each item, or all that they hold. Default: basic.",
        ),
        key(
            "sampling_initial",
            Limit,
            "How many requests of each signal are written first in every second. Default: 2.",
        ),
        key(
            "sampling_thereafter",
            Limit,
            "Behind those, every request with this number; 0: none. Default: 1.",
        ),
        idle("use_internal_logger", "It is written to stdout as it is."),
        idle("output_paths", "It is written to stdout."),
        idle("sending_queue", "Nobody waits for it."),
        idle("loglevel", "Write verbosity."),
    ]],
);

static FILE: Kind = Kind {
    name: "file",
    former: &[],
    signals: ALL,
    section: &FILE_SECTION,
    meaning: "Writes what comes to a file, as OTLP in JSON, one request a line. A file that is there goes on.",
};

static FILE_SECTION: Section = section(
    "file",
    &[&[
        required("path", Text, "The file. Its directory has to be there."),
        key("rotation", Part(&ROTATION), "Begins a new file now and then. Default: never."),
        key(
            "flush_interval",
            Interval,
            "How long what was taken may wait until it is in the file. Default: 1s.",
        ),
        key("format", Words(&["json"]), "Default: json."),
        key(
            "append",
            Boolean,
            "A file that is there goes on in any case; false says that it should not, and is warned about.",
        ),
        missing("compression", "Leave it out."),
        missing("create_directory", "Make the directory."),
        missing("directory_permissions", "Make the directory."),
        missing("encoding", "Leave it out: it is JSON."),
        missing("group_by", "Write one exporter for each file."),
    ]],
);

pub(in crate::agent) static ROTATION: Section = section(
    "rotation",
    &[&[
        key("max_megabytes", Count, "How large the file may become, in MiB. Default: 100."),
        key("max_backups", Limit, "How many older ones are kept; 0: all. Default: 100."),
        idle("max_days", "Files leave by their number."),
        idle("localtime", "Files are numbered."),
    ]],
);

static PROMETHEUS: Kind = Kind {
    name: "prometheus",
    former: &[],
    signals: &[Signal::Metrics],
    section: &PROMETHEUS_SECTION,
    meaning: "A page for Prometheus at `/metrics`, with the newest point of each series that is kept, from whichever pipeline; job and instance are labels. There can be one.",
};

static PROMETHEUS_SECTION: Section = section(
    "prometheus",
    &[&[
        required("endpoint", Text, "Address and port, or a port behind a colon for all addresses."),
        key("metric_expiration", Interval, "How old the newest point of a series may be. Default: 5m."),
        idle("enable_open_metrics", "Who asks for OpenMetrics gets it."),
        idle("send_timestamps", "Points have the time at which Prometheus asks."),
        idle("add_metric_suffixes", "Names are made as Prometheus makes them."),
        key("translation_strategy", Words(&["UnderscoreEscapingWithSuffixes"]), "Default: this one."),
        missing("namespace", "Leave it out."),
        missing("const_labels", "Use the processor resource."),
        missing("resource_constant_labels", "Attributes of resources are in target_info."),
        missing("resource_to_telemetry_conversion", "Attributes of resources are in target_info."),
        missing("tls", "Leave it out, or put a proxy in front."),
        missing("auth", "Put a proxy in front."),
    ]],
);

static NOP: Kind = Kind {
    name: "nop",
    former: &[],
    signals: ALL,
    section: &NOP_SECTION,
    meaning: "Lets everything go. What comes is still kept for the view.",
};

static NOP_SECTION: Section = section("nop", &[&[]]);

static LOKI: Kind = Kind {
    name: "loki",
    former: &[],
    signals: &[Signal::Logs],
    section: &LOKI_SECTION,
    meaning: "Loki's push API, with labels by the hints `loki.*`. Loki 3 takes OTLP too: `otlp_http` with an endpoint that ends in `/otlp`.",
};

static LOKI_SECTION: Section = section(
    "loki",
    &[
        &[
            required("endpoint", Text, "The whole URL: `http://loki:3100/loki/api/v1/push`."),
            key("timeout", Span, "For one attempt to deliver; 0: no limit. Default: 30s."),
            key("default_labels_enabled", Part(&LABELS), "Labels that every stream has."),
            key(
                "structured_metadata",
                Boolean,
                "Whether ids of traces and spans are structured metadata, which Loki before 3 refuses; only here. Default: true.",
            ),
        ],
        CLIENT_KEYS,
    ],
);

pub(in crate::agent) static LABELS: Section = section(
    "default_labels_enabled",
    &[&[
        key("exporter", Boolean, "`OTLP`. Default: true."),
        key("job", Boolean, "The service. Default: true."),
        key("instance", Boolean, "`service.instance.id`. Default: true."),
        key("level", Boolean, "The severity. Default: true."),
    ]],
);

static LOADBALANCING: Kind = Kind {
    name: "loadbalancing",
    former: &["load_balancing"],
    signals: ALL,
    section: &LOADBALANCING_SECTION,
    meaning: "OTLP over gRPC to one of several servers: what belongs together goes to the same one.",
};

static LOADBALANCING_SECTION: Section = section(
    "loadbalancing",
    &[&[
        key(
            "routing_key",
            Words(&["traceID", "service", "resource"]),
            "What belongs together. Default: traceID; measurements by their service.",
        ),
        required("resolver", Part(&RESOLVER), "Who they are."),
        required("protocol", Part(&PROTOCOL), "How they are spoken to."),
        key("sending_queue", Part(&super::shared::QUEUE), "What waits."),
        key("retry_on_failure", Part(&super::shared::RETRY), "What is sent again."),
        idle("timeout", "Write it below protocol."),
    ]],
);

pub(in crate::agent) static RESOLVER: Section = section(
    "resolver",
    &[&[
        key("static", Part(&STATIC), "These."),
        key("dns", Part(&DNS), "All addresses of a name, asked for again and again."),
        missing("k8s", "Use dns with the name of a headless service."),
        missing("aws_cloud_map", "Use dns."),
    ]],
);

static STATIC: Section =
    section("static", &[&[required("hostnames", Texts, "Each `host:port`, or `host` for port 4317.")]]);

static DNS: Section = section(
    "dns",
    &[&[
        required("hostname", Text, "The name."),
        key("port", Text, "Default: 4317."),
        idle("interval", "A name is asked for again in good time."),
        idle("timeout", "A name is asked for again in good time."),
    ]],
);

static PROTOCOL: Section = section("protocol", &[&[written("otlp", Part(&BALANCED), "OTLP over gRPC.")]]);

static BALANCED: Section = section(
    "otlp of loadbalancing",
    &[
        &[
            key("timeout", Span, "For one attempt to deliver; 0: no limit. Default: 5s."),
            idle("endpoint", "The resolver says where."),
        ],
        CLIENT_KEYS,
    ],
);
