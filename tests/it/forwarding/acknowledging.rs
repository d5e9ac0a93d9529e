use super::*;
use std::time::Instant;
use throughline::{
    collector::{Action, Disk, Overflow, Processor, Until, Value},
    sender::Answer,
    testing::Fault,
};

// Item 4 of the promise: the queue is the bound, and what is beyond it is told to come again.
#[tokio::test]
async fn a_full_queue_sends_away_what_comes_and_loses_nothing_that_was_acknowledged() {
    let receiver = Receiver::start();
    receiver.then_always(Fault::Status(503));
    let size = request(0..10).len();
    let collector = start(vec![to(&receiver, Protocol::Grpc)], |config| config.queue_bytes = 5 * size);
    let address = collector.http_address().unwrap();
    let mut acknowledged = BTreeSet::new();
    for number in 0..8 {
        let numbers = number * 10..(number + 1) * 10;
        match post(address, request(numbers.clone())).await {
            (200, None) => acknowledged.extend(numbers),
            (503, Some(after)) => assert!(after.parse::<u64>().unwrap() > 0),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(acknowledged.len(), 50);
    let counters = collector.counters();
    assert_eq!((counters.requests, counters.busy_requests, counters.held_bytes), (5, 3, 5 * size as u64));
    receiver.recover();
    until("delivered", || async { (counts(&collector.forwarded()[0]) == [50, 50, 0, 0, 0]).then_some(()) })
        .await;
    assert_eq!(set(taken(&receiver)), acknowledged);
    assert_eq!(collector.counters().held_bytes, 0);
    assert_eq!(post(address, request(0..10)).await.0, 200);
}

// O-039, O-053: a destination that is away does not hold up the others, and who sends is told.
#[tokio::test]
async fn what_comes_for_a_destination_that_stays_full_is_dropped_and_told_and_the_others_get_everything() {
    let (away, there) = (Receiver::start(), Receiver::start());
    away.then_always(Fault::Status(503));
    let destinations = vec![to(&away, Protocol::Grpc), to(&there, Protocol::Grpc)];
    let collector = start(destinations.clone(), |config| {
        config.queue_bytes = 2 * request(0..10).len();
        config.overflow = Overflow::Drop;
        config.batch.delay = Duration::from_millis(1);
    });
    let mut told = Vec::new();
    for number in 0..6 {
        let answer = collector.inlet().accept(Signal::Traces, request(number * 10..(number + 1) * 10));
        let Answer::Taken { rejected: 0, message } = answer else { panic!("{answer:?}") };
        told.push(message);
        let delivered = (number + 1) * 10;
        until("one of two", || async { (counts(&collector.forwarded()[1])[1] == delivered).then_some(()) })
            .await;
    }
    let dropped = format!("not sent to {}: its queue is full", destinations[0]);
    let expected = [vec![String::new(); 2], vec![dropped; 4]].concat();
    assert_eq!(told, expected);
    let both: Vec<_> = collector.forwarded().iter().map(counts).collect();
    assert_eq!(both, [[60, 0, 0, 40, 20], [60, 60, 0, 0, 0]]);
}

// O-039
#[tokio::test]
async fn a_full_queue_holds_up_the_others_for_a_while_and_one_that_has_room_again_is_full_anew() {
    let (away, there) = (Receiver::start(), Receiver::start());
    away.then_always(Fault::Status(503));
    let patience = Duration::from_millis(300);
    let collector = start(vec![to(&away, Protocol::Grpc), to(&there, Protocol::Grpc)], |config| {
        config.queue_bytes = 2 * request(0..10).len();
        config.overflow = Overflow::DropAfter(patience);
    });
    let address = collector.http_address().unwrap();
    for round in 0..2 {
        let statuses = [post(address, request(0..10)).await.0, post(address, request(10..20)).await.0];
        assert_eq!(statuses, [200; 2]);
        let full = Instant::now();
        assert_eq!(post(address, request(20..30)).await.0, 503);
        // Of some it is not known before how large they are.
        let taken = || async { (post_unsized(address, request(20..30)).await == 200).then_some(()) };
        until("taken for the other", taken).await;
        assert!(full.elapsed() >= patience);
        let all = (round + 1) * 30;
        until("one of two", || async { (counts(&collector.forwarded()[1])[1] == all).then_some(()) }).await;
        away.recover();
        until("room", || async { (counts(&collector.forwarded()[0])[4] == 0).then_some(()) }).await;
        assert_eq!(counts(&collector.forwarded()[0])[3], (round + 1) * 10);
        away.then_always(Fault::Status(503));
    }
}

/// As [`post`], without saying how long the body is.
async fn post_unsized(address: SocketAddr, body: Bytes) -> u16 {
    use http_body_util::StreamBody;
    use hyper_util::{client::legacy::Client, rt::TokioExecutor};
    let frame = Ok::<_, std::io::Error>(hyper::body::Frame::data(body));
    let request = hyper::Request::post(format!("http://{address}/v1/traces"))
        .header("content-type", "application/x-protobuf")
        .body(StreamBody::new(tokio_stream::once(frame)));
    let client = Client::builder(TokioExecutor::new()).build_http();
    client.request(request.unwrap()).await.unwrap().status().as_u16()
}

// The promise is one for all destinations.
#[tokio::test]
async fn what_is_acknowledged_when_it_is_delivered_is_never_dropped_for_want_of_room() {
    let (away, there) = (Receiver::start(), Receiver::start());
    away.then_always(Fault::Status(503));
    let collector = start(vec![to(&away, Protocol::Grpc), to(&there, Protocol::Grpc)], |config| {
        config.queue_bytes = request(0..10).len();
        (config.overflow, config.acknowledge) = (Overflow::Drop, Until::Delivered);
    });
    let address = collector.http_address().unwrap();
    let waiting = tokio::spawn(post(address, request(0..10)));
    until("an attempt", || async { (!away.requests().is_empty()).then_some(()) }).await;
    assert_eq!(post(address, request(10..20)).await.0, 503);
    away.recover();
    assert_eq!(waiting.await.unwrap().0, 200);
}

// B-068
#[tokio::test]
async fn beyond_the_bound_of_memory_requests_are_sent_away_before_they_are_read() {
    let receiver = Receiver::start();
    receiver.then_always(Fault::Status(503));
    let size = request(0..10).len();
    let collector = start(vec![to(&receiver, Protocol::Grpc)], |config| config.max_memory = Some(3 * size));
    let address = collector.http_address().unwrap();
    let mut statuses = Vec::new();
    for number in 0..5 {
        statuses.push(post(address, request(number * 10..(number + 1) * 10)).await.0);
    }
    assert_eq!(statuses, [200, 200, 200, 503, 503]);
    receiver.recover();
    until("room", || async { (post(address, request(30..40)).await.0 == 200).then_some(()) }).await;
}

#[tokio::test]
async fn a_durable_acknowledgement_comes_when_every_destination_has_it_on_disk_or_delivered() {
    let (away, there, directory) = (Receiver::start(), Receiver::start(), Directory::new());
    away.then_always(Fault::Status(503));
    let destinations = vec![to(&away, Protocol::HttpProtobuf), to(&there, Protocol::HttpProtobuf)];
    let collector = start(destinations.clone(), |config| {
        config.disk = Some(Disk::new(&directory.0));
        config.acknowledge = Until::OnDisk;
    });
    let address = collector.http_address().unwrap();
    assert_eq!(post(address, request(0..10)).await, (200, None));
    let [first, second] = &collector.forwarded()[..] else { panic!() };
    assert_eq!((first.on_disk, first.queued), (10, 10));
    assert_eq!(second.on_disk + second.delivered, 10);
    until("one has it", || async { (counts(&collector.forwarded()[1])[1] == 10).then_some(()) }).await;
    collector.stop(Duration::ZERO).await.unwrap();

    away.recover();
    let next = start(destinations, |config| config.disk = Some(Disk::new(&directory.0)));
    until("adopted", || async { (counts(&next.forwarded()[0]) == [10, 10, 0, 0, 0]).then_some(()) }).await;
    assert_eq!((set(taken(&away)), next.forwarded()[1].accepted), (set(0..10), 0));
}

#[tokio::test]
async fn durable_needs_a_disk() {
    let mut config = Config::default();
    (config.grpc, config.http, config.view) = (None, None, None);
    config.acknowledge = Until::OnDisk;
    let error = Collector::start(config).unwrap_err().to_string();
    assert!(error.ends_with("name one as the disk"), "{error}");
}

#[tokio::test]
async fn by_choice_a_request_is_acknowledged_when_it_is_delivered_and_refused_when_it_was_refused() {
    let receiver = Receiver::start();
    let collector =
        start(vec![to(&receiver, Protocol::Grpc)], |config| config.acknowledge = Until::Delivered);
    let address = collector.http_address().unwrap();
    assert_eq!(post(address, request(0..10)).await, (200, None));
    assert_eq!(receiver.items(Signal::Traces), 10, "it is there before the answer is");
    receiver.then(Fault::Code(3));
    assert_eq!(post(address, request(10..20)).await, (400, None));
    receiver.then_always(Fault::Status(503));
    let answer = tokio::spawn(post(address, request(20..30)));
    until("an attempt", || async { (receiver.requests().len() >= 3).then_some(()) }).await;
    assert!(!answer.is_finished());
    receiver.recover();
    assert_eq!(answer.await.unwrap(), (200, None));
    assert_eq!(counts(&collector.forwarded()[0]), [30, 20, 10, 0, 0]);
}

#[tokio::test]
async fn who_waits_for_longer_than_the_time_limit_is_told_to_come_again() {
    let receiver = Receiver::start();
    receiver.then_always(Fault::Status(503));
    let collector = start(vec![to(&receiver, Protocol::Grpc)], |config| {
        config.acknowledge = Until::Delivered;
        config.request_timeout = Duration::from_millis(50);
    });
    let (status, after) = post(collector.http_address().unwrap(), request(0..10)).await;
    assert_eq!((status, after.is_some()), (503, true));
}

// B-067, O-052
#[tokio::test]
async fn what_goes_out_is_without_what_was_rejected_and_with_what_processors_change() {
    let receiver = Receiver::start();
    let collector = start(vec![to(&receiver, Protocol::Grpc)], |config| {
        let cluster = Value::Text("blue".into());
        config.processors = vec![Processor::resource([Action::Upsert("k8s.cluster.name".into(), cluster)])];
    });
    let mut request = ExportTraceServiceRequest::decode(request(0..3)).unwrap();
    request.resource_spans[0].scope_spans[0].spans[1].trace_id = vec![0; 16];
    let status = post(collector.http_address().unwrap(), request.encode_to_vec().into()).await.0;
    assert_eq!(status, 200);
    until("delivered", || async { (counts(&collector.forwarded()[0]) == [2, 2, 0, 0, 0]).then_some(()) })
        .await;
    assert_eq!(taken(&receiver), [0, 2]);
    let body = receiver.bodies(Signal::Traces).remove(0);
    let resource =
        ExportTraceServiceRequest::decode(body).unwrap().resource_spans.remove(0).resource.unwrap();
    let attributes = crate::support::receiver::attributes(&resource.attributes);
    assert_eq!(attributes, [("k8s.cluster.name".into(), "\"blue\"".into())].into());
    assert_eq!(collector.counters().rejected_items, 1);
}

#[tokio::test]
async fn the_status_has_the_counts_of_every_destination() {
    let receiver = Receiver::start();
    let collector = start(vec![to(&receiver, Protocol::HttpProtobuf)], |config| {
        config.view = Some(SocketAddr::from(([127, 0, 0, 1], 0)));
    });
    post(collector.http_address().unwrap(), request(0..10)).await;
    until("delivered", || async { (counts(&collector.forwarded()[0])[1] == 10).then_some(()) }).await;
    let url = format!("{}api/status", collector.view_url().unwrap());
    let status = crate::support::get(&url, &[]).await.unwrap().1;
    let status: serde_json::Value = serde_json::from_str(&status).unwrap();
    let destination = format!("{}/v1/traces", receiver.http_endpoint());
    let expected = serde_json::json!([{
        "signal": "traces", "destination": destination, "accepted": 10, "delivered": 10, "rejected": 0, "dropped": 0,
        "queued": 0, "on_disk": 0, "repeated": 0, "last_failure": null,
    }]);
    assert_eq!(status["destinations"], expected);
}
