//! Pipelines: what comes from where goes which way.

use super::{Destinations, Receive};
use crate::{Processor, debug, file};
use std::net::SocketAddr;
use throughline_sender::{Batch, Disk, Signal};

/// One way of one signal through a collector: plain data.
///
/// ```
/// use throughline_collector::{Action, Config, Exit, Pipeline, Processor, Value, Way};
/// use throughline_sender::Signal;
///
/// let mut config = Config::default();
/// config.exits.push(Exit::new("terminal", Way::Terminal(Default::default())));
/// config.pipelines.push(Pipeline {
///     sources: vec![Pipeline::OTLP.into()],
///     processors: vec![Processor::resource([Action::Delete("process.command_args".into())])],
///     exits: vec!["terminal".into()],
///     ..Pipeline::of(Signal::Traces)
/// });
/// ```
///
/// # Semantics
/// A request goes through every pipeline of its signal that names its source, and each changes what is its own: what one
/// of them does, the others do not see. It is taken by all of them, or refused. What no pipeline takes is refused for
/// good: 404, or `UNIMPLEMENTED`. The store keeps every request once, as the first of its pipelines changed it.
#[derive(Clone, Debug)]
pub struct Pipeline {
    /// Of what.
    pub signal: Signal,
    /// Where it comes from, by name: [`Pipeline::OTLP`], [`Port::source`]. Default: from nowhere.
    pub sources: Vec<String>,
    /// What is changed in it, one after the other. Those of other signals do nothing. Default: nothing.
    pub processors: Vec<Processor>,
    /// Where it goes, by [`Exit::name`]. Default: nowhere, it is only kept.
    pub exits: Vec<String>,
}

impl Pipeline {
    /// The source of what comes through [`Config::grpc`](super::Config::grpc), [`Config::http`](super::Config::http) and
    /// the [`inlet`](crate::Collector::inlet).
    pub const OTLP: &str = "otlp";

    /// An empty one.
    pub fn of(signal: Signal) -> Self {
        Pipeline { signal, sources: Vec::new(), processors: Vec::new(), exits: Vec::new() }
    }
}

/// A further port for OTLP, over gRPC and HTTP, with its own answer to who may send.
#[non_exhaustive]
#[derive(Clone, Debug)]
pub struct Port {
    /// What pipelines call that which comes through it. Several ports may be one source.
    pub source: String,
    /// Where it listens; port 0: any free port.
    pub address: SocketAddr,
    /// Who may send, and how it is kept from others on the way.
    pub receive: Receive,
}

impl Port {
    /// A port as [`Receive::default`] has it.
    pub fn new(source: impl Into<String>, address: SocketAddr) -> Self {
        Port { source: source.into(), address, receive: Receive::default() }
    }
}

/// A way out that pipelines share: each signal has one queue there, however many pipelines lead to it.
#[non_exhaustive]
#[derive(Clone, Debug)]
pub struct Exit {
    /// What pipelines call it.
    pub name: String,
    /// Where it leads.
    pub way: Way,
    /// Bytes of requests that wait in memory, of each signal. Default: [`Config::queue_bytes`](super::Config::queue_bytes).
    pub queue_bytes: Option<usize>,
    /// How much of what waits is sent as one request. Default: [`Config::batch`](super::Config::batch).
    pub batch: Option<Batch>,
    /// Where requests wait that cannot be sent for now; its bytes are for each signal and destination. Default: a share of
    /// [`Config::disk`](super::Config::disk).
    pub disk: Option<Disk>,
}

impl Exit {
    /// One with the queues that all have.
    pub fn new(name: impl Into<String>, way: Way) -> Self {
        Exit { name: name.into(), way, queue_bytes: None, batch: None, disk: None }
    }
}

/// Where an [`Exit`] leads.
#[derive(Clone, Debug)]
pub enum Way {
    /// To destinations, of each signal its own. None for a signal: what comes is let go.
    Network(Destinations),
    /// To stdout.
    Terminal(debug::Options),
    /// To a file.
    File(file::Options),
}
