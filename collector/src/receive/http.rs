//! OTLP/HTTP in protobuf and in JSON (O-060 to O-069).

use super::{
    Receiver,
    coding::Coding,
    cors,
    form::Form,
    status::{COME_AGAIN, Code, Status},
};
use crate::{
    intake::{Refusal, Taken},
    otlp::{Partial, Response as Export},
    reply::Reply,
};
use http::{
    HeaderMap, HeaderValue, Method, Request, Response, StatusCode,
    header::{ACCEPT_ENCODING, ALLOW, CONTENT_ENCODING, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE},
};
use hyper::body::Incoming;
use prost::Message;
use serde_json::{Map, json};
use throughline_sender::Signal;

/// Answers one request.
pub(crate) async fn answer(receiver: &Receiver, request: Request<Incoming>) -> Response<Reply> {
    let origin = receiver.cors.as_ref().and_then(|policy| policy.origin(request.headers()));
    let policy = receiver.cors.as_ref().filter(|_| origin.is_some() && signal(&request).is_some());
    let mut response = match policy.and_then(|policy| policy.preflight(&request)) {
        Some(response) => response,
        None => take(receiver, request, origin.is_some()).await,
    };
    if let Some(origin) = origin {
        cors::show(&mut response, origin);
    }
    response
}

async fn take(receiver: &Receiver, request: Request<Incoming>, is_invited: bool) -> Response<Reply> {
    let form = Form::of(request.headers());
    let place = match receiver.enter(&request, is_invited) {
        Ok(place) => place,
        Err(refusal) => {
            receiver.turn_away(Some(&refusal), request).await;
            return refused(receiver, &refusal, form);
        }
    };
    let (signal, form, coding) = match admit(&request, form) {
        Ok(admitted) => admitted,
        Err(turn) => {
            receiver.turn_away(None, request).await;
            return turn.answer(form);
        }
    };
    let taken = receiver.take(signal, request, form, 0, |_| Ok(coding)).await;
    drop(place);
    match taken {
        Ok(taken) => full(StatusCode::OK, form.content_type(), success(signal, taken, form)),
        Err(refusal) => {
            receiver.intake.count(&refusal);
            refused(receiver, &refusal, Some(form))
        }
    }
}

/// Why a request is turned away by its head alone.
enum Turn {
    Path,
    Method,
    Kind,
    Encoding,
}

impl Turn {
    fn answer(self, form: Option<Form>) -> Response<Reply> {
        let (code, http, message) = match self {
            Turn::Path => (
                Code::Unimplemented,
                StatusCode::NOT_FOUND,
                "no such path; take /v1/traces, /v1/metrics or /v1/logs",
            ),
            Turn::Method => {
                (Code::Unimplemented, StatusCode::METHOD_NOT_ALLOWED, "telemetry is taken with POST only")
            }
            Turn::Kind => (
                Code::InvalidArgument,
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "send application/x-protobuf or application/json",
            ),
            Turn::Encoding => (
                Code::Unimplemented,
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "the encoding of the body is not one that is taken; see Accept-Encoding",
            ),
        };
        let mut response = told(&Status::new(code, http, message), form);
        match self {
            Turn::Method => response.headers_mut().insert(ALLOW, HeaderValue::from_static("POST")),
            Turn::Encoding => {
                response.headers_mut().insert(ACCEPT_ENCODING, HeaderValue::from_static(Coding::NAMES))
            }
            Turn::Path | Turn::Kind => None,
        };
        response
    }
}

fn signal<B>(request: &Request<B>) -> Option<Signal> {
    let path = request.uri().path().strip_prefix('/')?;
    Signal::ALL.into_iter().find(|signal| path == signal.http_path())
}

/// What comes, in which form, and how it is compressed.
fn admit(request: &Request<Incoming>, form: Option<Form>) -> Result<(Signal, Form, Coding), Turn> {
    let signal = signal(request).ok_or(Turn::Path)?;
    if request.method() != Method::POST {
        return Err(Turn::Method);
    }
    Ok((signal, form.ok_or(Turn::Kind)?, coding(request.headers()).ok_or(Turn::Encoding)?))
}

/// At most one encoding is taken off.
fn coding(headers: &HeaderMap) -> Option<Coding> {
    let mut encodings = headers.get_all(CONTENT_ENCODING).iter();
    let coding = encodings
        .next()
        .map_or(Some(Coding::Identity), |encoding| Coding::named(encoding.as_bytes().trim_ascii()));
    coding.filter(|_| encodings.next().is_none())
}

/// The `Export…ServiceResponse`: of a full success nothing at all, or an empty object (O-061).
pub(crate) fn success(signal: Signal, taken: Taken, form: Form) -> Vec<u8> {
    let is_full = taken == Taken::default();
    let rejected = i64::try_from(taken.rejected).unwrap_or(i64::MAX);
    match form {
        Form::Protobuf if is_full => Vec::new(),
        Form::Json if is_full => b"{}".to_vec(),
        Form::Protobuf => {
            Export { partial: Some(Partial { rejected, message: taken.message }) }.encode_to_vec()
        }
        Form::Json => {
            let name = match signal {
                Signal::Traces => "rejectedSpans",
                Signal::Metrics => "rejectedDataPoints",
                Signal::Logs => "rejectedLogRecords",
            };
            let mut partial = Map::new();
            partial.insert(name.to_owned(), rejected.to_string().into());
            partial.insert("errorMessage".to_owned(), taken.message.into());
            json!({ "partialSuccess": partial }).to_string().into_bytes()
        }
    }
}

fn refused(receiver: &Receiver, refusal: &Refusal, form: Option<Form>) -> Response<Reply> {
    let status = Status::from(refusal);
    let mut response = told(&status, form);
    if status.is_for_now() {
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(COME_AGAIN));
    }
    if status.code == Code::Unauthenticated {
        for challenge in receiver.guard.challenges() {
            response.headers_mut().append(WWW_AUTHENTICATE, challenge.clone());
        }
    }
    response
}

/// In the form of the request, or for people if it has none (O-064).
fn told(status: &Status, form: Option<Form>) -> Response<Reply> {
    match form {
        Some(form) => full(status.http, form.content_type(), status.body(form)),
        None => full(status.http, "text/plain; charset=utf-8", format!("{}\n", status.message).into()),
    }
}

fn full(status: StatusCode, kind: &'static str, body: Vec<u8>) -> Response<Reply> {
    let mut response = Response::new(Reply::of(body));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}
