//! Why nothing came back, in the words of whoever must mend it.
//!
//! The system's words are kept as they are, with their number; what TLS and HTTP say is said in words, and
//! another protocol on the port than the one that is spoken is named with its remedy (O-008).

use crate::{Protocol, Remote, tls};
use std::{error::Error, io};

/// The port that OTLP reserves for gRPC.
const GRPC_PORT: u16 = 4317;
/// The port that OTLP reserves for HTTP.
const HTTP_PORT: u16 = 4318;

/// The cause of a failed request.
pub(crate) fn words(error: &hyper_util::client::legacy::Error, remote: &Remote) -> String {
    let chain = Vec::from_iter(chain(error));
    if let Some(words) = chain.iter().find_map(|cause| tls::words(*cause, remote)) {
        return words;
    }
    if chain.iter().any(|cause| speaks_otherwise(*cause, remote.protocol)) {
        return other_protocol(remote);
    }
    let mut causes: Vec<String> = Vec::new();
    // The outermost says no more than "client error".
    for cause in chain.iter().skip(1) {
        let text = cause.to_string();
        // Some repeat what they wrap.
        if !causes.iter().any(|known| known.contains(&text)) {
            causes.push(text);
        }
    }
    if causes.is_empty() { error.to_string() } else { causes.join(": ") }
}

/// The error and its causes.
fn chain<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |error| beneath(*error))
}

/// The next cause. An [`io::Error`] hides the one that it wraps.
fn beneath<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a (dyn Error + 'static)> {
    match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
        Some(wrapped) => Some(wrapped),
        None => error.source(),
    }
}

/// Whether what came back is not of the protocol at all.
fn speaks_otherwise(cause: &(dyn Error + 'static), protocol: Protocol) -> bool {
    if protocol == Protocol::Grpc { not_http2(cause) } else { not_http1(cause) }
}

fn not_http1(cause: &(dyn Error + 'static)) -> bool {
    cause.downcast_ref().is_some_and(hyper::Error::is_parse)
}

#[cfg(feature = "grpc")]
fn not_http2(cause: &(dyn Error + 'static)) -> bool {
    // Found by our side, not told by the other one.
    cause.downcast_ref().is_some_and(|error: &h2::Error| error.is_library() && error.is_go_away())
}

#[cfg(not(feature = "grpc"))]
fn not_http2(_: &(dyn Error + 'static)) -> bool {
    false
}

fn other_protocol(remote: &Remote) -> String {
    let secure = remote.url.scheme_str() == Some("https");
    let port = remote.url.port_u16().unwrap_or(if secure { 443 } else { 80 });
    let place = format!("{}:{port}", remote.url.host().unwrap_or_default());
    match (remote.protocol, port) {
        (Protocol::Grpc, HTTP_PORT) => {
            format!("{place} does not speak gRPC; use http/protobuf or port {GRPC_PORT}")
        }
        (Protocol::Grpc, _) => format!("{place} does not speak gRPC; use http/protobuf or another port"),
        (_, GRPC_PORT) => format!("{place} does not speak HTTP/1.1; use grpc or port {HTTP_PORT}"),
        (_, _) if secure => format!("{place} does not speak HTTP/1.1; use grpc or another port"),
        (_, _) => format!("{place} does not speak HTTP/1.1; use https, grpc or another port"),
    }
}
