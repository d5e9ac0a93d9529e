//! What a collector listens on, how much it keeps and where it sends.

mod pipeline; // what comes from where goes which way
mod receive; // from whom, and how

pub use pipeline::{Exit, Pipeline, Port, Way};
pub use receive::{Cors, Receive, Tls};

use crate::{Error, Processor, Token, debug, file, filelog, keep};
use std::{
    net::{Ipv4Addr, SocketAddr},
    time::Duration,
};
use throughline_sender::{Batch, Destination, Disk, Signal, Until};

/// One mebibyte, in bytes.
const MIB: usize = 1024 * 1024;

/// What a collector listens on, how much it keeps and where it sends: plain data.
///
/// ```
/// let mut config = throughline_collector::Config::default();
/// config.grpc = None; // no gRPC port
/// config.max_bytes = 16 * 1024 * 1024;
/// assert_eq!(config.view.unwrap().port(), 4319);
/// ```
#[non_exhaustive]
#[derive(Clone, Debug)]
pub struct Config {
    /// Where OTLP/gRPC is taken; `None`: nowhere; port 0: any free port. Default: 127.0.0.1:4317 (O-050, O-070).
    pub grpc: Option<SocketAddr>,
    /// Where OTLP/HTTP is taken; `None`: nowhere; port 0: any free port. Default: 127.0.0.1:4318 (O-060, O-070).
    pub http: Option<SocketAddr>,
    /// Where the view is; `None`: nowhere; port 0: any free port. An address that other machines reach needs a
    /// [token](Self::view_token). Default: 127.0.0.1:4319.
    pub view: Option<SocketAddr>,
    /// What somebody has to show who looks at the view. It goes over the network as it is: the view has no TLS of its own.
    /// Default: `None`, nothing.
    pub view_token: Option<Token>,
    /// Where it answers `GET /` with 200 while it takes telemetry and 503 while it stops, for the probes of Kubernetes, and
    /// `GET /metrics` with its own counters, for Prometheus; `None`: nowhere. Default: nowhere.
    pub health: Option<SocketAddr>,
    /// Where Prometheus fetches the newest point of each series that is kept, at `/metrics`, without being asked who it is;
    /// `None`: nowhere; port 0: any free port (B-071). Default: nowhere.
    pub prometheus: Option<SocketAddr>,
    /// How old the newest point of a series may be on that page, by the time that the point says. Default: 5 min.
    pub metric_expiration: Duration,
    /// How many bytes are kept, request bodies and index together; the oldest requests leave first, of the signal
    /// that is furthest over its share: half for spans, a quarter for measurements and log records. Zero:
    /// nothing is kept, only sent on. Default: 64 MiB.
    pub max_bytes: usize,
    /// Where what is kept is also on disk, so that it is there after the next start. Default: `None`, in memory only.
    pub keep: Option<keep::Options>,
    /// How many traces are kept; those leave first of which nothing came for the longest time. Those known from log
    /// records only count as well. Default: 10,000.
    pub max_traces: usize,
    /// The largest request, before and after decompression (O-054, O-065). Default: 64 MiB.
    pub max_request_bytes: usize,
    /// How long a client may take to send the headers of a request, again to send its body, and again to read the
    /// answer; and how long a connection may be without a request (O-072). Default: 30 s.
    pub request_timeout: Duration,
    /// Who may send, and how it is kept from others on the way.
    pub receive: Receive,
    /// Bytes of request bodies in memory, in the store and in all queues together, each counted once; with so many, what
    /// comes is sent away before it is read (B-068). `None`: the other bounds are enough. Default: `None`.
    pub max_memory: Option<usize>,
    /// What is changed in everything that is taken, in this order. Default: nothing.
    pub processors: Vec<Processor>,
    /// Where everything goes on to. Default: nowhere.
    pub destinations: Destinations,
    /// Shows everything on stdout (B-070). Default: `None`, nothing.
    pub debug: Option<debug::Options>,
    /// Writes everything to a file. Default: `None`, to none.
    pub file: Option<file::Options>,
    /// Where OTLP is taken besides.
    pub ports: Vec<Port>,
    /// Files that are read: their lines become log records. Default: none.
    pub file_logs: Vec<filelog::Options>,
    /// Where pipelines may end.
    pub exits: Vec<Exit>,
    /// What comes from where goes which way. Default: none, everything goes the way that the fields above say. If there are
    /// some, that way is one more of them if it leads anywhere.
    pub pipelines: Vec<Pipeline>,
    /// How much of what waits for a destination is sent as one request.
    pub batch: Batch,
    /// Bytes of requests that wait in memory for one destination, of each signal. Default: 64 MiB.
    pub queue_bytes: usize,
    /// Where requests wait that cannot be sent for now; they outlive the process. Its bytes are for all destinations
    /// together. Default: `None`, they wait in memory.
    pub disk: Option<Disk>,
    /// How far a request must be until it is acknowledged: in the queue of every destination (the default), on disk
    /// there, or delivered. Whoever waits for longer than [`request_timeout`](Self::request_timeout) is told to come again.
    /// What comes through the [`inlet`](crate::Collector::inlet) never waits.
    pub acknowledge: Until,
    /// What becomes of a request when the queue of a destination is full, but not of all. Default:
    /// [`Overflow::DropAfter`] 10 s.
    pub overflow: Overflow,
}

/// Where each signal goes on to. All destinations of a signal get everything, each with a queue of its own.
#[derive(Clone, Debug, Default)]
pub struct Destinations {
    /// Where spans go.
    pub traces: Vec<Destination>,
    /// Where measurements go.
    pub metrics: Vec<Destination>,
    /// Where log records go.
    pub logs: Vec<Destination>,
}

