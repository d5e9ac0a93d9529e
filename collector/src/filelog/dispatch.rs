//! From what was read to a request, and from its delivery back to the file.

use super::{
    Encoding, Options,
    cut::Order,
    encode::Batch,
    entry::{Entry, Map, Value},
    ledger::{Id, Ledger, Ticket},
    operator::Pipeline,
    readers::Exit,
};
use crate::{Error, intake::Refusal, time::printable, voice};
use bytes::Bytes;
use std::{
    collections::{HashMap, VecDeque},
    ops::Range,
    time::{Duration, Instant, SystemTime},
};

/// Records of one request.
const MAX_ITEMS: u64 = 4096;

/// Bytes of one request; a single entry may take more.
const MAX_BYTES: usize = 512 * 1024;

/// Bytes of requests that are on their way: what may come twice when the process is killed.
const MAX_ON_THE_WAY: usize = 8 * 1024 * 1024;

/// How long to wait before a request that was sent away comes again.
const PAUSE: Duration = Duration::from_millis(50);

/// Everything behind the reading.
pub(super) struct Dispatch {
    name: String,
    encoding: Encoding,
    resource: Map,
    pipeline: Pipeline,
    ledger: Ledger,
    /// What comes out of the pipeline at once.
    out: Vec<Entry>,
    batch: Batch,
    max_bytes: usize,
    exit: Exit,
    /// Requests that were sent away: come again later.
    waiting: VecDeque<(Ticket, Bytes)>,
    /// How large they are that are on their way.
    sizes: HashMap<Ticket, usize>,
    on_the_way: usize,
    again: Instant,
    mark: u64,
    ticket: u64,
    /// The time of the entries that are read now.
    observed: u64,
    /// Whether something changed that the next process should know.
    pub(super) is_news: bool,
    has_complained: bool,
}

impl Dispatch {
    pub(super) fn new(options: &Options, exit: Exit) -> Result<Self, Error> {
        let unusable = |fault| Error::file_log(&options.name, format!("{fault}"));
        Ok(Dispatch {
            name: options.name.clone(),
            encoding: options.encoding,
            resource: options.resource.clone(),
            pipeline: Pipeline::new(&options.operators).map_err(unusable)?,
            ledger: Ledger::default(),
            out: Vec::new(),
            batch: Batch::default(),
            max_bytes: MAX_BYTES.min(exit.largest() / 2),
            exit,
            waiting: VecDeque::new(),
            sizes: HashMap::new(),
            on_the_way: 0,
            again: Instant::now(),
            mark: 0,
            ticket: 0,
            observed: 0,
            is_news: false,
            has_complained: false,
        })
    }

    /// Whether nothing more should be read for now.
    pub(super) fn is_full(&self) -> bool {
        !self.waiting.is_empty() || self.on_the_way >= MAX_ON_THE_WAY
    }

    /// When a request that was sent away comes again.
    pub(super) fn due(&self) -> Option<Instant> {
        (!self.waiting.is_empty()).then_some(self.again)
    }

    /// What time it is for the entries that come now.
    pub(super) fn tick(&mut self) {
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        self.observed = u64::try_from(since.as_nanos()).unwrap_or(u64::MAX);
    }

    /// Takes one entry of a file.
    pub(super) fn entry(&mut self, text: &[u8], id: Id, range: Range<u64>, labels: &Map) {
        self.is_news = true;
        if text.is_empty() {
            return;
        }
        self.mark += 1;
        let mark = self.mark;
        let body = match self.encoding {
            Encoding::Utf8 => Value::Text(String::from_utf8_lossy(text).into_owned()),
            Encoding::Nop => Value::Bytes(text.to_owned()),
            Encoding::Utf16Le => Value::Text(Order::Little.text(text)),
            Encoding::Utf16Be => Value::Text(Order::Big.text(text)),
        };
        let mut entry = Entry::of(body);
        (entry.attributes, entry.resource) = (labels.clone(), self.resource.clone());
        (entry.observed, entry.mark) = (self.observed, mark);
        let mut out = std::mem::take(&mut self.out);
        self.pipeline.run(entry, &mut |entry| out.push(entry));
        let is_part = || !out.is_empty() || self.pipeline.oldest_mark().is_some();
        match out.iter().any(|entry| entry.mark == mark) {
            true => self.ledger.pass(mark, id, range),
            // It waits for others, or left as a part of one of them.
            false if is_part() => self.ledger.wait(mark, id, range),
            // It was dropped.
            false => {}
        }
        self.collect(out);
    }

