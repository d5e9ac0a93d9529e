//! Everything observable, through real sockets where a socket matters. One file a promise.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod active;
mod attempts;
mod calling;
mod carried;
mod client;
mod conformance;
mod counting;
mod dropping;
mod ending;
mod exceptions;
mod failing;
mod grpc;
mod headers;
mod hostile;
mod hosts;
mod lifecycle;
mod measured;
mod metrics;
mod nesting;
mod options;
mod peers;
mod propagation;
mod proxies;
#[cfg(feature = "reqwest")]
mod reqwest;
mod routing;
mod sampling;
mod server;
mod soak;
mod strangers;
mod suite;
mod support;
mod timing;
mod upgrading;
