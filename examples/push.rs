//! A job that ends before anybody could fetch from it: it sends its measurements to Prometheus, without any collector.
//!
//! ```sh
//! prometheus --web.enable-otlp-receiver --enable-feature=exemplar-storage
//! OTEL_EXPORTER_OTLP_METRICS_ENDPOINT=http://localhost:9090/api/v1/otlp/v1/metrics OTEL_TRACES_EXPORTER=none \
//!     OTEL_LOGS_EXPORTER=none cargo run --example push
//! ```

use opentelemetry::{KeyValue, global};
use std::{error::Error, time::Duration};
use throughline::{Config, Telemetry};

fn main() -> Result<(), Box<dyn Error>> {
    let config = Config::from_env();
    // Nobody looks at a job while it runs: a mistake in a variable ends it.
    config.check()?;
    let telemetry = Telemetry::init(config)?;
    let rows = global::meter("import").u64_counter("import.rows").with_unit("{row}").build();
    for table in ["customers", "orders"] {
        rows.add(1_000, &[KeyValue::new("table", table)]);
    }
    // The last collection. What is not delivered within the limit is an error with its cause in words.
    telemetry.shutdown_blocking(Duration::from_secs(10))?;
    println!("delivered");
    Ok(())
}
