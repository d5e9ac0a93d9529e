//! What became of everything is known at every instant.

use crate::support::*;
use std::time::Duration;
use throughline_sender::{Destination, Limits, Sender, Signal};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_sum_holds_at_every_instant_whatever_happens() {
    let directory = Directory::new();
    let receiver = Receiver::start().await;
    let mut request = 0;
    receiver.mood(move |_| {
        request += 1;
        match request % 9 {
            3 => Reply::Status(503),
            5 => Reply::Status(400),
            7 => Reply::Lost,
            _ => Reply::Status(200),
        }
    });
    let limits = Limits { queue_bytes: 400, disk: Some(directory.disk()) };
    let sender =
        Sender::start(Signal::Traces, Destination::Remote(remote(receiver.address)), limits).unwrap();
    for number in 0..2000 {
        sender.send(span(format!("{number:04}")));
        let [recorded, ..] = counts(&sender.stats());
        assert_eq!(recorded, number + 1);
        if number % 50 == 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
    until("some of each answer", || counts(&sender.stats())[0] == 2000 && receiver.requests() >= 12).await;
    receiver.mood(|_| Reply::Status(200));
    // Whether it sees a refusal is chance.
    let _ = sender.flush(PATIENCE).await;
    let [recorded, delivered, failed, _, queued, on_disk] = counts(&sender.stats());
    assert_eq!((recorded, queued, on_disk), (2000, 0, 0));
    assert!(failed > 0 && sender.stats().repeated > 0, "{:?}", sender.stats());

    let mut taken = receiver.taken();
    let all = taken.len() as u64;
    taken.sort();
    taken.dedup();
    assert_eq!(taken.len() as u64, delivered);
    assert!(all - delivered <= sender.stats().repeated, "{all} came, {:?}", sender.stats());
}

// O-030: no answer may mean that it was taken.
#[tokio::test]
async fn an_answer_that_was_lost_is_a_possible_duplicate_and_counted() {
    let receiver = Receiver::start().await;
    let mut request = 0;
    receiver.mood(move |_| {
        request += 1;
        if request < 3 { Reply::Lost } else { Reply::Status(200) }
    });
    let sender = sender(receiver.address, None);
    sender.send(span("thrice"));
    sender.flush(PATIENCE).await.unwrap();
    assert_eq!(receiver.taken(), ["thrice", "thrice", "thrice"]);
    assert_eq!((counts(&sender.stats()), sender.stats().repeated), ([1, 1, 0, 0, 0, 0], 2));
}

#[tokio::test]
async fn an_answer_or_a_connection_that_was_never_there_is_no_duplicate() {
    let address = nobody();
    let sender = sender(address, None);
    sender.send(span("once"));
    until("an attempt", || sender.stats().last_failure.is_some()).await;
    let receiver = Receiver::at(tokio::net::TcpListener::bind(address).await.unwrap());
    let mut request = 0;
    receiver.mood(move |_| {
        request += 1;
        if request < 3 { Reply::Status(503) } else { Reply::Status(200) }
    });
    sender.flush(PATIENCE).await.unwrap();
    assert_eq!((counts(&sender.stats()), sender.stats().repeated), ([1, 1, 0, 0, 0, 0], 0));
}

#[tokio::test]
async fn what_was_under_way_at_the_end_is_a_possible_duplicate_of_the_next_start() {
    let directory = Directory::new();
    let receiver = Receiver::start().await;
    receiver.mood(|_| Reply::Silence);
    let first = sender(receiver.address, Some(directory.disk()));
    first.send(span("under way"));
    first.send(span("behind it"));
    until("an attempt", || receiver.requests() == 1).await;
    first.close_since(first.mark(), Duration::ZERO).await.unwrap();
    receiver.mood(|_| Reply::Status(200));
    let next = sender(receiver.address, Some(directory.disk()));
    next.flush(PATIENCE).await.unwrap();
    assert_eq!((counts(&next.stats()), next.stats().repeated), ([2, 2, 0, 0, 0, 0], 1));
}

#[tokio::test]
async fn what_had_no_answer_before_it_went_to_disk_is_a_possible_duplicate_of_the_next_start() {
    let (directory, receiver) = (Directory::new(), Receiver::start().await);
    receiver.mood(|_| Reply::Lost);
    let first = sender(receiver.address, Some(directory.disk()));
    first.send(span("in doubt"));
    until("a lost answer", || first.stats().last_failure.is_some()).await;
    first.close_since(first.mark(), Duration::ZERO).await.unwrap();
    receiver.mood(|_| Reply::Status(200));
    let next = sender(receiver.address, Some(directory.disk()));
    next.flush(PATIENCE).await.unwrap();
    assert_eq!((counts(&next.stats()), next.stats().repeated), ([1, 1, 0, 0, 0, 0], 1));
}

#[tokio::test]
async fn what_came_from_disk_and_had_no_answer_is_a_possible_duplicate_whoever_sends_it_again() {
    let (directory, receiver) = (Directory::new(), Receiver::start().await);
    receiver.mood(|_| Reply::Status(503));
    let first = sender(receiver.address, Some(directory.disk()));
    first.send(span("turned away"));
    until("an answer", || first.stats().last_failure.is_some()).await;
    drop(first);
    // From disk, without an answer, and then to the next process.
    receiver.mood(|_| Reply::Lost);
    let second = sender(receiver.address, Some(directory.disk()));
    until("a lost answer", || second.stats().last_failure.is_some()).await;
    let again = second.stats().repeated;
    second.close_since(second.mark(), Duration::ZERO).await.unwrap();
    receiver.mood(|_| Reply::Status(200));
    let third = sender(receiver.address, Some(directory.disk()));
    third.flush(PATIENCE).await.unwrap();
    assert_eq!((again, counts(&third.stats()), third.stats().repeated), (0, [1, 1, 0, 0, 0, 0], 1));
}

/// How often the runtime's one thread woke in an hour, which passes at once.
async fn wake_ups() -> u64 {
    let metrics = tokio::runtime::Handle::current().metrics();
    let before = metrics.worker_park_count(0);
    tokio::time::sleep(Duration::from_secs(3600)).await;
    metrics.worker_park_count(0) - before
}

#[tokio::test(start_paused = true)]
async fn a_sender_with_nothing_to_send_does_not_wake() {
    let alone = wake_ups().await; // the test's own, for the timer's sake
    let directory = Directory::new();
    let sender = sender(nobody(), Some(directory.disk()));
    tokio::time::sleep(Duration::from_secs(1)).await; // its tasks have begun to wait
    // A timer of an hour wakes a few times of itself.
    let woken = wake_ups().await;
    assert!(woken < alone + 10, "{woken} wake-ups, {alone} without a sender");
    assert_eq!(counts(&sender.stats()), [0; 6]);
}
