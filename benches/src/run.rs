//! One peer with one kind of caller: in this process, since a process has its globals once.

use std::{collections::BTreeMap, error::Error, fmt, time::Instant};

use crate::{
    allocations,
    load::{Load, Parent},
    peers::{self, Peer},
    providers::{Providers, Recorded},
};

/// Enough for every cache, map and thread-local to be there. With the requests measured it stays below the
/// 2,048 spans that the SDK queues, so that none is dropped, which would be cheaper.
const WARM_UP: usize = 200;
pub const COUNTED: usize = 1_000;

#[derive(Clone, Copy)]
pub struct Run {
    pub peer: &'static Peer,
    pub parent: Parent,
}

impl fmt::Display for Run {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}-{}", self.peer.name, self.parent.name())
    }
}

impl std::str::FromStr for Run {
    type Err = Box<dyn Error>;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let names = text.rsplit_once('-');
        let run = names.and_then(|(peer, parent)| {
            let parent = Parent::ALL.into_iter().find(|known| known.name() == parent)?;
            Some(Self { peer: peers::find(peer)?, parent })
        });
        run.ok_or_else(|| {
            let parents = Parent::ALL.map(Parent::name).join(", ");
            format!("{text:?} is not a run; use a peer of `benches/run list`, a hyphen and one of {parents}")
                .into()
        })
    }
}

impl Run {
    /// Makes so many requests after the warm-up, for somebody who counts from outside.
    pub fn drive(self, requests: usize) -> Result<(), Box<dyn Error>> {
        let mut stage = Stage::new(self);
        stage.make(WARM_UP + requests);
        stage.finish()
    }

    /// How many allocations a request makes.
    pub fn allocations(self) -> Result<f64, Box<dyn Error>> {
        let mut stage = Stage::new(self);
        stage.make(WARM_UP);
        let before = allocations::total();
        stage.make(COUNTED);
        let count = allocations::total() - before;
        stage.finish()?;
        Ok(count as f64 / COUNTED as f64)
    }

    /// How many nanoseconds a request takes at best.
    pub fn nanoseconds(self) -> Result<f64, Box<dyn Error>> {
        const BATCHES: usize = 400;
        // Less than the 512 spans that wake the exporter.
        const REQUESTS: usize = 250;
        let mut stage = Stage::new(self);
        let mut best = f64::INFINITY;
        for _ in 0..BATCHES {
            let start = Instant::now();
            stage.make(REQUESTS);
            best = best.min(start.elapsed().as_nanos() as f64 / REQUESTS as f64);
            stage.providers.flush()?;
        }
        stage.finish()?;
        Ok(best)
    }

    /// Where one request allocates, and how many bytes.
    pub fn sites(self) -> Result<BTreeMap<Vec<String>, Vec<usize>>, Box<dyn Error>> {
        let mut stage = Stage::new(self);
        stage.make(WARM_UP);
        let sites = allocations::sites(|| stage.make(1));
        stage.finish()?;
        Ok(sites)
    }
}

/// A peer at work, and what it has to have recorded in the end.
struct Stage {
    run: Run,
    providers: Providers,
    load: Load,
    requests: usize,
}

impl Stage {
    fn new(run: Run) -> Self {
        let providers = Providers::new();
        let load = (run.peer.load)(&providers);
        Self { run, providers, load, requests: 0 }
    }

    fn make(&mut self, requests: usize) {
        (self.load)(self.run.parent, requests);
        self.requests += requests;
    }

    /// A peer that records less than it is listed with would be cheap for the wrong reason.
    fn finish(self) -> Result<(), Box<dyn Error>> {
        let Run { peer, parent } = self.run;
        let when = |records: bool| if records { self.requests } else { 0 };
        let expected = Recorded {
            spans: when(peer.spans && parent != Parent::Unsampled),
            continued: when(peer.spans && matches!(parent, Parent::Sampled | Parent::Random)),
            durations: when(peer.durations),
        };
        let recorded = self.providers.finish()?;
        if recorded != expected {
            return Err(format!("{}: {recorded:?}, but {expected:?} was expected", self.run).into());
        }
        Ok(())
    }
}
