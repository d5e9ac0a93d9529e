//! The words of an answer, over HTTP and over gRPC.

use super::{
    Connection, Fault, RetryAfter,
    judge::{Objection, Port},
    reply::{Piece, Reply},
};
use crate::sender::Signal;
use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::{BufMut, Bytes, BytesMut};
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, header};
use prost::Message;
use serde_json::json;
use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

const GRPC_STATUS: HeaderName = HeaderName::from_static("grpc-status");
/// A slow answer comes in so many pieces.
const SLOW_PIECES: usize = 16;
/// How much of a torn answer is promised, and how much of it comes.
const TORN: (usize, usize) = (64, 16);
/// Long enough for what was said before to leave.
const BEFORE_A_BREAK: Duration = Duration::from_millis(20);

/// How a request is to be answered.
pub(super) struct Answering {
    pub(super) port: Port,
    pub(super) is_json: bool,
    pub(super) signal: Signal,
    pub(super) connection: Arc<Connection>,
}

/// What there is to say.
pub(super) enum Saying {
    Taken,
    Objection(Objection),
    Fault(Fault),
}

impl Answering {
    pub(super) fn response(&self, saying: Saying) -> Response<Reply> {
        match saying {
            Saying::Taken => self.success(Bytes::new()),
            Saying::Objection(Objection { status, code, words }) => match self.port {
                Port::Http => self.refusal(status, &Status::new(code, &words)),
                Port::Grpc => failure(&Status::new(code, &words)),
            },
            Saying::Fault(fault) => self.fault(fault),
        }
    }

    fn fault(&self, fault: Fault) -> Response<Reply> {
        match fault {
            Fault::Status(status) => self.refusal(status, &Status::new(2, "told to")),
            Fault::Later(status, after) => {
                let mut response = self.refusal(status, &Status::new(2, "told to"));
                response.headers_mut().insert(header::RETRY_AFTER, retry_after(after));
                response
            }
            Fault::Code(code) => self.code(code, None),
            Fault::CodeLater(code, delay) => self.code(code, Some(delay)),
            Fault::Partial { rejected, message } => self.success(self.partial(rejected, message)),
            Fault::Garbage if self.port == Port::Http && self.is_json => self.success("{\"partial".into()),
            Fault::Garbage => self.success(Bytes::from_static(&[0xff; 8])),
            Fault::WrongType => {
                let mut response = plain(200, Reply::whole("<!doctype html><p>all is well"));
                response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html"));
                response
            }
            Fault::Empty => plain(200, Reply::default()),
            Fault::NoContent => plain(204, Reply::default()),
            Fault::TornAnswer => self.torn(),
            Fault::Slow(pause) => self.slow(pause),
            Fault::Oversized(bytes) => self.success(padding(bytes, self.is_json)),
            Fault::Verbatim { status, headers, body } => {
                let mut response = plain(status, Reply::whole(body));
                for (name, value) in headers {
                    if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value))
                    {
                        response.headers_mut().append(name, value);
                    }
                }
                response
            }
            // These end without words.
            Fault::Hang | Fault::CloseUnread | Fault::LostAnswer => self.success(Bytes::new()),
        }
    }

    /// A success with this message.
    fn success(&self, message: Bytes) -> Response<Reply> {
        match self.port {
            Port::Http if self.is_json && message.is_empty() => self.typed(200, Reply::whole("{}")),
            Port::Http => self.typed(200, Reply::whole(message)),
            Port::Grpc => {
                self.typed(200, Reply::of([Piece::Data(frame(&message)), Piece::Trailers(trailers())]))
            }
        }
    }

    fn partial(&self, rejected: u64, message: String) -> Bytes {
        if !self.is_json {
            let partial = Rejected { items: i64::try_from(rejected).unwrap_or(i64::MAX), message };
            return ExportResponse { partial: Some(partial) }.encode_to_vec().into();
        }
        let items = match self.signal {
            Signal::Traces => "rejectedSpans",
            Signal::Metrics => "rejectedDataPoints",
            Signal::Logs => "rejectedLogRecords",
        };
        let partial = json!({ items: rejected.to_string(), "errorMessage": message });
        json!({ "partialSuccess": partial }).to_string().into()
    }

    fn torn(&self) -> Response<Reply> {
        let (promised, sent) = TORN;
        let whole = padding(promised, self.is_json);
        let whole = if self.port == Port::Grpc { frame(&whole) } else { whole };
        let pieces = [
            Piece::Data(whole.slice(..sent)),
            Piece::Pause(BEFORE_A_BREAK),
            Piece::Break(self.connection.clone()),
        ];
        let mut response = self.typed(200, Reply::of(pieces));
        if self.port == Port::Http {
            response.headers_mut().insert(header::CONTENT_LENGTH, HeaderValue::from(whole.len()));
        }
        response
    }

    fn slow(&self, pause: Duration) -> Response<Reply> {
        let whole = padding(SLOW_PIECES * 2, self.is_json);
        let whole = if self.port == Port::Grpc { frame(&whole) } else { whole };
        let parts = whole.chunks(whole.len().div_ceil(SLOW_PIECES)).map(Bytes::copy_from_slice);
        let mut pieces: Vec<Piece> =
            parts.flat_map(|part| [Piece::Pause(pause), Piece::Data(part)]).collect();
        if self.port == Port::Grpc {
            pieces.push(Piece::Trailers(trailers()));
        }
        self.typed(200, Reply::of(pieces))
    }

    /// A gRPC code, or the status that the collector gives for it (O-066).
    fn code(&self, code: u32, delay: Option<Duration>) -> Response<Reply> {
        let mut status = Status::new(code, "told to");
        if let Some(delay) = delay {
            status.details.push(retry_info(delay));
        }
        if self.port == Port::Grpc {
            return failure(&status);
        }
        let http = match code {
            0 => 200,
            1 | 4 | 10 | 11 | 14 | 15 => 503,
            3 => 400,
            7 => 403,
            8 => 429,
            12 => 404,
            16 => 401,
            _ => 500,
        };
        let mut response = self.refusal(http, &status);
        if let Some(delay) = delay {
            let seconds = delay.as_secs() + u64::from(delay.subsec_nanos() > 0);
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }

    /// An HTTP status, with the reason in the words of the request (O-064).
    fn refusal(&self, status: u16, reason: &Status) -> Response<Reply> {
        if self.port == Port::Grpc {
            return plain(status, Reply::default());
        }
        let body = match self.is_json {
            true => json!({ "code": reason.code, "message": reason.message }).to_string().into(),
            false => reason.encode_to_vec(),
        };
        self.typed(status, Reply::whole(body))
    }

    /// With the content type of the request (O-061).
    fn typed(&self, status: u16, reply: Reply) -> Response<Reply> {
        let content_type = match (self.port, self.is_json) {
            (Port::Grpc, _) => "application/grpc",
            (Port::Http, true) => "application/json",
            (Port::Http, false) => "application/x-protobuf",
        };
        let mut response = plain(status, reply);
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
        response
    }
}

