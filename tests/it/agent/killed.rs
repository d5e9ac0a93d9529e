//! The program is killed and stopped, again and again, while a kubelet rotates what pods write.

use super::*;
use crate::support::receiver::attributes;
use flate2::{Compression, write::GzEncoder};
use std::{
    collections::{BTreeSet, HashMap},
    fs::OpenOptions,
    io::Write,
    sync::{
        Mutex,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
    thread,
    time::Duration,
};
use throughline::testing::Fault;

const PODS: [&str; 3] = ["cart-0", "cart-1", "till-0"];

/// Lines of a file until it is rotated.
const LINES: usize = 1000;

/// How many processes read while the pods write.
const ROUNDS: usize = 12;

/// Lines that are written at once.
const STEP: usize = 20;

/// Every third is parted, as a runtime parts what is long.
fn cri(text: &str, number: usize) -> String {
    let line =
        |tag, text| format!("2026-11-22T08:00:00.{:09}Z stdout {tag} {text}\n", number % 1_000_000_000);
    match text.split_at_checked(40).filter(|_| number.is_multiple_of(3)) {
        Some((first, rest)) => line('P', first) + &line('F', rest),
        None => line('F', text),
    }
}

fn text(pod: &str, number: usize) -> String {
    format!("{pod} {number:08} {}", "x".repeat(60))
}

/// What arrived: each line with the number of the process that sent it last.
#[derive(Default)]
struct Seen {
    requests: usize,
    lines: HashMap<String, usize>,
    repeated: usize,
    /// The processes that were killed: what they had sent may come again, at any time.
    killed: BTreeSet<usize>,
    /// Lines that came twice though no process was killed between.
    unfounded: Vec<String>,
}

impl Seen {
    fn look(&mut self, receiver: &Receiver) {
        let bodies = receiver.bodies(Signal::Logs);
        for body in &bodies[self.requests..] {
            for sent in ExportLogsServiceRequest::decode(body.clone()).unwrap().resource_logs {
                let process = attributes(&sent.resource.unwrap().attributes)["process"]
                    .trim_matches('"')
                    .parse()
                    .unwrap();
                for record in sent.scope_logs.into_iter().flat_map(|of| of.log_records) {
                    let Some(Content::StringValue(line)) = record.body.unwrap().value else {
                        panic!("a text")
                    };
                    if let Some(before) = self.lines.insert(line.clone(), process) {
                        self.repeated += 1;
                        let is_founded = before < process && self.killed.range(before..process).count() > 0;
                        self.unfounded.extend((!is_founded).then_some(line));
                    }
                }
            }
        }
        self.requests = bodies.len();
    }
}

/// As a kubelet does it: the file gets a name that is not looked for, the one before is compressed.
fn rotate(path: &Path, round: usize) {
    let name = |round: usize| path.with_file_name(format!("0.log.20261122-{round:06}"));
    fs::rename(path, name(round)).unwrap();
    if let Some(before) = round.checked_sub(1).map(name) {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(&fs::read(&before).unwrap()).unwrap();
        fs::write(format!("{}.gz", before.display()), encoder.finish().unwrap()).unwrap();
        fs::remove_file(before).unwrap();
    }
}

fn append(path: &Path, lines: &str) {
    let mut file = OpenOptions::new().append(true).create(true).open(path).unwrap();
    file.write_all(lines.as_bytes()).unwrap();
}

/// Writes until it is told to stop; how many lines it wrote.
fn write(path: &Path, pod: &str, seen: &Mutex<Seen>, is_over: &AtomicBool) -> usize {
    let mut number = 0;
    while !is_over.load(SeqCst) {
        append(
            path,
            &(number..number + STEP).map(|number| cri(&text(pod, number), number)).collect::<String>(),
        );
        number += STEP;
        // The pace of a busy pod.
        thread::sleep(Duration::from_millis(2));
        if number.is_multiple_of(LINES) {
            // A file that comes and goes while no process looks is never seen.
            let first = text(pod, number - LINES);
            while !seen.lock().unwrap().lines.contains_key(&first) && !is_over.load(SeqCst) {
                thread::sleep(Duration::from_millis(2));
            }
            rotate(path, number / LINES - 1);
        }
    }
    // It may just have been rotated.
    append(path, &cri(&text(pod, number), number));
    number + 1
}

/// The pipeline of a node, with a storage; its records tell the number of their process.
fn configured(directory: &Directory, receiver: &Receiver, process: usize) -> String {
    let file = directory.path("agent.yaml");
    let text = format!(
        "receivers:
  file_log:
    include: ['{}/*/*/*.log']
    start_at: beginning
    include_file_path: true
    preserve_trailing_whitespaces: true
    storage: file_storage
    resource: {{ process: '{process}' }}
    operators: [{{ type: container }}]
exporters:
  otlp_http: {{ endpoint: '{}', compression: none }}
extensions:
  file_storage: {{ directory: '{}' }}
service:
  extensions: [file_storage]
  pipelines:
    logs: {{ receivers: [file_log], exporters: [otlp_http] }}
",
        directory.path("pods"),
        receiver.http_endpoint(),
        directory.path("state"),
    );
    fs::write(&file, text).unwrap();
    file
}

/// Tells the writers to stop, also when a test fails.
struct End<'a>(&'a AtomicBool);

