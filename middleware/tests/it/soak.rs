//! A long run with clients that break off ends with as many spans as exchanges, and with no more memory.
//!
//! It runs in a process of its own, since the memory of this one is that of all tests.

use std::{
    env, future,
    net::SocketAddr,
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use axum::{
    Router,
    body::Body,
    extract::Path,
    http::StatusCode,
    routing::{get, post},
};
use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http2::{self, SendRequest};
use hyper_util::rt::{TokioExecutor, TokioIo};
use opentelemetry::Context;
use opentelemetry_sdk::{
    error::OTelSdkResult,
    trace::{SdkTracerProvider, Span, SpanData, SpanProcessor},
};
use throughline_middleware::options::ServerOptions;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    task::{JoinSet, yield_now},
};
use tower::{ServiceBuilder, util::MapRequestLayer};

use crate::support::{LIMIT, Random, Telemetry, data, remote, serve, until};

/// Requests of each quarter, half of them over each version of HTTP.
const QUARTER: usize = 1_000;
/// Requests under way at once.
const AT_ONCE: usize = 50;
/// What the second half may add: a leak of 1 KiB an exchange, and ten times what is seen without one.
const MOST_GROWTH_KIB: u64 = 2 * 1024;

#[test]
fn a_long_run_ends_with_as_many_spans_as_exchanges_and_no_more_memory() {
    // H-009, H-080, H-085
    let arguments = ["--exact", "soak::long_run", "--ignored", "--nocapture"];
    let run = Command::new(env::current_exe().unwrap()).args(arguments).output().unwrap();
    let said = String::from_utf8_lossy(&run.stdout).into_owned() + &String::from_utf8_lossy(&run.stderr);
    assert!(run.status.success() && said.contains("1 passed"), "{said}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "the test above runs it in a process of its own"]
async fn long_run() {
    // Of the panics of the handlers there is enough in the spans.
    std::panic::set_hook(Box::new(|panic| {
        if !panic.to_string().contains("on purpose") {
            eprintln!("{panic}");
        }
    }));
    let (mut telemetry, ended, begun) = (Telemetry::new(), Ended::default(), Arc::new(AtomicUsize::new(0)));
    telemetry.tracers = SdkTracerProvider::builder().with_span_processor(ended.clone()).build();
    let address = serve(service(&telemetry, &begun)).await;
    let mut memory = Vec::new();
    for quarter in 0..4 {
        tokio::time::timeout(6 * LIMIT, ask_for_a_quarter(address, quarter)).await.unwrap();
        until(LIMIT, || ended.0.load(Ordering::Relaxed) == begun.load(Ordering::Relaxed)).await;
        memory.push(resident_kib());
    }
    let begun = begun.load(Ordering::Relaxed);
    assert_eq!((ended.0.load(Ordering::Relaxed), telemetry.measured()), (begun, begun as u64));
    assert!(
        telemetry.being_served().iter().all(|(_, active)| *active == 0),
        "{:?}",
        telemetry.being_served()
    );
    println!("{begun} exchanges, memory after each quarter in KiB: {memory:?}");
    // Most requests arrive, and end in every way.
    assert!(begun > 3 * QUARTER, "{begun}");
    for (error, least) in [(None, 1_000), (Some("cancelled"), 200), (Some("panic"), 100), (Some("500"), 100)]
    {
        let count = telemetry.requests().into_iter().filter_map(|(told, count)| {
            (told.get("error.type") == error.map(Into::into).as_ref()).then_some(count)
        });
        let count = count.sum::<u64>();
        assert!(count >= least, "{count} of {error:?}");
    }
    assert!(memory[3] <= memory[1] + MOST_GROWTH_KIB, "{memory:?}");
}

/// Counts the spans that ended, and keeps none.
#[derive(Clone, Debug, Default)]
struct Ended(Arc<AtomicUsize>);

impl SpanProcessor for Ended {
    fn on_start(&self, _: &mut Span, _: &Context) {}

    fn on_end(&self, _: SpanData) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _: Duration) -> OTelSdkResult {
        Ok(())
    }
}

/// A router that answers in every way, and counts the requests that reach the layer.
fn service(telemetry: &Telemetry, begun: &Arc<AtomicUsize>) -> Router {
    let mut options = ServerOptions::default();
    options.active_requests = true;
    let count = Arc::clone(begun);
    let counted = MapRequestLayer::new(move |request: Request<Body>| {
        count.fetch_add(1, Ordering::Relaxed);
        request
    });
    let stream = async |Path(frames): Path<u64>| {
        let (sender, body) = remote();
        tokio::spawn(async move {
            for _ in 0..frames {
                yield_now().await;
                let _ = sender.send(data("a frame of a stream"));
            }
            let _ = sender.send(None);
        });
        Body::new(body)
    };
    Router::new()
        .route("/small", get(async || "small"))
        .route("/stream/{frames}", get(stream))
        .route("/echo", post(async |body: Bytes| body))
        .route("/hang", get(future::pending::<StatusCode>))
        .route("/fail", get(async || StatusCode::INTERNAL_SERVER_ERROR))
        .route("/explode", get(async || -> StatusCode { panic!("on purpose") }))
        .layer(ServiceBuilder::new().layer(counted).layer(telemetry.server().with_options(options)))
}

/// One request, and after how many steps its client breaks off, if it does.
struct Plan {
    path: String,
    body: &'static [u8],
    breaks_off_after: Option<usize>,
}

impl Plan {
    fn new(random: &mut Random) -> Self {
        let (path, body): (_, &[u8]) = match random.below(10) {
            0 => (String::from("/explode"), b""),
            1 => (String::from("/fail"), b""),
            2 => (String::from("/hang"), b""),
            3 | 4 => (String::from("/echo"), &[b'x'; 2_000]),
            5..=7 => (format!("/stream/{}", random.below(20)), b""),
            _ => (String::from("/small"), b""),
        };
        let breaks_off = path == "/hang" || random.below(4) == 0;
        let steps = random.below(200) as usize;
        Self { path, body, breaks_off_after: breaks_off.then_some(steps) }
    }

    fn method(&self) -> &'static str {
        if self.body.is_empty() { "GET" } else { "POST" }
    }
}

