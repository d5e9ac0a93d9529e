//! The one table of telemetry names, and the few values that come from closed lists.
//!
//! Nothing else in this crate spells an attribute, a metric or a scope. Names follow the OpenTelemetry
//! semantic conventions for HTTP (`docs/http`), whose version [`SCHEMA_URL`] states.

use std::{borrow::Cow, net::IpAddr, sync::Arc};

use http::Version;
use opentelemetry::StringValue;

/// Name of the instrumentation scope of every span and measurement.
pub(crate) const SCOPE: &str = "throughline";
/// Version of the conventions that the names below follow.
pub(crate) const SCHEMA_URL: &str = "https://opentelemetry.io/schemas/1.42.0";

pub(crate) const CLIENT_ADDRESS: &str = "client.address";
pub(crate) const ERROR_TYPE: &str = "error.type";
pub(crate) const EXCEPTION_MESSAGE: &str = "exception.message";
pub(crate) const EXCEPTION_TYPE: &str = "exception.type";
pub(crate) const HTTP_REQUEST_BODY_SIZE: &str = "http.request.body.size";
pub(crate) const HTTP_REQUEST_HEADER: &str = "http.request.header.";
pub(crate) const HTTP_REQUEST_METHOD: &str = "http.request.method";
pub(crate) const HTTP_REQUEST_METHOD_ORIGINAL: &str = "http.request.method_original";
pub(crate) const HTTP_REQUEST_RESEND_COUNT: &str = "http.request.resend_count";
pub(crate) const HTTP_RESPONSE_BODY_SIZE: &str = "http.response.body.size";
pub(crate) const HTTP_RESPONSE_HEADER: &str = "http.response.header.";
pub(crate) const HTTP_RESPONSE_STATUS_CODE: &str = "http.response.status_code";
pub(crate) const HTTP_ROUTE: &str = "http.route";
pub(crate) const METRIC_OVERFLOW: &str = "otel.metric.overflow";
pub(crate) const NETWORK_PEER_ADDRESS: &str = "network.peer.address";
pub(crate) const NETWORK_PEER_PORT: &str = "network.peer.port";
pub(crate) const NETWORK_PROTOCOL_VERSION: &str = "network.protocol.version";
pub(crate) const RPC_METHOD: &str = "rpc.method";
pub(crate) const RPC_METHOD_ORIGINAL: &str = "rpc.method_original";
pub(crate) const RPC_REQUEST_METADATA: &str = "rpc.request.metadata.";
pub(crate) const RPC_RESPONSE_METADATA: &str = "rpc.response.metadata.";
pub(crate) const RPC_SYSTEM_NAME: &str = "rpc.system.name";
pub(crate) const SERVER_ADDRESS: &str = "server.address";
pub(crate) const SERVER_PORT: &str = "server.port";
pub(crate) const URL_FULL: &str = "url.full";
pub(crate) const URL_PATH: &str = "url.path";
pub(crate) const URL_QUERY: &str = "url.query";
pub(crate) const URL_SCHEME: &str = "url.scheme";
pub(crate) const URL_TEMPLATE: &str = "url.template";
pub(crate) const USER_AGENT_ORIGINAL: &str = "user_agent.original";
/// Called `rpc.status_code` in versions after 1.44.
pub(crate) const RPC_RESPONSE_STATUS_CODE: &str = "rpc.response.status_code";

/// What only the end of an exchange tells a span, besides the route and a method of gRPC.
pub(crate) const TOLD_AT_END: [&str; 6] = [
    ERROR_TYPE,
    HTTP_REQUEST_BODY_SIZE,
    HTTP_RESPONSE_BODY_SIZE,
    HTTP_RESPONSE_STATUS_CODE,
    NETWORK_PROTOCOL_VERSION,
    RPC_RESPONSE_STATUS_CODE,
];

/// Most attributes a span of ours has: reserved at once, so that the list does not grow four times.
pub(crate) const MOST_ATTRIBUTES: usize = 16;

/// Bounds of the duration histograms in seconds, given as advice: a view of the user's wins.
pub(crate) const DURATION_BOUNDS_SECONDS: [f64; 14] =
    [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0];

/// `error.type` of an exchange that was dropped before its end.
pub(crate) const CANCELLED: &str = "cancelled";
/// `error.type` of an exchange whose service panicked.
pub(crate) const PANIC: &str = "panic";

/// `error.type` of a failure to open a connection.
pub(crate) const CONNECT: &str = "connect";
/// `error.type` of a connection that the other side or the network broke.
pub(crate) const RESET: &str = "reset";
/// `error.type` of an operation that took too long.
pub(crate) const TIMEOUT: &str = "timeout";

