//! A program that is no server and has no runtime: a job, a command-line tool.
//!
//! `cargo run --example job`; with `THROUGHLINE_VIEW` or an OTLP endpoint in the environment its span and its
//! log line are to be seen there.

use std::{error::Error, time::Duration};
use throughline::{Config, Telemetry};

fn main() -> Result<(), Box<dyn Error>> {
    let telemetry = Telemetry::init(Config::from_env())?;
    let sum = add_up(1_000);
    println!("the sum is {sum}");
    let handle = telemetry.handle();
    let result = telemetry.shutdown_blocking(Duration::from_secs(5));
    for stats in handle.stats() {
        println!(
            "{} to {}: {} of {} delivered",
            stats.signal.name(),
            stats.destination,
            stats.delivered,
            stats.recorded
        );
    }
    Ok(result?)
}

#[tracing::instrument]
fn add_up(limit: u64) -> u64 {
    tracing::info!("adding up");
    (1..=limit).sum()
}
