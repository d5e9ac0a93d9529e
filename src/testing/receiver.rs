//! An OTLP server that takes what it gets, and fails as it is told.
//!
//! ```
//! use std::time::Duration;
//! use throughline::{Config, Telemetry, sender::Signal, testing::{Fault, Receiver}};
//! use opentelemetry::trace::{Tracer, TracerProvider};
//!
//! let receiver = Receiver::start();
//! receiver.then(Fault::Status(503)).then(Fault::LostAnswer);
//!
//! let telemetry = Telemetry::build(Config::from_vars([
//!     ("OTEL_EXPORTER_OTLP_ENDPOINT", receiver.http_endpoint()),
//!     ("OTEL_METRICS_EXPORTER", "none".into()),
//! ]))?;
//! drop(telemetry.tracer_provider().tracer("shop").start("work"));
//! telemetry.shutdown_blocking(Duration::from_secs(5))?;
//!
//! // Turned away; taken, but nobody heard it; taken once more.
//! assert_eq!(receiver.requests().len(), 3);
//! assert_eq!((receiver.items(Signal::Traces), receiver.repeated_spans()), (2, 1));
//! assert_eq!(receiver.complaints(), [""; 0]);
//! # Ok::<(), throughline::Error>(())
//! ```
//! It takes OTLP/HTTP, as protobuf and as JSON, on one port and OTLP/gRPC on another, both of 127.0.0.1, on a thread of
//! its own: it goes on while the test blocks. It judges to the letter: the path, the exact content type, the
//! compression that the request names, every byte of the body. What it finds wrong it refuses, as the standard has it,
//! and says in [`Receiver::complaints`].
//!
//! # Limits
//! Bodies of 64 MiB. What it takes stays in memory. JSON is read with the decoder of opentelemetry-proto, which does
//! not know `null` and `"NaN"`.

mod setup; // what it asks of those who send
mod fault; // what it does instead
mod script; // when
mod listen; // the ports
#[cfg(feature = "tls")]
mod tls; // … encrypted
mod judge; // whether a request is one
mod content; // what it holds
mod take; // one request
mod answer; // the words of the answer
mod reply; // its body, piece by piece
mod shared; // what it knows

pub use fault::{Fault, RetryAfter};
pub use setup::Setup;
pub use take::Arrival;

use super::Recorded;
use crate::sender::Signal;
use bytes::Bytes;
pub(super) use content::Content;
use judge::Port;
use listen::{Gate, Order};
use shared::Shared;
use std::{
    collections::HashSet,
    fmt,
    net::{Ipv4Addr, SocketAddr},
    sync::{Arc, mpsc},
    thread::JoinHandle,
    time::Duration,
};
use take::Connection;
use tokio::{runtime, sync::watch};

/// The longest wait of [`Receiver::until`].
const PATIENCE: Duration = Duration::from_secs(30);

/// An OTLP server on two free ports, until it is dropped. See the [module's page](self).
pub struct Receiver {
    shared: Arc<Shared>,
    http: SocketAddr,
    grpc: SocketAddr,
    /// `None` when it is stopping.
    orders: Option<watch::Sender<Order>>,
    runtime: runtime::Handle,
    thread: Option<JoinHandle<()>>,
}

impl Receiver {
    /// Starts a receiver that lets everybody in, unencrypted.
    ///
    /// # Panics
    /// As [`Setup::start`].
    #[track_caller]
    pub fn start() -> Self {
        Setup::default().start()
    }

    /// What else a receiver can ask for.
    ///
    /// ```
    /// use throughline::testing::Receiver;
    ///
    /// let receiver = Receiver::setup().basic("user", "pass").base_path("/otlp").start();
    /// assert!(receiver.http_endpoint().ends_with("/otlp"));
    /// ```
    pub fn setup() -> Setup {
        Setup::default()
    }

    fn open(setup: Setup) -> Result<Self, String> {
        #[cfg(feature = "tls")]
        if let Some(tls) = &setup.tls {
            tls.acceptor(b"h2")?;
        }
        let words = |error: &std::io::Error| format!("no port, or no thread: {error}");
        let node = setup.node;
        let open = move |port| {
            let place = node.map_or((Ipv4Addr::LOCALHOST.into(), 0), |node| (node, port));
            Gate::open(place.into())
        };
        let shared = Shared::new(setup);
        let (orders, follow) = watch::channel(Order { open: true, done: None });
        let runtime =
            runtime::Builder::new_current_thread().enable_all().build().map_err(|error| words(&error))?;
        let handle = runtime.handle().clone();
        let (opened, addresses) = mpsc::channel();
        let serve = {
            let shared = shared.clone();
            async move {
                let gates = open(4318).and_then(|http| Ok((http, open(4317)?)));
                // Whoever starts it waits for this.
                let _ = opened
                    .send(gates.as_ref().map(|(http, grpc)| (http.address, grpc.address)).map_err(words));
                let Ok((http, grpc)) = gates else { return };
                let serve = |port, gate| listen::listen(shared.clone(), port, gate, follow.clone());
                let (http, grpc) = tokio::join!(serve(Port::Http, http), serve(Port::Grpc, grpc));
                for error in [http, grpc].into_iter().filter_map(Result::err) {
                    shared.complain(format!("a port could not be opened again: {error}"));
                }
            }
        };
        let thread = std::thread::Builder::new().name("throughline-receiver".into());
        let thread = thread.spawn(move || runtime.block_on(serve)).map_err(|error| words(&error))?;
        let (http, grpc) = addresses.recv().map_err(|_| "its thread has ended")??;
        Ok(Receiver { shared, http, grpc, orders: Some(orders), runtime: handle, thread: Some(thread) })
    }

