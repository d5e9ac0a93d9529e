use super::*;
use throughline::{collector::Until, testing::Fault};

#[tokio::test]
async fn what_one_server_refuses_is_counted_there_and_the_rest_is_delivered() {
    let receivers = [Receiver::start(), Receiver::start()];
    let members = receivers.each_ref();
    let collector = start(vec![Destination::Balanced(between(&members, Protocol::HttpProtobuf))], |config| {
        config.acknowledge = Until::Delivered;
    });
    let address = collector.http_address().unwrap();
    receivers[0].then(Fault::Status(400));
    // A part was taken: to refuse the whole would be no more true than to take it.
    assert_eq!(post(address, traces(0..400)).await, (200, None));
    let of = |place: usize| counts(&collector.forwarded()[0].members[place]);
    let [part, other] = [of(0)[0], of(1)[0]];
    assert_eq!([of(0), of(1)], [[part, 0, part, 0, 0], [other, other, 0, 0, 0]]);
    assert_eq!(total(&collector), [400, other, part, 0, 0]);
    receivers.iter().for_each(|receiver| {
        receiver.then(Fault::Status(400));
    });
    assert_eq!(post(address, traces(400..800)).await, (400, None));
    assert_eq!(post(address, traces(800..1200)).await, (200, None));
    let arrived: u64 = members.iter().map(|receiver| receiver.items(Signal::Traces)).sum();
    assert_eq!(total(&collector), [1200, arrived, 800 - other, 0, 0]);
}

// Item 4 of the promise: the bound is that of all together.
#[tokio::test]
async fn what_all_queues_together_cannot_hold_is_told_to_come_again_and_not_counted() {
    let receivers = [Receiver::start(), Receiver::start(), Receiver::start()];
    receivers.iter().for_each(|receiver| {
        receiver.then_always(Fault::Status(503));
    });
    let members = receivers.each_ref();
    let size = traces(0..400).len();
    let collector = start(vec![Destination::Balanced(between(&members, Protocol::Grpc))], |config| {
        config.queue_bytes = 4 * size;
    });
    let address = collector.http_address().unwrap();
    let mut acknowledged = BTreeSet::new();
    for number in 0..8 {
        let numbers = number * 400..(number + 1) * 400;
        match post(address, traces(numbers.clone())).await {
            (200, None) => acknowledged.extend(numbers),
            (503, Some(_)) => {}
            other => panic!("{other:?}"),
        }
    }
    let accepted = acknowledged.len() as u64;
    // Resource and scope stand in every part.
    assert_eq!(accepted, 1200);
    assert_eq!(total(&collector), [accepted, 0, 0, 0, accepted]);
    let held = collector.counters().held_bytes as usize;
    assert!((3 * size..=4 * size).contains(&held), "{held} of {}", 4 * size);
    receivers.iter().for_each(|receiver| {
        receiver.recover();
    });
    delivered(&collector, accepted).await;
    assert_eq!(set(members.iter().flat_map(|receiver| taken(receiver))), acknowledged);
    assert_eq!(collector.counters().held_bytes, 0);
}

#[tokio::test]
async fn one_request_of_twenty_thousand_traces_arrives_in_parts_and_each_may_be_too_large() {
    let receivers = [Receiver::start(), Receiver::start(), Receiver::start()];
    let members = receivers.each_ref();
    receivers[0].then_times(2, Fault::Status(413));
    let collector = start(vec![Destination::Balanced(between(&members, Protocol::HttpProtobuf))], |_| {});
    let numbers = || (0..20_000).map(|number| number * SPANS);
    assert_eq!(post(collector.http_address().unwrap(), traces(numbers())).await.0, 200);
    delivered(&collector, 20_000).await;
    let everything = members.iter().flat_map(|receiver| taken(receiver));
    assert_eq!(set(everything), set(numbers()));
    assert_eq!(total(&collector), [20_000, 20_000, 0, 0, 0]);
    assert!(receivers[0].requests().len() >= 5);
}
