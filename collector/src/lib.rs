//! A small OpenTelemetry collector inside a program or alone: OTLP in, OTLP out, and a local view.
//!
//! ```no_run
//! use throughline_collector::{Collector, Config};
//!
//! let collector = Collector::start(Config::default())?;
//! println!("traces: {}", collector.view_url().unwrap_or_default());
//! for trace in collector.traces(10) {
//!     println!("{} {} {} ns", trace.trace_id, trace.name, trace.duration);
//! }
//! # Ok::<(), throughline_collector::Error>(())
//! ```
//!
//! ```text
//! OTLP/gRPC :4317 ─┐                     ┌─► store ─► traces() trace() logs() instruments() series()
//! OTLP/HTTP :4318 ─┼─► check ─► process ─┤        └─► view :4319, HTML and JSON
//! inlet()  ────────┘                     └─► forward ─► queue ─► batch ─► each destination, file, stdout
//! ```
//! - **Receives** protobuf and JSON over HTTP and protobuf over gRPC, plain or with gzip, deflate or, by the feature
//!   `zstd`, zstd, each on either port. What cannot be decoded, is too large or too slow is refused with the status that
//!   the OTLP specification asks for; spans and log records with invalid ids are rejected one by one, and the answer says
//!   how many and why. What was taken is kept, and leaves only to make room for newer requests.
//! - **Keeps** the newest requests as they came, up to a bound in bytes and one in traces, in memory. Of the bytes,
//!   spans may have half while others need theirs, measurements and log records a quarter each; what one leaves alone
//!   the others use. Of too many traces, the one leaves of which nothing came for the longest time. A trace that
//!   misses its root or a parent is shown, with a mark; a span or point that arrived twice is shown once.
//! - **Changes** attributes, if [`Config::processors`] say so.
//! - **Sends on** to [`Config::destinations`], in batches, with a queue of its own for each: a request is in all of them
//!   before it is answered, or refused with the advice to come again. What was acknowledged is never dropped silently:
//!   [`Collector::forwarded`] counts what became of it, and [`Collector::stop`] names what was lost. Nothing is decoded on
//!   the way: what goes out is the bytes that came in.
//! - **Shows** the traces with their log records at `http://127.0.0.1:4319/`, without JavaScript if need be, and as JSON
//!   below `/api/`. The view answers to loopback names only, unless it has a [token](Config::view_token).
//! - **Is scraped**, if [`Config::prometheus`] says where: one page with the newest point of each series of all services.
//! - **Is quiet**: it runs on a thread of its own, named `throughline-collector`, where `tracing` is turned off. Pages
//!   and large requests are made and decoded on two more of the same name. A collector never records itself. What goes wrong
//!   is said by a thread that ends with it: warnings, of destinations with the target `throughline::destination`.
//!
//! # The view
//! | `GET` | answers with |
//! |---|---|
//! | `/` | the newest traces; takes the query of `/api/traces`, with a limit of at most 1,000 |
//! | `/logs` `/metrics` `/metrics/runtime` `/map` `/pipeline` | log records, charts, processes, who calls whom, what is taken and sent |
//! | `/trace/{id}` | one trace; `?span={id}` opens a span |
//! | `/api/status` | addresses, version, [`Counters`], and [`Forwarded`] as `destinations` |
//! | `/api/traces` `/api/traces/{id}` `…/spans/{id}` | a list of [`Summary`], one [`Trace`], one [`trace::Span`] |
//! | `/api/logs` | a list of [`trace::LogRecord`], the newest first, also those outside of any trace |
//! | `/api/metrics` `/api/metrics/{name}` `/api/charts/{name}` | [`metric::Instrument`]s, [`metric::Series`], a [`metric::Chart`] |
//! | `/api/map` `/api/map/calls` | a [`map::Map`], the `newest` and the `slowest` [`map::Call`]s behind an edge or a route |
//! | `/api/export` | traces as OTLP in JSON, one request a line |
//! | `/api/openapi.json` | the description of all of it, with every query |
//!
//! `POST /api/import` keeps what a file has, and answers with [`Imported`]. A list has 100 entries unless `limit` says
//! otherwise, and at most 10,000. Ids are hexadecimal digits, 32 of a trace and 16 of a span; times are nanoseconds.
//! Fields may be added to the JSON.
//!
//! # Limits
//! Nothing of the store survives the end of the program, unless [`Config::keep`] says where.
//!
//! Unless [`Config::receive`] says otherwise there is no TLS, and nobody is asked who they are: listen on loopback. A port
//! that other machines reach is opened as asked; when the first of them connects and needs neither credentials nor a
//! certificate, that is said once, as a warning. Requests of other sites' pages are refused with 403: those with their
//! `Origin`, unless CORS invites it, and on loopback those for a name that is neither `localhost` nor an address. Who
//! guesses passwords is not slowed down: use long ones.
//!
//! Memory is bounded: what waits for each destination by [`Config::queue_bytes`]; what is kept by
//! [`Config::max_bytes`], against which requests count as more when they take far more memory than their size to look
//! at; requests on their way in by four times [`Config::max_request_bytes`] and by [`Receive::max_requests`], beyond
//! which clients are told to come again, if possible before they are read; pages by making one at a time, and one for
//! Prometheus. Two bodies are decompressed at a time, with a window of at most 8 MiB. A client that sends nothing, or
//! does not read its answer, is cut off after [`Config::request_timeout`].

