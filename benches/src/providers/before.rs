//! OpenTelemetry 0.32, with types and globals of its own.

use ::{
    before_opentelemetry as opentelemetry, before_opentelemetry_sdk as opentelemetry_sdk,
    before_tracing_opentelemetry as tracing_opentelemetry,
};

#[path = "line.rs"]
mod line;

pub use line::{Providers, Tally, attach};
