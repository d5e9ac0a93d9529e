//! One request, one answer: OTLP over HTTP.

use crate::{
    Answer, Compression, Dialect, Remote, Signal, Spoken, Unspeakable,
    compress::compressed,
    connection::Connection,
    content::Content,
    json,
    response::{MAX_RESPONSE_BYTES, partial_success, quote},
    retry,
};
use bytes::Bytes;
use http::{HeaderValue, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Limited};
use std::time::SystemTime;

/// How OTLP is written down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Encoding {
    Protobuf,
    Json,
}

/// One attempt, without a time limit.
pub(crate) async fn send(connection: &mut Connection, encoding: Encoding, body: Content) -> Answer {
    if let Some(dialect) = connection.remote.dialect.clone() {
        return speak(connection, &dialect, body).await;
    }
    let remote = &connection.remote;
    // The exact strings: Prometheus and Loki compare them (O-040).
    let (body, kind) = match encoding {
        Encoding::Protobuf => (body, "application/x-protobuf"),
        Encoding::Json => match json::to_json(connection.signal, &body.whole()) {
            Ok(json) => (Bytes::from(json).into(), "application/json"),
            Err(fault) => return Answer::Refused { cause: format!("not sent to {remote}: {fault}") },
        },
    };
    let request = request(connection, kind, remote.compression, body);
    match connection.exchange(request).await {
        Ok(response) => read(connection, response, |body| partial_success(connection, encoding, body)).await,
        Err(answer) => answer,
    }
}

/// One attempt in other words: all messages, or up to the first that is not taken.
async fn speak(connection: &mut Connection, dialect: &Dialect, body: Content) -> Answer {
    let remote = &connection.remote;
    let Spoken { messages, rejected, reason } = match dialect.speak(connection.signal, &body.whole()) {
        Ok(spoken) => spoken,
        Err(Unspeakable::Refused(fault)) => {
            return Answer::Refused { cause: format!("not sent to {remote}: {fault}") };
        }
        Err(Unspeakable::TooLarge(fault)) => {
            return Answer::TooLarge { cause: format!("not sent to {remote}: {fault}") };
        }
    };
    for message in messages {
        let compression = match message.is_compressed {
            true => Compression::None,
            false => connection.remote.compression,
        };
        let mut request = request(connection, message.content_type, compression, message.body.into());
        request.headers_mut().extend(message.headers);
        let answer = match connection.exchange(request).await {
            Ok(response) => read(connection, response, |_| Answer::TAKEN).await,
            Err(answer) => answer,
        };
        if !matches!(answer, Answer::Taken { .. }) {
            return answer;
        }
    }
    Answer::Taken { rejected, message: reason }
}

fn request(
    connection: &Connection,
    kind: &'static str,
    compression: Compression,
    body: Content,
) -> Request<Content> {
    let (body, coding) = compressed(compression, body);
    let mut request = Request::new(body);
    *request.method_mut() = http::Method::POST;
    *request.uri_mut() = connection.remote.url.clone();
    *request.headers_mut() = connection.headers();
    let headers = request.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    if let Some(coding) = coding {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(coding));
    }
    request
}

async fn read(
    connection: &Connection,
    response: Response<hyper::body::Incoming>,
    taken: impl FnOnce(&[u8]) -> Answer,
) -> Answer {
    let Connection { remote, signal, .. } = connection;
    let (head, body) = response.into_parts();
    let body = match Limited::new(body, MAX_RESPONSE_BYTES).collect().await {
        Ok(body) => body.to_bytes(),
        // The status has been seen: a success whose body breaks off is still a success (O-034).
        Err(_) if head.status.is_success() => return Answer::TAKEN,
        Err(error) => Bytes::from(format!("the response broke off: {error}")),
    };
    if head.status.is_success() {
        return taken(&body);
    }
    let words = quote(connection, &head.headers, &body);
    let cause = format!("{remote} answered {}{words}", head.status);
    let may_repeat = match remote.dialect {
        None => retry::http_may_repeat(head.status),
        Some(_) => head.status == StatusCode::TOO_MANY_REQUESTS || head.status.is_server_error(),
    };
    if head.status == StatusCode::PAYLOAD_TOO_LARGE {
        Answer::TooLarge { cause }
    } else if head.status == StatusCode::BAD_REQUEST {
        Answer::Malformed { cause }
    } else if may_repeat {
        Answer::Busy { cause, after: retry::retry_after(&head.headers, SystemTime::now()) }
    } else {
        Answer::Refused { cause: cause + hint(head.status, *signal, remote) }
    }
}

/// The way out of the mistakes that people make most.
fn hint(status: StatusCode, signal: Signal, remote: &Remote) -> &'static str {
    let path = remote.url.path().trim_end_matches('/');
    match status.as_u16() {
        401 | 403 => "; check the user, the token or the headers of this destination",
        404 if remote.dialect.is_some() => "; check the path of this destination",
        404 if !path.ends_with(signal.http_path()) => match signal {
            Signal::Traces => "; a per-signal endpoint is used as it is: add /v1/traces",
            Signal::Metrics => "; a per-signal endpoint is used as it is: add /v1/metrics",
            Signal::Logs => "; a per-signal endpoint is used as it is: add /v1/logs",
        },
        _ => "",
    }
}