    /// The value for `OTEL_EXPORTER_OTLP_ENDPOINT` with HTTP: `http://127.0.0.1:PORT`, with TLS
    /// `https://localhost:PORT`, and the base path.
    pub fn http_endpoint(&self) -> String {
        format!("{}{}", self.endpoint(self.http), self.shared.setup.base_path)
    }

    /// The value for `OTEL_EXPORTER_OTLP_ENDPOINT` with gRPC.
    pub fn grpc_endpoint(&self) -> String {
        self.endpoint(self.grpc)
    }

    fn endpoint(&self, address: SocketAddr) -> String {
        #[cfg(feature = "tls")]
        if self.shared.setup.tls.is_some() {
            return format!("https://localhost:{}", address.port());
        }
        format!("http://{address}")
    }

    /// Where OTLP/HTTP is taken.
    pub fn http_address(&self) -> SocketAddr {
        self.http
    }

    /// Where OTLP/gRPC is taken.
    pub fn grpc_address(&self) -> SocketAddr {
        self.grpc
    }

    /// The next request that no earlier line of the script is meant for meets this fault.
    pub fn then(&self, fault: Fault) -> &Self {
        self.script(None, Some(1), fault)
    }

    /// As many requests meet this fault.
    pub fn then_times(&self, times: usize, fault: Fault) -> &Self {
        self.script(None, Some(times), fault)
    }

    /// Every request from then on meets this fault, until [`Receiver::recover`].
    pub fn then_always(&self, fault: Fault) -> &Self {
        self.script(None, None, fault)
    }

    /// A line of the script: requests of this signal, or of any, meet this fault, so many times, or for ever.
    pub fn script(
        &self,
        signal: impl Into<Option<Signal>>,
        times: impl Into<Option<usize>>,
        fault: Fault,
    ) -> &Self {
        self.shared.lock().script.add(signal.into(), times.into(), fault);
        self
    }

    /// Refuses connections from now on and cuts those that there are, until [`Receiver::recover`]. The ports stay
    /// those of the receiver.
    pub fn refuse(&self) -> &Self {
        self.order(false)
    }

    /// Forgets the script, lets in connections again, and answers what hangs.
    pub fn recover(&self) -> &Self {
        self.shared.lock().script.clear();
        self.order(true);
        self.release()
    }

    /// Answers the requests that [hang](Fault::Hang).
    pub fn release(&self) -> &Self {
        self.shared.releases.send_replace(());
        self
    }

    fn order(&self, open: bool) -> &Self {
        let Some(orders) = self.orders.as_ref().filter(|orders| orders.borrow().open != open) else {
            return self;
        };
        let (done, wait) = mpsc::channel();
        orders.send_replace(Order { open, done: Some(done.clone()) });
        drop(done);
        for _ in [Port::Http, Port::Grpc] {
            // An error means that the port could not be opened: the complaints tell.
            let _ = wait.recv_timeout(PATIENCE);
        }
        self
    }

    /// Every request so far, the refused ones among them, in the order of arrival.
    pub fn requests(&self) -> Vec<Arrival> {
        self.shared.lock().arrivals.clone()
    }

    /// How many connections were made so far.
    pub fn connections(&self) -> u64 {
        self.shared.lock().connections
    }

    /// What was wrong with requests and handshakes, in the order of arrival.
    pub fn complaints(&self) -> Vec<String> {
        self.shared.lock().complaints.clone()
    }

    /// The spans, data points or log records that were taken; what came twice counts twice.
    pub fn items(&self, signal: Signal) -> u64 {
        self.of(signal, Content::items).into_iter().sum()
    }

    /// The spans that were taken although one of the same trace and span id had been taken before.
    pub fn repeated_spans(&self) -> u64 {
        let (mut known, mut repeated) = (HashSet::new(), 0);
        for id in self.of(Signal::Traces, Content::span_ids).into_iter().flatten() {
            repeated += u64::from(!known.insert(id));
        }
        repeated
    }

    /// What was taken of a signal, request by request, as the protobuf of an `Export…ServiceRequest`.
    pub fn bodies(&self, signal: Signal) -> Vec<Bytes> {
        self.of(signal, Content::to_protobuf)
    }

    /// What was taken, to be looked into.
    pub fn recorded(&self) -> Recorded {
        Recorded::of(self.shared.lock().taken.clone())
    }

    fn of<T>(&self, signal: Signal, mut of: impl FnMut(&Content) -> T) -> Vec<T> {
        let state = self.shared.lock();
        state.taken.iter().filter(|content| content.signal() == signal).map(&mut of).collect()
    }

    /// Waits until the condition holds, at most 30 seconds; tells whether it does. It is asked anew at every
    /// connection and every request.
    pub async fn until(&self, mut condition: impl FnMut(&Self) -> bool) -> bool {
        let mut changes = self.shared.changes.subscribe();
        // On the receiver's clock: that of the test may stand still.
        let mut limit = self.runtime.spawn(async { tokio::time::sleep(PATIENCE).await });
        loop {
            changes.mark_unchanged();
            if condition(self) {
                limit.abort();
                return true;
            }
            tokio::select! {
                _ = changes.changed() => {}
                _ = &mut limit => return condition(self),
            }
        }
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        drop(self.orders.take());
        if let Some(thread) = self.thread.take() {
            // It fails only if it panicked, which it has said.
            let _ = thread.join();
        }
    }
}

impl fmt::Debug for Receiver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receiver").field("http", &self.http).field("grpc", &self.grpc).finish_non_exhaustive()
    }
}
