//! Throws bodies of gRPC at the collector's port, cut into frames anywhere: each call is answered, and with nothing but
//! what OTLP has for it. How: see variables.rs.

#![no_main]

use bytes::Bytes;
use h2::client::SendRequest;
use http::{HeaderMap, Request, Response};
use std::{cell::RefCell, net::SocketAddr, sync::LazyLock};
use throughline_collector::{Collector, Config};
use throughline_sender::Signal;
use tokio::{
    net::TcpStream,
    runtime::{Builder, Runtime},
};

static COLLECTOR: LazyLock<(Collector, SocketAddr)> = LazyLock::new(|| {
    let mut config = Config::default();
    (config.grpc, config.http, config.view) = (Some(([127, 0, 0, 1], 0).into()), None, None);
    (config.max_bytes, config.max_request_bytes) = (1 << 20, 1 << 16);
    let collector = Collector::start(config).unwrap();
    let address = collector.grpc_address().unwrap();
    (collector, address)
});
static RUNTIME: LazyLock<Runtime> =
    LazyLock::new(|| Builder::new_current_thread().enable_all().build().unwrap());

thread_local! {
    static CONNECTION: RefCell<Option<SendRequest<Bytes>>> = const { RefCell::new(None) };
}

const ENCODINGS: [&str; 4] = ["identity", "gzip", "zstd", "snappy"];

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let Some((&[choice, cut], body)) = data.split_first_chunk() else { return };
    let signal = Signal::ALL[usize::from(choice >> 2) % Signal::ALL.len()];
    let request = Request::post(format!("http://localhost{}", signal.grpc_path()))
        .header("content-type", "application/grpc")
        .header("te", "trailers")
        .header("grpc-encoding", ENCODINGS[usize::from(choice & 3)])
        .body(())
        .unwrap();
    // A right head in front of it, or none.
    let whole = [&[choice & 1][..], &(body.len() as u32).to_be_bytes(), body].concat();
    let body = if choice & 128 == 0 { &whole } else { body };
    let (first, last) = body.split_at(body.len().min(usize::from(cut)));
    let status = RUNTIME.block_on(call(request, [first, last].map(Bytes::copy_from_slice)));
    // OK, INVALID_ARGUMENT, RESOURCE_EXHAUSTED, UNIMPLEMENTED.
    assert!(matches!(&*status, "0" | "3" | "8" | "12"), "{status}");
});

async fn call(request: Request<()>, pieces: [Bytes; 2]) -> String {
    let mut client = match CONNECTION.take() {
        Some(client) => client.ready().await.unwrap(),
        None => connect().await,
    };
    let (response, mut stream) = client.send_request(request, false).unwrap();
    CONNECTION.set(Some(client));
    let [first, last] = pieces;
    // The server bounds how many empty frames a connection has.
    if !first.is_empty() {
        stream.send_data(first, false).unwrap();
    }
    // It may have been answered by now.
    let _ = stream.send_data(last, true);
    let (head, mut body) = response.await.map(Response::into_parts).unwrap();
    while let Some(data) = body.data().await {
        let _ = body.flow_control().release_capacity(data.unwrap().len());
    }
    let trailers = body.trailers().await.unwrap().unwrap_or_default();
    let status = |headers: &HeaderMap| Some(headers.get("grpc-status")?.to_str().unwrap().to_owned());
    status(&head.headers).or_else(|| status(&trailers)).unwrap()
}

async fn connect() -> SendRequest<Bytes> {
    let stream = TcpStream::connect(COLLECTOR.1).await.unwrap();
    stream.set_nodelay(true).unwrap();
    let (client, connection) = h2::client::handshake(stream).await.unwrap();
    tokio::spawn(async { connection.await.unwrap() });
    client.ready().await.unwrap()
}
