//! For tests: what a program records, in memory, and [a server](receiver) that fails as it is told.
//!
//! ```standalone_crate
//! # async fn hello() { tracing::info!(target: "greeting", name = "ada", "saying hello") }
//! use axum::{Router, body::Body, http::Request, routing::get};
//! use tower::ServiceExt;
//!
//! # /*
//! #[tokio::test]
//! # */
//! async fn a_greeting_is_one_span_with_one_line() {
//!     let telemetry = throughline::testing::telemetry();
//!     let app = Router::new().route("/hello/{name}", get(hello)).layer(telemetry.server_layer());
//!     app.oneshot(Request::get("/hello/ada").body(Body::empty()).unwrap()).await.unwrap();
//!
//!     let recorded = telemetry.recorded().await;
//!     recorded.tree().only(["http.route", "name"]).assert_eq(
//!         r#"
//!         #1 SERVER GET /hello/{name}
//!            http.route = "/hello/{name}"
//!            INFO greeting: "saying hello" name="ada"
//!         "#,
//!     );
//!     let span = recorded.spans.one("GET /hello/{name}");
//!     assert_eq!(span["http.response.status_code"], 200);
//!     let duration = recorded.metrics.one("http.server.request.duration");
//!     assert_eq!(duration.with("http.route", "/hello/{name}").count(), 1);
//! }
//! # let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
//! # runtime.block_on(a_greeting_is_one_span_with_one_line());
//! ```
//! [`telemetry`] makes a [`Capture`]: a [`Telemetry`](crate::Telemetry) whose destination is the test. It goes the way
//! of a service, layers, batches, encoding and all, and reaches no network. [`Capture::recorded`] waits until every
//! span that began has ended, so that no test sleeps; what happens later by itself is waited for with
//! [`Capture::recorded_when`]. `docs/testing.md` has a test file in full.
//!
//! | to look at | there is |
//! |---|---|
//! | all of it as a text, for comparing or for snapshots | [`Recorded::tree`], [`Spans::tree`] |
//! | one span, its attributes, its parent | [`Spans::one`], `span["key"]`, [`Spans::parent`] |
//! | the log records of a span | [`Logs::of`], [`Logs::one`] |
//! | how often, how much | [`Metrics::one`], [`Metric::with`], [`Metric::count`], [`Metric::sum`] |
//!
//! # Tests side by side
//! Nothing global is set, and tests that run at a time do not see each other. The layers know their telemetry, on
//! whatever thread they are called. `tracing` asks the thread: the capture is the subscriber of the thread that
//! made it, and so of all tasks of a `#[tokio::test]`, which has one thread. Other threads are given
//! [`Capture::subscriber`].
//!
//! # Limits
//! What is recorded stays in memory until the capture is dropped. Spans that are not sampled are not recorded.
//! Measurements stand as they do when they are asked for; the process and its runtime are measured only if the
//! configuration says so. A `Capture` cannot be sent to another thread.

mod capture; // telemetry whose destination is the test
mod begun; // which spans have not ended
mod recorded; // all that was recorded
mod span; // spans
mod log; // log records
mod metric; // measurements
mod value; // their values
mod tree; // as a text
mod difference; // … that is not another one
pub mod receiver; // an OTLP server that fails as it is told

pub use capture::Capture;
pub use log::{Log, Logs};
pub use metric::{Metric, Metrics, Point};
pub use receiver::{Arrival, Fault, Receiver, RetryAfter, Setup};
pub use recorded::Recorded;
pub use span::{Span, SpanEvent, SpanLink, Spans, Status};
pub use tree::Tree;
pub use value::{Attributes, Value};

use crate::Config;

/// Telemetry that keeps what it records, with the default configuration. It writes no log lines, and what throughline
/// itself has to say is not recorded.
///
/// # Panics
/// If the system gives no thread: then the test cannot run.
#[track_caller]
pub fn telemetry() -> Capture {
    Capture::start(capture::quiet())
}

/// Telemetry that keeps what it records, with this configuration but for where it goes: whatever the configuration
/// says, all signals come here.
///
/// ```
/// use throughline::{Config, testing};
///
/// let telemetry = testing::telemetry_with(Config::from_vars([("RUST_LOG", "debug")]));
/// tracing::debug!("to be seen");
/// assert_eq!(telemetry.recorded_blocking().logs[0].severity, "DEBUG");
/// ```
///
/// # Panics
/// If telemetry cannot be built from it.
#[track_caller]
pub fn telemetry_with(config: Config) -> Capture {
    Capture::start(config)
}

/// Fails the test.
#[track_caller]
#[expect(clippy::panic, reason = "a test fails by panicking")]
fn fail(words: &str) -> ! {
    panic!("throughline::testing: {words}")
}
