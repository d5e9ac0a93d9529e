//! Disks that are full, read-only, gone or torn: nothing is lost in silence, nothing panics.

use crate::support::*;
use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
    time::Duration,
};
use throughline_sender::{Destination, Disk, Limits, Sender, Signal};

fn start(disk: Disk) -> Result<Sender, throughline_sender::Error> {
    let to = "127.0.0.1:9".parse().unwrap();
    let limits = Limits { disk: Some(disk), ..Limits::default() };
    Sender::start(Signal::Traces, Destination::Remote(remote(to)), limits)
}

/// A directory with these spans on disk, all in one file.
async fn left(names: &[&str]) -> (Directory, PathBuf) {
    let directory = Directory::new();
    let sender = start(directory.disk()).unwrap();
    names.iter().for_each(|name| sender.send(span(*name)));
    sender.close_since(sender.mark(), Duration::ZERO).await.unwrap();
    let file = directory.file();
    (directory, file)
}

fn change(file: &Path, change: impl FnOnce(&mut Vec<u8>)) {
    let mut bytes = fs::read(file).unwrap();
    change(&mut bytes);
    fs::write(file, bytes).unwrap();
}

fn find(bytes: &[u8], name: &str) -> usize {
    bytes.windows(name.len()).position(|part| part == name.as_bytes()).unwrap()
}

#[tokio::test]
async fn a_directory_that_cannot_be_used_is_an_error_at_the_start() {
    let directory = Directory::new();
    fs::create_dir_all(&directory.0).unwrap();
    fs::write(directory.0.join("file"), "").unwrap();
    let mut cases = vec![directory.0.join("file"), directory.0.join("file/below")];
    // Where even root may not make a directory.
    cases.extend(Some(PathBuf::from("/proc/throughline")).filter(|_| Path::new("/proc/self").exists()));
    for path in cases {
        let error = start(Disk::new(&path)).unwrap_err().to_string();
        let named = format!("the queue directory {} cannot be used: ", path.display());
        assert!(error.starts_with(&named) && error.contains("it must be writable"), "{error}");
    }
}

#[tokio::test]
async fn a_full_disk_keeps_the_oldest_and_what_comes_then_waits_in_memory() {
    let directory = Directory::new();
    let limits = Limits { queue_bytes: 2000, disk: Some(Disk { bytes: 3000, ..directory.disk() }) };
    let sender = Sender::start(Signal::Traces, Destination::Remote(remote(nobody())), limits).unwrap();
    let name = |number: u64| format!("{number:0>500}");
    for number in 0..5 {
        sender.send(span(name(number)));
        until("on disk", || counts(&sender.stats())[5] == number + 1).await;
    }
    // 500 bytes each: five on disk, four in memory, one too many.
    (5..10).for_each(|number| sender.send(span(name(number))));
    until("the fault", || sender.stats().last_failure.unwrap().contains("on disk is full: 3000 bytes")).await;
    assert_eq!(counts(&sender.stats()), [10, 0, 0, 1, 9, 5]);
    let files = directory.files();
    assert!(files.values().map(Vec::len).sum::<usize>() <= 3000);
    let bytes = files.values().next().unwrap();
    assert!((0..5).all(|number| find(bytes, &name(number)) > 0));

    // At the end there is nowhere to go for the four.
    let error = sender.close_since(sender.mark(), Duration::ZERO).await.unwrap_err();
    assert_eq!(error.items, 4);
    assert!(error.to_string().contains("4 spans dropped: they could not be written to disk"), "{error}");
    assert_eq!(counts(&sender.stats()), [10, 0, 0, 5, 5, 5]);
}

#[tokio::test]
async fn room_on_disk_is_used_again() {
    let directory = Directory::new();
    let receiver = Receiver::start().await;
    let disk = Disk { bytes: 3000, ..directory.disk() };
    let sender = sender(receiver.address, Some(disk));
    for round in 1..4 {
        receiver.mood(|_| Reply::Status(503));
        (0..5).for_each(|_| sender.send(span("x".repeat(500))));
        until("on disk", || counts(&sender.stats())[5] == 5).await;
        receiver.mood(|_| Reply::Status(200));
        sender.flush(PATIENCE).await.unwrap();
        assert_eq!(counts(&sender.stats()), [round * 5, round * 5, 0, 0, 0, 0]);
        until("no file is left", || directory.files().is_empty()).await;
    }
}

#[tokio::test]
async fn a_torn_end_is_counted_and_what_is_before_it_is_sent() {
    // In the body; in the head; within the last head's first bytes.
    for (cut, dropped) in [(2, 1), (10, 1), (33 + 5 - 1, 1)] {
        let (directory, file) = left(&["first", "later"]).await;
        change(&file, |bytes| bytes.truncate(bytes.len() - cut));
        let next = start(directory.disk()).unwrap();
        assert_eq!((counts(&next.stats()), next.stats().adopted), ([2, 0, 0, dropped, 1, 1], 2), "{cut}");
        assert!(next.notices()[0].starts_with("1 requests in "), "{:?}", next.notices());
        assert!(next.notices()[0].contains("break off"), "{:?}", next.notices());
    }
}

