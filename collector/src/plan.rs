//! What goes which way: the pipelines of a configuration, with numbers instead of names.

use crate::{Config, Error, Exit, Pipeline, Processor, Way};
use throughline_sender::{Destination, Signal};

/// Where something came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Source(usize);

impl Source {
    /// The ports that every collector has, and its inlet.
    pub(crate) const OTLP: Source = Source(0);

    /// The one of this name.
    pub(crate) fn named(sources: &[String], name: &str) -> Option<Source> {
        sources.iter().position(|source| source == name).map(Source)
    }
}

/// All pipelines.
pub(crate) struct Plan {
    /// Their names, by number.
    pub(crate) sources: Vec<String>,
    pub(crate) exits: Vec<Exit>,
    pub(crate) lanes: Vec<Lane>,
}

/// One of them.
pub(crate) struct Lane {
    pub(crate) signal: Signal,
    /// `None`: from anywhere.
    pub(crate) sources: Option<Vec<Source>>,
    pub(crate) processors: Vec<Processor>,
    /// Their places among the exits of the plan.
    pub(crate) exits: Vec<usize>,
}

impl Plan {
    /// What the configuration says of everything that comes is a pipeline of each signal, too: the only one, unless others
    /// are named.
    pub(crate) fn of(config: &Config) -> Result<Plan, Error> {
        let mut plan = Plan { sources: sources(config), exits: config.exits.clone(), lanes: Vec::new() };
        for (at, exit) in plan.exits.iter().enumerate() {
            if plan.exits[..at].iter().any(|other| other.name == exit.name) {
                return Err(Error::plan(format!("two exits have the name {:?}", exit.name)));
            }
        }
        for pipeline in &config.pipelines {
            plan.lanes.push(plan.lane(pipeline)?);
        }
        if config.pipelines.is_empty() || config.everything_goes_on() {
            plan.add_of_everything(config);
        }
        Ok(plan)
    }

    /// The source of this name.
    pub(crate) fn source(&self, name: &str) -> Source {
        Source::named(&self.sources, name).unwrap_or(Source::OTLP)
    }

    /// Whether a pipeline of the signal ends at the exit in this place.
    pub(crate) fn leads(&self, signal: Signal, exit: usize) -> bool {
        self.lanes.iter().any(|lane| lane.signal == signal && lane.exits.contains(&exit))
    }

    /// How many ways lead over the network, one for each signal and destination.
    pub(crate) fn remotes(&self) -> usize {
        let of = |(place, exit): (usize, &Exit)| {
            let Way::Network(destinations) = &exit.way else { return 0 };
            let used = Signal::ALL.into_iter().filter(|signal| self.leads(*signal, place));
            let all = used.flat_map(|signal| destinations.of(signal));
            all.filter(|destination| !matches!(destination, Destination::Local(_))).count()
        };
        self.exits.iter().enumerate().map(of).sum()
    }

    fn lane(&self, pipeline: &Pipeline) -> Result<Lane, Error> {
        let signal = pipeline.signal;
        let unknown = |kind, name: &String| {
            Error::plan(format!(
                "a pipeline of {} names the {kind} {name:?}, which is not there",
                signal.name()
            ))
        };
        let source =
            |name: &String| Source::named(&self.sources, name).ok_or_else(|| unknown("source", name));
        let exit = |name: &String| {
            self.exits.iter().position(|exit| exit.name == *name).ok_or_else(|| unknown("exit", name))
        };
        Ok(Lane {
            signal,
            sources: Some(pipeline.sources.iter().map(source).collect::<Result<_, _>>()?),
            processors: pipeline.processors.clone(),
            exits: pipeline.exits.iter().map(exit).collect::<Result<_, _>>()?,
        })
    }

    fn add_of_everything(&mut self, config: &Config) {
        let first = self.exits.len();
        let named = |way| Exit::new(String::new(), way);
        self.exits.push(named(Way::Network(config.destinations.clone())));
        self.exits.extend(config.debug.map(Way::Terminal).map(named));
        self.exits.extend(config.file.clone().map(Way::File).map(named));
        for signal in Signal::ALL {
            let processors = config.processors.clone();
            self.lanes.push(Lane {
                signal,
                sources: None,
                processors,
                exits: (first..self.exits.len()).collect(),
            });
        }
    }
}

/// The names of all sources, without those that come twice.
fn sources(config: &Config) -> Vec<String> {
    let mut names = vec![Pipeline::OTLP.to_owned()];
    let ports = config.ports.iter().map(|port| &port.source);
    for name in ports.chain(config.file_logs.iter().map(|options| &options.name)) {
        if !names.contains(name) {
            names.push(name.clone());
        }
    }
    names
}
