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

/// What says no more than that something failed.
const EMPTY_WORDS: [&str; 4] = ["client error", "tcp connect error", "connection error", "http2 error"];

/// How hyper says that bytes came before a request was sent. From a server that answered before it is a farewell, from
/// another one the greeting of another protocol.
const SPOKE_FIRST: &str = "received unexpected message from connection";

/// The cause of a failed request. The first one to a server may have found another than the user meant.
pub(crate) fn words(error: &hyper_util::client::legacy::Error, remote: &Remote, first: bool) -> String {
    let chain = Vec::from_iter(chain(error));
    if let Some(words) = chain.iter().find_map(|cause| tls::words(*cause, remote)) {
        return words;
    }
    let (place, remedy) = other_protocol(remote);
    let protocol = if remote.protocol == Protocol::Grpc { "gRPC" } else { "HTTP/1.1" };
    let speaks_first = |cause: &&dyn Error| cause.to_string() == SPOKE_FIRST;
    if chain.iter().any(|cause| speaks_otherwise(*cause, remote.protocol) || first && speaks_first(cause)) {
        return format!("{place} does not speak {protocol}; use {remedy}");
    }
    let mut causes: Vec<String> = Vec::new();
    for cause in chain {
        let text = match cause.to_string() {
            text if EMPTY_WORDS.iter().any(|words| text.starts_with(words)) => continue,
            text if text == "dns error" => {
                format!("the name {} cannot be resolved", remote.url.host().unwrap_or_default())
            }
            text => text,
        };
        // Some repeat what they wrap.
        if !causes.iter().any(|known| known.contains(&text)) {
            causes.push(text);
        }
    }
    let mut words = if causes.is_empty() { error.to_string() } else { causes.join(": ") };
    // Many servers of HTTP/1.1 hang up on HTTP/2 without a word.
    if remote.protocol == Protocol::Grpc && first && !error.is_connect() {
        words += &format!("; if {place} does not speak gRPC, use {remedy}");
    }
    words
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

/// Host and port, and what else to try.
fn other_protocol(remote: &Remote) -> (String, String) {
    let secure = remote.url.scheme_str() == Some("https");
    let port = remote.url.port_u16().unwrap_or(if secure { 443 } else { 80 });
    let remedy = match (remote.protocol, port) {
        (Protocol::Grpc, HTTP_PORT) => format!("http/protobuf or port {GRPC_PORT}"),
        (Protocol::Grpc, _) => "http/protobuf or another port".into(),
        (_, GRPC_PORT) => format!("grpc or port {HTTP_PORT}"),
        _ if secure => "grpc or another port".into(),
        _ => "https, grpc or another port".into(),
    };
    (format!("{}:{port}", remote.url.host().unwrap_or_default()), remedy)
}

#[cfg(test)]
mod tests {
    use super::*;

    // O-008
    #[test]
    fn the_ports_of_otlp_are_known() {
        let told = |protocol, url: &str| other_protocol(&Remote::new(protocol, url.parse().unwrap()));
        for (protocol, url, place, remedy) in [
            (Protocol::Grpc, "http://h:4318", "h:4318", "http/protobuf or port 4317"),
            (Protocol::Grpc, "https://h/", "h:443", "http/protobuf or another port"),
            (Protocol::HttpProtobuf, "http://[::1]:4317/", "[::1]:4317", "grpc or port 4318"),
            (Protocol::HttpJson, "http://h/", "h:80", "https, grpc or another port"),
            (Protocol::HttpJson, "https://h:1/", "h:1", "grpc or another port"),
        ] {
            assert_eq!(told(protocol, url), (place.into(), remedy.into()));
        }
    }
}
