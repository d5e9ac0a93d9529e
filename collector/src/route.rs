//! Which pipelines a request takes, by its signal and where it came from.

use crate::{
    Error,
    forward::Forward,
    plan::{Plan, Source},
    process::{Asked, Client, Failure, Process},
};
use throughline_sender::Signal;

/// The pipelines of all signals.
pub(crate) struct Routes {
    /// By their numbers.
    sources: Vec<String>,
    /// In the order of [`Signal::ALL`].
    lanes: [Vec<Lane>; 3],
    /// By all of them.
    asked: Asked,
}

/// A pipeline, ready to be used.
pub(crate) struct Lane {
    sources: Option<Vec<Source>>,
    process: Process,
    /// Where it ends: numbers of senders of its signal.
    pub(crate) ways: Vec<usize>,
}

impl Routes {
    pub(crate) fn new(plan: Plan, forward: &Forward) -> Result<Self, Error> {
        let (mut lanes, mut asked): ([Vec<Lane>; 3], Asked) = Default::default();
        for lane in &plan.lanes {
            lanes[lane.signal as usize].push(Lane {
                sources: lane.sources.clone(),
                process: Process::new(&lane.processors, &mut asked)?,
                ways: lane.exits.iter().flat_map(|exit| forward.ways_of(lane.signal, *exit)).collect(),
            });
        }
        Ok(Routes { sources: plan.sources, lanes, asked })
    }

    /// Those that take what comes from there.
    pub(crate) fn lanes(&self, signal: Signal, source: Source) -> impl Iterator<Item = &Lane> {
        let takes = move |lane: &&Lane| lane.sources.as_ref().is_none_or(|known| known.contains(&source));
        self.lanes[signal as usize].iter().filter(takes)
    }

    /// What processors ask of who sends.
    pub(crate) fn asked(&self) -> &Asked {
        &self.asked
    }

    /// The source of this name; the plan has those of all ports.
    pub(crate) fn source(&self, name: &str) -> Source {
        Source::named(&self.sources, name).unwrap_or(Source::OTLP)
    }
}

impl Lane {
    /// Whether it may change a request.
    pub(crate) fn changes(&self, signal: Signal) -> bool {
        !self.process.is_empty(signal)
    }

    /// The request of this client with all changes, of at most so many bytes; `None` if nothing changes.
    pub(crate) fn changed(
        &self,
        signal: Signal,
        body: &[u8],
        client: &Client,
        most: usize,
    ) -> Result<Option<Vec<u8>>, Failure> {
        if self.changes(signal) { self.process.apply(signal, body, client, most) } else { Ok(None) }
    }
}