impl Destinations {
    /// Those of one signal.
    pub fn of(&self, signal: Signal) -> &[Destination] {
        match signal {
            Signal::Traces => &self.traces,
            Signal::Metrics => &self.metrics,
            Signal::Logs => &self.logs,
        }
    }

    /// Adds one for a signal.
    pub fn add(&mut self, signal: Signal, destination: Destination) {
        match signal {
            Signal::Traces => &mut self.traces,
            Signal::Metrics => &mut self.metrics,
            Signal::Logs => &mut self.logs,
        }
        .push(destination);
    }

    /// Whether nothing goes anywhere.
    pub fn is_empty(&self) -> bool {
        Signal::ALL.into_iter().all(|signal| self.of(signal).is_empty())
    }
}

/// What becomes of a request when the queue of one of its destinations is full, but not of all.
///
/// A request that is acknowledged when it is on disk or delivered ([`Config::acknowledge`]) is always refused: the answer is for
/// every destination. Whatever is dropped is counted, and the answer to the request says for which destination, as the warning
/// of a partial success (O-053).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Overflow {
    /// It is refused, and whoever sent it comes again: nothing acknowledged is lost, and a destination that is away for
    /// longer than its queue lasts holds up the others.
    Refuse,
    /// It goes where there is room, and is dropped where there is none.
    Drop,
    /// It is refused; by a destination whose queue has been full for so long nobody is held up any more, and what comes is
    /// dropped for it (O-039). A slow destination slows all down, one that is away does not. The default, with 10 s.
    DropAfter(Duration),
}

impl Default for Overflow {
    fn default() -> Self {
        Overflow::DropAfter(Duration::from_secs(10))
    }
}

impl Default for Config {
    fn default() -> Self {
        let loopback = |port| Some(SocketAddr::from((Ipv4Addr::LOCALHOST, port)));
        Config {
            grpc: loopback(4317),
            http: loopback(4318),
            view: loopback(4319),
            view_token: None,
            health: None,
            prometheus: None,
            metric_expiration: Duration::from_secs(300),
            max_bytes: 64 * MIB,
            keep: None,
            max_traces: 10_000,
            max_request_bytes: 64 * MIB,
            request_timeout: Duration::from_secs(30),
            max_memory: None,
            processors: Vec::new(),
            destinations: Destinations::default(),
            debug: None,
            file: None,
            ports: Vec::new(),
            file_logs: Vec::new(),
            exits: Vec::new(),
            pipelines: Vec::new(),
            batch: Batch::default(),
            queue_bytes: 64 * MIB,
            disk: None,
            acknowledge: Until::Queued,
            overflow: Overflow::default(),
            receive: Receive::default(),
        }
    }
}

impl Config {
    /// Whether anything of what comes goes anywhere, besides being kept.
    pub fn goes_on(&self) -> bool {
        self.everything_goes_on() || self.pipelines.iter().any(|pipeline| !pipeline.exits.is_empty())
    }

    /// Whether it does so without a pipeline that is named.
    pub(crate) fn everything_goes_on(&self) -> bool {
        !self.destinations.is_empty() || self.debug.is_some() || self.file.is_some()
    }

    /// Nothing could be taken within a bound of zero.
    pub(crate) fn check(&self) -> Result<(), Error> {
        let bounds = [
            ("max_bytes", self.max_bytes == 0 && !self.goes_on()),
            ("metric_expiration", self.metric_expiration.is_zero()),
            ("max_traces", self.max_traces == 0),
            ("max_request_bytes", self.max_request_bytes == 0),
            ("request_timeout", self.request_timeout.is_zero()),
            ("max_memory", self.max_memory == Some(0)),
            ("queue_bytes", self.queue_bytes == 0),
            ("batch", is_nothing(&self.batch)),
            ("max_request_bytes", self.receives().any(|receive| receive.max_request_bytes == Some(0))),
            ("max_requests", self.receives().any(|receive| receive.max_requests == 0)),
            ("queue_bytes of an exit", self.exits.iter().any(|exit| exit.queue_bytes == Some(0))),
            ("disk.bytes", self.disks().any(|disk| disk.bytes == 0)),
            ("keep.bytes", self.keep.as_ref().is_some_and(|keep| keep.bytes == 0)),
            ("batch of an exit", self.exits.iter().filter_map(|exit| exit.batch.as_ref()).any(is_nothing)),
        ];
        match bounds.into_iter().find(|(_, is_zero)| *is_zero) {
            Some((name, _)) => Err(Error::zero(name)),
            None if self.prometheus.is_some() && self.max_bytes == 0 => Err(Error::nothing_kept()),
            None if self.keep.is_some() && self.max_bytes == 0 => Err(Error::nothing_kept()),
            None if self.acknowledge == Until::OnDisk && self.disk.is_none() => Err(Error::no_disk()),
            None => Ok(()),
        }
    }

    fn disks(&self) -> impl Iterator<Item = &Disk> {
        self.exits.iter().filter_map(|exit| exit.disk.as_ref()).chain(&self.disk)
    }

    fn receives(&self) -> impl Iterator<Item = &Receive> {
        self.ports.iter().map(|port| &port.receive).chain([&self.receive])
    }
}

fn is_nothing(batch: &Batch) -> bool {
    batch.items == 0 || batch.bytes == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    // O-050, O-060, O-070
    #[test]
    fn the_ports_are_those_of_otlp_and_of_this_machine_only() {
        let Config { grpc, http, view, receive, .. } = Config::default();
        let addresses = [grpc, http, view].map(|address| address.unwrap().to_string());
        assert_eq!(addresses, ["127.0.0.1:4317", "127.0.0.1:4318", "127.0.0.1:4319"]);
        assert!(receive.tls.is_none() && receive.credentials.is_empty() && receive.cors.is_none());
    }
}