fn plain(status: u16, reply: Reply) -> Response<Reply> {
    let mut response = Response::new(reply);
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response
}

/// A gRPC answer without a message: the trailers are the headers.
fn failure(status: &Status) -> Response<Reply> {
    let mut response = plain(200, Reply::default());
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
    headers.insert(GRPC_STATUS, HeaderValue::from(status.code));
    let message: String = status.message.chars().filter(|c| *c != '%' && (' '..='~').contains(c)).collect();
    if let Ok(message) = HeaderValue::try_from(message) {
        headers.insert("grpc-message", message);
    }
    if !status.details.is_empty()
        && let Ok(details) = HeaderValue::try_from(STANDARD.encode(status.encode_to_vec()))
    {
        headers.insert("grpc-status-details-bin", details);
    }
    response
}

fn trailers() -> HeaderMap {
    HeaderMap::from_iter([(GRPC_STATUS, HeaderValue::from_static("0"))])
}

fn frame(message: &[u8]) -> Bytes {
    let mut frame = BytesMut::with_capacity(message.len() + 5);
    frame.put_u8(0);
    frame.put_u32(message.len() as u32);
    frame.put(message);
    frame.freeze()
}

fn retry_after(after: RetryAfter) -> HeaderValue {
    match after {
        RetryAfter::Seconds(seconds) => HeaderValue::from(seconds),
        RetryAfter::Date(ahead) => {
            let date = httpdate::fmt_http_date(SystemTime::now() + ahead);
            HeaderValue::try_from(date).unwrap_or_else(|_| HeaderValue::from_static("0"))
        }
    }
}

/// A success of this length that says nothing: an unknown field, or white space.
fn padding(bytes: usize, is_json: bool) -> Bytes {
    if is_json {
        return format!("{{{:1$}}}", "", bytes.saturating_sub(2)).into();
    }
    // Field 15, of bytes. Its length takes five bytes whatever it is.
    let length = bytes.saturating_sub(6) as u32;
    let mut padding = BytesMut::with_capacity(bytes);
    padding.put_u8(15 << 3 | 2);
    for shift in [0, 7, 14, 21] {
        padding.put_u8((length >> shift) as u8 & 0x7f | 0x80);
    }
    padding.put_u8((length >> 28) as u8);
    padding.put_bytes(0, length as usize);
    padding.freeze()
}

/// `Export…ServiceResponse`, which has one shape for the three signals.
#[derive(Clone, PartialEq, Message)]
struct ExportResponse {
    #[prost(message, optional, tag = "1")]
    partial: Option<Rejected>,
}

#[derive(Clone, PartialEq, Message)]
struct Rejected {
    #[prost(int64, tag = "1")]
    items: i64,
    #[prost(string, tag = "2")]
    message: String,
}

/// `google.rpc.Status`.
#[derive(Clone, PartialEq, Message)]
struct Status {
    #[prost(uint32, tag = "1")]
    code: u32,
    #[prost(string, tag = "2")]
    message: String,
    #[prost(message, repeated, tag = "3")]
    details: Vec<Detail>,
}

impl Status {
    fn new(code: u32, message: &str) -> Self {
        Status { code, message: message.into(), details: Vec::new() }
    }
}

/// `google.protobuf.Any`.
#[derive(Clone, PartialEq, Message)]
struct Detail {
    #[prost(string, tag = "1")]
    type_url: String,
    #[prost(bytes = "vec", tag = "2")]
    value: Vec<u8>,
}

#[derive(Clone, PartialEq, Message)]
struct RetryInfo {
    #[prost(message, optional, tag = "1")]
    delay: Option<Delay>,
}

#[derive(Clone, PartialEq, Message)]
struct Delay {
    #[prost(int64, tag = "1")]
    seconds: i64,
    #[prost(int32, tag = "2")]
    nanos: i32,
}

fn retry_info(delay: Duration) -> Detail {
    let seconds = i64::try_from(delay.as_secs()).unwrap_or(i64::MAX);
    let info = RetryInfo { delay: Some(Delay { seconds, nanos: delay.subsec_nanos() as i32 }) };
    Detail { type_url: "type.googleapis.com/google.rpc.RetryInfo".into(), value: info.encode_to_vec() }
}
