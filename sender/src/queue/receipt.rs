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
    /// `None`: it is told already.
    settled: Option<oneshot::Receiver<Result<(), String>>>,
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
    /// Completes when the request is as far as was asked for.
    ///
    /// # Errors
    /// If it never will be.
    pub async fn settled(self) -> Result<(), Undelivered> {
        match self.settled {
            None => Ok(()),
            Some(settled) => match settled.await {
                Ok(settled) => settled.map_err(Undelivered::Refused),
                Err(_) => Err(Undelivered::Undecided),
            },
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
        return (None, Receipt { settled: None });
    }
    let (settle, settled) = oneshot::channel();
    (Some(Settling { until, settle }), Receipt { settled: Some(settled) })
}
