//! What makes an HTTP exchange a gRPC call, and what its status means.

use http::{HeaderMap, Method, StatusCode, header};

use crate::{exchange::Side, options::RequestHead};

/// gRPC's status codes, each at the place of its number.
const STATUS_NAMES: [&str; 17] = [
    "OK",
    "CANCELLED",
    "UNKNOWN",
    "INVALID_ARGUMENT",
    "DEADLINE_EXCEEDED",
    "NOT_FOUND",
    "ALREADY_EXISTS",
    "PERMISSION_DENIED",
    "RESOURCE_EXHAUSTED",
    "FAILED_PRECONDITION",
    "ABORTED",
    "OUT_OF_RANGE",
    "UNIMPLEMENTED",
    "INTERNAL",
    "UNAVAILABLE",
    "DATA_LOSS",
    "UNAUTHENTICATED",
];
const OK: u16 = 0;
pub(crate) const CANCELLED: u16 = 1;
pub(crate) const UNKNOWN: u16 = 2;
const DEADLINE_EXCEEDED: u16 = 4;
const PERMISSION_DENIED: u16 = 7;
const UNIMPLEMENTED: u16 = 12;
const INTERNAL: u16 = 13;
const UNAVAILABLE: u16 = 14;
const DATA_LOSS: u16 = 15;
const UNAUTHENTICATED: u16 = 16;

const CONTENT_TYPE: &[u8] = b"application/grpc";
const STATUS: &str = "grpc-status";

/// Tells whether a request is a gRPC call: a POST of `application/grpc`, or that with `+` and a format. gRPC-Web is
/// not, since it has its status inside the body.
pub(crate) fn is_call(head: &RequestHead<'_>) -> bool {
    *head.method == Method::POST && is_grpc(head.headers)
}

fn is_grpc(headers: &HeaderMap) -> bool {
    let Some(value) = headers.get(header::CONTENT_TYPE) else { return false };
    let value = value.as_bytes();
    match value.split_at_checked(CONTENT_TYPE.len()) {
        Some((kind, rest)) => {
            kind.eq_ignore_ascii_case(CONTENT_TYPE) && matches!(rest.first(), None | Some(b'+' | b';'))
        }
        None => false,
    }
}

/// Returns `rpc.method` of a call's path: `package.Service/Method`, if it is of that form.
pub(crate) fn method(path: &str) -> Option<&str> {
    let method = path.strip_prefix('/')?;
    let (service, name) = method.split_once('/')?;
    (!service.is_empty() && !name.is_empty() && !name.contains('/')).then_some(method)
}

/// Reads a status out of trailers, or out of the headers of a response that has only those.
pub(crate) fn status(headers: &HeaderMap) -> Option<u16> {
    let status = headers.get(STATUS)?;
    let status = status.to_str().ok().and_then(|status| status.parse::<u16>().ok());
    Some(status.filter(|status| usize::from(*status) < STATUS_NAMES.len()).unwrap_or(UNKNOWN))
}

/// Returns what a response without a status of gRPC's means (gRPC, "HTTP to gRPC status code mapping").
pub(crate) fn status_of_http(status: StatusCode) -> u16 {
    match status.as_u16() {
        400 => INTERNAL,
        401 => UNAUTHENTICATED,
        403 => PERMISSION_DENIED,
        404 => UNIMPLEMENTED,
        429 | 502 | 503 | 504 => UNAVAILABLE,
        _ => UNKNOWN,
    }
}

/// Returns `rpc.response.status_code`.
pub(crate) fn status_name(status: u16) -> &'static str {
    STATUS_NAMES.get(usize::from(status)).copied().unwrap_or("UNKNOWN")
}

/// Tells whether a status is an error of its side: to a client all are but `OK`.
pub(crate) fn is_error(side: Side, status: u16) -> bool {
    match side {
        Side::Client => status != OK,
        Side::Server => {
            matches!(status, UNKNOWN | DEADLINE_EXCEEDED | UNIMPLEMENTED | INTERNAL | UNAVAILABLE | DATA_LOSS)
        }
    }
}

/// Tells whether a status shows that the method exists: strangers are turned away before anybody looks.
pub(crate) fn proves_method(status: u16) -> bool {
    !matches!(status, UNIMPLEMENTED | UNAUTHENTICATED | PERMISSION_DENIED | CANCELLED)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: &'static str, value: &str) -> HeaderMap {
        HeaderMap::from_iter([(http::HeaderName::from_static(name), value.parse().unwrap())])
    }

    #[test]
    fn the_content_type_makes_a_call() {
        for (value, is_it) in [
            ("application/grpc", true),
            ("application/grpc+proto", true),
            ("Application/gRPC;charset=x", true),
            ("application/grpc-web", false),
            ("application/grpc-web+proto", false),
            ("application/json", false),
            ("application/grp", false),
            ("", false),
        ] {
            assert_eq!(is_grpc(&headers("content-type", value)), is_it, "{value}");
        }
        assert!(!is_grpc(&HeaderMap::new()));
    }

    #[test]
    fn a_method_is_named_with_its_service() {
        // H-100
        for (path, expected) in [
            ("/pkg.Service/Method", Some("pkg.Service/Method")),
            ("/Service/Method", Some("Service/Method")),
            ("/Service/", None),
            ("//Method", None),
            ("/a/b/c", None),
            ("/a", None),
            ("*", None),
        ] {
            assert_eq!(method(path), expected, "{path}");
        }
    }

    #[test]
    fn a_status_has_a_name_and_junk_is_unknown() {
        // H-101
        for (value, expected) in
            [("0", "OK"), ("5", "NOT_FOUND"), ("16", "UNAUTHENTICATED"), ("17", "UNKNOWN")]
        {
            assert_eq!(status(&headers("grpc-status", value)).map(status_name), Some(expected));
        }
        for junk in ["", "x", "-1", "99999999"] {
            assert_eq!(status(&headers("grpc-status", junk)), Some(UNKNOWN));
        }
        assert_eq!(status(&HeaderMap::new()), None);
        assert_eq!(status_name(99), "UNKNOWN");
    }

    #[test]
    fn a_servers_errors_are_six_and_a_clients_all_but_ok() {
        // H-102
        let errors = |side| {
            let statuses = (0..17).filter(move |status| is_error(side, *status));
            statuses.map(status_name).collect::<Vec<_>>()
        };
        assert_eq!(
            errors(Side::Server),
            ["UNKNOWN", "DEADLINE_EXCEEDED", "UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS"]
        );
        assert_eq!(errors(Side::Client), STATUS_NAMES[1..]);
    }

    #[test]
    fn an_http_status_without_grpcs_own_has_a_meaning() {
        for (http, expected) in
            [(400, "INTERNAL"), (401, "UNAUTHENTICATED"), (404, "UNIMPLEMENTED"), (200, "UNKNOWN")]
        {
            assert_eq!(status_name(status_of_http(StatusCode::from_u16(http).unwrap())), expected);
        }
    }
}
