//! What a server says of a request that it has read, put into our words.

use crate::{Answer, connection::Connection, http::Encoding, json};
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
pub(crate) fn partial_success(connection: &Connection, encoding: Encoding, body: &[u8]) -> Answer {
    let partial = match encoding {
        Encoding::Protobuf => ExportResponse::decode(body).ok().and_then(|response| response.partial_success),
        Encoding::Json => json::partial_success(body)
            .map(|(rejected, error_message)| PartialSuccess { rejected, error_message }),
    };
    partial.map_or(Answer::TAKEN, |partial| Answer::Taken {
        rejected: u64::try_from(partial.rejected).unwrap_or(0),
        message: connection.told(&partial.error_message),
    })
}

/// What is quoted of a `google.rpc.Status`.
#[derive(Clone, PartialEq, Message)]
struct Status {
    #[prost(string, tag = "2")]
    message: String,
}

/// The reason that an error response gives, as `: reason`.
pub(crate) fn quote(connection: &Connection, headers: &HeaderMap, body: &[u8]) -> String {
    let kind = headers.get(header::CONTENT_TYPE).map_or(&b""[..], |value| value.as_bytes());
    let message = match kind {
        kind if kind.starts_with(b"application/x-protobuf") => {
            Status::decode(body).ok().map(|status| status.message)
        }
        kind if kind.starts_with(b"application/json") => json::message(body),
        _ => None,
    };
    match connection.told(&message.unwrap_or_else(|| String::from_utf8_lossy(body).into_owned())) {
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
    use crate::{Credentials, Protocol, Remote, Secret, Signal};
    use http::HeaderValue;
    use proptest::{prelude::*, sample::select};

    /// Bytes, and what is nearly an answer: a whole one in which some bytes are others.
    fn answers() -> impl Strategy<Value = Vec<u8>> {
        let partial = PartialSuccess { rejected: 3, error_message: "too\nold".into() };
        let protobuf = ExportResponse { partial_success: Some(partial) }.encode_to_vec();
        let json = br#"{"a":[{}],"partialSuccess":{"rejectedSpans":"3","errorMessage":"t\u0000\ud83d old"},"code":3,"message":"m"}"#;
        let changes = prop::collection::vec((any::<usize>(), any::<u8>()), 0..4);
        let nearly = (select(vec![protobuf, json.to_vec()]), changes).prop_map(|(mut answer, changes)| {
            for (place, byte) in changes {
                let place = place % answer.len();
                answer[place] = byte;
            }
            answer
        });
        prop_oneof![any::<Vec<u8>>(), nearly]
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 3000, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn no_answer_can_make_it_panic_or_tell_more_than_one_bounded_line(
            body in answers(),
            kind in select(vec!["application/x-protobuf", "application/json", "text/html"]),
        ) {
            let connection = connection("canary-0123");
            let headers = HeaderMap::from_iter([(header::CONTENT_TYPE, HeaderValue::from_static(kind))]);
            let mut told = vec![quote(&connection, &headers, &body)];
            for encoding in [Encoding::Protobuf, Encoding::Json] {
                match super::partial_success(&connection, encoding, &body) {
                    Answer::Taken { message, .. } => told.push(message),
                    other => prop_assert!(false, "{other:?}"),
                }
            }
            for words in told {
                let is_bounded = words.chars().count() <= MAX_QUOTE_CHARS + 3;
                prop_assert!(is_bounded && !words.chars().any(char::is_control), "{words:?}");
            }
        }
    }

    fn connection(secret: &str) -> Connection {
        let mut remote = Remote::new(Protocol::HttpJson, "http://127.0.0.1:9/".parse().unwrap());
        remote.headers.insert("x-key", HeaderValue::try_from(secret).unwrap());
        remote.credentials = Some(Credentials::Basic { user: "me".into(), password: Secret::value(secret) });
        Connection::new(Signal::Traces, remote).unwrap()
    }

    fn partial_success(encoding: Encoding, body: &[u8]) -> Answer {
        super::partial_success(&connection("canary-0123"), encoding, body)
    }

    // O-093
    #[test]
    fn a_secret_that_the_server_repeats_is_not_passed_on() {
        let (connection, short) = (connection("canary-0123"), connection("no"));
        let encoded = crate::basic("me", "canary-0123");
        let encoded = encoded.to_str().unwrap();
        let words = format!("no canary-0123, {encoded}, {} {}canary-0123", &encoded[6..], "x".repeat(190));
        let told = connection.told(&words);
        assert!(told.starts_with("no …, …, … xxx") && !told.contains("canary"), "{told}");
        // A short one is told from other words by where it ends.
        assert_eq!(short.told("not so: me:no, \"no\" and no"), "not so: me:…, \"…\" and …");
    }

    // O-093: what is written in a variable as it goes out, and part of what else is sent.
    #[test]
    fn a_password_that_a_header_encodes_is_not_passed_on() {
        let mut remote = Remote::new(Protocol::HttpJson, "http://127.0.0.1:9/".parse().unwrap());
        remote.headers.insert("x-tenant", HeaderValue::from_static("shop"));
        remote.headers.insert("authorization", crate::basic("me", "shop-canary"));
        let connection = Connection::new(Signal::Traces, remote).unwrap();
        assert_eq!(
            connection.told("shop-canary is wrong for me, shopping at shop"),
            "… is wrong for me, shopping at …"
        );
    }

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
            let kind = HeaderValue::from_static(kind);
            quote(&connection("canary-0123"), &HeaderMap::from_iter([(header::CONTENT_TYPE, kind)]), body)
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
