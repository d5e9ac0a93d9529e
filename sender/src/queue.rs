//! The queue before a destination, and the one task that empties it.

mod batch; // how much is sent as one
mod receipt; // what becomes of one request
mod state; // what waits, and what became of the rest
mod shared; // … with those who wait for it
mod line; // … and with its tasks
mod worker; // one attempt after the other
mod passing; // what goes another way
mod keeper; // to disk, and from it

use crate::{
    Destination, Disk, Error, Signal, Stats, Unsent,
    balance::Group,
    disk::Store,
    transport::{MAX_REQUEST_BYTES, Transport},
};
pub use batch::Batch;
use bytes::Bytes;
pub(crate) use line::{Flushing, Line};
pub use receipt::{Receipt, Undelivered, Until};
pub(crate) use shared::{Shared, Watcher};
use std::{fmt, sync::Arc, time::Duration};

/// Room for about 30,000 spans of usual size: minutes of an outage, little beside a service's own memory.
pub const DEFAULT_QUEUE_BYTES: usize = 16 << 20;
/// The part of the limit of a close that is kept for the disk: a quarter, but no more than this.
pub(crate) const MOST_FOR_DISK: Duration = Duration::from_secs(1);
/// What the disk is given in any case: to write what memory holds takes a part of it.
pub(crate) const LEAST_FOR_DISK: Duration = Duration::from_millis(200);

/// Who waits for longer waits for this: an instant of any distance cannot be named.
const LONGEST_WAIT: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// One encoded `Export…ServiceRequest`.
#[derive(Clone, Debug)]
pub struct Request {
    /// How many spans, data points or log records the body holds.
    pub items: u64,
    /// The protobuf bytes.
    pub body: Bytes,
}

/// What a sender may keep.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Bytes of requests in memory, the one under way among them. Default: [`DEFAULT_QUEUE_BYTES`].
    pub queue_bytes: usize,
    /// Where requests wait that cannot be sent for now. A local destination has no use for it. Default: `None`,
    /// they wait in memory.
    pub disk: Option<Disk>,
    /// How much of what waits is sent as one request. Default: `None`, each request alone and at once.
    pub batch: Option<Batch>,
    /// How the parts of a request for a [`Balance`](crate::Balance) are held. Default: as they are.
    pub hold: Hold,
}

/// Makes what is held in memory of bytes that a sender makes itself: for who counts it.
#[derive(Clone, Default)]
pub struct Hold(Option<Arc<dyn Fn(Vec<u8>) -> Bytes + Send + Sync>>);

impl Hold {
    /// Held as this says, which must keep the bytes as they are.
    pub fn by(hold: impl Fn(Vec<u8>) -> Bytes + Send + Sync + 'static) -> Self {
        Hold(Some(Arc::new(hold)))
    }

    pub(crate) fn hold(&self, bytes: Vec<u8>) -> Bytes {
        match &self.0 {
            Some(hold) => hold(bytes),
            None => bytes.into(),
        }
    }
}

impl fmt::Debug for Hold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hold")
    }
}

impl Default for Limits {
    fn default() -> Self {
        Limits { queue_bytes: DEFAULT_QUEUE_BYTES, disk: None, batch: None, hold: Hold::default() }
    }
}

impl Limits {
    /// Whether there is room for a request of so many bytes beside others in memory, or why not.
    pub(crate) fn room_beside(&self, held: usize, bytes: usize) -> Result<(), String> {
        let most = self.queue_bytes;
        Err(match () {
            () if bytes > MAX_REQUEST_BYTES => {
                format!("a request of {bytes} bytes is larger than OTLP allows, which is {MAX_REQUEST_BYTES}")
            }
            () if bytes > most => format!("a request of {bytes} bytes is larger than the queue of {most}"),
            () if held + bytes > most => format!("the queue of {most} bytes is full"),
            () => return Ok(()),
        })
    }
}

/// The way of one signal to one destination. See the [crate's page](crate).
///
/// Dropped without a close, it writes what it can to its disk; what is then in memory is lost.
#[derive(Debug)]
pub struct Sender {
    destination: Destination,
    way: Way,
}

#[derive(Debug)]
enum Way {
    One(Line),
    Many(Arc<Group>),
}

impl Sender {
    /// Starts the task that sends; must be called in a Tokio runtime with time and IO, where the task lives. What an
    /// earlier process left on disk for the destination is queued before all else.
    ///
    /// # Errors
    /// If the URL is incomplete, the protocol or TLS was not compiled in, the root certificates cannot be read, or
    /// the directory of the disk cannot be used; of a balance, also as [`Balance`](crate::Balance) says. Nothing is sent
    /// here.
    pub fn start(signal: Signal, destination: Destination, mut limits: Limits) -> Result<Self, Error> {
        if let Some(batch) = &mut limits.batch {
            batch.delay = batch.delay.min(LONGEST_WAIT);
        }
        if let Destination::Balanced(balance) = &destination {
            let way = Way::Many(Group::start(signal, balance.clone(), limits)?);
            return Ok(Sender { destination, way });
        }
        let transport = Transport::new(signal, &destination)?;
        let disk = limits.disk.as_ref().filter(|_| matches!(destination, Destination::Remote(_)));
        let kept = disk.map(|disk| Store::open(disk, signal, &destination)).transpose()?;
        let line =
            Line::start(signal, destination.clone(), limits, kept, |shared| shared.work(transport, None));
        Ok(Sender { destination, way: Way::One(line) })
    }

