//! What is kept as OTLP in JSON, one request a line, for files and for others; and such files back into what is kept.
//!
//! What is read is taken as it was meant: one object, several behind each other or in a list, on one line or over many, as
//! the file exporter, `otlp/stdout`, a collector's debug output or a browser wrote it. Lines of something else between them
//! are passed over and counted; so is text in front of a request on the same line, which some tools add.

mod documents; // where the requests are in a file
mod select; // a part of a request
#[cfg(test)]
mod tests;

use crate::{
    intake::{Intake, Refusal},
    look,
    scan::TraceId,
    trace::{LogRecord, passing},
};
use bytes::Bytes;
use documents::Documents;
use select::Choice;
use serde::Serialize;
use std::collections::HashSet;
use throughline_sender::{
    Signal,
    json::{from_json, to_json},
};

/// How large an export may become, in bytes.
const MAX_BYTES: usize = 64 * 1024 * 1024;

/// How large a request on one line becomes unless it came so, in bytes: a file that is read again leaves the store in such
/// pieces.
const LINE: usize = 4 * 1024 * 1024;

/// How many times as large as its JSON a request is at most.
const MOST: usize = 4;

/// How often something went wrong is counted beyond the first fault, which is told.
const MAX_TOLD: usize = 300;

/// What became of a file.
#[non_exhaustive]
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Imported {
    /// Requests that were taken.
    pub requests: u64,
    /// Spans that were taken.
    pub spans: u64,
    /// Log records that were taken.
    pub log_records: u64,
    /// Data points that were taken.
    pub data_points: u64,
    /// Spans and log records with invalid ids, which were left out.
    pub rejected: u64,
    /// Lines and objects that are no telemetry.
    pub passed_over: u64,
    /// Requests that could not be taken.
    pub refused: u64,
    /// Why the first of them could not.
    pub fault: Option<String>,
}

/// All that is kept of some traces, spans first; `None`: it would be too large.
pub(crate) fn export(intake: &Intake, traces: &HashSet<TraceId>) -> Option<Vec<u8>> {
    let mut lines = Lines::default();
    for signal in [Signal::Traces, Signal::Logs] {
        lines.add(signal, look::holding(intake, signal, traces), |_| Choice::Traces(traces))?;
    }
    Some(lines.written)
}

/// All that is kept of some signals, oldest first: of one service if one is named, and of measurements those of one
/// instrument if one is named; `None`: it would be too large.
pub(crate) fn export_all(
    intake: &Intake,
    signals: &[Signal],
    service: Option<&str>,
    instrument: Option<&str>,
) -> Option<Vec<u8>> {
    let mut lines = Lines::default();
    for signal in signals {
        let instrument = instrument.filter(|_| *signal == Signal::Metrics);
        lines.add(*signal, look::bodies(intake, *signal), |_| Choice::All { service, instrument })?;
    }
    Some(lines.written)
}

/// The log records that pass, in the order in which they came; `None`: it would be too large.
pub(crate) fn export_records(intake: &Intake, pass: impl Fn(&LogRecord) -> bool) -> Option<Vec<u8>> {
    let mut lines = Lines::default();
    lines.add(Signal::Logs, look::bodies(intake, Signal::Logs), |body| {
        Choice::Records(passing(body, &pass))
    })?;
    Some(lines.written)
}

/// Requests as they are written.
#[derive(Default)]
struct Lines {
    written: Vec<u8>,
}

impl Lines {
    /// Writes what is chosen of some requests, those that are small together; `None`: it would be too large.
    fn add<'a>(
        &mut self,
        signal: Signal,
        bodies: Vec<Bytes>,
        choice: impl Fn(&Bytes) -> Choice<'a>,
    ) -> Option<()> {
        let mut request = Vec::new();
        for body in bodies {
            let chosen = select::select(signal, &body, &choice(&body)).ok()?;
            if !request.is_empty() && request.len() + chosen.len() > LINE {
                self.line(signal, &std::mem::take(&mut request))?;
            }
            request.extend(chosen);
        }
        if request.is_empty() { Some(()) } else { self.line(signal, &request) }
    }

    fn line(&mut self, signal: Signal, request: &[u8]) -> Option<()> {
        self.written.extend(to_json(signal, request).ok()?);
        self.written.push(b'\n');
        (self.written.len() <= MAX_BYTES).then_some(())
    }
}

/// Keeps the requests of a file. Nothing of it is sent on.
pub(crate) fn import(intake: &Intake, file: &[u8]) -> Imported {
    let mut imported = Imported::default();
    let mut documents = Documents::of(file);
    for document in documents.by_ref() {
        let mut is_telemetry = false;
        for signal in Signal::ALL {
            if contains(document, name(signal)) {
                is_telemetry |= imported.take(intake, signal, document);
            }
        }
        imported.passed_over += u64::from(!is_telemetry);
    }
    imported.passed_over += documents.passed_over();
    imported
}

impl Imported {
    /// Takes the part of one signal; `false`: there is none.
    fn take(&mut self, intake: &Intake, signal: Signal, json: &[u8]) -> bool {
        let most = json.len().saturating_mul(MOST).saturating_add(64).min(intake.max_request_bytes);
        let taken = match from_json(signal, json, most) {
            Ok(Some(request)) if request.is_empty() => return false,
            Ok(Some(request)) => intake.keep(signal, &request),
            Ok(None) => Err(Refusal::larger_than(intake.max_request_bytes)),
            Err(fault) => Err(Refusal::Malformed(format!("not {} in JSON: {fault}", signal.name()))),
        };
        match taken {
            Ok((count, rejected)) => {
                self.requests += 1;
                self.rejected += rejected;
                match signal {
                    Signal::Traces => self.spans += count,
                    Signal::Metrics => self.data_points += count,
                    Signal::Logs => self.log_records += count,
                }
            }
            Err(refusal) => {
                self.refused += 1;
                self.fault.get_or_insert_with(|| refusal.cause().chars().take(MAX_TOLD).collect());
            }
        }
        true
    }
}

/// The member that a request of a signal is known by.
fn name(signal: Signal) -> &'static str {
    match signal {
        Signal::Traces => "\"resourceSpans\"",
        Signal::Metrics => "\"resourceMetrics\"",
        Signal::Logs => "\"resourceLogs\"",
    }
}

fn contains(text: &[u8], wanted: &str) -> bool {
    text.windows(wanted.len()).any(|window| window == wanted.as_bytes())
}
