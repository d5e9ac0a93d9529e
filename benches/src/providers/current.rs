//! OpenTelemetry 0.33.

use ::{opentelemetry, opentelemetry_sdk, tracing_opentelemetry};

#[path = "line.rs"]
mod line;

pub use line::{Providers, Tally, attach};