    /// Where this sender sends.
    pub fn destination(&self) -> &Destination {
        &self.destination
    }

    /// What the start found on disk that an operator should know, one line each.
    pub fn notices(&self) -> &[String] {
        match &self.way {
            Way::One(line) => line.notices(),
            Way::Many(group) => group.notices(),
        }
    }

    /// Tells of every request that is delivered or refused from now on, all attempts together: how long it was here,
    /// and whether something in it was refused. Called where the sender's tasks run: must not block. Only the first
    /// call counts.
    pub fn watch(&self, watcher: impl Fn(Duration, bool) + Send + Sync + 'static) {
        let watcher = Watcher(Arc::new(watcher));
        match &self.way {
            Way::One(line) => line.watch(watcher),
            Way::Many(group) => group.watch(watcher),
        }
    }

    /// Queues a request; never waits. A request without items is not sent (O-038).
    pub fn send(&self, request: Request) {
        match &self.way {
            _ if request.items == 0 => {}
            Way::One(line) => line.send(request),
            Way::Many(group) => group.send(request),
        }
    }

    /// Queues a request, or tells why not: then it is not counted either, and whoever has it may come again. The receipt
    /// tells when it is as far as it should be. A request without items is not sent (O-038).
    ///
    /// # Errors
    /// If the queue is full, the request is larger than what may be queued, or the sender is closed.
    pub fn submit(&self, request: Request, until: Until) -> Result<Receipt, Error> {
        match &self.way {
            Way::One(line) => line.submit(request, until),
            Way::Many(group) => group.submit(request, until),
        }
    }

    /// Whether a request of so many bytes would be queued now.
    ///
    /// # Errors
    /// If it would not be; as [`Sender::submit`].
    pub fn has_room(&self, bytes: usize) -> Result<(), Error> {
        match &self.way {
            Way::One(line) => line.has_room(bytes),
            Way::Many(group) => group.has_room(bytes),
        }
    }

    /// Waits until all that was queued before this call has been answered, at most for `limit`.
    ///
    /// # Errors
    /// If something was refused or dropped meanwhile, or is still queued at the limit; it then stays queued.
    pub async fn flush(&self, limit: Duration) -> Result<(), Unsent> {
        self.flush_since(self.mark(), limit).await
    }

    /// The point from which [`Sender::flush_since`] counts what was lost.
    pub fn mark(&self) -> Mark {
        Mark { lost: self.stats().lost() }
    }

    /// As [`Sender::flush`], and an error also if something was refused or dropped since the mark was taken.
    ///
    /// # Errors
    /// As [`Sender::flush`].
    pub async fn flush_since(&self, mark: Mark, limit: Duration) -> Result<(), Unsent> {
        let limit = limit.min(LONGEST_WAIT);
        let all_settled = match &self.way {
            Way::One(line) => line.all_settled(limit).await,
            Way::Many(group) => group.all_settled(limit).await,
        };
        let stats = self.stats();
        stats.unsent(mark.lost, if all_settled { 0 } else { stats.queued })
    }

    /// Flushes within the limit, then stops. What is still queued goes to disk, where the next start finds it;
    /// without a disk it is lost and counted as dropped.
    ///
    /// # Errors
    /// If something was refused or lost since the mark was taken.
    pub async fn close_since(&self, mark: Mark, limit: Duration) -> Result<(), Unsent> {
        let limit = limit.min(LONGEST_WAIT);
        match &self.way {
            Way::One(line) => line.close(limit).await,
            Way::Many(group) => group.close(limit).await,
        }
        self.stats().unsent(mark.lost, 0)
    }

    /// Stops at once. What is still queued goes to disk if that is done in a moment; else it is lost and counted as
    /// dropped.
    pub fn abandon(&self) {
        match &self.way {
            Way::One(line) => line.abandon(),
            Way::Many(group) => group.abandon(),
        }
    }

    /// What became of the items so far; of a balance, at all its members together, those that are gone among them.
    pub fn stats(&self) -> Stats {
        match &self.way {
            Way::One(line) => line.stats(),
            Way::Many(group) => group.stats(),
        }
    }

    /// Of a [`Balance`](crate::Balance): what became of the items that are at each member now, and behind them what waits
    /// for one to be there. Else empty.
    pub fn members(&self) -> Vec<Stats> {
        match &self.way {
            Way::One(_) => Vec::new(),
            Way::Many(group) => group.members(),
        }
    }
}

/// A moment in the life of a [`Sender`].
#[derive(Clone, Copy, Debug)]
pub struct Mark {
    lost: u64,
}
