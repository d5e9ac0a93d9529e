//! One request, one answer: OTLP over HTTP.

use crate::{
    Answer, Remote, Signal,
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
    let remote = &connection.remote;
    let body = match encoding {
        Encoding::Protobuf => body,
        Encoding::Json => match json::to_json(connection.signal, &body.whole()) {
            Ok(json) => Bytes::from(json).into(),
            Err(fault) => return Answer::Refused { cause: format!("not sent to {remote}: {fault}") },
        },
    };
    let mut request = Request::new(Content::default());
    *request.method_mut() = http::Method::POST;
    *request.uri_mut() = remote.url.clone();
    *request.headers_mut() = connection.headers();
    let headers = request.headers_mut();
    // The exact strings: Prometheus and Loki compare them (O-040).
    let kind = match encoding {
        Encoding::Protobuf => "application/x-protobuf",
        Encoding::Json => "application/json",
    };
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    let (body, coding) = compressed(remote.compression, body);
    if let Some(coding) = coding {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(coding));
    }
    *request.body_mut() = body;
    match connection.exchange(request).await {
        Ok(response) => read(connection, encoding, response).await,
        Err(answer) => answer,
    }
}

async fn read(
    connection: &Connection,
    encoding: Encoding,
    response: Response<hyper::body::Incoming>,
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
        return partial_success(connection, encoding, &body);
    }
    let words = quote(connection, &head.headers, &body);
    let cause = format!("{remote} answered {}{words}", head.status);
    if head.status == StatusCode::PAYLOAD_TOO_LARGE {
        Answer::TooLarge { cause }
    } else if head.status == StatusCode::BAD_REQUEST {
        Answer::Malformed { cause }
    } else if retry::http_may_repeat(head.status) {
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
        404 if !path.ends_with(signal.http_path()) => match signal {
            Signal::Traces => "; a per-signal endpoint is used as it is: add /v1/traces",
            Signal::Metrics => "; a per-signal endpoint is used as it is: add /v1/metrics",
            Signal::Logs => "; a per-signal endpoint is used as it is: add /v1/logs",
        },
        _ => "",
    }
}
