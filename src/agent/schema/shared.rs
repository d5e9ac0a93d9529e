//! Keys that several components have: servers, clients, their TLS, their queues.

use super::{
    Holds::{Boolean, Interval, Limit, Pairs, Section as Part, Text, Words},
    Key, Section, idle, missing, section,
};
use crate::config::file::schema::{key, required};

pub(in crate::agent) const SERVER_KEYS: &[Key] = &[
    key("tls", Part(&SERVER_TLS), "Encryption. Default: none."),
    key("auth", Part(&AUTH), "Who may send. Default: everybody."),
    idle("include_metadata", "Processors know the headers that they ask for."),
    idle("keepalive", "A connection without a request is closed after 30 s."),
    idle("read_buffer_size", "Buffers grow as they are needed."),
    idle("write_buffer_size", "Buffers grow as they are needed."),
    missing("middlewares", "Leave it out."),
];

pub(in crate::agent) static SERVER_TLS: Section = section(
    "tls of a server",
    &[
        &[
            required(
                "cert_file",
                Text,
                "PEM file with the certificate, and those between it and its root behind it.",
            ),
            required("key_file", Text, "PEM file with its key."),
            key(
                "client_ca_file",
                Text,
                "PEM file with authorities: without a certificate of theirs nobody connects.",
            ),
            idle("client_ca_file_reload", "Files are read again when they change."),
        ],
        TLS_KEYS,
    ],
);

pub(in crate::agent) static CLIENT_TLS: Section = section(
    "tls of a client",
    &[
        &[
            key(
                "insecure",
                Boolean,
                "Plain text, for an endpoint that is written without a scheme. Default: false.",
            ),
            key("ca_file", Text, "PEM file with the authorities that are trusted instead of the system's."),
            key("cert_file", Text, "PEM file with the certificate by which the collector is known."),
            key("key_file", Text, "PEM file with the key of that certificate."),
            missing("insecure_skip_verify", "Name the authority of the server in ca_file."),
            missing("server_name_override", "Write the name that the certificate has into the endpoint."),
        ],
        TLS_KEYS,
    ],
);

const TLS_KEYS: &[Key] = &[
    key("min_version", Words(&["1.2"]), "Default: 1.2; 1.3 is spoken with whoever speaks it."),
    idle("reload_interval", "Files are read again when they change."),
    missing("max_version", "Leave it out: 1.3 is the last one."),
    missing("ca_pem", "Write it into a file."),
    missing("cert_pem", "Write it into a file."),
    missing("key_pem", "Write it into a file."),
    missing("include_system_ca_certs_pool", "Write all authorities into one file."),
    missing("cipher_suites", "Leave it out."),
    missing("include_insecure_cipher_suites", "Leave it out."),
    missing("curve_preferences", "Leave it out."),
    missing("tpm", "Write the key into a file."),
];

pub(in crate::agent) static AUTH: Section = section(
    "auth",
    &[&[
        required("authenticator", Text, "An extension, by its name."),
        missing("request_params", "Send credentials as a header."),
    ]],
);

pub(in crate::agent) const CLIENT_KEYS: &[Key] = &[
    key("tls", Part(&CLIENT_TLS), "Whom to trust, and who one is."),
    key("headers", Pairs, "Headers of each request; their values are never printed."),
    key("auth", Part(&AUTH), "Who sends. A header `authorization` wins."),
    key("compression", Words(&["none", "gzip", "zstd"]), "zstd needs the feature `zstd`. Default: gzip."),
    key("sending_queue", Part(&QUEUE), "What waits."),
    key("retry_on_failure", Part(&RETRY), "What is sent again."),
    idle("compression_params", "Compression has the level that is right for telemetry."),
    idle("read_buffer_size", "Buffers grow as they are needed."),
    idle("write_buffer_size", "Buffers grow as they are needed."),
    missing("middlewares", "Leave it out."),
];

pub(in crate::agent) static QUEUE: Section = section(
    "sending_queue",
    &[&[
        key(
            "enabled",
            Boolean,
            "false: what sends here is answered when it is delivered, by all exporters. Default: true.",
        ),
        key("wait_for_result", Boolean, "true: as `enabled: false`. Default: false."),
        key("sizer", Words(&["requests", "items", "bytes"]), "What queue_size counts. Default: requests."),
        key(
            "queue_size",
            Limit,
            "With `sizer: bytes`: how many may wait in memory, of each signal. Else ignored, with a warning: requests differ too much. Default: 64 MiB.",
        ),
        key(
            "storage",
            Text,
            "The extension `file_storage` in whose directory waits what cannot be sent now. Default: it waits in memory.",
        ),
        key("batch", Part(&QUEUE_BATCH), "How much is sent as one request; wins over the processor `batch`."),
        idle("num_consumers", "One request of each signal is under way at a time."),
        idle("block_on_overflow", "While a queue is full, whoever sends is told to come again."),
    ]],
);

pub(in crate::agent) static QUEUE_BATCH: Section = section(
    "batch of a queue",
    &[&[
        key("flush_timeout", Interval, "The longest wait for others. Default: 200ms."),
        key("sizer", Words(&["items", "bytes"]), "What the sizes count. Default: items."),
        key("min_size", Limit, "With so many waiting they are sent. Default: 8192."),
        key(
            "max_size",
            Limit,
            "More are not sent as one request; a larger request goes alone. Default: none.",
        ),
        missing("partition", "Leave it out."),
    ]],
);

pub(in crate::agent) static RETRY: Section = section(
    "retry_on_failure",
    &[&[
        idle("enabled", "A request is sent again until it is delivered or refused for good."),
        idle("initial_interval", "The first pause is 250 ms."),
        idle("max_interval", "The longest pause is 10 s, or what the server asks for, up to 5 min."),
        idle("multiplier", "Pauses double."),
        idle("randomization_factor", "Up to a quarter is added by chance."),
        idle("max_elapsed_time", "A request waits for as long as there is room."),
    ]],
);
