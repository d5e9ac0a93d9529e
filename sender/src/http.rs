//! One request, one answer: OTLP over HTTP.
//!
//! The client is hyper's; the answer is put into the words of [`Answer`], with the URL and the status or
//! the system error, since "network error" helps nobody.

use crate::{Answer, Compression, Heard, Remote, Signal, auth::Authorization, retry};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Full, Limited};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::{TokioExecutor, TokioTimer},
};
use prost::Message;
use std::{
    fmt,
    io::Write,
    sync::{Mutex, PoisonError},
    time::SystemTime,
};

/// Responses are read up to here (O-016).
pub(crate) const MAX_RESPONSE_BYTES: usize = 4 << 20;
/// How much of an error page is quoted.
const MAX_QUOTE_CHARS: usize = 200;
/// O-018: the exporter, with the distribution before it.
pub(crate) const USER_AGENT: HeaderValue = HeaderValue::from_static(concat!(
    "throughline/",
    env!("CARGO_PKG_VERSION"),
    " OTel-OTLP-Exporter-Rust/",
    env!("CARGO_PKG_VERSION")
));

#[cfg(feature = "tls")]
type Connector = hyper_rustls::HttpsConnector<HttpConnector>;
#[cfg(not(feature = "tls"))]
type Connector = HttpConnector;

/// Sends requests of one signal to one server.
pub(crate) struct HttpTransport {
    pub(crate) client: Client<Connector, Full<Bytes>>,
    connector: Connector,
    authorization: Option<Authorization>,
    pub(crate) remote: Remote,
    pub(crate) signal: Signal,
    heard: Mutex<(Heard, Option<SystemTime>)>,
}

impl HttpTransport {
    pub(crate) fn new(signal: Signal, remote: Remote) -> Result<Self, Error> {
        if remote.url.host().is_none() || !matches!(remote.url.scheme_str(), Some("http" | "https")) {
            return Err(Error(format!(
                "{remote}: not a complete URL; write http://host:port or https://host"
            )));
        }
        let connector = connector(&remote)?;
        let client = client(&remote, connector.clone());
        let credentials =
            remote.credentials.as_ref().filter(|_| !remote.headers.contains_key(header::AUTHORIZATION));
        let authorization = credentials
            .map(Authorization::new)
            .transpose()
            .map_err(|fault| Error(format!("{remote}: {fault}")))?;
        let heard = Mutex::new((Heard::Nothing, None));
        Ok(HttpTransport { client, connector, authorization, remote, signal, heard })
    }

    /// Takes up what changed in the files of the destination. What cannot be used is said; what was read before stays.
    pub(crate) fn renew(&mut self) {
        if let Some(Err(fault)) = self.authorization.as_mut().map(Authorization::renew) {
            tracing::warn!(target: "throughline", "{}: {fault}; what was read before stays in use", self.remote);
        }
    }

    /// The headers of the destination, and those of every request.
    pub(crate) fn headers(&self) -> HeaderMap {
        let mut headers = self.remote.headers.clone();
        if let Some(authorization) = &self.authorization {
            headers.insert(header::AUTHORIZATION, authorization.value());
        }
        headers.insert(header::USER_AGENT, USER_AGENT);
        headers
    }

    /// Nothing came back in time. The connection may be dead without anybody having said so: the next attempt
    /// makes a new one.
    pub(crate) fn silent(&mut self) -> Answer {
        self.client = client(&self.remote, self.connector.clone());
        let limit = self.remote.timeout;
        let cause = format!("{} did not answer within {limit:?}", self.remote);
        Answer::Unanswered { cause, at_once: false }
    }

    /// One attempt, without a time limit of its own.
    pub(crate) async fn send(&self, body: Bytes) -> Answer {
        let mut request = Request::new(Full::new(Bytes::new()));
        *request.method_mut() = http::Method::POST;
        *request.uri_mut() = self.remote.url.clone();
        *request.headers_mut() = self.headers();
        let headers = request.headers_mut();
        // The exact string: Prometheus and Loki compare it (O-040).
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/x-protobuf"));
        let body = match self.remote.compression {
            Compression::None => body,
            Compression::Gzip => {
                headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
                gzip(&body)
            }
            Compression::Zstd => body,
        };
        *request.body_mut() = Full::new(body);

        match self.client.request(request).await {
            Err(error) => self.unreachable(&error),
            Ok(response) => self.read(response).await,
        }
    }

