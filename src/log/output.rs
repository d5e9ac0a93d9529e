//! Where lines go, and what became of them.
//!
//! ```text
//!  a line ──► stdout, stderr, a writer of the program      whoever logs writes, and waits for a slow reader
//!        └──► Buffer (bounded in bytes) ──► thread ──► …    nobody waits
//!                └ full: dropped, counted
//! ```

use crate::{
    Error,
    config::{Log, LogOutput},
    sender::{Signal, Stats},
};
use std::{
    fmt,
    io::{self, IsTerminal, Write},
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
    time::Duration,
};
use tracing::Metadata;
use tracing_subscriber::fmt::MakeWriter;

/// Where lines go. The last one that is dropped ends the thread.
pub(crate) struct Output {
    target: Target,
    recorded: AtomicU64,
    failed: AtomicU64,
    /// The last line may have been written in part.
    torn: AtomicBool,
}

/// What a line is written to.
enum Target {
    Standard(LogOutput),
    Buffered(LogOutput, Arc<Buffer>),
    Own(Box<dyn Sink>),
}

impl Output {
    /// The output of a configuration, and its thread if it has one.
    pub(crate) fn start(log: &Log) -> Result<Self, Error> {
        let Some(capacity) = log.buffer else { return Ok(Output::standard(log.output)) };
        let buffer = Arc::new(Buffer::new(capacity));
        let (output, lines) = (log.output, buffer.clone());
        thread::Builder::new()
            .name("throughline-lines".into())
            .spawn(move || lines.run(|bytes| write(output, bytes)))
            .map_err(|error| Error::system("the thread for log lines cannot be started", error))?;
        Ok(Output::new(Target::Buffered(output, buffer)))
    }

    pub(super) fn standard(output: LogOutput) -> Self {
        Output::new(Target::Standard(output))
    }

    pub(crate) fn own(writer: impl for<'a> MakeWriter<'a> + Send + Sync + 'static) -> Self {
        Output::new(Target::Own(Box::new(writer)))
    }

    fn new(target: Target) -> Self {
        Output {
            target,
            recorded: AtomicU64::new(0),
            failed: AtomicU64::new(0),
            torn: AtomicBool::new(false),
        }
    }

    pub(super) fn is_terminal(&self) -> bool {
        match self.target {
            Target::Standard(LogOutput::Stdout) | Target::Buffered(LogOutput::Stdout, _) => {
                io::stdout().is_terminal()
            }
            Target::Standard(LogOutput::Stderr) | Target::Buffered(LogOutput::Stderr, _) => {
                io::stderr().is_terminal()
            }
            _ => false,
        }
    }

    /// Takes a line. Never fails: what cannot be written is counted.
    pub(super) fn write(&self, line: &[u8], metadata: &Metadata<'_>) {
        let write = |bytes: &[u8]| match &self.target {
            Target::Own(sink) => sink.write(bytes, metadata),
            Target::Standard(output) | Target::Buffered(output, _) => write(*output, bytes),
        };
        let result = match &self.target {
            Target::Buffered(_, buffer) => return buffer.push(line),
            _ if self.torn.load(Ordering::Relaxed) => write(&[b"\n", line].concat()),
            _ => write(line),
        };
        self.recorded.fetch_add(1, Ordering::Relaxed);
        if result.is_err() {
            self.failed.fetch_add(1, Ordering::Relaxed);
        }
        if result.is_err() != self.torn.load(Ordering::Relaxed) {
            self.torn.store(result.is_err(), Ordering::Relaxed);
        }
    }

    /// Waits until the lines so far are written, at most for `limit`. `Err`: how many are not, in words.
    pub(crate) fn flush(&self, limit: Duration) -> Result<(), String> {
        let Target::Buffered(output, buffer) = &self.target else { return Ok(()) };
        match buffer.flush(limit) {
            0 => Ok(()),
            left => Err(format!("logs: {left} lines not written to {output}: its reader does not read")),
        }
    }

