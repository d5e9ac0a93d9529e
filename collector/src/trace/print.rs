//! The printed tree, for a terminal.

use super::{Kind, LogRecord, Span, Status, Trace, Value};
use crate::time::{clock, duration, printable};
use std::{
    collections::HashMap,
    fmt::{self, Write},
};

/// How many levels are drawn; deeper ones stand at the last and say how deep they are.
const MAX_DRAWN: usize = 24;

/// Where the column of durations stands at the latest, in characters.
const MAX_WIDTH: usize = 76;

/// Those of services: blue, green, magenta, cyan, and the same brighter. Red and yellow mean something else.
const COLOURS: [u8; 8] = [34, 32, 35, 36, 94, 92, 95, 96];
const RED: u8 = 31;
const YELLOW: u8 = 33;
const DIM: u8 = 2;

/// Longer names and values are cut.
const MAX_TEXT: usize = 120;

/// A header, then each span with its service, kind, name, duration and outcome, and its log records below it.
///
/// ```text
/// trace 4bf92f3577b34da6a3ce929d0e0e4736 · 128 ms · 3 spans · 2 services · 1 error
///
/// front  SERVER POST /orders           128 ms  500
///        │ 20:52:45.123 INFO  order accepted items=3
/// front  └─ CLIENT POST               97.0 ms  500
/// back      └─ SERVER POST /charge    94.2 ms  500  ERROR card refused
/// ```
/// Control characters are written out: telemetry cannot change the terminal.
impl fmt::Display for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.print(f, Paint(false))
    }
}

/// The printed tree in colours.
struct Coloured<'a>(&'a Trace);

impl fmt::Display for Coloured<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.print(f, Paint(true))
    }
}

/// Whether there are colours: those of ECMA-48, which every terminal has.
#[derive(Clone, Copy)]
struct Paint(bool);

impl Paint {
    fn paint(self, code: u8, text: String) -> String {
        if self.0 && !text.is_empty() { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text }
    }
}

impl Trace {
    /// The printed tree for a terminal that shows colours: each service has its own, errors are red.
    pub fn coloured(&self) -> impl fmt::Display {
        Coloured(self)
    }

    fn print(&self, f: &mut fmt::Formatter<'_>, paint: Paint) -> fmt::Result {
        self.header(f)?;
        let mut logs: HashMap<&str, Vec<&LogRecord>> = HashMap::new();
        let mut loose = Vec::new();
        let known: HashMap<&str, ()> = self.spans.iter().map(|span| (span.span_id.as_str(), ())).collect();
        for log in &self.logs {
            match log.span_id.as_deref().filter(|id| known.contains_key(id)) {
                Some(id) => logs.entry(id).or_default().push(log),
                None => loose.push(log),
            }
        }
        let margin = self.spans.iter().map(|span| width(&service(span))).max().unwrap_or(0).min(24);
        let lines = self.branches();
        let names = lines.iter().map(|line| width(&line.title)).max().unwrap_or(0).min(MAX_WIDTH);
        let times: Vec<String> = self.spans.iter().map(|span| duration(span.duration())).collect();
        let digits = times.iter().map(|time| width(time)).max().unwrap_or(0);
        let outside = self.called_from_outside();
        let services = self.services();
        let colour = |span: &Span| {
            let place = services.iter().position(|(service, _)| span.service == **service).unwrap_or(0);
            COLOURS[place % COLOURS.len()]
        };
        for ((span, line), time) in self.spans.iter().zip(&lines).zip(&times) {
            let service = paint.paint(colour(span), pad(&service(span), margin));
            write!(f, "{service}  {}", pad(&line.title, names))?;
            let outcome = outcome(span, outside);
            let outcome = if span.status == Status::Error { paint.paint(RED, outcome) } else { outcome };
            writeln!(f, "  {}{time}{outcome}", " ".repeat(digits - width(time)))?;
            for log in logs.get(span.span_id.as_str()).into_iter().flatten() {
                writeln!(f, "{}  {}{}", " ".repeat(margin), line.below, paint.record(log))?;
            }
        }
        if !loose.is_empty() {
            writeln!(f, "\nlog records of spans that are not here")?;
            loose.iter().try_for_each(|log| writeln!(f, "  {}", paint.record(log)))?;
        }
        Ok(())
    }
}

