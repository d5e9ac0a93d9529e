//! One request: judged, met by its fault or taken, answered.

use super::{
    Fault, Shared,
    answer::{Answering, Saying},
    content::{Content, MOST_BYTES},
    judge::{Judged, Objection, Port},
    reply::Reply,
};
use crate::sender::Signal;
use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use std::{future, io, sync::Arc, time::Instant};
use tokio::sync::Notify;

/// A request as it arrived, whatever became of it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Arrival {
    /// When its headers had come.
    pub at: Instant,
    /// The number of its connection, from 1.
    pub connection: u64,
    /// Whether it came over gRPC.
    pub grpc: bool,
    /// The path and query.
    pub path: String,
    /// All headers.
    pub headers: HeaderMap,
    /// What the body was compressed with: seen by decompressing it.
    pub compression: Option<String>,
    /// Bytes of the body as they came.
    pub bytes: usize,
    /// The spans, data points or log records in it; 0 if it could not be read.
    pub items: u64,
    /// Those of them that were taken.
    pub taken: u64,
}

/// A connection that can be cut in the middle.
#[derive(Debug)]
pub(super) struct Connection {
    pub(super) number: u64,
    cut: Notify,
}

impl Connection {
    pub(super) fn new(number: u64) -> Self {
        Connection { number, cut: Notify::new() }
    }

    pub(super) fn cut(&self) {
        self.cut.notify_one();
    }

    pub(super) async fn is_cut(&self) {
        self.cut.notified().await;
    }

    /// Ends the connection, and never comes back.
    async fn end<T>(&self) -> T {
        self.cut();
        future::pending().await
    }
}

/// Judges one request, does with it what the script says, and answers.
pub(super) async fn answer(
    shared: Arc<Shared>,
    connection: Arc<Connection>,
    port: Port,
    request: Request<Incoming>,
) -> io::Result<Response<Reply>> {
    let (head, body) = request.into_parts();
    let is_json = head.headers.get("content-type").is_some_and(|value| value == "application/json");
    let number = shared.arrived(Arrival {
        at: Instant::now(),
        connection: connection.number,
        grpc: port == Port::Grpc,
        path: head.uri.path_and_query().map_or(String::new(), |path| path.to_string()),
        headers: head.headers.clone(),
        compression: None,
        bytes: 0,
        items: 0,
        taken: 0,
    });
    let judged = Judged::head(&shared.setup, port, &head);
    let signal = judged.as_ref().map_or(Signal::Traces, |judged| judged.signal);
    let answering = Answering { port, is_json, signal, connection: connection.clone() };
    // Of a request that is none the script knows nothing.
    let fault = judged.as_ref().ok().and_then(|judged| shared.fault(judged.signal));
    if fault == Some(Fault::CloseUnread) {
        return connection.end().await;
    }
    let content = match Limited::new(body, MOST_BYTES).collect().await {
        Ok(body) => judged.and_then(|judged| read(&shared, number, &judged, body.to_bytes())),
        Err(error) => Err(Objection { status: 413, code: 8, words: format!("the body: {error}") }),
    };
    let content = match content {
        Ok(content) => content,
        Err(objection) => {
            shared.complain(format!("{}: {}", head.uri.path(), objection.words));
            return Ok(answering.response(Saying::Objection(objection)));
        }
    };
    let Some(fault) = fault else {
        shared.take(number, content);
        return Ok(answering.response(Saying::Taken));
    };
    if fault == Fault::Hang {
        shared.is_released().await;
    }
    let lost = fault == Fault::LostAnswer;
    if let Some(content) = taken(&fault, port, content) {
        shared.take(number, content);
    }
    if lost { connection.end().await } else { Ok(answering.response(Saying::Fault(fault))) }
}

fn read(shared: &Shared, number: usize, judged: &Judged, body: Bytes) -> Result<Content, Objection> {
    let bytes = body.len();
    let read = judged.body(body);
    let (items, compression) = match &read {
        Ok((content, compression)) => (content.items(), compression.clone()),
        Err(_) => (0, None),
    };
    shared.note(number, |arrival| {
        (arrival.bytes, arrival.items, arrival.compression) = (bytes, items, compression);
    });
    read.map(|(content, _)| content)
}

/// What of the content is taken in spite of the fault.
fn taken(fault: &Fault, port: Port, content: Content) -> Option<Content> {
    match fault {
        Fault::Status(_) | Fault::Later(..) | Fault::CloseUnread => None,
        Fault::Code(code) | Fault::CodeLater(code, _) => (*code == 0).then_some(content),
        Fault::Partial { rejected, .. } => Some(content.without(*rejected)),
        // Over gRPC these are no answers at all.
        Fault::WrongType | Fault::Empty | Fault::NoContent => (port == Port::Http).then_some(content),
        Fault::Verbatim { status, .. } => {
            (port == Port::Http && (200..300).contains(status)).then_some(content)
        }
        Fault::Hang
        | Fault::TornAnswer
        | Fault::LostAnswer
        | Fault::Garbage
        | Fault::Slow(_)
        | Fault::Oversized(_) => Some(content),
    }
}