/// Stands for every method outside the known set.
pub(crate) const OTHER: &str = "_OTHER";
/// What [`OTHER`] is called in a span name.
pub(crate) const OTHER_IN_NAME: &str = "HTTP";
/// Methods that keep their name: those of RFC 9110, PATCH and QUERY; the usual ones first.
pub(crate) const KNOWN_METHODS: [&str; 10] =
    ["GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "CONNECT", "TRACE", "QUERY"];
/// `rpc.system.name` of gRPC, and what a call of an unknown method is named.
pub(crate) const GRPC: &str = "grpc";

/// Longest value in bytes that is taken from outside; the rest is cut off at a character's border.
pub(crate) const VALUE_LIMIT_BYTES: usize = 4096;

/// Returns a text that costs nothing to clone: for one of the known methods nothing at all.
pub(crate) fn shared(text: &str) -> StringValue {
    match KNOWN_METHODS.into_iter().find(|known| *known == text) {
        Some(known) => known.into(),
        None => Arc::<str>::from(text).into(),
    }
}

/// Returns a well-known method as a text that needs no memory; `_OTHER` is `HTTP` in a name.
pub(crate) fn known_method(method: &str) -> Option<&'static str> {
    let method = if method == OTHER { OTHER_IN_NAME } else { method };
    KNOWN_METHODS.into_iter().chain([OTHER_IN_NAME]).find(|known| *known == method)
}

/// Returns an address as text, cheap to clone.
pub(crate) fn address(address: IpAddr) -> StringValue {
    match address.to_canonical() {
        IpAddr::V4(address) => Arc::<str>::from(dotted(address.octets()).as_str()).into(),
        IpAddr::V6(address) => Arc::<str>::from(address.to_string()).into(),
    }
}

/// An address of version 4 as text, without the machinery of formatting: every span has one or two.
fn dotted(octets: [u8; 4]) -> Dotted {
    let mut dotted = Dotted { bytes: [0; 15], length: 0 };
    for (place, octet) in octets.into_iter().enumerate() {
        if place > 0 {
            dotted.push(b'.');
        }
        if octet >= 100 {
            dotted.push(b'0' + octet / 100);
        }
        if octet >= 10 {
            dotted.push(b'0' + octet / 10 % 10);
        }
        dotted.push(b'0' + octet % 10);
    }
    dotted
}

struct Dotted {
    bytes: [u8; 15],
    length: usize,
}

impl Dotted {
    fn push(&mut self, byte: u8) {
        self.bytes[self.length] = byte;
        self.length += 1;
    }

    fn as_str(&self) -> &str {
        std::str::from_utf8(&self.bytes[..self.length]).unwrap_or_default()
    }
}

/// Returns the span name `{method} {target}`, or `{method}` without a target.
pub(crate) fn span_name(method: &str, target: Option<&str>) -> Cow<'static, str> {
    let method = if method == OTHER { OTHER_IN_NAME } else { method };
    let Some(target) = target else {
        return known_method(method).map_or_else(|| Cow::Owned(method.to_owned()), Cow::Borrowed);
    };
    let mut name = String::with_capacity(method.len() + 1 + target.len());
    name.push_str(method);
    name.push(' ');
    name.push_str(target);
    Cow::Owned(name)
}

/// Returns `network.protocol.version`; nothing for a version the conventions do not know.
pub(crate) fn protocol_version(version: Version) -> Option<&'static str> {
    match version {
        Version::HTTP_09 => Some("0.9"),
        Version::HTTP_10 => Some("1.0"),
        Version::HTTP_11 => Some("1.1"),
        Version::HTTP_2 => Some("2"),
        Version::HTTP_3 => Some("3"),
        _ => None,
    }
}

/// Cuts a value from outside to [`VALUE_LIMIT_BYTES`], never inside a character.
pub(crate) fn bounded(value: &str) -> &str {
    if value.len() <= VALUE_LIMIT_BYTES {
        return value;
    }
    let end = (0..=VALUE_LIMIT_BYTES).rev().find(|end| value.is_char_boundary(*end)).unwrap_or(0);
    &value[..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_made_of_method_and_target_and_other_is_called_http() {
        // H-002, H-003, H-004
        for known in KNOWN_METHODS {
            assert_eq!(span_name(known, None), known);
        }
        assert_eq!(span_name("GET", Some("/users/{id}")), "GET /users/{id}");
        assert_eq!(span_name(OTHER, None), "HTTP");
        assert_eq!(span_name(OTHER, Some("/users/{id}")), "HTTP /users/{id}");
        assert_eq!(span_name("BREW", None), "BREW");
    }

    #[test]
    fn addresses_are_written_as_short_as_they_can_be() {
        for (text, expected) in [
            ("127.0.0.1", "127.0.0.1"),
            ("255.255.255.255", "255.255.255.255"),
            ("0.9.10.199", "0.9.10.199"),
            ("::ffff:10.0.0.1", "10.0.0.1"),
            ("2001:0db8:0:0:0:0:0:1", "2001:db8::1"),
            ("1111:2222:3333:4444:5555:6666:7777:8888", "1111:2222:3333:4444:5555:6666:7777:8888"),
        ] {
            assert_eq!(address(text.parse().unwrap()).as_str(), expected);
        }
    }

    #[test]
    fn versions_are_bare_numbers() {
        // H-042
        let versions =
            [Version::HTTP_09, Version::HTTP_10, Version::HTTP_11, Version::HTTP_2, Version::HTTP_3];
        assert_eq!(versions.map(protocol_version), ["0.9", "1.0", "1.1", "2", "3"].map(Some));
    }

    #[test]
    fn a_long_value_is_cut_between_characters() {
        let short = "é".repeat(10);
        assert_eq!(bounded(&short), short);
        let long = format!("x{}", "é".repeat(VALUE_LIMIT_BYTES));
        let cut = bounded(&long);
        assert_eq!(cut.len(), VALUE_LIMIT_BYTES - 1);
        assert!(long.starts_with(cut));
    }
}
