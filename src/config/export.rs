//! Where one signal goes, and what decided it.

use super::env::VIEW;
use crate::{
    console::STDOUT,
    sender::{Destination, Remote, Signal},
};
use std::{fmt, time::Duration};

/// Said of what no variable decided.
pub(crate) const IN_CODE: &str = "set in code";

/// Where one signal goes. `Display` says it in words, with the variable that decided.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Export {
    /// All of them get everything, each with its own queue. Empty: the signal does not leave the process.
    pub destinations: Vec<Destination>,
    /// The longest wait for a batch; for metrics the time between two collections. `None`: the default,
    /// which is 200 ms (metrics: 5 s) when all destinations are local, else 5 s for spans, 1 s for log
    /// records, 60 s for metrics.
    pub schedule_delay: Option<Duration>,
    /// Spans or log records that may wait for their batch; more are dropped and counted. Default: 2048.
    pub max_queue: usize,
    /// Spans or log records of one request. Default: 512.
    pub max_batch: usize,
    /// What decided where the signal goes when it was read.
    pub(super) decided: Decided,
    /// The destinations that were not set in code, in words, each with what decided it.
    pub(super) known: Vec<(String, Decided)>,
    /// The variable that should have named one more, but cannot be understood.
    pub(super) unusable: Option<String>,
}

/// What decided where a signal goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Decided {
    Default,
    /// `NODE_IP`: the node's agent reads stdout.
    Agent,
    Variable(String),
    /// `THROUGHLINE_VIEW`: the collector in this program, or that of another program.
    View,
}

impl Export {
    /// To nowhere, so far.
    pub(super) fn new(decided: Decided) -> Self {
        Export {
            destinations: vec![],
            schedule_delay: None,
            max_queue: 2048,
            max_batch: 512,
            decided,
            known: vec![],
            unusable: None,
        }
    }

    /// To the destination of OTLP alone.
    pub(super) fn to(remote: Result<(Remote, Decided), String>) -> Self {
        let mut export = Export::new(match &remote {
            Ok((_, decided)) => decided.clone(),
            Err(variable) => Decided::Variable(variable.clone()),
        });
        export.add_remote(remote);
        export
    }

    /// Whether neither a variable nor code says where the signal goes.
    pub fn is_default(&self) -> bool {
        match &self.destinations[..] {
            [] => self.decided == Decided::Agent,
            all => all.iter().all(|destination| self.decided_for(destination) == Some(&Decided::Default)),
        }
    }

    /// The destination of OTLP, or the variable that should have named it.
    pub(super) fn add_remote(&mut self, remote: Result<(Remote, Decided), String>) {
        match remote {
            Ok((remote, decided)) => self.add(Destination::Remote(remote), decided),
            Err(variable) => self.unusable = Some(variable),
        }
    }

    /// The variable that names a destination in a way that cannot be understood; `None` if code decided anew.
    pub(crate) fn unusable(&self) -> Option<&str> {
        let known = self.known.iter().map(|(words, _)| words);
        let unchanged = self.destinations.iter().map(ToString::to_string).eq(known.cloned());
        self.unusable.as_deref().filter(|_| unchanged)
    }

    pub(super) fn add(&mut self, destination: Destination, decided: Decided) {
        self.known.push((destination.to_string(), decided));
        self.destinations.push(destination);
    }

    /// `None`: code.
    pub(crate) fn decided_for(&self, destination: &Destination) -> Option<&Decided> {
        let words = destination.to_string();
        self.known.iter().rfind(|(known, _)| *known == words).map(|(_, decided)| decided)
    }

    /// The variable that decided a destination, or `default`, or `set in code`; `None`: nobody has to.
    pub(crate) fn decider(&self, destination: &Destination) -> Option<String> {
        Some(match (destination, self.decided_for(destination)) {
            (_, Some(Decided::Variable(name))) => name.clone(),
            (Destination::Local(_), _) => return None,
            (_, Some(Decided::View)) => VIEW.name.into(),
            (_, Some(_)) => "default".into(),
            (_, None) => IN_CODE.into(),
        })
    }

    /// A destination, and in brackets what decided it.
    pub fn in_words(&self, destination: &Destination) -> String {
        match (destination, self.decided_for(destination)) {
            (_, Some(Decided::Variable(name))) => format!("{destination} ({name})"),
            (Destination::Local(_), _) => destination.to_string(),
            (_, Some(Decided::View)) => {
                format!("{destination} (THROUGHLINE_VIEW: the collector of another program)")
            }
            (_, Some(_)) => format!("{destination} (default)"),
            (_, None) => format!("{destination} ({IN_CODE})"),
        }
    }

    /// [`Export::schedule_delay`], or its default. Never zero.
    pub(crate) fn delay(&self, signal: Signal) -> Duration {
        // What reads OTLP/JSON from stdout is as far away as what reads it from a socket.
        let local = self.destinations.iter().all(|destination| match destination {
            Destination::Local(_) => destination.to_string() != STDOUT,
            Destination::Remote(_) => self.decided_for(destination) == Some(&Decided::View),
            Destination::Balanced(_) => false,
        });
        self.schedule_delay.filter(|delay| !delay.is_zero()).unwrap_or(match (signal, local) {
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
            f.write_str(&self.in_words(destination))?;
        }
        match &self.decided {
            _ if !self.destinations.is_empty() => Ok(()),
            _ if self.unusable.is_some() => {
                write!(f, "nowhere ({} cannot be understood)", self.unusable.as_deref().unwrap_or_default())
            }
            Decided::Agent => f.write_str("stdout only (NODE_IP: the agent of the node reads it)"),
            Decided::Variable(name) if self.known.is_empty() => write!(f, "nowhere ({name})"),
            _ => write!(f, "nowhere ({IN_CODE})"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Config;

    #[test]
    fn who_looks_on_waits_less_than_who_collects() {
        let delays = |exporter: &str| {
            let names = ["OTEL_TRACES_EXPORTER", "OTEL_METRICS_EXPORTER", "OTEL_LOGS_EXPORTER"];
            let config = Config::from_vars(names.map(|name| (name, exporter)));
            Signal::ALL.map(|signal| config.export(signal).delay(signal).as_millis())
        };
        assert_eq!(delays("console"), [200, 5_000, 200]);
        for exporter in ["otlp", "otlp/stdout", "otlp,console", "console,otlp/stdout"] {
            assert_eq!(delays(exporter), [5_000, 60_000, 1_000], "{exporter}");
        }
    }
}
