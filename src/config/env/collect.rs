//! The variables of `throughline collect` alone: each is one of its options.

use super::table::{Kind, Variable};

const KEYS: &[&str] = &["trace", "service", "resource"];
const ACKNOWLEDGE: &[&str] = &["queued", "disk", "delivered"];
const VERBOSITIES: &[&str] = &["basic", "normal", "detailed"];

const fn row(name: &'static str, kind: Kind, default: &'static str, meaning: &'static str) -> Variable {
    Variable { name, kind, default, meaning, acts: "collect", since: "0.1" }
}

/// What `throughline collect` reads besides, in the order of its options.
#[rustfmt::skip]
pub const COLLECT: &[Variable] = &[
    row("THROUGHLINE_COLLECTOR_HEALTH", Kind::Address, "off", "Where `GET /` is answered with 200 while telemetry is taken, for probes."),
    row("THROUGHLINE_COLLECTOR_PROMETHEUS", Kind::Address, "off", "Where Prometheus fetches the measurements of all services, at /metrics."),
    row("THROUGHLINE_COLLECTOR_METRIC_EXPIRATION", Kind::Count, "300", "How old the newest point of a series may be on that page, in seconds."),
    row("THROUGHLINE_COLLECTOR_BALANCE_BY", Kind::Choice(KEYS), "trace", "What goes to one of them, if there are several."),
    row("THROUGHLINE_COLLECTOR_ACKNOWLEDGE", Kind::Choice(ACKNOWLEDGE), "queued", "When a request is acknowledged."),
    row("THROUGHLINE_COLLECTOR_DEBUG", Kind::Choice(VERBOSITIES), "nothing", "Shows everything that is taken on stdout: counts, a line for each item, or all that they hold."),
    row("THROUGHLINE_COLLECTOR_FILE", Kind::File, "none", "Writes everything that is taken to this file, as OTLP in JSON, one request a line."),
    row("THROUGHLINE_COLLECTOR_FILE_BYTES", Kind::Count, "104857600", "How large that file may become, in bytes; then the next one begins."),
    row("THROUGHLINE_COLLECTOR_FILE_COUNT", Kind::Count, "5", "How many such files there are at most; the newest stay."),
    row("THROUGHLINE_COLLECTOR_KEEP", Kind::File, "none", "Keeps what the view shows in this directory too, so that it is there after the next start."),
    row("THROUGHLINE_COLLECTOR_KEEP_BYTES", Kind::Count, "268435456", "Bytes of what is kept in that directory; of more, the newest."),
    row("THROUGHLINE_COLLECTOR_TLS_CERTIFICATE", Kind::File, "none", "The collector's certificate in PEM, with those between it and its root behind it: OTLP is taken over TLS only."),
    row("THROUGHLINE_COLLECTOR_TLS_KEY", Kind::File, "none", "The private key of the certificate in PEM."),
    row("THROUGHLINE_COLLECTOR_TLS_CLIENT_AUTHORITY", Kind::File, "none", "The authorities in PEM that vouch for clients: without a certificate of theirs nobody connects."),
    row("THROUGHLINE_COLLECTOR_TOKEN", Kind::List, "none", "A file with a token; who shows it may send, others may not. May be given several times."),
    row("THROUGHLINE_COLLECTOR_USER", Kind::List, "none", "A user and the file with the password, as for a token. May be given several times."),
    row("THROUGHLINE_COLLECTOR_CORS_ORIGIN", Kind::List, "none", "The pages of an origin such as https://shop.example may send; * stands for any characters. May be given several times."),
    row("THROUGHLINE_COLLECTOR_CORS_HEADER", Kind::List, "content-type", "A header that requests of such pages may have, or * for any. May be given several times."),
    row("THROUGHLINE_COLLECTOR_CORS_MAX_AGE", Kind::Limit, "7200", "How long browsers remember that, in seconds."),
    row("THROUGHLINE_COLLECTOR_MAX_REQUESTS", Kind::Count, "1024", "How many requests are taken at a time, over all connections; more are told to come again."),
    row("THROUGHLINE_COLLECTOR_DROP_AFTER", Kind::Text, "10", "How long a destination may be full until it holds up the others no more, in seconds, or never; what comes for it then is dropped and counted."),
    row("THROUGHLINE_COLLECTOR_BATCH_ITEMS", Kind::Count, "8192", "Spans, data points or log records of one request to a destination."),
    row("THROUGHLINE_COLLECTOR_BATCH_BYTES", Kind::Count, "4128768", "Bytes of one request to a destination, before compression."),
    row("THROUGHLINE_COLLECTOR_BATCH_DELAY", Kind::Milliseconds, "200", "How long a request waits for others that go with it, in milliseconds."),
    row("THROUGHLINE_COLLECTOR_STORE_BYTES", Kind::Limit, "67108864, or 0 without both", "Bytes that are kept for the view and for Prometheus."),
    row("THROUGHLINE_COLLECTOR_STORE_TRACES", Kind::Count, "10000", "Traces that are kept."),
    row("THROUGHLINE_COLLECTOR_MAX_MEMORY", Kind::Count, "no such bound", "Bytes of request bodies in memory, beyond which what comes is told to come again."),
    row("THROUGHLINE_COLLECTOR_MAX_REQUEST_BYTES", Kind::Count, "67108864", "The largest request, in bytes, before and after decompression."),
    row("THROUGHLINE_COLLECTOR_REQUEST_TIMEOUT", Kind::Count, "30", "How long a client may take to send a request, and to read its answer, in seconds."),
    row("THROUGHLINE_COLLECTOR_STOP_LIMIT", Kind::Limit, "25", "How long the end may take, in seconds."),
];
