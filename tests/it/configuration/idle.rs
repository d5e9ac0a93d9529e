//! Whatever stands in a variable: who has nothing to do does nothing.
//!
//! Measured by the system, thread by thread: processor time, and how often it went to sleep, each beside those of a
//! thread that never stops, so that a busy machine makes no difference.

use super::arbitrary::{ODD, base, meant};
use crate::support::{child::Process, receiver::Receiver};
use opentelemetry::{
    metrics::MeterProvider,
    trace::{Tracer, TracerProvider},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::Duration,
};
use throughline::{
    Config, Telemetry,
    config::env::{VARIABLES, Variable},
    sender::Signal,
};

/// How many processes share the work.
const PROCESSES: usize = 4;
/// So many at a time are idle in one process: each has a few files open.
const AT_A_TIME: usize = 60;
const IDLE: Duration = Duration::from_secs(1);
/// A thread that is idle for a second may wake a few times: a pause between two attempts ends, a timer was set far ahead.
const MOST_SLEEPS: u64 = 30;

/// What a thread did so far.
#[derive(Clone, Debug)]
struct Effort {
    name: String,
    /// Of processor time, mostly a hundredth of a second each.
    ticks: u64,
    sleeps: u64,
}

/// Every thread of this process by its number.
fn efforts() -> BTreeMap<u64, Effort> {
    let effort = |task: fs::DirEntry| {
        // A thread may end while its directory is read.
        let stat = fs::read_to_string(task.path().join("stat")).ok()?;
        let status = fs::read_to_string(task.path().join("status")).ok()?;
        let (head, rest) = stat.rsplit_once(") ")?;
        // User and system time are the 14th and 15th field; the third is the first of the rest.
        let times = rest.split(' ').skip(11).take(2).map(|time| time.parse::<u64>().unwrap());
        let sleeps = status.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"))?;
        let (number, name) = head.split_once(" (")?;
        let effort = Effort { name: name.into(), ticks: times.sum(), sleeps: sleeps.trim().parse().unwrap() };
        Some((number.parse().unwrap(), effort))
    };
    fs::read_dir("/proc/self/task").unwrap().flatten().filter_map(effort).collect()
}

/// The numbers of the threads of this process.
fn threads() -> BTreeSet<u64> {
    let number = |task: fs::DirEntry| task.file_name().to_str()?.parse().ok();
    fs::read_dir("/proc/self/task").unwrap().flatten().filter_map(number).collect()
}

/// What all threads do while nothing is asked of them, and how many ticks one would have used that never stops.
fn idle() -> (BTreeMap<u64, Effort>, u64) {
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        thread::Builder::new()
            .name("never-stops".into())
            .spawn_scoped(scope, || while !over.load(Ordering::Relaxed) {})
            .unwrap();
        let before = efforts();
        thread::sleep(IDLE);
        let mut after = efforts();
        over.store(true, Ordering::Relaxed);
        for (number, effort) in &mut after {
            if let Some(before) = before.get(number) {
                (effort.ticks, effort.sleeps) = (effort.ticks - before.ticks, effort.sleeps - before.sleeps);
            }
        }
        let busiest = after.values().find(|effort| effort.name == "never-stops").unwrap().ticks;
        (after, busiest)
    })
}

/// Telemetry of which one variable has this value, with something recorded; and the numbers of its threads.
fn start(name: &str, value: &str, endpoint: &str) -> Option<(Telemetry, Vec<u64>)> {
    let (before, base) = (threads(), base(endpoint.into()));
    let vars = base.iter().map(|(name, value)| (*name, value.as_str())).chain([(name, value)]);
    // Some fail the start, and say so.
    let telemetry = Telemetry::build(Config::from_vars(vars)).ok()?;
    drop(telemetry.tracer_provider().tracer("test").start("work"));
    telemetry.meter_provider().meter("test").u64_counter("c").build().add(1, &[]);
    let new = threads().difference(&before).copied().collect();
    Some((telemetry, new))
}

#[test]
#[ignore = "a process of the test below"]
fn process() {
    #[allow(clippy::disallowed_methods, reason = "a child is told so what to do")]
    let told = |name: &str| std::env::var(name).unwrap();
    let (endpoint, part) = (told("ENDPOINT"), told("PART").parse::<usize>().unwrap());
    let odd = ODD.into_iter().chain(["", "garbage"]);
    // What holds for one signal holds for the others.
    let forms = |variable: &Variable| [None, Some(Signal::Traces)].map(|signal| variable.name_for(signal));
    let names = BTreeSet::from_iter(VARIABLES.iter().flat_map(forms));
    let all = odd.flat_map(|value| names.iter().map(move |name| (name.as_str(), value)));
    let all = all.filter(|(name, value)| !meant(name, value));
    let mine = Vec::from_iter(all.skip(part).step_by(PROCESSES));
    for some in mine.chunks(AT_A_TIME) {
        let started =
            some.iter().filter_map(|(name, value)| Some(((name, value), start(name, value, &endpoint)?)));
        let running = Vec::from_iter(started);
        for (_, (telemetry, _)) in &running {
            let _ = telemetry.tracer_provider().force_flush();
            let _ = telemetry.meter_provider().force_flush();
        }
        let (efforts, busiest) = idle();
        for (number, effort) in efforts.iter().filter(|(_, effort)| effort.name != "never-stops") {
            let of = running.iter().find(|(_, (_, threads))| threads.contains(number)).map(|(of, _)| of);
            assert!(effort.ticks <= busiest / 4 + 2, "{of:?} spins: {effort:?}, at most {busiest}");
            assert!(effort.sleeps <= MOST_SLEEPS, "{of:?} wakes: {effort:?}");
        }
        println!("\nmeasured {}", running.len());
        thread::scope(|scope| {
            for (_, (telemetry, _)) in running {
                scope.spawn(|| telemetry.shutdown_blocking(Duration::from_millis(100)));
            }
        });
    }
}

// No variable of the table makes the process spin or panic.
#[tokio::test]
async fn no_value_makes_who_is_idle_spin_wake_or_panic() {
    let receiver = Receiver::start();
    let endpoint = receiver.http_endpoint();
    let parts = Vec::from_iter((0..PROCESSES).map(|part| part.to_string()));
    let start = |part: &String| {
        Process::this_test("configuration::idle::process", &[("ENDPOINT", &*endpoint), ("PART", part)])
    };
    let mut measured = 0;
    for mut process in Vec::from_iter(parts.iter().map(start)) {
        let good = process.ended().await.success();
        let lines = process.lines();
        // A thread that panics ends no process.
        let panics = lines.iter().filter(|line| line.contains("panicked at"));
        assert!(good && panics.count() == 0, "{lines:#?}");
        let numbers = lines.iter().filter_map(|line| line.strip_prefix("measured ")?.parse::<usize>().ok());
        measured += numbers.sum::<usize>();
    }
    assert!(measured > 1000, "{measured}: this measures nothing");
}
