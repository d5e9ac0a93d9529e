//! OTLP/gRPC (O-050 to O-057): a unary call is one frame in, one frame and trailers out.

use super::{Receiver, foreign, http::success};
use crate::{intake::Refusal, reply::Reply};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, header::CONTENT_TYPE};
use hyper::body::Incoming;
use std::fmt::Write;
use throughline_sender::Signal;

const STATUS: HeaderName = HeaderName::from_static("grpc-status");
const MESSAGE: HeaderName = HeaderName::from_static("grpc-message");
const ENCODING: HeaderName = HeaderName::from_static("grpc-encoding");
const ACCEPTED: HeaderName = HeaderName::from_static("grpc-accept-encoding");
const GRPC: HeaderValue = HeaderValue::from_static("application/grpc");

/// One byte says whether the message is compressed, four how long it is.
const PREFIX: usize = 5;

/// The codes that are sent here.
#[derive(Clone, Copy)]
enum Code {
    Ok = 0,
    InvalidArgument = 3,
    DeadlineExceeded = 4,
    PermissionDenied = 7,
    ResourceExhausted = 8,
    Unimplemented = 12,
    Internal = 13,
    Unavailable = 14,
}

/// Answers one call.
pub(crate) async fn answer(receiver: &Receiver, request: Request<Incoming>) -> Response<Reply> {
    if let Some(refusal) = foreign(receiver, &request) {
        receiver.turn_away(Some(&refusal), request).await;
        return refused(&refusal);
    }
    let path = request.uri().path();
    let Some(signal) = Signal::ALL.into_iter().find(|signal| path == signal.grpc_path()) else {
        receiver.turn_away(None, request).await;
        return failure(Code::Unimplemented, "no such method; traces, metrics and logs are taken");
    };
    if request.method() != Method::POST {
        receiver.turn_away(None, request).await;
        return failure(Code::Internal, "a call is a POST");
    }
    let encoding = request.headers().get(ENCODING).cloned();
    match receiver.take(signal, request, PREFIX, |body| is_zipped(body, encoding.as_ref())).await {
        Ok(taken) => reply(&success(taken)),
        Err(refusal) => {
            receiver.intake.count(&refusal);
            refused(&refusal)
        }
    }
}

fn refused(refusal: &Refusal) -> Response<Reply> {
    let code = match refusal {
        Refusal::Malformed(_) => Code::InvalidArgument,
        Refusal::TooLarge(_) => Code::ResourceExhausted,
        Refusal::Slow(_) => Code::DeadlineExceeded,
        Refusal::Unsupported(_) => Code::Unimplemented,
        Refusal::Foreign(_) => Code::PermissionDenied,
        Refusal::Busy(_) => Code::Unavailable,
    };
    failure(code, refusal.cause())
}

/// Checks the only frame of a unary call: whether its message is compressed.
fn is_zipped(body: &[u8], encoding: Option<&HeaderValue>) -> Result<bool, Refusal> {
    if !frame(body)? {
        return Ok(false);
    }
    match encoding.map(HeaderValue::as_bytes) {
        Some(b"gzip") => Ok(true),
        None | Some(b"identity") => Err(Refusal::Malformed(
            "the message is compressed, but grpc-encoding does not say how".to_owned(),
        )),
        Some(_) => Err(Refusal::Unsupported("the compression of the message is not gzip".to_owned())),
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
fn failure(code: Code, message: &str) -> Response<Reply> {
    let mut response = head(Response::new(Reply::default()));
    response.headers_mut().insert(STATUS, HeaderValue::from(code as u16));
    if let Ok(message) = HeaderValue::try_from(percent(message)) {
        response.headers_mut().insert(MESSAGE, message);
    }
    response
}

fn head(mut response: Response<Reply>) -> Response<Reply> {
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, GRPC);
    headers.insert(ACCEPTED, HeaderValue::from_static("identity,gzip"));
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