    async fn read(&self, response: Response<hyper::body::Incoming>) -> Answer {
        let (head, body) = response.into_parts();
        self.hear(&head.headers, Heard::over_http(head.status));
        let body = match Limited::new(body, MAX_RESPONSE_BYTES).collect().await {
            Ok(body) => body.to_bytes(),
            // The status has been seen: a success whose body breaks off is still a success (O-034).
            Err(_) if head.status.is_success() => return Answer::TAKEN,
            Err(error) => Bytes::from(format!("the response broke off: {error}")),
        };
        if head.status.is_success() {
            return partial_success(&body);
        }
        let cause = format!("{} answered {}{}", self.remote, head.status, quote(&head.headers, &body));
        if retry::http_may_repeat(head.status) {
            Answer::Busy { cause, after: retry::retry_after(&head.headers, SystemTime::now()) }
        } else {
            Answer::Refused { cause: cause + hint(head.status, self.signal, &self.remote) }
        }
    }

    /// Keeps who answered, and the clock of the other side.
    pub(crate) fn hear(&self, headers: &HeaderMap, heard: Heard) {
        let date = headers.get(header::DATE).and_then(|date| date.to_str().ok());
        let date = date.and_then(|date| httpdate::parse_http_date(date).ok());
        *self.heard.lock().unwrap_or_else(PoisonError::into_inner) = (heard, date);
    }

    /// Keeps what the trailers told of who answered.
    #[cfg(feature = "grpc")]
    pub(crate) fn hear_more(&self, heard: Heard) {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner).0 = heard;
    }

    /// What was kept of the last answer.
    pub(crate) fn heard(&self) -> (Heard, Option<SystemTime>) {
        *self.heard.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// No answer at all: worth another try (O-030).
    pub(crate) fn unreachable(&self, error: &hyper_util::client::legacy::Error) -> Answer {
        let Remote { advice, .. } = &self.remote;
        let advice = if advice.is_empty() { String::new() } else { format!("; {advice}") };
        Answer::Busy {
            cause: format!("cannot reach {}: {}{advice}", self.remote, deepest(error)),
            after: None,
        }
    }
}

fn client(remote: &Remote, connector: Connector) -> Client<Connector, Full<Bytes>> {
    let mut client = Client::builder(TokioExecutor::new());
    client.pool_timer(TokioTimer::new()).timer(TokioTimer::new());
    #[cfg(feature = "grpc")]
    client.http2_only(remote.protocol == crate::Protocol::Grpc);
    #[cfg(not(feature = "grpc"))]
    let _ = remote;
    client.build(connector)
}

#[cfg(feature = "tls")]
fn connector(remote: &Remote) -> Result<Connector, Error> {
    use hyper_rustls::{ConfigBuilderExt, HttpsConnectorBuilder};
    use rustls::{ClientConfig, RootCertStore, crypto::ring};
    use std::sync::Arc;

    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| Error(format!("{remote}: no TLS protocol version can be used: {error}")))?;
    let config = if remote.url.scheme_str() == Some("https") {
        builder
            .with_native_roots()
            .map_err(|error| Error(format!("{remote}: the system's root certificates cannot be read: {error}; install ca-certificates")))?
            .with_no_client_auth()
    } else {
        builder.with_root_certificates(RootCertStore::empty()).with_no_client_auth()
    };
    let mut http = HttpConnector::new();
    http.enforce_http(false);
    http.set_nodelay(true);
    let builder = HttpsConnectorBuilder::new().with_tls_config(config).https_or_http();
    Ok(match remote.protocol {
        #[cfg(feature = "grpc")]
        crate::Protocol::Grpc => builder.enable_http2().wrap_connector(http),
        _ => builder.enable_http1().wrap_connector(http),
    })
}

#[cfg(not(feature = "tls"))]
fn connector(remote: &Remote) -> Result<Connector, Error> {
    if remote.url.scheme_str() == Some("https") {
        return Err(Error(format!("{remote}: https needs the feature `tls`; turn it on")));
    }
    let mut http = HttpConnector::new();
    http.set_nodelay(true);
    Ok(http)
}

/// Compresses a body. Level 1: a quarter of the time of level 6 for a tenth more bytes on telemetry.
pub(crate) fn gzip(body: &[u8]) -> Bytes {
    let mut encoder =
        flate2::write::GzEncoder::new(Vec::with_capacity(body.len() / 4), flate2::Compression::fast());
    // Writing to a vector cannot fail; were it to, the receiver would refuse the torn body and it would count.
    let _ = encoder.write_all(body);
    encoder.finish().unwrap_or_default().into()
}

/// `Export…ServiceResponse`, which has one shape for the three signals.
#[derive(Clone, PartialEq, Message)]
struct ExportResponse {
    #[prost(message, optional, tag = "1")]
    partial_success: Option<PartialSuccess>,
}

