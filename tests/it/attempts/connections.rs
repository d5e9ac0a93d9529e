//! One connection carries everything, and its end is no failure.

use crate::support::{
    PATIENCE,
    receiver::{Decoded, Receiver},
    relay::{Fate, Relay},
    sending::{failure, remote, sender, span},
    until,
};
use throughline::sender::{Protocol, Sender};

async fn relayed(receiver: &Receiver, protocol: Protocol) -> (Relay, Sender) {
    let to = if protocol == Protocol::Grpc { receiver.grpc_address() } else { receiver.http_address() };
    let relay = Relay::start(to).await;
    let sender = sender(remote(protocol, "http://127.0.0.1", relay.address));
    (relay, sender)
}

async fn send(sender: &Sender) {
    sender.send(span("work"));
    sender.flush(PATIENCE).await.unwrap();
}

// O-037
#[tokio::test]
async fn a_hundred_requests_share_one_connection() {
    for protocol in [Protocol::HttpProtobuf, Protocol::Grpc] {
        let receiver = Receiver::start();
        let (relay, sender) = relayed(&receiver, protocol).await;
        for _ in 0..100 {
            send(&sender).await;
        }
        assert_eq!((relay.connections(), receiver.spans().len()), (1, 100), "{protocol:?}");
    }
}

// O-037
#[tokio::test]
async fn a_connection_that_the_server_ended_is_replaced_at_once_and_without_a_word() {
    for (protocol, fate) in [
        (Protocol::HttpProtobuf, Fate::End),
        (Protocol::HttpProtobuf, Fate::EndAtNext),
        (Protocol::Grpc, Fate::End),
        (Protocol::Grpc, Fate::EndAtNext),
        (Protocol::Grpc, Fate::GoodbyeAtNext),
    ] {
        let receiver = Receiver::start();
        let (relay, sender) = relayed(&receiver, protocol).await;
        for _ in 0..5 {
            send(&sender).await;
            relay.decide(fate);
        }
        // A failure would have been noted, before any pause.
        let stats = sender.stats();
        assert_eq!((stats.delivered, &stats.last_failure), (5, &None), "{protocol:?} {fate:?}");
        assert_eq!((relay.connections(), receiver.spans().len()), (5, 5), "{protocol:?} {fate:?}");
    }
}

#[tokio::test]
async fn a_new_connection_that_breaks_is_a_failure() {
    for protocol in [Protocol::HttpProtobuf, Protocol::Grpc] {
        let receiver = Receiver::start();
        let (relay, sender) = relayed(&receiver, protocol).await;
        send(&sender).await;
        drop(receiver);
        // The kept one and the new one both end.
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let hasty = crate::support::sending::sender(remote(
            protocol,
            "http://127.0.0.1",
            listener.local_addr().unwrap(),
        ));
        let accepted = tokio::spawn(async move {
            let mut accepted = 0;
            while let Ok((stream, _)) = listener.accept().await {
                accepted += 1;
                drop(stream);
                if accepted == 2 {
                    return tokio::time::Instant::now();
                }
            }
            unreachable!()
        });
        let begin = tokio::time::Instant::now();
        hasty.send(span("work"));
        let fault = failure(&hasty).await;
        assert!(fault.contains(" did not answer: "), "{fault}");
        // The second attempt came after the pause of a failure, which is 250 ms.
        let second = until("the second attempt", || async { accepted.is_finished().then_some(()) });
        second.await;
        assert!(accepted.await.unwrap() - begin >= std::time::Duration::from_millis(250), "{protocol:?}");
        assert_eq!(relay.connections(), 1);
    }
}
