//! What is sent as one, and what becomes of each of its parts.

use crate::support::*;
use bytes::Bytes;
use std::{net::SocketAddr, time::Duration};
use throughline_sender::{Batch, Destination, Disk, Limits, Request, Sender, Signal, Undelivered, Until};

/// Ten spans; a body of ten bytes.
fn ten(name: char) -> Request {
    Request { items: 10, body: Bytes::from(name.to_string().repeat(10)) }
}

/// Waits for as long as a test may take: only what is full, or asked for, is sent.
fn batching(address: SocketAddr, items: u64, bytes: usize, disk: Option<Disk>) -> Sender {
    let batch = Some(Batch { items, bytes, delay: PATIENCE });
    let limits = Limits { queue_bytes: 100, disk, batch, ..Limits::default() };
    Sender::start(Signal::Traces, Destination::Remote(remote(address)), limits).unwrap()
}

fn names(receiver: &Receiver) -> Vec<String> {
    let short = |body: String| body.as_bytes().chunks(10).map(|part| char::from(part[0])).collect();
    receiver.taken().into_iter().map(short).collect()
}

#[tokio::test]
async fn what_waits_is_sent_as_one_up_to_the_items_and_the_bytes_of_a_batch() {
    let by_items = Receiver::start().await;
    let sender = batching(by_items.address, 30, 1000, None);
    "abcdefg".chars().for_each(|name| sender.send(ten(name)));
    until("two whole batches", || counts(&sender.stats())[1] == 60).await;
    assert_eq!(
        (names(&by_items), counts(&sender.stats())),
        (vec!["abc".into(), "def".into()], [70, 60, 0, 0, 10, 0])
    );
    sender.flush(PATIENCE).await.unwrap();
    assert_eq!(names(&by_items), ["abc", "def", "g"]);

    let by_bytes = Receiver::start().await;
    let sender = batching(by_bytes.address, 1000, 25, None);
    sender.send(ten('a'));
    sender.send(Request { items: 1, body: Bytes::from("b".repeat(50)) });
    "cd".chars().for_each(|name| sender.send(ten(name)));
    sender.flush(PATIENCE).await.unwrap();
    assert_eq!(names(&by_bytes), ["a", "bbbbb", "cd"], "a larger one goes alone");
    assert_eq!(counts(&sender.stats()), [31, 31, 0, 0, 0, 0]);
}

#[tokio::test]
async fn a_request_waits_for_others_no_longer_than_the_delay() {
    let receiver = Receiver::start().await;
    let batch = Some(Batch { delay: Duration::from_millis(1), ..Batch::default() });
    let limits = Limits { batch, ..Limits::default() };
    let sender =
        Sender::start(Signal::Traces, Destination::Remote(remote(receiver.address)), limits).unwrap();
    sender.send(ten('a'));
    until("delivered", || counts(&sender.stats()) == [10, 10, 0, 0, 0, 0]).await;
}

// O-035, anchors §7: one bad request does not condemn those that travel with it.
#[tokio::test]
async fn a_malformed_request_is_found_among_others_which_are_delivered() {
    let receiver = Receiver::start().await;
    receiver.mood(|body| Reply::Status(if body.contains(&b'f') { 400 } else { 200 }));
    let sender = batching(receiver.address, 80, 1000, None);
    let receipts =
        Vec::from_iter("abcdefgh".chars().map(|name| sender.submit(ten(name), Until::Delivered).unwrap()));
    let mut refused = Vec::new();
    for (receipt, name) in receipts.into_iter().zip("abcdefgh".chars()) {
        refused.extend(receipt.settled().await.err().map(|fault| (name, fault)));
    }
    let [('f', Undelivered::Refused(cause))] = &refused[..] else { panic!("{refused:?}") };
    assert!(cause.contains("answered 400") && cause.contains("10 spans refused"), "{cause}");
    let mut taken: Vec<char> = names(&receiver).concat().chars().collect();
    taken.sort_unstable();
    assert_eq!(taken, Vec::from_iter("abcdegh".chars()));
    assert_eq!(counts(&sender.stats()), [80, 70, 10, 0, 0, 0]);
    // All; abcd and efgh; ef and gh; e and f.
    assert_eq!(receiver.requests(), 7);
}

