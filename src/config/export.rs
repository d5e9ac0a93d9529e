//! Where one signal goes, and what decided it.

use crate::sender::{Destination, Signal};
use std::{fmt, time::Duration};

/// Where one signal goes. `Display` says it in words, with the variable that decided.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Export {
    /// All of them get everything, each with its own queue. Empty: the signal does not leave the process.
    pub destinations: Vec<Destination>,
    /// The longest wait for a batch; for metrics the time between two collections. `None`: the default,
    /// which is 200 ms (metrics: 5 s) when a destination is local, else 5 s for spans, 1 s for log
    /// records, 60 s for metrics.
    pub schedule_delay: Option<Duration>,
    /// Spans or log records that may wait for their batch; more are dropped and counted. Default: 2048.
    pub max_queue: usize,
    /// Spans or log records of one request. Default: 512.
    pub max_batch: usize,
    pub(crate) decided: Decided,
}

/// What decided where a signal goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Decided {
    Default,
    /// `NODE_IP`: the node's agent reads stdout.
    Agent,
    Variable(String),
}

impl Export {
    /// Whether no variable says where the signal goes.
    pub fn is_default(&self) -> bool {
        matches!(self.decided, Decided::Default | Decided::Agent)
    }

    /// [`Export::schedule_delay`], or its default.
    pub(crate) fn delay(&self, signal: Signal) -> Duration {
        let local = self.destinations.iter().any(|destination| matches!(destination, Destination::Local(_)));
        self.schedule_delay.unwrap_or(match (signal, local) {
            (Signal::Metrics, true) => Duration::from_secs(5),
            (_, true) => Duration::from_millis(200),
            (Signal::Traces, false) => Duration::from_secs(5),
            (Signal::Logs, false) => Duration::from_secs(1),
            (Signal::Metrics, false) => Duration::from_secs(60),
        })
    }
}

impl fmt::Display for Export {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, destination) in self.destinations.iter().enumerate() {
            if index > 0 {
                f.write_str(" and ")?;
            }
            match (destination, &self.decided) {
                (Destination::Remote(_), Decided::Variable(name)) => write!(f, "{destination} ({name})")?,
                (Destination::Remote(_), _) => write!(f, "{destination} (default)")?,
                (Destination::Local(_), _) => write!(f, "{destination}")?,
            }
        }
        match &self.decided {
            _ if !self.destinations.is_empty() => Ok(()),
            Decided::Agent => f.write_str("stdout only (NODE_IP: the agent of the node reads it)"),
            Decided::Variable(name) => write!(f, "nowhere ({name})"),
            Decided::Default => f.write_str("nowhere"),
        }
    }
}
