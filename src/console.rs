//! Telemetry on stdout: for people while they develop, or as OTLP/JSON for an agent that reads it.
//!
//! `OTEL_TRACES_EXPORTER=console` (or `METRICS`, `LOGS`) writes one line for each span, measurement or log record;
//! `otlp,console` writes and sends.
//!
//! ```text
//! 2026-11-21T20:44:30.123456Z span GET /hello/{name} server 1.204ms trace_id=4bf92f3577b34da6a3ce929d0e0e4736 span_id=53995c3f42cd8ad8 http.route="/hello/{name}"
//! 2026-11-21T20:44:30.123460Z log INFO saying hello trace_id=4bf92f3577b34da6a3ce929d0e0e4736 span_id=53995c3f42cd8ad8 name="ada"
//! 2026-11-21T20:44:35.000000Z metric http.server.request.duration count=1 sum=0.001204 min=0.001204 max=0.001204 s http.route="/hello/{name}"
//! ```
//! `otlp/stdout` writes one `TracesData`, `MetricsData` or `LogsData` object a line (O-020).
//!
//! # Semantics
//! Lines are whole, also beside log lines and those of other signals, and none is written twice. Text of the program
//! cannot break a line. A stdout that is closed refuses what it gets, which is counted; one that nobody reads lets the
//! queue fill.
//!
//! # Limits
//! The form of the lines for people may change in any version. While nobody reads stdout, each attempt to write holds
//! up the other signals for 100 ms. What is being written when telemetry is shut down counts as dropped and may still be
//! read, in part or whole.

mod text; // spans, measurements and log records as lines

use crate::sender::{Accept, Answer, Destination, Inlet, Signal, json::to_json};
use bytes::Bytes;
use std::{
    io::{self, Write as _},
    sync::{
        Arc, Mutex, PoisonError,
        mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel},
    },
    thread,
    time::Duration,
};

/// The name of the destination that takes OTLP/JSON.
pub(crate) const STDOUT: &str = "stdout";
const CONSOLE: &str = "the console";

/// How long stdout may take before others go on: whoever waits is the thread of all signals.
const WRITE_LIMIT: Duration = Duration::from_millis(100);

/// Stdout, for people.
pub(crate) fn lines() -> Destination {
    Destination::Local(Inlet::named(CONSOLE, Stdout::new(text::lines)))
}

/// Stdout, as OTLP/JSON.
pub(crate) fn json() -> Destination {
    let line: Form = |signal, request| {
        let mut line = to_json(signal, request).map_err(|fault| fault.to_string())?;
        line.push(b'\n');
        Ok(line)
    };
    Destination::Local(Inlet::named(STDOUT, Stdout::new(line)))
}

/// Requests into lines.
type Form = fn(Signal, &[u8]) -> Result<Vec<u8>, String>;
/// Writes lines.
type Write = Arc<dyn Fn(&[u8]) -> io::Result<()> + Send + Sync>;

struct Stdout {
    form: Form,
    write: Write,
    writer: Mutex<Writer>,
}

/// The thread that writes: a pipe that nobody reads would else hold up everything.
#[derive(Default)]
struct Writer {
    lines: Option<SyncSender<Job>>,
    /// What was not written in time, and where it will be told.
    late: Option<(Bytes, Receiver<io::Result<()>>)>,
    /// What became of it, until it is offered again; the queue may offer others before.
    settled: Vec<(Bytes, io::Result<()>)>,
}

/// Lines, and where it is told that they are written.
struct Job {
    lines: Vec<u8>,
    reply: SyncSender<io::Result<()>>,
}

impl Stdout {
    fn new(form: Form) -> Self {
        Stdout { form, write: Arc::new(write), writer: Mutex::default() }
    }
}

impl Accept for Stdout {
    fn accept(&self, signal: Signal, request: Bytes) -> Answer {
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((late, written)) = writer.late.take() {
            match written.recv_timeout(WRITE_LIMIT) {
                Err(RecvTimeoutError::Timeout) => {
                    writer.late = Some((late, written));
                    return unread();
                }
                Err(RecvTimeoutError::Disconnected) => writer.settled.push((late, Err(ended()))),
                Ok(result) => writer.settled.push((late, result)),
            }
        }
        if let Some(place) = writer.settled.iter().position(|(settled, _)| *settled == request) {
            return answer(writer.settled.swap_remove(place).1);
        }
        let lines = match (self.form)(signal, &request) {
            Ok(lines) => lines,
            Err(cause) => return Answer::Refused { cause },
        };
        match writer.write(lines, &self.write) {
            Ok(written) => match written.recv_timeout(WRITE_LIMIT) {
                Ok(result) => answer(result),
                Err(_) => {
                    writer.late = Some((request, written));
                    unread()
                }
            },
            Err(error) => answer(Err(error)),
        }
    }
}

impl Writer {
    /// Hands lines to the thread, which is started by the first; tells where it will be told that they are written.
    fn write(&mut self, lines: Vec<u8>, write: &Write) -> io::Result<Receiver<io::Result<()>>> {
        let (reply, written) = sync_channel(1);
        let thread = match &self.lines {
            Some(thread) => thread,
            None => self.lines.insert(start(write.clone())?),
        };
        thread.send(Job { lines, reply }).map_err(|_| ended())?;
        Ok(written)
    }
}

/// Ends when the writer is dropped.
fn start(write: Write) -> io::Result<SyncSender<Job>> {
    let (sender, jobs) = sync_channel::<Job>(1);
    thread::Builder::new().name("throughline-stdout".into()).spawn(move || {
        for Job { lines, reply } in jobs {
            // Whoever asked may have given up waiting.
            let _ = reply.send(write(&lines));
        }
    })?;
    Ok(sender)
}

/// In one call, so that lines of several signals do not mix.
fn write(lines: &[u8]) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(lines)?;
    stdout.flush()
}

fn answer(result: io::Result<()>) -> Answer {
    match result {
        Ok(()) => Answer::TAKEN,
        Err(error) => Answer::Refused { cause: format!("stdout cannot be written to: {error}") },
    }
}

fn ended() -> io::Error {
    io::Error::other("its thread has ended")
}

/// To be offered again, which writes nothing again.
fn unread() -> Answer {
    Answer::Busy { cause: "stdout takes nothing more: its reader does not read".into(), after: None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_read_in_time_is_written_once_whatever_is_offered_meanwhile() {
        let (reader, unread_bytes) = sync_channel::<()>(0);
        let (reads, written) = (Mutex::new(unread_bytes), Arc::new(Mutex::new(Vec::new())));
        let kept = written.clone();
        let write = move |lines: &[u8]| {
            let _ = reads.lock().unwrap().recv(); // a pipe that is full
            kept.lock().unwrap().push(lines.to_vec());
            Ok(())
        };
        let form: Form = |_, request| Ok(request.to_vec());
        let stdout = Stdout { form, write: Arc::new(write), writer: Mutex::default() };
        let offer =
            |request: &'static str| stdout.accept(Signal::Traces, Bytes::from_static(request.as_bytes()));
        let is_busy = |answer| matches!(answer, Answer::Busy { .. });
        assert!(is_busy(offer("first")) && is_busy(offer("second")));
        drop(reader);
        // The queue may offer another one before: each is taken when it was written.
        let answers = ["second", "first", "third", "first"].map(offer);
        assert!(
            answers.iter().all(|answer| matches!(answer, Answer::Taken { rejected: 0, .. })),
            "{answers:?}"
        );
        // What is offered after it was taken is another one that looks the same.
        assert_eq!(*written.lock().unwrap(), ["first", "second", "third", "first"].map(Vec::from));
    }
}
