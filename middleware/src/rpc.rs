//! What makes an HTTP exchange a gRPC call, and what its status means.

use std::{thread, time::Duration};

use http::{HeaderMap, Method, StatusCode, header};

use crate::{
    attributes,
    exchange::{Outcome, Side},
    options::RequestHead,
};

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
const CANCELLED: u16 = 1;
const UNKNOWN: u16 = 2;
const DEADLINE_EXCEEDED: u16 = 4;
const PERMISSION_DENIED: u16 = 7;
const RESOURCE_EXHAUSTED: u16 = 8;
const UNIMPLEMENTED: u16 = 12;
const INTERNAL: u16 = 13;
const UNAVAILABLE: u16 = 14;
const DATA_LOSS: u16 = 15;
const UNAUTHENTICATED: u16 = 16;

const CONTENT_TYPE: &[u8] = b"application/grpc";
const STATUS: &str = "grpc-status";
const TIMEOUT: &str = "grpc-timeout";
/// Most digits of a timeout.
const MOST_DIGITS: usize = 8;

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

/// Returns the status of a call that ended without one: what gRPC's own libraries make of such an end.
pub(crate) fn status_of_end(outcome: &Outcome, is_late: bool) -> u16 {
    match outcome {
        Outcome::Failed(_) | Outcome::Dropped if is_late => DEADLINE_EXCEEDED,
        Outcome::Failed(failure) => match failure.error_type {
            attributes::TIMEOUT => DEADLINE_EXCEEDED,
            attributes::CONNECT | attributes::RESET => UNAVAILABLE,
            _ => UNKNOWN,
        },
        Outcome::Dropped if !thread::panicking() => CANCELLED,
        Outcome::Dropped | Outcome::Complete => UNKNOWN,
    }
}

/// Reads how long the caller waits: up to eight digits and the letter of a unit.
pub(crate) fn deadline(headers: &HeaderMap) -> Option<Duration> {
    let (unit, digits) = headers.get(TIMEOUT)?.as_bytes().split_last()?;
    if digits.len() > MOST_DIGITS || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let number: u64 = std::str::from_utf8(digits).ok()?.parse().ok()?;
    match unit {
        b'H' => Some(Duration::from_secs(number * 3600)),
        b'M' => Some(Duration::from_secs(number * 60)),
        b'S' => Some(Duration::from_secs(number)),
        b'm' => Some(Duration::from_millis(number)),
        b'u' => Some(Duration::from_micros(number)),
        b'n' => Some(Duration::from_nanos(number)),
        _ => None,
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

/// Tells whether a status shows that the method exists: strangers are turned away, and a service that is overloaded
/// turns everybody away, before anybody looks.
pub(crate) fn proves_method(status: u16) -> bool {
    !matches!(
        status,
        CANCELLED
            | DEADLINE_EXCEEDED
            | PERMISSION_DENIED
            | RESOURCE_EXHAUSTED
            | UNIMPLEMENTED
            | UNAVAILABLE
            | UNAUTHENTICATED
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure::Failure;

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
        for (method, is_it) in [(Method::POST, true), (Method::GET, false), (Method::OPTIONS, false)] {
            let request = http::Request::builder().method(method).header("content-type", "application/grpc");
            assert_eq!(is_call(&RequestHead::of(&request.body(()).unwrap())), is_it);
        }
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

    #[test]
    fn a_timeout_is_at_most_eight_digits_and_a_unit() {
        for (value, expected) in [
            ("1H", Some(Duration::from_secs(3600))),
            ("2M", Some(Duration::from_secs(120))),
            ("3S", Some(Duration::from_secs(3))),
            ("4m", Some(Duration::from_millis(4))),
            ("5u", Some(Duration::from_micros(5))),
            ("99999999n", Some(Duration::from_nanos(99_999_999))),
            ("99999999H", Some(Duration::from_secs(99_999_999 * 3600))),
            ("100000000n", None),
            ("1s", None),
            ("1", None),
            ("m", None),
            ("-1m", None),
            ("+1m", None),
            ("1.5S", None),
            ("", None),
        ] {
            assert_eq!(deadline(&headers("grpc-timeout", value)), expected, "{value}");
        }
        assert_eq!(deadline(&HeaderMap::new()), None);
    }

    #[test]
    fn a_call_that_ends_without_a_status_has_the_one_that_fits_its_end() {
        // H-101
        let failed = |error_type| {
            Outcome::Failed(Failure { error_type, exception_type: "some::Error", message: None })
        };
        for (outcome, in_time, late) in [
            (failed("timeout"), "DEADLINE_EXCEEDED", "DEADLINE_EXCEEDED"),
            (failed("connect"), "UNAVAILABLE", "DEADLINE_EXCEEDED"),
            (failed("reset"), "UNAVAILABLE", "DEADLINE_EXCEEDED"),
            (failed("some::Error"), "UNKNOWN", "DEADLINE_EXCEEDED"),
            (Outcome::Dropped, "CANCELLED", "DEADLINE_EXCEEDED"),
            (Outcome::Complete, "UNKNOWN", "UNKNOWN"),
        ] {
            let told = [false, true].map(|is_late| status_name(status_of_end(&outcome, is_late)));
            assert_eq!(told, [in_time, late], "{outcome:?}");
        }
    }

    #[test]
    fn a_method_is_proven_by_what_only_itself_would_answer() {
        // H-100
        let proofs = (0..17).filter(|status| proves_method(*status)).map(status_name);
        assert_eq!(
            proofs.collect::<Vec<_>>(),
            [
                "OK",
                "UNKNOWN",
                "INVALID_ARGUMENT",
                "NOT_FOUND",
                "ALREADY_EXISTS",
                "FAILED_PRECONDITION",
                "ABORTED",
                "OUT_OF_RANGE",
                "INTERNAL",
                "DATA_LOSS"
            ]
        );
    }
}
