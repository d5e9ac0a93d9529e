//! What is too large for the other side is sent in pieces.

use crate::support::*;
use opentelemetry_proto::tonic::{
    collector::{metrics::v1::ExportMetricsServiceRequest, trace::v1::ExportTraceServiceRequest},
    metrics::v1::{Gauge, Metric, NumberDataPoint, ResourceMetrics, ScopeMetrics, metric::Data},
    resource::v1::Resource,
    trace::v1::{ResourceSpans, ScopeSpans, Span},
};
use prost::Message;
use std::time::Duration;
use throughline_sender::{Destination, Limits, Request, Sender, Signal};

fn request(spans: u64) -> Request {
    let span = |number| Span { name: format!("span {number:04}"), ..Span::default() };
    let scope_spans = vec![ScopeSpans { spans: (0..spans).map(span).collect(), ..ScopeSpans::default() }];
    let resource = Some(Resource { dropped_attributes_count: 7, ..Resource::default() });
    let resource_spans = vec![ResourceSpans { resource, scope_spans, ..ResourceSpans::default() }];
    let body = ExportTraceServiceRequest { resource_spans }.encode_to_vec().into();
    Request { items: spans, body }
}

fn spans(receiver: &Receiver) -> Vec<String> {
    let mut names = Vec::new();
    for body in receiver.bodies() {
        for of in ExportTraceServiceRequest::decode(body).unwrap().resource_spans {
            assert_eq!(of.resource.unwrap().dropped_attributes_count, 7);
            names.extend(of.scope_spans.into_iter().flat_map(|of| of.spans).map(|span| span.name));
        }
    }
    names
}

fn names(count: usize) -> Vec<String> {
    (0..count).map(|number| format!("span {number:04}")).collect()
}

#[tokio::test]
async fn a_request_that_is_too_large_is_halved_until_it_fits() {
    let receiver = Receiver::start().await;
    receiver.mood(|body| Reply::Status(if body.len() > 200 { 413 } else { 200 }));
    let sender = sender(receiver.address, None);
    sender.send(request(100));
    sender.flush(PATIENCE).await.unwrap();
    assert_eq!(spans(&receiver), names(100));
    assert_eq!(counts(&sender.stats()), [100, 100, 0, 0, 0, 0]);
    // 100 spans of 13 bytes: in 8 pieces, after 7 requests that were too large.
    assert_eq!((receiver.bodies().len(), receiver.requests()), (8, 15));
}

#[tokio::test]
async fn one_metric_with_many_points_is_divided_between_them() {
    let point = |time_unix_nano| NumberDataPoint { time_unix_nano, ..NumberDataPoint::default() };
    let data = Some(Data::Gauge(Gauge { data_points: (1..=100).map(point).collect() }));
    let scope_metrics =
        ScopeMetrics { metrics: vec![Metric { data, ..Metric::default() }], ..ScopeMetrics::default() };
    let resource_metrics =
        vec![ResourceMetrics { scope_metrics: vec![scope_metrics], ..ResourceMetrics::default() }];
    let body = ExportMetricsServiceRequest { resource_metrics }.encode_to_vec().into();

    let receiver = Receiver::start().await;
    receiver.mood(|body| Reply::Status(if body.len() > 200 { 413 } else { 200 }));
    let destination = Destination::Remote(remote(receiver.address));
    let sender = Sender::start(Signal::Metrics, destination, Limits::default()).unwrap();
    sender.send(Request { items: 100, body });
    sender.flush(PATIENCE).await.unwrap();
    let points = |body: bytes::Bytes| {
        let request = ExportMetricsServiceRequest::decode(body).unwrap();
        match &request.resource_metrics[0].scope_metrics[0].metrics[0].data {
            Some(Data::Gauge(gauge)) => gauge.data_points.clone(),
            other => panic!("{other:?}"),
        }
    };
    let points = Vec::from_iter(receiver.bodies().into_iter().flat_map(points));
    assert_eq!(points, Vec::from_iter((1..=100).map(point)));
    assert_eq!(counts(&sender.stats()), [100, 100, 0, 0, 0, 0]);
}

#[tokio::test]
async fn a_single_item_that_is_too_large_is_refused_and_the_others_are_not() {
    let receiver = Receiver::start().await;
    receiver.mood(|body| {
        let large = body.windows(4).any(|part| part == b"0005") || body.len() > 60;
        Reply::Status(if large { 413 } else { 200 })
    });
    let sender = sender(receiver.address, None);
    sender.send(request(8));
    let error = sender.flush(PATIENCE).await.unwrap_err();
    assert!(error.to_string().contains("1 spans refused") && error.to_string().contains("413"), "{error}");
    let mut expected = names(8);
    expected.remove(5);
    assert_eq!(spans(&receiver), expected);
    assert_eq!(counts(&sender.stats()), [8, 7, 1, 0, 0, 0]);
}

