//! To Grafana Cloud, without a collector: three values, asked for before anything is recorded.
//!
//! `.env` in the working directory, or the environment, which wins:
//!
//! ```sh
//! OTEL_SERVICE_NAME=hello
//! OTEL_EXPORTER_OTLP_ENDPOINT=https://otlp-gateway-<zone>.grafana.net/otlp
//! THROUGHLINE_OTLP_USERNAME=<instance id>
//! THROUGHLINE_OTLP_TOKEN=<token>
//! OTEL_EXPORTER_OTLP_COMPRESSION=gzip
//! ```
//! `cargo run --example grafana_cloud` sends one span, or says what is wrong. Where the values are found: docs/grafana-cloud.md.

use std::{error::Error, time::Duration};
use throughline::{Config, Telemetry, probe::probe};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let config = Config::from_env_or_file(".env");
    config.check()?;
    let mut is_well = true;
    for finding in probe(&config).await {
        println!("{finding}");
        is_well &= finding.fault.is_none();
    }
    if !is_well {
        return Err("nothing was sent: set what is said above".into());
    }

    let telemetry = Telemetry::init(config)?;
    work();
    telemetry.shutdown(Duration::from_secs(10)).await?;
    println!("delivered");
    Ok(())
}

#[tracing::instrument]
fn work() {
    tracing::info!("hello, Grafana Cloud");
}
