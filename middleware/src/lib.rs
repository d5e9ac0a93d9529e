//! Tower layers that turn HTTP exchanges into OpenTelemetry spans and metrics.
//!
//! ```
//! use axum::{Router, routing::get};
//! use throughline_middleware::ServerLayer;
//!
//! let app: Router = Router::new()
//!     .route("/users/{id}", get(|| async { "ada" }))
//!     .layer(ServerLayer::default());
//! ```
//!
//! ```text
//! request ──► ServerLayer ──► handler ──► ClientLayer ──► the next service
//!             reads traceparent           writes traceparent
//!             SERVER span, duration       CLIENT span, duration
//! ```
//!
//! [`ServerLayer`] records what arrives, [`ClientLayer`] what leaves, [`propagation`] carries ids and
//! baggage from one to the other. Names and rules are those of the OpenTelemetry semantic conventions for
//! HTTP and for RPC; the pages of [`server`] and [`client`] list every attribute.
//!
//! The span is active wherever the request is served, but `tokio::spawn` and `spawn_blocking` leave it: see
//! [`server`] for the two lines that take it along, and for where the layer belongs.
//!
//! The layers know the OpenTelemetry *API*, tower and http, and nothing of an SDK or an exporter: with no
//! SDK set up they pass on the ids that arrive and record nothing. They take their providers from the
//! globals (`default()`) or from whoever makes them (`new(…)`).
//!
//! # Features
//!
//! - `axum`, off by default: [`Route`]s from axum's `MatchedPath`, the path in a nest from `OriginalUri`, the
//!   peer's address from `ConnectInfo`, the cause of an `axum::Error`.
//! - `reqwest`, off by default: `ClientLayer::reqwest`, the client side as a middleware of reqwest-middleware 0.5.
//!   TLS stays the choice of the features of your reqwest 0.13.
//! - `tracing`, off by default: the option [`request_span`](ServerOptions::request_span).
//!
//! # Limits
//!
//! Exceptions are log records, not events of a span. Every text that a caller can choose is cut after 4,096 bytes,
//! none becomes an attribute of a server's measurement. Nothing panics on a request's path, whatever the request
//! is.

// Where none of it can work.
mod platform;

// What a layer tells and whom it believes: the options, as they are set and as they are used.
pub mod options;
mod rules;

// What arrives: request → exchange → response.
pub mod server;

// What leaves: the same, the other way round.
pub mod client;

// What both record with: tracer, instruments, propagator.
mod instruments;

// What a program and a layer may say to each other about a request: route, peer, attempts, span.
mod attempts;
mod peer;
mod route;
mod server_span;

// One request from its beginning to its one end.
mod exchange;

// What stands for the span of one that nobody records.
mod unrecorded;

// What carries an exchange: first the response's future, then its body.
mod leg;
mod request_span;

// The last leg: until the response's last byte.
pub mod body;

// What went wrong, by name, and as a log record.
mod exception;
mod failure;

// Which series a measurement belongs to.
mod series;

// What an exchange is told of, by name: the table.
mod attributes;

// What makes an exchange a gRPC call.
mod rpc;

// What may be told of a URL.
mod url;

// How URLs and baggage write what they may not contain.
mod percent;

// What goes from service to service.
pub mod propagation;

// What of the standards is not here.
#[doc = include_str!("../conformance.md")]
pub mod conformance {}

pub use attempts::{Attempts, UrlTemplate};
pub use body::ExchangeBody;
#[cfg(feature = "reqwest")]
pub use client::reqwest::ClientMiddleware;
pub use client::{ClientLayer, ClientService};
pub use options::{ClientOptions, ServerOptions};
pub use peer::Peer;
pub use route::Route;
pub use server::{ServerLayer, ServerService};
pub use server_span::ServerSpan;
