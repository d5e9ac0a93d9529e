//! Throws answers of gRPC at the sender: status, words and details in the trailers, and the frame before them, are told in
//! one bounded line, without what we sent. How: see variables.rs.

#![no_main]

mod probed;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Response};
use std::sync::LazyLock;
use throughline_sender::{Protocol, Signal};
use tokio::{
    net::TcpListener,
    runtime::{Builder, Runtime},
};

static RUNTIME: LazyLock<Runtime> =
    LazyLock::new(|| Builder::new_current_thread().enable_all().build().unwrap());
static LISTENER: LazyLock<TcpListener> =
    LazyLock::new(|| RUNTIME.block_on(TcpListener::bind("127.0.0.1:0")).unwrap());

const NAMES: [&str; 3] = ["grpc-status", "grpc-message", "grpc-status-details-bin"];

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let Some((&choice, rest)) = data.split_first() else { return };
    // A line for each trailer, and the frame.
    let mut parts = rest.splitn(4, |byte| *byte == b'\n');
    let mut trailers = HeaderMap::new();
    for (name, value) in NAMES.iter().zip(parts.by_ref().take(3)) {
        if let Ok(value) = HeaderValue::from_bytes(value) {
            trailers.insert(*name, value);
        }
    }
    let body = Bytes::copy_from_slice(parts.next().unwrap_or_default());
    let signal = Signal::ALL[usize::from(choice) % Signal::ALL.len()];
    let address = LISTENER.local_addr().unwrap();
    RUNTIME.block_on(async {
        tokio::select! {
            () = serve(choice & 128 != 0, trailers, body) => {}
            () = probed::ask(signal, Protocol::Grpc, address) => {}
        }
    });
});

/// Answers every call so, with everything in the trailers, or all at once in the head.
async fn serve(at_once: bool, trailers: HeaderMap, body: Bytes) {
    while let Ok((caller, _)) = LISTENER.accept().await {
        caller.set_nodelay(true).unwrap();
        let Ok(mut connection) = h2::server::handshake(caller).await else { continue };
        while let Some(Ok((_, mut respond))) = connection.accept().await {
            let mut head = Response::new(());
            head.headers_mut().insert("content-type", HeaderValue::from_static("application/grpc"));
            if at_once {
                head.headers_mut().extend(trailers.clone());
            }
            // Whoever asked may have seen enough.
            let Ok(mut stream) = respond.send_response(head, at_once) else { continue };
            if !at_once && stream.send_data(body.clone(), false).is_ok() {
                let _ = stream.send_trailers(trailers.clone());
            }
        }
    }
}
