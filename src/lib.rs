//! One trace id through traces, metrics and logs: OpenTelemetry for axum and tower services.
//!
//! ```no_run
//! use axum::{Router, extract::Path, routing::get};
//! use std::{error::Error, net::SocketAddr, time::Duration};
//! use throughline::{Config, Telemetry};
//! use tokio::net::TcpListener;
//!
//! #[tokio::main]
//! async fn main() -> Result<(), Box<dyn Error>> {
//!     let telemetry = Telemetry::init(Config::from_env())?;
//!     let app = Router::new().route("/hello/{name}", get(hello)).layer(telemetry.server_layer());
//!     let listener = TcpListener::bind("127.0.0.1:8080").await?;
//!     axum::serve(listener, app.into_make_service_with_connect_info::<SocketAddr>())
//!         .with_graceful_shutdown(throughline::stop_signal())
//!         .await?;
//!     telemetry.shutdown(Duration::from_secs(5)).await?;
//!     Ok(())
//! }
//!
//! async fn hello(Path(name): Path<String>) -> String {
//!     tracing::info!(name, "saying hello");
//!     format!("hello, {name}\n")
//! }
//! ```
//! With this, and environment variables, every request can be followed: from the caller's `traceparent`, through each
//! service of the chain, to log lines that carry `trace_id` and `span_id`. Where it goes is said in one line at start:
//!
//! ```text
//! throughline 0.1.0: hello sends traces to http://10.0.0.7:4318/v1/traces (NODE_IP), metrics to
//! http://10.0.0.7:4318/v1/metrics (NODE_IP), logs to stdout only (NODE_IP: the agent of the node reads it)
//! ```
//!
//! | I want to | look at |
//! |---|---|
//! | start, flush, stop | [`Telemetry`], [`Handle`], [`stop_signal`] |
//! | know the variables | [`config::env`] |
//! | configure by a file | `config::file` (feature `config-file`), `OTEL_CONFIG_FILE` |
//! | set something in code | [`Config`] |
//! | record what arrives and what leaves | [`middleware::ServerLayer`], [`middleware::ClientLayer`] |
//! | see what a log line looks like | [`log`] |
//! | spawn without leaving the trace | [`carry`], [`carry_fn`] |
//! | keep my own `tracing` subscriber | [`Telemetry::build`], [`Telemetry::layers`], [`log::LogLayer`] |
//! | know what became of everything | [`Stats`] |
//! | know whether it would work | [`probe`](mod@probe), `throughline check` (feature `cli`) |
//! | measure something of my own | [`interop`] |
//! | tell an instrument otherwise | [`config::MetricView`] |
//! | see what the process and its runtime do | [`Telemetry::measure_runtime`] |
//! | see it on stdout | [`console`] |
//! | let Prometheus fetch the measurements | `scrape` (feature `prometheus`), `OTEL_METRICS_EXPORTER=prometheus` |
//! | test what is recorded, or how a program takes an outage | `testing` (feature `testing`) |
//! | see it all without installing anything | `collector` (feature `collector`), `THROUGHLINE_VIEW=1` |
//!
//! # Features
//! - `tls` (default): https destinations, by rustls with ring and the system's root certificates.
//! - `grpc`: OTLP over gRPC.
//! - `zstd`: zstd as a compression of OTLP; compiles a C library.
//! - `reqwest`: the client layer as a middleware of reqwest-middleware 0.5; TLS stays your choice.
//! - `prometheus`: a page with the measurements, for Prometheus to fetch.
//! - `config-file`: the standard's declarative configuration, `OTEL_CONFIG_FILE`.
//! - `cli`: the program `throughline`, with `throughline check` and `throughline collect`.
//! - `collector`: the embedded collector with its local view; it sends on, too.
//! - `testing`: for tests, what is recorded, in memory, and an OTLP server that fails as it is told.
//!
//! # Limits
//! For Unix and Windows, on machines with atomic 64-bit numbers; elsewhere the compiler says so.
//!
//! Connect info is needed for `client.address` and `network.peer.address` (one line says so if it is missing): serve with
//! `into_make_service_with_connect_info`, as above. Telemetry that could not be delivered does not survive the
//! process, unless it has a [directory](config::Queue::directory).

