//! Bodies in every compression that is taken, over HTTP and over gRPC.

use super::{http::fault, *};
use prost::Message;
use throughline_sender::{Compression, Protocol, Signal};

fn encoded(encoding: &str, bytes: &[u8]) -> Vec<u8> {
    match encoding {
        "gzip" => gzip(bytes),
        "deflate" => {
            let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
            encoder.write_all(bytes).unwrap();
            encoder.finish().unwrap()
        }
        "zstd" => zstd::encode_all(bytes, 3).unwrap(),
        _ => bytes.to_vec(),
    }
}

fn framed(message: &[u8]) -> Vec<u8> {
    [&[1][..], &(message.len() as u32).to_be_bytes(), message].concat()
}

// O-051, O-063, O-065, O-068
#[tokio::test]
async fn each_encoding_is_taken_off_and_every_half_of_it_is_bad_data() {
    let collector = start(|_| ());
    let (http, grpc) = (collector.http_address().unwrap(), collector.grpc_address().unwrap());
    let body = traces("a", (1..100).map(|id| span(id, 0, "x")).collect()).encode_to_vec();
    let mut taken = 0;
    for encoding in ["gzip", "deflate", "zstd"] {
        let whole = encoded(encoding, &body);
        let half = &whole[..whole.len() / 2];
        let headers = [("content-type", PROTOBUF), ("content-encoding", encoding)];
        assert_eq!(
            send(http, "POST", "/v1/traces", &headers, &whole).await.status,
            StatusCode::OK,
            "{encoding}"
        );
        let reply = send(http, "POST", "/v1/traces", &headers, half).await;
        assert_eq!((reply.status, fault(&reply).code), (StatusCode::BAD_REQUEST, 3), "{encoding}");

        let headers = [("content-type", "application/grpc"), ("grpc-encoding", encoding)];
        let path = Signal::Traces.grpc_path();
        let reply = call(grpc, path, &headers, &framed(&whole)).await;
        assert_eq!(reply.trailers["grpc-status"], "0", "{encoding}");
        let reply = call(grpc, path, &headers, &framed(half)).await;
        assert_eq!(reply.header("grpc-status"), Some("3"), "{encoding}");
        taken += 2 * 99;
        assert_eq!(collector.counters().spans, taken);
    }
    // What is compressed by one and called another.
    let headers = [("content-type", PROTOBUF), ("content-encoding", "zstd")];
    let reply = send(http, "POST", "/v1/traces", &headers, &gzip(&body)).await;
    assert_eq!(reply.status, StatusCode::BAD_REQUEST);
}

// O-054, O-065
#[tokio::test]
async fn a_bomb_of_any_encoding_is_too_large() {
    let collector = start(|config| config.max_request_bytes = 1 << 20);
    let (http, grpc) = (collector.http_address().unwrap(), collector.grpc_address().unwrap());
    for encoding in ["gzip", "deflate", "zstd"] {
        let bomb = encoded(encoding, &vec![0; 64 << 20]);
        assert!(bomb.len() < 1 << 20, "{encoding}");
        let headers = [("content-type", PROTOBUF), ("content-encoding", encoding)];
        let reply = send(http, "POST", "/v1/traces", &headers, &bomb).await;
        assert_eq!((reply.status, fault(&reply).code), (StatusCode::PAYLOAD_TOO_LARGE, 8), "{encoding}");
        let headers = [("content-type", "application/grpc"), ("grpc-encoding", encoding)];
        let reply = call(grpc, Signal::Traces.grpc_path(), &headers, &framed(&bomb)).await;
        assert_eq!(reply.header("grpc-status"), Some("8"), "{encoding}");
    }
}

#[tokio::test]
async fn our_own_sender_gets_through_with_each_of_its_compressions() {
    use crate::support::sending::{remote, sender, span};
    let collector = start(|_| ());
    let mut taken = 0;
    for (protocol, address) in [
        (Protocol::Grpc, collector.grpc_address()),
        (Protocol::HttpProtobuf, collector.http_address()),
        (Protocol::HttpJson, collector.http_address()),
    ] {
        for compression in [Compression::None, Compression::Gzip, Compression::Zstd] {
            let mut remote = remote(protocol, "http://127.0.0.1", address.unwrap());
            remote.compression = compression;
            let sender = sender(remote);
            sender.send(span("work"));
            sender.flush(crate::support::PATIENCE).await.unwrap();
            taken += 1;
            assert_eq!(collector.counters().spans, taken, "{protocol:?} {compression:?}");
        }
    }
}