async fn ask_for_a_quarter(address: SocketAddr, quarter: u64) {
    let mut random = Random(0x9e37_79b9_7f4a_7c15 + quarter);
    let mut connections = Vec::new();
    for _ in 0..4 {
        let stream = TcpStream::connect(address).await.unwrap();
        let (sender, connection) =
            http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        connections.push(sender);
    }
    let mut running = JoinSet::new();
    for number in 0..QUARTER {
        let plan = Plan::new(&mut random);
        match number % 2 {
            0 => running.spawn(ask_http1(address, plan)),
            _ => running.spawn(ask_http2(connections[number / 2 % 4].clone(), address, plan)),
        };
        if running.len() == AT_ONCE {
            running.join_next().await.unwrap().unwrap();
        }
    }
    while let Some(ended) = running.join_next().await {
        ended.unwrap();
    }
}

/// Asks over a connection of its own, byte by byte in steps, and breaks off between two of them.
async fn ask_http1(address: SocketAddr, plan: Plan) {
    let Plan { path, body, breaks_off_after } = &plan;
    let (method, length) = (plan.method(), body.len());
    let head = format!(
        "{method} {path} HTTP/1.1\r\nhost: h\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n"
    );
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = [head.as_bytes(), body].concat();
    let mut steps = breaks_off_after.unwrap_or(usize::MAX);
    // A client that breaks off early has not sent all; one that does so late has read some.
    let sent = if steps < 20 { request.len() * steps / 20 } else { request.len() };
    let _ = stream.write_all(&request[..sent]).await;
    let mut buffer = [0; 64];
    while steps > 20 {
        steps -= 1;
        tokio::select! {
            biased;
            read = stream.read(&mut buffer) => if !read.is_ok_and(|read| read > 0) { return },
            () = yield_now(), if breaks_off_after.is_some() => {}
        }
    }
}

/// Asks over a shared connection and resets the stream after some steps.
async fn ask_http2(mut connection: SendRequest<Full<Bytes>>, address: SocketAddr, plan: Plan) {
    let Plan { path, body, breaks_off_after } = &plan;
    let request = Request::builder().method(plan.method()).uri(format!("http://{address}{path}"));
    let request = request.body(Full::new(Bytes::from_static(body))).unwrap();
    let answer = async move {
        let Ok(mut answer) = connection.send_request(request).await else { return };
        while let Some(Ok(_)) = answer.body_mut().frame().await {}
    };
    let patience = async {
        match breaks_off_after {
            Some(steps) => {
                for _ in 0..*steps {
                    yield_now().await;
                }
            }
            None => future::pending().await,
        }
    };
    tokio::select! {
        () = answer => {}
        () = patience => {}
    }
}

/// Memory of this process that is in use, in KiB.
fn resident_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or("0 kB");
    line.trim().trim_end_matches(" kB").parse().unwrap()
}