// Where it cannot work.
mod platform;
// What a program sees of it.
mod config;
mod error;
// What comes in: connections, requests, their bodies.
mod origin;
mod patience;
mod ports;
mod receive;
mod reply;
mod reservation;
mod serve;
mod tls;
mod voice;
// Where all of it comes together, and which way it goes.
mod intake;
mod plan;
mod route;
// What it is, and what is changed in it.
mod syntax;
mod check;
mod join;
mod scan;
mod edit;
mod process;
// What is kept, and where it is in the bytes.
mod memory;
mod store;
// What goes on.
mod forward;
mod outlet;
// What is shown.
mod look;
mod desk;
mod otlp;
mod time;
pub mod trace;
pub mod metric;
pub mod map;
mod share;
mod view;
// Where else it can go.
mod scribe;
pub mod debug;
pub mod file;
pub mod loki;
pub mod keep;
// Where all of it lives.
mod runtime;
// Who else is there, and how much went through.
mod counters;
mod find;
mod health;
mod scrape;
// What is read instead of received.
pub mod filelog;

pub use config::{Config, Cors, Destinations, Exit, Overflow, Pipeline, Port, Receive, Tls, Way};
pub use counters::{Counters, Forwarded};
pub use error::{Error, Lost};
pub use find::{Running, fetch, find};
pub use process::{Action, Context, Kind, Place, Processor, Value};
pub use share::Imported;
#[doc(no_inline)]
pub use throughline_sender::{Balance, Batch, Destination, Disk, Until};
pub use trace::{Summary, Trace};
pub use view::Token;

use desk::Desk;
use intake::Intake;
use ports::{Addresses, Ports};
use serve::{Handler, Limits};
use std::{
    fmt, io,
    net::{SocketAddr, TcpListener},
    sync::{Arc, mpsc},
    thread::{self, JoinHandle},
    time::Duration,
};
use throughline_sender::{Inlet, wire};
use tokio::sync::oneshot;

/// Who waits for longer waits for this: an instant of any distance cannot be named.
const LONGEST_LIMIT: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// A collector that runs. Dropping it stops it without waiting for anything: what was to be sent on is spilled to disk, or
/// lost. [`stop`](Self::stop) delivers it first.
#[must_use = "a collector stops when it is dropped"]
pub struct Collector {
    intake: Arc<Intake>,
    addresses: Addresses,
    ports: Vec<(String, SocketAddr)>,
    token: Option<Token>,
    thread: Option<JoinHandle<Result<(), Lost>>>,
    /// The thread ends when it is told how long it may take for that, or when this is dropped.
    ending: Option<oneshot::Sender<Duration>>,
    /// Completes when the thread is about to end.
    ended: oneshot::Receiver<()>,
}

