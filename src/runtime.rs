//! The process and its Tokio runtime, measured at each collection of the metrics (H-120, H-121).
//!
//! ```text
//! process.memory.usage (up-down counter in By)
//!    41582592
//! tokio.alive_tasks (up-down counter in {task})
//!    tokio.runtime.id="1": 17
//! ```
//! Nothing has a thread of its own or is read between two collections, and the process is read once for all of its
//! instruments. No runtime is kept alive: one that has ended keeps its last values.
//!
//! What the system does not tell has no series: see [`process`]. Which runtime it is that is measured: that in which
//! telemetry was made, and those that [`Telemetry::measure_runtime`](crate::Telemetry::measure_runtime) names.

mod process; // what the system tells of the process
mod tokio; // what Tokio tells of a runtime

use crate::callback::Callbacks;
use ::tokio::runtime::Handle;
use opentelemetry::{InstrumentationScope, metrics::MeterProvider};
use opentelemetry_sdk::metrics::SdkMeterProvider;
use std::sync::Mutex;

const SCOPE: &str = "throughline.runtime";
const SCHEMA_URL: &str = "https://opentelemetry.io/schemas/1.42.0";
/// The most that an instrument of the process has are two.
const PROCESS_SERIES: usize = 4;

/// What of the runtimes is measured. Their instruments are made with the first runtime.
pub(crate) struct Runtimes {
    provider: SdkMeterProvider,
    runtimes: Mutex<Option<tokio::Runtimes>>,
}

impl Runtimes {
    pub(crate) fn new(provider: SdkMeterProvider) -> Self {
        Runtimes { provider, runtimes: Mutex::default() }
    }

    /// Measures one more runtime; one that is measured already is so once.
    pub(crate) fn add(&self, name: Option<&str>, runtime: &Handle) {
        let mut runtimes = crate::callback::lock(&self.runtimes);
        let runtimes =
            runtimes.get_or_insert_with(|| tokio::measure(&self.provider.meter_with_scope(scope())));
        runtimes.add(name, runtime);
    }
}

/// Measures the process.
pub(crate) fn measure_process(provider: &SdkMeterProvider, callbacks: &Callbacks) {
    process::measure(&provider.meter_with_scope(scope()), callbacks);
}

/// How many series an instrument of ours has at most; the SDK makes room for all of them at once.
pub(crate) fn series(scope: &InstrumentationScope, instrument: &str) -> Option<usize> {
    (scope.name() == SCOPE && instrument.starts_with("process.")).then_some(PROCESS_SERIES)
}

fn scope() -> InstrumentationScope {
    InstrumentationScope::builder(SCOPE)
        .with_version(env!("CARGO_PKG_VERSION"))
        .with_schema_url(SCHEMA_URL)
        .build()
}
