//! Everything observable, through real sockets where a socket matters. One file a promise.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod active;
mod carried;
mod client;
mod conformance;
mod dropping;
mod ending;
mod exceptions;
mod failing;
mod headers;
mod hostile;
mod lifecycle;
mod metrics;
mod nesting;
mod options;
mod peers;
mod proxies;
mod routing;
mod propagation;
mod sampling;
mod server;
mod soak;
mod strangers;
mod suite;
mod support;
mod timing;
mod upgrading;
