//! placeholder

// In the order in which things happen.
pub mod config; // what to record and where it goes: plain data
mod error; // the one error
mod providers; // config → tracer, meter, logger
pub mod resource; // who is speaking
mod layers; // the tracing layers
pub mod log; // log lines with trace_id and span_id
mod batch; // spans and log records that wait for their batch
mod encode; // data → OTLP bytes
mod pipeline; // the way of one signal out of the process
mod export; // the runtime on which it leaves
mod stats; // what became of everything
pub mod telemetry; // the one value that is alive while telemetry flows
mod handle; // its cloneable part
mod view; // THROUGHLINE_VIEW
mod stop; // SIGTERM and ctrl-c
pub mod interop; // the OpenTelemetry types that can be taken out

#[cfg(feature = "collector")]
pub use throughline_collector as collector;
pub use throughline_middleware as middleware;
pub use throughline_sender as sender;

pub use config::Config;
pub use error::Error;
pub use handle::Handle;
pub use layers::BoxedLayer;
pub use stats::Stats;
pub use stop::stop_signal;
pub use telemetry::Telemetry;
