//! A wait for what must come.

use std::{
    thread::sleep,
    time::{Duration, Instant},
};

/// Far longer than anything takes that is waited for.
const LIMIT: Duration = Duration::from_secs(60);

/// Waits until there is something; what is missing is said as it is in the end.
pub(crate) fn until<T>(mut found: impl FnMut() -> Option<T>, missing: impl Fn() -> String) -> T {
    let deadline = Instant::now() + LIMIT;
    loop {
        if let Some(found) = found() {
            return found;
        }
        assert!(Instant::now() < deadline, "{}", missing());
        sleep(Duration::from_millis(5));
    }
}
