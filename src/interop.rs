//! The OpenTelemetry types that can be taken out, outside the promise of our version number: when
//! OpenTelemetry makes a breaking release, these change with it.
//!
//! ```
//! # fn main() -> Result<(), throughline::Error> {
//! use opentelemetry::metrics::MeterProvider;
//! use throughline::{Config, Telemetry};
//!
//! let telemetry = Telemetry::build(Config::from_vars([("OTEL_SERVICE_NAME", "cart")]))?;
//! let orders = telemetry.meter_provider().meter("cart").u64_counter("cart.orders").build();
//! orders.add(1, &[]);
//! # Ok(())
//! # }
//! ```
//! After [`Telemetry::init`] the same providers are behind `opentelemetry::global`.
//!
//! `force_flush` of a provider delivers what was recorded of its signal, for at most 5 s; its error has the words for
//! what was refused, or is not delivered then and stays queued. It blocks its thread, in a runtime too; in a callback
//! of an observable instrument it is an error. [`Handle::flush`](crate::Handle::flush) is for all signals, can be
//! awaited, and has the limit that you give.
//!
//! `shutdown` of a provider drops what waits for its batch, and counts it: use [`Telemetry::shutdown`].

use crate::Telemetry;
use opentelemetry::propagation::TextMapPropagator;
use opentelemetry_sdk::{logs::SdkLoggerProvider, trace::SdkTracerProvider};
use std::sync::Arc;

pub use crate::callback::Meters;

impl Telemetry {
    /// The provider of the tracers that the layers use.
    pub fn tracer_provider(&self) -> &SdkTracerProvider {
        &self.handle.providers.tracer
    }

    /// The provider of meters for instruments of your own.
    pub fn meter_provider(&self) -> &Meters {
        &self.handle.providers.meters
    }

    /// The provider of the loggers; `None` if log records go nowhere.
    pub fn logger_provider(&self) -> Option<&SdkLoggerProvider> {
        self.handle.providers.logger.as_ref().map(|(provider, _)| provider)
    }

    /// What the layers read and write headers with: for message queues and other carriers.
    pub fn propagator(&self) -> Arc<dyn TextMapPropagator + Send + Sync> {
        self.handle.providers.propagator.clone()
    }
}
