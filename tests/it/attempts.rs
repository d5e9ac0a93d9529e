//! How one attempt is made: what goes over the wire, on which connection, and what is said if it fails.

mod causes; // what is said if it fails
mod connections; // which connection it takes
mod sizes; // what is too large

use crate::support::{
    PATIENCE,
    receiver::{Decoded, Receiver},
    sending::{remote, sender, span},
};
use throughline::sender::{Compression, Protocol};

// O-013, O-018, O-040
#[tokio::test]
async fn every_protocol_has_its_headers_and_every_compression_its_name() {
    let receiver = Receiver::start();
    for (compression, name) in
        [(Compression::None, None), (Compression::Gzip, Some("gzip")), (Compression::Zstd, Some("zstd"))]
    {
        for (protocol, address, kind, coding) in [
            (Protocol::HttpProtobuf, receiver.http_address(), "application/x-protobuf", "content-encoding"),
            (Protocol::HttpJson, receiver.http_address(), "application/json", "content-encoding"),
            (Protocol::Grpc, receiver.grpc_address(), "application/grpc", "grpc-encoding"),
        ] {
            let mut remote = remote(protocol, "http://127.0.0.1", address);
            remote.compression = compression;
            let sender = sender(remote.header("X-Scope-OrgID".parse().unwrap(), "one".parse().unwrap()));
            sender.send(span(&"work ".repeat(100)));
            sender.flush(PATIENCE).await.unwrap();
            let request = receiver.requests().pop().unwrap();
            let value = |name: &str| request.headers.get(name).map(|value| value.to_str().unwrap());
            assert_eq!((value("content-type"), value(coding)), (Some(kind), name));
            assert_eq!(value("x-scope-orgid"), Some("one")); // O-012: in lower case, as HTTP/2 demands
            let version = env!("CARGO_PKG_VERSION");
            let agent = format!("throughline/{version} OTel-OTLP-Exporter-Rust/{version}");
            assert_eq!(value("user-agent"), Some(&*agent));
        }
    }
    let spans = receiver.spans();
    assert_eq!((spans.len(), receiver.complaints()), (9, vec![]));
    assert!(spans.iter().all(|(_, span)| span.name == "work ".repeat(100)));
}
