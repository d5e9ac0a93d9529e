//! A collector in the program: it shows what comes in its view, and sends it on, in batches and with a queue that lasts.
//!
//! `cargo run --example forwarding [URL]` sends on to a collector at `http://127.0.0.1:4318`, or at the URL. Other services of the
//! machine send to this one, as to any: without a variable, `http://localhost:4318` is theirs too, so name another here.

use std::{error::Error, time::Duration};
use throughline::{
    Config, Telemetry,
    collector::{self, Collector},
    sender::{Destination, Protocol, Remote, Signal},
};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let url = std::env::args().nth(1).unwrap_or_else(|| "http://127.0.0.1:4318".into());
    let mut config = collector::Config::default();
    // Ports that are free, so that this runs beside another collector.
    for port in [&mut config.grpc, &mut config.http, &mut config.view] {
        *port = Some(([127, 0, 0, 1], 0).into());
    }
    for signal in Signal::ALL {
        let remote = Remote::new(Protocol::HttpProtobuf, format!("{url}/{}", signal.http_path()).parse()?);
        config.destinations.add(signal, Destination::Remote(remote));
    }
    let collector = Collector::start(config)?;
    println!("view: {}", collector.view_url().unwrap_or_default());

    // This program's own telemetry takes no socket.
    let telemetry = Telemetry::init(Config::from_env().or_send_to(Destination::Local(collector.inlet())))?;
    work();
    telemetry.shutdown(Duration::from_secs(5)).await?;

    // First who sends, then who forwards.
    let (taken, stopped) = (collector.counters().spans, collector.stop(Duration::from_secs(5)).await);
    println!("spans taken: {taken}");
    Ok(stopped?)
}

#[tracing::instrument]
fn work() {
    tracing::info!("working");
}
