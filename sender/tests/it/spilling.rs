//! When something is on disk, and when not.

use crate::support::*;
use std::time::Duration;
use throughline_sender::{
    Accept, Answer, DEFAULT_DISK_BYTES, Destination, Disk, Inlet, Limits, Request, Sender, Signal,
};
use tokio::net::TcpListener;

#[tokio::test]
async fn what_waits_goes_to_disk_and_from_there_out_oldest_first() {
    let directory = Directory::new();
    let receiver = Receiver::start().await;
    receiver.mood(|_| Reply::Status(503));
    let sender = sender(receiver.address, Some(directory.disk()));
    let names = Vec::from_iter((0..50).map(|number| format!("span {number:02}")));
    names.iter().for_each(|name| sender.send(span(name)));
    until("all on disk", || counts(&sender.stats()) == [50, 0, 0, 0, 50, 50]).await;
    receiver.mood(|_| Reply::Status(200));
    sender.flush(PATIENCE).await.unwrap();
    // Among spans the one that was turned away last lets the next one pass; then the oldest comes first.
    let mut taken = receiver.taken();
    assert!(taken[1..].is_sorted(), "{taken:?}");
    taken.sort();
    assert_eq!(taken, names);
    assert_eq!(counts(&sender.stats()), [50, 50, 0, 0, 0, 0]);
    assert_eq!(sender.stats().repeated, 0, "503 says that nothing was taken");
    until("no file is left", || directory.files().is_empty()).await;
}

/// What a service of a hundred spans a second sends in an hour, which passes at once; then the clock is the system's.
#[tokio::test(start_paused = true)]
async fn an_outage_of_an_hour_costs_nothing_that_the_disk_has_room_for() {
    const BATCH: u64 = 500;
    let (directory, address) = (Directory::new(), nobody());
    let disk = Disk { bytes: DEFAULT_DISK_BYTES / 3, ..directory.disk() };
    let limits = Limits { disk: Some(disk), ..Limits::default() };
    let sender = Sender::start(Signal::Traces, Destination::Remote(remote(address)), limits).unwrap();
    let start = tokio::time::Instant::now();
    for number in 0..720 {
        sender.send(Request { items: BATCH, body: format!("{number:020}").repeat(6_000).into() });
        tokio::time::sleep(Duration::from_secs(5)).await;
    }
    assert!(start.elapsed() >= Duration::from_secs(3600));
    let all = 720 * BATCH;
    let [recorded, delivered, failed, dropped, queued, on_disk] = counts(&sender.stats());
    assert_eq!([recorded, delivered, failed, dropped, queued], [all, 0, 0, 0, all]);
    assert!(on_disk > all - 3 * BATCH, "{on_disk} of {all}");

    tokio::time::resume();
    let receiver = Receiver::at(TcpListener::bind(address).await.unwrap());
    sender.flush(PATIENCE).await.unwrap();
    assert_eq!(counts(&sender.stats()), [all, all, 0, 0, 0, 0]);
    let mut taken = Vec::from_iter(receiver.taken().iter().map(|body| body[..20].parse::<u64>().unwrap()));
    taken.sort_unstable();
    assert_eq!(taken, Vec::from_iter(0..720));
}

#[tokio::test]
async fn measurements_keep_their_order_over_the_disk() {
    let directory = Directory::new();
    let receiver = Receiver::start().await;
    receiver.mood(|_| Reply::Status(503));
    let limits = Limits { disk: Some(directory.disk()), ..Limits::default() };
    let sender =
        Sender::start(Signal::Metrics, Destination::Remote(remote(receiver.address)), limits).unwrap();
    let names = Vec::from_iter((0..20).map(|number| format!("point {number:02}")));
    names[..10].iter().for_each(|name| sender.send(span(name)));
    until("half on disk", || counts(&sender.stats())[5] == 10).await;
    names[10..].iter().for_each(|name| sender.send(span(name)));
    receiver.mood(|_| Reply::Status(200));
    sender.flush(PATIENCE).await.unwrap();
    assert_eq!(receiver.taken(), names);
}

#[tokio::test]
async fn a_destination_that_answers_costs_the_disk_nothing() {
    let directory = Directory::new();
    let receiver = Receiver::start().await;
    let sender = sender(receiver.address, Some(directory.disk()));
    let start = std::time::Instant::now();
    for number in 0..200 {
        sender.send(span(format!("{number}")));
        if number % 20 == 0 {
            sender.flush(PATIENCE).await.unwrap();
        }
        // A machine that stalls for as long as an outage may have written.
        assert!(start.elapsed() > Duration::from_secs(1) || directory.files().is_empty());
    }
    sender.flush(PATIENCE).await.unwrap();
    assert_eq!(counts(&sender.stats()), [200, 200, 0, 0, 0, 0]);
}

