//! A sender against a destination that goes away, lies, hangs and comes back.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

mod accounting; // what became of everything, at every instant
mod adopting; // what an earlier process left
mod batching; // what is sent as one, and what becomes of each part
mod broken; // disks that are full, read-only, gone, torn
mod killed; // the process ends at any moment
mod speaking; // in other words than OTLP's
mod spilling; // when something is on disk
mod splitting; // what is too large for the other side
