//! One request, one answer: OTLP over gRPC.
//!
//! A unary gRPC call is one HTTP/2 request whose body is the message behind five bytes, and whose status
//! comes in the trailers. The protobuf bytes are the same as over HTTP, so no gRPC library is needed.

use crate::{
    Answer, Heard,
    compress::compressed,
    connection::Connection,
    content::Content,
    http::Encoding,
    response::{MAX_RESPONSE_BYTES, partial_success},
    retry,
};
use base64::{
    Engine, alphabet, engine::DecodePaddingMode, engine::GeneralPurpose, engine::GeneralPurposeConfig,
};
use bytes::{BufMut, BytesMut};
use http::{HeaderMap, HeaderValue, Request, Response, Uri, header};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use prost::Message;
use std::time::Duration;

/// The compressed flag and the length before each message.
const PREFIX_BYTES: usize = 5;
const INVALID_ARGUMENT: u32 = 3;
const RETRY_INFO: &str = "type.googleapis.com/google.rpc.RetryInfo";

/// One attempt, without a time limit.
pub(crate) async fn send(connection: &mut Connection, body: Content) -> Answer {
    let remote = &connection.remote;
    let mut request = Request::new(Content::default());
    *request.method_mut() = http::Method::POST;
    *request.uri_mut() = match method(connection) {
        Ok(uri) => uri,
        Err(error) => return Answer::Refused { cause: format!("{remote}: {error}") },
    };
    *request.headers_mut() = connection.headers();
    let headers = request.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
    headers.insert(header::TE, HeaderValue::from_static("trailers"));
    let (body, coding) = compressed(remote.compression, body);
    if let Some(coding) = coding {
        headers.insert("grpc-encoding", HeaderValue::from_static(coding));
    }
    *request.body_mut() = frame(body, coding.is_some());
    match connection.exchange(request).await {
        Ok(response) => read(connection, response).await,
        Err(answer) => answer,
    }
}

async fn read(connection: &mut Connection, response: Response<hyper::body::Incoming>) -> Answer {
    let (head, body) = response.into_parts();
    if !head.status.is_success() {
        let cause = format!(
            "{} answered {}, not as gRPC does; use http/protobuf or another port",
            connection.remote, head.status
        );
        return match retry::http_may_repeat(head.status) {
            true => Answer::Busy { cause, after: None },
            false => Answer::Refused { cause },
        };
    }
    // A success of HTTP is not yet one of gRPC.
    connection.heard = Heard::Other;
    if let Some(answer) = status(connection, &head.headers, &[]) {
        return answer; // "trailers-only"
    }
    match Limited::new(body, MAX_RESPONSE_BYTES).collect().await {
        // It may have been taken: to send it again could only be refused again, or be one too many.
        Err(error) if error.is::<LengthLimitError>() => Answer::Refused {
            cause: format!("{} answered with more than {MAX_RESPONSE_BYTES} bytes", connection.remote),
        },
        Err(error) => Answer::Unanswered {
            cause: format!("{}: the response broke off: {error}", connection.remote),
            at_once: false,
        },
        Ok(collected) => {
            let trailers = collected.trailers().cloned().unwrap_or_default();
            let answer = status(connection, &trailers, &collected.to_bytes());
            answer.unwrap_or_else(|| Answer::Refused {
                cause: format!("{} answered without a grpc-status; does it speak gRPC?", connection.remote),
            })
        }
    }
}

fn method(connection: &Connection) -> Result<Uri, http::Error> {
    let url = &connection.remote.url;
    Uri::builder()
        .scheme(url.scheme_str().unwrap_or("http"))
        .authority(url.authority().map_or("", |authority| authority.as_str()))
        .path_and_query(connection.signal.grpc_path())
        .build()
}

fn status(connection: &mut Connection, trailers: &HeaderMap, body: &[u8]) -> Option<Answer> {
    let code: u32 = trailers.get("grpc-status")?.to_str().ok()?.parse().unwrap_or(2);
    connection.heard = Heard::over_grpc(code);
    if code == 0 {
        // A compressed response was not asked for, so the message is plain.
        let message = body.get(PREFIX_BYTES..).unwrap_or_default();
        return Some(partial_success(connection, Encoding::Protobuf, message));
    }
    let message =
        trailers.get("grpc-message").map_or(String::new(), |value| percent_decode(value.as_bytes()));
    let after = trailers.get("grpc-status-details-bin").and_then(|value| retry_delay(value.as_bytes()));
    let cause = format!("{} answered {}: {}", connection.remote, name(code), connection.told(&message));
    Some(match retry::grpc_may_repeat(code, after.is_some()) {
        _ if after.is_none() && retry::grpc_too_large(code, &message) => Answer::TooLarge { cause },
        true => Answer::Busy { cause, after },
        false if code == INVALID_ARGUMENT => Answer::Malformed { cause },
        false => Answer::Refused { cause },
    })
}

fn frame(message: Content, compressed: bool) -> Content {
    let mut prefix = BytesMut::with_capacity(PREFIX_BYTES);
    prefix.put_u8(u8::from(compressed));
    prefix.put_u32(u32::try_from(message.length()).unwrap_or(u32::MAX));
    message.behind(prefix.freeze())
}

fn name(code: u32) -> &'static str {
    const NAMES: [&str; 17] = [
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
    NAMES.get(code as usize).copied().unwrap_or("an unknown gRPC code")
}

