//! What an earlier process left is sent by the next one, and by one only.

use crate::support::*;
use std::{net::SocketAddr, time::Duration};
use throughline_sender::{Destination, Disk, Limits, Sender, Signal};

/// Leaves these spans on disk for a destination.
async fn leave(directory: &Directory, address: SocketAddr, names: &[&str]) {
    let sender = sender(address, Some(directory.disk()));
    names.iter().for_each(|name| sender.send(span(*name)));
    sender.close_since(sender.mark(), Duration::from_millis(50)).await.unwrap();
}

#[tokio::test]
async fn the_next_start_sends_what_was_left_and_counts_it_as_recorded() {
    let directory = Directory::new();
    let address = nobody();
    leave(&directory, address, &["one", "two"]).await;
    let next = sender(address, Some(directory.disk()));
    assert_eq!(next.notices(), ["2 spans of an earlier process are sent now"]);
    assert_eq!((counts(&next.stats()), next.stats().adopted), ([2, 0, 0, 0, 2, 2], 2));
    next.send(span("three"));
    let receiver = Receiver::at(tokio::net::TcpListener::bind(address).await.unwrap());
    next.flush(PATIENCE).await.unwrap();
    let mut taken = receiver.taken();
    taken.sort();
    assert_eq!(taken, ["one", "three", "two"]);
    assert_eq!((counts(&next.stats()), next.stats().adopted), ([3, 3, 0, 0, 0, 0], 2));
    until("no file is left", || directory.files().is_empty()).await;
}

#[tokio::test]
async fn senders_that_share_a_directory_and_a_destination_keep_apart() {
    let directory = Directory::new();
    let receiver = Receiver::start().await;
    receiver.mood(|_| Reply::Status(503));
    let senders: Vec<_> = (0..3).map(|_| sender(receiver.address, Some(directory.disk()))).collect();
    for (number, sender) in senders.iter().enumerate() {
        assert_eq!(counts(&sender.stats()), [0; 6]);
        sender.send(span(format!("of sender {number}")));
    }
    until("all on disk", || senders.iter().all(|sender| counts(&sender.stats())[5] == 1)).await;
    assert_eq!(directory.files().len(), 3);

    // Two end: who starts next takes over from both, and leaves the one alone that lives.
    let mut senders = senders;
    for ended in senders.drain(1..) {
        ended.close_since(ended.mark(), Duration::ZERO).await.unwrap();
    }
    let next = sender(receiver.address, Some(directory.disk()));
    assert_eq!(next.stats().adopted, 2);
    receiver.mood(|_| Reply::Status(200));
    next.flush(PATIENCE).await.unwrap();
    senders[0].flush(PATIENCE).await.unwrap();
    let mut taken = receiver.taken();
    let all = taken.len() as u64;
    taken.sort();
    taken.dedup();
    assert_eq!(taken, ["of sender 0", "of sender 1", "of sender 2"]);
    // What was under way when its sender ended may have been taken after all.
    assert!(all - 3 <= next.stats().repeated, "{all}");
}

#[tokio::test]
async fn what_was_left_for_another_destination_stays_and_is_named() {
    let directory = Directory::new();
    let receiver = Receiver::start().await;
    let (before, now) = (nobody(), receiver.address);
    leave(&directory, before, &["for another place"]).await;
    let next = sender(now, Some(directory.disk()));
    assert_eq!(next.notices(), Vec::<String>::new());
    next.flush(PATIENCE).await.unwrap();
    assert_eq!(next.stats().adopted, 0);
    let [unclaimed] = &directory.disk().unclaimed()[..] else { panic!("one destination") };
    let place = before.to_string().replace(':', "-");
    assert!(
        unclaimed.contains("bytes wait in") && unclaimed.contains(&format!("traces-{place}")),
        "{unclaimed}"
    );

    // Metrics of the same place and a tenant of it are other destinations too.
    let limits = || Limits { disk: Some(directory.disk()), ..Limits::default() };
    let metrics = Sender::start(Signal::Metrics, Destination::Remote(remote(before)), limits()).unwrap();
    let tenant = remote(before)
        .header(http::HeaderName::from_static("x-scope-orgid"), http::HeaderValue::from_static("another"));
    let tenant = Sender::start(Signal::Traces, Destination::Remote(tenant), limits()).unwrap();
    assert_eq!([metrics.stats().adopted, tenant.stats().adopted], [0, 0]);

    // Who sends there again, sends it. What is in use is nobody else's business.
    let again = sender(before, Some(directory.disk()));
    assert_eq!(again.stats().adopted, 1);
    assert_eq!(directory.disk().unclaimed(), Vec::<String>::new());
}

#[tokio::test]
async fn the_names_on_disk_hold_no_secret() {
    let directory = Directory::new();
    let url = "https://me:hush@example.com:1/otlp/v1/traces?token=hush".parse().unwrap();
    let remote = throughline_sender::Remote::new(throughline_sender::Protocol::HttpProtobuf, url)
        .header(http::header::AUTHORIZATION, throughline_sender::basic("me", "hush"));
    let limits = Limits { disk: Some(Disk::new(&directory.0)), ..Limits::default() };
    let sender = Sender::start(Signal::Traces, Destination::Remote(remote), limits).unwrap();
    sender.send(span("x"));
    drop(sender);
    let files = directory.files();
    let path = files.keys().next().unwrap().to_string_lossy();
    assert!(path.starts_with("traces-example.com-1-otlp-v1-traces-") && !path.contains("hush"), "{path}");
}
