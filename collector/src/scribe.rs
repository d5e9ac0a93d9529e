//! Hands requests to a thread that writes them, so that whoever brings one never waits for a file or a terminal.
//!
//! What waits is bounded in bytes. When writing fails, nothing more is taken out of the queue until it succeeds: what
//! waits is not lost, and those who bring more are told that there is no room.

use bytes::Bytes;
use std::{
    collections::VecDeque,
    io,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, Instant},
};
use throughline_sender::Signal;

/// What a waiting request counts besides its bytes: many may be small.
const REQUEST: usize = 128;

/// How long to wait after a fault before the next attempt to write.
const PAUSE: Duration = Duration::from_secs(1);

/// The longest interval, so that a time can always be told.
const LONGEST: Duration = Duration::from_secs(60 * 60);

/// What writes.
pub(crate) trait Pen: Send + 'static {
    /// Writes a request, or at least keeps it until the next [`flush`](Self::flush).
    fn write(&mut self, signal: Signal, request: &Bytes) -> io::Result<()>;

    /// Writes what it kept.
    fn flush(&mut self) -> io::Result<()>;

    /// So many requests will never be written, nor what it kept: the exporter is closed, and the last attempt failed.
    fn lose(&mut self, waiting: usize);
}

/// The way to the thread.
pub(crate) struct Scribe {
    shared: Arc<Shared>,
    max_bytes: usize,
    /// How long a drop waits for what is not written yet.
    patience: Duration,
}

#[derive(Default)]
struct Shared {
    desk: Mutex<Desk>,
    changed: Condvar,
}

#[derive(Default)]
struct Desk {
    waiting: VecDeque<(Signal, Bytes)>,
    bytes: usize,
    is_closed: bool,
    /// Whether everything was written, once the thread has ended.
    ended: Option<bool>,
}

/// What the thread does next.
enum Next {
    Write(Signal, Bytes),
    Flush,
}

impl Scribe {
    /// Starts the thread. What it writes is flushed after the interval, or an hour; a drop waits with patience.
    pub(crate) fn start(
        name: &str,
        max_bytes: usize,
        interval: Duration,
        patience: Duration,
        pen: impl Pen,
    ) -> io::Result<Scribe> {
        let shared = Arc::new(Shared::default());
        let theirs = Arc::clone(&shared);
        thread::Builder::new().name(name.to_owned()).spawn(move || theirs.run(pen, interval))?;
        Ok(Scribe { shared, max_bytes, patience })
    }

    /// Hands a request over; `false`: there is no room for it, or the exporter is closed.
    pub(crate) fn hand(&self, signal: Signal, request: Bytes) -> bool {
        let mut desk = self.shared.desk();
        let bytes = request.len() + REQUEST;
        // One alone may be larger than the bound.
        let fits = desk.waiting.is_empty() || desk.bytes + bytes <= self.max_bytes;
        if desk.is_closed || !fits {
            return false;
        }
        desk.bytes += bytes;
        desk.waiting.push_back((signal, request));
        self.shared.changed.notify_all();
        true
    }

    /// Takes no more and waits until everything is written; `false`: not within the limit, or it could not be.
    pub(crate) fn close(&self, limit: Duration) -> bool {
        let mut desk = self.shared.desk();
        desk.is_closed = true;
        self.shared.changed.notify_all();
        let running = |desk: &mut Desk| desk.ended.is_none();
        let waited = self.shared.changed.wait_timeout_while(desk, limit, running);
        waited.unwrap_or_else(PoisonError::into_inner).0.ended == Some(true)
    }
}

impl Drop for Scribe {
    fn drop(&mut self) {
        self.close(self.patience);
    }
}

impl Shared {
    fn run(&self, mut pen: impl Pen, interval: Duration) {
        // When what was kept has to be written.
        let mut due: Option<Instant> = None;
        let mut has_failed = false;
        let is_written = loop {
            let result = match self.next(due, has_failed) {
                Some(Next::Write(signal, request)) => {
                    due = due.or_else(|| Some(Instant::now() + interval.min(LONGEST)));
                    pen.write(signal, &request)
                }
                Some(Next::Flush) => pen.flush().inspect(|()| due = None),
                None => break true,
            };
            has_failed = result.is_err();
            if has_failed {
                due = Some(Instant::now() + PAUSE);
                let mut desk = self.desk();
                // That was the last attempt.
                if desk.is_closed {
                    pen.lose(std::mem::take(&mut desk.waiting).len());
                    break false;
                }
            }
        };
        self.desk().ended = Some(is_written);
        self.changed.notify_all();
    }

    /// Waits for something to do; `None`: there will be nothing more.
    fn next(&self, due: Option<Instant>, has_failed: bool) -> Option<Next> {
        let mut desk = self.desk();
        loop {
            let now = Instant::now();
            if due.is_some_and(|due| due <= now) {
                return Some(Next::Flush);
            }
            if desk.is_closed || !has_failed {
                if let Some((signal, request)) = desk.waiting.pop_front() {
                    desk.bytes -= request.len() + REQUEST;
                    return Some(Next::Write(signal, request));
                }
                if desk.is_closed {
                    return due.map(|_| Next::Flush);
                }
            }
            desk = match due {
                Some(due) => {
                    let waited = self.changed.wait_timeout(desk, due - now);
                    waited.unwrap_or_else(PoisonError::into_inner).0
                }
                None => self.changed.wait(desk).unwrap_or_else(PoisonError::into_inner),
            };
        }
    }

    fn desk(&self) -> MutexGuard<'_, Desk> {
        self.desk.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
