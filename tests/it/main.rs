//! Everything observable, through real sockets, real processes, real peers. One file a promise.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]
#![allow(clippy::disallowed_methods, reason = "a test may look at the environment to see it unchanged")]

mod support;

mod chain; // two services, one call, one trace, seen at once
mod collector; // OTLP in, view out
mod configuration; // variables decide, faults are told
mod delivery; // what is recorded arrives, or is counted
mod documentation; // README and tables tell the truth
mod encryption; // https, judged by a certificate authority of the test
mod faults; // the other side refuses, hangs, comes and goes
mod judges; // what we send, judged by others
mod lifecycle; // start, flush, stop, from any runtime
mod logs; // every line has the ids of its span, and is one line
mod stopping; // SIGTERM under load loses nothing
mod view; // the collector and its view beside a service
