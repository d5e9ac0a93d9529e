//! What a server says of a request that it has read, put into our words.

use crate::{Answer, Encoding, json};
use http::{HeaderMap, header};
use prost::Message;

/// Responses are read up to here (O-016).
pub(crate) const MAX_RESPONSE_BYTES: usize = 4 << 20;
/// How much of an error page is quoted.
const MAX_QUOTE_CHARS: usize = 200;

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
pub(crate) fn partial_success(encoding: Encoding, body: &[u8]) -> Answer {
    let partial = match encoding {
        Encoding::Protobuf => ExportResponse::decode(body).ok().and_then(|response| response.partial_success),
        Encoding::Json => json::partial_success(body)
            .map(|(rejected, error_message)| PartialSuccess { rejected, error_message }),
    };
    partial.map_or(Answer::TAKEN, |partial| Answer::Taken {
        rejected: u64::try_from(partial.rejected).unwrap_or(0),
        message: one_line(&partial.error_message),
    })
}

/// What is quoted of a `google.rpc.Status`.
#[derive(Clone, PartialEq, Message)]
struct Status {
    #[prost(string, tag = "2")]
    message: String,
}

/// The reason that an error response gives, as `: reason`.
pub(crate) fn quote(headers: &HeaderMap, body: &[u8]) -> String {
    let kind = headers.get(header::CONTENT_TYPE).map_or(&b""[..], |value| value.as_bytes());
    let message = match kind {
        kind if kind.starts_with(b"application/x-protobuf") => {
            Status::decode(body).ok().map(|status| status.message)
        }
        kind if kind.starts_with(b"application/json") => json::message(body),
        _ => None,
    };
    match one_line(&message.unwrap_or_else(|| String::from_utf8_lossy(body).into_owned())) {
        text if text.is_empty() => text,
        text => format!(": {text}"),
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

#[cfg(test)]
mod tests {
    use super::*;

    // O-033, O-034
    #[test]
    fn a_partial_success_is_told_and_an_odd_body_is_a_success() {
        let told = Answer::Taken { rejected: 3, message: "too old".into() };
        let partial = PartialSuccess { rejected: 3, error_message: "too\nold".into() };
        let body = ExportResponse { partial_success: Some(partial) }.encode_to_vec();
        assert_eq!(partial_success(Encoding::Protobuf, &body), told);
        for number in ["3", "\"3\""] {
            let body =
                format!(r#"{{"partialSuccess":{{"rejectedSpans":{number},"errorMessage":"too\nold"}}}}"#);
            assert_eq!(partial_success(Encoding::Json, body.as_bytes()), told, "{body}");
        }
        for body in [&b""[..], b"{}", b"\xff\xff\xff\xff", b"<html>fine</html>", br#"{"partialSuccess":7}"#] {
            assert_eq!(partial_success(Encoding::Protobuf, body), Answer::TAKEN);
            assert_eq!(partial_success(Encoding::Json, body), Answer::TAKEN);
        }
    }

    #[test]
    fn the_reason_of_an_error_is_found_in_every_encoding() {
        let quoted = |kind: &'static str, body: &[u8]| {
            let kind = http::HeaderValue::from_static(kind);
            quote(&HeaderMap::from_iter([(header::CONTENT_TYPE, kind)]), body)
        };
        let status = Status { message: "too old".into() }.encode_to_vec();
        assert_eq!(quoted("application/x-protobuf", &status), ": too old");
        assert_eq!(quoted("application/json", br#"{"code":3,"message":"too old"}"#), ": too old");
        assert_eq!(quoted("application/json", b"{\"torn"), ": {\"torn");
        assert_eq!(quoted("text/plain", b"too old"), ": too old");
        assert_eq!(quoted("text/plain", b""), "");
    }

    #[test]
    fn foreign_text_becomes_one_bounded_line() {
        assert_eq!(one_line(" a\r\n\x1b[31mb "), "a   [31mb");
        assert_eq!(one_line(&"x".repeat(1000)).chars().count(), MAX_QUOTE_CHARS + 1);
    }
}
