//! What it costs to divide requests among three servers, over sending them to one.

use crate::{ROUNDS, load, peer::Peer, sink};
use bytes::Bytes;

const SPANS: u64 = 1_000_000;
const SERVERS: usize = 3;
/// The bar, for requests whose hundred spans are of as many traces.
const MOST: f64 = 1.5;

pub(crate) async fn measure(ours: &str) -> bool {
    println!("\n| throughline, plain, 100 spans a request | CPU-seconds per million spans | share |");
    println!("|---|--:|--:|");
    let rows = [
        ("one server", 1, 100),
        ("three, 100 traces a request", SERVERS, 100),
        ("three, one trace a request", SERVERS, 1),
    ];
    let mut runs = vec![Vec::new(); rows.len()];
    for _ in 0..ROUNDS {
        for ((_, servers, traces), runs) in rows.iter().zip(&mut runs) {
            runs.push(run(ours, *servers, &load::of_traces(*traces, false)).await);
        }
    }
    let medians = Vec::from_iter(runs.into_iter().map(|mut runs| {
        runs.sort_by(f64::total_cmp);
        runs[runs.len() / 2]
    }));
    for ((name, ..), median) in rows.iter().zip(&medians) {
        println!("| {name} | {median:.2} | {:.2} |", median / medians[0]);
    }
    medians[1] / medians[0] <= MOST
}

/// CPU-seconds for a million spans.
async fn run(ours: &str, servers: usize, load: &[Bytes]) -> f64 {
    let sinks = sink::start_several(servers).await;
    let addresses = Vec::from_iter(sinks.iter().map(|sink| sink.address));
    let peer = if servers == 1 { Peer::Throughline(ours) } else { Peer::Balanced(ours, &addresses) };
    let running = peer.start(Some(addresses[0]), false).await;
    load::send(running.address, load, 20_000, None).await;
    sinks[0].until(20_000).await;
    let before = running.usage().cpu;
    load::send(running.address, load, SPANS, None).await;
    sinks[0].until(20_000 + SPANS).await;
    (running.usage().cpu - before) / (SPANS as f64 / 1e6)
}
