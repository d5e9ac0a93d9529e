//! The one table of telemetry names, and the few values that come from closed lists.
//!
//! Nothing else in this crate spells an attribute, a metric or a scope. Names follow the OpenTelemetry
//! semantic conventions for HTTP (`docs/http`), whose version [`SCHEMA_URL`] states.

use std::borrow::Cow;

use http::{Method, Version};

/// Name of the instrumentation scope of every span and measurement.
pub(crate) const SCOPE: &str = "throughline";
/// Version of the conventions that the names below follow.
pub(crate) const SCHEMA_URL: &str = "https://opentelemetry.io/schemas/1.42.0";

pub(crate) const CLIENT_ADDRESS: &str = "client.address";
pub(crate) const ERROR_TYPE: &str = "error.type";
pub(crate) const HTTP_REQUEST_METHOD: &str = "http.request.method";
pub(crate) const HTTP_REQUEST_METHOD_ORIGINAL: &str = "http.request.method_original";
pub(crate) const HTTP_RESPONSE_STATUS_CODE: &str = "http.response.status_code";
pub(crate) const HTTP_ROUTE: &str = "http.route";
pub(crate) const NETWORK_PEER_ADDRESS: &str = "network.peer.address";
pub(crate) const NETWORK_PEER_PORT: &str = "network.peer.port";
pub(crate) const NETWORK_PROTOCOL_VERSION: &str = "network.protocol.version";
pub(crate) const SERVER_ADDRESS: &str = "server.address";
pub(crate) const SERVER_PORT: &str = "server.port";
pub(crate) const URL_FULL: &str = "url.full";
pub(crate) const URL_PATH: &str = "url.path";
pub(crate) const URL_QUERY: &str = "url.query";
pub(crate) const URL_SCHEME: &str = "url.scheme";
pub(crate) const USER_AGENT_ORIGINAL: &str = "user_agent.original";

/// Most attributes a span of ours has: reserved at once, so that the list does not grow four times.
pub(crate) const MOST_ATTRIBUTES: usize = 16;
/// Most attributes a measurement of ours has.
pub(crate) const MOST_LABELS: usize = 6;

/// Bounds of the duration histograms in seconds, given as advice: a view of the user's wins.
pub(crate) const DURATION_BOUNDS_SECONDS: [f64; 14] =
    [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0];
/// Unit of the duration histograms.
pub(crate) const SECONDS: &str = "s";

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
const OTHER: &str = "_OTHER";
/// What [`OTHER`] is called in a span name.
const OTHER_IN_NAME: &str = "HTTP";
/// Methods that keep their name: those of RFC 9110, PATCH and QUERY. Methods are case-sensitive.
const KNOWN_METHODS: [&str; 10] =
    ["CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "TRACE", "QUERY"];

/// Longest value in bytes that is taken from outside; the rest is cut off at a character's border.
pub(crate) const VALUE_LIMIT_BYTES: usize = 4096;

/// Returns `http.request.method` for a method: itself if known, else `_OTHER`.
pub(crate) fn method(method: &Method) -> &'static str {
    KNOWN_METHODS.into_iter().find(|known| *known == method.as_str()).unwrap_or(OTHER)
}

/// Returns `http.request.method_original`: only for methods that [`method`] does not name.
pub(crate) fn method_original(method: &Method) -> Option<&str> {
    (self::method(method) == OTHER).then(|| bounded(method.as_str()))
}

/// Returns the span name `{method} {route}`, or `{method}` without a route.
pub(crate) fn span_name(method: &'static str, route: Option<&str>) -> Cow<'static, str> {
    let method = if method == OTHER { OTHER_IN_NAME } else { method };
    match route {
        Some(route) => Cow::Owned([method, " ", route].concat()),
        None => Cow::Borrowed(method),
    }
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
    fn an_unknown_method_is_other_in_the_attribute_and_http_in_the_name() {
        // H-003, H-020, H-021
        for unknown in ["BREW", "ACL", "GeT", "get"] {
            let unknown = Method::from_bytes(unknown.as_bytes()).unwrap();
            assert_eq!(method(&unknown), "_OTHER");
            assert_eq!(method_original(&unknown), Some(unknown.as_str()));
            assert_eq!(span_name(method(&unknown), None), "HTTP");
            assert_eq!(span_name(method(&unknown), Some("/users/{id}")), "HTTP /users/{id}");
        }
    }

    #[test]
    fn a_known_method_keeps_its_name_and_has_no_original() {
        // H-002, H-004, H-020, H-021
        for known in KNOWN_METHODS {
            let parsed = Method::from_bytes(known.as_bytes()).unwrap();
            assert_eq!(method(&parsed), known);
            assert_eq!(method_original(&parsed), None);
            assert_eq!(span_name(known, None), known);
        }
        assert_eq!(span_name("GET", Some("/users/{id}")), "GET /users/{id}");
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