#[tokio::test]
async fn a_body_that_rotted_is_dropped_and_the_others_are_sent() {
    let address = nobody();
    let directory = Directory::new();
    let before = sender(address, Some(directory.disk()));
    ["first", "rotten", "last"].iter().for_each(|name| before.send(span(*name)));
    before.close_since(before.mark(), Duration::ZERO).await.unwrap();
    change(&directory.file(), |bytes| {
        let at = find(bytes, "rotten");
        bytes[at] ^= 1;
    });
    let receiver = Receiver::at(tokio::net::TcpListener::bind(address).await.unwrap());
    let next = sender(address, Some(directory.disk()));
    let error = next.flush(PATIENCE).await.unwrap_err().to_string();
    assert!(error.contains("1 spans dropped") && error.contains("does not match its checksum"), "{error}");
    assert_eq!(receiver.taken(), ["first", "last"]);
    assert_eq!(counts(&next.stats()), [3, 2, 0, 1, 0, 0]);
    until("no file is left", || directory.files().is_empty()).await;
}

#[tokio::test]
async fn a_head_that_lies_costs_what_is_behind_it_and_no_memory() {
    // Length and items, all bits set, with and without a sum that fits.
    for fitting in [false, true] {
        let (directory, file) = left(&["first", "lying", "behind"]).await;
        change(&file, |bytes| {
            let head = find(bytes, "lying") - 33;
            bytes[head + 13..head + 25].fill(0xff);
            if fitting {
                let sum = crc32fast::hash(&bytes[head + 13..head + 29]).to_le_bytes();
                bytes[head + 29..head + 33].copy_from_slice(&sum);
            }
        });
        let next = start(directory.disk()).unwrap();
        assert_eq!(counts(&next.stats()), [2, 0, 0, 1, 1, 1], "the one behind can be counted by nobody");
    }
}

#[tokio::test]
async fn no_bytes_in_a_file_make_it_panic() {
    let (directory, file) = left(&["one", "two", "three"]).await;
    let whole = fs::read(&file).unwrap();
    let mut random = 88_172_645_463_325_252_u64; // xorshift, the same at each run
    let mut next = move || {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        random
    };
    for _ in 0..300 {
        let mut bytes = whole.clone();
        for _ in 0..1 + next() % 4 {
            let at = (next() % bytes.len() as u64) as usize;
            match next() % 3 {
                0 => bytes[at] = next() as u8,
                1 => bytes.truncate(at.max(1)),
                _ => bytes.insert(at, next() as u8),
            }
        }
        fs::write(&file, &bytes).unwrap();
        let sender = start(directory.disk()).unwrap();
        counts(&sender.stats());
        tokio::task::yield_now().await; // the worker reads the first one
        sender.close_since(sender.mark(), Duration::ZERO).await.ok();
        counts(&sender.stats());
        for path in directory.files().into_keys() {
            fs::remove_file(directory.0.join(path)).unwrap();
        }
    }
}

#[tokio::test]
async fn files_of_others_are_left_alone() {
    let (directory, file) = left(&["ours"]).await;
    let slot = file.parent().unwrap();
    fs::write(slot.join("notes.txt"), "mine").unwrap();
    fs::write(slot.join(format!("{:020}.otlp", 7)), "not of throughline").unwrap();
    let next = start(directory.disk()).unwrap();
    assert_eq!(counts(&next.stats()), [1, 0, 0, 0, 1, 1]);
    assert!(next.notices()[0].starts_with("1 files in ") && next.notices()[0].contains("are left alone"));
    drop(next);
    assert_eq!(fs::read_to_string(slot.join("notes.txt")).unwrap(), "mine");
    assert!(slot.join(format!("{:020}.otlp", 7)).exists());
}

#[tokio::test]
async fn a_directory_that_vanishes_costs_what_was_in_it_and_is_made_again() {
    let directory = Directory::new();
    let receiver = Receiver::start().await;
    receiver.mood(|_| Reply::Status(503));
    let sender = sender(receiver.address, Some(directory.disk()));
    sender.send(span("gone"));
    until("on disk", || counts(&sender.stats())[5] == 1).await;
    fs::remove_dir_all(&directory.0).unwrap();
    until("the loss", || counts(&sender.stats())[3] == 1).await;
    assert!(sender.stats().last_failure.is_some());
    sender.send(span("kept"));
    until("on disk again", || counts(&sender.stats()) == [2, 0, 0, 1, 1, 1]).await;
    receiver.mood(|_| Reply::Status(200));
    sender.flush(PATIENCE).await.unwrap();
    assert_eq!(receiver.taken(), ["kept"]);
    // The new directory is locked as the first one was.
    let other = crate::support::sender(receiver.address, Some(directory.disk()));
    assert_eq!(other.stats().adopted, 0);
}

#[tokio::test]
async fn a_disk_that_refuses_is_named_and_memory_holds_the_rest() {
    let directory = Directory::new();
    let receiver = Receiver::start().await;
    receiver.mood(|_| Reply::Status(503));
    let sender = sender(receiver.address, Some(directory.disk()));
    // In the way of the next file is what cannot be opened, for root too.
    let mut slot = PathBuf::new();
    walk(&directory.0, &mut |path| slot = path.parent().unwrap().to_owned());
    let kept = directory.0.join("kept");
    fs::rename(&slot, &kept).unwrap();
    fs::File::create(&slot).unwrap().write_all(b"not a directory").unwrap();
    sender.send(span("in memory"));
    until("the fault", || {
        sender.stats().last_failure.is_some_and(|fault| fault.contains("the queue cannot be written to"))
    })
    .await;
    assert_eq!(counts(&sender.stats()), [1, 0, 0, 0, 1, 0]);
    receiver.mood(|_| Reply::Status(200));
    sender.flush(PATIENCE).await.unwrap();
    assert_eq!(counts(&sender.stats()), [1, 1, 0, 0, 0, 0]);
}
