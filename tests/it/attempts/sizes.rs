//! What is too large is not sent, or not read.

use crate::support::{
    PATIENCE,
    receiver::Receiver,
    sending::{remote, sender, span},
};
use axum::{Router, routing};
use throughline::{
    sender::{Destination, Limits, Protocol, Request, Sender, Signal},
    testing::Fault,
};

const MIB: usize = 1 << 20;

#[allow(clippy::needless_update, reason = "there may be more limits")]
fn roomy() -> Limits {
    Limits { queue_bytes: 100 * MIB, ..Limits::default() }
}

// O-016
#[tokio::test]
async fn a_request_of_more_than_64_mib_is_not_sent_but_counted() {
    let receiver = Receiver::start();
    for (protocol, address) in
        [(Protocol::HttpProtobuf, receiver.http_address()), (Protocol::Grpc, receiver.grpc_address())]
    {
        let mut remote = remote(protocol, "http://127.0.0.1", address);
        remote.compression = throughline::sender::Compression::Gzip; // the limit holds before
        let sender = Sender::start(Signal::Traces, Destination::Remote(remote), roomy()).unwrap();
        let mark = sender.mark();
        sender.send(Request { items: 7, body: vec![0; 64 * MIB + 1].into() });
        let error = sender.flush_since(mark, PATIENCE).await.unwrap_err().to_string();
        assert!(
            error.contains("a request of 67108865 bytes is larger than OTLP allows, which is 67108864"),
            "{error}"
        );
        let stats = sender.stats();
        assert_eq!((stats.recorded, stats.dropped), (7, 7));
    }
    assert_eq!(receiver.requests().len(), 0);
}

#[tokio::test]
async fn what_is_too_large_as_json_is_not_sent_but_counted() {
    let receiver = Receiver::start();
    let limits = roomy();
    let remote = remote(Protocol::HttpJson, "http://127.0.0.1", receiver.http_address());
    let place = remote.to_string();
    let sender = Sender::start(Signal::Traces, Destination::Remote(remote), limits).unwrap();
    sender.send(span(&"\u{1}".repeat(12 * MIB))); // six bytes each
    let error = sender.flush(PATIENCE).await.unwrap_err().to_string();
    assert!(
        error.contains(&format!("1 spans refused: not sent to {place}: the request is too large as JSON")),
        "{error}"
    );
    assert_eq!((sender.stats().failed, receiver.requests().len()), (1, 0));
}

// O-016, O-034
#[tokio::test]
async fn an_answer_is_read_up_to_4_mib_and_its_status_holds() {
    let receiver = Receiver::start();
    let refusal = Fault::Verbatim { status: 400, headers: vec![], body: vec![b'x'; 5 * MIB] };
    let sender_of = |protocol, address| sender(remote(protocol, "http://127.0.0.1", address));
    let sender = sender_of(Protocol::HttpProtobuf, receiver.http_address());
    receiver.then(Fault::Oversized(5 * MIB)).then(refusal);
    sender.send(span("taken"));
    sender.flush(PATIENCE).await.unwrap();
    sender.send(span("refused"));
    let error = sender.flush(PATIENCE).await.unwrap_err().to_string();
    assert!(
        error.contains("answered 400 Bad Request: the response broke off: length limit exceeded"),
        "{error}"
    );

    let sender = sender_of(Protocol::Grpc, receiver.grpc_address());
    receiver.then(Fault::Oversized(5 * MIB));
    sender.send(span("unknown"));
    let error = sender.flush(PATIENCE).await.unwrap_err().to_string();
    assert!(error.contains("answered with more than 4194304 bytes"), "{error}");
}

#[tokio::test]
async fn an_answer_that_never_ends_costs_one_limit() {
    let endless = || async {
        let chunks =
            tokio_stream::StreamExt::map(tokio_stream::pending::<()>(), |()| Ok::<_, std::io::Error>(""));
        axum::body::Body::from_stream(chunks)
    };
    let address = crate::support::serve(Router::new().route("/v1/traces", routing::post(endless))).await;
    let mut remote = remote(Protocol::HttpProtobuf, "http://127.0.0.1", address);
    remote.timeout = std::time::Duration::from_millis(50);
    let place = remote.to_string();
    let sender = sender(remote);
    sender.send(span("patient"));
    let fault = crate::support::sending::failure(&sender).await;
    assert_eq!(fault, format!("{place} did not answer within 50ms"));
}