    /// What became of the lines; `None` as long as none could be lost.
    pub(crate) fn stats(&self) -> Option<Stats> {
        match &self.target {
            Target::Own(_) => None,
            Target::Buffered(output, buffer) => {
                let mut stats = Stats::new(Signal::Logs, output);
                buffer.count(&mut stats);
                Some(stats)
            }
            Target::Standard(output) => {
                let mut stats = Stats::new(Signal::Logs, output);
                // First the failures, which were recorded before.
                stats.failed = self.failed.load(Ordering::Relaxed);
                stats.recorded = self.recorded.load(Ordering::Relaxed);
                stats.delivered = stats.recorded.saturating_sub(stats.failed);
                Some(stats).filter(|stats| stats.failed > 0)
            }
        }
    }
}

impl fmt::Debug for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Output").field("stats", &self.stats()).finish_non_exhaustive()
    }
}

impl Drop for Output {
    fn drop(&mut self) {
        if let Target::Buffered(_, buffer) = &self.target {
            buffer.lock().closed = true;
            buffer.arrived.notify_one();
        }
    }
}

/// In one call, so that lines of several threads do not mix.
fn write(output: LogOutput, lines: &[u8]) -> io::Result<()> {
    match output {
        LogOutput::Stdout => io::stdout().lock().write_all(lines),
        LogOutput::Stderr => io::stderr().lock().write_all(lines),
        LogOutput::None => Ok(()),
    }
}

