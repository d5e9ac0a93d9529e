//! Every failure is told with the URL and with its cause in words.

use crate::support::{
    free_port,
    receiver::Receiver,
    sending::{failure, remote, sender, span},
};
use std::{net::SocketAddr, time::Duration};
use throughline::sender::{Protocol, Remote};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

/// What is said, with `@` for the destination.
async fn said(remote: Remote) -> String {
    let place = remote.to_string();
    let sender = sender(remote);
    sender.send(span("work"));
    failure(&sender).await.replace(&place, "@")
}

/// A server that reads a little and then does this.
async fn server(answer: &'static [u8], reset: bool) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let _ = stream.read(&mut [0; 8192]).await;
            if reset {
                stream.set_zero_linger().unwrap();
            }
            let _ = stream.write_all(answer).await;
            if !answer.is_empty() {
                // What the client still sends is read, so that it is not reset.
                while stream.read(&mut [0; 8192]).await.is_ok_and(|length| length > 0) {}
            }
        }
    });
    address
}

#[tokio::test]
async fn every_cause_is_in_words() {
    let nobody = SocketAddr::from(([127, 0, 0, 1], free_port()));
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mute = silent.local_addr().unwrap();
    let (refused, unanswered) = ("cannot reach @: Connection refused (os error 111)", "@ did not answer");
    for (protocol, reset, ended) in [
        (
            Protocol::HttpProtobuf,
            "Connection reset by peer (os error 104)",
            "connection closed before message completed",
        ),
        (Protocol::Grpc, "connection reset", "stream closed because of a broken pipe"),
    ] {
        let local = |address| remote(protocol, "http://127.0.0.1", address);
        assert_eq!(said(local(nobody)).await, refused);
        let mut advised = local(nobody);
        advised.advice = "start a collector".into();
        assert_eq!(said(advised).await, format!("{refused}; start a collector"));
        let mut nowhere = remote(protocol, "http://nowhere.invalid", nobody);
        nowhere.timeout = Duration::ZERO; // a resolver may take its time
        let unknown = said(nowhere).await;
        // The rest are the words of the system's resolver.
        assert!(
            unknown.starts_with("cannot reach @: the name nowhere.invalid cannot be resolved: "),
            "{unknown}"
        );
        for (abort, words) in [(true, reset), (false, ended)] {
            let address = server(b"", abort).await;
            let words = match protocol {
                Protocol::Grpc => {
                    format!("{words}; if {address} does not speak gRPC, use http/protobuf or another port")
                }
                _ => words.into(),
            };
            assert_eq!(said(local(address)).await, format!("{unanswered}: {words}"));
        }
        let mut hurried = local(mute);
        hurried.timeout = Duration::from_millis(50);
        assert_eq!(said(hurried).await, format!("{unanswered} within 50ms"));
    }
    drop(silent);
}

// O-008
#[tokio::test]
async fn another_protocol_on_the_port_is_told_with_its_remedy() {
    let receiver = Receiver::start();
    let refusal = b"HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";
    let settings = b"\0\0\x06\x04\0\0\0\0\0\0\x05\0\0\x40\0";
    let shell = b"SSH-2.0-OpenSSH_9.6\r\n";
    let grpc = "does not speak gRPC; use http/protobuf or another port";
    let http = "does not speak HTTP/1.1; use https, grpc or another port";
    for (protocol, address, fault) in [
        (Protocol::Grpc, server(refusal, false).await, grpc),
        (Protocol::Grpc, server(shell, false).await, grpc),
        (Protocol::HttpProtobuf, receiver.grpc_address(), http),
        (Protocol::HttpJson, receiver.grpc_address(), http),
        (Protocol::HttpProtobuf, server(settings, false).await, http),
        (Protocol::HttpProtobuf, server(shell, false).await, http),
    ] {
        let said = said(remote(protocol, "http://127.0.0.1", address)).await;
        assert_eq!(said, format!("@ did not answer: {address} {fault}"), "{protocol:?}");
    }
}

// A server that speaks HTTP/2, but no gRPC.
#[tokio::test]
async fn http_2_that_is_not_grpc_is_told_so() {
    let receiver = Receiver::start();
    receiver.then(throughline::testing::Fault::Status(404));
    let sender = sender(remote(Protocol::Grpc, "http://127.0.0.1", receiver.grpc_address()));
    sender.send(span("work"));
    let error = sender.flush(crate::support::PATIENCE).await.unwrap_err().to_string();
    assert!(
        error.ends_with("answered 404 Not Found, not as gRPC does; use http/protobuf or another port"),
        "{error}"
    );
}
