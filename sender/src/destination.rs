//! Where telemetry goes: over the network, or into a collector in the same program.

use crate::{Balance, Credentials, Dialect, Tls};
use bytes::Bytes;
use http::{HeaderMap, Uri};
use std::{fmt, net::IpAddr, sync::Arc, time::Duration};

/// One kind of telemetry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Signal {
    /// Spans.
    Traces,
    /// Measurements.
    Metrics,
    /// Log records.
    Logs,
}

impl Signal {
    /// The three signals, in the order in which they are always listed.
    pub const ALL: [Signal; 3] = [Signal::Traces, Signal::Metrics, Signal::Logs];

    /// The name in URLs, in the documentation and in messages: `traces`, `metrics`, `logs`.
    pub fn name(self) -> &'static str {
        match self {
            Signal::Traces => "traces",
            Signal::Metrics => "metrics",
            Signal::Logs => "logs",
        }
    }

    /// What one request of the signal holds many of: `spans`, `data points`, `log records`.
    pub fn items(self) -> &'static str {
        match self {
            Signal::Traces => "spans",
            Signal::Metrics => "data points",
            Signal::Logs => "log records",
        }
    }

    /// The path of OTLP/HTTP below a base URL: `v1/traces`, `v1/metrics`, `v1/logs`.
    pub fn http_path(self) -> &'static str {
        match self {
            Signal::Traces => "v1/traces",
            Signal::Metrics => "v1/metrics",
            Signal::Logs => "v1/logs",
        }
    }

    /// The path of the OTLP/gRPC method that takes the signal.
    pub fn grpc_path(self) -> &'static str {
        match self {
            Signal::Traces => "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
            Signal::Metrics => "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export",
            Signal::Logs => "/opentelemetry.proto.collector.logs.v1.LogsService/Export",
        }
    }
}

/// Where the requests of one signal go.
#[allow(clippy::large_enum_variant, reason = "a program has a handful of them")]
#[derive(Clone, Debug)]
pub enum Destination {
    /// A server that speaks OTLP.
    Remote(Remote),
    /// Something in this program that takes requests, reached without a socket.
    Local(Inlet),
    /// Several servers that speak OTLP, each for a part of it.
    Balanced(Balance),
}

impl fmt::Display for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Destination::Remote(remote) => remote.fmt(f),
            Destination::Local(inlet) => f.write_str(&inlet.name),
            Destination::Balanced(balance) => balance.fmt(f),
        }
    }
}

/// A server that speaks OTLP. Neither `Display` nor `Debug` shows user, password, query or header values.
#[derive(Clone)]
pub struct Remote {
    /// The encoding and transport of the requests.
    pub protocol: Protocol,
    /// `http/protobuf` and `http/json`: the complete URL. `grpc`: scheme, host and port; a path is ignored (O-005).
    pub url: Uri,
    /// Sent with each request. [`Remote::header`] marks values as sensitive, which keeps them out of `Debug`.
    pub headers: HeaderMap,
    /// Who sends, as the `Authorization` header; one among the headers wins. Default: nobody says so.
    pub credentials: Option<Credentials>,
    /// Whom to trust and who we are, for `https`. Default: the system's roots, no certificate of our own.
    pub tls: Tls,
    /// How requests are compressed. Default: [`Compression::None`].
    pub compression: Compression,
    /// The longest time for one attempt to deliver a request; zero: no limit. Default: 10 s. Not for all retries
    /// together, as OTLP has it: a request that may be repeated stays in its queue.
    pub timeout: Duration,
    /// Where the host of the URL is, for who knows it; the port is that of the URL. Default: DNS says.
    pub address: Option<IpAddr>,
    /// What to do if the server cannot be reached: said after the cause. Default: nothing.
    pub advice: String,
    /// How it is spoken to, if it does not take OTLP; over HTTP. Default: as the protocol says.
    pub dialect: Option<Dialect>,
}

/// How long one attempt may take unless told otherwise: the number of the standard (O-014).
pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(10);

impl Remote {
    /// A server without headers, without compression and with the default timeout.
    pub fn new(protocol: Protocol, url: Uri) -> Self {
        Remote {
            protocol,
            url,
            headers: HeaderMap::new(),
            credentials: None,
            tls: Tls::default(),
            compression: Compression::None,
            timeout: DEFAULT_TIMEOUT,
            address: None,
            advice: String::new(),
            dialect: None,
        }
    }

    /// Adds a header, replacing an earlier one of the same name. Its value never appears in `Debug` output.
    pub fn header(mut self, name: http::HeaderName, mut value: http::HeaderValue) -> Self {
        value.set_sensitive(true);
        self.headers.insert(name, value);
        self
    }
}

impl fmt::Debug for Remote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Remote")
            .field("url", &format_args!("{self}"))
            .field("protocol", &self.protocol)
            .field("headers", &self.headers.keys().collect::<Vec<_>>())
            .field("credentials", &self.credentials)
            .field("tls", &self.tls)
            .field("compression", &self.compression)
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}

