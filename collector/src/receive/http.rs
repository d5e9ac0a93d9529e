//! OTLP/HTTP with protobuf (O-060 to O-068).

use super::{Receiver, foreign};
use crate::{
    intake::{Refusal, Taken},
    otlp::{BadRequest, Detail, Partial, Response as Export, Rpc, Violation},
    reply::Reply,
};
use http::{
    HeaderMap, HeaderValue, Method, Request, Response, StatusCode,
    header::{ALLOW, CONTENT_ENCODING, CONTENT_TYPE, RETRY_AFTER},
};
use hyper::body::Incoming;
use prost::Message;
use throughline_sender::Signal;

const PROTOBUF: &str = "application/x-protobuf";
const JSON: &str = "application/json";
const TEXT: &str = "text/plain; charset=utf-8";

/// After how many seconds a client that was sent away may come again.
const COME_AGAIN: HeaderValue = HeaderValue::from_static("1");

/// Answers one request.
pub(crate) async fn answer(receiver: &Receiver, request: Request<Incoming>) -> Response<Reply> {
    if let Some(refusal) = foreign(receiver, &request) {
        receiver.turn_away(Some(&refusal), request).await;
        return refused(&refusal);
    }
    let (signal, is_zipped) = match admit(&request) {
        Ok(admitted) => admitted,
        Err(turn) => {
            receiver.turn_away(None, request).await;
            return turn.answer();
        }
    };
    match receiver.take(signal, request, 0, |_| Ok(is_zipped)).await {
        Ok(taken) => full(StatusCode::OK, PROTOBUF, success(taken)),
        Err(refusal) => {
            receiver.intake.count(&refusal);
            refused(&refusal)
        }
    }
}

/// Why a request is turned away by its head alone.
enum Turn {
    Path,
    Method,
    Json,
    Kind,
    Encoding,
}

impl Turn {
    fn answer(self) -> Response<Reply> {
        match self {
            Turn::Path => {
                text(StatusCode::NOT_FOUND, "no such path; take /v1/traces, /v1/metrics or /v1/logs\n")
            }
            Turn::Method => {
                let mut response =
                    text(StatusCode::METHOD_NOT_ALLOWED, "telemetry is taken with POST only\n");
                response.headers_mut().insert(ALLOW, HeaderValue::from_static("POST"));
                response
            }
            Turn::Json => {
                let message = "application/json is not taken yet; send application/x-protobuf \
                               (OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf)\n";
                text(StatusCode::UNSUPPORTED_MEDIA_TYPE, message)
            }
            Turn::Kind => text(StatusCode::UNSUPPORTED_MEDIA_TYPE, "send application/x-protobuf\n"),
            Turn::Encoding => {
                refused(&Refusal::Unsupported("the encoding of the body is not gzip or identity".to_owned()))
            }
        }
    }
}

/// What comes, and whether it is compressed.
fn admit(request: &Request<Incoming>) -> Result<(Signal, bool), Turn> {
    let path = request.uri().path();
    let signal = Signal::ALL.into_iter().find(|signal| path.strip_prefix('/') == Some(signal.http_path()));
    let signal = signal.ok_or(Turn::Path)?;
    if request.method() != Method::POST {
        return Err(Turn::Method);
    }
    match media_type(request.headers()) {
        Some(kind) if kind.eq_ignore_ascii_case(PROTOBUF) => {}
        Some(kind) if kind.eq_ignore_ascii_case(JSON) => return Err(Turn::Json),
        _ => return Err(Turn::Kind),
    }
    match request.headers().get(CONTENT_ENCODING).map(|encoding| encoding.as_bytes().trim_ascii()) {
        None | Some(b"") => Ok((signal, false)),
        Some(encoding) if encoding.eq_ignore_ascii_case(b"identity") => Ok((signal, false)),
        Some(encoding) if encoding.eq_ignore_ascii_case(b"gzip") => Ok((signal, true)),
        Some(_) => Err(Turn::Encoding),
    }
}

/// The `Export…ServiceResponse`: nothing at all after a full success (O-061).
pub(crate) fn success(taken: Taken) -> Vec<u8> {
    if taken == Taken::default() {
        return Vec::new();
    }
    let rejected = i64::try_from(taken.rejected).unwrap_or(i64::MAX);
    Export { partial: Some(Partial { rejected, message: taken.message }) }.encode_to_vec()
}

fn refused(refusal: &Refusal) -> Response<Reply> {
    // The second number is the same fault as a code of gRPC, as `google.rpc.Status` wants it.
    let (status, code) = match refusal {
        Refusal::Malformed(_) => (StatusCode::BAD_REQUEST, 3),
        Refusal::TooLarge(_) => (StatusCode::PAYLOAD_TOO_LARGE, 8),
        Refusal::Slow(_) => (StatusCode::REQUEST_TIMEOUT, 4),
        Refusal::Unsupported(_) => (StatusCode::UNSUPPORTED_MEDIA_TYPE, 3),
        Refusal::Foreign(_) => (StatusCode::FORBIDDEN, 7),
        Refusal::Busy(_) => (StatusCode::SERVICE_UNAVAILABLE, 14),
    };
    let mut rpc = Rpc { code, message: refusal.cause().to_owned(), details: Vec::new() };
    if let Refusal::Malformed(cause) = refusal {
        let violation = Violation { field: "body".to_owned(), description: cause.clone() };
        let value = BadRequest { violations: vec![violation] }.encode_to_vec();
        rpc.details.push(Detail { type_url: "type.googleapis.com/google.rpc.BadRequest".to_owned(), value });
    }
    let mut response = full(status, PROTOBUF, rpc.encode_to_vec());
    if let Refusal::Busy(_) = refusal {
        response.headers_mut().insert(RETRY_AFTER, COME_AGAIN);
    }
    response
}

fn media_type(headers: &HeaderMap) -> Option<&str> {
    headers.get(CONTENT_TYPE)?.to_str().ok()?.split(';').next().map(str::trim)
}

fn text(status: StatusCode, message: &'static str) -> Response<Reply> {
    full(status, TEXT, message.into())
}

fn full(status: StatusCode, kind: &'static str, body: Vec<u8>) -> Response<Reply> {
    let mut response = Response::new(Reply::of(body));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}
