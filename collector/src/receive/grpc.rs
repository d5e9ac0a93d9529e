//! OTLP/gRPC (O-050 to O-057): a unary call is one frame in, one frame and trailers out.

use super::{
    Receiver,
    coding::Coding,
    form::Form,
    http::success,
    status::{Code, Status},
};
use crate::{intake::Refusal, reply::Reply};
use base64::{Engine, engine::general_purpose::STANDARD_NO_PAD};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, header::CONTENT_TYPE};
use hyper::body::Incoming;
use std::fmt::Write;
use throughline_sender::Signal;

const STATUS: HeaderName = HeaderName::from_static("grpc-status");
const MESSAGE: HeaderName = HeaderName::from_static("grpc-message");
const DETAILS: HeaderName = HeaderName::from_static("grpc-status-details-bin");
const ENCODING: HeaderName = HeaderName::from_static("grpc-encoding");
const ACCEPTED: HeaderName = HeaderName::from_static("grpc-accept-encoding");
const GRPC: HeaderValue = HeaderValue::from_static("application/grpc");

/// One byte says whether the message is compressed, four how long it is.
const PREFIX: usize = 5;

/// Answers one call.
pub(crate) async fn answer(receiver: &Receiver, request: Request<Incoming>) -> Response<Reply> {
    let place = match receiver.enter(&request, false) {
        Ok(place) => place,
        Err(refusal) => {
            receiver.turn_away(Some(&refusal), request).await;
            return failure(&Status::from(&refusal));
        }
    };
    let path = request.uri().path();
    let Some(signal) = Signal::ALL.into_iter().find(|signal| path == signal.grpc_path()) else {
        receiver.turn_away(None, request).await;
        return misguided(Code::Unimplemented, "no such method; traces, metrics and logs are taken");
    };
    if request.method() != Method::POST {
        receiver.turn_away(None, request).await;
        return misguided(Code::Internal, "a call is a POST");
    }
    let encoding = request.headers().get(ENCODING).cloned();
    let coding = |body: &[u8]| coding(body, encoding.as_ref());
    let taken = receiver.take(signal, request, Form::Protobuf, PREFIX, coding).await;
    drop(place);
    match taken {
        Ok(taken) => reply(&success(signal, taken, Form::Protobuf)),
        Err(refusal) => {
            receiver.intake.count(&refusal);
            failure(&Status::from(&refusal))
        }
    }
}

fn misguided(code: Code, message: &str) -> Response<Reply> {
    failure(&Status::new(code, StatusCode::OK, message))
}

/// Checks the only frame of a unary call: how its message is compressed.
fn coding(body: &[u8], encoding: Option<&HeaderValue>) -> Result<Coding, Refusal> {
    if !frame(body)? {
        return Ok(Coding::Identity);
    }
    match Coding::named(encoding.map(HeaderValue::as_bytes).unwrap_or_default()) {
        Some(Coding::Identity) => Err(Refusal::Malformed(
            "the message is compressed, but grpc-encoding does not say how".to_owned(),
        )),
        Some(coding) => Ok(coding),
        None => Err(Refusal::Unsupported(
            "the compression of the message is not one that is taken; see grpc-accept-encoding".to_owned(),
        )),
    }
}

/// What the flag says. The message is all that is behind the prefix.
fn frame(body: &[u8]) -> Result<bool, Refusal> {
    let malformed = |cause: &str| Err(Refusal::Malformed(cause.to_owned()));
    let Some((&[flag, a, b, c, d], message)) = body.split_first_chunk::<PREFIX>() else {
        return malformed("the frame of the message is incomplete");
    };
    if message.len() != u32::from_be_bytes([a, b, c, d]) as usize {
        return malformed("the frame of the message has another length than it says");
    }
    match flag {
        0 => Ok(false),
        1 => Ok(true),
        _ => malformed("the frame of the message begins with an unknown flag"),
    }
}

fn reply(message: &[u8]) -> Response<Reply> {
    let mut frame = Vec::with_capacity(PREFIX + message.len());
    frame.push(0);
    // A partial success is a number and a sentence.
    frame.extend_from_slice(&(message.len() as u32).to_be_bytes());
    frame.extend_from_slice(message);
    let mut trailers = HeaderMap::new();
    trailers.insert(STATUS, HeaderValue::from(Code::Ok as u16));
    head(Response::new(Reply::with_trailers(Bytes::from(frame), trailers)))
}

/// An answer without a message: the trailers are the headers.
fn failure(status: &Status) -> Response<Reply> {
    let mut response = head(Response::new(Reply::default()));
    let headers = response.headers_mut();
    headers.insert(STATUS, HeaderValue::from(status.code as u16));
    if let Ok(message) = HeaderValue::try_from(percent(&status.message)) {
        headers.insert(MESSAGE, message);
    }
    // Base64 is a header value in any case.
    if status.has_details()
        && let Ok(details) = HeaderValue::try_from(STANDARD_NO_PAD.encode(status.protobuf()))
    {
        headers.insert(DETAILS, details);
    }
    response
}

fn head(mut response: Response<Reply>) -> Response<Reply> {
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, GRPC);
    headers.insert(ACCEPTED, HeaderValue::from_static(Coding::NAMES));
    response
}

fn percent(message: &str) -> String {
    let mut encoded = String::with_capacity(message.len());
    for byte in message.bytes() {
        match byte {
            b' '..=b'~' if byte != b'%' => encoded.push(char::from(byte)),
            _ => {
                let _ = write!(encoded, "%{byte:02X}");
            }
        }
    }
    encoded
}