    /// Lets out what waited in operators for long enough; or everything.
    pub(super) fn flush(&mut self, everything: bool) {
        if !self.ledger.is_waiting() {
            return;
        }
        let mut out = std::mem::take(&mut self.out);
        match everything {
            true => self.pipeline.flush(&mut |entry| out.push(entry)),
            false => self.pipeline.flush_until(self.observed, &mut |entry| out.push(entry)),
        }
        self.collect(out);
    }

    /// Takes what came out of the operators. What is large goes alone: it may be too large for others.
    fn collect(&mut self, mut out: Vec<Entry>) {
        for (at, entry) in out.iter().enumerate() {
            let is_large = size(&entry.body) >= self.max_bytes / 4;
            if is_large {
                self.close(&out[at..]);
            }
            self.batch.add(entry);
            self.ledger.collect(entry.mark);
            let is_full = self.batch.items() >= MAX_ITEMS || self.batch.bytes() >= self.max_bytes;
            if is_large || is_full {
                self.close(&out[at + 1..]);
            }
        }
        out.clear();
        self.out = out;
    }

    /// Ends the request that is being made. What is still to come is in none yet, nor are its parts.
    fn close(&mut self, to_come: &[Entry]) {
        if self.batch.items() > 0 {
            self.ticket += 1;
            let ticket = Ticket(self.ticket);
            let to_come = to_come.iter().map(|entry| entry.mark);
            self.ledger.send(ticket, to_come.chain(self.pipeline.oldest_mark()).min());
            self.waiting.push_back((ticket, self.batch.take().into()));
        }
        self.send_waiting();
    }

    /// Hands over what was collected, and what was sent away.
    pub(super) fn send(&mut self) {
        self.close(&[]);
    }

    /// What a request became. What is undecided stays open: nobody will tell any more.
    pub(super) fn settle(&mut self, ticket: Ticket, is_decided: bool) {
        self.on_the_way -= self.sizes.remove(&ticket).unwrap_or(0);
        if is_decided {
            self.ledger.settle(ticket);
            self.is_news = true;
        }
    }

    /// What is read and not delivered, by file.
    pub(super) fn open(&self) -> HashMap<Id, Vec<Range<u64>>> {
        self.ledger.open()
    }

    fn send_waiting(&mut self) {
        while let Some((ticket, request)) = self.waiting.front() {
            if Instant::now() < self.again {
                return;
            }
            match self.exit.hand(*ticket, request) {
                Ok(()) => {
                    self.sizes.insert(*ticket, request.len());
                    self.on_the_way += request.len();
                }
                Err(Refusal::Busy(_)) => {
                    self.again = Instant::now() + PAUSE;
                    return;
                }
                // It would be refused for ever.
                Err(refusal) => {
                    self.exit.refused(&refusal);
                    if !std::mem::replace(&mut self.has_complained, true) {
                        let words = "entries are lost, which no way out takes";
                        voice::warn(printable(&format!(
                            "the file log {}: {words}: {}",
                            self.name,
                            refusal.cause()
                        )));
                    }
                    self.ledger.settle(*ticket);
                    self.is_news = true;
                }
            }
            self.waiting.pop_front();
        }
    }
}

/// How large a text is.
fn size(body: &Value) -> usize {
    match body {
        Value::Text(text) => text.len(),
        Value::Bytes(bytes) => bytes.len(),
        _ => 0,
    }
}
