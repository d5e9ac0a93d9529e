use super::*;
use std::time::Instant;
use throughline::testing::{Fault, RetryAfter};

type Outage = Box<dyn Fn(&Receiver)>;

/// How a destination is out of order for a while.
fn outages() -> Vec<(&'static str, Outage)> {
    let always = |fault: Fault| -> Outage {
        Box::new(move |receiver: &Receiver| {
            receiver.then_always(fault.clone());
        })
    };
    vec![
        ("503", always(Fault::Status(503))),
        (
            "429",
            Box::new(|receiver| {
                receiver.then(Fault::Later(429, RetryAfter::Seconds(1)));
            }),
        ),
        (
            "UNAVAILABLE",
            Box::new(|receiver| {
                receiver.then_times(2, Fault::Code(14));
            }),
        ),
        ("hang", always(Fault::Hang)),
        ("close", always(Fault::CloseUnread)),
        (
            "refuse",
            Box::new(|receiver| {
                receiver.refuse();
            }),
        ),
        (
            "lost acknowledgements",
            Box::new(|receiver| {
                receiver.then_times(2, Fault::LostAnswer);
            }),
        ),
        (
            "torn answers",
            Box::new(|receiver| {
                receiver.then_times(2, Fault::TornAnswer);
            }),
        ),
    ]
}

// O-030, O-031, O-032, O-039, anchors §3
#[tokio::test]
async fn what_is_acknowledged_arrives_through_every_fault_that_passes_and_is_counted_exactly() {
    for protocol in [Protocol::Grpc, Protocol::HttpProtobuf] {
        for (name, begin) in outages() {
            let (receiver, healthy) = (Receiver::start(), Receiver::start());
            let collector = start(vec![to(&receiver, protocol), to(&healthy, protocol)], |_| {});
            let address = collector.http_address().unwrap();
            for number in 0..4 {
                if number == 1 {
                    begin(&receiver);
                }
                let (status, _) = post(address, request(number * 100..(number + 1) * 100)).await;
                assert_eq!(status, 200, "{name}");
            }
            // The one that is in order is not held up (O-039).
            until(name, || async { (counts(&collector.forwarded()[1])[1] == 400).then_some(()) }).await;
            // A success whose body breaks off is one over HTTP (O-034).
            if !(name == "torn answers" && protocol == Protocol::HttpProtobuf) {
                until(name, || async { collector.forwarded()[0].last_failure.clone() }).await;
            }
            receiver.recover();
            until(name, || async { (counts(&collector.forwarded()[0])[1] == 400).then_some(()) }).await;
            let forwarded = collector.forwarded();
            for (forwarded, receiver) in forwarded.iter().zip([&receiver, &healthy]) {
                assert_eq!(counts(forwarded), [400, 400, 0, 0, 0], "{name}");
                assert_eq!(set(taken(receiver)), set(0..400), "{name}");
                assert!(receiver.items(Signal::Traces) - 400 <= forwarded.repeated, "{name}: {forwarded:?}");
            }
            collector.stop(Duration::from_secs(10)).await.unwrap();
        }
    }
}

// O-035, anchors §7: whatever else is in the batch.
#[tokio::test]
async fn a_request_that_the_destination_finds_malformed_is_lost_alone_and_counted() {
    let receiver = Receiver::start();
    // Seven requests that travel as one.
    let collector = start(vec![to(&receiver, Protocol::Grpc)], |config| {
        config.batch.delay = Duration::from_secs(60);
        config.batch.items = 70;
    });
    // Of seven, of the first three, of the first alone.
    receiver.then_times(3, Fault::Code(3));
    let address = collector.http_address().unwrap();
    for number in 0..7 {
        assert_eq!(post(address, request(number * 10..(number + 1) * 10)).await.0, 200);
    }
    let all = || async { (counts(&collector.forwarded()[0]) == [70, 60, 10, 0, 0]).then_some(()) };
    until("all settled", all).await;
    assert_eq!(taken(&receiver), Vec::from_iter(10..70));
    collector.stop(Duration::from_secs(10)).await.unwrap();
}

// anchors §3: requests of 20,000 spans.
#[tokio::test]
async fn large_requests_go_alone_and_whole() {
    let receiver = Receiver::start();
    let collector = start(vec![to(&receiver, Protocol::HttpProtobuf)], |_| {});
    let address = collector.http_address().unwrap();
    let started = Instant::now();
    for number in 0..10 {
        assert_eq!(post(address, request(number * 20_000..(number + 1) * 20_000)).await.0, 200);
    }
    until("all delivered", || async { (counts(&collector.forwarded()[0])[1] == 200_000).then_some(()) })
        .await;
    assert_eq!(set(taken(&receiver)).len(), 200_000, "{:?}", started.elapsed());
    assert_eq!(counts(&collector.forwarded()[0]), [200_000, 200_000, 0, 0, 0]);
}
