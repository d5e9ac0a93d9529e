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
//! Lines are whole, also beside log lines and those of other signals. Text of the program cannot break a line. A
//! stdout that is closed refuses what it gets, which is counted; one that nobody reads lets the queue fill.
//!
//! # Limits
//! The form of the lines for people may change in any version. While nobody reads stdout, each attempt to write holds
//! up the other signals for 100 ms.

mod text; // spans, measurements and log records as lines

use crate::sender::{Accept, Answer, Destination, Inlet, Signal, json::to_json};
use bytes::Bytes;
use std::{
    io::{self, Write},
    sync::{
        Mutex, PoisonError,
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

struct Stdout {
    form: Form,
    writer: Mutex<Writer>,
}

/// The thread that writes: a pipe that nobody reads would else hold up everything.
#[derive(Default)]
struct Writer {
    lines: Option<SyncSender<Job>>,
    /// What was not written in time, and where it will be told.
    late: Option<(Bytes, Receiver<io::Result<()>>)>,
}

/// Lines, and where it is told that they are written.
struct Job {
    lines: Vec<u8>,
    reply: SyncSender<io::Result<()>>,
}

impl Stdout {
    fn new(form: Form) -> Self {
        Stdout { form, writer: Mutex::default() }
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
                Ok(result) if late == request => return answer(result),
                _ => {}
            }
        }
        let lines = match (self.form)(signal, &request) {
            Ok(lines) => lines,
            Err(cause) => return Answer::Refused { cause },
        };
        match writer.write(lines) {
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
    fn write(&mut self, lines: Vec<u8>) -> io::Result<Receiver<io::Result<()>>> {
        let (reply, written) = sync_channel(1);
        let thread = match &self.lines {
            Some(thread) => thread,
            None => self.lines.insert(start()?),
        };
        thread.send(Job { lines, reply }).map_err(|_| io::Error::other("its thread has ended"))?;
        Ok(written)
    }
}

/// Ends when the writer is dropped.
fn start() -> io::Result<SyncSender<Job>> {
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

fn unread() -> Answer {
    Answer::Unanswered { cause: "stdout takes nothing more: its reader does not read".into(), at_once: false }
}
