//! What one callback observed the last time it was called.

use super::lock;
use opentelemetry::{
    KeyValue,
    metrics::{AsyncInstrument, Callback},
};
use std::{
    any::Any,
    mem,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

/// A callback that observes more at a time has lost its way: the SDK would put nearly all of it in one series.
const MOST_OBSERVATIONS: usize = 65_536;
/// So much of the words of a panic is told.
const MOST_WORDS: usize = 200;

/// A callback, whatever its type, that is called turn by turn.
pub(super) trait Turn: Send + Sync {
    /// Whether it can be called: it is not still under way.
    fn rests(&self) -> bool;

    /// Calls it, and keeps what it observed unless it was left meanwhile.
    fn call(&self) -> Outcome;

    /// Waits no longer for it.
    fn leave(&self, patience: Duration) -> Outcome;
}

/// What came of a call.
#[derive(Default)]
pub(super) struct Outcome {
    /// As `error.type`.
    pub(super) error: Option<&'static str>,
    /// What is to be said.
    pub(super) words: Option<String>,
}

/// A callback and what it observed.
pub(super) struct Observed<T> {
    /// For whoever has to find it.
    instrument: String,
    callback: Callback<T>,
    state: Mutex<State<T>>,
    is_told: AtomicBool,
}

struct State<T> {
    stage: Stage,
    observations: Vec<Observation<T>>,
}

#[derive(PartialEq)]
enum Stage {
    Rests,
    Runs,
    /// It still runs, and nobody waits for it.
    Left,
}

type Observation<T> = (T, Vec<KeyValue>);

impl<T> Observed<T> {
    pub(super) fn new(instrument: String, callback: Callback<T>) -> Self {
        let state = Mutex::new(State { stage: Stage::Rests, observations: Vec::new() });
        Observed { instrument, callback, state, is_told: AtomicBool::new(false) }
    }

    /// Once for a callback, whatever else it does.
    fn failed(&self, error: Option<&'static str>, what: &str) -> Outcome {
        let is_new = !self.is_told.swap(true, Ordering::Relaxed);
        let words = is_new.then(|| format!("metrics: the callback of {:?} {what}", self.instrument));
        Outcome { error, words }
    }
}

impl<T: Copy> Observed<T> {
    /// Observes it all again, for the SDK.
    pub(super) fn repeat(&self, to: &dyn AsyncInstrument<T>) {
        for (value, attributes) in &lock(&self.state).observations {
            to.observe(*value, attributes);
        }
    }
}

impl<T: Send> Turn for Observed<T> {
    fn rests(&self) -> bool {
        lock(&self.state).stage == Stage::Rests
    }

    fn call(&self) -> Outcome {
        lock(&self.state).stage = Stage::Runs;
        let heard = Heard(Mutex::default());
        let result = catch_unwind(AssertUnwindSafe(|| (self.callback)(&heard)));
        let observations = mem::take(&mut *lock(&heard.0));
        let (is_whole, is_bounded) = (result.is_ok(), observations.len() < MOST_OBSERVATIONS);
        let mut state = lock(&self.state);
        let is_left = mem::replace(&mut state.stage, Stage::Rests) == Stage::Left;
        state.observations = if is_whole && !is_left { observations } else { Vec::new() };
        drop(state);
        match result {
            Err(panic) => {
                let what = format!("panicked{}: what it measures is missing", words(&*panic));
                self.failed(Some("panic"), &what)
            }
            Ok(()) if !is_bounded => {
                let what = format!("observed more than {MOST_OBSERVATIONS} series: the rest is missing");
                self.failed(None, &what)
            }
            Ok(()) => Outcome::default(),
        }
    }

    fn leave(&self, patience: Duration) -> Outcome {
        let mut state = lock(&self.state);
        if state.stage != Stage::Runs {
            // It came back at this moment.
            return Outcome::default();
        }
        state.stage = Stage::Left;
        state.observations.clear();
        drop(state);
        let waited = Duration::from_millis(patience.as_micros().div_ceil(1_000) as u64);
        let waited = humantime::format_duration(waited);
        let what = format!("has not come back within {waited}: what it measures is missing until it has");
        self.failed(Some("timeout"), &what)
    }
}

struct Heard<T>(Mutex<Vec<Observation<T>>>);

impl<T: Send> AsyncInstrument<T> for Heard<T> {
    fn observe(&self, value: T, attributes: &[KeyValue]) {
        let mut observations = lock(&self.0);
        if observations.len() < MOST_OBSERVATIONS {
            observations.push((value, attributes.to_vec()));
        }
    }
}

/// What a panic says, in brackets.
fn words(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    text.map_or(String::new(), |text| {
        let text: String = text.chars().take(MOST_WORDS).collect();
        format!(" ({text:?})")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{sync::mpsc, thread};

    fn told(observed: &Observed<u64>) -> Vec<Observation<u64>> {
        let heard = Heard(Mutex::default());
        observed.repeat(&heard);
        heard.0.into_inner().unwrap()
    }

    #[test]
    fn what_is_observed_before_or_after_nobody_waits_is_not_told_later() {
        let (entered, is_entered) = mpsc::channel();
        let (release, released) = mpsc::channel();
        let released = Mutex::new(released);
        let callback: Callback<u64> = Box::new(move |to| {
            entered.send(()).unwrap();
            to.observe(lock(&released).recv().unwrap(), &[]);
        });
        let observed = Observed::new("level".into(), callback);
        release.send(1).unwrap();
        observed.call();
        is_entered.recv().unwrap();
        assert_eq!(told(&observed), [(1, vec![])]);
        let (left, meanwhile) = thread::scope(|scope| {
            scope.spawn(|| observed.call());
            is_entered.recv().unwrap();
            let left = observed.leave(Duration::from_secs(1));
            let meanwhile = (told(&observed), observed.rests());
            release.send(2).unwrap();
            (left, meanwhile)
        });
        assert_eq!((left.error, meanwhile), (Some("timeout"), (vec![], false)));
        assert_eq!((told(&observed), observed.rests()), (vec![], true));
        release.send(3).unwrap();
        observed.call();
        assert_eq!(told(&observed), [(3, vec![])]);
    }
}