#[tokio::test]
async fn what_is_under_way_to_a_destination_that_hangs_is_on_disk_too() {
    let directory = Directory::new();
    let receiver = Receiver::start().await;
    receiver.mood(|_| Reply::Silence);
    let sender = sender(receiver.address, Some(directory.disk()));
    sender.send(span("under way"));
    until("on disk", || counts(&sender.stats()) == [1, 0, 0, 0, 1, 1]).await;
    assert_eq!(receiver.requests(), 1);
}

#[tokio::test]
async fn memory_that_is_half_full_goes_to_disk_at_once() {
    let directory = Directory::new();
    let limits = Limits { queue_bytes: 1000, disk: Some(directory.disk()), ..Limits::default() };
    let sender = Sender::start(Signal::Traces, Destination::Remote(remote(nobody())), limits).unwrap();
    // Ten times what memory holds, with no more than a moment for the disk after each half.
    for number in 0..20 {
        sender.send(span("x".repeat(501)));
        until("on disk", || counts(&sender.stats())[5] == number + 1).await;
    }
    assert_eq!(counts(&sender.stats()), [20, 0, 0, 0, 20, 20]);
}

#[tokio::test]
async fn a_close_leaves_to_disk_what_it_cannot_deliver_and_that_is_no_error() {
    let directory = Directory::new();
    let receiver = Receiver::start().await;
    receiver.mood(|_| Reply::Silence);
    let sender = sender(receiver.address, Some(directory.disk()));
    sender.send(span("one"));
    sender.send(span("two"));
    sender.close_since(sender.mark(), Duration::from_millis(100)).await.unwrap();
    assert_eq!(counts(&sender.stats()), [2, 0, 0, 0, 2, 2]);
    sender.send(span("too late"));
    assert_eq!(counts(&sender.stats()), [3, 0, 0, 1, 2, 2]);
    // Again is nothing new.
    sender.abandon();
    assert_eq!(counts(&sender.stats()), [3, 0, 0, 1, 2, 2]);

    // Without a disk it is lost, and that is one.
    let sender = crate::support::sender(receiver.address, None);
    sender.send(span("one"));
    let error = sender.close_since(sender.mark(), Duration::from_millis(100)).await.unwrap_err();
    assert_eq!(error.items, 1);
    assert_eq!(counts(&sender.stats()), [1, 0, 0, 1, 0, 0]);
}

#[tokio::test]
async fn a_sender_that_is_only_dropped_leaves_everything_to_disk() {
    let directory = Directory::new();
    let first = sender(nobody(), Some(directory.disk()));
    first.send(span("left behind"));
    drop(first);
    let files = directory.files();
    assert_eq!(files.len(), 1);
    assert!(String::from_utf8_lossy(files.values().next().unwrap()).contains("left behind"));
}

#[cfg(unix)]
#[tokio::test]
async fn nobody_else_can_read_it() {
    use std::os::unix::fs::PermissionsExt;
    let directory = Directory::new();
    let sender = sender(nobody(), Some(directory.disk()));
    sender.send(span("private"));
    until("on disk", || counts(&sender.stats())[5] == 1).await;
    let file = directory.file();
    let mode = |path: &std::path::Path| path.metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&file), 0o600);
    assert_eq!(mode(&file.with_file_name("lock")), 0o600);
    for above in file.ancestors().skip(1).take(3) {
        assert_eq!(mode(above), 0o700, "{above:?}");
    }
}

#[tokio::test]
async fn a_local_destination_has_no_use_for_a_disk() {
    struct Full;
    impl Accept for Full {
        fn accept(&self, _: Signal, _: bytes::Bytes) -> Answer {
            Answer::Busy { cause: "full".into(), after: None }
        }
    }
    let directory = Directory::new();
    let limits = Limits { disk: Some(Disk::new(&directory.0)), ..Limits::default() };
    let sender = Sender::start(Signal::Logs, Destination::Local(Inlet::new(Full)), limits).unwrap();
    sender.send(span("here"));
    until("an attempt", || sender.stats().last_failure.is_some()).await;
    drop(sender);
    assert!(!directory.0.exists());
}
