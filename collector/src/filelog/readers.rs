//! The threads that read files, one for each of the options, and their way into the collector.

use super::{
    Options,
    ledger::Ticket,
    reader::{Message, Reader},
};
use crate::{
    Error,
    intake::{Intake, Refusal},
    plan::Source,
    process::Client,
};
use bytes::Bytes;
use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
        mpsc,
    },
    thread::{self, JoinHandle},
    time::Duration,
};
use throughline_sender::Signal;
use tokio::{
    runtime::Handle,
    sync::{oneshot, watch},
    time::timeout,
};

/// How long the end waits for a thread that reads: no longer than a file system that hangs.
const PATIENCE: Duration = Duration::from_secs(1);

/// What is counted of files.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) files: AtomicU64,
    pub(crate) open: AtomicU64,
    pub(crate) bytes: AtomicU64,
    pub(crate) entries: AtomicU64,
    pub(crate) commits: AtomicU64,
    pub(crate) refused: AtomicU64,
    /// How often all files were looked for, and read as far as there is room for what they hold.
    pub(crate) rounds: AtomicU64,
}

/// All of them. Dropped, they end without delivering anything more.
pub(crate) struct Readers {
    threads: Vec<Thread>,
    /// Requests of which it is not known yet what became.
    undecided: watch::Receiver<usize>,
}

struct Thread {
    inbox: mpsc::Sender<Message>,
    handle: Option<JoinHandle<()>>,
}

/// The way into the collector, and back.
#[derive(Clone)]
pub(super) struct Exit {
    intake: Arc<Intake>,
    source: Source,
    runtime: Handle,
    inbox: mpsc::Sender<Message>,
    undecided: Arc<watch::Sender<usize>>,
}

impl Readers {
    /// Must be called in the runtime where the ways out live.
    pub(crate) fn start(file_logs: &[Options], intake: &Arc<Intake>) -> Result<Self, Error> {
        let (count, undecided) = watch::channel(0);
        let count = Arc::new(count);
        let mut readers = Readers { threads: Vec::new(), undecided };
        for options in file_logs {
            options.check()?;
            let (inbox, messages) = mpsc::channel();
            let exit = Exit {
                intake: Arc::clone(intake),
                source: intake.source(&options.name),
                runtime: Handle::current(),
                inbox: inbox.clone(),
                undecided: Arc::clone(&count),
            };
            if let Err(Refusal::Unserved(_)) = intake.admit(Signal::Logs, exit.source, 0) {
                let words = "no pipeline of logs has it as a source; name it in one";
                return Err(Error::file_log(&options.name, words.to_owned()));
            }
            let reader = Reader::new(options, exit, messages)?;
            let named = thread::Builder::new().name("throughline-files".to_owned());
            let handle = named.spawn(|| reader.run()).map_err(Error::thread)?;
            readers.threads.push(Thread { inbox, handle: Some(handle) });
        }
        Ok(readers)
    }

    /// Reads nothing more, and hands over what was read.
    pub(crate) async fn halt(&self) {
        for thread in &self.threads {
            let (done, is_done) = oneshot::channel();
            if thread.inbox.send(Message::Halt(done)).is_ok() {
                let _ = timeout(PATIENCE, is_done).await;
            }
        }
    }

    /// Writes down what was delivered, and ends. The ways out are closed by then, so that it is known of all.
    pub(crate) async fn finish(&mut self) {
        let _ = timeout(PATIENCE, self.undecided.wait_for(|undecided| *undecided == 0)).await;
        self.end();
    }

    fn end(&mut self) {
        for thread in &self.threads {
            let _ = thread.inbox.send(Message::Finish);
        }
        for thread in &mut self.threads {
            // It could only have panicked.
            let _ = thread.handle.take().map(JoinHandle::join);
        }
    }
}

impl Drop for Readers {
    fn drop(&mut self) {
        self.end();
    }
}

impl Exit {
    /// The largest request that is taken.
    pub(super) fn largest(&self) -> usize {
        self.intake.max_request_bytes
    }

    pub(super) fn tally(&self) -> &Tally {
        self.intake.files()
    }

    /// Hands a request over; a message tells when it is decided what became of it.
    pub(super) fn hand(&self, ticket: Ticket, request: &Bytes) -> Result<(), Refusal> {
        self.intake.admit(Signal::Logs, self.source, request.len())?;
        let mut reservation = self.intake.reserve();
        let nobody = Client::default();
        let (_, promise) = self.intake.take(Signal::Logs, self.source, request, &nobody, &mut reservation)?;
        self.undecided.send_modify(|undecided| *undecided += 1);
        let (inbox, undecided) = (self.inbox.clone(), Arc::clone(&self.undecided));
        self.runtime.spawn(async move {
            let is_decided = promise.decided().await;
            let _ = inbox.send(Message::Settled(ticket, is_decided));
            undecided.send_modify(|undecided| *undecided -= 1);
        });
        Ok(())
    }

    /// Counts a request that will never be taken.
    pub(super) fn refused(&self, refusal: &Refusal) {
        self.intake.count(refusal);
        self.tally().refused.fetch_add(1, Relaxed);
    }
}