#[derive(Clone, PartialEq, Message)]
struct PartialSuccess {
    #[prost(int64, tag = "1")]
    rejected: i64,
    #[prost(string, tag = "2")]
    error_message: String,
}

/// What a successful response says (O-033). One that cannot be read, or is empty, is a success (O-034).
pub(crate) fn partial_success(body: &[u8]) -> Answer {
    match ExportResponse::decode(body) {
        Ok(ExportResponse { partial_success: Some(partial) }) => Answer::Taken {
            rejected: u64::try_from(partial.rejected).unwrap_or(0),
            message: one_line(&partial.error_message),
        },
        _ => Answer::TAKEN,
    }
}

/// What is quoted of a `google.rpc.Status`.
#[derive(Clone, PartialEq, Message)]
struct Status {
    #[prost(string, tag = "2")]
    message: String,
}

/// The reason that an error response gives, as `: reason`.
fn quote(headers: &HeaderMap, body: &[u8]) -> String {
    let is_protobuf = headers
        .get(header::CONTENT_TYPE)
        .is_some_and(|value| value.as_bytes().starts_with(b"application/x-protobuf"));
    let text = match Status::decode(body) {
        Ok(status) if is_protobuf => status.message,
        _ => String::from_utf8_lossy(body).into_owned(),
    };
    match one_line(&text) {
        text if text.is_empty() => text,
        text => format!(": {text}"),
    }
}

/// The way out of the mistakes that people make most.
fn hint(status: StatusCode, signal: Signal, remote: &Remote) -> &'static str {
    let path = remote.url.path().trim_end_matches('/');
    match status.as_u16() {
        401 | 403 => "; check the user, the token or the headers of this destination",
        404 if !path.ends_with(signal.http_path()) => match signal {
            Signal::Traces => "; a per-signal endpoint is used as it is: add /v1/traces",
            Signal::Metrics => "; a per-signal endpoint is used as it is: add /v1/metrics",
            Signal::Logs => "; a per-signal endpoint is used as it is: add /v1/logs",
        },
        _ => "",
    }
}

/// Foreign text as one bounded line without control characters.
pub(crate) fn one_line(text: &str) -> String {
    let mut line: String =
        text.trim().chars().map(|c| if c.is_control() { ' ' } else { c }).take(MAX_QUOTE_CHARS).collect();
    if text.trim().chars().nth(MAX_QUOTE_CHARS).is_some() {
        line.push('…');
    }
    line
}

/// The causes of an error, without the outer ones that only say "client error".
pub(crate) fn deepest(error: &(dyn std::error::Error + 'static)) -> String {
    let mut causes = Vec::new();
    let mut next = error.source();
    while let Some(cause) = next {
        let text = cause.to_string();
        if !causes.contains(&text) {
            causes.push(text);
        }
        next = cause.source();
    }
    if causes.is_empty() { error.to_string() } else { causes.join(": ") }
}

/// Why a [`Sender`](crate::Sender) could not be made.
#[derive(Debug)]
pub struct Error(pub(crate) String);

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Error {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Protocol;

    // O-033, O-034
    #[test]
    fn a_partial_success_is_told_and_an_odd_body_is_a_success() {
        let body = ExportResponse {
            partial_success: Some(PartialSuccess { rejected: 3, error_message: "too\nold".into() }),
        }
        .encode_to_vec();
        assert_eq!(partial_success(&body), Answer::Taken { rejected: 3, message: "too old".into() });
        assert_eq!(partial_success(b""), Answer::TAKEN);
        assert_eq!(partial_success(b"\xff\xff\xff\xff"), Answer::TAKEN);
        assert_eq!(partial_success(b"<html>fine</html>"), Answer::TAKEN);
    }

    // O-093
    #[test]
    fn a_destination_is_shown_without_its_secrets() {
        let url = "https://me:hush@example.com/otlp/v1/traces".parse().unwrap();
        let remote = Remote::new(Protocol::HttpProtobuf, url)
            .header(header::AUTHORIZATION, crate::basic("me", "hush"));
        assert_eq!(remote.to_string(), "https://example.com/otlp/v1/traces");
        let debug = format!("{remote:?}");
        assert!(
            debug.contains("authorization") && !debug.contains("hush") && !debug.contains("Basic"),
            "{debug}"
        );
    }

    #[test]
    fn foreign_text_becomes_one_bounded_line() {
        assert_eq!(one_line(" a\r\n\x1b[31mb "), "a   [31mb");
        assert_eq!(one_line(&"x".repeat(1000)).chars().count(), MAX_QUOTE_CHARS + 1);
    }
}
