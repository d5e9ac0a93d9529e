//! Memory for requests on their way in: what is allocated for them is set aside before.

use crate::intake::Refusal;
use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering::Relaxed},
};

/// How much may be set aside at a time, and how much is.
pub(crate) struct Budget {
    limit: usize,
    set_aside: AtomicUsize,
}

impl Budget {
    pub(crate) fn new(limit: usize) -> Arc<Self> {
        Arc::new(Budget { limit, set_aside: AtomicUsize::new(0) })
    }

    /// Whether so much is there at this moment.
    pub(crate) fn has_room(&self, bytes: u64) -> bool {
        bytes <= self.limit.saturating_sub(self.set_aside.load(Relaxed)) as u64
    }

    /// Begins with nothing.
    pub(crate) fn reserve(self: &Arc<Self>) -> Reservation {
        Reservation { budget: Arc::clone(self), bytes: 0 }
    }
}

/// Memory that is set aside for one request; released on drop.
pub(crate) struct Reservation {
    budget: Arc<Budget>,
    bytes: usize,
}

impl Reservation {
    /// Sets more aside, or nothing when it would be too much: for this request alone, or together with others.
    pub(crate) fn grow(&mut self, bytes: usize) -> Result<(), Refusal> {
        let limit = self.budget.limit;
        let more = |set_aside: usize| set_aside.checked_add(bytes).filter(|sum| *sum <= limit);
        if more(self.bytes).is_none() {
            return Err(Refusal::TooLarge(format!(
                "the request takes more than {limit} bytes of memory; send less at a time"
            )));
        }
        match self.budget.set_aside.fetch_update(Relaxed, Relaxed, more) {
            Ok(_) => {
                self.bytes += bytes;
                Ok(())
            }
            Err(_) => Err(Refusal::Busy("too many requests are on their way in; come again".to_owned())),
        }
    }

    /// Gives some of it back.
    pub(crate) fn shrink(&mut self, bytes: usize) {
        let bytes = bytes.min(self.bytes);
        self.bytes -= bytes;
        self.budget.set_aside.fetch_sub(bytes, Relaxed);
    }

    /// Gives all of it back.
    pub(crate) fn release(&mut self) {
        self.shrink(self.bytes);
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        self.release();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_share_what_is_there_and_none_gets_more() {
        let budget = Budget::new(100);
        let (mut first, mut second) = (budget.reserve(), budget.reserve());
        assert_eq!(first.grow(60), Ok(()));
        assert!(matches!(second.grow(41), Err(Refusal::Busy(_))));
        assert_eq!(second.grow(40), Ok(()));
        assert!(budget.has_room(0) && !budget.has_room(1));
        assert!(matches!(first.grow(41), Err(Refusal::TooLarge(_))));
        assert!(matches!(first.grow(usize::MAX), Err(Refusal::TooLarge(_))));
        second.shrink(10);
        assert_eq!(first.grow(10), Ok(()));
        drop(second);
        assert_eq!(first.grow(30), Ok(()));
        drop(first);
        assert_eq!(budget.set_aside.load(Relaxed), 0);
    }
}