impl Paint {
    fn record(self, log: &LogRecord) -> String {
        match log.severity {
            17.. => self.paint(RED, record(log)),
            13..=16 => self.paint(YELLOW, record(log)),
            _ => self.paint(DIM, record(log)),
        }
    }
}

/// What stands at one span: connectors and name, and the connectors of the lines below.
struct Branch {
    title: String,
    below: String,
}

impl Trace {
    fn header(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (start, end) = self.extent();
        let services = self.services().len();
        write!(
            f,
            "trace {} · {} · {}",
            self.trace_id,
            duration(end - start),
            several(self.spans.len(), "span")
        )?;
        write!(f, " · {}", several(services, "service"))?;
        if self.errors() > 0 {
            write!(f, " · {}", several(self.errors(), "error"))?;
        }
        if self.called_from_outside() {
            f.write_str(" · called from outside")?;
        } else if !self.complete() {
            f.write_str(" · incomplete")?;
        }
        f.write_str("\n\n")
    }

    fn branches(&self) -> Vec<Branch> {
        // The connectors of each level above the line that is written: whether more siblings follow there.
        let mut more: Vec<bool> = Vec::new();
        let mut last = vec![true; self.spans.len()];
        for span in &self.spans {
            for child in span.children.iter().rev().skip(1) {
                last[*child] = false;
            }
        }
        let branch = |(number, span): (usize, &Span)| {
            more.truncate(span.depth.saturating_sub(1));
            let mut stem: String =
                more.iter().take(MAX_DRAWN).map(|more| if *more { "│  " } else { "   " }).collect();
            let mut title = stem.clone();
            if span.depth > 0 {
                title.push_str(if last[number] { "└─ " } else { "├─ " });
                stem.push_str(if last[number] { "   " } else { "│  " });
                more.push(!last[number]);
            }
            if span.depth > MAX_DRAWN {
                let _ = write!(title, "({}) ", span.depth);
            }
            if span.kind != Kind::Unspecified {
                let _ = write!(title, "{} ", span.kind.name());
            }
            title.push_str(&text(&span.name));
            stem.push_str(if span.children.is_empty() { "  " } else { "│ " });
            Branch { title, below: stem }
        };
        self.spans.iter().enumerate().map(branch).collect()
    }
}

fn service(span: &Span) -> String {
    if span.service.is_empty() { "-".to_owned() } else { text(&span.service) }
}

fn outcome(span: &Span, called_from_outside: bool) -> String {
    let mut outcome = String::new();
    if let Some(status) = span.http_status() {
        let _ = write!(outcome, "  {status}");
    }
    if span.status == Status::Error {
        outcome.push_str("  ERROR");
        if !span.status_message.is_empty() {
            let _ = write!(outcome, " {}", text(&span.status_message));
        }
    }
    if span.parent_missing && !called_from_outside {
        outcome.push_str("  (parent missing)");
    }
    outcome
}

fn record(log: &LogRecord) -> String {
    let mut line = format!("{} {:<5} {}", clock(log.time), text(&log.level), text(&log.body.to_string()));
    for (name, value) in log.fields() {
        let shown = text(&value.to_string());
        let quoted = matches!(value, Value::Text(text) if text.is_empty() || text.contains([' ', '"', '=']));
        let _ = if quoted {
            write!(line, " {}={:?}", text(name), shown)
        } else {
            write!(line, " {}={shown}", text(name))
        };
    }
    line
}

fn several(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

fn text(text: &str) -> String {
    let cut = text.char_indices().nth(MAX_TEXT).map(|(at, _)| &text[..at]);
    cut.map_or_else(|| printable(text), |cut| format!("{}…", printable(cut)))
}

fn width(text: &str) -> usize {
    text.chars().count()
}

fn pad(text: &str, width_wanted: usize) -> String {
    format!("{text}{}", " ".repeat(width_wanted.saturating_sub(width(text))))
}
