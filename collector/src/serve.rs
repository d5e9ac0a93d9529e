//! Takes connections: HTTP/1.1 and HTTP/2 on every port, told apart by the first bytes.
//!
//! Nobody can hold the collector up: connections and requests are counted; the first bytes, the headers and the body
//! of a request have a time limit, and so has the writing of its answer; a connection without a request for that time
//! is closed.

use crate::{patience::Patience, reply::Reply};
use http::{Request, Response};
use hyper::{body::Incoming, service::service_fn};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::conn::auto,
};
use std::{convert::Infallible, io, net::IpAddr, sync::Arc, time::Duration};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
    pin, select,
    sync::Semaphore,
    time::{sleep, timeout},
};

/// The pause after the system could not give a connection, for example for want of file descriptors.
const RECOVERY: Duration = Duration::from_millis(50);

/// How long a connection that is closed may take for it.
const FAREWELL: Duration = Duration::from_secs(2);

/// The headers of a request over HTTP/2, in bytes. Those of OTLP take some hundred.
const MAX_HEADER_BYTES: u32 = 16 * 1024;

/// The head of a request over HTTP/1.1, in bytes, and how much of a body is read at a time.
const MAX_HEAD: usize = 64 * 1024;

/// How many headers a request may have.
const MAX_HEADERS: usize = 100;

/// Requests that a client of HTTP/2 may begin and reset at once, before it is cut off (CVE-2023-44487).
const MAX_RESETS: usize = 20;

/// How much goes on at a time on one port.
#[derive(Clone, Copy)]
pub(crate) struct Limits {
    /// Connections; the next one waits until one of them ends.
    pub(crate) connections: usize,
    /// Requests under way on one HTTP/2 connection (O-057).
    pub(crate) streams: u32,
    /// How long a connection may be without a request, may take for the headers of one, and for taking its answer.
    pub(crate) patience: Duration,
}

impl Limits {
    /// For programs that send, of which there may be many.
    pub(crate) fn of_receiver(patience: Duration) -> Self {
        Limits { connections: 1024, streams: 256, patience }
    }

    /// For people that look. A browser has six connections at most.
    pub(crate) fn of_view(patience: Duration) -> Self {
        Limits { connections: 32, streams: 32, patience }
    }
}

/// Answers one request after the other. A handler is cloned for each request.
pub(crate) trait Handler: Clone + Send + Sync + 'static {
    /// Answers one request.
    fn answer(self, request: Request<Incoming>) -> impl Future<Output = Response<Reply>> + Send;

    /// Makes the connection on which requests come.
    fn shake(&self, stream: TcpStream) -> impl Future<Output = io::Result<Box<dyn Stream>>> + Send {
        async { Ok(Box::new(stream) as Box<dyn Stream>) }
    }

    /// Learns who connects.
    fn meet(&self, _peer: IpAddr) {}
}

/// Where a request comes from, among its extensions.
#[derive(Clone, Copy)]
pub(crate) struct Peer(pub(crate) IpAddr);

/// A connection, encrypted or not.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Stream for S {}

/// Serves a port until dropped.
pub(crate) async fn serve(listener: TcpListener, limits: Limits, handler: impl Handler) {
    let places = Arc::new(Semaphore::new(limits.connections));
    loop {
        // Fails only after `close`, which nobody calls.
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
        match listener.accept().await {
            Ok((stream, peer)) => {
                let handler = handler.clone();
                handler.meet(peer.ip());
                tokio::spawn(async move {
                    connection(stream, Peer(peer.ip()), limits, handler).await;
                    drop(place);
                });
            }
            Err(_) => sleep(RECOVERY).await,
        }
    }
}

async fn connection(stream: TcpStream, peer: Peer, limits: Limits, handler: impl Handler) {
    // Answers are short: waiting for more to send only delays them.
    let _ = stream.set_nodelay(true);
    // Who shakes hands slowly, or speaks no TLS where it is asked for, ends here.
    let Ok(Ok(stream)) = timeout(limits.patience, handler.shake(stream)).await else { return };
    let patience = Patience::new(limits.patience);
    let requests = patience.clone();
    let service = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(peer);
        let answering = requests.begin();
        let answer = handler.clone().answer(request);
        async move {
            let response = answer.await;
            answering.answered();
            Ok::<_, Infallible>(response.map(|reply| reply.answering(answering)))
        }
    });
    let mut builder = auto::Builder::new(TokioExecutor::new());
    let mut http1 = builder.http1();
    http1.timer(TokioTimer::new()).header_read_timeout(limits.patience);
    http1.max_buf_size(MAX_HEAD).max_headers(MAX_HEADERS);
    let mut http2 = builder.http2();
    http2.timer(TokioTimer::new()).max_concurrent_streams(limits.streams);
    http2.max_header_list_size(MAX_HEADER_BYTES).max_pending_accept_reset_streams(MAX_RESETS);
    let connection = builder.serve_connection(TokioIo::new(stream), service);
    pin!(connection);
    // A connection that breaks is the other side's affair, and its next request comes on another one.
    select! {
        _ = connection.as_mut() => return,
        () = patience.ends() => {}
    }
    connection.as_mut().graceful_shutdown();
    let _ = timeout(FAREWELL, connection).await;
}

#[cfg(test)]
mod tests;
