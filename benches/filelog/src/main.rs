//! Measures what it costs to read the log files of pods, run them through the operators of the reference configuration
//! and send them on as OTLP over HTTP; `benches/filelog/run` builds and starts it.
//!
//! 20 containers write lines of CRI with 120 bytes of text, 10 MiB a file, and are rotated as a kubelet does it: the
//! file is renamed to a name that is not looked for, and the one before is deleted. They write in turns of 1,000 lines
//! and stay at most 200,000 lines ahead, so that reading sets the pace. All of that is done by threads of their own,
//! and so is what takes the requests, which answers each at once.
//!
//! - **CPU** is the time of the collector's threads alone, user and system, by what the system counts for each thread.
//! - **Allocations** are calls of the allocator by the same threads, the first tenth of the lines left out.
//! - **Memory** is the resident memory of the whole process, after a tenth of the lines and at the end. The lines are
//!   generated, not kept.
//! - As many lines have to arrive as were written.
//! - Idle are 1,000 files of as many containers, which were read; the CPU of the same threads over 20 seconds.

mod operators; // those of the reference configuration
mod sink; // what takes requests
mod usage; // what the collector's threads used
mod writer; // containers

use sink::Sink;
use std::{
    env, fs,
    process::ExitCode,
    thread,
    time::{Duration, Instant},
};
use throughline_collector::{
    Collector, Config, Destination,
    filelog::{Options, StartAt},
};
use throughline_sender::{Protocol, Remote, Signal};
use usage::Usage;

const LINES: u64 = 1_000_000;

/// Files that wait, with a line each.
const FILES: u64 = 1000;

fn main() -> ExitCode {
    let argument = env::args().nth(1);
    if argument.as_deref() == Some("idle") {
        return idle();
    }
    let lines = argument.and_then(|count| count.parse().ok()).unwrap_or(LINES);
    let directory = env::temp_dir().join(format!("throughline-filelog-bench-{}", std::process::id()));
    let sink = Sink::start();
    let collector = collector(&directory, &sink);
    let began = Instant::now();
    println!("| lines | CPU-seconds | lines per CPU-second | allocations per line | resident MiB |");
    println!("|--:|--:|--:|--:|--:|");
    let mut first = None;
    thread::scope(|scope| {
        scope.spawn(|| writer::write(&directory, 20, lines, || collector.counters().log_file_entries));
        let mut next = lines / 10;
        while collector.counters().log_file_entries < lines {
            thread::sleep(Duration::from_millis(20));
            let usage = Usage::now(collector.counters().log_file_entries);
            if usage.lines >= next {
                row(first.as_ref(), &usage);
                first.get_or_insert(usage);
                next += lines / 10;
            }
        }
    });
    while sink.records() < lines && began.elapsed() < Duration::from_secs(3600) {
        thread::sleep(Duration::from_millis(20));
    }
    row(first.as_ref(), &Usage::now(lines));
    let counters = collector.counters();
    let stopped = collector.stop_blocking(Duration::from_secs(10));
    let _ = fs::remove_dir_all(&directory);
    let (records, bytes) = (sink.records(), sink.bytes());
    println!(
        "\n{records} records arrived in {bytes} bytes, {} commits, {stopped:?}",
        counters.log_file_commits
    );
    match records == lines {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    }
}

/// What it costs to wait for lines.
fn idle() -> ExitCode {
    let directory = env::temp_dir().join(format!("throughline-filelog-bench-{}", std::process::id()));
    let sink = Sink::start();
    let collector = collector(&directory, &sink);
    writer::write(&directory, FILES, FILES, || collector.counters().log_file_entries);
    while sink.records() < FILES {
        thread::sleep(Duration::from_millis(20));
    }
    // Until directories count as unchanged.
    thread::sleep(Duration::from_secs(5));
    let (before, began) = (Usage::now(FILES), Instant::now());
    thread::sleep(Duration::from_secs(20));
    let share = (Usage::now(FILES).cpu - before.cpu) / began.elapsed().as_secs_f64();
    println!("{FILES} files, {} open: {:.2} % of a core", collector.counters().open_log_files, share * 100.0);
    let _ = fs::remove_dir_all(&directory);
    ExitCode::SUCCESS
}

fn collector(directory: &std::path::Path, sink: &Sink) -> Collector {
    let mut options = Options::of([directory.join("pods/*/*/*.log").display().to_string()]);
    options.start_at = StartAt::Beginning;
    options.include_file_path = true;
    options.include_file_name = false;
    options.operators = operators::reference();
    options.storage = Some(directory.join("storage"));
    let mut config = Config::default();
    (config.grpc, config.http, config.view, config.max_bytes) = (None, None, None, 0);
    let remote = Remote::new(Protocol::HttpProtobuf, sink.url().parse().expect("a URL"));
    config.destinations.add(Signal::Logs, Destination::Remote(remote));
    config.file_logs.push(options);
    Collector::start(config).expect("a collector")
}

/// What was used since the first one.
fn row(first: Option<&Usage>, now: &Usage) {
    let zero = Usage::default();
    let first = first.unwrap_or(&zero);
    let (lines, cpu) = ((now.lines - first.lines) as f64, now.cpu - first.cpu);
    println!(
        "| {} | {:.2} | {:.0} | {:.2} | {:.1} |",
        now.lines,
        cpu,
        lines / cpu,
        (now.allocations - first.allocations) as f64 / lines,
        now.resident as f64 / (1 << 20) as f64
    );
}