impl Collector {
    /// Binds the ports and starts the thread, with or without a Tokio runtime around: first what sends, then what changes
    /// and keeps, then what receives.
    ///
    /// # Errors
    /// A bound or time limit is zero, an address is taken ([`Error::is_address_in_use`]) or cannot be listened on, the
    /// address of the view is not a loopback address and there is no token, a destination, the disk or a pattern cannot be used, or the
    /// system gives no thread.
    pub fn start(config: Config) -> Result<Collector, Error> {
        config.check()?;
        let ports = Ports::bind(&config)?;
        let addresses = ports.addresses();
        let others = ports.others.iter().filter_map(|listener| listener.local_addr().ok());
        let others = config.ports.iter().map(|port| port.source.clone()).zip(others).collect();
        let token = config.view_token.clone();
        let (ending, end) = oneshot::channel();
        let (over, ended) = oneshot::channel();
        let (ready, is_ready) = mpsc::sync_channel(1);
        let run = move || runtime::run(config, ports, addresses, &ready, end, over);
        let named = thread::Builder::new().name("throughline-collector".to_owned());
        let thread = named.spawn(run).map_err(Error::thread)?;
        let gone = |_| Err(Error::thread(io::Error::other("the thread ended at once")));
        let intake = is_ready.recv().unwrap_or_else(gone)?;
        Ok(Collector {
            intake,
            addresses,
            ports: others,
            token,
            thread: Some(thread),
            ending: Some(ending),
            ended,
        })
    }

    /// The way in without a socket: what is handed over takes the same path as what comes through the ports.
    ///
    /// Cheap to clone. It goes on taking requests when the collector has stopped, and keeps what was kept.
    pub fn inlet(&self) -> Inlet {
        Inlet::new(intake::Shared(Arc::clone(&self.intake)))
    }

    /// Where OTLP/gRPC is taken.
    pub fn grpc_address(&self) -> Option<SocketAddr> {
        self.addresses.grpc
    }

    /// Where OTLP/HTTP is taken.
    pub fn http_address(&self) -> Option<SocketAddr> {
        self.addresses.http
    }

    /// Where OTLP is taken besides: the source, and the address of the port, in the order of [`Config::ports`].
    pub fn ports(&self) -> &[(String, SocketAddr)] {
        &self.ports
    }

    /// Where the view is.
    pub fn view_address(&self) -> Option<SocketAddr> {
        self.addresses.view
    }

    /// The address of the view for a browser: `http://127.0.0.1:4319/`. It has the token in it, if there is one.
    pub fn view_url(&self) -> Option<String> {
        self.addresses.view_url(self.token.as_ref(), "")
    }

    /// The page of a trace, whether it is there already or not. It has the token in it, if there is one.
    pub fn trace_url(&self, trace_id: &str) -> Option<String> {
        self.addresses.view_url(self.token.as_ref(), &format!("trace/{trace_id}"))
    }

    /// The traces that began last, however late their spans came, at most as many as the limit, newest first.
    pub fn traces(&self, limit: usize) -> Vec<Summary> {
        look::traces(&self.intake, limit, |_, _, _| true)
    }

    /// The trace with the id of 32 hexadecimal digits; `None` when nothing of it is kept.
    pub fn trace(&self, trace_id: &str) -> Option<Trace> {
        look::trace(&self.intake, &trace::parse(trace_id)?)
    }

    /// The instruments with points, at most as many as the limit, by service, scope and name.
    pub fn instruments(&self, limit: usize) -> Vec<metric::Instrument> {
        look::instruments(&self.intake, None, limit)
    }

    /// The series that are asked for; empty when nothing of the instrument is kept.
    pub fn series(&self, query: &metric::Query) -> Vec<metric::Series> {
        look::series(&self.intake, query)
    }

    /// The series that are asked for as lines, by an attribute or all together.
    pub fn chart(&self, query: &metric::Query, by: Option<&str>) -> metric::Chart {
        look::chart(&self.intake, query, by)
    }

