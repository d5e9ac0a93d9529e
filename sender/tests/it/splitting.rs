//! What is too large for the other side is sent in pieces.

use crate::support::*;
use opentelemetry_proto::tonic::{
    collector::trace::v1::ExportTraceServiceRequest,
    resource::v1::Resource,
    trace::v1::{ResourceSpans, ScopeSpans, Span},
};
use prost::Message;
use std::time::Duration;
use throughline_sender::Request;

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

#[tokio::test]
async fn pieces_survive_an_outage_in_between_and_the_end_of_the_process() {
    let directory = Directory::new();
    let receiver = Receiver::start().await;
    let mut taken = 0;
    receiver.mood(move |body| {
        if body.len() > 200 {
            return Reply::Status(413);
        }
        taken += 1;
        Reply::Status(if taken > 3 { 503 } else { 200 })
    });
    let first = sender(receiver.address, Some(directory.disk()));
    first.send(request(100));
    until("some on disk", || counts(&first.stats())[5] > 0).await;
    first.close_since(first.mark(), Duration::ZERO).await.unwrap();
    let delivered = spans(&receiver).len() as u64;
    assert_eq!(counts(&first.stats()), [100, delivered, 0, 0, 100 - delivered, 100 - delivered]);

    receiver.mood(|_| Reply::Status(200));
    let next = sender(receiver.address, Some(directory.disk()));
    next.flush(PATIENCE).await.unwrap();
    let all = spans(&receiver);
    let mut distinct = all.clone();
    distinct.sort();
    distinct.dedup();
    assert_eq!(distinct, names(100));
    assert!((all.len() - 100) as u64 <= next.stats().repeated);
}