/// The URL without user, password and query.
impl fmt::Display for Remote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let authority = self.url.authority().map_or("", |a| a.as_str());
        let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
        write!(f, "{}://{host}", self.url.scheme_str().unwrap_or("http"))?;
        match self.protocol {
            Protocol::Grpc => f.write_str(" (grpc)"),
            Protocol::HttpProtobuf | Protocol::HttpJson => f.write_str(self.url.path()),
        }?;
        self.address.map_or(Ok(()), |address| write!(f, " at {address}"))
    }
}

/// An encoding and transport of OTLP (O-010).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// Protobuf over gRPC, port 4317. Needs the feature `grpc`.
    Grpc,
    /// Protobuf over HTTP, port 4318.
    HttpProtobuf,
    /// JSON over HTTP, port 4318: several times the bytes, for a server that takes nothing else.
    HttpJson,
}

/// The word of the standard: `grpc`, `http/protobuf`, `http/json`.
impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Protocol::Grpc => "grpc",
            Protocol::HttpProtobuf => "http/protobuf",
            Protocol::HttpJson => "http/json",
        })
    }
}

/// How request bodies are compressed (O-013).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Compression {
    /// As they are.
    #[default]
    None,
    /// gzip.
    Gzip,
    /// zstd: smaller and faster than gzip; not part of OTLP, so the server must know it. Needs the feature `zstd`.
    Zstd,
}

/// The way to something in the same program that takes requests: a cheap handle to it, with a name for people.
#[derive(Clone)]
pub struct Inlet {
    name: Arc<str>,
    accept: Arc<dyn Accept>,
}

impl Inlet {
    /// The inlet of the collector in this program.
    pub fn new(accept: impl Accept) -> Self {
        Inlet::named("the collector in this program", accept)
    }

    /// The inlet of whatever else takes requests. The name is how messages and statistics call the destination.
    pub fn named(name: &str, accept: impl Accept) -> Self {
        Inlet { name: name.into(), accept: Arc::new(accept) }
    }

    /// Hands one request over.
    pub fn accept(&self, signal: Signal, request: Bytes) -> Answer {
        self.accept.accept(signal, request)
    }
}

impl fmt::Debug for Inlet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Inlet").field(&self.name).finish()
    }
}

/// Takes requests without a socket.
pub trait Accept: Send + Sync + 'static {
    /// Takes one `Export…ServiceRequest` in protobuf. Called from the export runtime: must not block.
    fn accept(&self, signal: Signal, request: Bytes) -> Answer;
}

/// For who keeps a handle to what takes the requests.
impl<T: Accept> Accept for Arc<T> {
    fn accept(&self, signal: Signal, request: Bytes) -> Answer {
        T::accept(self, signal, request)
    }
}

/// What became of a request, whichever way it went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It was taken, except for `rejected` of its items (O-033); `message` says why, or warns.
    Taken {
        /// How many spans, data points or log records were not taken.
        rejected: u64,
        /// The reason, or a warning when nothing was rejected. Often empty.
        message: String,
    },
    /// It was not taken and must not be sent again (O-030, O-031).
    Refused {
        /// The fault in words, with the status.
        cause: String,
    },
    /// It was not taken because of what is in it (HTTP 400, `INVALID_ARGUMENT`); what came together with it may be.
    Malformed {
        /// The fault in words, with the status.
        cause: String,
    },
    /// It was not taken now; the same request may be sent again.
    Busy {
        /// The fault in words, with status or system error.
        cause: String,
        /// How long the other side asks to wait (`Retry-After`, `RetryInfo`).
        after: Option<Duration>,
    },
    /// Nobody knows whether it was taken: no answer came in time, or the connection broke first. The same request
    /// may be sent again, and may then have been taken twice.
    Unanswered {
        /// The fault in words, with the system error.
        cause: String,
        /// The other side had closed a connection that was idle, as servers may (O-037): worth another attempt
        /// without a pause and without a word.
        at_once: bool,
    },
    /// It was not taken because of its size; smaller requests with the same items may be.
    TooLarge {
        /// The fault in words, with the status.
        cause: String,
    },
}

impl Answer {
    /// Taken whole, nothing to say.
    pub const TAKEN: Answer = Answer::Taken { rejected: 0, message: String::new() };
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Secret;
    use http::header;

    // O-093
    #[test]
    fn a_destination_is_shown_without_its_secrets() {
        let url = "https://me:hush@example.com/otlp/v1/traces?key=hush".parse().unwrap();
        let mut remote = Remote::new(Protocol::HttpProtobuf, url)
            .header(header::AUTHORIZATION, crate::basic("me", "hush"));
        remote.credentials =
            Some(Credentials::Basic { user: "hush".into(), password: Secret::value("hush") });
        assert_eq!(remote.to_string(), "https://example.com/otlp/v1/traces");
        assert_eq!(
            format!("{remote:?}"),
            "Remote { url: https://example.com/otlp/v1/traces, protocol: HttpProtobuf, \
             headers: [\"authorization\"], credentials: Some(Basic(Secret)), tls: Tls { certificate: None, \
             client_certificate: None, client_key: None }, compression: None, timeout: 10s, .. }"
        );
        remote.credentials = Some(Credentials::Bearer(Secret::file("/run/token")));
        assert_eq!(format!("{:?}", remote.credentials), "Some(Bearer(Secret(\"/run/token\")))");
    }
}
