//! Everything observable, through real sockets where a socket matters. One file a promise.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod active;
mod attempts;
mod calling;
mod client;
mod counting;
mod dropping;
mod ending;
mod failing;
mod grpc;
mod hostile;
mod hosts;
mod measured;
mod nesting;
mod propagation;
#[cfg(feature = "reqwest")]
mod reqwest;
mod server;
mod suite;
mod support;
