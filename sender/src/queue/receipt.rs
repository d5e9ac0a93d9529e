//! What becomes of one request, for whoever handed it over.

use tokio::sync::oneshot;

/// How far a request must be until whoever handed it over is told so.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Until {
    /// In the queue, in memory. It is lost with the process, unless it was written to disk by then.
    #[default]
    Queued,
    /// Written through to disk, or delivered: it outlives the process. Without a disk: delivered.
    OnDisk,
    /// Taken by the destination.
    Delivered,
}

/// Tells what became of a request that a [`Sender`](crate::Sender) took. Dropped, it changes nothing: the request goes on.
#[derive(Debug)]
pub struct Receipt {
    /// Of the request, or of each of its parts; none: it is told already.
    settled: Vec<oneshot::Receiver<Result<(), String>>>,
}

/// Why a request is not where it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Undelivered {
    /// The destination refused it for good: the cause in words.
    Refused(String),
    /// The sender ended before it was decided. The request may have been taken.
    Undecided,
}

impl Receipt {
    /// The receipt of a request in parts.
    pub(crate) fn of_parts(receipts: impl IntoIterator<Item = Receipt>) -> Self {
        Receipt { settled: receipts.into_iter().flat_map(|receipt| receipt.settled).collect() }
    }

    /// Completes when the request is as far as was asked for.
    ///
    /// # Errors
    /// If it never will be. A request of which a part was taken is not refused.
    pub async fn settled(self) -> Result<(), Undelivered> {
        let (parts, mut refused, mut is_undecided) = (self.settled.len(), Vec::new(), false);
        for settled in self.settled {
            match settled.await {
                Ok(Ok(())) => {}
                Ok(Err(cause)) => refused.push(cause),
                Err(_) => is_undecided = true,
            }
        }
        match refused.pop() {
            _ if is_undecided => Err(Undelivered::Undecided),
            Some(cause) if refused.len() + 1 == parts => Err(Undelivered::Refused(cause)),
            _ => Ok(()),
        }
    }
}

/// The other end of a receipt. Dropped, it says that nothing was decided.
#[derive(Debug)]
pub(super) struct Settling {
    pub(super) until: Until,
    settle: oneshot::Sender<Result<(), String>>,
}

impl Settling {
    pub(super) fn settle(self, settled: Result<(), String>) {
        // Nobody may wait any more.
        let _ = self.settle.send(settled);
    }
}

/// Both ends.
pub(super) fn receipt(until: Until) -> (Option<Settling>, Receipt) {
    if until == Until::Queued {
        return (None, Receipt { settled: Vec::new() });
    }
    let (settle, settled) = oneshot::channel();
    (Some(Settling { until, settle }), Receipt { settled: vec![settled] })
}