/// Takes so many requests of no more than 200 bytes, then none.
fn take(receiver: &Receiver, pieces: usize) {
    let mut left = pieces;
    receiver.mood(move |body| match (body.len(), left) {
        (201.., _) => Reply::Status(413),
        (_, 0) => Reply::Status(503),
        _ => {
            left -= 1;
            Reply::Status(200)
        }
    });
}

/// Waits until a destination turned away what it would have taken before; how many spans it has.
async fn stuck(sender: &Sender, receiver: &Receiver) -> u64 {
    until("an outage", || sender.stats().last_failure.is_some_and(|fault| fault.contains("503"))).await;
    spans(receiver).len() as u64
}

#[tokio::test]
async fn pieces_that_arrived_are_neither_sent_again_by_the_next_process_nor_said_to_be() {
    // A machine that stalls lets an attempt be under way at the end, which is then a possible duplicate.
    for _ in 0..5 {
        if said_to_be_repeated().await == 0 {
            return;
        }
    }
    panic!("what waited was said to be sent again");
}

/// Ends a sender. What was under way is gone too: the destination may change its mood.
async fn end(sender: Sender, receiver: &Receiver) {
    sender.close_since(sender.mark(), Duration::ZERO).await.unwrap();
    let [recorded, delivered, .., queued, on_disk] = counts(&sender.stats());
    assert_eq!((recorded, queued), (delivered + queued, on_disk));
    drop(sender);
    until("the end of its connections", || receiver.connections() == 0).await;
}

/// Sends a request in pieces, by three processes one after the other; what the last one says.
async fn said_to_be_repeated() -> u64 {
    let (directory, receiver) = (Directory::new(), Receiver::start().await);
    take(&receiver, 3);
    let first = sender(receiver.address, Some(directory.disk()));
    first.send(request(100));
    let arrived = stuck(&first, &receiver).await;
    end(first, &receiver).await;

    // From disk in pieces, and not to its end either.
    take(&receiver, 2);
    let second = sender(receiver.address, Some(directory.disk()));
    assert_eq!(counts(&second.stats())[0], 100 - arrived);
    let more = stuck(&second, &receiver).await - arrived;
    assert!(more > 0);
    end(second, &receiver).await;

    take(&receiver, 100);
    let third = sender(receiver.address, Some(directory.disk()));
    let left = 100 - arrived - more;
    assert_eq!((counts(&third.stats())[0], third.stats().adopted), (left, left));
    third.flush(PATIENCE).await.unwrap();
    assert_eq!(spans(&receiver), names(100));
    assert_eq!(counts(&third.stats()), [left, left, 0, 0, 0, 0]);
    until("no file is left", || directory.files().is_empty()).await;
    third.stats().repeated
}

// As a process that is killed leaves it.
#[tokio::test]
async fn pieces_that_were_noted_as_arrived_are_not_sent_again_after_a_kill() {
    let (directory, receiver) = (Directory::new(), Receiver::start().await);
    receiver.mood(|_| Reply::Status(503));
    let first = sender(receiver.address, Some(directory.disk()));
    first.send(request(100));
    until("on disk", || counts(&first.stats())[5] == 100).await;
    take(&receiver, 3);
    until("three pieces", || receiver.bodies().len() == 3).await;
    let arrived = spans(&receiver).len() as u64;

    let settled = |bytes: &Vec<u8>| u64::from_le_bytes(*bytes[9..].first_chunk().unwrap());
    until("a note on disk", || directory.files().values().map(settled).eq([arrived])).await;
    let killed = Directory::new();
    for (path, bytes) in directory.files() {
        std::fs::create_dir_all(killed.0.join(&path).parent().unwrap()).unwrap();
        std::fs::write(killed.0.join(&path), bytes).unwrap();
    }
    end(first, &receiver).await;

    take(&receiver, 100);
    let next = sender(receiver.address, Some(killed.disk()));
    let left = 100 - arrived;
    assert_eq!((counts(&next.stats()), next.stats().adopted), ([left, 0, 0, 0, left, left], left));
    next.flush(PATIENCE).await.unwrap();
    assert_eq!(spans(&receiver), names(100));
    // Whether a piece was under way the disk does not tell.
    assert_eq!((counts(&next.stats())[1], next.stats().repeated), (left, left));
}
