//! For tests.

pub mod receiver; // an OTLP server that fails as it is told

pub use receiver::{Arrival, Fault, Receiver, RetryAfter, Setup};
