//! The file exporter keeps its promises: to those who read the files, and to those who bring what is written there.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on has failed")]

#[path = "support/told.rs"]
mod told;
#[path = "support/until.rs"]
mod until;

use bytes::Bytes;
use std::{
    fmt::Debug,
    fs,
    path::{Path, PathBuf},
    time::Duration,
};
use throughline_collector::file::{Exporter, Options};
use throughline_sender::{Accept, Answer, Signal, json::to_json};
use tracing::Level;

/// Far longer than anything here takes.
const LIMIT: Duration = Duration::from_secs(30);

/// A directory that is removed in the end.
struct Directory(PathBuf);

impl Directory {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("throughline-{name}-{}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Directory(path)
    }

    fn path(&self) -> PathBuf {
        self.0.join("spans.jsonl")
    }

    /// The names of the files, and the lines in each.
    fn files(&self) -> Vec<(String, Vec<String>)> {
        let mut files: Vec<_> = fs::read_dir(&self.0)
            .unwrap()
            .map(|entry| {
                let path = entry.unwrap().path();
                let text = fs::read_to_string(&path).unwrap();
                assert!(text.is_empty() || text.ends_with('\n'));
                let name = path.file_name().unwrap().to_string_lossy().into_owned();
                (name, text.lines().map(str::to_owned).collect())
            })
            .collect();
        files.sort();
        files
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn field(number: u8, content: &[u8]) -> Vec<u8> {
    let length = u8::try_from(content.len()).unwrap();
    assert!(length < 128);
    [&[number << 3 | 2, length][..], content].concat()
}

/// A request with a log record that says a number.
fn request(number: usize) -> Bytes {
    let text = format!("record {number:04}");
    field(1, &field(2, &field(2, &field(5, &field(1, text.as_bytes()))))).into()
}

/// Its line.
fn line(number: usize) -> String {
    String::from_utf8(to_json(Signal::Logs, &request(number)).unwrap()).unwrap()
}

fn lines(numbers: impl IntoIterator<Item = usize>) -> Vec<String> {
    numbers.into_iter().map(line).collect()
}

fn file(name: &str, numbers: impl IntoIterator<Item = usize>) -> (String, Vec<String>) {
    (name.to_owned(), lines(numbers))
}

fn add(exporter: &Exporter, numbers: impl IntoIterator<Item = usize>) {
    for number in numbers {
        assert_eq!(exporter.accept(Signal::Logs, request(number)), Answer::TAKEN);
    }
}

fn until(condition: impl Fn() -> bool, what: impl Debug) {
    until::until(|| condition().then_some(()), || format!("{what:?}"));
}

// O-020
#[test]
fn each_request_is_a_line_and_a_file_goes_on_behind_a_line_that_was_torn() {
    let directory = Directory::new("lines");
    let exporter = Options::of(directory.path()).start().unwrap();
    add(&exporter, 0..3);
    assert!(exporter.close(LIMIT));
    assert!(matches!(exporter.accept(Signal::Logs, request(3)), Answer::Busy { .. }));
    let length = (line(0).len() + 1) as u64;
    let written = exporter.written();
    assert_eq!((written.requests, written.bytes, written.lost), (3, 3 * length, 0));
    assert_eq!(directory.files(), [file("spans.jsonl", 0..3)]);

    fs::write(directory.path(), &fs::read(directory.path()).unwrap()[..length as usize + 5]).unwrap();
    let exporter = Options::of(directory.path()).start().unwrap();
    add(&exporter, 3..4);
    assert!(exporter.close(LIMIT));
    let torn = line(1)[..5].to_owned();
    assert_eq!(directory.files(), [("spans.jsonl".to_owned(), vec![line(0), torn, line(3)])]);
}

#[test]
fn what_was_taken_is_in_the_file_within_the_interval_without_being_asked_for() {
    let directory = Directory::new("interval");
    let mut options = Options::of(directory.path());
    options.flush_interval = Duration::from_millis(20);
    let exporter = options.start().unwrap();
    for number in 0..3 {
        add(&exporter, [number]);
        until(|| directory.files() == [file("spans.jsonl", 0..=number)], number);
    }
    drop(exporter);
    let exporter = Options::of(directory.path()).start().unwrap();
    add(&exporter, 3..5);
    // Also of an exporter that nobody closes.
    drop(exporter);
    assert_eq!(directory.files(), [file("spans.jsonl", 0..5)]);
}

#[test]
fn files_are_bounded_in_size_and_number_and_hold_the_newest() {
    let directory = Directory::new("rotation");
    let mut options = Options::of(directory.path());
    options.max_bytes = 3 * (line(0).len() as u64 + 1);
    options.max_files = 3;
    for numbers in [0..10, 10..14] {
        let exporter = options.clone().start().unwrap();
        add(&exporter, numbers);
        assert!(exporter.close(LIMIT));
        assert_eq!(exporter.written().lost, 0);
    }
    let newest = [file("spans.1.jsonl", 9..12), file("spans.2.jsonl", 6..9), file("spans.jsonl", 12..14)];
    assert_eq!(directory.files(), newest);
    // One that alone is larger than a file may be is written whole.
    options.max_bytes = 10;
    options.max_files = 1;
    let exporter = options.clone().start().unwrap();
    add(&exporter, [20, 21]);
    assert!(exporter.close(LIMIT));
    assert_eq!(directory.files()[2], file("spans.jsonl", [21]));
}

#[test]
fn what_cannot_be_written_waits_is_told_once_and_written_when_it_can_be() {
    told::watch();
    let directory = Directory::new("fault");
    let in_the_way = directory.0.join("spans.1.jsonl");
    fs::create_dir(&in_the_way).unwrap();
    let mut options = Options::of(directory.path());
    options.max_bytes = line(0).len() as u64 + 1;
    options.max_files = 2;
    options.flush_interval = Duration::ZERO;
    let exporter = options.start().unwrap();
    add(&exporter, 0..3);
    until(|| told(&directory.path()).len() == 1, "a fault is told");
    fs::remove_dir(&in_the_way).unwrap();
    assert!(exporter.close(LIMIT));
    let written = exporter.written();
    assert_eq!((written.requests, written.lost), (3, 0));
    assert_eq!(directory.files(), [file("spans.1.jsonl", 0..2), file("spans.jsonl", 2..3)]);
    let told = told(&directory.path());
    assert!(told.len() == 2 && told[0].0 == Level::WARN && told[1].0 == Level::INFO, "{told:?}");
}

#[test]
fn a_full_disk_refuses_what_it_has_no_room_for_and_what_is_lost_in_the_end_is_counted() {
    told::watch();
    let path = Path::new("/dev/full");
    if !path.exists() {
        return eprintln!("not run: there is no /dev/full");
    }
    let exporter = Options::of(path).start().unwrap();
    let record = field(2, &field(5, &field(1, &[b'x'; 100])));
    // As long as a length of three bytes can tell.
    let records = record.repeat((1 << 20) / record.len());
    let of = |number: u8, content: &[u8]| {
        let length = content.len();
        let prefix = [number << 3 | 2, length as u8 | 128, (length >> 7) as u8 | 128, (length >> 14) as u8];
        [&prefix[..], content].concat()
    };
    let large = Bytes::from(of(1, &of(2, &records)));
    let mut taken = 0;
    while exporter.accept(Signal::Logs, large.clone()) == Answer::TAKEN {
        taken += 1;
        assert!(taken < 30);
    }
    assert!(taken >= 15, "{taken}");
    assert!(!exporter.close(LIMIT));
    let written = exporter.written();
    assert_eq!((written.requests, written.bytes, written.lost), (0, 0, taken));
    assert_eq!(told(path).len(), 1);
}

#[test]
fn a_file_that_cannot_be_opened_and_bounds_of_zero_are_errors_at_the_start() {
    let directory = Directory::new("start");
    assert!(Options::of(directory.0.join("absent/spans.jsonl")).start().is_err());
    let mut options = Options::of(directory.path());
    options.max_files = 0;
    let error = options.start().unwrap_err().to_string();
    assert!(error.contains("max_files is zero"), "{error}");
}

/// What was told of a file.
fn told(path: &Path) -> Vec<(Level, String)> {
    let told = told::told(&path.display().to_string()).into_iter();
    told.map(|(level, _, words)| (level, words)).collect()
}