impl Drop for End<'_> {
    fn drop(&mut self) {
        self.0.store(true, SeqCst);
    }
}

/// Waits until this is so of what arrived.
async fn seen_until<T>(
    what: &str,
    seen: &Mutex<Seen>,
    receiver: &Receiver,
    is_so: impl Fn(&Seen) -> Option<T>,
) -> T {
    until(what, || async {
        let mut seen = seen.lock().unwrap();
        seen.look(receiver);
        is_so(&seen)
    })
    .await
}

// B-063, B-064, B-065
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_again_and_again_it_loses_nothing_and_after_a_stop_it_repeats_nothing() {
    let (directory, receiver, seen) = (Directory::new(), Receiver::start(), Mutex::new(Seen::default()));
    let paths = PODS.map(|pod| log_of(Path::new(&directory.path("pods")), pod, "server"));
    let is_over = AtomicBool::new(false);
    let start = |number| collect(&configured(&directory, &receiver, number), &["--view", "off"], &[]);
    let written: Vec<usize> = thread::scope(|scope| {
        let writers: Vec<_> = PODS
            .iter()
            .zip(&paths)
            .map(|(pod, path)| scope.spawn(|| write(path, pod, &seen, &is_over)))
            .collect();
        let end = End(&is_over);
        let rounds = async {
            for round in 0..ROUNDS {
                let before = seen_until("a look", &seen, &receiver, |seen| Some(seen.lines.len())).await;
                let mut process = start(round);
                let enough = before + 300 * (round % 4) + 1;
                seen_until("more lines", &seen, &receiver, |seen| (seen.lines.len() >= enough).then_some(()))
                    .await;
                if round % 3 != 2 {
                    if round % 2 == 0 {
                        // What it reads is on its way from here on, and stays there.
                        receiver.then_always(Fault::Status(503));
                        let before = receiver.requests().len();
                        // What was seen lets the writers go on, so that there is something to refuse.
                        seen_until("refusals", &seen, &receiver, |_| {
                            (receiver.requests().len() > before + 2).then_some(())
                        })
                        .await;
                    }
                    process.signal("KILL");
                    process.ended().await;
                    seen.lock().unwrap().killed.insert(round);
                    receiver.recover();
                } else {
                    process.terminate();
                    assert!(process.ended().await.success(), "{:#?}", process.lines());
                }
            }
        };
        tokio::task::block_in_place(|| tokio::runtime::Handle::current().block_on(rounds));
        drop(end);
        writers.into_iter().map(|writer| writer.join().unwrap()).collect()
    });

    let total: usize = written.iter().sum();
    let mut process = start(ROUNDS);
    seen_until("all lines", &seen, &receiver, |seen| (seen.lines.len() >= total).then_some(())).await;
    let expected =
        PODS.iter().zip(&written).flat_map(|(pod, written)| (0..*written).map(|number| text(pod, number)));
    let mut lines: Vec<String> = seen.lock().unwrap().lines.keys().cloned().collect();
    lines.sort();
    assert!(lines.into_iter().eq(expected), "what arrived is what was written");

    // What is written down is not read again, however it ends; nor is there anything else by then.
    let written_down = || {
        let state = fs::read_to_string(directory.path("state/file_log.json")).unwrap_or_default();
        let offset = |path: &PathBuf| format!("\"offset\":{}}}", fs::metadata(path).unwrap().len());
        !state.contains("\"open\"") && paths.iter().all(|path| state.contains(&offset(path)))
    };
    until("the places in the files", || async { written_down().then_some(()) }).await;
    let before = seen_until("a look", &seen, &receiver, |seen| Some(seen.repeated)).await;
    for (number, end) in ["KILL", "TERM", "KILL"].into_iter().enumerate() {
        until("the places in the files", || async { written_down().then_some(()) }).await;
        process.signal(end);
        process.ended().await;
        let line = format!("after {number} {}", "x".repeat(60));
        append(&paths[0], &cri(&line, number));
        process = start(ROUNDS + 1 + number);
        seen_until("one line more", &seen, &receiver, |seen| seen.lines.contains_key(&line).then_some(()))
            .await;
        let seen = seen.lock().unwrap();
        assert_eq!((seen.lines.len(), seen.repeated), (total + number + 1, before));
    }
    let unfounded = std::mem::take(&mut seen.lock().unwrap().unfounded);
    assert!(unfounded.is_empty(), "{} lines came twice, {:?} first", unfounded.len(), unfounded[0]);
    eprintln!("{total} lines, {before} of them twice");
    process.terminate();
    assert!(process.ended().await.success());
}
