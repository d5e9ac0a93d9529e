//! The line under way: one buffer for each thread, used again and again.

use super::clock::Clock;
use opentelemetry::Context;
use std::cell::Cell;

/// A buffer that grew beyond this many bytes for one line is given back.
const KEPT: usize = 64 << 10;

/// The bytes of a line, and the names in it that must not come twice; `true`: of an error's causes.
#[derive(Default)]
pub(super) struct Line {
    pub(super) bytes: Vec<u8>,
    pub(super) names: Vec<(&'static str, bool)>,
    pub(super) clock: Clock,
}

thread_local! {
    static LINE: Cell<Option<Line>> = {
        // The context of this thread, made before this, outlives it: see `is_ending`.
        Context::map_current(|_| ());
        Cell::default()
    };
}

/// Makes a line. What is logged meanwhile, by the `Debug` of a value or by a panic in it, has a line of its own.
pub(super) fn make(write: impl FnOnce(&mut Line)) {
    let mut line = LINE.try_with(Cell::take).ok().flatten().unwrap_or_default();
    write(&mut line);
    if line.bytes.capacity() <= KEPT {
        line.bytes.clear();
        line.names.clear();
        // At the end of the thread there is no place any more.
        let _ = LINE.try_with(|kept| kept.set(Some(line)));
    }
}

/// Whether the thread's own values are being dropped. The active context may be gone then, and to ask for it
/// would panic.
pub(super) fn is_ending() -> bool {
    LINE.try_with(|_| ()).is_err()
}
