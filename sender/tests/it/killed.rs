//! A process that is killed at any moment: what was on disk arrives, and twice only what may have been under way.

use crate::support::*;
use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::Duration,
};
use throughline_sender::{Destination, Disk, Limits, Sender, Signal};

const ROUNDS: u32 = 8;
const CHILD: &str = "THROUGHLINE_TEST_CHILD";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_on_disk_when_a_process_is_killed_arrives() {
    let directory = Directory::new();
    let receiver = Receiver::start().await;
    let mut adopted = 0;
    for round in 0..ROUNDS {
        // Turned away at first, so that the disk fills; then taken, now and then without a word.
        let mut request = 0;
        receiver.mood(move |_| {
            request += 1;
            match request {
                1 => Reply::Status(503),
                _ if request % 20 == 19 => Reply::Lost,
                _ => Reply::Status(200),
            }
        });
        let heard = receiver.requests();
        let mut child = child(&receiver, &directory, round, "record");
        // At another point of its life each time.
        let target = heard + 1 + (round * 7) as usize;
        until("some requests", || receiver.requests() >= target).await;
        tokio::time::sleep(Duration::from_millis(u64::from(round) * 13 % 40)).await;
        child.kill().unwrap(); // SIGKILL
        child.wait().unwrap();
        until("the last of its requests", || receiver.connections() == 0).await;

        let on_disk = names(directory.files().values().flat_map(|bytes| bytes.iter().copied()));
        let before = counted(&receiver);
        receiver.mood(|_| Reply::Status(200));
        let output = self::child(&receiver, &directory, round, "deliver").wait_with_output().unwrap();
        let after = counted(&receiver);
        assert!(output.status.success(), "{output:?}");
        let missing: Vec<_> = on_disk.iter().filter(|name| !after.contains_key(*name)).collect();
        assert_eq!(missing, Vec::<&String>::new(), "round {round}: on disk, and never delivered");

        let [recorded, delivered, dropped, repeated, left] = numbers(&output.stdout);
        assert_eq!((recorded, dropped), (delivered, 0), "round {round}");
        assert_eq!(left, 0, "round {round}: bytes of files that are done");
        adopted += delivered;
        let again: usize = before.iter().map(|(name, times)| after[name] - times).sum();
        assert!(again as u64 <= repeated, "round {round}: {again} came twice, {repeated} were said to");
        let new: usize = after.values().sum::<usize>() - before.values().sum::<usize>();
        assert_eq!(new as u64, delivered, "round {round}");
    }
    assert!(adopted > 50, "{adopted} were on disk in all rounds: this tests nothing");
}

/// What a child does, in a process of its own.
#[test]
#[ignore = "a part of the other test"]
fn child_of_the_test() {
    #[allow(clippy::disallowed_methods, reason = "a child is told so what to do")]
    let Ok(told) = std::env::var(CHILD) else { return };
    let told: Vec<_> = told.split('\n').collect();
    let [address, directory, round, task] = told[..] else { panic!("{told:?}") };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        // A memory so small that the disk is in use all the time.
        let limits = Limits { queue_bytes: 400, disk: Some(Disk::new(directory)), ..Limits::default() };
        let to = Destination::Remote(remote(address.parse().unwrap()));
        let sender = Sender::start(Signal::Traces, to, limits).unwrap();
        if task == "record" {
            for number in 0..1_000_000 {
                sender.send(span(format!("<{round}-{number}>")));
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        }
        sender.flush(PATIENCE).await.unwrap();
        sender.close_since(sender.mark(), PATIENCE).await.unwrap();
        let stats = sender.stats();
        counts(&stats);
        let mut left = 0;
        walk(&PathBuf::from(directory), &mut |path| left += path.metadata().unwrap().len());
        // On a line of its own, whatever the harness says.
        println!(
            "\nnumbers {} {} {} {} {left}",
            stats.recorded, stats.delivered, stats.dropped, stats.repeated
        );
    });
}

fn child(receiver: &Receiver, directory: &Directory, round: u32, task: &str) -> Child {
    let told = format!("{}\n{}\n{round}\n{task}", receiver.address, directory.0.display());
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "killed::child_of_the_test", "--ignored", "--nocapture"])
        .env(CHILD, told)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

fn numbers(output: &[u8]) -> [u64; 5] {
    let output = String::from_utf8_lossy(output);
    let line = output.lines().find_map(|line| line.strip_prefix("numbers ")).unwrap();
    Vec::from_iter(line.split(' ').map(|number| number.parse().unwrap())).try_into().unwrap()
}

/// How often each span was taken.
fn counted(receiver: &Receiver) -> BTreeMap<String, usize> {
    let mut counted = BTreeMap::new();
    for name in receiver.taken() {
        *counted.entry(name).or_default() += 1;
    }
    counted
}

/// Everything of the form `<1-2>`.
fn names(bytes: impl Iterator<Item = u8>) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let mut name = String::new();
    for byte in bytes {
        match byte {
            b'<' => name = "<".into(),
            b'0'..=b'9' | b'-' if !name.is_empty() => name.push(byte.into()),
            b'>' if !name.is_empty() => drop(names.insert(std::mem::take(&mut name) + ">")),
            _ => name.clear(),
        }
    }
    names
}