    /// All that is kept of some traces as OTLP in JSON, for files: a line with their spans, and one with their log records;
    /// `None`: it would be more than 64 MiB.
    pub fn export<'a>(&self, trace_ids: impl IntoIterator<Item = &'a str>) -> Option<Vec<u8>> {
        share::export(&self.intake, &trace_ids.into_iter().filter_map(trace::parse).collect())
    }

    /// Keeps what such a file has, or one of the file exporter or of `otlp/stdout`: objects on lines, in a list, or one
    /// over many lines. Lines of something else are passed over. Nothing of it is sent on or changed.
    pub fn import(&self, file: &[u8]) -> Imported {
        share::import(&self.intake, file)
    }

    /// Who calls whom, out of the last so many nanoseconds before the latest span ended, or out of all that is kept.
    pub fn map(&self, last: Option<u64>) -> map::Map {
        look::map(&self.intake, last)
    }

    /// The newest log records, at most as many as the limit, the latest first, also those outside of any trace.
    pub fn logs(&self, limit: usize) -> Vec<trace::LogRecord> {
        look::logs(&self.intake, limit)
    }

    /// Where it answers whether it is well.
    pub fn health_address(&self) -> Option<SocketAddr> {
        self.addresses.health
    }

    /// Where Prometheus fetches measurements, at `/metrics`.
    pub fn prometheus_address(&self) -> Option<SocketAddr> {
        self.addresses.prometheus
    }

    /// What became of everything on its way to each destination.
    pub fn forwarded(&self) -> Vec<Forwarded> {
        self.intake.forwarded()
    }

    /// What the start found on disk that an operator should know, one line each.
    pub fn notices(&self) -> Vec<String> {
        self.intake.notices()
    }

    /// What was taken, refused and is kept.
    pub fn counters(&self) -> Counters {
        self.intake.counters()
    }

    /// Takes nothing more, delivers what waits, and completes when the ports are free. What is not delivered within the
    /// limit is spilled to disk, where the next start finds it. What was kept for the view is gone with the last
    /// [`inlet`](Self::inlet).
    ///
    /// # Errors
    /// If something that was acknowledged is lost: neither delivered, nor on disk.
    pub async fn stop(mut self, limit: Duration) -> Result<(), Lost> {
        self.end(limit);
        // An error: the thread has ended already.
        let _ = (&mut self.ended).await;
        self.join()
    }

    /// As [`stop`](Self::stop), where there is no runtime. Blocks.
    ///
    /// # Errors
    /// As [`stop`](Self::stop).
    pub fn stop_blocking(mut self, limit: Duration) -> Result<(), Lost> {
        self.end(limit);
        self.join()
    }

    fn end(&mut self, limit: Duration) {
        if let Some(ending) = self.ending.take() {
            // An error: the thread has ended already.
            let _ = ending.send(limit);
        }
    }

    fn join(&mut self) -> Result<(), Lost> {
        // It could only have panicked, and is over either way.
        self.thread.take().map_or(Ok(()), |thread| thread.join().unwrap_or(Ok(())))
    }
}

impl fmt::Debug for Collector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Collector").field("addresses", &self.addresses).finish_non_exhaustive()
    }
}

/// All stages, the last one of the way first. Must be called in the runtime where they live.
fn start(config: Config, ports: Ports, addresses: Addresses) -> Result<Arc<Intake>, Error> {
    let intake = Arc::new(Intake::start(&config)?);
    let (limit, expiration) = (config.request_timeout.min(LONGEST_LIMIT), config.metric_expiration);
    let receiver = |receive, source| receive::Receiver::new(Arc::clone(&intake), receive, source, limit);
    let main = receiver(&config.receive, plan::Source::OTLP)?;
    for listener in [ports.grpc, ports.http].into_iter().flatten() {
        receive(listener, limit, main.clone())?;
    }
    for (port, listener) in config.ports.iter().zip(ports.others) {
        receive(listener, limit, receiver(&port.receive, intake.source(&port.source))?)?;
    }
    if let Some(listener) = ports.view {
        let pages = view::View::new(Arc::clone(&intake), addresses, config.view_token, limit);
        spawn(listener, Limits::of_view(limit), Desk::new(pages, limit))?;
    }
    if let Some(listener) = ports.health {
        spawn(listener, Limits::of_view(limit), health::Health::new(Arc::clone(&intake)))?;
    }
    if let Some(listener) = ports.prometheus {
        let page = scrape::Scrape::new(Arc::clone(&intake), expiration);
        spawn(listener, Limits::of_view(limit), Desk::new(page, limit))?;
    }
    Ok(intake)
}

fn receive(listener: TcpListener, limit: Duration, receiver: receive::Receiver) -> Result<(), Error> {
    let is_local = listener.local_addr().is_ok_and(|address| address.ip().is_loopback());
    spawn(listener, Limits::of_receiver(limit), receiver.at(is_local))
}

fn spawn(listener: TcpListener, limits: Limits, handler: impl Handler) -> Result<(), Error> {
    let listener = tokio::net::TcpListener::from_std(listener).map_err(Error::thread)?;
    tokio::spawn(serve::serve(listener, limits, handler));
    Ok(())
}

#[cfg(test)]
mod tests;