// The way of the data, then what starts, watches and ends it.
mod platform; // where it cannot work
pub mod config; // what to record and where it goes: plain data
pub mod resource; // who is speaking
mod providers; // config → tracer, meter, logger
mod sampler; // which traces are recorded
mod views; // what becomes of single instruments
mod runtime; // the process and its Tokio runtime, measured
mod carry; // what is active in a request, for what leaves it
mod layers; // the tracing layers
mod spans; // the layer of spans
mod filter; // what they let through, changeable
pub mod log; // log lines with trace_id and span_id, log records
mod baggage; // what callers say of a request, onto spans and log records
mod batch; // spans and log records that wait for their batch
mod callback; // what the program measures when it is asked
mod reader; // measurements, collected
mod overflow; // … of more series than there may be
mod encode; // data → OTLP bytes
mod exemplar; // from a measurement to its trace
mod pipeline; // the way of one signal out of the process
mod export; // the runtime on which it leaves
pub mod console; // … to stdout
#[cfg(feature = "prometheus")]
pub mod scrape; // measurements, for who fetches them
mod accounts; // what became of it all, as measurements
pub mod telemetry; // the one value that is alive while telemetry flows
mod handle; // its cloneable part
mod flush; // what force_flush of the providers does
mod stop; // the signals that end a service
mod view; // THROUGHLINE_VIEW
pub mod probe; // whether it would work
pub mod interop; // the OpenTelemetry types that can be taken out
#[cfg(all(feature = "collector", feature = "config-file"))]
pub mod agent; // the node-local agent, from a configuration of the OpenTelemetry Collector
mod error; // the one error
#[cfg(feature = "testing")]
pub mod testing; // for tests: what is recorded, in memory; a server that fails as it is told

#[cfg(feature = "collector")]
pub use throughline_collector as collector;
pub use throughline_middleware as middleware;
pub use throughline_sender as sender;

pub use carry::{Carried, carry, carry_fn};
#[doc(inline)]
pub use config::Config;
pub use error::Error;
pub use handle::Handle;
pub use layers::BoxedLayer;
pub use sender::Stats;
pub use stop::stop_signal;
#[doc(inline)]
pub use telemetry::Telemetry;

/// Compiles what `docs/configuration.md` shows.
#[cfg(doctest)]
#[doc = include_str!("../docs/configuration.md")]
struct ConfigurationPage;

/// Compiles what `docs/layers.md` shows.
#[cfg(doctest)]
#[doc = include_str!("../docs/layers.md")]
struct LayersPage;

/// Compiles what `docs/libraries.md` shows.
#[cfg(doctest)]
#[doc = include_str!("../docs/libraries.md")]
struct LibrariesPage;

/// Compiles what `docs/logs.md` shows.
#[cfg(doctest)]
#[doc = include_str!("../docs/logs.md")]
struct LogsPage;

/// Compiles what `docs/testing.md` shows.
#[cfg(all(doctest, feature = "testing"))]
#[doc = include_str!("../docs/testing.md")]
struct TestingPage;

/// Compiles what `docs/metrics.md` shows.
#[cfg(all(doctest, feature = "prometheus"))]
#[doc = include_str!("../docs/metrics.md")]
struct MetricsPage;

/// Compiles what `docs/export.md` shows.
#[cfg(doctest)]
#[doc = include_str!("../docs/export.md")]
struct ExportPage;

/// Compiles what `docs/collector.md` shows.
#[cfg(all(doctest, feature = "collector"))]
#[doc = include_str!("../docs/collector.md")]
struct CollectorPage;
