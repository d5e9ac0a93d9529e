//! How long a connection may do nothing, and how long an answer may take to be written.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::time::{Instant, sleep_until};

/// What goes on on one connection.
#[derive(Clone)]
pub(crate) struct Patience {
    limit: Duration,
    state: Arc<Mutex<State>>,
}

struct State {
    /// The requests by their numbers: until when the answer has to be written, once there is one.
    requests: BTreeMap<u64, Option<Instant>>,
    next: u64,
    /// Since when there is no request.
    idle: Instant,
}

impl Patience {
    pub(crate) fn new(limit: Duration) -> Self {
        let state = State { requests: BTreeMap::new(), next: 0, idle: Instant::now() };
        Patience { limit, state: Arc::new(Mutex::new(state)) }
    }

    /// A request began.
    pub(crate) fn begin(&self) -> Answering {
        let mut state = self.state();
        let number = state.next;
        state.next += 1;
        state.requests.insert(number, None);
        Answering { patience: self.clone(), number }
    }

    /// Waits until there was no request for the limit, or an answer was not written within it.
    pub(crate) async fn ends(&self) {
        loop {
            let now = Instant::now();
            let deadline = {
                let state = self.state();
                match state.requests.is_empty() {
                    true => Some(state.idle + self.limit),
                    false => state.requests.values().flatten().min().copied(),
                }
            };
            if deadline.is_some_and(|deadline| deadline <= now) {
                return;
            }
            // Whatever begins meanwhile has its own deadline later than that.
            sleep_until(deadline.unwrap_or(now + self.limit)).await;
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A request that is not through. Ends when dropped.
pub(crate) struct Answering {
    patience: Patience,
    number: u64,
}

impl Answering {
    /// The answer is there; from now on its time runs.
    pub(crate) fn answered(&self) {
        let deadline = Instant::now() + self.patience.limit;
        self.patience.state().requests.insert(self.number, Some(deadline));
    }
}

impl Drop for Answering {
    fn drop(&mut self) {
        let mut state = self.patience.state();
        state.requests.remove(&self.number);
        state.idle = Instant::now();
    }
}
