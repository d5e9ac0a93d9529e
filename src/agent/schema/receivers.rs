//! What takes telemetry.

use super::{
    ALL,
    Holds::{Count, Limit, Section as Part, Text, Texts, Words},
    Key, Kind, Section, file_log, idle, missing, section,
    shared::SERVER_KEYS,
};
use crate::{
    config::file::schema::{key, required},
    sender::Signal,
};

pub(in crate::agent) static KINDS: &[&Kind] = &[&FILE_LOG, &OTLP];

static FILE_LOG: Kind = Kind {
    name: "file_log",
    former: &["filelog"],
    signals: &[Signal::Logs],
    section: &file_log::FILE_LOG,
    meaning: "Reads log files.",
};

static OTLP: Kind = Kind {
    name: "otlp",
    former: &[],
    signals: ALL,
    section: &OTLP_SECTION,
    meaning: "OTLP over gRPC and HTTP, each of them on either port.",
};

static OTLP_SECTION: Section =
    section("otlp", &[&[required("protocols", Part(&PROTOCOLS), "At least one of them.")]]);

static PROTOCOLS: Section = section(
    "protocols",
    &[&[
        key("grpc", Part(&GRPC), "Written without anything behind it: the default."),
        key("http", Part(&HTTP), "The same."),
    ]],
);

static GRPC: Section = section(
    "grpc of otlp",
    &[
        &[
            key("endpoint", Text, GRPC_ENDPOINT),
            key("transport", Words(&["tcp"]), "Default: tcp."),
            key("max_recv_msg_size_mib", Count, "The largest request, in MiB. Default: 64."),
            idle("max_concurrent_streams", "1,024 requests are taken at a time, over all connections."),
            missing("dialer", "Leave it out."),
        ],
        SERVER_KEYS,
    ],
);

const GRPC_ENDPOINT: &str =
    "Address and port, or a port behind a colon for all addresses. Default: localhost:4317.";

static HTTP: Section = section("http of otlp", &[&HTTP_KEYS, SERVER_KEYS]);

const HTTP_KEYS: [Key; 15] = [
    key(
        "endpoint",
        Text,
        "Address and port, or a port behind a colon for all addresses. Default: localhost:4318.",
    ),
    key("transport", Words(&["tcp"]), "Default: tcp."),
    key("cors", Part(&CORS), "Which pages of other sites may send. Default: none."),
    key("max_request_body_size", Count, "The largest request, in bytes. Default: 64 MiB."),
    idle("compression_algorithms", "What is known is taken: gzip, deflate, and zstd by the feature `zstd`."),
    idle("read_timeout", "A client may take 30 s for the headers of a request, and again for its body."),
    idle("read_header_timeout", "A client may take 30 s for the headers of a request."),
    idle("write_timeout", "A client may take 30 s to read the answer."),
    idle("idle_timeout", "A connection may be without a request for 30 s."),
    idle("keep_alives_enabled", "Connections are kept."),
    missing("response_headers", "Leave it out."),
    missing("traces_url_path", "Send to /v1/traces."),
    missing("metrics_url_path", "Send to /v1/metrics."),
    missing("logs_url_path", "Send to /v1/logs."),
    missing("dialer", "Leave it out."),
];

static CORS: Section = section(
    "cors",
    &[&[
        key(
            "allowed_origins",
            Texts,
            "Origins such as `https://shop.example`; `*` stands for any characters.",
        ),
        key(
            "allowed_headers",
            Texts,
            "Headers that such requests may have; `*`: any. Default: content-type.",
        ),
        key("max_age", Limit, "How long a browser remembers the answer, in seconds. Default: 7200."),
        idle("exposed_headers", "Answers have none that pages need."),
    ]],
);
