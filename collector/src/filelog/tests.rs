//! Real files, a real collector, and what arrives.

mod changing; // files that are renamed, copied, truncated, deleted
mod killed; // a process that is killed
mod going; // where entries go, and when that is written down
mod reading; // what is read of a file that stays where it is

use super::*;
use crate::{Collector, Config, Destination};
use bytes::Bytes;
use opentelemetry_proto::tonic::{
    collector::logs::v1::ExportLogsServiceRequest, common::v1::any_value, logs::v1::LogRecord,
};
use prost::Message;
use std::{
    collections::BTreeMap,
    fs::{self, OpenOptions},
    io::Write,
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicBool, AtomicU64, Ordering::SeqCst},
    },
    thread,
    time::Instant,
};
use throughline_sender::{Accept, Answer, Inlet, Signal};

static PLACES: AtomicU64 = AtomicU64::new(0);

/// A directory of one test.
struct Place(PathBuf);

impl Place {
    fn new() -> Self {
        let name = format!("throughline-filelog-{}-{}", std::process::id(), PLACES.fetch_add(1, SeqCst));
        let path = std::env::temp_dir().join(name);
        fs::create_dir_all(&path).unwrap();
        Place(path)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    fn append(&self, name: &str, text: impl AsRef<[u8]>) {
        let mut file = OpenOptions::new().append(true).create(true).open(self.path(name)).unwrap();
        file.write_all(text.as_ref()).unwrap();
    }

    /// Everything in it from its beginning, quickly.
    fn options(&self, pattern: &str) -> Options {
        let mut options = Options::of([self.path(pattern).display().to_string()]);
        options.start_at = StartAt::Beginning;
        options.poll_interval = Duration::from_millis(10);
        options
    }

    fn stored(&self, pattern: &str) -> Options {
        Options { storage: Some(self.path("storage")), ..self.options(pattern) }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// What arrived, and what is answered.
#[derive(Clone, Default)]
struct Arrived(Arc<Shared>);

#[derive(Default)]
struct Shared {
    records: Mutex<Vec<LogRecord>>,
    is_away: AtomicBool,
    refused: AtomicU64,
}

impl Accept for Arrived {
    fn accept(&self, _: Signal, request: Bytes) -> Answer {
        if self.0.is_away.load(SeqCst) {
            self.0.refused.fetch_add(1, SeqCst);
            return Answer::Busy { cause: "away".into(), after: None };
        }
        let request = ExportLogsServiceRequest::decode(request).unwrap();
        let scopes = request.resource_logs.into_iter().flat_map(|resource| resource.scope_logs);
        self.records().extend(scopes.flat_map(|scope| scope.log_records));
        Answer::TAKEN
    }
}

impl Arrived {
    fn records(&self) -> MutexGuard<'_, Vec<LogRecord>> {
        self.0.records.lock().unwrap()
    }

    fn away(&self, is_away: bool) {
        self.0.is_away.store(is_away, SeqCst);
    }

    /// How many requests were refused.
    fn refused(&self) -> u64 {
        self.0.refused.load(SeqCst)
    }

    fn bodies(&self) -> Vec<String> {
        self.records().iter().map(body).collect()
    }

    /// Whether it is among those that arrived last.
    fn has(&self, line: &str) -> bool {
        self.records().iter().rev().take(10_000).any(|record| body(record) == line)
    }

    fn count(&self) -> usize {
        self.records().len()
    }

    /// Waits until so many are there, and for those that should not be.
    #[track_caller]
    fn expect(&self, collector: &Collector, expected: &[&str]) {
        until(|| self.count() >= expected.len());
        delivered(collector);
        assert_eq!(self.bodies(), expected);
    }
}

fn body(record: &LogRecord) -> String {
    match record.body.as_ref().and_then(|body| body.value.as_ref()) {
        Some(any_value::Value::StringValue(text)) => text.clone(),
        Some(any_value::Value::BytesValue(bytes)) => format!("{bytes:?}"),
        other => panic!("{other:?}"),
    }
}

fn attributes(record: &LogRecord) -> BTreeMap<String, String> {
    let text = |value: &any_value::Value| match value {
        any_value::Value::StringValue(text) => text.clone(),
        other => panic!("{other:?}"),
    };
    let of = |pair: &opentelemetry_proto::tonic::common::v1::KeyValue| {
        (pair.key.clone(), text(pair.value.as_ref().unwrap().value.as_ref().unwrap()))
    };
    record.attributes.iter().map(of).collect()
}

fn config(options: Options, arrived: &Arrived) -> Config {
    let mut config = Config { grpc: None, http: None, view: None, max_bytes: 0, ..Config::default() };
    config.batch.delay = Duration::from_millis(1);
    config.destinations.add(Signal::Logs, Destination::Local(Inlet::named("test", arrived.clone())));
    config.file_logs.push(options);
    config
}

fn start(options: Options, arrived: &Arrived) -> Collector {
    Collector::start(config(options, arrived)).unwrap()
}

fn stop(collector: Collector) {
    collector.stop_blocking(Duration::from_secs(10)).unwrap();
}

#[track_caller]
fn until(is_so: impl Fn() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < Duration::from_secs(60), "not within 60 s");
        thread::sleep(Duration::from_millis(2));
    }
}

/// Waits until all files were looked for and read so often: what should not happen would have happened.
#[track_caller]
fn rounds(collector: &Collector, times: u64) {
    let rounds = || collector.intake.files().rounds.load(SeqCst);
    // One is under way.
    let due = rounds() + times + 1;
    until(|| rounds() >= due);
}

/// Waits until what can be read now is read and delivered.
#[track_caller]
fn delivered(collector: &Collector) {
    rounds(collector, 2);
    until(|| collector.forwarded().iter().all(|to| to.queued == 0));
}