/// A writer of the program.
trait Sink: Send + Sync {
    fn write(&self, line: &[u8], metadata: &Metadata<'_>) -> io::Result<()>;
}

impl<M: for<'a> MakeWriter<'a> + Send + Sync> Sink for M {
    fn write(&self, line: &[u8], metadata: &Metadata<'_>) -> io::Result<()> {
        self.make_writer_for(metadata).write_all(line)
    }
}

/// Lines that wait for the thread which writes them.
#[derive(Debug)]
struct Buffer {
    state: Mutex<State>,
    capacity: usize,
    arrived: Condvar,
    written: Condvar,
}

#[derive(Debug, Default)]
struct State {
    bytes: Vec<u8>,
    /// In the bytes.
    waiting: u64,
    recorded: u64,
    dropped: u64,
    delivered: u64,
    failed: u64,
    closed: bool,
}

impl Buffer {
    fn new(capacity: usize) -> Self {
        Buffer { state: Mutex::default(), capacity, arrived: Condvar::new(), written: Condvar::new() }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn push(&self, line: &[u8]) {
        let mut state = self.lock();
        state.recorded += 1;
        if state.bytes.len() + line.len() > self.capacity {
            state.dropped += 1;
            return;
        }
        state.bytes.extend_from_slice(line);
        state.waiting += 1;
        if state.waiting == 1 {
            self.arrived.notify_one();
        }
    }

    /// Writes what comes, all that waits at once, until the output is closed and nothing waits.
    fn run(&self, write: impl Fn(&[u8]) -> io::Result<()>) {
        let mut bytes = Vec::new();
        let mut torn = false;
        loop {
            let mut state = self.lock();
            while state.bytes.is_empty() {
                if state.closed {
                    return;
                }
                state = self.arrived.wait(state).unwrap_or_else(PoisonError::into_inner);
            }
            bytes.clear();
            std::mem::swap(&mut bytes, &mut state.bytes);
            let lines = std::mem::take(&mut state.waiting);
            drop(state);
            if torn {
                bytes.insert(0, b'\n');
            }
            let result = write(&bytes);
            torn = result.is_err();
            let mut state = self.lock();
            match result {
                Ok(()) => state.delivered += lines,
                Err(_) => state.failed += lines,
            }
            drop(state);
            self.written.notify_all();
        }
    }

    /// How many of the lines so far are not written at the limit.
    fn flush(&self, limit: Duration) -> u64 {
        let state = self.lock();
        let taken = state.recorded - state.dropped;
        let left = |state: &State| taken.saturating_sub(state.delivered + state.failed);
        let waited = self.written.wait_timeout_while(state, limit, |state| left(state) > 0);
        left(&waited.unwrap_or_else(PoisonError::into_inner).0)
    }

    fn count(&self, stats: &mut Stats) {
        let state = self.lock();
        (stats.recorded, stats.delivered) = (state.recorded, state.delivered);
        (stats.failed, stats.dropped) = (state.failed, state.dropped);
        stats.queued = state.recorded - state.delivered - state.failed - state.dropped;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{sync::mpsc, time::Instant};
    use tracing_subscriber::prelude::*;

    #[test]
    fn the_thread_ends_with_its_output() {
        let log = Log { buffer: Some(8), ..Log::default() };
        let output = Output::start(&log).unwrap();
        let Target::Buffered(_, buffer) = &output.target else { panic!("no buffer") };
        let buffer = Arc::downgrade(buffer);
        drop(output);
        let start = Instant::now();
        while buffer.strong_count() > 0 {
            assert!(start.elapsed() < Duration::from_secs(60), "the thread goes on");
            thread::yield_now();
        }
    }

    #[test]
    fn a_line_after_one_that_was_torn_begins_anew() {
        /// Half of the first line, then all.
        struct Full(Mutex<(usize, Vec<u8>)>);
        impl Write for &Full {
            fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
                let mut full = self.0.lock().unwrap();
                full.0 += 1;
                let taken = match full.0 {
                    1 => bytes.len() / 2,
                    2 => return Err(io::ErrorKind::StorageFull.into()),
                    _ => bytes.len(),
                };
                full.1.extend_from_slice(&bytes[..taken]);
                Ok(taken)
            }

            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let file = Arc::new(Full(Mutex::default()));
        let layer =
            crate::log::LogLayer::with_format(crate::config::LogFormat::Json).with_writer(file.clone());
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || {
            (0..3).for_each(|number| tracing::info!(number, "told"));
        });
        let text = String::from_utf8(file.0.lock().unwrap().1.clone()).unwrap();
        let whole = |line: &str| line.starts_with('{') && line.ends_with('}');
        assert_eq!(text.lines().map(whole).collect::<Vec<_>>(), [false, true, true], "{text}");
    }

    fn counts(buffer: &Buffer) -> [u64; 5] {
        let mut stats = Stats::new(Signal::Logs, &"test");
        buffer.count(&mut stats);
        [stats.recorded, stats.delivered, stats.failed, stats.dropped, stats.queued]
    }

    #[test]
    fn a_buffer_is_bounded_in_bytes_counts_exactly_and_recovers() {
        let buffer = Arc::new(Buffer::new(8));
        let ((ready, writes), (go, proceed)) = (mpsc::channel(), mpsc::channel::<io::Result<()>>());
        let lines = buffer.clone();
        let thread = thread::spawn(move || {
            lines.run(|bytes| {
                ready.send(bytes.to_vec()).unwrap();
                proceed.recv().unwrap()
            });
        });
        buffer.push(b"12345");
        assert_eq!(writes.recv().unwrap(), b"12345");
        // The first is under way, which no longer counts against the bound.
        [&b"abcde"[..], b"xyz", b"!", b"123456789"].iter().for_each(|line| buffer.push(line));
        assert_eq!(counts(&buffer), [5, 0, 0, 2, 3]);
        assert_eq!(buffer.flush(Duration::from_millis(1)), 3);
        go.send(Ok(())).unwrap();
        assert_eq!(writes.recv().unwrap(), b"abcdexyz");
        go.send(Err(io::ErrorKind::BrokenPipe.into())).unwrap();
        assert_eq!(buffer.flush(Duration::from_secs(60)), 0);
        assert_eq!(counts(&buffer), [5, 1, 2, 2, 0]);
        buffer.push(b"again");
        buffer.lock().closed = true;
        // What failed may have been written in part.
        assert_eq!(writes.recv().unwrap(), b"\nagain");
        go.send(Ok(())).unwrap();
        thread.join().unwrap();
        assert_eq!(counts(&buffer), [6, 2, 2, 2, 0]);
    }
}
