//! The thread that reads files: looks for them, reads what is new, and writes down what is delivered.

use super::{
    Options,
    checkpoint::Checkpoints,
    cut::Cut,
    dispatch::Dispatch,
    files::Files,
    ledger::{Id, Ticket},
    readers::{Exit, Tally},
    search::Search,
    tail::Turn,
};
use crate::{Error, time::printable, voice};
use std::{
    ops::Bound::{Excluded, Unbounded},
    sync::{
        atomic::Ordering::Relaxed,
        mpsc::{Receiver, RecvTimeoutError},
    },
    time::{Duration, Instant},
};
use tokio::sync::oneshot;
use tracing::dispatcher::{Dispatch as Subscriber, set_default};

/// Between two checkpoints at least, and at most.
const LEAST_BETWEEN_COMMITS: Duration = Duration::from_millis(20);
const MOST_BETWEEN_COMMITS: Duration = Duration::from_secs(1);

/// Of its time a thread spends about one part in so many on checkpoints, unless the disk is very slow.
const SHARE_OF_COMMITS: u32 = 10;

/// How long to wait after a checkpoint could not be written.
const AFTER_FAULT: Duration = Duration::from_secs(5);

/// What the thread is told.
pub(super) enum Message {
    /// It is decided what became of a request; or it never will be.
    Settled(Ticket, bool),
    /// Nothing more is read; what was read is handed over before the answer.
    Halt(oneshot::Sender<()>),
    /// The end.
    Finish,
}

/// Everything that the thread has.
pub(super) struct Reader {
    name: String,
    poll_interval: Duration,
    search: Search,
    files: Files,
    cut: Cut,
    dispatch: Dispatch,
    checkpoints: Option<Checkpoints>,
    messages: Receiver<Message>,
    exit: Exit,
    buffer: Vec<u8>,
    /// The file that was read last.
    turn: Id,
    look: Instant,
    commit: Instant,
    has_failed: bool,
    is_halted: bool,
    /// Whether files were looked for since all were read.
    has_looked: bool,
    /// What the counts of this thread are: files and open ones.
    counted: (u64, u64),
}

impl Reader {
    pub(super) fn new(options: &Options, exit: Exit, messages: Receiver<Message>) -> Result<Self, Error> {
        let (checkpoints, known) = match &options.storage {
            Some(directory) => {
                let (checkpoints, known) = Checkpoints::open(options, directory)?;
                (Some(checkpoints), known)
            }
            None => (None, None),
        };
        let now = Instant::now();
        Ok(Reader {
            name: options.name.clone(),
            poll_interval: options.poll_interval,
            search: Search::new(options)?,
            files: Files::new(options, known),
            cut: Cut::new(options)?,
            dispatch: Dispatch::new(options, exit.clone())?,
            checkpoints,
            messages,
            exit,
            buffer: Vec::new(),
            turn: Id(0),
            look: now,
            commit: now,
            has_failed: false,
            is_halted: false,
            has_looked: false,
            counted: (0, 0),
        })
    }

