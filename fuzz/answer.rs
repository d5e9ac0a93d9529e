//! Throws answers at the sender: whatever a server says over HTTP, in head and body, is told in one bounded line, without
//! what we sent. How: see variables.rs.

#![no_main]

mod probed;

use std::sync::LazyLock;
use throughline_sender::{Protocol, Signal};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
    runtime::{Builder, Runtime},
};

static RUNTIME: LazyLock<Runtime> =
    LazyLock::new(|| Builder::new_current_thread().enable_all().build().unwrap());
static LISTENER: LazyLock<TcpListener> =
    LazyLock::new(|| RUNTIME.block_on(TcpListener::bind("127.0.0.1:0")).unwrap());

const STATUSES: [&str; 8] =
    ["200 OK", "400 Bad", "401 No", "404 No", "413 Large", "429 Many", "503 Busy", "307 There"];
const TYPES: [&str; 4] = ["application/x-protobuf", "application/json", "text/html", "application/json; x"];

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let Some((&[choice, signal], rest)) = data.split_first_chunk() else { return };
    let answer = answer(choice, rest);
    let signal = Signal::ALL[usize::from(signal) % Signal::ALL.len()];
    let protocol = if choice & 64 == 0 { Protocol::HttpProtobuf } else { Protocol::HttpJson };
    let address = LISTENER.local_addr().unwrap();
    RUNTIME.block_on(async {
        let serve = async {
            // A connection that ends without a request may be followed by another one.
            while let Ok((mut caller, _)) = LISTENER.accept().await {
                let (mut request, mut piece) = (Vec::new(), [0; 4096]);
                while !request.windows(4).any(|end| end == b"\r\n\r\n") {
                    match caller.read(&mut piece).await {
                        Ok(count) if count > 0 => request.extend_from_slice(&piece[..count]),
                        _ => break,
                    }
                }
                // The caller may have seen enough.
                let _ = caller.write_all(&answer).await;
            }
        };
        tokio::select! {
            () = serve => {}
            () = probed::ask(signal, protocol, address) => {}
        }
    });
});

/// All of it as it comes, or a whole answer whose `Retry-After` is the first line and whose body is the rest.
fn answer(choice: u8, rest: &[u8]) -> Vec<u8> {
    if choice & 128 != 0 {
        return rest.to_vec();
    }
    let (status, kind) = (STATUSES[usize::from(choice & 7)], TYPES[usize::from(choice >> 3 & 3)]);
    let end = rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len());
    let (after, body) = (&rest[..end], rest.get(end + 1..).unwrap_or_default());
    let head = format!(
        "HTTP/1.1 {status}\r\ncontent-type: {kind}\r\ncontent-length: {}\r\nretry-after: ",
        body.len()
    );
    [head.as_bytes(), after, b"\r\nconnection: close\r\n\r\n", body].concat()
}
