//! One peer with one kind of caller: in this process, since a process has its globals once.

use std::{collections::BTreeMap, error::Error, fmt, time::Instant};

use crate::{
    allocations,
    load::Parent,
    peers::{self, Peer, Signals, Stage},
    providers::Recorded,
};

/// Enough for every cache, map and thread-local to be there. With the requests measured it stays below the
/// 2,048 spans that the SDK queues, so that none is dropped, which would be cheaper.
const WARM_UP: usize = 200;
pub const COUNTED: usize = 1_000;

/// Less than the 512 spans that wake the exporter.
pub const BATCH: usize = 250;

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
    /// Makes so many requests after the warm-up, a multiple of [`BATCH`], for somebody who counts from outside.
    pub fn drive(self, requests: usize) -> Result<(), Box<dyn Error>> {
        let mut work = Work::begin(self);
        work.make(WARM_UP);
        for _ in 0..requests / BATCH {
            work.make(BATCH);
            // So that the exporter's thread always meets the same memory.
            work.stage.recording.flush()?;
        }
        work.finish()
    }

    /// How many allocations a request makes.
    pub fn allocations(self) -> Result<f64, Box<dyn Error>> {
        let mut work = Work::begin(self);
        work.make(WARM_UP);
        let before = allocations::total();
        work.make(COUNTED);
        let count = allocations::total() - before;
        work.finish()?;
        Ok(count as f64 / COUNTED as f64)
    }

    /// How many nanoseconds a request takes at best.
    pub fn nanoseconds(self) -> Result<f64, Box<dyn Error>> {
        const BATCHES: usize = 400;
        let mut work = Work::begin(self);
        let mut best = f64::INFINITY;
        for _ in 0..BATCHES {
            let start = Instant::now();
            work.make(BATCH);
            best = best.min(start.elapsed().as_nanos() as f64 / BATCH as f64);
            work.stage.recording.flush()?;
        }
        work.finish()?;
        Ok(best)
    }

    /// Where one request allocates, and how many bytes.
    pub fn sites(self) -> Result<BTreeMap<Vec<String>, Vec<usize>>, Box<dyn Error>> {
        let mut work = Work::begin(self);
        work.make(WARM_UP);
        let sites = allocations::sites(|| work.make(1));
        work.finish()?;
        Ok(sites)
    }
}

/// A peer at work, and how many requests it has had.
struct Work {
    run: Run,
    stage: Stage,
    requests: usize,
}

impl Work {
    fn begin(run: Run) -> Self {
        Self { run, stage: (run.peer.stage)(), requests: 0 }
    }

    fn make(&mut self, requests: usize) {
        (self.stage.load)(self.run.parent, requests);
        self.requests += requests;
    }

    /// A peer that records less than it is listed with would be cheap for the wrong reason.
    fn finish(self) -> Result<(), Box<dyn Error>> {
        let Run { peer, parent } = self.run;
        let when = |records: bool| if records { self.requests } else { 0 };
        let has_spans = matches!(peer.signals, Signals::Spans | Signals::Both) && parent != Parent::Unsampled;
        let expected = Recorded {
            spans: when(has_spans),
            continued: when(has_spans && parent != Parent::Absent),
            durations: when(matches!(peer.signals, Signals::Both | Signals::Metrics | Signals::Exemplars)),
            lines: when(matches!(peer.signals, Signals::Lines | Signals::Pages)),
            exemplars: peer.signals == Signals::Exemplars
                && matches!(parent, Parent::Sampled | Parent::Random),
        };
        let recorded = self.stage.recording.finish()?;
        if recorded != expected {
            return Err(format!("{}: {recorded:?}, but {expected:?} was expected", self.run).into());
        }
        Ok(())
    }
}