#[tokio::test]
async fn a_batch_that_is_too_large_is_divided_where_its_requests_meet() {
    let receiver = Receiver::start().await;
    receiver.mood(|body| Reply::Status(if body.len() > 20 { 413 } else { 200 }));
    let sender = batching(receiver.address, 80, 1000, None);
    "abcdefgh".chars().for_each(|name| sender.send(ten(name)));
    sender.flush(PATIENCE).await.unwrap();
    assert_eq!(names(&receiver), ["ab", "cd", "ef", "gh"]);
    assert_eq!(counts(&sender.stats()), [80, 80, 0, 0, 0, 0]);
}

#[tokio::test]
async fn what_no_attempt_delivers_waits_and_is_counted_once_however_it_is_grouped() {
    let receiver = Receiver::start().await;
    let mut requests = 0;
    receiver.mood(move |_| {
        requests += 1;
        match requests {
            1 => Reply::Status(503),
            2 => Reply::Lost,
            _ => Reply::Status(200),
        }
    });
    let sender = batching(receiver.address, 30, 1000, None);
    "abc".chars().for_each(|name| sender.send(ten(name)));
    sender.flush(PATIENCE).await.unwrap();
    assert_eq!(names(&receiver), ["abc", "abc"]);
    assert_eq!((counts(&sender.stats()), sender.stats().repeated), ([30, 30, 0, 0, 0, 0], 30));
}

#[tokio::test]
async fn a_request_for_which_there_is_no_room_is_not_taken_and_not_counted() {
    let receiver = Receiver::start().await;
    let sender = batching(receiver.address, 1000, 1000, None);
    for _ in 0..10 {
        sender.submit(ten('a'), Until::Queued).unwrap().settled().await.unwrap();
    }
    assert!(sender.has_room(0).is_ok());
    let words = "the queue of 100 bytes is full";
    assert_eq!(sender.has_room(1).unwrap_err().to_string(), words);
    assert_eq!(sender.submit(ten('b'), Until::Queued).unwrap_err().to_string(), words);
    assert_eq!(counts(&sender.stats()), [100, 0, 0, 0, 100, 0]);
    sender.flush(PATIENCE).await.unwrap();
    assert_eq!(counts(&sender.stats()), [100, 100, 0, 0, 0, 0]);
    sender.abandon();
    assert_eq!(sender.submit(ten('c'), Until::Queued).unwrap_err().to_string(), "the sender is closed");
}

// B-069
#[tokio::test]
async fn a_request_is_on_disk_before_its_receipt_says_so_and_goes_out_with_the_next_process() {
    let directory = Directory::new();
    let first = batching(nobody(), 1000, 1000, Some(directory.disk()));
    for name in "ab".chars() {
        first.submit(ten(name), Until::OnDisk).unwrap().settled().await.unwrap();
    }
    let files = directory.files();
    let written = files.values().flatten().filter(|byte| matches!(byte, b'a' | b'b')).count();
    assert!(written >= 20, "{files:?}");
    assert_eq!(counts(&first.stats()), [20, 0, 0, 0, 20, 20]);
    first.abandon();
    let address = first.destination().to_string();
    drop(first);

    let address: SocketAddr = address.split('/').nth(2).unwrap().parse().unwrap();
    let receiver = Receiver::at(tokio::net::TcpListener::bind(address).await.unwrap());
    let next = batching(receiver.address, 1000, 1000, Some(directory.disk()));
    next.flush(PATIENCE).await.unwrap();
    assert_eq!(names(&receiver), ["ab"]);
    assert_eq!(counts(&next.stats()), [20, 20, 0, 0, 0, 0]);
}

#[tokio::test]
async fn who_waits_for_a_delivery_learns_that_the_sender_ended() {
    let sender = batching(nobody(), 10, 1000, None);
    let receipt = sender.submit(ten('a'), Until::Delivered).unwrap();
    sender.abandon();
    assert_eq!(receipt.settled().await, Err(Undelivered::Undecided));
    assert_eq!(counts(&sender.stats()), [10, 0, 0, 10, 0, 0]);
}
