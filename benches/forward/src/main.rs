//! Measures what `throughline collect` costs beside the OpenTelemetry Collector; `benches/forward/run` builds and starts it.

mod balance; // what it costs to divide that
mod load; // what comes in
mod peer; // who is measured
mod sink; // what goes out

use peer::{Peer, Usage};
use std::{env, process::ExitCode, time::Duration};

/// Spans of one run: ours takes a second of CPU for a million.
const SPANS: u64 = 1_500_000;
/// Runs of each peer, of which the median counts. They take turns.
const ROUNDS: usize = 3;
/// The bars: shares of the CPU of the OpenTelemetry Collector, and memory beyond the bytes that wait.
const PLAIN: f64 = 0.28;
const GZIP: f64 = 0.42;
const STORE: f64 = 0.25;
/// How many times the other's bytes ours may be with gzip: ids are random, and no two runs have the same.
const SIZE: f64 = 1.01;
const MEMORY: u64 = 64 << 20;

/// What is measured, by the words that choose it.
const ALL: [&str; 5] = ["plain", "gzip", "store", "outage", "balance"];

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let (options, words): (Vec<String>, Vec<String>) =
        arguments.into_iter().partition(|word| word.starts_with("--"));
    let [ours, theirs, chosen @ ..] = &words[..] else {
        eprintln!("usage: throughline-forward-bench THROUGHLINE OTELCOL [{}]... [--check]", ALL.join("|"));
        return ExitCode::from(2);
    };
    let chosen = |word: &&str| chosen.is_empty() || chosen.iter().any(|one| one == word);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let mut is_met = true;
    for word in ALL.into_iter().filter(chosen) {
        is_met &= runtime.block_on(measure(word, ours, theirs));
    }
    match is_met || !options.iter().any(|option| option == "--check") {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    }
}

async fn measure(word: &str, ours: &str, theirs: &str) -> bool {
    match word {
        "plain" => forwarded("plain", false, PLAIN, ours, theirs).await,
        "gzip" => forwarded("gzip", true, GZIP, ours, theirs).await,
        "store" => stored(ours, theirs).await,
        "outage" => survived(ours, theirs).await,
        _ => balance::measure(ours).await,
    }
}

async fn forwarded(name: &str, is_gzip: bool, bar: f64, ours: &str, theirs: &str) -> bool {
    println!(
        "\n| OTLP/gRPC → batch → OTLP/gRPC | CPU-seconds per million spans | share | bytes out per span | peak MiB |"
    );
    println!("|---|--:|--:|--:|--:|");
    let (mut own, mut other) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        own.push(flat(&Peer::Throughline(ours), is_gzip).await);
        other.push(flat(&Peer::Collector(theirs), is_gzip).await);
    }
    let (own, other) = (median(own), median(other));
    let share = own.cpu / other.cpu;
    row(&format!("throughline, {name}"), &own, &format!("{share:.2}"));
    row(&format!("OpenTelemetry Collector, {name}"), &other, "1");
    share <= bar && (!is_gzip || own.bytes <= other.bytes * SIZE)
}

async fn stored(ours: &str, theirs: &str) -> bool {
    println!("\n| OTLP/gRPC → store, and → nothing | CPU-seconds per million spans | share | peak MiB |");
    println!("|---|--:|--:|--:|");
    let (mut own, mut other) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        own.push(taken(&Peer::Throughline(ours)).await);
        other.push(taken(&Peer::Collector(theirs)).await);
    }
    let (own, other) = (median(own), median(other));
    let share = own.cpu / other.cpu;
    println!("| throughline, kept for the view | {:.2} | {share:.2} | {:.0} |", own.cpu, own.peak);
    println!("| OpenTelemetry Collector, counted | {:.2} | 1 | {:.0} |", other.cpu, other.peak);
    share <= STORE
}

async fn survived(ours: &str, theirs: &str) -> bool {
    println!("\n| 10 s of UNAVAILABLE at 20,000 spans/s | sent | arrived | bytes held, MiB | peak MiB |");
    println!("|---|--:|--:|--:|--:|");
    let mut is_met = true;
    for (name, peer) in
        [("throughline", Peer::Throughline(ours)), ("OpenTelemetry Collector", Peer::Collector(theirs))]
    {
        let (sent, arrived, held, usage) = outage(&peer).await;
        println!(
            "| {name} | {sent} | {arrived} | {:.0} | {:.0} |",
            held as f64 / (1 << 20) as f64,
            usage.peak as f64 / (1 << 20) as f64
        );
        if name == "throughline" {
            is_met = arrived >= sent && usage.peak <= held + MEMORY;
        }
    }
    is_met
}

fn row(name: &str, run: &Run, share: &str) {
    println!("| {name} | {:.2} | {share} | {:.0} | {:.0} |", run.cpu, run.bytes, run.peak);
}

struct Run {
    /// Seconds for a million spans.
    cpu: f64,
    /// Out, for a span.
    bytes: f64,
    peak: f64,
}

fn median(mut runs: Vec<Run>) -> Run {
    runs.sort_by(|one, other| one.cpu.total_cmp(&other.cpu));
    runs.swap_remove(runs.len() / 2)
}

/// As much as it takes, going nowhere.
async fn taken(peer: &Peer<'_>) -> Run {
    let running = peer.start(None, false).await;
    let load = load::bodies(false);
    // Ours is to be full, and to make room for each request.
    load::send(running.address, &load, 200_000, None).await;
    let before = running.usage();
    load::send(running.address, &load, SPANS, None).await;
    let Usage { cpu, peak } = running.usage();
    Run { cpu: (cpu - before.cpu) / (SPANS as f64 / 1e6), bytes: 0.0, peak: peak as f64 / (1 << 20) as f64 }
}

/// As much as it takes.
async fn flat(peer: &Peer<'_>, is_gzip: bool) -> Run {
    let sink = sink::start().await;
    let running = peer.start(Some(sink.address), is_gzip).await;
    let load = load::bodies(is_gzip);
    // What is done once is not measured.
    load::send(running.address, &load, 20_000, None).await;
    sink.until(20_000).await;
    let (before, bytes) = (running.usage(), sink.bytes());
    load::send(running.address, &load, SPANS, None).await;
    sink.until(20_000 + SPANS).await;
    let Usage { cpu, peak } = running.usage();
    Run {
        cpu: (cpu - before.cpu) / (SPANS as f64 / 1e6),
        bytes: (sink.bytes() - bytes) as f64 / SPANS as f64,
        peak: peak as f64 / (1 << 20) as f64,
    }
}

/// Spans sent and arrived, bytes that waited at the end of the outage, and the peak.
async fn outage(peer: &Peer<'_>) -> (u64, u64, u64, Usage) {
    let sink = sink::start().await;
    let running = peer.start(Some(sink.address), false).await;
    let load = load::bodies(false);
    load::send(running.address, &load, 20_000, None).await;
    sink.until(20_000).await;
    sink.refuse(true);
    let pause = Duration::from_millis(5); // between requests of 100 spans
    load::send(running.address, &load, 200_000, Some(pause)).await;
    sink.refuse(false);
    let held = load.iter().map(|body| body.len() as u64).sum::<u64>() / load.len() as u64 * 2000;
    sink.until(220_000).await;
    (220_000, sink.spans(), held, running.usage())
}