    /// Until the end.
    pub(super) fn run(mut self) {
        // What is sent from here would come in again.
        let _quiet = set_default(&Subscriber::none());
        loop {
            let now = Instant::now();
            let mut has_more = false;
            if !self.is_halted {
                self.dispatch.tick();
                if self.look <= now {
                    self.look(now);
                }
                has_more = self.read(now);
                self.dispatch.flush(false);
                self.dispatch.send();
            }
            self.commit(now, false);
            self.count(has_more);
            let wait = if has_more { Duration::ZERO } else { self.wait(Instant::now()) };
            match self.messages.recv_timeout(wait) {
                Ok(message) => {
                    if !self.hear(message) {
                        break;
                    }
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
        }
        self.commit(Instant::now(), true);
        self.uncount();
    }

    /// Whether it goes on.
    fn hear(&mut self, message: Message) -> bool {
        let mut message = Some(message);
        while let Some(next) = message.or_else(|| self.messages.try_recv().ok()) {
            message = None;
            match next {
                Message::Settled(ticket, is_decided) => self.dispatch.settle(ticket, is_decided),
                Message::Halt(done) => {
                    // What waits for its other parts is read again, if somebody will know where it was.
                    if self.checkpoints.is_none() {
                        self.dispatch.flush(true);
                    }
                    self.dispatch.send();
                    self.is_halted = true;
                    let _ = done.send(());
                }
                Message::Finish => return false,
            }
        }
        true
    }

    fn look(&mut self, now: Instant) {
        self.look = now + self.poll_interval;
        self.has_looked = true;
        let found = self.search.look();
        for news in self.files.look(found, now) {
            voice::warn(printable(&format!("the file log {}: {news}", self.name)));
        }
        // Before anything of a new file is delivered: it may be renamed while no process looks.
        if std::mem::take(&mut self.files.is_news) {
            self.commit(now, true);
        }
    }

    /// Gives each file a turn, beginning with the one behind the last; whether there is more to read at once.
    fn read(&mut self, now: Instant) -> bool {
        let mut has_more = false;
        let waiting = self.files.predecessors(now);
        let after = self.files.tails.range((Excluded(self.turn), Unbounded));
        let ids: Vec<Id> = after.chain(self.files.tails.range(..=self.turn)).map(|(id, _)| *id).collect();
        for id in ids {
            if self.dispatch.is_full() {
                return false;
            }
            let Some(tail) = self.files.tails.get(&id) else { continue };
            if !tail.is_ready(self.files.quiet(tail), now) {
                self.files.close(id, now);
                continue;
            }
            if tail.gone.is_none() && waiting.contains(&tail.path) {
                has_more = true;
                continue;
            }
            self.turn = id;
            has_more |= self.read_one(id, now);
        }
        has_more
    }

    fn read_one(&mut self, id: Id, now: Instant) -> bool {
        match self.files.open(id, now) {
            Ok(true) => {}
            // It is not there, or another is in its place: the next look tells.
            Ok(false) => return false,
            Err(fault) => {
                self.files.shut(id, fault);
                return false;
            }
        }
        let Reader { files, cut, dispatch, buffer, exit, .. } = self;
        let Some(tail) = files.tails.get(&id) else { return false };
        let quiet = files.quiet(tail);
        let Some(tail) = files.tails.get_mut(&id) else { return false };
        let labels = tail.labels.clone();
        let Tally { bytes, entries, .. } = exit.tally();
        let turn = tail.read(cut, quiet, now, buffer, &mut |text, range| {
            bytes.fetch_add(range.end - range.start, Relaxed);
            entries.fetch_add(1, Relaxed);
            dispatch.entry(text, id, range, &labels);
        });
        match turn {
            Ok(Turn::Replaced) => {
                self.files.replaced(id, now);
                true
            }
            Ok(turn) => {
                if !self.files.learn(id).unwrap_or(true) {
                    self.files.replaced(id, now);
                }
                turn == Turn::More
            }
            Err(fault) => {
                self.files.shut(id, fault);
                false
            }
        }
    }

    /// How long there is nothing to do.
    fn wait(&self, now: Instant) -> Duration {
        let mut due = (!self.is_halted).then_some(self.look);
        let mut soonest = |other: Option<Instant>| due = [due, other].into_iter().flatten().min();
        soonest(self.dispatch.due().filter(|_| !self.is_halted));
        soonest(self.checkpoints.as_ref().filter(|_| self.dispatch.is_news).map(|_| self.commit));
        due.map_or(self.poll_interval, |due| due.saturating_duration_since(now))
    }

    /// Writes down how far files are read, if that is due.
    fn commit(&mut self, now: Instant, at_once: bool) {
        let is_due = at_once || self.dispatch.is_news && self.commit <= now;
        let Some(checkpoints) = self.checkpoints.as_mut().filter(|_| is_due) else { return };
        self.dispatch.is_news = false;
        let began = Instant::now();
        let pause = match checkpoints.write(&self.files.tails, self.dispatch.open()) {
            Ok(is_new) => {
                self.exit.tally().commits.fetch_add(u64::from(is_new), Relaxed);
                self.has_failed = false;
                (began.elapsed() * SHARE_OF_COMMITS).clamp(LEAST_BETWEEN_COMMITS, MOST_BETWEEN_COMMITS)
            }
            Err(fault) => {
                self.dispatch.is_news = true;
                if !std::mem::replace(&mut self.has_failed, true) {
                    let words = "it cannot be written down how far files are read";
                    voice::warn(printable(&format!("the file log {}: {words}: {fault}", self.name)));
                }
                AFTER_FAULT
            }
        };
        self.commit = Instant::now() + pause;
    }

    /// Corrects the counts by what changed here: other threads count too.
    fn count(&mut self, has_more: bool) {
        let now = (self.files.tails.len() as u64, self.files.opened() as u64);
        let Tally { files, open, rounds, .. } = self.exit.tally();
        if !has_more && std::mem::take(&mut self.has_looked) {
            rounds.fetch_add(1, Relaxed);
        }
        files.fetch_add(now.0.wrapping_sub(self.counted.0), Relaxed);
        open.fetch_add(now.1.wrapping_sub(self.counted.1), Relaxed);
        self.counted = now;
    }

    fn uncount(&self) {
        let Tally { files, open, .. } = self.exit.tally();
        files.fetch_sub(self.counted.0, Relaxed);
        open.fetch_sub(self.counted.1, Relaxed);
    }
}
