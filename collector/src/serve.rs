//! Takes connections: HTTP/1.1 and HTTP/2 on every port, told apart by the first bytes.
//!
//! Nobody can hold the collector up: connections are counted, the first bytes, the headers and the body of a
//! request have a time limit, and a silent HTTP/2 connection is asked whether it still lives.

use crate::reply::Reply;
use http::{Request, Response};
use hyper::{body::Incoming, server::conn, service::service_fn};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use std::{convert::Infallible, sync::Arc, time::Duration};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::Semaphore,
    time::{sleep, timeout},
};

/// How an HTTP/2 connection begins.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// Connections at a time on one port.
const MAX_CONNECTIONS: usize = 1024;

/// How many requests one HTTP/2 connection may have under way (O-057).
const MAX_STREAMS: u32 = 256;

/// How long an HTTP/2 connection may be silent before it is asked, and how long it may take to answer.
const KEEP_ALIVE: Duration = Duration::from_secs(20);

/// The pause after the system could not give a connection, for example for want of file descriptors.
const RECOVERY: Duration = Duration::from_millis(50);

/// The pause between two looks at a connection that has sent a part of the preface.
const PREFACE_POLL: Duration = Duration::from_millis(5);

/// Answers one request after the other. A handler is cloned for each request.
pub(crate) trait Handler: Clone + 'static {
    /// Answers one request.
    fn answer(self, request: Request<Incoming>) -> impl Future<Output = Response<Reply>> + Send;
}

/// Serves a port until dropped.
pub(crate) async fn serve(listener: TcpListener, limit: Duration, handler: impl Handler + Send + Sync) {
    let places = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    loop {
        // Fails only after `close`, which nobody calls.
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
        match listener.accept().await {
            Ok((stream, _)) => {
                let handler = handler.clone();
                tokio::spawn(async move {
                    connection(stream, limit, handler).await;
                    drop(place);
                });
            }
            Err(_) => sleep(RECOVERY).await,
        }
    }
}

async fn connection(stream: TcpStream, limit: Duration, handler: impl Handler + Send + Sync) {
    // Answers are short: waiting for more to send only delays them.
    let _ = stream.set_nodelay(true);
    let Ok(Some(is_http2)) = timeout(limit, speaks_http2(&stream)).await else { return };
    let service = service_fn(move |request| {
        let answer = handler.clone().answer(request);
        async move { Ok::<_, Infallible>(answer.await) }
    });
    let stream = TokioIo::new(stream);
    // A connection that breaks is the other side's affair, and its next request comes on another one.
    let _ = if is_http2 {
        conn::http2::Builder::new(TokioExecutor::new())
            .timer(TokioTimer::new())
            .keep_alive_interval(KEEP_ALIVE)
            .keep_alive_timeout(KEEP_ALIVE)
            .max_concurrent_streams(MAX_STREAMS)
            .serve_connection(stream, service)
            .await
    } else {
        conn::http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(limit)
            .serve_connection(stream, service)
            .await
    };
}

/// `None` when the connection ends before that is known.
async fn speaks_http2(stream: &TcpStream) -> Option<bool> {
    let mut first = [0; PREFACE.len()];
    loop {
        let count = stream.peek(&mut first).await.ok().filter(|count| *count > 0)?;
        if first[..count] != PREFACE[..count] {
            return Some(false);
        }
        if count == PREFACE.len() {
            return Some(true);
        }
        // What was peeked at is still there: waiting for readiness would return at once.
        sleep(PREFACE_POLL).await;
    }
}
