//! Takes OTLP/gRPC and counts spans and bytes.

use bytes::Bytes;
use http::{HeaderMap, HeaderValue};
use http_body_util::{BodyExt, Full, combinators::WithTrailers};
use hyper::{Request, Response, body::Incoming, server::conn::http2, service::service_fn};
use hyper_util::rt::{TokioExecutor, TokioIo};
use std::{
    convert::Infallible,
    future::{Ready, ready},
    io::Read,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};
use throughline_sender::wire::{Fields, Slice, Value};
use tokio::{
    net::TcpListener,
    task::JoinHandle,
    time::{Instant, sleep},
};

/// How long what was sent may take to arrive.
const PATIENCE: Duration = Duration::from_secs(120);

pub(crate) struct Sink {
    pub(crate) address: SocketAddr,
    state: Arc<State>,
    task: JoinHandle<()>,
}

#[derive(Default)]
struct State {
    spans: AtomicU64,
    bytes: AtomicU64,
    refuses: AtomicBool,
}

pub(crate) async fn start() -> Sink {
    start_with(Arc::default()).await
}

/// Several that count together.
pub(crate) async fn start_several(count: usize) -> Vec<Sink> {
    let (state, mut sinks) = (Arc::default(), Vec::new());
    for _ in 0..count {
        sinks.push(start_with(Arc::clone(&state)).await);
    }
    sinks
}

async fn start_with(state: Arc<State>) -> Sink {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("its address");
    let inside = state.clone();
    let task = tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let state = inside.clone();
            tokio::spawn(async move {
                let mut server = http2::Builder::new(TokioExecutor::new());
                server.initial_stream_window_size(8 << 20).initial_connection_window_size(16 << 20);
                let answer = service_fn(|request| answer(state.clone(), request));
                // The peer is stopped in the end.
                let _ = server.serve_connection(TokioIo::new(stream), answer).await;
            });
        }
    });
    Sink { address, state, task }
}

type Trailers = Ready<Option<Result<HeaderMap, Infallible>>>;

async fn answer(
    state: Arc<State>,
    request: Request<Incoming>,
) -> Result<Response<WithTrailers<Full<Bytes>, Trailers>>, hyper::Error> {
    let frame = request.into_body().collect().await?.to_bytes();
    let refuses = state.refuses.load(Relaxed);
    if !refuses {
        let message = match frame.first() {
            Some(1) => {
                let mut plain = Vec::new();
                flate2::read::GzDecoder::new(&frame[5..]).read_to_end(&mut plain).expect("gzip");
                plain.into()
            }
            _ => frame.slice(5..),
        };
        state.bytes.fetch_add(frame.len() as u64, Relaxed);
        let whole = Slice { prefix: 0, start: 0, end: message.len() };
        state.spans.fetch_add(count(&message, whole, &[1, 2, 2]), Relaxed);
    }
    let (status, body) = if refuses { ("14", Bytes::new()) } else { ("0", Bytes::from_static(&[0; 5])) };
    let trailers = HeaderMap::from_iter([(
        http::HeaderName::from_static("grpc-status"),
        HeaderValue::from_static(status),
    )]);
    let mut response = Response::new(Full::new(body).with_trailers(ready(Some(Ok(trailers)))));
    response.headers_mut().insert("content-type", HeaderValue::from_static("application/grpc"));
    Ok(response)
}

fn count(message: &[u8], slice: Slice, levels: &[u32]) -> u64 {
    let Some((level, deeper)) = levels.split_first() else { return 1 };
    let fields = Fields::within(message, slice).map(|field| field.expect("protobuf"));
    let inner = fields.filter(|field| field.number == *level);
    inner
        .map(|field| if let Value::Slice(slice) = field.value { count(message, slice, deeper) } else { 0 })
        .sum()
}

impl Sink {
    /// Answers UNAVAILABLE from now on, or no more.
    pub(crate) fn refuse(&self, refuses: bool) {
        self.state.refuses.store(refuses, Relaxed);
    }

    pub(crate) fn spans(&self) -> u64 {
        self.state.spans.load(Relaxed)
    }

    pub(crate) fn bytes(&self) -> u64 {
        self.state.bytes.load(Relaxed)
    }

    /// Waits until so many spans have arrived.
    pub(crate) async fn until(&self, spans: u64) {
        let limit = Instant::now() + PATIENCE;
        while self.spans() < spans {
            if Instant::now() > limit {
                eprintln!("only {} of {spans} spans arrived", self.spans());
                return;
            }
            sleep(Duration::from_millis(10)).await;
        }
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        self.task.abort();
    }
}
