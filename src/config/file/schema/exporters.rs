//! What a file says of a destination, whichever signal goes there.

use super::{Holds::*, Key, key, renamed};

pub(super) const OTLP_KEYS: &[Key] = &[
    key(
        "endpoint",
        Text,
        "The URL as it is. Default: `http://localhost:4318/v1/<signal>`; gRPC: `http://localhost:4317`.",
    ),
    key("headers", Sections(&super::HEADER), "Headers of each request; they win over those of the list."),
    key(
        "headers_list",
        Text,
        "Headers as in `OTEL_EXPORTER_OTLP_HEADERS`: `key=value,key=value`, percent-encoded.",
    ),
    key(
        "compression",
        Words(&["none", "gzip", "zstd"]),
        "How requests are compressed; zstd needs the feature `zstd`. Default: none.",
    ),
    key("timeout", Time, "Milliseconds for one attempt to deliver; 0: no limit. Default: 10000."),
    key("max_request_size", Idle, "Requests of up to 64 MiB are sent, and divided where they are too large."),
    key("max_response_size", Idle, "Responses of up to 4 MiB are read."),
    renamed("protocol", "otlp_http or otlp_grpc"),
    renamed("insecure", "tls.insecure"),
    renamed("certificate", "tls.ca_file"),
    renamed("client_certificate", "tls.cert_file"),
    renamed("client_key", "tls.key_file"),
    renamed("certificate_file", "tls.ca_file"),
    renamed("client_certificate_file", "tls.cert_file"),
    renamed("client_key_file", "tls.key_file"),
];

pub(super) const HTTP_KEYS: &[Key] = &[
    key("encoding", Words(&["protobuf", "json"]), "Default: protobuf."),
    key("tls", Section(&super::TLS), "For https."),
];

pub(super) const GRPC_KEYS: &[Key] = &[key("tls", Section(&super::GRPC_TLS), "For https.")];

pub(super) const TLS_KEYS: &[Key] = &[
    key("ca_file", Text, "PEM file with the authorities that are trusted instead of the system's."),
    key("cert_file", Text, "PEM file with the certificate by which the service is known."),
    key("key_file", Text, "PEM file with the key of that certificate."),
];

pub(super) const FILE_KEYS: &[Key] = &[key("output_stream", Words(&["stdout"]), "Default: stdout.")];

pub(super) const METRIC_KEYS: &[Key] = &[
    key(
        "temporality_preference",
        Words(&["cumulative", "delta", "low_memory"]),
        "What a measurement tells; readers share one. Default: cumulative.",
    ),
    key(
        "default_histogram_aggregation",
        Words(&["explicit_bucket_histogram", "base2_exponential_bucket_histogram"]),
        "How histograms are made; readers share one. Default: explicit_bucket_histogram.",
    ),
];
