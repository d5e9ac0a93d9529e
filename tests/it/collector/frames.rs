//! Clients that speak HTTP/2 frame by frame: what the libraries would not do.

use super::*;
use crate::support::PATIENCE;
use prost::Message;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

const HEADERS: u8 = 1;
const RESET: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const GOAWAY: u8 = 7;
const CONTINUATION: u8 = 9;

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = (payload.len() as u32).to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// `POST http://localhost/`, in the tables of HPACK.
fn head() -> Vec<u8> {
    [&[0x83, 0x86, 0x84, 0x01, 9][..], b"localhost"].concat()
}

/// A connection that has begun.
async fn begun(collector: &Collector) -> TcpStream {
    let mut stream = TcpStream::connect(collector.grpc_address().unwrap()).await.unwrap();
    let hello = [&b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"[..], &frame(SETTINGS, 0, 0, &[])].concat();
    stream.write_all(&hello).await.unwrap();
    stream
}

/// The next frame: kind, flags and payload; `None`: the connection is over.
async fn next(stream: &mut TcpStream) -> Option<(u8, u8, Vec<u8>)> {
    let read = async {
        let mut head = [0; 9];
        stream.read_exact(&mut head).await.ok()?;
        let mut payload = vec![0; u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize];
        stream.read_exact(&mut payload).await.ok()?;
        Some((head[3], head[4], payload))
    };
    tokio::time::timeout(PATIENCE, read).await.expect("a frame, or the end")
}

/// Why the connection is over, if that is said.
async fn farewell(stream: &mut TcpStream) -> Option<u32> {
    let mut code = None;
    while let Some((kind, _, payload)) = next(stream).await {
        if kind == GOAWAY {
            code = payload.get(4..8).map(|code| u32::from_be_bytes(code.try_into().unwrap()));
        }
    }
    code
}

async fn is_well(collector: &Collector) {
    let body = traces("a", vec![span(1, 0, "x")]).encode_to_vec();
    assert_eq!(post(collector, "/v1/traces", &body).await.status, StatusCode::OK);
}

// O-057, O-072: CVE-2023-44487
#[tokio::test]
async fn a_client_that_begins_and_resets_without_end_is_cut_off() {
    let collector = start(|_| ());
    let mut stream = begun(&collector).await;
    let flood = (0..2000_u32).flat_map(|number| {
        let stream = number * 2 + 1;
        [frame(HEADERS, 4, stream, &head()), frame(RESET, 0, stream, &8_u32.to_be_bytes())].concat()
    });
    // It may be cut off before everything is written.
    let _ = stream.write_all(&flood.collect::<Vec<u8>>()).await;
    let code = farewell(&mut stream).await;
    assert!(matches!(code, None | Some(11)), "{code:?}"); // ENHANCE_YOUR_CALM
    is_well(&collector).await;
}

// O-072: CVE-2024-27983 and its sisters
#[tokio::test]
async fn headers_that_go_on_without_end_are_cut_off() {
    let collector = start(|_| ());
    let mut stream = begun(&collector).await;
    let filler = [&[0x00, 1, b'x', 0x7f, 0x80, 0x7f][..], &[b'y'; 16_000]].concat();
    let mut flood = frame(HEADERS, 0, 1, &head());
    (0..1000).for_each(|_| flood.extend(frame(CONTINUATION, 0, 1, &filler)));
    let _ = stream.write_all(&flood).await;
    farewell(&mut stream).await;
    is_well(&collector).await;
}

// O-057
#[tokio::test]
async fn pings_are_answered_however_many_come() {
    let collector = start(|_| ());
    let mut stream = begun(&collector).await;
    let pings: Vec<u8> = (0..1000_u64).flat_map(|number| frame(PING, 0, 0, &number.to_be_bytes())).collect();
    let (mut reading, mut writing) = stream.split();
    let write = async { writing.write_all(&pings).await.unwrap() };
    let read = async {
        let mut answered = 0;
        while answered < 1000 {
            let mut head = [0; 9];
            reading.read_exact(&mut head).await.unwrap();
            let mut payload = vec![0; u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize];
            reading.read_exact(&mut payload).await.unwrap();
            if head[3] == PING {
                assert_eq!((head[4], payload), (1, u64::to_be_bytes(answered).to_vec()));
                answered += 1;
            }
        }
    };
    tokio::time::timeout(PATIENCE, async { tokio::join!(write, read) }).await.unwrap();
    is_well(&collector).await;
}

// O-072
#[tokio::test]
async fn a_head_that_is_too_large_is_refused_over_both_versions() {
    let collector = start(|_| ());
    let address = collector.http_address().unwrap();
    let kind = ("content-type", PROTOBUF);
    let large = "x".repeat(20_000);
    let reply = call(address, "/v1/traces", &[kind, ("x", &large)], b"").await;
    assert_eq!(reply.status, StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE);
    let large = "x".repeat(70_000);
    let many = vec![("x", "y"); 200];
    for headers in [vec![("x", large.as_str())], many] {
        let reply = send(address, "POST", "/v1/traces", &headers, b"").await;
        assert_eq!(reply.status, StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE);
    }
    is_well(&collector).await;
}