fn percent_decode(value: &[u8]) -> String {
    let hex = |byte: u8| char::from(byte).to_digit(16);
    let mut decoded = Vec::with_capacity(value.len());
    let mut rest = value;
    while let [first, tail @ ..] = rest {
        rest = tail;
        match (first, tail) {
            (b'%', [high, low, tail @ ..]) if hex(*high).is_some() && hex(*low).is_some() => {
                decoded.push((hex(*high).unwrap_or(0) * 16 + hex(*low).unwrap_or(0)) as u8);
                rest = tail;
            }
            _ => decoded.push(*first),
        }
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

#[derive(Clone, PartialEq, Message)]
struct Status {
    #[prost(message, repeated, tag = "3")]
    details: Vec<Any>,
}

#[derive(Clone, PartialEq, Message)]
struct Any {
    #[prost(string, tag = "1")]
    type_url: String,
    #[prost(bytes = "vec", tag = "2")]
    value: Vec<u8>,
}

#[derive(Clone, PartialEq, Message)]
struct RetryInfo {
    #[prost(message, optional, tag = "1")]
    retry_delay: Option<Delay>,
}

/// `google.protobuf.Duration`.
#[derive(Clone, PartialEq, Message)]
struct Delay {
    #[prost(int64, tag = "1")]
    seconds: i64,
    #[prost(int32, tag = "2")]
    nanos: i32,
}

/// The delay of a `RetryInfo` among the details of a `google.rpc.Status` (O-032).
fn retry_delay(details: &[u8]) -> Option<Duration> {
    // Metadata is base64 with or without padding.
    let lenient = GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    let bytes = GeneralPurpose::new(&alphabet::STANDARD, lenient).decode(details).ok()?;
    let status = Status::decode(bytes.as_slice()).ok()?;
    let info = status.details.iter().find(|any| any.type_url == RETRY_INFO)?;
    let delay = RetryInfo::decode(info.value.as_slice()).ok()?.retry_delay.unwrap_or_default();
    Some(Duration::new(
        u64::try_from(delay.seconds).unwrap_or(0),
        u32::try_from(delay.nanos).unwrap_or(0).min(999_999_999),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Protocol, Remote, Signal};
    use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig { cases: 3000, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn no_trailers_can_make_it_panic_or_tell_more_than_one_line(
            code in prop_oneof![any::<Vec<u8>>(), (0_u32..18).prop_map(|code| code.to_string().into_bytes())],
            message in prop_oneof![any::<Vec<u8>>(), "(%[0-9A-F]{2}|.){0,20}".prop_map(String::into_bytes)],
            details in prop_oneof![
                any::<Vec<u8>>(),
                any::<Vec<u8>>().prop_map(|bytes| STANDARD.encode(bytes).into_bytes()),
                (any::<i64>(), any::<i32>(), any::<Vec<u8>>()).prop_map(|(seconds, nanos, more)| {
                    let info = RetryInfo { retry_delay: Some(Delay { seconds, nanos }) };
                    let value = [info.encode_to_vec(), more].concat();
                    let status = Status { details: vec![Any { type_url: RETRY_INFO.into(), value }] };
                    STANDARD_NO_PAD.encode(status.encode_to_vec()).into_bytes()
                }),
            ],
            body in any::<Vec<u8>>(),
        ) {
            let fields = [("grpc-status", code), ("grpc-message", message), ("grpc-status-details-bin", details)];
            let mut trailers = HeaderMap::new();
            for (name, value) in fields {
                if let Ok(value) = HeaderValue::from_bytes(&value) {
                    trailers.insert(name, value);
                }
            }
            let remote = Remote::new(Protocol::Grpc, "http://127.0.0.1:9/".parse().unwrap());
            let mut connection = Connection::new(Signal::Traces, remote).unwrap();
            if let Some(answer) = status(&mut connection, &trailers, &body) {
                let told = format!("{answer:?}");
                let words = match answer {
                    Answer::Taken { message, .. } => message,
                    Answer::Busy { cause, .. } | Answer::TooLarge { cause } => cause,
                    Answer::Refused { cause } | Answer::Malformed { cause } => cause,
                    Answer::Unanswered { .. } => return Err(TestCaseError::fail(told)),
                };
                prop_assert!(!words.chars().any(char::is_control), "{words:?}");
            }
        }
    }

    // O-032
    #[test]
    fn the_delay_of_retry_info_is_found_with_and_without_padding() {
        let info = RetryInfo { retry_delay: Some(Delay { seconds: 2, nanos: 500_000_000 }) }.encode_to_vec();
        let status =
            Status { details: vec![Any { type_url: RETRY_INFO.into(), value: info }] }.encode_to_vec();
        for encoded in [STANDARD.encode(&status), STANDARD_NO_PAD.encode(&status)] {
            assert_eq!(retry_delay(encoded.as_bytes()), Some(Duration::from_millis(2500)));
        }
        assert_eq!(retry_delay(b"!"), None);
        assert_eq!(retry_delay(b""), None);
    }

    #[test]
    fn a_grpc_message_is_percent_decoded() {
        assert_eq!(percent_decode(b"50%25 caf%C3%A9 %zz %"), "50% caf\u{e9} %zz %");
    }
}
